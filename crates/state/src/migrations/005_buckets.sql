-- Buckets that are followed, and which of their objects are done with.

-- `floor`: everything up to this key is done with and not listed any more, but for sweeps. `forgotten`: the latest change
-- of an object below the floor whose row was dropped. `named`, `newest`: the latest time in a name, the latest change.
CREATE TABLE bucket_sources (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    place     TEXT NOT NULL UNIQUE,
    floor     TEXT NOT NULL DEFAULT '',
    forgotten INTEGER,
    named     INTEGER,
    newest    INTEGER,
    objects   INTEGER NOT NULL DEFAULT 0,
    bytes     INTEGER NOT NULL DEFAULT 0,
    records   INTEGER NOT NULL DEFAULT 0,
    repeated  INTEGER NOT NULL DEFAULT 0,
    rejected  INTEGER NOT NULL DEFAULT 0,
    polled    INTEGER,
    error     TEXT,
    failing   INTEGER,
    created   INTEGER NOT NULL
) STRICT;

-- `begun`: the object may be in the journal; `token` is what the journal knows it by, `at` when it was to be stored.
-- `failing`: it could not be read `tries` times and is tried again at `at`.
CREATE TABLE bucket_objects (
    source  INTEGER NOT NULL REFERENCES bucket_sources (id) ON DELETE CASCADE,
    key     TEXT NOT NULL,
    version TEXT NOT NULL,
    changed INTEGER NOT NULL,
    state   TEXT NOT NULL CHECK (state IN ('begun', 'done', 'failing', 'rejected')),
    token   BLOB,
    tries   INTEGER NOT NULL DEFAULT 0,
    at      INTEGER,
    PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX bucket_objects_begun ON bucket_objects (source, key) WHERE state = 'begun';

-- What could not be taken, for people. Bounded; `bucket_sources.rejected` counts them all.
CREATE TABLE bucket_rejects (
    source  INTEGER NOT NULL REFERENCES bucket_sources (id) ON DELETE CASCADE,
    key     TEXT NOT NULL,
    version TEXT NOT NULL,
    bytes   INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    reason  TEXT NOT NULL,
    tries   INTEGER NOT NULL,
    final   INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX bucket_rejects_at ON bucket_rejects (source, at);
