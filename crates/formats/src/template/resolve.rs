//! Names to slots: a parsed template in, the same tree with every path that is known at load resolved, constants
//! folded, regular expressions compiled.

use bumpalo::Bump;
use tidegate_event::{Timestamp, Value};

use super::ParseError;
use super::ast::{Args, Binding, Compare, Expr, For, Function, Node, Template};
use super::builtins::{Filter, Method, is_dict_method};
use super::eval::{Env, Outside};
use super::filters::regex;
use super::value::{Fail, Val};
use crate::constant::Constant;
use crate::paths::Slot;

/// Deepest tree that is evaluated.
const TREE_DEPTH_MAX: usize = 250;

/// What paths mean outside of a template.
pub(crate) trait Binder {
    /// The expression for `root.a.b`; `None` when the root is unknown.
    fn path(&mut self, root: &str, keys: &[&str]) -> Option<Expr>;
    /// The slot behind `root.a.b`, when an external stage produces it; the path itself is not marked as read.
    fn slot(&mut self, root: &str, keys: &[&str]) -> Option<Slot>;
    /// The slot below another under a key, marked as read.
    fn below(&mut self, slot: Slot, key: &str) -> Slot;
}

/// Resolves a template.
pub(crate) fn template(mut template: Template, binder: &mut dyn Binder) -> Result<Template, ParseError> {
    let mut resolver = Resolver { binder, scopes: vec![Vec::new()], next: 0 };
    template.nodes = resolver.nodes(template.nodes)?;
    template.locals = resolver.next;
    Ok(template)
}

/// Resolves an expression that stands alone.
pub(crate) fn expression(expr: Expr, binder: &mut dyn Binder) -> Result<Expr, ParseError> {
    Resolver { binder, scopes: vec![Vec::new()], next: 0 }.whole(expr)
}

struct Resolver<'b> {
    binder: &'b mut dyn Binder,
    /// Names of variables with their places, innermost scope last.
    scopes: Vec<Vec<(Box<str>, u16)>>,
    next: u16,
}

type Resolved<T> = Result<T, ParseError>;

