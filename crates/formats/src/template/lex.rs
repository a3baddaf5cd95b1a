//! Template text in, tokens out.

use super::ParseError;

/// Longest template, in bytes: real ones stay below 10 KB.
const TEMPLATE_BYTES_MAX: usize = 1 << 18;
/// Most tokens of a template: bounds the depth of its tree, whose long chains of operators lean to one side.
const TOKENS_MAX: usize = 8192;

/// One token of a template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Data(String),
    PrintBegin,
    PrintEnd,
    BlockBegin,
    BlockEnd,
    Name(String),
    Str(String),
    Int(i64),
    Float(f64),
    Op(&'static str),
}

/// A token and the byte it starts at.
pub(crate) type Spanned = (Token, usize);

/// Operators, longest first.
const OPERATORS: &[&str] = &[
    "**", "//", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",",
    ":", ".", "|", ";",
];

/// Cuts a template into tokens.
pub(crate) fn tokens(source: &str) -> Result<Vec<Spanned>, ParseError> {
    if source.len() > TEMPLATE_BYTES_MAX {
        return Err(ParseError::new(0, format!("template is longer than {TEMPLATE_BYTES_MAX} bytes")));
    }
    let text = source.strip_suffix("\r\n").or_else(|| source.strip_suffix('\n')).unwrap_or(source);
    let mut lexer = Lexer { text, at: 0, out: Vec::new(), trim_next: false };
    lexer.run()?;
    if lexer.out.len() > TOKENS_MAX {
        return Err(ParseError::new(0, format!("template has more than {TOKENS_MAX} tokens")));
    }
    Ok(lexer.out)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    out: Vec<Spanned>,
    /// The last tag ended in `-`: white space after it goes.
    trim_next: bool,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn run(&mut self) -> Result<(), ParseError> {
        while self.at < self.text.len() {
            let start = self.at;
            let Some((length, open)) = find_open(self.rest()) else {
                self.data(start, self.text.len(), false);
                self.at = self.text.len();
                return Ok(());
            };
            let tag = start + length;
            let sign = self.text.as_bytes().get(tag + 2).copied();
            self.data(start, tag, sign == Some(b'-'));
            self.at = tag + 2 + usize::from(matches!(sign, Some(b'-' | b'+')));
            match open {
                '#' => self.comment(tag)?,
                '%' if self.raw()? => {}
                '%' => {
                    self.out.push((Token::BlockBegin, tag));
                    self.inside("%}", Token::BlockEnd)?;
                }
                _ => {
                    self.out.push((Token::PrintBegin, tag));
                    self.inside("}}", Token::PrintEnd)?;
                }
            }
        }
        Ok(())
    }

    fn data(&mut self, from: usize, to: usize, trim_end: bool) {
        let mut text = &self.text[from..to];
        if self.trim_next {
            text = text.trim_start();
        }
        if trim_end {
            text = text.trim_end();
        }
        self.trim_next = false;
        if !text.is_empty() {
            self.out.push((Token::Data(text.replace("\r\n", "\n")), from));
        }
    }

    fn comment(&mut self, tag: usize) -> Result<(), ParseError> {
        let Some(length) = self.rest().find("#}") else {
            return Err(ParseError::new(tag, "comment `{#` is never closed by `#}`"));
        };
        self.trim_next = length > 0 && self.text.as_bytes()[self.at + length - 1] == b'-';
        self.at += length + 2;
        Ok(())
    }

    /// `{% raw %}` up to `{% endraw %}` is text. Called behind `{%`.
    fn raw(&mut self) -> Result<bool, ParseError> {
        let begin = self.at;
        let Some(after) = tag_named(self.rest(), "raw") else {
            return Ok(false);
        };
        let body = begin + after;
        let mut search = body;
        while let Some(found) = self.text[search..].find("{%") {
            let tag = search + found;
            let inner = self.text[tag + 2..].strip_prefix('-').unwrap_or(&self.text[tag + 2..]);
            if let Some(length) = tag_named(inner, "endraw") {
                self.data(body, tag, false);
                self.at = self.text.len() - inner.len() + length;
                return Ok(true);
            }
            search = tag + 2;
        }
        Err(ParseError::new(begin, "`raw` is never closed by `endraw`"))
    }

    /// Tokens of a tag, up to and with its end.
    fn inside(&mut self, end: &str, end_token: Token) -> Result<(), ParseError> {
        let mut open: Vec<char> = Vec::new();
        loop {
            self.at += self.rest().len() - self.rest().trim_start().len();
            let start = self.at;
            let rest = self.rest();
            let Some(first) = rest.chars().next() else {
                return Err(ParseError::new(start, format!("expected `{end}` before the end of the template")));
            };
            if open.is_empty() {
                let (sign, tail) = rest.strip_prefix(['-', '+']).map_or((false, rest), |tail| (true, tail));
                if tail.starts_with(end) {
                    self.trim_next = sign && first == '-';
                    self.at += end.len() + usize::from(sign);
                    self.out.push((end_token, start));
                    return Ok(());
                }
            }
            let token = match first {
                'a'..='z' | 'A'..='Z' | '_' => self.name(),
                '0'..='9' => self.number()?,
                '\'' | '"' => self.string(first)?,
                _ if first.is_alphabetic() => self.name(),
                _ => {
                    let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator)) else {
                        return Err(ParseError::new(start, format!("unexpected character `{first}`")));
                    };
                    balance(&mut open, first, start)?;
                    self.at += operator.len();
                    Token::Op(operator)
                }
            };
            self.out.push((token, start));
        }
    }

    fn name(&mut self) -> Token {
        let rest = self.rest();
        let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.at += length;
        Token::Name(rest[..length].to_owned())
    }

    fn number(&mut self) -> Result<Token, ParseError> {
        let start = self.at;
        // `a.0.1` is two subscripts, not a float
        let after_dot = matches!(self.out.last(), Some((Token::Op("."), _)));
        let (token, length) = number(self.rest(), after_dot)
            .ok_or_else(|| ParseError::new(start, "number is not a whole number of 64 bits or a float"))?;
        self.at += length;
        Ok(token)
    }

    fn string(&mut self, quote: char) -> Result<Token, ParseError> {
        let start = self.at;
        let rest = &self.rest()[1..];
        let mut escaped = false;
        for (index, c) in rest.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if c == quote => {
                    self.at += index + 2;
                    return Ok(Token::Str(super::literal::unescape(&rest[..index])));
                }
                _ => {}
            }
        }
        Err(ParseError::new(start, format!("text is never closed by `{quote}`")))
    }
}

