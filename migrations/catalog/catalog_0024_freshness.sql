-- Views with a max age whose newest row is older than it, and of which that was told.
CREATE TABLE freshness_lost (
    view    INTEGER PRIMARY KEY, -- its id
    project TEXT NOT NULL,
    name    TEXT NOT NULL,
    since   INTEGER NOT NULL
) STRICT;
