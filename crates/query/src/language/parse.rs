//! From query text to [`Expr`]: a recursive descent whose depth is bounded.

use super::ast::{Comparison, Expr, FieldName, Literal, Range, Term, Test};
use super::error::{Mistake, quoted};
use super::ip::IpRange;
use super::scan::{Operator, Scanner};
use super::span::Span;
use super::token::{Token, TokenKind};

/// Longest query text.
pub const QUERY_BYTES_MAX: usize = 16 << 10;
/// Deepest nesting of parentheses and NOTs.
pub const DEPTH_MAX: usize = 32;
/// Most terms in one query.
pub const TERMS_MAX: usize = 1_000;

/// What came of a text: the expression or the first mistake, and the pieces up to there.
pub(super) struct Parsed {
    pub(super) result: Result<Expr, Mistake>,
    pub(super) tokens: Vec<Token>,
}

/// Parses a whole query.
pub(super) fn parse(text: &str) -> Parsed {
    let mut parser = Parser { scan: Scanner { text, at: 0 }, tokens: Vec::new(), depth: 0, terms: 0, group: None };
    let result = parser.query();
    if let Err(mistake) = &result {
        parser.tokens.retain(|token| token.span.end <= mistake.span.start);
        let start = mistake.span.start;
        if start < text.len() {
            parser.tokens.push(Token { kind: TokenKind::Error, span: Span::new(start, text.len()) });
        }
    }
    Parsed { result, tokens: parser.tokens }
}

struct Parser<'a> {
    scan: Scanner<'a>,
    tokens: Vec<Token>,
    depth: usize,
    terms: usize,
    /// The field of the `field:( … )` that the cursor is in.
    group: Option<FieldName>,
}

