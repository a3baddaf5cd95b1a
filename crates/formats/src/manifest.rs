//! `_meta/manifest.yml`: what a format is called and what it is for, and the few things that Tidegate asks it.

use crate::error::LoadError;
use crate::load::File;
use crate::yaml::{self, Node};

/// A format's manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The identifier of the format, a UUID in text.
    pub uuid: String,
    /// The name that people read.
    pub name: String,
    /// The name that machines use: `cloudflare-gateway-dns`.
    pub slug: String,
    /// A paragraph on what the logs are.
    pub description: String,
    /// Kinds of data with a remark on each.
    pub data_sources: Vec<(String, String)>,
    /// The field whose value tells one record from another: a second record with the same value is a duplicate.
    pub unique_id: Option<String>,
    /// Where DNS answers stand.
    pub answers: Option<Answers>,
}

/// Fields that hold DNS answers, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// A field with a JSON array of `{name, type, class, ttl, rdata}` as text.
    pub json: Option<String>,
    /// Fields with lists of `{type, data}`, the data in base64.
    pub records: Vec<String>,
}

impl Manifest {
    /// A manifest for a format that has none: named after its folders.
    pub(crate) fn named(vendor: &str, folder: &str) -> Self {
        let name = format!("{vendor} {folder}").trim().to_owned();
        Self { slug: slug(vendor, folder), name, ..Self::default() }
    }

    pub(crate) fn read(file: &File, vendor: &str, folder: &str) -> Result<Self, LoadError> {
        let mut manifest = Self::named(vendor, folder);
        let Some(document) = yaml::load(&file.path, &file.text)? else {
            return Ok(manifest);
        };
        let top = Node::new(&file.path, &document).expect_map("a mapping with `name`, `uuid` and `slug`")?;
        for (key, node) in &top {
            match &*key.text {
                "uuid" => manifest.uuid = node.expect_text("a UUID")?.text,
                "name" => manifest.name = node.expect_text("a name")?.text,
                "slug" => manifest.slug = node.expect_text("a name of letters, digits and dashes")?.text,
                "description" => manifest.description = node.text().unwrap_or_default().trim().to_owned(),
                "data_sources" => manifest.data_sources = data_sources(*node)?,
                "tidegate" => manifest.extension(*node)?,
                _ => {}
            }
        }
        Ok(manifest)
    }

    fn extension(&mut self, node: Node<'_>) -> Result<(), LoadError> {
        for (key, node) in node.expect_map("a mapping with `unique_id` or `answers`")? {
            match &*key.text {
                "unique_id" => self.unique_id = Some(node.expect_text("a field")?.text),
                "answers" => {
                    let mut answers = Answers::default();
                    for (key, node) in node.expect_map("`json` or `records`")? {
                        match &*key.text {
                            "json" => answers.json = Some(node.expect_text("a field")?.text),
                            "records" => {
                                for field in node.expect_list("a list of fields")? {
                                    answers.records.push(field.expect_text("a field")?.text);
                                }
                            }
                            other => {
                                return Err(node.error(format!("unknown key `{other}`; expected `json` or `records`")));
                            }
                        }
                    }
                    self.answers = Some(answers);
                }
                other => {
                    return Err(node.error(format!("unknown key `{other}`; expected `unique_id` or `answers`")));
                }
            }
        }
        Ok(())
    }
}

/// A mapping of kinds to remarks, or a plain list of kinds.
fn data_sources(node: Node<'_>) -> Result<Vec<(String, String)>, LoadError> {
    if let Some(items) = node.items() {
        return Ok(items.iter().filter_map(Node::text).map(|kind| (kind, String::new())).collect());
    }
    let entries = node.expect_map("a mapping of kinds of data to remarks")?;
    Ok(entries.into_iter().map(|(kind, remark)| (kind.text, remark.text().unwrap_or_default())).collect())
}

/// `Cloudflare`, `gateway_dns` -> `cloudflare-gateway-dns`.
fn slug(vendor: &str, folder: &str) -> String {
    let mut out = String::new();
    for c in format!("{vendor} {folder}").to_lowercase().chars() {
        if c.is_alphanumeric() {
            out.push(c);
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_matches('-').to_owned()
}
