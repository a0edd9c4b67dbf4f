-- Metrics as series with their last points at hand, what runs read and made, heartbeats, and the files of
-- directories. A metric's value is kept as the bits of its float64.

DROP TABLE run_metric;
DROP TABLE run_series;

CREATE TABLE run_series (
    id       INTEGER PRIMARY KEY,
    run      INTEGER NOT NULL REFERENCES run,
    name     TEXT NOT NULL,
    data_set TEXT NOT NULL, -- what it was measured on; empty: not said
    points   INTEGER NOT NULL,
    step     INTEGER NOT NULL, -- the last point: of the greatest step, time and number
    time     INTEGER NOT NULL,
    bits     INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    least    INTEGER, -- the ranks of the least and the greatest point
    greatest INTEGER,
    rank     INTEGER GENERATED ALWAYS AS (CASE
        WHEN bits BETWEEN 0 AND 9218868437227405312 THEN bits
        WHEN bits BETWEEN -9223372036854775807 - 1 AND -4503599627370496
            THEN (-9223372036854775807 - 1) - bits END) VIRTUAL,
    UNIQUE (run, name, data_set)
) STRICT;

CREATE TABLE metric_point (
    series INTEGER NOT NULL REFERENCES run_series,
    step   INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    bits   INTEGER NOT NULL,
    number INTEGER NOT NULL, -- in the order of their coming
    rank   INTEGER GENERATED ALWAYS AS (CASE
        WHEN bits BETWEEN 0 AND 9218868437227405312 THEN bits
        WHEN bits BETWEEN -9223372036854775807 - 1 AND -4503599627370496
            THEN (-9223372036854775807 - 1) - bits END) VIRTUAL,
    PRIMARY KEY (series, step, time, bits)
) STRICT, WITHOUT ROWID;

CREATE VIEW run_metric AS
SELECT run, name, data_set, metric_point.step AS step, metric_point.time AS time,
    metric_point.bits AS bits, metric_point.number AS number, metric_point.rank AS rank
FROM run_series JOIN metric_point ON series = run_series.id;

-- Seconds between two heartbeats; 0: none are sent, and the run is never lost.
ALTER TABLE run ADD COLUMN heartbeat INTEGER NOT NULL DEFAULT 0;
CREATE INDEX run_with_heartbeat ON run (number) WHERE status = 'running' AND heartbeat > 0;

CREATE TABLE run_environment (
    run   INTEGER NOT NULL REFERENCES run,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_item (
    run       INTEGER NOT NULL REFERENCES run,
    direction TEXT NOT NULL, -- input, output
    kind      TEXT NOT NULL, -- artifact, training set, version, view, uri
    target    TEXT NOT NULL, -- digest, id, model@number, name, address
    name      TEXT NOT NULL,
    bytes     INTEGER NOT NULL,
    digest    BLOB, -- of an artifact
    PRIMARY KEY (run, direction, kind, target, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_item_by_target ON run_item (kind, target);
CREATE INDEX run_item_holding ON run_item (digest) WHERE digest IS NOT NULL;

ALTER TABLE version_artifact ADD COLUMN directory INTEGER NOT NULL DEFAULT 0;

-- The files that a directory's manifest names.
CREATE TABLE directory_file (
    directory BLOB NOT NULL,
    path      TEXT NOT NULL,
    digest    BLOB NOT NULL,
    bytes     INTEGER NOT NULL,
    PRIMARY KEY (directory, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX directory_file_holding ON directory_file (digest);
