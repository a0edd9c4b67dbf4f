-- Who may call. A secret is kept as its hash only; nothing is ever deleted, so that a name in the audit table
-- can be looked up for ever.

CREATE TABLE token (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL, -- secret, certificate
    hash       BLOB NOT NULL, -- SHA-256 of the secret, or of the certificate's public key
    name       TEXT NOT NULL,
    roles      TEXT NOT NULL, -- JSON list
    projects   TEXT,          -- JSON lists; null: all
    views      TEXT,
    models     TEXT,
    created    INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires    INTEGER,
    revoked    INTEGER,
    revoked_by TEXT,
    UNIQUE (kind, hash)
) STRICT;

CREATE TRIGGER token_stays BEFORE UPDATE OF id, kind, hash, name, roles, projects, views, models, created, expires
ON token BEGIN SELECT RAISE(ABORT, 'a token does not change: revoke it and make another'); END;
CREATE TRIGGER token_remains BEFORE DELETE ON token
BEGIN SELECT RAISE(ABORT, 'tokens are revoked, not deleted'); END;
