//! The reference page of the configuration, made from the sections.

use std::fmt::Write as _;

use super::sections::{Setting, sections};
use super::value::Raw;

const HEAD: &str = "\
# Configuration

One TOML file, given by `--config FILE` or `TIDEGATE_CONFIG`. Every key has a default, so the file may be missing. An
unknown section or key is an error that names the nearest known one.

Each key can also be set by an environment variable, `TIDEGATE_<SECTION>__<KEY>` (two underscores between them), with the
items of a list separated by commas: `TIDEGATE_SERVER__LISTEN=0.0.0.0:8080`. The command line wins over the environment,
the environment over the file, the file over the defaults. `none` unsets a key that has no default.

Sizes are whole numbers with a unit: `B`, `KiB`, `MiB`, `GiB`, `TiB`, or `KB`, `MB`, `GB`, `TB` for powers of ten. Lengths
of time are whole numbers with `ms`, `s`, `m`, `h` or `d`. Relative paths in the file begin at the file's folder, others at
the working directory.

`tidegate config check --config FILE` finds mistakes, `tidegate config show` prints the values in effect and where each
comes from. This page is the output of `tidegate config reference`.
";

/// The page, in Markdown.
pub(crate) fn reference() -> String {
    let mut page = HEAD.to_owned();
    for section in sections() {
        let _ = write!(page, "\n## [{}]\n\n{}\n\n", section.name, section.about);
        page.push_str("| key | meaning | default |\n|---|---|---|\n");
        for setting in &section.settings {
            let _ =
                writeln!(page, "| `{}` | {} {} | {} |", setting.key, setting.about, kind(setting), default(setting));
        }
    }
    page.push_str(&super::buckets::reference());
    page
}

fn kind(setting: &Setting) -> String {
    let kind = setting.kind.replace('|', "\\|");
    if setting.list {
        format!("*A list; each item is {kind}.*")
    } else {
        format!("*{}{}.*", kind[..1].to_uppercase(), &kind[1..])
    }
}

fn default(setting: &Setting) -> String {
    match &setting.default {
        Raw::None => "none".to_owned(),
        written => format!("`{}`", written.to_toml()),
    }
}
