//! Walks a resolved tree: what an expression is worth, what a template prints.

use bumpalo::Bump;
use bumpalo::collections::{String as BumpString, Vec as BumpVec};
use tidegate_event::{Timestamp, Value};

use super::access::{attribute, call_function, item, sliced};
use super::ast::{Args, Binding, Expr, For, Node, Template};
use super::value::{Fail, LoopVar, Number, OUTPUT_BYTES_MAX, Val};
use super::{builtins, checks, filters, methods, ops, python};

/// Most nodes that one template may visit.
const STEPS_MAX: u32 = 200_000;

/// What lies outside a template: the record and the stages that ran before. Asked by slot; names were resolved at load.
pub(crate) trait Outside<'a> {
    /// A name that nothing bound; undefined unless a test defines it.
    fn name(&self, _name: &str) -> Val<'a> {
        Val::Undefined
    }
    fn slot(&self, slot: u32) -> Result<Val<'a>, Fail>;
    /// `dict.get(key)`: `None` when the key is absent.
    fn slot_get(&self, dict: u32, value: u32) -> Result<Option<Val<'a>>, Fail>;
    fn slot_has(&self, dict: u32, value: u32) -> Result<bool, Fail>;
    fn message(&self) -> Val<'a>;
    fn original(&self) -> Val<'a>;
    fn layer(&self, layer: u16) -> Val<'a>;
    fn final_path(&self, path: u16) -> Result<Val<'a>, Fail>;
    fn final_all(&self) -> Val<'a>;
    /// When the record arrived: the year of dates that name none.
    fn received(&self) -> Option<Timestamp>;
}

/// One run of one template.
pub(crate) struct Env<'e, 'a> {
    pub(crate) outside: &'e dyn Outside<'a>,
    pub(crate) arena: &'a Bump,
    locals: BumpVec<'a, Option<Val<'a>>>,
    steps_left: u32,
}

/// Evaluated arguments.
pub(crate) struct Called<'a> {
    pub(crate) positional: BumpVec<'a, Val<'a>>,
    pub(crate) named: BumpVec<'a, (&'a str, Val<'a>)>,
}

impl<'a> Called<'a> {
    /// The argument at `index` or of that name.
    pub(crate) fn get(&self, index: usize, name: &str) -> Option<Val<'a>> {
        self.positional
            .get(index)
            .copied()
            .or_else(|| self.named.iter().find(|(known, _)| *known == name).map(|(_, value)| *value))
    }

    pub(crate) fn first(&self) -> Result<Val<'a>, Fail> {
        self.positional.first().copied().ok_or(Fail("an argument is missing"))
    }
}

impl<'e, 'a> Env<'e, 'a> {
    pub(crate) fn new(outside: &'e dyn Outside<'a>, arena: &'a Bump) -> Self {
        Self { outside, arena, locals: BumpVec::new_in(arena), steps_left: STEPS_MAX }
    }

