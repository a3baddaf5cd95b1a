//! STIX patterns: the names, addresses and URLs that simple comparisons look for.
//!
//! A pattern is read in full, but a DNS event can only confirm one comparison of a network value. So each side of an OR
//! stands for itself; of an AND, names go before addresses, since they say more; what is negated says nothing.

use super::value::Scope;

const PATTERN_BYTES_MAX: usize = 256 << 10;
const DEPTH_MAX: usize = 64;
/// More values of one pattern are not taken.
const OPERANDS_MAX: usize = 10_000;

/// A value that a pattern looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operand {
    pub(super) text: String,
    /// From `LIKE '%.name'`; otherwise as the value itself tells.
    pub(super) scope: Option<Scope>,
}

/// The values that a pattern looks for.
pub(super) fn operands(pattern: &str) -> Result<Vec<Operand>, &'static str> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err("it is longer than 256 KiB");
    }
    let mut reader = Reader { tokens: tokens(pattern)?, at: 0, depth: 0 };
    let found = reader.observations()?;
    if reader.at != reader.tokens.len() {
        return Err("something follows its end");
    }
    Ok(found.operands)
}

/// What one part of a pattern looks for.
#[derive(Default)]
struct Found {
    operands: Vec<Operand>,
    named: bool,
}

impl Found {
    fn or(mut self, other: Self) -> Self {
        self.operands.extend(other.operands);
        self.operands.truncate(OPERANDS_MAX);
        self.named |= other.named;
        self
    }

    fn and(self, other: Self) -> Self {
        match (self.operands.is_empty(), other.operands.is_empty()) {
            (true, _) => other,
            (_, true) => self,
            _ if self.named == other.named => self.or(other),
            _ if self.named => self,
            _ => other,
        }
    }
}

#[derive(Debug, PartialEq)]
enum Token<'a> {
    Text(String),
    Word(&'a str),
    Sign(char),
}

fn tokens(pattern: &str) -> Result<Vec<Token<'_>>, &'static str> {
    let mut tokens = Vec::new();
    let mut rest = pattern.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let (text, tail) = quoted(&rest[1..]).ok_or("a quoted text is never closed")?;
            tokens.push(Token::Text(text));
            rest = tail;
        } else if "[](),=!<>".contains(first) {
            tokens.push(Token::Sign(first));
            rest = &rest[first.len_utf8()..];
        } else {
            let (word, tail) = rest.split_at(word_end(rest));
            tokens.push(Token::Word(word));
            rest = tail;
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// The end of a word. An object path may hold quoted parts and brackets of its own: `file:hashes.'SHA-256'`,
/// `network-traffic:extensions.'http-request-ext'.x[*].y`; after a `:` a bracket belongs to the path.
fn word_end(text: &str) -> usize {
    let mut quoted = false;
    let mut path = false;
    let mut open = 0_u32;
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '\'' if quoted || previous == '.' || previous == '[' => quoted = !quoted,
            _ if quoted => {}
            ':' => path = true,
            '[' if path => open += 1,
            ']' if open > 0 => open -= 1,
            c if c.is_whitespace() || "[](),=!<>'".contains(c) => return at.max(1),
            _ => {}
        }
        previous = c;
    }
    text.len()
}

