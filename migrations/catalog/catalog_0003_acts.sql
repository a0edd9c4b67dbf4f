-- Who did what and when, and the answers kept for repeated request ids.

-- Each entry carries a keyed hash over itself and the hash of the entry before it; numbers have no gaps.
CREATE TABLE audit (
    number     INTEGER PRIMARY KEY,
    time       INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    verified   INTEGER NOT NULL,
    project    TEXT NOT NULL,
    act        TEXT NOT NULL,
    object     TEXT NOT NULL,
    detail     TEXT NOT NULL, -- JSON
    before     TEXT NOT NULL, -- JSON, or empty
    after      TEXT NOT NULL, -- JSON, or empty
    verdict    TEXT NOT NULL, -- JSON, or empty
    request_id BLOB NOT NULL,
    hash       BLOB NOT NULL
) STRICT;
CREATE INDEX audit_of_object ON audit (object, number);
CREATE INDEX audit_of_actor ON audit (actor, number);
CREATE INDEX audit_of_act ON audit (act, number);

-- A hash of nothing but the audit key, so that another key is noticed when the server starts.
CREATE TABLE audit_key (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    hash BLOB NOT NULL
) STRICT;

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit table is append-only'); END;
CREATE TRIGGER audit_remains BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit table is append-only'); END;

CREATE TABLE request_answer (
    request_id BLOB PRIMARY KEY,
    act        TEXT NOT NULL,
    actor      TEXT NOT NULL,
    time       INTEGER NOT NULL,
    answer     BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX request_answer_by_time ON request_answer (time);
