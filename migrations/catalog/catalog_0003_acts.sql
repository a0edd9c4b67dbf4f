-- Who did what and when, and the answers kept for repeated request ids.

CREATE TABLE audit (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    time       INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    verified   INTEGER NOT NULL,
    act        TEXT NOT NULL,
    object     TEXT NOT NULL,
    detail     TEXT NOT NULL, -- JSON
    request_id BLOB NOT NULL
) STRICT;
CREATE INDEX audit_of_object ON audit (object, number);

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
