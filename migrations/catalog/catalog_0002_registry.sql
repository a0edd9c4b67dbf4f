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
    UNIQUE (run, name, step, time, bits)
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
    PRIMARY KEY (model, version, name),
    FOREIGN KEY (model, version) REFERENCES model_version
) STRICT, WITHOUT ROWID;

-- The one version in a stage (null: it is empty), and the one to which a rollback returns.
CREATE TABLE stage_holder (
    model    INTEGER NOT NULL REFERENCES model,
    stage    TEXT NOT NULL,
    version  INTEGER,
    since    INTEGER NOT NULL,
    previous INTEGER,
    PRIMARY KEY (model, stage),
    FOREIGN KEY (model, version) REFERENCES model_version,
    FOREIGN KEY (model, previous) REFERENCES model_version
) STRICT, WITHOUT ROWID;

CREATE TABLE stage_transition (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    model      INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    act        TEXT NOT NULL, -- promote, rollback
    from_stage TEXT NOT NULL,
    to_stage   TEXT NOT NULL,
    displaced  INTEGER,
    revision   INTEGER NOT NULL,
    time       INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    reason     TEXT NOT NULL,
    verdict    TEXT NOT NULL, -- JSON list of the rules and what they said
    FOREIGN KEY (model, version) REFERENCES model_version
) STRICT;
CREATE INDEX stage_transition_of_model ON stage_transition (model, to_stage, version, number);

CREATE TRIGGER model_version_stays BEFORE UPDATE OF
    model, number, run, training_set, service, service_version, code_revision, description, registered,
    actor ON model_version
BEGIN SELECT RAISE(ABORT, 'a model version never changes'); END;
CREATE TRIGGER version_artifact_stays BEFORE UPDATE ON version_artifact
BEGIN SELECT RAISE(ABORT, 'a model version never changes'); END;
CREATE TRIGGER run_param_stays BEFORE UPDATE ON run_param
BEGIN SELECT RAISE(ABORT, 'a param is written once'); END;
CREATE TRIGGER stage_transition_stays BEFORE UPDATE ON stage_transition
BEGIN SELECT RAISE(ABORT, 'a stage transition never changes'); END;
CREATE TRIGGER stage_transition_remains BEFORE DELETE ON stage_transition
BEGIN SELECT RAISE(ABORT, 'a stage transition is never removed'); END;