/// The text up to the closing quote, escapes undone.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            c if escaped => {
                out.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '\'' => return Some((out, &text[at + 1..])),
            c => out.push(c),
        }
    }
    None
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn sign(&mut self, sign: char) -> bool {
        let is = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        self.at += usize::from(is);
        is
    }

    fn word(&mut self) -> Option<&'a str> {
        let Some(Token::Word(word)) = self.tokens.get(self.at) else { return None };
        self.at += 1;
        Some(word)
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(is);
        is
    }

    fn deeper(&mut self) -> Result<(), &'static str> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err("it is nested too deeply") } else { Ok(()) }
    }

    /// `[…] AND […] OR (… FOLLOWEDBY …) WITHIN 5 SECONDS`: each observation stands for itself.
    fn observations(&mut self) -> Result<Found, &'static str> {
        self.deeper()?;
        let mut found = Found::default();
        loop {
            found = found.or(self.observation()?);
            self.qualifiers()?;
            if !(self.keyword("AND") || self.keyword("OR") || self.keyword("FOLLOWEDBY")) {
                break;
            }
        }
        self.depth -= 1;
        Ok(found)
    }

    fn observation(&mut self) -> Result<Found, &'static str> {
        let (open, close) = if self.sign('[') { ('[', ']') } else { ('(', ')') };
        let found = if open == '[' {
            self.any()?
        } else if self.sign('(') {
            self.observations()?
        } else {
            return Err("an observation begins with `[`");
        };
        if self.sign(close) { Ok(found) } else { Err("an observation is never closed") }
    }

    /// `WITHIN 5 SECONDS`, `REPEATS 3 TIMES`, `START t'…' STOP t'…'`.
    fn qualifiers(&mut self) -> Result<(), &'static str> {
        loop {
            let words = if self.keyword("WITHIN") || self.keyword("REPEATS") {
                2
            } else if self.keyword("START") {
                5
            } else {
                return Ok(());
            };
            self.at += words;
            if self.at > self.tokens.len() {
                return Err("a qualifier is not complete");
            }
        }
    }

    fn any(&mut self) -> Result<Found, &'static str> {
        self.deeper()?;
        let mut found = self.all()?;
        while self.keyword("OR") {
            found = found.or(self.all()?);
        }
        self.depth -= 1;
        Ok(found)
    }

    fn all(&mut self) -> Result<Found, &'static str> {
        let mut found = self.comparison()?;
        while self.keyword("AND") {
            found = found.and(self.comparison()?);
        }
        Ok(found)
    }

    fn comparison(&mut self) -> Result<Found, &'static str> {
        if self.sign('(') {
            let found = self.any()?;
            return if self.sign(')') { Ok(found) } else { Err("a bracket is never closed") };
        }
        if self.keyword("EXISTS") {
            self.word().ok_or("EXISTS wants a path")?;
            return Ok(Found::default());
        }
        let path = self.word().ok_or("a comparison begins with a path")?;
        let mut negated = self.keyword("NOT");
        let like = self.operator(&mut negated)?;
        let texts = self.constants()?;
        Ok(if negated { Found::default() } else { looked_for(path, like, texts) })
    }

    /// `None` for an operator that names no value.
    fn operator(&mut self, negated: &mut bool) -> Result<Option<bool>, &'static str> {
        if self.sign('!') {
            *negated = true;
            return if self.sign('=') { Ok(None) } else { Err("`!` wants `=`") };
        }
        if self.sign('<') || self.sign('>') {
            if self.sign('>') {
                *negated = true;
            }
            self.sign('=');
            return Ok(None);
        }
        if self.sign('=') {
            self.sign('=');
            return Ok(Some(false));
        }
        match self.word().map(str::to_ascii_uppercase).as_deref() {
            Some("IN" | "ISSUBSET") => Ok(Some(false)),
            Some("LIKE") => Ok(Some(true)),
            Some("MATCHES" | "ISSUPERSET") => Ok(None),
            _ => Err("a comparison has no operator"),
        }
    }

    fn constants(&mut self) -> Result<Vec<String>, &'static str> {
        if !self.sign('(') {
            return Ok(self.constant()?.into_iter().collect());
        }
        let mut texts = Vec::new();
        loop {
            texts.extend(self.constant()?);
            if self.sign(')') {
                return Ok(texts);
            }
            if !self.sign(',') {
                return Err("a list is never closed");
            }
        }
    }

    /// A text; numbers, booleans and `t'…'`, `h'…'`, `b'…'` are read, but hold no name.
    fn constant(&mut self) -> Result<Option<String>, &'static str> {
        let typed = matches!(self.tokens.get(self.at + 1), Some(Token::Text(_)));
        let token = self.tokens.get_mut(self.at).ok_or("a comparison has no value")?;
        self.at += 1;
        match token {
            Token::Text(text) => Ok(Some(std::mem::take(text))),
            Token::Word("t" | "h" | "b") if typed => {
                self.at += 1;
                Ok(None)
            }
            Token::Word(_) => Ok(None),
            Token::Sign(_) => Err("a comparison has no value"),
        }
    }
}