impl Resolver<'_> {
    fn nodes(&mut self, nodes: Vec<Node>) -> Resolved<Vec<Node>> {
        nodes.into_iter().map(|node| self.node(node)).collect()
    }

    fn node(&mut self, node: Node) -> Resolved<Node> {
        Ok(match node {
            Node::Text(text) => Node::Text(text),
            Node::Print(expr) => Node::Print(self.whole(expr)?),
            Node::If(branches) => Node::If(
                branches
                    .into_iter()
                    .map(|(condition, body)| {
                        Ok((condition.map(|condition| self.whole(condition)).transpose()?, self.nodes(body)?))
                    })
                    .collect::<Resolved<_>>()?,
            ),
            Node::For(each) => Node::For(Box::new(self.for_each(*each)?)),
            Node::Set(binding, expr) => {
                let expr = self.whole(expr)?;
                Node::Set(self.bind(binding)?, expr)
            }
            Node::SetBlock(name, _, body) => {
                let body = self.nodes(body)?;
                let slot = self.declare(&name)?;
                Node::SetBlock(name, slot, body)
            }
        })
    }

    fn for_each(&mut self, each: For) -> Resolved<For> {
        let items = self.whole(each.items)?;
        let start = self.next;
        self.scopes.push(Vec::new());
        let binding = self.bind(each.binding)?;
        let loop_slot = self.declare("loop")?;
        let filter = each.filter.map(|filter| self.whole(filter)).transpose()?;
        let body = self.nodes(each.body)?;
        self.scopes.pop();
        let locals = start..self.next;
        let otherwise = self.nodes(each.otherwise)?;
        Ok(For { binding, items, filter, body, otherwise, loop_slot, locals })
    }

    fn bind(&mut self, binding: Binding) -> Resolved<Binding> {
        Ok(match binding {
            Binding::One(name, _) => {
                let slot = self.declare(&name)?;
                Binding::One(name, slot)
            }
            Binding::Many(parts) => {
                Binding::Many(parts.into_iter().map(|part| self.bind(part)).collect::<Resolved<_>>()?)
            }
        })
    }

    /// The place of a variable in the innermost scope.
    fn declare(&mut self, name: &str) -> Resolved<u16> {
        let scope = self.scopes.last_mut().expect("there is always an outermost scope");
        if let Some((_, slot)) = scope.iter().find(|(known, _)| **known == *name) {
            return Ok(*slot);
        }
        let slot = self.next;
        self.next = slot.checked_add(1).ok_or_else(|| ParseError::new(0, "too many variables"))?;
        scope.push((name.into(), slot));
        Ok(slot)
    }

    fn is_local(&self, name: &str) -> bool {
        self.scopes.iter().flatten().any(|(known, _)| **known == *name)
    }

    /// What a name is worth: the innermost variable that is set, then what lies outside.
    fn name(&mut self, name: &str) -> Expr {
        let mut expr = self.binder.path(name, &[]).unwrap_or_else(|| Expr::Name(name.into()));
        for scope in &self.scopes {
            if let Some((_, slot)) = scope.iter().find(|(known, _)| **known == *name) {
                expr = Expr::Local(*slot, Box::new(expr));
            }
        }
        expr
    }

    fn whole(&mut self, expr: Expr) -> Resolved<Expr> {
        if depth(&expr) > TREE_DEPTH_MAX {
            return Err(ParseError::new(0, format!("expression is nested deeper than {TREE_DEPTH_MAX} levels")));
        }
        self.expr(expr)
    }

    fn boxed(&mut self, mut expr: Box<Expr>) -> Resolved<Box<Expr>> {
        let taken = std::mem::replace(&mut *expr, Expr::FinalAll);
        *expr = self.expr(taken)?;
        Ok(expr)
    }

    fn all(&mut self, exprs: Vec<Expr>) -> Resolved<Vec<Expr>> {
        exprs.into_iter().map(|expr| self.expr(expr)).collect()
    }

    fn args(&mut self, args: Args) -> Resolved<Args> {
        Ok(Args {
            positional: self.all(args.positional)?,
            named: args
                .named
                .into_iter()
                .map(|(name, value)| Ok((name, self.expr(value)?)))
                .collect::<Resolved<_>>()?,
        })
    }

    fn expr(&mut self, expr: Expr) -> Resolved<Expr> {
        if let Some(resolved) = self.known_path(&expr) {
            return Ok(resolved);
        }
        let resolved = match expr {
            Expr::Name(name) => return Ok(self.name(&name)),
            Expr::Attr(object, name) => Expr::Attr(self.boxed(object)?, name),
            Expr::Item(object, index) => Expr::Item(self.boxed(object)?, self.boxed(index)?),
            Expr::Slice(object, parts) => {
                let parts = parts.map(|part| part.map(|part| self.expr(part)));
                let [start, stop, step] = parts;
                let parts = [start.transpose()?, stop.transpose()?, step.transpose()?];
                Expr::Slice(self.boxed(object)?, Box::new(parts))
            }
            Expr::Call(callee, args) => return self.call(*callee, args),
            Expr::Filter(filter, input, args) => return self.filter(filter, *input, args),
            Expr::Test(test, input, args) => Expr::Test(test, self.boxed(input)?, self.args(args)?),
            Expr::Not(inner) => Expr::Not(self.boxed(inner)?),
            Expr::Neg(inner) => Expr::Neg(self.boxed(inner)?),
            Expr::Pos(inner) => Expr::Pos(self.boxed(inner)?),
            Expr::Binary(operator, left, right) => Expr::Binary(operator, self.boxed(left)?, self.boxed(right)?),
            Expr::And(left, right) => Expr::And(self.boxed(left)?, self.boxed(right)?),
            Expr::Or(left, right) => Expr::Or(self.boxed(left)?, self.boxed(right)?),
            Expr::Compare(first, rest) => return self.compare(*first, rest),
            Expr::Concat(parts) => Expr::Concat(self.all(parts)?),
            Expr::Cond(condition, then, otherwise) => Expr::Cond(
                self.boxed(condition)?,
                self.boxed(then)?,
                otherwise.map(|otherwise| self.boxed(otherwise)).transpose()?,
            ),
            Expr::List(items) => return Ok(Expr::List(self.all(items)?)),
            Expr::Tuple(items) => return Ok(Expr::Tuple(self.all(items)?)),
            Expr::Dict(entries) => {
                return Ok(Expr::Dict(
                    entries
                        .into_iter()
                        .map(|(key, value)| Ok((self.expr(key)?, self.expr(value)?)))
                        .collect::<Resolved<_>>()?,
                ));
            }
            other => other,
        };
        Ok(fold(resolved))
    }

    /// `root.a.b` and `root['a'].b` whose root lies outside of the template.
    fn known_path(&mut self, expr: &Expr) -> Option<Expr> {
        let (root, keys) = chain(expr)?;
        if self.is_local(root) {
            return None;
        }
        self.binder.path(root, &keys)
    }

    fn known_slot(&mut self, expr: &Expr) -> Option<Slot> {
        let (root, keys) = chain(expr)?;
        if self.is_local(root) {
            return None;
        }
        self.binder.slot(root, &keys)
    }

    fn call(&mut self, callee: Expr, args: Args) -> Resolved<Expr> {
        match callee {
            Expr::Attr(object, name) => {
                let Some(method) = Method::from_name(&name) else {
                    return Ok(Expr::Call(Box::new(Expr::Attr(self.boxed(object)?, name)), self.args(args)?));
                };
                if method == Method::Get
                    && args.named.is_empty()
                    && args.positional.len() <= 2
                    && let Some(Expr::Const(Constant::Str(key))) = args.positional.first()
                    && let Some(dict) = self.known_slot(&object)
                {
                    let slot = self.binder.below(dict, key);
                    let default = args.positional.into_iter().nth(1);
                    let default = default.map(|default| self.expr(default)).transpose()?;
                    return Ok(Expr::SlotGet(dict, slot, default.map(Box::new)));
                }
                Ok(Expr::Method(method, self.boxed(object)?, self.args(args)?))
            }
            Expr::Name(name) if !self.is_local(&name) => {
                let function = match &*name {
                    "len" => Function::Len,
                    "range" => Function::Range,
                    "dict" => Function::Dict,
                    _ => return Ok(Expr::Call(Box::new(Expr::Name(name)), self.args(args)?)),
                };
                Ok(Expr::Function(function, self.args(args)?))
            }
            other => Ok(Expr::Call(Box::new(self.expr(other)?), self.args(args)?)),
        }
    }

    fn filter(&mut self, filter: Filter, input: Expr, args: Args) -> Resolved<Expr> {
        let input = Box::new(self.expr(input)?);
        let args = self.args(args)?;
        if let (Filter::ReMatch | Filter::ReSearch, [Expr::Const(Constant::Str(pattern))]) =
            (filter, &args.positional[..])
        {
            let regex = regex(pattern, filter == Filter::ReMatch)
                .map_err(|_| ParseError::new(0, format!("bad regular expression `{pattern}`")))?;
            return Ok(Expr::Regex(Box::new(regex), input));
        }
        let pure = filter != Filter::ToRfc3339;
        let resolved = Expr::Filter(filter, input, args);
        Ok(if pure { fold(resolved) } else { resolved })
    }

    fn compare(&mut self, first: Expr, rest: Vec<(Compare, Expr)>) -> Resolved<Expr> {
        if let (Expr::Const(Constant::Str(key)), [(operator @ (Compare::In | Compare::NotIn), path)]) =
            (&first, &rest[..])
            && let Some(dict) = self.known_slot(path)
        {
            let has = Expr::SlotHas(dict, self.binder.below(dict, key));
            return Ok(if *operator == Compare::In { has } else { Expr::Not(Box::new(has)) });
        }
        let first = self.expr(first)?;
        let rest =
            rest.into_iter().map(|(operator, expr)| Ok((operator, self.expr(expr)?))).collect::<Resolved<_>>()?;
        Ok(fold(Expr::Compare(Box::new(first), rest)))
    }
}

