-- What threat intelligence says, where it comes from, and the hunts for it in stored events.

CREATE TABLE collections (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL,
    folded      TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    enabled     INTEGER NOT NULL,
    created     INTEGER NOT NULL
) STRICT;

-- Numbers are never given twice: compiled sets and hunts know indicators by them.
CREATE TABLE indicators (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    collection  INTEGER NOT NULL REFERENCES collections (id),
    feed        TEXT,
    value       TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('name', 'ip', 'network')),
    scope       TEXT NOT NULL CHECK (scope IN ('exact', 'domain', 'subtree')),
    tags        TEXT NOT NULL,
    confidence  INTEGER,
    valid_from  INTEGER,
    valid_until INTEGER,
    reference   TEXT,
    description TEXT,
    created     INTEGER NOT NULL,
    seen        INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX indicators_value ON indicators (value, collection, scope);
CREATE INDEX indicators_collection ON indicators (collection, id);
CREATE INDEX indicators_feed ON indicators (feed, seen) WHERE feed IS NOT NULL;
CREATE INDEX indicators_until ON indicators (valid_until) WHERE valid_until IS NOT NULL;

-- The secret is one that we must show to the feed, so it cannot be a hash. It is kept apart from what is listed.
CREATE TABLE feeds (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    folded        TEXT NOT NULL UNIQUE,
    kind          TEXT NOT NULL CHECK (kind IN ('http', 'taxii')),
    url           TEXT NOT NULL,
    collection    INTEGER NOT NULL REFERENCES collections (id),
    settings      TEXT NOT NULL,
    auth          TEXT NOT NULL CHECK (auth IN ('none', 'basic', 'bearer', 'header', 'query')),
    auth_name     TEXT,
    secret        TEXT,
    interval_s    INTEGER NOT NULL,
    enabled       INTEGER NOT NULL,
    created       INTEGER NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('new', 'running', 'ok', 'unchanged', 'failed')),
    error         TEXT,
    failures      INTEGER NOT NULL DEFAULT 0,
    started       INTEGER,
    finished      INTEGER,
    succeeded     INTEGER,
    due           INTEGER NOT NULL,
    etag          TEXT,
    last_modified TEXT,
    added_after   TEXT,
    accepted      INTEGER NOT NULL DEFAULT 0,
    refused       INTEGER NOT NULL DEFAULT 0,
    report        TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE retrohunts (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    selection   TEXT NOT NULL,
    first_id    INTEGER NOT NULL,
    last_id     INTEGER NOT NULL,
    from_time   INTEGER NOT NULL,
    until_time  INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    step        INTEGER NOT NULL DEFAULT 0,
    steps       INTEGER NOT NULL DEFAULT 0,
    hits        INTEGER NOT NULL DEFAULT 0,
    error       TEXT,
    created_by  TEXT NOT NULL,
    created     INTEGER NOT NULL,
    started     INTEGER,
    finished    INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX retrohunts_open ON retrohunts (created) WHERE state IN ('waiting', 'running');

-- One row an indicator that was found: the events themselves are in the table of events.
CREATE TABLE retrohunt_hits (
    hunt      TEXT NOT NULL REFERENCES retrohunts (id) ON DELETE CASCADE,
    indicator INTEGER NOT NULL,
    value     TEXT NOT NULL,
    count     INTEGER NOT NULL,
    first     INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    events    TEXT NOT NULL,
    PRIMARY KEY (hunt, indicator)
) STRICT, WITHOUT ROWID;

-- Moves with every change that the compiled set must follow.
CREATE TABLE intelligence_revision (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    number INTEGER NOT NULL
) STRICT;

INSERT INTO intelligence_revision VALUES (1, 0);
