//! Brings a database to the present schema, one numbered step after the other.

use rusqlite::{Connection, TransactionBehavior};

/// The steps; `user_version` counts how many were taken. Never change one that was released: add the next.
const STEPS: [&str; 6] = [
    include_str!("migrations/001_accounts.sql"),
    include_str!("migrations/002_counts.sql"),
    include_str!("migrations/003_alerts.sql"),
    include_str!("migrations/004_intelligence.sql"),
    include_str!("migrations/005_buckets.sql"),
    include_str!("migrations/006_rule_settings.sql"),
];

/// `TIDE`, so that tools and we ourselves can tell the file from another program's.
const APPLICATION_ID: i64 = 0x5449_4445;

/// Why a database cannot be brought to the present schema.
#[derive(Debug)]
pub(crate) enum MigrateError {
    /// Another program's database.
    Foreign,
    /// Written by a newer version of this program.
    Newer {
        found: i64,
        known: i64,
    },
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for MigrateError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Takes the steps that are missing, all in one transaction: two processes that open a new database together take each
/// step once, and a crash leaves the old schema whole.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), MigrateError> {
    migrate_to(connection, STEPS.len())
}

fn migrate_to(connection: &mut Connection, last: usize) -> Result<(), MigrateError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = |pragma: &str| transaction.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i64>(0));
    let found = number("user_version")?;
    let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let ours = number("application_id")? == APPLICATION_ID;
    if !ours && (found != 0 || tables != 0) {
        return Err(MigrateError::Foreign);
    }
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    let taken = usize::try_from(found).ok().filter(|taken| *taken <= STEPS.len());
    let taken = taken.ok_or(MigrateError::Newer { found, known })?;
    for (index, step) in STEPS.iter().enumerate().take(last).skip(taken) {
        transaction.execute_batch(step)?;
        transaction.execute_batch(&format!("PRAGMA user_version = {}", index + 1))?;
    }
    if !ours {
        transaction.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}"))?;
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(connection: &Connection) -> i64 {
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
    }

    fn schema(connection: &Connection) -> Vec<String> {
        let mut statement = connection.prepare("SELECT type || ' ' || name FROM sqlite_schema ORDER BY 1").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn every_earlier_version_reaches_the_same_schema_and_keeps_its_rows() {
        let mut fresh = Connection::open_in_memory().unwrap();
        migrate(&mut fresh).unwrap();
        for from in 0..=STEPS.len() {
            let mut old = Connection::open_in_memory().unwrap();
            migrate_to(&mut old, from).unwrap();
            assert_eq!(version(&old), i64::try_from(from).unwrap());
            if from >= 1 {
                old.execute("INSERT INTO settings VALUES ('kept', '1')", []).unwrap();
            }
            migrate(&mut old).unwrap();
            assert_eq!(schema(&old), schema(&fresh));
            assert_eq!(version(&old), version(&fresh));
            let kept: i64 = old.query_row("SELECT count(*) FROM settings", [], |row| row.get(0)).unwrap();
            assert_eq!(kept, i64::from(from >= 1));
        }
    }

    #[test]
    fn a_newer_or_foreign_database_is_refused_untouched() {
        let mut newer = Connection::open_in_memory().unwrap();
        migrate(&mut newer).unwrap();
        newer.execute_batch("PRAGMA user_version = 99").unwrap();
        let refused = migrate(&mut newer);
        assert!(matches!(refused, Err(MigrateError::Newer { found: 99, known }) if known == STEPS.len() as i64));
        assert_eq!(version(&newer), 99);

        let mut foreign = Connection::open_in_memory().unwrap();
        foreign.execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert!(matches!(migrate(&mut foreign), Err(MigrateError::Foreign)));
        assert_eq!(schema(&foreign), ["table theirs"]);
    }
}
