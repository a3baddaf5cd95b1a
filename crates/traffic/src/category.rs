//! The content and security categories of Cloudflare Gateway, by id.

/// The table as the product documents it: parent id and name, category id and name.
const TABLE: &str = include_str!("../data/categories.tsv");

/// Ids go up to 194 in the table.
const IDS_MAX: usize = 256;

/// The parent of everything Gateway calls a security threat.
pub(crate) const SECURITY: u8 = 21;
pub(crate) const ADVERTISEMENTS: u8 = 66;
pub(crate) const COMMAND_AND_CONTROL: u8 = 80;
pub(crate) const CRYPTOMINING: u8 = 83;
pub(crate) const ANONYMIZER: u8 = 68;
pub(crate) const MALWARE: u8 = 117;
pub(crate) const PHISHING: u8 = 131;
pub(crate) const SPAM: u8 = 151;
pub(crate) const SPYWARE: u8 = 153;
pub(crate) const DNS_TUNNELING: u8 = 175;
pub(crate) const DGA: u8 = 176;
pub(crate) const PARKED: u8 = 128;
pub(crate) const NEW: u8 = 169;
pub(crate) const NEWLY_SEEN: u8 = 177;
pub(crate) const ALWAYS_BLOCKED: u8 = 170;
pub(crate) const REMOTE_ACCESS: u8 = 192;

/// Names and parents of all categories.
#[derive(Debug)]
pub(crate) struct Categories {
    rows: Vec<Option<(u8, &'static str)>>,
}

impl Categories {
    pub(crate) fn new() -> Self {
        let mut rows = vec![None; IDS_MAX];
        for line in TABLE.lines().skip(1) {
            let mut columns = line.split('\t');
            let parent = columns.next().and_then(|id| id.parse::<u8>().ok()).unwrap_or(0);
            let parent_name = columns.next().unwrap_or_default();
            let id = columns.next().and_then(|id| id.parse::<u8>().ok()).unwrap_or(0);
            rows[usize::from(parent)] = Some((0, parent_name));
            rows[usize::from(id)] = Some((parent, columns.next().unwrap_or_default()));
        }
        Self { rows }
    }

    /// The name of a category or of a parent.
    pub(crate) fn name(&self, id: u8) -> &'static str {
        self.rows[usize::from(id)].map_or("", |(_, name)| name)
    }

    /// Appends a category and, before it, its parent, as the log lists them; each only once.
    pub(crate) fn with_parents(&self, ids: &[u8], out: &mut Vec<u8>) {
        for id in ids {
            let parent = self.rows[usize::from(*id)].map_or(0, |(parent, _)| parent);
            for id in [parent, *id] {
                if id != 0 && !out.contains(&id) {
                    out.push(id);
                }
            }
        }
    }

    /// Whether this is one of the security threats.
    pub(crate) fn is_threat(&self, id: u8) -> bool {
        self.rows[usize::from(id)].is_some_and(|(parent, _)| parent == SECURITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_comes_with_its_parent() {
        let categories = Categories::new();
        let mut ids = Vec::new();
        categories.with_parents(&[COMMAND_AND_CONTROL, MALWARE], &mut ids);
        assert_eq!(ids, [21, 80, 117]);
        assert_eq!(categories.name(80), "Command and Control & Botnet");
        assert_eq!(categories.name(21), "Security threats");
        assert!(categories.is_threat(DGA) && !categories.is_threat(PARKED));
    }
}
