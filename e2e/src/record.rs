//! Made-up Gateway DNS records with every documented field, each with a `QueryID` and a name of its own.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// A record with all 82 fields; what stands between `@` is filled in.
const TEMPLATE: &str = include_str!("record.json");

/// Records that nobody else makes.
#[derive(Clone, Debug)]
pub struct Records {
    template: String,
    label: String,
    next: u64,
}

impl Records {
    /// Records whose ids and names hold `label`, which must be a label of a DNS name in lower case.
    #[must_use]
    pub fn new(label: &str) -> Self {
        let template: Value = serde_json::from_str(TEMPLATE).expect("the template is JSON");
        // A number in the record, a text in the template.
        let template = template.to_string().replace("\"@TIME@\"", "@TIME@");
        Self { template, label: label.to_owned(), next: 0 }
    }

    /// How many were made.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.next
    }

    /// The next record, as one line without its end; its time is now.
    #[must_use]
    pub fn one(&mut self) -> String {
        let number = self.next;
        self.next += 1;
        let Self { template, label, .. } = self;
        template
            .replace("@ID@", &query_id(label, number))
            .replace("@NAME@", &format!("host-{number}.{label}.example.com"))
            .replace("@REVERSED@", &format!("com.example.{label}.host-{number}"))
            .replace("@TIME@", &now_nanos().to_string())
    }

    /// The next `count` records, a line each.
    #[must_use]
    pub fn lines(&mut self, count: usize) -> String {
        (0..count).map(|_| self.one() + "\n").collect()
    }
}

/// The `QueryID` of record `number`, counted from 0, of the [`Records`] with `label`.
#[must_use]
pub fn query_id(label: &str, number: u64) -> String {
    format!("{label}-{number:08}")
}

/// Nanoseconds since 1970, to the microsecond: what the table keeps.
#[must_use]
pub fn now_nanos() -> u128 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is after 1970");
    since.as_micros() * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_whole_and_differ() {
        let mut records = Records::new("abc");
        let (first, second) = (records.one(), records.one());
        let read = |text: &str| serde_json::from_str::<serde_json::Map<String, Value>>(text).unwrap();
        assert_eq!(read(&first).len(), 82);
        assert_eq!(read(&first)["QueryID"], "abc-00000000");
        assert_eq!(read(&second)["QueryID"], query_id("abc", 1));
        assert!(read(&second)["Datetime"].is_u64() && !second.contains('@') | second.contains("mara"));
        assert_eq!((records.made(), records.lines(3).lines().count(), records.made()), (2, 3, 5));
    }
}
