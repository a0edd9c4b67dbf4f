-- What search and lineage look up. `rank` orders the bits of float64 values as numbers; it is null for NaN.

ALTER TABLE run_metric ADD COLUMN rank INTEGER GENERATED ALWAYS AS (CASE
    WHEN bits BETWEEN 0 AND 9218868437227405312 THEN bits
    WHEN bits BETWEEN -9223372036854775807 - 1 AND -4503599627370496
        THEN (-9223372036854775807 - 1) - bits END) VIRTUAL;
ALTER TABLE version_metric ADD COLUMN rank INTEGER GENERATED ALWAYS AS (CASE
    WHEN bits BETWEEN 0 AND 9218868437227405312 THEN bits
    WHEN bits BETWEEN -9223372036854775807 - 1 AND -4503599627370496
        THEN (-9223372036854775807 - 1) - bits END) VIRTUAL;

-- Of each series of points its last one, and the ranks of its least and greatest.
CREATE TABLE run_series (
    run      INTEGER NOT NULL REFERENCES run,
    name     TEXT NOT NULL,
    data_set TEXT NOT NULL,
    step     INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    bits     INTEGER NOT NULL,
    least    INTEGER,
    greatest INTEGER,
    rank     INTEGER GENERATED ALWAYS AS (CASE
        WHEN bits BETWEEN 0 AND 9218868437227405312 THEN bits
        WHEN bits BETWEEN -9223372036854775807 - 1 AND -4503599627370496
            THEN (-9223372036854775807 - 1) - bits END) VIRTUAL,
    PRIMARY KEY (run, name, data_set)
) STRICT, WITHOUT ROWID;

CREATE INDEX projection_of_view ON projection (view);
CREATE INDEX selection_of_feature ON selection (feature);
CREATE INDEX training_set_of_service ON training_set (project, service, service_version);
CREATE INDEX run_of_training_set ON run (training_set) WHERE training_set IS NOT NULL;
CREATE INDEX model_version_of_run ON model_version (run);
CREATE INDEX model_version_of_training_set ON model_version (training_set)
    WHERE training_set IS NOT NULL;
CREATE INDEX model_version_of_service ON model_version (service, service_version);
CREATE INDEX model_version_by_time ON model_version (registered);
CREATE INDEX version_artifact_of_digest ON version_artifact (digest);
