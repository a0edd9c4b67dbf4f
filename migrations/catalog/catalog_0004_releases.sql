-- Stages of a model's own, aliases, approvals, what is known of training sets, and the events of all that.

CREATE TABLE model_stage (
    project TEXT NOT NULL REFERENCES project,
    model   TEXT NOT NULL,
    stage   TEXT NOT NULL,
    holders INTEGER NOT NULL, -- at once
    PRIMARY KEY (project, model, stage)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_alias (
    model     INTEGER NOT NULL REFERENCES model,
    name      TEXT NOT NULL,
    version   INTEGER NOT NULL,
    protected INTEGER NOT NULL,
    since     INTEGER NOT NULL,
    actor     TEXT NOT NULL,
    PRIMARY KEY (model, name),
    FOREIGN KEY (model, version) REFERENCES model_version
) STRICT, WITHOUT ROWID;
CREATE INDEX model_alias_of_version ON model_alias (model, version);

-- One of each actor for each stage of a version.
CREATE TABLE approval (
    model   INTEGER NOT NULL,
    version INTEGER NOT NULL,
    stage   TEXT NOT NULL,
    actor   TEXT NOT NULL,
    roles   TEXT NOT NULL, -- JSON list: what the actor had then
    time    INTEGER NOT NULL,
    reason  TEXT NOT NULL,
    PRIMARY KEY (model, version, stage, actor),
    FOREIGN KEY (model, version) REFERENCES model_version
) STRICT, WITHOUT ROWID;

-- What became of making a training set again, when that was last tried.
CREATE TABLE reproduction (
    training_set TEXT PRIMARY KEY REFERENCES training_set (id),
    state        TEXT NOT NULL, -- complete, incomplete, damaged
    log_entry    INTEGER NOT NULL,
    time         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The one sequence of what watches tell, without gaps.
CREATE TABLE registry_event (
    revision INTEGER PRIMARY KEY,
    project  TEXT NOT NULL,
    model    TEXT NOT NULL,
    time     INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    version  INTEGER NOT NULL,
    stage    TEXT,
    other    TEXT,
    alias    TEXT,
    actor    TEXT NOT NULL
) STRICT;
CREATE INDEX registry_event_of_model ON registry_event (project, model, revision);

CREATE TRIGGER approval_stays BEFORE UPDATE ON approval
BEGIN SELECT RAISE(ABORT, 'an approval never changes'); END;
CREATE TRIGGER approval_remains BEFORE DELETE ON approval
BEGIN SELECT RAISE(ABORT, 'an approval is never removed'); END;
CREATE TRIGGER registry_event_stays BEFORE UPDATE ON registry_event
BEGIN SELECT RAISE(ABORT, 'an event never changes'); END;
CREATE TRIGGER registry_event_remains BEFORE DELETE ON registry_event
BEGIN SELECT RAISE(ABORT, 'an event is never removed'); END;
