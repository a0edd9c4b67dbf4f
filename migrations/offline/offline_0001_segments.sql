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
CREATE INDEX log_time_entry ON log_time (entry);

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
CREATE INDEX import_entry ON import (log_entry) WHERE log_entry IS NOT NULL;

-- Imports that were abandoned while they were staged: a log entry that names one publishes nothing.
CREATE TABLE abandoned_import (
    id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Rows of one view sorted by (key, event, created with none first, position). Once written they change by
-- deletion only, which gives a row group other blocks.
CREATE TABLE segment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    view INTEGER NOT NULL,
    -- The import the rows came with: all have its log entry. Else each group has a block of log entries.
    import INTEGER REFERENCES import (number),
    -- The log entries of the rows lie in this range; null with an import.
    first_entry INTEGER,
    last_entry INTEGER,
    -- `FEATURE:TYPE,…`: the feature blocks of each group, in their order.
    features TEXT NOT NULL,
    rows INTEGER NOT NULL,
    oldest_event INTEGER NOT NULL,
    newest_event INTEGER NOT NULL,
    -- No query sees a segment that names a merge: it is still writing it, or has replaced it.
    merge INTEGER REFERENCES merge (id)
) STRICT;
CREATE INDEX segment_view ON segment (view);
CREATE INDEX segment_import ON segment (import) WHERE import IS NOT NULL;
CREATE INDEX segment_merge ON segment (merge) WHERE merge IS NOT NULL;

-- Rewrites of segments: compaction, deletion and retention. One id is never used twice.
CREATE TABLE merge (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    view INTEGER NOT NULL,
    -- writing: what it wrote goes when it fails, and at start. staged: what it wrote waits for the log entry
    -- that swaps it in. done: what it has read goes as soon as nobody reads it.
    state TEXT NOT NULL CHECK (state IN ('writing', 'staged', 'done')),
    -- The last block that is its own to write.
    last_block INTEGER NOT NULL DEFAULT 0,
    -- Of retention: the rows it takes out of history.
    rows_taken INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The segments that a staged merge has read, and replaces.
CREATE TABLE merge_input (
    merge INTEGER NOT NULL REFERENCES merge (id),
    segment INTEGER NOT NULL,
    PRIMARY KEY (merge, segment)
) STRICT, WITHOUT ROWID;

-- A run of rows of a segment. Its blocks follow each other from first_block on: the key parts, event,
-- created, row number, log entry where the segment is not of an import, then the features.
CREATE TABLE row_group (
    id INTEGER PRIMARY KEY,
    segment INTEGER NOT NULL REFERENCES segment (id),
    first_block INTEGER NOT NULL,
    blocks INTEGER NOT NULL,
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

-- Rows hidden from a log entry on: those of all entries from first_entry to last_entry, of one view or of all.
CREATE TABLE retraction (
    log_entry INTEGER PRIMARY KEY,
    view INTEGER,
    first_entry INTEGER NOT NULL,
    last_entry INTEGER NOT NULL
) STRICT;

-- Keys that were forgotten and whose rows may still be in segments: they are in no answer. The row goes
-- when the bytes are gone.
CREATE TABLE erasure (
    id INTEGER PRIMARY KEY,
    entity INTEGER NOT NULL,
    view INTEGER NOT NULL,
    -- Canonical bytes.
    key BLOB NOT NULL,
    log_entry INTEGER NOT NULL,
    -- Null: the rows up to log_entry. Else an import that was staged then: its first import_rows rows.
    import INTEGER REFERENCES import (number),
    import_rows INTEGER
) STRICT;
CREATE INDEX erasure_view ON erasure (view, key);
CREATE INDEX erasure_import ON erasure (import) WHERE import IS NOT NULL;

-- What was taken out of history for good, by deletion or retention: counts only.
CREATE TABLE removal (
    log_entry INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('forget', 'retention')),
    -- Of a deletion: the entity, and the keyed hash of its key.
    entity INTEGER,
    key_hash BLOB,
    -- Of retention: the view.
    view INTEGER,
    -- How many rows have gone; those of a deletion are counted as their bytes go.
    rows INTEGER NOT NULL,
    recorded INTEGER NOT NULL
) STRICT;
