-- Definitions. Ids come from AUTOINCREMENT, so that none is ever used twice in a data directory.
-- Spans and times are microseconds; types are written as in definitions files.

CREATE TABLE catalog_state (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO catalog_state VALUES (1, 0);

CREATE TABLE project (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE entity (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL REFERENCES project,
    name    TEXT NOT NULL,
    UNIQUE (project, name)
) STRICT;

CREATE TABLE entity_key (
    entity   INTEGER NOT NULL REFERENCES entity,
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    type     TEXT NOT NULL,
    PRIMARY KEY (entity, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE view (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    project             TEXT NOT NULL REFERENCES project,
    name                TEXT NOT NULL,
    entity              INTEGER NOT NULL REFERENCES entity,
    lookback            INTEGER,
    max_age             INTEGER,
    event_time_column   TEXT NOT NULL,
    created_time_column TEXT,
    owner               TEXT NOT NULL,
    description         TEXT NOT NULL,
    retired             INTEGER NOT NULL DEFAULT 0,
    -- What is kept of its history; both null: everything.
    retention_age       INTEGER,
    retention_rows_per_key INTEGER,
    UNIQUE (project, name)
) STRICT;

CREATE TABLE feature (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    view     INTEGER NOT NULL REFERENCES view,
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    type     TEXT NOT NULL,
    UNIQUE (view, position)
) STRICT;

-- Every stored row names the layout it was written with; layouts never change.
CREATE TABLE row_layout (
    view     INTEGER NOT NULL REFERENCES view,
    version  INTEGER NOT NULL,
    position INTEGER NOT NULL,
    feature  INTEGER NOT NULL REFERENCES feature,
    type     TEXT NOT NULL,
    PRIMARY KEY (view, version, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE service (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project     TEXT NOT NULL REFERENCES project,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    retired     INTEGER NOT NULL DEFAULT 0,
    UNIQUE (project, name)
) STRICT;

-- A published version and all that hangs on it never changes.
CREATE TABLE service_version (
    service INTEGER NOT NULL REFERENCES service,
    version INTEGER NOT NULL,
    PRIMARY KEY (service, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE projection (
    service   INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    view      INTEGER NOT NULL REFERENCES view,
    view_name TEXT NOT NULL,
    role      TEXT,
    entity    INTEGER NOT NULL REFERENCES entity,
    lookback  INTEGER,
    max_age   INTEGER,
    PRIMARY KEY (service, version, position),
    FOREIGN KEY (service, version) REFERENCES service_version
) STRICT, WITHOUT ROWID;

CREATE TABLE projection_key (
    service     INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    projection  INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    column_name TEXT NOT NULL,
    type        TEXT NOT NULL,
    PRIMARY KEY (service, version, projection, position),
    FOREIGN KEY (service, version, projection) REFERENCES projection
) STRICT, WITHOUT ROWID;

CREATE TABLE selection (
    service     INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    projection  INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    feature     INTEGER NOT NULL REFERENCES feature,
    name        TEXT NOT NULL,
    type        TEXT NOT NULL,
    column_name TEXT NOT NULL,
    PRIMARY KEY (service, version, projection, position),
    FOREIGN KEY (service, version, projection) REFERENCES projection
) STRICT, WITHOUT ROWID;

CREATE TABLE request_field (
    service  INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    type     TEXT NOT NULL,
    PRIMARY KEY (service, version, position),
    FOREIGN KEY (service, version) REFERENCES service_version
) STRICT, WITHOUT ROWID;

-- Every version of every gate; the greatest is in force.
CREATE TABLE gate (
    project TEXT NOT NULL REFERENCES project,
    model   TEXT NOT NULL,
    stage   TEXT NOT NULL,
    version INTEGER NOT NULL,
    sources TEXT NOT NULL, -- JSON list of the stages a version may come from; empty is any
    rules   TEXT NOT NULL, -- JSON list of rules
    rollback TEXT NOT NULL, -- likewise: what a rollback must show
    PRIMARY KEY (project, model, stage, version)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER service_version_stays BEFORE UPDATE ON service_version
BEGIN SELECT RAISE(ABORT, 'a published service version never changes'); END;
CREATE TRIGGER projection_stays BEFORE UPDATE ON projection
BEGIN SELECT RAISE(ABORT, 'a published service version never changes'); END;
CREATE TRIGGER selection_stays BEFORE UPDATE ON selection
BEGIN SELECT RAISE(ABORT, 'a published service version never changes'); END;
CREATE TRIGGER row_layout_stays BEFORE UPDATE ON row_layout
BEGIN SELECT RAISE(ABORT, 'a row layout never changes'); END;
