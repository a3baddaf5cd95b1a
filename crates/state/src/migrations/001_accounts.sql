-- Who may send and who may look. Times are microseconds since 1970 in UTC, ids are UUIDs as text.

CREATE TABLE intakes (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    folded   TEXT NOT NULL,
    format   TEXT NOT NULL,
    created  INTEGER NOT NULL,
    key_hint TEXT NOT NULL,
    enabled  INTEGER NOT NULL,
    deleted  INTEGER
) STRICT, WITHOUT ROWID;

-- A deleted intake keeps its row, since its events keep its name; the name itself is free again.
CREATE UNIQUE INDEX intakes_name ON intakes (folded) WHERE deleted IS NULL;

CREATE TABLE intake_keys (
    digest  BLOB PRIMARY KEY,
    intake  TEXT NOT NULL REFERENCES intakes (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    expires INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX intake_keys_intake ON intake_keys (intake);

-- One number that changes with every change of an intake or a key: tells another process that its memory is stale.
CREATE TABLE revision (
    only    INTEGER PRIMARY KEY CHECK (only = 1),
    intakes INTEGER NOT NULL
) STRICT;

INSERT INTO revision VALUES (1, 0);

CREATE TABLE users (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    folded     TEXT NOT NULL UNIQUE,
    role       TEXT NOT NULL CHECK (role IN ('viewer', 'analyst', 'admin')),
    password   TEXT NOT NULL,
    enabled    INTEGER NOT NULL,
    created    INTEGER NOT NULL,
    last_login INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id      TEXT PRIMARY KEY,
    digest  BLOB NOT NULL UNIQUE,
    user    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    address TEXT,
    agent   TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_user ON sessions (user);

CREATE TABLE tokens (
    id        TEXT PRIMARY KEY,
    digest    BLOB NOT NULL UNIQUE,
    user      TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name      TEXT NOT NULL,
    folded    TEXT NOT NULL,
    role      TEXT NOT NULL CHECK (role IN ('viewer', 'analyst', 'admin')),
    hint      TEXT NOT NULL,
    created   INTEGER NOT NULL,
    expires   INTEGER,
    last_used INTEGER,
    UNIQUE (user, folded)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    via     TEXT NOT NULL,
    action  TEXT NOT NULL,
    target  TEXT NOT NULL,
    detail  TEXT NOT NULL,
    address TEXT
) STRICT;

CREATE INDEX audit_at ON audit (at);

-- The trail is only ever added to; the one way out is age (or, for failed logins, number).
CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE (ABORT, 'the audit trail cannot be changed');
END;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