/// `root` and the keys after it. An attribute that names a method of dictionaries is that method, not a key.
fn chain(expr: &Expr) -> Option<(&str, Vec<&str>)> {
    let mut keys = Vec::new();
    let mut at = expr;
    loop {
        match at {
            Expr::Name(name) => {
                keys.reverse();
                return Some((name, keys));
            }
            Expr::Attr(object, name) if !is_dict_method(name) => {
                keys.push(&**name);
                at = object;
            }
            Expr::Item(object, index) => match &**index {
                Expr::Const(Constant::Str(key)) => {
                    keys.push(&**key);
                    at = object;
                }
                _ => return None,
            },
            _ => return None,
        }
    }
}

/// The parts of an expression.
fn parts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Attr(inner, _) | Expr::Not(inner) | Expr::Neg(inner) | Expr::Pos(inner) | Expr::Local(_, inner) => {
            vec![inner]
        }
        Expr::Regex(_, inner) => vec![inner],
        Expr::Item(left, right) | Expr::Binary(_, left, right) | Expr::And(left, right) | Expr::Or(left, right) => {
            vec![left, right]
        }
        Expr::Slice(object, bounds) => std::iter::once(&**object).chain(bounds.iter().flatten()).collect(),
        Expr::Call(inner, args)
        | Expr::Filter(_, inner, args)
        | Expr::Test(_, inner, args)
        | Expr::Method(_, inner, args) => std::iter::once(&**inner).chain(arguments(args)).collect(),
        Expr::Function(_, args) => arguments(args).collect(),
        Expr::Compare(first, rest) => std::iter::once(&**first).chain(rest.iter().map(|(_, expr)| expr)).collect(),
        Expr::Concat(items) | Expr::List(items) | Expr::Tuple(items) => items.iter().collect(),
        Expr::Cond(condition, then, otherwise) => {
            [&**condition, then].into_iter().chain(otherwise.as_deref()).collect()
        }
        Expr::Dict(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
        Expr::SlotGet(_, _, default) => default.iter().map(|default| &**default).collect(),
        _ => Vec::new(),
    }
}

