-- Rows of logged reads that were refused for a version of a model: as many of them as would have been kept.
CREATE TABLE served_refused (
    project TEXT NOT NULL,
    model TEXT NOT NULL,
    version INTEGER NOT NULL,
    -- Microseconds: a second of the last hour, or a minute.
    at INTEGER NOT NULL,
    rows REAL NOT NULL,
    PRIMARY KEY (project, model, version, at)
) STRICT, WITHOUT ROWID;

-- Its rows are gone, and some of them were retracted or forgotten since: it counts what is no more.
ALTER TABLE profile_hour ADD COLUMN is_stale INTEGER NOT NULL DEFAULT 0;