impl Parser<'_> {
    fn query(&mut self) -> Result<Expr, Mistake> {
        if self.scan.text.len() > QUERY_BYTES_MAX {
            let span = Span::new(0, self.scan.text.len());
            return Err(Mistake::at(span, format!("the query is longer than {QUERY_BYTES_MAX} bytes")));
        }
        self.scan.skip_space();
        if self.scan.peek().is_none() {
            return Ok(Expr::All);
        }
        let expr = self.disjunction()?;
        match self.scan.peek() {
            None => Ok(expr),
            Some(_) => Err(Mistake::at(self.scan.here(), "this parenthesis closes nothing")),
        }
    }

    fn disjunction(&mut self) -> Result<Expr, Mistake> {
        let mut parts = vec![self.conjunction()?];
        while self.eat_operator(Operator::Or) {
            parts.push(self.conjunction()?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Expr::Or(parts) })
    }

    fn conjunction(&mut self) -> Result<Expr, Mistake> {
        let mut parts = vec![self.negation()?];
        loop {
            let explicit = self.eat_operator(Operator::And);
            if !explicit && !self.at_operand() {
                break;
            }
            parts.push(self.negation()?);
        }
        Ok(if parts.len() == 1 { parts.swap_remove(0) } else { Expr::And(parts) })
    }

    fn negation(&mut self) -> Result<Expr, Mistake> {
        let (before, start) = (self.depth, self.scan.at);
        let mut count = 0;
        while self.eat_operator(Operator::Not) {
            count += 1;
            self.descend(Span::new(start, self.scan.at))?;
        }
        let mut expr = self.operand()?;
        for _ in 0..count {
            expr = Expr::Not(Box::new(expr));
        }
        self.depth = before;
        Ok(expr)
    }

    fn operand(&mut self) -> Result<Expr, Mistake> {
        self.scan.skip_space();
        let here = self.scan.here();
        match self.scan.peek() {
            None => Err(Mistake::at(here, self.missing_operand())),
            Some(')') if self.depth == 0 => Err(Mistake::at(here, "this parenthesis closes nothing")),
            Some(')') => Err(Mistake::at(here, self.missing_operand())),
            Some('(') => self.parenthesis(),
            Some(_) => {
                if let Some((operator, length)) = self.scan.operator() {
                    debug_assert!(operator != Operator::Not);
                    let span = Span::new(here.start, here.start + length);
                    let name = &self.scan.text[span.start..span.end];
                    return Err(Mistake::at(
                        span,
                        format!("`{name}` needs a term before it; quote it to search for it"),
                    ));
                }
                match self.group.clone() {
                    Some(field) => self.value(field),
                    None => self.term(),
                }
            }
        }
    }

    fn missing_operand(&self) -> String {
        match self.tokens.last() {
            Some(token) if token.kind == TokenKind::Operator => {
                format!("a term is missing after `{}`", &self.scan.text[token.span.start..token.span.end])
            }
            _ => "a term is missing here".to_owned(),
        }
    }

    fn parenthesis(&mut self) -> Result<Expr, Mistake> {
        let open = self.scan.here();
        self.descend(open)?;
        self.scan.bump();
        self.token(TokenKind::Paren, open.start);
        let expr = self.disjunction()?;
        self.scan.skip_space();
        let close = self.scan.at;
        if !self.scan.eat(")") {
            return Err(Mistake::at(open, "this parenthesis is never closed"));
        }
        self.token(TokenKind::Paren, close);
        self.depth -= 1;
        Ok(expr)
    }

    /// A term outside `field:( … )`.
    fn term(&mut self) -> Result<Expr, Mistake> {
        let start = self.scan.at;
        if !is_address(self.scan.run())
            && let Some(name) = self.scan.field_name()
        {
            let field = FieldName { name: name.to_owned(), span: Span::new(start, start + name.len()) };
            self.scan.at += name.len();
            self.token(TokenKind::Field, start);
            self.scan.bump();
            self.token(TokenKind::Colon, start + name.len());
            return self.after_colon(field);
        }
        let test = match self.scan.peek() {
            Some('"') => self.phrase()?,
            Some('/') => self.regex()?,
            Some('[' | '{') => return Err(self.needs_field("a range")),
            Some('>' | '<') => return Err(self.needs_field("a comparison")),
            Some(':') => {
                return Err(Mistake::at(self.scan.here(), "a field name is missing before `:`"));
            }
            _ => self.word()?,
        };
        if test == Test::Exists {
            self.count_term(Span::new(start, self.scan.at))?;
            return Ok(Expr::All);
        }
        self.finish_term(None, test, start)
    }

    fn needs_field(&self, what: &str) -> Mistake {
        Mistake::at(self.scan.here(), format!("{what} needs a field before it, as in `field:…`; put text in quotes"))
    }

    fn after_colon(&mut self, field: FieldName) -> Result<Expr, Mistake> {
        let spaced = self.scan.skip_space();
        let missing = match self.scan.peek() {
            None | Some(')') => true,
            Some(_) => spaced && self.scan.operator().is_some(),
        };
        if missing {
            let span = Span::new(field.span.start, field.span.end + 1);
            return Err(Mistake::at(span, format!("a value is missing after `{}:`", field.name)));
        }
        if self.scan.peek() == Some('(') {
            self.group = Some(field);
            let expr = self.parenthesis()?;
            self.group = None;
            return Ok(expr);
        }
        self.value(field)
    }

    /// What stands after `field:`, and each value of `field:( … )`.
    fn value(&mut self, field: FieldName) -> Result<Expr, Mistake> {
        let start = self.scan.at;
        let test = match self.scan.peek() {
            Some('"') => self.phrase()?,
            Some('/') => self.regex()?,
            Some('[' | '{') => self.range()?,
            Some('>' | '<') => self.comparison()?,
            _ => self.word()?,
        };
        self.finish_term(Some(field), test, start)
    }

    fn phrase(&mut self) -> Result<Test, Mistake> {
        let start = self.scan.at;
        let text = self.scan.phrase()?;
        self.token(TokenKind::Phrase, start);
        self.must_end("put a space after the closing quote")?;
        Ok(Test::Text(text))
    }

    fn regex(&mut self) -> Result<Test, Mistake> {
        let start = self.scan.at;
        const ADVICE: &str = "put text that holds a `/` in quotes";
        let text = self.scan.regex()?;
        if text.is_empty() {
            let message = format!("a regular expression between slashes is missing here; {ADVICE}");
            return Err(Mistake::at(Span::new(start, self.scan.at), message));
        }
        self.token(TokenKind::Regex, start);
        self.must_end(&format!("case is ignored without a flag, and {ADVICE}"))?;
        Ok(Test::Regex(text))
    }

    fn word(&mut self) -> Result<Test, Mistake> {
        let start = self.scan.at;
        let test = self.scan.word(false)?;
        let kind = if matches!(test, Test::Text(_)) { TokenKind::Text } else { TokenKind::Wildcard };
        self.token(kind, start);
        Ok(test)
    }

    fn comparison(&mut self) -> Result<Test, Mistake> {
        let start = self.scan.at;
        let comparison = if self.scan.eat(">=") {
            Comparison::AtLeast
        } else if self.scan.eat(">") {
            Comparison::Above
        } else if self.scan.eat("<=") {
            Comparison::AtMost
        } else {
            self.scan.bump();
            Comparison::Below
        };
        self.token(TokenKind::Compare, start);
        self.scan.skip_space();
        match self.literal(false)? {
            Some(literal) => Ok(Test::Compare(comparison, literal)),
            None => Err(Mistake::at(Span::new(start, self.scan.at), "a comparison takes a value, not `*`")),
        }
    }

    fn range(&mut self) -> Result<Test, Mistake> {
        let open = self.scan.here();
        let low_included = self.scan.bump() == Some('[');
        self.token(TokenKind::Range, open.start);
        self.scan.skip_space();
        let low = self.literal(true)?;
        self.scan.skip_space();
        let to = self.scan.at;
        if !(self.scan.eat("TO") || self.scan.eat("to")) {
            return Err(Mistake::at(self.scan.here(), "a range reads `[low TO high]`; `TO` is missing here"));
        }
        self.token(TokenKind::Range, to);
        self.scan.skip_space();
        let high = self.literal(true)?;
        self.scan.skip_space();
        let close = self.scan.at;
        let high_included = match self.scan.peek() {
            Some(']') => true,
            Some('}') => false,
            None => return Err(Mistake::at(open, "this range is never closed")),
            Some(_) => return Err(Mistake::at(self.scan.here(), "`]` or `}` must end the range here")),
        };
        self.scan.bump();
        self.token(TokenKind::Range, close);
        self.must_end("put a space after the range")?;
        Ok(Test::Range(Range { low, low_included, high, high_included }))
    }

    /// A plain value; `None` for `*`.
    fn literal(&mut self, in_range: bool) -> Result<Option<Literal>, Mistake> {
        let start = self.scan.at;
        let (test, kind) = match self.scan.peek() {
            Some('"') => (Test::Text(self.scan.phrase()?), TokenKind::Phrase),
            _ => (self.scan.word(in_range)?, TokenKind::Text),
        };
        let span = Span::new(start, self.scan.at);
        match test {
            Test::Text(_) if start == self.scan.at => Err(Mistake::at(self.scan.here(), "a value is missing here")),
            Test::Text(text) => {
                self.token(kind, start);
                Ok(Some(Literal { text, span }))
            }
            Test::Exists => {
                self.token(TokenKind::Wildcard, start);
                Ok(None)
            }
            _ => Err(Mistake::at(span, "a range or comparison takes plain values, without wildcards")),
        }
    }

    fn finish_term(&mut self, field: Option<FieldName>, test: Test, start: usize) -> Result<Expr, Mistake> {
        let span = Span::new(start, self.scan.at);
        self.count_term(span)?;
        Ok(Expr::Term(Term { field, test, span }))
    }

    fn count_term(&mut self, span: Span) -> Result<(), Mistake> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(Mistake::at(span, format!("the query has more than {TERMS_MAX} terms")));
        }
        Ok(())
    }

    fn descend(&mut self, span: Span) -> Result<(), Mistake> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Mistake::at(span, format!("the query is nested deeper than {DEPTH_MAX} levels")));
        }
        Ok(())
    }

    /// White space, a closing parenthesis or the end must follow.
    fn must_end(&self, advice: &str) -> Result<(), Mistake> {
        match self.scan.peek() {
            None | Some(')') => Ok(()),
            Some(c) if c.is_whitespace() => Ok(()),
            Some(_) => {
                let run = self.scan.run();
                let span = Span::new(self.scan.at, self.scan.at + run.len().max(self.scan.here().end - self.scan.at));
                let text = quoted(&self.scan.text[span.start..span.end]);
                Err(Mistake::at(span, format!("{text} stands too close to what is before it; {advice}")))
            }
        }
    }

    /// Whether another operand follows without an operator.
    fn at_operand(&mut self) -> bool {
        self.scan.skip_space();
        match self.scan.peek() {
            None | Some(')') => false,
            Some(_) => self.scan.operator().is_none_or(|(operator, _)| operator == Operator::Not),
        }
    }

    fn eat_operator(&mut self, wanted: Operator) -> bool {
        self.scan.skip_space();
        match self.scan.operator() {
            Some((operator, length)) if operator == wanted => {
                let start = self.scan.at;
                self.scan.at += length;
                self.token(TokenKind::Operator, start);
                true
            }
            _ => false,
        }
    }

    fn token(&mut self, kind: TokenKind, start: usize) {
        self.tokens.push(Token { kind, span: Span::new(start, self.scan.at) });
    }
}

/// Whether a word is an address or a network, so that the colons of `2001:db8::1` do not make it a field.
fn is_address(word: &str) -> bool {
    word.contains(':') && IpRange::parse(word).is_some()
}
