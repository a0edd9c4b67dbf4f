-- What the server looks at again and again, by how often it was defined anew.

CREATE TABLE monitor (
    project    TEXT NOT NULL,
    name       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    retired    INTEGER NOT NULL,
    definition TEXT NOT NULL, -- JSON
    PRIMARY KEY (project, name, version)
) STRICT, WITHOUT ROWID;

-- Where each of them stands, since its last look.
CREATE TABLE monitor_state (
    project      TEXT NOT NULL,
    name         TEXT NOT NULL,
    version      INTEGER NOT NULL, -- of the monitor that was looked at
    state        TEXT NOT NULL,    -- ok, pending, firing, resolved, cannot tell
    since        INTEGER NOT NULL,
    firing_since INTEGER,          -- of an alarm that has not ended
    evaluated    INTEGER NOT NULL,
    value        REAL,
    threshold    REAL,
    rows         INTEGER NOT NULL,
    reason       TEXT NOT NULL,
    PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;