    /// The text that a template prints.
    pub(crate) fn render(&mut self, template: &Template) -> Result<&'a str, Fail> {
        self.locals.clear();
        self.locals.resize(template.locals as usize, None);
        let mut out = BumpString::new_in(self.arena);
        self.nodes(&template.nodes, &mut out)?;
        Ok(out.into_bump_str())
    }

    fn step(&mut self) -> Result<(), Fail> {
        self.steps_left = self.steps_left.checked_sub(1).ok_or(Fail("template takes too many steps"))?;
        Ok(())
    }

    fn nodes(&mut self, nodes: &[Node], out: &mut BumpString<'a>) -> Result<(), Fail> {
        for node in nodes {
            self.step()?;
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Print(expr) => {
                    let value = self.eval(expr)?;
                    python::write_str(value, out);
                }
                Node::If(branches) => {
                    for (condition, body) in branches {
                        let taken = match condition {
                            Some(condition) => self.eval(condition)?.truth(),
                            None => true,
                        };
                        if taken {
                            self.nodes(body, out)?;
                            break;
                        }
                    }
                }
                Node::For(each) => self.for_each(each, out)?,
                Node::Set(binding, expr) => {
                    let value = self.eval(expr)?;
                    self.bind(binding, value)?;
                }
                Node::SetBlock(_, slot, body) => {
                    let mut inner = BumpString::new_in(self.arena);
                    self.nodes(body, &mut inner)?;
                    self.assign(*slot, Val::str(inner.into_bump_str()));
                }
            }
            if out.len() > OUTPUT_BYTES_MAX {
                return Err(Fail("template prints too much"));
            }
        }
        Ok(())
    }

    fn for_each(&mut self, each: &For, out: &mut BumpString<'a>) -> Result<(), Fail> {
        let mut items = self.eval(&each.items)?.iterate(self.arena)?;
        if let Some(filter) = &each.filter {
            let mut kept = BumpVec::new_in(self.arena);
            for item in items {
                self.bind(&each.binding, *item)?;
                if self.eval(filter)?.truth() {
                    kept.push(*item);
                }
            }
            items = kept.into_bump_slice();
        }
        if items.is_empty() {
            return self.nodes(&each.otherwise, out);
        }
        for (index, item) in items.iter().enumerate() {
            self.step()?;
            for slot in each.locals.clone() {
                self.locals[slot as usize] = None;
            }
            self.bind(&each.binding, *item)?;
            self.assign(each.loop_slot, Val::Loop(self.arena.alloc(LoopVar { index, items })));
            self.nodes(&each.body, out)?;
        }
        Ok(())
    }

    fn assign(&mut self, slot: u16, value: Val<'a>) {
        self.locals[slot as usize] = Some(value);
    }

    fn bind(&mut self, binding: &Binding, value: Val<'a>) -> Result<(), Fail> {
        match binding {
            Binding::One(_, slot) => self.assign(*slot, value),
            Binding::Many(parts) => {
                let items = value.iterate(self.arena)?;
                if items.len() != parts.len() {
                    return Err(Fail("wrong number of values to take apart"));
                }
                for (part, item) in parts.iter().zip(items) {
                    self.bind(part, *item)?;
                }
            }
        }
        Ok(())
    }

    /// The value of an expression.
    pub(crate) fn eval(&mut self, expr: &Expr) -> Result<Val<'a>, Fail> {
        self.step()?;
        match expr {
            Expr::Const(constant) => Ok(Val::Data(constant.lend(self.arena))),
            Expr::Name(name) => Ok(self.outside.name(name)),
            Expr::Local(slot, outer) => match self.locals.get(*slot as usize).copied().flatten() {
                Some(value) => Ok(value),
                None => self.eval(outer),
            },
            Expr::Slot(slot) => self.outside.slot(*slot),
            Expr::SlotGet(dict, slot, default) => match self.outside.slot_get(*dict, *slot)? {
                Some(value) => Ok(value),
                None => default.as_deref().map_or(Ok(Val::NONE), |default| self.eval(default)),
            },
            Expr::SlotHas(dict, slot) => self.outside.slot_has(*dict, *slot).map(Val::bool),
            Expr::Message => Ok(self.outside.message()),
            Expr::Original => Ok(self.outside.original()),
            Expr::Layer(layer) => Ok(self.outside.layer(*layer)),
            Expr::Final(path) => self.outside.final_path(*path),
            Expr::FinalAll => Ok(self.outside.final_all()),
            Expr::Attr(object, name) => {
                let object = self.eval(object)?;
                attribute(object, name, self.arena)
            }
            Expr::Item(object, index) => {
                let object = self.eval(object)?;
                let index = self.eval(index)?;
                item(object, index)
            }
            Expr::Slice(object, parts) => self.slice(object, parts),
            Expr::Not(inner) => Ok(Val::bool(!self.eval(inner)?.truth())),
            Expr::Neg(inner) => match self.eval(inner)?.number() {
                Some(Number::Int(number)) => Val::int(-number),
                Some(Number::Float(number)) => Ok(Val::Data(Value::Float(-number))),
                None => Err(Fail("only numbers have a sign")),
            },
            Expr::Pos(inner) => {
                let value = self.eval(inner)?;
                value.number().ok_or(Fail("only numbers have a sign")).and_then(Val::number_from)
            }
            Expr::And(left, right) => {
                let left = self.eval(left)?;
                if left.truth() { self.eval(right) } else { Ok(left) }
            }
            Expr::Or(left, right) => {
                let left = self.eval(left)?;
                if left.truth() { Ok(left) } else { self.eval(right) }
            }
            _ => self.eval_compound(expr),
        }
    }

    /// The less frequent half, apart so that the recursion of the frequent half needs less stack.
    fn eval_compound(&mut self, expr: &Expr) -> Result<Val<'a>, Fail> {
        match expr {
            Expr::Binary(operator, left, right) => {
                let left = self.eval(left)?;
                let right = self.eval(right)?;
                ops::binary(*operator, left, right, self.arena)
            }
            Expr::Compare(first, rest) => self.compare(first, rest),
            Expr::Concat(parts) => {
                let mut out = BumpString::new_in(self.arena);
                for part in parts {
                    let value = self.eval(part)?;
                    python::write_str(value, &mut out);
                }
                bounded(out)
            }
            Expr::Cond(condition, then, otherwise) => {
                if self.eval(condition)?.truth() {
                    self.eval(then)
                } else {
                    otherwise.as_deref().map_or(Ok(Val::Undefined), |otherwise| self.eval(otherwise))
                }
            }
            Expr::List(items) => {
                let items = self.eval_all(items)?;
                Ok(Val::list(items, self.arena))
            }
            Expr::Tuple(items) => Ok(Val::Tuple(self.eval_all(items)?.into_bump_slice())),
            Expr::Dict(entries) => {
                let mut pairs = BumpVec::with_capacity_in(entries.len(), self.arena);
                for (key, value) in entries {
                    let (key, value) = (self.eval(key)?, self.eval(value)?);
                    methods::put(&mut pairs, key, value)?;
                }
                Ok(Val::dict(pairs, self.arena))
            }
            Expr::Filter(filter, input, args) => {
                let input = self.eval(input)?;
                let args = self.args(args)?;
                filters::apply(self, *filter, input, &args)
            }
            Expr::Test(test, input, args) => {
                let input = self.eval(input)?;
                let args = self.args(args)?;
                checks::check(*test, input, &args).map(Val::bool)
            }
            Expr::Regex(regex, input) => {
                Ok(Val::bool(self.eval(input)?.as_str().is_some_and(|text| regex.is_match(text))))
            }
            Expr::Method(method, object, args) => self.method(*method, object, args),
            Expr::Function(function, args) => {
                let args = self.args(args)?;
                call_function(*function, &args, self.arena)
            }
            _ => Err(Fail("value cannot be called")),
        }
    }

    fn method(&mut self, method: builtins::Method, object: &Expr, args: &Args) -> Result<Val<'a>, Fail> {
        let mut value = self.eval(object)?;
        // A list or dictionary of the record never changes: the variable gets a copy that may.
        if let (Expr::Local(slot, _), true) = (object, methods::changes(method)) {
            value = methods::thaw(value, self.arena);
            self.assign(*slot, value);
        }
        let args = self.args(args)?;
        methods::call(method, value, &args, self.arena)
    }

    fn compare(&mut self, first: &Expr, rest: &[(super::ast::Compare, Expr)]) -> Result<Val<'a>, Fail> {
        use super::ast::Compare;
        let mut left = self.eval(first)?;
        for (operator, right) in rest {
            if let (Compare::Eq | Compare::Ne, Expr::Const(constant)) = (operator, right) {
                let equal = ops::equal_constant(left, constant, self.arena);
                if rest.len() == 1 || equal != (*operator == Compare::Eq) {
                    return Ok(Val::bool(equal == (*operator == Compare::Eq)));
                }
            }
            let right = self.eval(right)?;
            if !ops::compare(*operator, left, right)? {
                return Ok(Val::bool(false));
            }
            left = right;
        }
        Ok(Val::bool(true))
    }

    fn eval_all(&mut self, items: &[Expr]) -> Result<BumpVec<'a, Val<'a>>, Fail> {
        let mut out = BumpVec::with_capacity_in(items.len(), self.arena);
        for item in items {
            out.push(self.eval(item)?);
        }
        Ok(out)
    }

    fn args(&mut self, args: &Args) -> Result<Called<'a>, Fail> {
        let positional = self.eval_all(&args.positional)?;
        let mut named = BumpVec::new_in(self.arena);
        for (name, value) in &args.named {
            named.push((&*self.arena.alloc_str(name), self.eval(value)?));
        }
        Ok(Called { positional, named })
    }

    fn slice(&mut self, object: &Expr, parts: &[Option<Expr>; 3]) -> Result<Val<'a>, Fail> {
        let object = self.eval(object)?;
        let mut bounds = [None; 3];
        for (bound, part) in bounds.iter_mut().zip(parts) {
            let Some(part) = part else { continue };
            let value = self.eval(part)?;
            if !value.is_none() {
                *bound = Some(value.whole().ok_or(Fail("slice bounds must be whole numbers"))?);
            }
        }
        if object.is_undefined() || object.is_mapping() {
            return Ok(Val::Undefined);
        }
        let items = object.iterate(self.arena)?;
        let picked = sliced(items, bounds, self.arena)?;
        if object.as_str().is_some() {
            let text =
                BumpString::from_iter_in(picked.iter().filter_map(|c| c.as_str()).flat_map(str::chars), self.arena);
            return Ok(Val::str(text.into_bump_str()));
        }
        Ok(match object {
            Val::Tuple(_) => Val::Tuple(picked.into_bump_slice()),
            _ => Val::list(picked, self.arena),
        })
    }
}

/// Text built by a template, when it is not too long.
pub(crate) fn bounded(out: BumpString<'_>) -> Result<Val<'_>, Fail> {
    if out.len() > OUTPUT_BYTES_MAX {
        return Err(Fail("text is too long"));
    }
    Ok(Val::str(out.into_bump_str()))
}
