//! Tokens in, tree out. The grammar and its precedences are Jinja 3's.

use super::ParseError;
use super::ast::{Binding, Expr, For, Node, Template};
use super::lex::{Spanned, Token, tokens};

/// Deepest nesting of expressions and statements in one template.
const NESTING_MAX: usize = 64;

/// Parses template text.
pub(crate) fn parse(source: &str) -> Result<Template, ParseError> {
    let tokens = tokens(source)?;
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, end: source.len() };
    let (nodes, closed_by) = parser.body(&[])?;
    debug_assert!(closed_by.is_empty());
    Ok(Template { nodes, locals: 0 })
}

/// Parses a bare expression, as in `input_field: parsed.message`.
pub(crate) fn parse_expression(source: &str) -> Result<Expr, ParseError> {
    let template = parse(&format!("{{{{{source}}}}}"))?;
    match template.nodes.into_iter().next() {
        Some(Node::Print(expr)) => Ok(expr),
        _ => Err(ParseError::new(0, "expected an expression")),
    }
}

/// Reads a template token by token.
pub(super) struct Parser<'t> {
    tokens: &'t [Spanned],
    pub(super) at: usize,
    depth: usize,
    end: usize,
}

/// What a rule of the grammar gives.
pub(super) type Parsed<T> = Result<T, ParseError>;

