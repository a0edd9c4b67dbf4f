-- How what came is distributed: of each hour that is over one profile of what every view took in, by when it was
-- recorded, and of what every version of a model was served. Sources/Profiles.

CREATE TABLE profile_hour (
    id INTEGER PRIMARY KEY,
    -- `view/ID`, or `model/PROJECT/NAME`.
    subject TEXT NOT NULL,
    -- Of the model; of a view 0.
    version INTEGER NOT NULL,
    -- Microseconds: an hour, unless the server was told otherwise.
    start INTEGER NOT NULL,
    span INTEGER NOT NULL,
    -- Of a view: the log entries whose rows it has, both ends. Of a model null.
    first_entry INTEGER,
    last_entry INTEGER,
    rows INTEGER NOT NULL,
    -- 1: its rows are gone by retention, and what fewer than ten of them had.
    is_coarse INTEGER NOT NULL,
    -- 1: rows were forgotten or retracted; made coarse then, it is to be made again of those that are left.
    is_touched INTEGER NOT NULL,
    -- Statistics/Profiles/ProfileBytes.
    bytes BLOB NOT NULL,
    UNIQUE (subject, start, version)
) STRICT;
CREATE INDEX profile_hour_touched ON profile_hour (id) WHERE is_touched = 1;

-- How far each subject has come.
CREATE TABLE profile_cursor (
    subject TEXT PRIMARY KEY,
    -- Of a model: what was served before it is in a profile.
    start INTEGER NOT NULL,
    -- The end of the hour that is being made; a vector that comes from before it puts `start` back.
    building INTEGER NOT NULL,
    -- Of a view: rows of log entries up to it are in a profile.
    entry INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE profile_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- Counts deletions: a profile that was begun before one is not kept.
    touches INTEGER NOT NULL,
    -- Retractions up to this log entry are followed.
    change INTEGER NOT NULL,
    -- Likewise retention.
    retention INTEGER NOT NULL
) STRICT;
INSERT INTO profile_state (id, touches, change, retention) VALUES (1, 0, 0, 0);
