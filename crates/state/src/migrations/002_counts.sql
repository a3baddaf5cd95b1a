-- What each intake received, a row a day of receipt.

CREATE TABLE intake_days (
    intake     TEXT NOT NULL,
    day        INTEGER NOT NULL,
    valid      INTEGER NOT NULL,
    warning    INTEGER NOT NULL,
    invalid    INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    batches    INTEGER NOT NULL,
    last_batch INTEGER,
    last_event INTEGER,
    PRIMARY KEY (intake, day)
) STRICT, WITHOUT ROWID;

-- The last journal position that was counted: a replay below it adds nothing.
CREATE TABLE counted (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    position INTEGER NOT NULL
) STRICT;

INSERT INTO counted VALUES (1, 0);