fn arguments(args: &Args) -> impl Iterator<Item = &Expr> {
    args.positional.iter().chain(args.named.iter().map(|(_, value)| value))
}

/// The depth of a tree, found without recursion: a long chain of operators is deep on one side.
fn depth(expr: &Expr) -> usize {
    let mut deepest = 0;
    let mut left = vec![(expr, 1)];
    while let Some((expr, depth)) = left.pop() {
        deepest = deepest.max(depth);
        left.extend(parts(expr).into_iter().map(|part| (part, depth + 1)));
    }
    deepest
}

/// An expression whose parts are all constant is the constant it yields, when it yields a scalar.
fn fold(expr: Expr) -> Expr {
    if !parts(&expr).iter().all(|part| matches!(part, Expr::Const(_))) {
        return expr;
    }
    let arena = Bump::new();
    let value = Env::new(&Nothing, &arena).eval(&expr);
    match value {
        Ok(Val::Data(value @ (Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_)))) => {
            Expr::Const(Constant::keep(value))
        }
        _ => expr,
    }
}

/// An outside where nothing is.
struct Nothing;

impl<'a> Outside<'a> for Nothing {
    fn slot(&self, _: u32) -> Result<Val<'a>, Fail> {
        Ok(Val::Undefined)
    }
    fn slot_get(&self, _: u32, _: u32) -> Result<Option<Val<'a>>, Fail> {
        Ok(None)
    }
    fn slot_has(&self, _: u32, _: u32) -> Result<bool, Fail> {
        Ok(false)
    }
    fn message(&self) -> Val<'a> {
        Val::Undefined
    }
    fn original(&self) -> Val<'a> {
        Val::Undefined
    }
    fn layer(&self, _: u16) -> Val<'a> {
        Val::Undefined
    }
    fn final_path(&self, _: u16) -> Result<Val<'a>, Fail> {
        Ok(Val::Undefined)
    }
    fn final_all(&self) -> Val<'a> {
        Val::Undefined
    }
    fn received(&self) -> Option<Timestamp> {
        None
    }
}
