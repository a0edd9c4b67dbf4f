-- What was served, answered and came true, for each model: the prediction log.

-- What is set for a model, and which types its first prediction and its first outcome had.
CREATE TABLE served_model (
    project TEXT NOT NULL,
    model TEXT NOT NULL,
    -- The share of keys whose logged reads are kept; null is all.
    rate REAL,
    -- Microseconds; null is for ever.
    keep INTEGER,
    prediction_type TEXT,
    outcome_type TEXT,
    PRIMARY KEY (project, model)
) STRICT, WITHOUT ROWID;

-- Rows of one model, sorted by prediction id.
CREATE TABLE served_segment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL,
    model TEXT NOT NULL,
    -- 0 vectors as they were served, 1 predictions, 2 outcomes.
    kind INTEGER NOT NULL,
    -- Of vectors: the version of the model and of the service; else 0 and ''.
    version INTEGER NOT NULL,
    service TEXT NOT NULL,
    -- How often its rows were merged.
    level INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    -- How many different vectors its rows have, where many have the same: only those are stored, and one more
    -- column says which row has which. Null where each row's is stored.
    distinct_rows INTEGER,
    bytes INTEGER NOT NULL,
    -- The times of its first and its last prediction id.
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    -- A line for each column: what it holds, its name, its type, its part. Lines of entities say which key
    -- columns hold one.
    layout TEXT NOT NULL
) STRICT;
CREATE INDEX served_segment_model ON served_segment (project, model, kind, first);

-- One column of a segment: number is the segment's id times 8192, and the number of the column.
CREATE TABLE served_block (
    number INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- Answers to writes of predictions and outcomes, for repeats.
CREATE TABLE served_request (
    id BLOB PRIMARY KEY,
    answer BLOB NOT NULL,
    made INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX served_request_made ON served_request (made);