fn looked_for(path: &str, like: Option<bool>, texts: Vec<String>) -> Found {
    let Some(like) = like else { return Found::default() };
    let named = match path.trim_end_matches("[*]") {
        "domain-name:value" | "url:value" | "network-traffic:dst_ref.value" => true,
        "ipv4-addr:value" | "ipv6-addr:value" | "domain-name:resolves_to_refs[*].value" => false,
        _ => return Found::default(),
    };
    let operands: Vec<Operand> = texts.into_iter().filter_map(|text| operand(text, like)).collect();
    Found { named: named && !operands.is_empty(), operands }
}

/// `LIKE '%.name'` is everything below; other wildcards name nothing we can look up.
fn operand(text: String, like: bool) -> Option<Operand> {
    if !like {
        return Some(Operand { text, scope: None });
    }
    let bare = text.strip_prefix("%.").or_else(|| text.strip_prefix('%'));
    let scope = bare.map(|_| Scope::Subtree);
    let bare = bare.unwrap_or(&text);
    // `_` stands for any one character in LIKE, but names hold it too.
    (!bare.contains('%')).then(|| Operand { text: bare.to_owned(), scope })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str) -> Result<Vec<String>, &'static str> {
        Ok(operands(pattern)?.into_iter().map(|operand| operand.text).collect())
    }

    #[test]
    fn comparisons_give_their_values() {
        for (pattern, expected) in [
            ("[domain-name:value = 'a.example']", &["a.example"][..]),
            ("[ domain-name:value='a.example' OR ipv4-addr:value = '192.0.2.1' ]", &["a.example", "192.0.2.1"]),
            ("[domain-name:value IN ('a.example', 'b.example')]", &["a.example", "b.example"]),
            (
                "[domain-name:value = 'a.example' AND domain-name:resolves_to_refs[*].value = '192.0.2.1']",
                &["a.example"],
            ),
            ("[ipv4-addr:value = '192.0.2.1' AND network-traffic:dst_port = 443]", &["192.0.2.1"]),
            (
                "[ipv4-addr:value ISSUBSET '192.0.2.0/24'] FOLLOWEDBY [url:value = 'http://a.example/x']",
                &["192.0.2.0/24", "http://a.example/x"],
            ),
            (
                "([domain-name:value = 'a.example'] OR [domain-name:value = 'b.example']) WITHIN 5 SECONDS",
                &["a.example", "b.example"],
            ),
            (
                "[domain-name:value = 'a.example'] START t'2026-01-01T00:00:00Z' STOP t'2026-02-01T00:00:00Z'",
                &["a.example"],
            ),
            ("[domain-name:value LIKE '%.a.example']", &["a.example"]),
            ("[domain-name:value LIKE 'a%.example']", &[]),
            ("[domain-name:value != 'a.example']", &[]),
            ("[domain-name:value NOT IN ('a.example')]", &[]),
            ("[file:hashes.'SHA-256' = 'aa' OR domain-name:value = 'a.example']", &["a.example"]),
            ("[file:hashes.MD5 = 'aa']", &[]),
            ("[url:value = 'http://a.example/it\\'s']", &["http://a.example/it's"]),
            (
                "[(domain-name:value = 'a.example' OR domain-name:value = 'b.example') AND url:value MATCHES 'x']",
                &["a.example", "b.example"],
            ),
            (
                "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'a.example']",
                &["a.example"],
            ),
        ] {
            assert_eq!(found(pattern).unwrap(), expected, "{pattern}");
        }
    }

    #[test]
    fn broken_patterns_are_told() {
        let deep = format!("[{}domain-name:value='a'{}]", "(".repeat(500), ")".repeat(500));
        let long = format!("[domain-name:value = '{}']", "a".repeat(PATTERN_BYTES_MAX));
        for pattern in [
            "",
            "domain-name:value = 'a'",
            "[domain-name:value = 'a.example'",
            "[domain-name:value = 'a",
            "[domain-name:value]",
            "[domain-name:value = ]",
            "[domain-name:value IN ('a' 'b')]",
            "[] x",
            "[domain-name:value = 'a'] WITHIN",
            &deep,
            &long,
        ] {
            assert!(found(pattern).is_err(), "{pattern}");
        }
    }
}
