//! The expression half of the grammar, loosest operators first.

use super::ast::{Args, Binary, Compare, Expr};
use super::builtins::{Filter, Test};
use super::lex::Token;
use super::parse::{Parsed, Parser};
use crate::constant::Constant;

impl Parser<'_> {
    /// One expression, or several with commas: a tuple.
    pub(super) fn tuple(&mut self) -> Parsed<Expr> {
        self.tuple_of(Self::expression)
    }

    pub(super) fn tuple_of(&mut self, item: fn(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
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

    pub(super) fn expression(&mut self) -> Parsed<Expr> {
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

    pub(super) fn or(&mut self) -> Parsed<Expr> {
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
