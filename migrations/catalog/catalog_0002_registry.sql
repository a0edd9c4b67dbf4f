-- Runs, training sets, models and their versions. Times are microseconds since 1970 UTC. A metric's value
-- is kept as the bits of its float64, because SQLite turns NaN into NULL.

CREATE TABLE registry_state (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO registry_state VALUES (1, 0);

CREATE TABLE training_set (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT NOT NULL UNIQUE,
    project         TEXT NOT NULL,
    service         TEXT NOT NULL,
    service_version INTEGER NOT NULL,
    log_entry       INTEGER NOT NULL,
    digest          BLOB NOT NULL,
    spine_digest    BLOB NOT NULL,
    spine_artifact  BLOB NOT NULL,
    row_count       INTEGER NOT NULL,
    made            INTEGER NOT NULL,
    actor           TEXT NOT NULL,
    detail          TEXT NOT NULL, -- JSON: schema, columns, options, reports
    blanked_rows    INTEGER NOT NULL DEFAULT 0 -- rows of the spine that deletion has blanked
) STRICT;
CREATE INDEX training_set_of_project ON training_set (project, number);
CREATE INDEX training_set_of_spine ON training_set (spine_artifact);

-- Spines that were replaced; a row goes when the file is gone.
CREATE TABLE discarded_artifact (
    digest BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    project       TEXT NOT NULL,
    experiment    TEXT NOT NULL,
    name          TEXT NOT NULL,
    status        TEXT NOT NULL,
    started       INTEGER NOT NULL,
    ended         INTEGER,
    training_set  TEXT REFERENCES training_set (id),
    code_revision TEXT NOT NULL,
    actor         TEXT NOT NULL
) STRICT;
CREATE INDEX run_of_project ON run (project, number);
CREATE INDEX run_of_experiment ON run (project, experiment, number);

CREATE TABLE run_param (
    run   INTEGER NOT NULL REFERENCES run,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_tag (
    run   INTEGER NOT NULL REFERENCES run,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_metric (
    number INTEGER PRIMARY KEY,
    run    INTEGER NOT NULL REFERENCES run,
    name   TEXT NOT NULL,
    step   INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    bits   INTEGER NOT NULL,
    data_set TEXT NOT NULL, -- what it was measured on; empty: not said
    UNIQUE (run, name, data_set, step, time, bits)
) STRICT;

CREATE TABLE model (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    project  TEXT NOT NULL,
    name     TEXT NOT NULL,
    revision INTEGER NOT NULL,
    UNIQUE (project, name)
) STRICT;

-- Everything but the stage never changes.
CREATE TABLE model_version (
    model           INTEGER NOT NULL REFERENCES model,
    number          INTEGER NOT NULL,
    stage           TEXT NOT NULL,
    run             TEXT NOT NULL REFERENCES run (id),
    training_set    TEXT REFERENCES training_set (id),
    service         TEXT,
    service_version INTEGER,
    code_revision   TEXT NOT NULL,
    description     TEXT NOT NULL,
    registered      INTEGER NOT NULL,
    actor           TEXT NOT NULL,
    PRIMARY KEY (model, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE version_artifact (
    model    INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    digest   BLOB NOT NULL,
    bytes    INTEGER NOT NULL,
    PRIMARY KEY (model, version, position),
    FOREIGN KEY (model, version) REFERENCES model_version
) STRICT, WITHOUT ROWID;

CREATE TABLE version_param (
    model   INTEGER NOT NULL,
    version INTEGER NOT NULL,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (model, version, key),
    FOREIGN KEY (model, version) REFERENCES model_version
) STRICT, WITHOUT ROWID;

CREATE TABLE version_tag (
    model   INTEGER NOT NULL,
    version INTEGER NOT NULL,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (model, version, key),
    FOREIGN KEY (model, version) REFERENCES model_version
) STRICT, WITHOUT ROWID;

CREATE TABLE version_metric (
    model   INTEGER NOT NULL,
    version INTEGER NOT NULL,
    name    TEXT NOT NULL,
    step    INTEGER NOT NULL,
    time    INTEGER NOT NULL,
    bits    INTEGER NOT NULL,
    data_set TEXT NOT NULL,
    PRIMARY KEY (model, version, name, data_set),
    FOREIGN KEY (model, version) REFERENCES model_version
) STRICT, WITHOUT ROWID;

-- When versions held stages; those without an end hold them now. A version holds a stage once at a time.
CREATE TABLE stage_tenure (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    model   INTEGER NOT NULL,
    stage   TEXT NOT NULL,
    version INTEGER NOT NULL,
    since   INTEGER NOT NULL,
    until   INTEGER,
    FOREIGN KEY (model, version) REFERENCES model_version
) STRICT;
CREATE UNIQUE INDEX stage_holder ON stage_tenure (model, stage, version) WHERE until IS NULL;
CREATE INDEX stage_tenure_by_time ON stage_tenure (model, stage, since);

-- To whom a rollback of a stage returns.
CREATE TABLE stage_memory (
    model    INTEGER NOT NULL REFERENCES model,
    stage    TEXT NOT NULL,
    previous INTEGER,
    PRIMARY KEY (model, stage),
    FOREIGN KEY (model, previous) REFERENCES model_version
) STRICT, WITHOUT ROWID;

CREATE TABLE stage_transition (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    model      INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    act        TEXT NOT NULL, -- promote, rollback
    from_stage TEXT NOT NULL,
    to_stage   TEXT NOT NULL,
    displaced  INTEGER, -- the newest of the holders that gave way
    revision   INTEGER NOT NULL,
    time       INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    gate       INTEGER, -- the version of the gate that let it pass; null: there was none
    verdict    TEXT NOT NULL, -- JSON list of the rules and what they said
    FOREIGN KEY (model, version) REFERENCES model_version
) STRICT;
CREATE INDEX stage_transition_of_model ON stage_transition (model, to_stage, version, number);
CREATE INDEX stage_transition_in_order ON stage_transition (model, number);

CREATE TRIGGER model_version_stays BEFORE UPDATE OF
    model, number, run, training_set, service, service_version, code_revision, description, registered,
    actor ON model_version
BEGIN SELECT RAISE(ABORT, 'a model version never changes'); END;
CREATE TRIGGER version_artifact_stays BEFORE UPDATE ON version_artifact
BEGIN SELECT RAISE(ABORT, 'a model version never changes'); END;
CREATE TRIGGER run_param_stays BEFORE UPDATE ON run_param
BEGIN SELECT RAISE(ABORT, 'a param is written once'); END;
CREATE TRIGGER stage_tenure_stays BEFORE UPDATE OF number, model, stage, version, since ON stage_tenure
BEGIN SELECT RAISE(ABORT, 'what a version held stays'); END;
CREATE TRIGGER stage_tenure_ends_once BEFORE UPDATE OF until ON stage_tenure WHEN OLD.until IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'what a version held stays'); END;
CREATE TRIGGER stage_tenure_remains BEFORE DELETE ON stage_tenure
BEGIN SELECT RAISE(ABORT, 'what a version held stays'); END;
CREATE TRIGGER stage_transition_stays BEFORE UPDATE ON stage_transition
BEGIN SELECT RAISE(ABORT, 'a stage transition never changes'); END;
CREATE TRIGGER stage_transition_remains BEFORE DELETE ON stage_transition
BEGIN SELECT RAISE(ABORT, 'a stage transition is never removed'); END;
