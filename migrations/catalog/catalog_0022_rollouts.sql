-- Which share of a stage each of its holders has; those of now have no end, and those of a stage add up to 10000.
CREATE TABLE stage_share (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    model   INTEGER NOT NULL,
    stage   TEXT NOT NULL,
    version INTEGER NOT NULL,
    share   INTEGER NOT NULL CHECK (share BETWEEN 0 AND 10000), -- hundredths of a percent
    since   INTEGER NOT NULL,
    until   INTEGER,
    FOREIGN KEY (model, version) REFERENCES model_version
) STRICT;
CREATE UNIQUE INDEX stage_share_now ON stage_share (model, stage, version) WHERE until IS NULL;
CREATE INDEX stage_share_by_time ON stage_share (model, stage, version, since);

INSERT INTO stage_share (model, stage, version, share, since, until)
SELECT model, stage, version,
    CASE WHEN until IS NOT NULL OR number = (SELECT max(number) FROM stage_tenure other
        WHERE other.model = stage_tenure.model AND other.stage = stage_tenure.stage AND other.until IS NULL)
    THEN 10000 ELSE 0 END, since, until
FROM stage_tenure ORDER BY number;

CREATE TRIGGER stage_share_stays BEFORE UPDATE OF number, model, stage, version, share, since ON stage_share
BEGIN SELECT RAISE(ABORT, 'what a version held stays'); END;
CREATE TRIGGER stage_share_ends_once BEFORE UPDATE OF until ON stage_share WHEN OLD.until IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'what a version held stays'); END;
CREATE TRIGGER stage_share_remains BEFORE DELETE ON stage_share
BEGIN SELECT RAISE(ABORT, 'what a version held stays'); END;

-- Read and logged beside the holders of a stage, never an answer; one at a time.
CREATE TABLE stage_shadow (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    model   INTEGER NOT NULL,
    stage   TEXT NOT NULL,
    version INTEGER NOT NULL,
    since   INTEGER NOT NULL,
    until   INTEGER,
    FOREIGN KEY (model, version) REFERENCES model_version
) STRICT;
CREATE UNIQUE INDEX stage_shadow_now ON stage_shadow (model, stage) WHERE until IS NULL;

-- Holders and shares to which a rollback returns, as JSON: [[version, share], ...], who entered last first.
ALTER TABLE stage_memory ADD COLUMN split TEXT;
UPDATE stage_memory SET split = json_array(json_array(previous, 10000)) WHERE previous IS NOT NULL;
-- Likewise those of the stage before a version entered it, and the share it got.
ALTER TABLE stage_transition ADD COLUMN before TEXT;
ALTER TABLE stage_transition ADD COLUMN share INTEGER;

-- How a version takes over a stage step by step, by how often it was defined anew.
CREATE TABLE rollout_plan (
    project    TEXT NOT NULL,
    name       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    retired    INTEGER NOT NULL,
    definition TEXT NOT NULL, -- JSON
    PRIMARY KEY (project, name, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollout (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    model        INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    stage        TEXT NOT NULL,
    plan         TEXT NOT NULL,
    plan_version INTEGER NOT NULL,
    definition   TEXT NOT NULL,    -- JSON: the plan, as it was at the start
    state        TEXT NOT NULL,    -- running, done, stepped_back, cancelled
    step         INTEGER NOT NULL, -- from 0
    since        INTEGER NOT NULL, -- when the step, or the end, came
    started      INTEGER NOT NULL,
    ended        INTEGER,
    actor        TEXT NOT NULL,
    verified     INTEGER NOT NULL,
    before       TEXT NOT NULL,    -- JSON: holders and shares before it
    reason       TEXT NOT NULL,    -- what it waits for, or why it ended
    evaluated    INTEGER,
    figures      TEXT NOT NULL,    -- JSON, of the last look at its rules
    FOREIGN KEY (model, version) REFERENCES model_version
) STRICT;
CREATE UNIQUE INDEX rollout_running ON rollout (model) WHERE state = 'running';
CREATE TRIGGER rollout_ends_once BEFORE UPDATE ON rollout WHEN OLD.state <> 'running'
BEGIN SELECT RAISE(ABORT, 'a rollout that ended stays as it ended'); END;
CREATE TRIGGER rollout_remains BEFORE DELETE ON rollout
BEGIN SELECT RAISE(ABORT, 'a rollout is never removed'); END;
