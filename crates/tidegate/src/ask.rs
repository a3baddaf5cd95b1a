//! Secrets a person types or pipes in: never an argument, where every process on the machine could read them.

use std::io::{self, BufRead, IsTerminal};

use console::Term;
use eyre::{WrapErr, bail};
use tidegate_state::Secret;

/// A line of input is refused beyond this.
const LINE_BYTES_MAX: u64 = 4 << 10;

/// A new password: typed twice without being shown, or the first line of standard input.
pub(crate) fn new_password(user: &str) -> eyre::Result<Secret> {
    if !io::stdin().is_terminal() {
        return first_line(io::stdin().lock(), "password");
    }
    let first = typed(&format!("new password for `{user}`: "))?;
    if first != typed("again: ")? {
        bail!("the two passwords differ");
    }
    Ok(first)
}

/// A key that senders already use.
pub(crate) fn existing_key() -> eyre::Result<Secret> {
    if io::stdin().is_terminal() { typed("existing key: ") } else { first_line(io::stdin().lock(), "key") }
}

/// A secret of another service, such as a Cloudflare API token. `ways` says how else it may be given.
pub(crate) fn secret(what: &str, ways: &str) -> eyre::Result<Secret> {
    if io::stdin().is_terminal() {
        return typed(&format!("{what}: "));
    }
    first_line(io::stdin().lock(), what)
        .map_err(|_| eyre::eyre!("there is no {what}: {ways}, or type it in at a terminal"))
}

/// The first line of a file as a secret.
pub(crate) fn secret_of_file(path: &std::path::Path, what: &str) -> eyre::Result<Secret> {
    let file = std::fs::File::open(path).with_context(|| format!("cannot read the {what} in `{}`", path.display()))?;
    first_line(io::BufReader::new(file), what).with_context(|| format!("`{}`", path.display()))
}

/// Whether a person says yes; nobody at the terminal is no.
pub(crate) fn agrees(question: &str) -> eyre::Result<bool> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    let terminal = Term::stderr();
    terminal.write_str(&format!("{question} [y/N] "))?;
    Ok(matches!(terminal.read_line()?.trim(), "y" | "Y" | "yes"))
}

fn typed(prompt: &str) -> eyre::Result<Secret> {
    let terminal = Term::stderr();
    terminal.write_str(prompt)?;
    Ok(Secret::new(terminal.read_secure_line().context("cannot read from the terminal")?))
}

fn first_line(input: impl BufRead, what: &str) -> eyre::Result<Secret> {
    let mut line = String::new();
    input.take(LINE_BYTES_MAX + 1).read_line(&mut line).with_context(|| format!("cannot read the {what}"))?;
    if line.len() as u64 > LINE_BYTES_MAX {
        bail!("the {what} is longer than {LINE_BYTES_MAX} bytes");
    }
    let text = line.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        bail!("there is no {what} in what was given");
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_secret() {
        assert_eq!(first_line(&b"correct horse\r\nrest\n"[..], "password").unwrap().reveal(), "correct horse");
        assert_eq!(first_line(&b" spaces count "[..], "password").unwrap().reveal(), " spaces count ");
        for wrong in [&b""[..], b"\n", &[b'x'; 5_000], b"\xff\n"] {
            assert!(first_line(wrong, "password").is_err());
        }
    }
}