fn balance(open: &mut Vec<char>, c: char, at: usize) -> Result<(), ParseError> {
    match c {
        '(' => open.push(')'),
        '[' => open.push(']'),
        '{' => open.push('}'),
        ')' | ']' | '}' => match open.pop() {
            Some(expected) if expected == c => {}
            Some(expected) => return Err(ParseError::new(at, format!("expected `{expected}`, found `{c}`"))),
            None => return Err(ParseError::new(at, format!("unexpected `{c}`"))),
        },
        _ => {}
    }
    Ok(())
}

/// Offset and kind (`{`, `%`, `#`) of the first tag.
fn find_open(text: &str) -> Option<(usize, char)> {
    let mut from = 0;
    while let Some(found) = text[from..].find('{') {
        let at = from + found;
        match text.as_bytes().get(at + 1) {
            Some(b'{') => return Some((at, '{')),
            Some(b'%') => return Some((at, '%')),
            Some(b'#') => return Some((at, '#')),
            _ => from = at + 1,
        }
    }
    None
}

/// Length of ` name %}` when `text` begins with it.
fn tag_named(text: &str, name: &str) -> Option<usize> {
    let rest = text.trim_start().strip_prefix(name)?.trim_start();
    let rest = rest.strip_prefix('-').unwrap_or(rest).strip_prefix("%}")?;
    Some(text.len() - rest.len())
}

/// A number as Python writes it, and its length.
pub(crate) fn number(text: &str, whole_only: bool) -> Option<(Token, usize)> {
    let bytes = text.as_bytes();
    let radix = match bytes.get(1).map(u8::to_ascii_lowercase) {
        Some(b'x') if bytes[0] == b'0' => 16,
        Some(b'o') if bytes[0] == b'0' => 8,
        Some(b'b') if bytes[0] == b'0' => 2,
        _ => 10,
    };
    if radix != 10 {
        let length = 2 + text[2..].bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let digits = text[2..length].replace('_', "");
        return i64::from_str_radix(&digits, radix).ok().map(|number| (Token::Int(number), length));
    }
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit() || **b == b'_').count();
    let mut length = digits(0);
    let mut float = false;
    if !whole_only && bytes.get(length) == Some(&b'.') && bytes.get(length + 1).is_some_and(u8::is_ascii_digit) {
        float = true;
        length += 1 + digits(length + 1);
    }
    if !whole_only && matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let count = digits(length + 1 + sign);
        if count > 0 {
            float = true;
            length += 1 + sign + count;
        }
    }
    let plain = text[..length].replace('_', "");
    if float {
        return plain.parse().ok().map(|number| (Token::Float(number), length));
    }
    // Python has no bound on whole numbers; beyond 64 bits they count as floats here
    match plain.parse() {
        Ok(number) => Some((Token::Int(number), length)),
        Err(_) => plain.parse().ok().map(|number| (Token::Float(number), length)),
    }
}
