//! Tokens in, tree out. The grammar and its precedences are Jinja 3's.

use super::ParseError;
use super::ast::{Args, Binary, Binding, Compare, Expr, For, Node, Template};
use super::builtins::{Filter, Test};
use super::lex::{Spanned, Token, tokens};
use crate::constant::Constant;

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

struct Parser<'t> {
    tokens: &'t [Spanned],
    at: usize,
    depth: usize,
    end: usize,
}

type Parsed<T> = Result<T, ParseError>;

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn peek_second(&self) -> Option<&Token> {
        self.tokens.get(self.at + 1).map(|(token, _)| token)
    }

    fn fail<T>(&self, expected: &str) -> Parsed<T> {
        let at = self.tokens.get(self.at).map_or(self.end, |(_, at)| *at);
        let found = self.peek().map_or_else(|| "the end".to_owned(), describe);
        Err(ParseError::new(at, format!("expected {expected}, found {found}")))
    }

    fn is_op(&self, operator: &str) -> bool {
        matches!(self.peek(), Some(Token::Op(found)) if *found == operator)
    }

    fn is_name(&self, name: &str) -> bool {
        matches!(self.peek(), Some(Token::Name(found)) if found == name)
    }

    fn eat_op(&mut self, operator: &str) -> bool {
        let hit = self.is_op(operator);
        self.at += usize::from(hit);
        hit
    }

    fn eat_name(&mut self, name: &str) -> bool {
        let hit = self.is_name(name);
        self.at += usize::from(hit);
        hit
    }

    fn expect_op(&mut self, operator: &'static str) -> Parsed<()> {
        if self.eat_op(operator) { Ok(()) } else { self.fail(&format!("`{operator}`")) }
    }

    fn expect_name(&mut self, what: &str) -> Parsed<String> {
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

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= NESTING_MAX {
            return self.fail(&format!("at most {NESTING_MAX} levels of nesting"));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    // ---- statements ----

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

    // ---- expressions, loosest first ----

    /// One expression, or several with commas: a tuple.
    fn tuple(&mut self) -> Parsed<Expr> {
        self.tuple_of(Self::expression)
    }

    fn tuple_of(&mut self, item: fn(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        let first = item(self)?;
        if !self.is_op(",") {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.eat_op(",") {
            if matches!(self.peek(), Some(Token::PrintEnd | Token::BlockEnd) | None) || self.is_op(")") {
                break;
            }
            items.push(item(self)?);
        }
        Ok(Expr::Tuple(items))
    }

    fn expression(&mut self) -> Parsed<Expr> {
        self.deeper(|parser| {
            let mut value = parser.or()?;
            while parser.eat_name("if") {
                let condition = parser.or()?;
                let otherwise = if parser.eat_name("else") { Some(Box::new(parser.expression()?)) } else { None };
                value = Expr::Cond(Box::new(condition), Box::new(value), otherwise);
            }
            Ok(value)
        })
    }

    fn or(&mut self) -> Parsed<Expr> {
        let mut left = self.and()?;
        while self.eat_name("or") {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expr> {
        let mut left = self.not()?;
        while self.eat_name("and") {
            left = Expr::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed<Expr> {
        if self.eat_name("not") {
            return self.deeper(|parser| Ok(Expr::Not(Box::new(parser.not()?))));
        }
        self.compare()
    }

    fn compare(&mut self) -> Parsed<Expr> {
        let first = self.sum()?;
        let mut rest = Vec::new();
        loop {
            let operator = match self.peek() {
                Some(Token::Op("==")) => Compare::Eq,
                Some(Token::Op("!=")) => Compare::Ne,
                Some(Token::Op("<")) => Compare::Lt,
                Some(Token::Op("<=")) => Compare::Le,
                Some(Token::Op(">")) => Compare::Gt,
                Some(Token::Op(">=")) => Compare::Ge,
                Some(Token::Name(name)) if name == "in" => Compare::In,
                Some(Token::Name(name))
                    if name == "not" && matches!(self.peek_second(), Some(Token::Name(next)) if next == "in") =>
                {
                    self.at += 1;
                    Compare::NotIn
                }
                _ => break,
            };
            self.at += 1;
            rest.push((operator, self.sum()?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Compare(Box::new(first), rest) })
    }

    fn sum(&mut self) -> Parsed<Expr> {
        self.binary(&[("+", Binary::Add), ("-", Binary::Sub)], Self::concat)
    }

    fn concat(&mut self) -> Parsed<Expr> {
        let mut items = vec![self.product()?];
        while self.eat_op("~") {
            items.push(self.product()?);
        }
        Ok(if items.len() == 1 { items.remove(0) } else { Expr::Concat(items) })
    }

    fn product(&mut self) -> Parsed<Expr> {
        let table = [("*", Binary::Mul), ("/", Binary::Div), ("//", Binary::FloorDiv), ("%", Binary::Mod)];
        self.binary(&table, Self::power)
    }

    fn power(&mut self) -> Parsed<Expr> {
        self.binary(&[("**", Binary::Pow)], |parser| parser.unary(true))
    }

    /// Left-associative operators of one level.
    fn binary(&mut self, table: &[(&str, Binary)], operand: fn(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        let mut left = operand(self)?;
        while let Some((_, operator)) = table.iter().find(|(sign, _)| self.is_op(sign)) {
            self.at += 1;
            left = Expr::Binary(*operator, Box::new(left), Box::new(operand(self)?));
        }
        Ok(left)
    }

    fn unary(&mut self, with_filters: bool) -> Parsed<Expr> {
        let value = if self.eat_op("-") {
            Expr::Neg(Box::new(self.deeper(|parser| parser.unary(false))?))
        } else if self.eat_op("+") {
            Expr::Pos(Box::new(self.deeper(|parser| parser.unary(false))?))
        } else {
            self.primary()?
        };
        let value = self.postfix(value)?;
        if with_filters { self.filters(value) } else { Ok(value) }
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let Some(token) = self.peek().cloned() else {
            return self.fail("an expression");
        };
        self.at += 1;
        let constant = match token {
            Token::Name(name) => match &*name {
                "true" | "True" => Constant::Bool(true),
                "false" | "False" => Constant::Bool(false),
                "none" | "None" => Constant::Null,
                _ => return Ok(Expr::Name(name.into())),
            },
            Token::Str(mut text) => {
                while let Some(Token::Str(more)) = self.peek() {
                    text.push_str(more);
                    self.at += 1;
                }
                Constant::Str(text.into())
            }
            Token::Int(number) => Constant::Int(number),
            Token::Float(number) => Constant::Float(number),
            Token::Op("(") => return self.deeper(Self::parenthesis),
            Token::Op("[") => return Ok(Expr::List(self.deeper(|parser| parser.items("]"))?)),
            Token::Op("{") => return self.deeper(Self::dictionary),
            _ => {
                self.at -= 1;
                return self.fail("an expression");
            }
        };
        Ok(Expr::Const(constant))
    }

    fn parenthesis(&mut self) -> Parsed<Expr> {
        if self.eat_op(")") {
            return Ok(Expr::Tuple(Vec::new()));
        }
        let inner = self.tuple()?;
        self.expect_op(")")?;
        Ok(inner)
    }

    fn items(&mut self, close: &'static str) -> Parsed<Vec<Expr>> {
        let mut items = Vec::new();
        while !self.eat_op(close) {
            if !items.is_empty() {
                self.expect_op(",")?;
                if self.eat_op(close) {
                    break;
                }
            }
            items.push(self.expression()?);
        }
        Ok(items)
    }

    fn dictionary(&mut self) -> Parsed<Expr> {
        let mut entries = Vec::new();
        while !self.eat_op("}") {
            if !entries.is_empty() {
                self.expect_op(",")?;
                if self.eat_op("}") {
                    break;
                }
            }
            let key = self.expression()?;
            self.expect_op(":")?;
            entries.push((key, self.expression()?));
        }
        Ok(Expr::Dict(entries))
    }

    /// Attributes, subscripts and calls.
    fn postfix(&mut self, mut value: Expr) -> Parsed<Expr> {
        loop {
            if self.eat_op(".") {
                value = match self.peek().cloned() {
                    Some(Token::Name(name)) => Expr::Attr(Box::new(value), name.into()),
                    Some(Token::Int(index)) => Expr::Item(Box::new(value), Box::new(Expr::Const(Constant::Int(index)))),
                    _ => return self.fail("a name after `.`"),
                };
                self.at += 1;
            } else if self.eat_op("[") {
                value = self.deeper(|parser| parser.subscript(value))?;
            } else if self.eat_op("(") {
                let args = self.deeper(Self::args)?;
                value = Expr::Call(Box::new(value), args);
            } else {
                return Ok(value);
            }
        }
    }

    fn subscript(&mut self, value: Expr) -> Parsed<Expr> {
        let mut parts: [Option<Expr>; 3] = [None, None, None];
        let mut colons = 0;
        while !self.is_op("]") {
            if self.eat_op(":") {
                colons += 1;
                if colons > 2 {
                    return self.fail("`]`");
                }
            } else if parts[colons].is_none() {
                parts[colons] = Some(self.tuple()?);
            } else {
                return self.fail("`]`");
            }
        }
        self.expect_op("]")?;
        match (colons, parts) {
            (0, [Some(index), _, _]) => Ok(Expr::Item(Box::new(value), Box::new(index))),
            (0, _) => self.fail("an index before `]`"),
            (_, parts) => Ok(Expr::Slice(Box::new(value), Box::new(parts))),
        }
    }

    /// Arguments up to and with the closing parenthesis.
    fn args(&mut self) -> Parsed<Args> {
        let mut args = Args::default();
        let mut first = true;
        while !self.eat_op(")") {
            if !first {
                self.expect_op(",")?;
                if self.eat_op(")") {
                    break;
                }
            }
            first = false;
            match (self.peek().cloned(), self.peek_second()) {
                (Some(Token::Name(name)), Some(Token::Op("="))) => {
                    self.at += 2;
                    args.named.push((name.into(), self.expression()?));
                }
                _ if !args.named.is_empty() => return self.fail("a named argument"),
                _ => args.positional.push(self.expression()?),
            }
        }
        Ok(args)
    }

    fn filters(&mut self, mut value: Expr) -> Parsed<Expr> {
        loop {
            if self.eat_op("|") {
                let name = self.expect_name("the name of a filter")?;
                let Some(filter) = Filter::from_name(&name) else {
                    self.at -= 1;
                    return self.fail("a known filter");
                };
                let args = if self.eat_op("(") { self.deeper(Self::args)? } else { Args::default() };
                value = Expr::Filter(filter, Box::new(value), args);
            } else if self.eat_name("is") {
                value = self.test(value)?;
            } else if self.eat_op("(") {
                let args = self.deeper(Self::args)?;
                value = Expr::Call(Box::new(value), args);
            } else {
                return Ok(value);
            }
        }
    }

    fn test(&mut self, value: Expr) -> Parsed<Expr> {
        let negated = self.eat_name("not");
        let name = self.expect_name("the name of a test")?;
        let Some(test) = Test::from_name(&name) else {
            self.at -= 1;
            return self.fail("a known test");
        };
        let args = match self.peek() {
            Some(Token::Op("(")) => {
                self.at += 1;
                self.deeper(Self::args)?
            }
            Some(Token::Name(name)) if matches!(&**name, "else" | "or" | "and" | "if" | "is" | "not" | "in") => {
                Args::default()
            }
            Some(Token::Name(_) | Token::Str(_) | Token::Int(_) | Token::Float(_) | Token::Op("[" | "{")) => {
                let arg = self.primary()?;
                Args { positional: vec![self.postfix(arg)?], named: Vec::new() }
            }
            _ => Args::default(),
        };
        let result = Expr::Test(test, Box::new(value), args);
        Ok(if negated { Expr::Not(Box::new(result)) } else { result })
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
