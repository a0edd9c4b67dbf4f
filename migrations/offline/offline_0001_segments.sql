-- offline.sqlite: feature history as column segments. The pages have 16 KiB and the file vacuums
-- incrementally; both are set before this runs, because SQLite takes them in an empty file only.

-- How far the log has been applied: one row.
CREATE TABLE progress (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    applied_through INTEGER NOT NULL
) STRICT;
INSERT INTO progress (id, applied_through) VALUES (1, 0);

-- The greatest log entry of each recorded time. Recorded time never runs backwards.
CREATE TABLE log_time (
    recorded INTEGER PRIMARY KEY,
    entry INTEGER NOT NULL
) STRICT;

-- Bulk imports. Their rows are in history from log_entry on; without one they are staged and unseen.
CREATE TABLE import (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    view INTEGER NOT NULL,
    source_name TEXT NOT NULL,
    source_digest BLOB NOT NULL,
    options TEXT NOT NULL,
    begun INTEGER NOT NULL,
    rows INTEGER NOT NULL DEFAULT 0,
    next_chunk INTEGER NOT NULL DEFAULT 0,
    log_entry INTEGER,
    recorded INTEGER
) STRICT;
CREATE INDEX import_source ON import (view, source_digest);
CREATE INDEX import_project ON import (project);

-- Rows of one view sorted by (key, event, created with none first, position), never changed once written.
CREATE TABLE segment (
    id INTEGER PRIMARY KEY,
    view INTEGER NOT NULL,
    -- The import the rows came with; else they came with the log entries of `pieces`.
    import INTEGER REFERENCES import (number),
    first_entry INTEGER,
    last_entry INTEGER,
    -- For each log entry in it, u64 entry and i64 recorded time, little-endian.
    pieces BLOB,
    -- `FEATURE:TYPE,…`: the feature blocks of each group, in their order.
    features TEXT NOT NULL,
    rows INTEGER NOT NULL,
    newest_event INTEGER NOT NULL
) STRICT;
CREATE INDEX segment_view ON segment (view);
CREATE INDEX segment_import ON segment (import) WHERE import IS NOT NULL;

-- A run of rows of a segment. Its blocks follow each other from first_block on: the key parts, event,
-- created, row number, the number of the piece where the segment has several, then the features.
CREATE TABLE row_group (
    id INTEGER PRIMARY KEY,
    segment INTEGER NOT NULL REFERENCES segment (id),
    first_block INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    min_key BLOB NOT NULL,
    max_key BLOB NOT NULL,
    min_event INTEGER NOT NULL,
    max_event INTEGER NOT NULL
) STRICT;
CREATE INDEX row_group_segment ON row_group (segment);

-- One column of one row group: `BlockCodec` draws the bytes.
CREATE TABLE block (
    id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;