impl Parser<'_> {
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    pub(super) fn peek_second(&self) -> Option<&Token> {
        self.tokens.get(self.at + 1).map(|(token, _)| token)
    }

    pub(super) fn fail<T>(&self, expected: &str) -> Parsed<T> {
        let at = self.tokens.get(self.at).map_or(self.end, |(_, at)| *at);
        let found = self.peek().map_or_else(|| "the end".to_owned(), describe);
        Err(ParseError::new(at, format!("expected {expected}, found {found}")))
    }

    pub(super) fn is_op(&self, operator: &str) -> bool {
        matches!(self.peek(), Some(Token::Op(found)) if *found == operator)
    }

    pub(super) fn is_name(&self, name: &str) -> bool {
        matches!(self.peek(), Some(Token::Name(found)) if found == name)
    }

    pub(super) fn eat_op(&mut self, operator: &str) -> bool {
        let hit = self.is_op(operator);
        self.at += usize::from(hit);
        hit
    }

    pub(super) fn eat_name(&mut self, name: &str) -> bool {
        let hit = self.is_name(name);
        self.at += usize::from(hit);
        hit
    }

    pub(super) fn expect_op(&mut self, operator: &'static str) -> Parsed<()> {
        if self.eat_op(operator) { Ok(()) } else { self.fail(&format!("`{operator}`")) }
    }

    pub(super) fn expect_name(&mut self, what: &str) -> Parsed<String> {
        match self.peek() {
            Some(Token::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => self.fail(what),
        }
    }

    fn expect(&mut self, token: &Token) -> Parsed<()> {
        if self.peek() == Some(token) {
            self.at += 1;
            Ok(())
        } else {
            self.fail(&describe(token))
        }
    }

    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= NESTING_MAX {
            return self.fail(&format!("at most {NESTING_MAX} levels of nesting"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Nodes up to one of the `closers` (consumed with their `{%`, not with what follows) or the end of the template.
    fn body(&mut self, closers: &[&str]) -> Parsed<(Vec<Node>, String)> {
        let mut nodes = Vec::new();
        loop {
            match self.peek() {
                None if closers.is_empty() => return Ok((nodes, String::new())),
                None => return self.fail(&format!("`{{% {} %}}`", closers[closers.len() - 1])),
                Some(Token::Data(text)) => {
                    nodes.push(Node::Text(text.as_str().into()));
                    self.at += 1;
                }
                Some(Token::PrintBegin) => {
                    self.at += 1;
                    nodes.push(Node::Print(self.tuple()?));
                    self.expect(&Token::PrintEnd)?;
                }
                _ => {
                    self.expect(&Token::BlockBegin)?;
                    if let Some(closer) = closers.iter().find(|closer| self.is_name(closer)) {
                        self.at += 1;
                        return Ok((nodes, (*closer).to_owned()));
                    }
                    nodes.push(self.deeper(Self::statement)?);
                }
            }
        }
    }

    fn statement(&mut self) -> Parsed<Node> {
        if self.eat_name("if") {
            self.if_statement()
        } else if self.eat_name("for") {
            self.for_statement()
        } else if self.eat_name("set") {
            self.set_statement()
        } else {
            self.fail("`if`, `for` or `set`")
        }
    }

    fn if_statement(&mut self) -> Parsed<Node> {
        let mut branches = Vec::new();
        let mut condition = Some(self.tuple()?);
        loop {
            self.expect(&Token::BlockEnd)?;
            let closers: &[&str] = if condition.is_some() { &["elif", "else", "endif"] } else { &["endif"] };
            let (body, closer) = self.body(closers)?;
            branches.push((condition, body));
            condition = match &*closer {
                "elif" => Some(self.tuple()?),
                "else" => None,
                _ => break,
            };
        }
        self.expect(&Token::BlockEnd)?;
        Ok(Node::If(branches))
    }

    fn for_statement(&mut self) -> Parsed<Node> {
        let binding = self.binding()?;
        if !self.eat_name("in") {
            return self.fail("`in`");
        }
        // no ternary here: `if` begins the filter
        let items = self.tuple_of(Self::or)?;
        let filter = if self.eat_name("if") { Some(self.expression()?) } else { None };
        self.expect(&Token::BlockEnd)?;
        let (body, closer) = self.body(&["else", "endfor"])?;
        let mut otherwise = Vec::new();
        if closer == "else" {
            self.expect(&Token::BlockEnd)?;
            otherwise = self.body(&["endfor"])?.0;
        }
        self.expect(&Token::BlockEnd)?;
        Ok(Node::For(Box::new(For { binding, items, filter, body, otherwise, loop_slot: 0, locals: 0..0 })))
    }

    fn set_statement(&mut self) -> Parsed<Node> {
        let binding = self.binding()?;
        if self.eat_op("=") {
            let value = self.tuple()?;
            self.expect(&Token::BlockEnd)?;
            return Ok(Node::Set(binding, value));
        }
        let Binding::One(name, slot) = binding else {
            return self.fail("`=`");
        };
        self.expect(&Token::BlockEnd)?;
        let (body, _) = self.body(&["endset"])?;
        self.expect(&Token::BlockEnd)?;
        Ok(Node::SetBlock(name, slot, body))
    }

    fn binding(&mut self) -> Parsed<Binding> {
        let first = self.binding_item()?;
        if !self.is_op(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.eat_op(",") {
            if self.is_op("=") || self.is_name("in") {
                break;
            }
            items.push(self.binding_item()?);
        }
        Ok(Binding::Many(items))
    }

    fn binding_item(&mut self) -> Parsed<Binding> {
        if self.eat_op("(") {
            let inner = self.deeper(Self::binding)?;
            self.expect_op(")")?;
            return Ok(inner);
        }
        Ok(Binding::One(self.expect_name("a name")?.into(), 0))
    }
}

fn describe(token: &Token) -> String {
    match token {
        Token::Data(_) => "text".into(),
        Token::PrintBegin => "`{{`".into(),
        Token::PrintEnd => "`}}`".into(),
        Token::BlockBegin => "`{%`".into(),
        Token::BlockEnd => "`%}`".into(),
        Token::Name(name) => format!("`{name}`"),
        Token::Str(text) => format!("'{text}'"),
        Token::Int(number) => format!("`{number}`"),
        Token::Float(number) => format!("`{number}`"),
        Token::Op(operator) => format!("`{operator}`"),
    }
}
