-- Alerts and what surrounds them. Lists and maps are JSON text; a criticality, severity or urgency is 0 to 100.

CREATE TABLE alerts (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL UNIQUE,
    likeness     BLOB NOT NULL,
    similarity   TEXT NOT NULL,
    overflow     INTEGER NOT NULL,
    rule         TEXT NOT NULL,
    rule_name    TEXT NOT NULL,
    effort       TEXT NOT NULL,
    attack       TEXT NOT NULL,
    source       TEXT,
    target       TEXT,
    name         TEXT,
    grouped      TEXT NOT NULL,
    matched      TEXT NOT NULL,
    note         TEXT NOT NULL,
    lead_at      INTEGER NOT NULL,
    lead_finding TEXT NOT NULL,
    lead_count   INTEGER NOT NULL,
    severity     INTEGER NOT NULL,
    criticality  INTEGER,
    urgency      INTEGER NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('pending', 'acknowledged', 'ongoing', 'closed', 'rejected')),
    verdict      TEXT,
    assignee     TEXT REFERENCES users (id) ON DELETE SET NULL,
    created      INTEGER NOT NULL,
    updated      INTEGER NOT NULL,
    closed       INTEGER,
    first_seen   INTEGER NOT NULL,
    last_seen    INTEGER NOT NULL,
    findings     INTEGER NOT NULL,
    occurrences  INTEGER NOT NULL
) STRICT;

-- What is alike goes to one open alert.
CREATE UNIQUE INDEX alerts_open ON alerts (likeness) WHERE status IN ('pending', 'acknowledged', 'ongoing');
CREATE INDEX alerts_open_rule ON alerts (rule) WHERE status IN ('pending', 'acknowledged', 'ongoing');
CREATE INDEX alerts_rule ON alerts (rule, updated);
CREATE INDEX alerts_urgency ON alerts (urgency, number);
CREATE INDEX alerts_occurrences ON alerts (occurrences, number);
CREATE INDEX alerts_updated ON alerts (updated, number);
CREATE INDEX alerts_assignee ON alerts (assignee) WHERE assignee IS NOT NULL;

-- The most that was seen of each finding: what a replay brings again adds nothing.
CREATE TABLE findings (
    id      TEXT PRIMARY KEY,
    count   INTEGER NOT NULL,
    alert   TEXT,
    hidden  TEXT,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX findings_at ON findings (at);

CREATE TABLE alert_events (
    alert     INTEGER NOT NULL REFERENCES alerts (number) ON DELETE CASCADE,
    event     TEXT NOT NULL,
    at        INTEGER NOT NULL,
    source_ip TEXT,
    name      TEXT,
    PRIMARY KEY (alert, event)
) STRICT, WITHOUT ROWID;

CREATE INDEX alert_events_event ON alert_events (event);

-- Occurrences by hour (hours since 1970).
CREATE TABLE alert_hours (
    alert INTEGER NOT NULL REFERENCES alerts (number) ON DELETE CASCADE,
    hour  INTEGER NOT NULL,
    hits  INTEGER NOT NULL,
    PRIMARY KEY (alert, hour)
) STRICT, WITHOUT ROWID;

CREATE INDEX alert_hours_hour ON alert_hours (hour);

CREATE TABLE alert_history (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    alert   INTEGER NOT NULL REFERENCES alerts (number) ON DELETE CASCADE,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    kind    TEXT NOT NULL,
    was     TEXT,
    became  TEXT,
    comment TEXT
) STRICT;

CREATE INDEX alert_history_alert ON alert_history (alert);

CREATE TABLE alert_filters (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    folded      TEXT NOT NULL UNIQUE,
    rule        TEXT,
    condition   TEXT NOT NULL,
    comment     TEXT NOT NULL,
    enabled     INTEGER NOT NULL,
    author      TEXT NOT NULL,
    created     INTEGER NOT NULL,
    updated     INTEGER NOT NULL,
    expires     INTEGER,
    hidden      INTEGER NOT NULL,
    last_hidden INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE assets (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('ip', 'network', 'user', 'device', 'name')),
    value       TEXT NOT NULL,
    title       TEXT NOT NULL,
    comment     TEXT NOT NULL,
    criticality INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    updated     INTEGER NOT NULL,
    UNIQUE (kind, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE rule_settings (
    rule       TEXT PRIMARY KEY,
    enabled    INTEGER,
    settings   TEXT NOT NULL,
    exclusions TEXT NOT NULL,
    comment    TEXT NOT NULL,
    updated    INTEGER NOT NULL,
    author     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What others keep in memory, and a number that moves with every change of it.
CREATE TABLE revisions (
    topic  TEXT PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO revisions VALUES ('rules', 0), ('alert_filters', 0), ('assets', 0), ('targets', 0);

-- A secret here is one that we must show to others (a signing key, a mail password), so it cannot be a hash.
CREATE TABLE notification_targets (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    folded     TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL CHECK (kind IN ('webhook', 'slack', 'email', 'syslog', 'file')),
    config     TEXT NOT NULL,
    secret     TEXT,
    routing    TEXT NOT NULL,
    template   TEXT,
    enabled    INTEGER NOT NULL,
    created    INTEGER NOT NULL,
    updated    INTEGER NOT NULL,
    delivered  INTEGER NOT NULL,
    given_up   INTEGER NOT NULL,
    held_back  INTEGER NOT NULL,
    last_ok    INTEGER,
    last_error TEXT,
    failed_at  INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    target   TEXT NOT NULL REFERENCES notification_targets (id) ON DELETE CASCADE,
    key      TEXT NOT NULL,
    kind     TEXT NOT NULL,
    payload  TEXT NOT NULL,
    created  INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    done     INTEGER,
    outcome  TEXT NOT NULL CHECK (outcome IN ('waiting', 'delivered', 'given_up')),
    error    TEXT,
    UNIQUE (target, key)
) STRICT;

CREATE INDEX outbox_due ON outbox (due) WHERE outcome = 'waiting';
CREATE INDEX outbox_waiting ON outbox (target) WHERE outcome = 'waiting';
CREATE INDEX outbox_target ON outbox (target, created);
CREATE INDEX outbox_done ON outbox (done) WHERE done IS NOT NULL;

CREATE TABLE intake_watch (
    intake         TEXT PRIMARY KEY REFERENCES intakes (id) ON DELETE CASCADE,
    silence_s      INTEGER,
    lag_s          INTEGER,
    since          INTEGER NOT NULL,
    silent_since   INTEGER,
    lagging_since  INTEGER,
    last_notice    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE saved_queries (
    id      TEXT PRIMARY KEY,
    owner   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    folded  TEXT NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('events', 'sql', 'alerts')),
    query   TEXT NOT NULL,
    view    TEXT NOT NULL,
    shared  INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    UNIQUE (owner, folded)
) STRICT, WITHOUT ROWID;

CREATE TABLE query_history (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    user    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    at      INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    query   TEXT NOT NULL,
    view    TEXT NOT NULL,
    rows    INTEGER,
    took_ms INTEGER
) STRICT;

CREATE INDEX query_history_user ON query_history (user, id);

CREATE TABLE preferences (
    user  TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
