//! Unknown names, answered with the known one that was probably meant.

use super::sections::sections;

/// Names are alike up to this many changed letters in each three.
const LETTERS_A_MISTAKE: usize = 3;

pub(super) fn unknown_section(section: &str) -> String {
    let sections = sections();
    let hint = match nearest(section, sections.iter().map(|known| known.name)) {
        Some(known) => format!("; did you mean [{known}]?"),
        None => format!("; there are {}", listed(sections.iter().map(|known| known.name))),
    };
    format!("unknown section [{}]{hint}", shown(section))
}

pub(super) fn unknown_key(section: &str, key: &str) -> String {
    let sections = sections();
    let here = sections.iter().find(|known| known.name == section);
    let keys = || here.iter().flat_map(|known| known.settings.iter().map(|setting| setting.key));
    let elsewhere = sections.iter().find(|known| known.settings.iter().any(|setting| setting.key == key));
    let hint = match (elsewhere, nearest(key, keys())) {
        (Some(other), _) => format!("; it belongs in [{}]", other.name),
        (None, Some(known)) => format!("; did you mean `{known}`?"),
        (None, None) => format!("; there are {}", listed(keys())),
    };
    format!("unknown key `{}` in [{section}]{hint}", shown(key))
}

/// For a key of a table in a list.
pub(super) fn unknown_key_of(list: &str, key: &str, known: impl Iterator<Item = &'static str> + Clone) -> String {
    let hint = match nearest(key, known.clone()) {
        Some(known) => format!("; did you mean `{known}`?"),
        None => format!("; there are {}", listed(known)),
    };
    format!("unknown key `{}` in [{list}]{hint}", shown(key))
}

/// For a key that stands before the first section.
pub(super) fn outside(key: &str) -> String {
    let sections = sections();
    let place = sections.iter().find(|known| known.settings.iter().any(|setting| setting.key == key));
    match place {
        Some(section) => format!("`{key}` must stand below [{}]", section.name),
        None => format!("`{}` stands in no section", shown(key)),
    }
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = shown(name).to_lowercase();
    let (distance, best) = known.map(|known| (distance(&name, known), known)).min()?;
    (distance <= (name.len() / LETTERS_A_MISTAKE).max(2)).then_some(best)
}

/// How many letters differ; when only the beginning was written, how many differ there.
fn distance(name: &str, known: &str) -> usize {
    let beginning = known.get(..name.len()).map_or(usize::MAX, |known| strsim::damerau_levenshtein(name, known));
    strsim::damerau_levenshtein(name, known).min(beginning.saturating_add(1))
}

/// Names in a message are cut: they come from outside.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
