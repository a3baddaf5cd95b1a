//! The tree of a template: what the parser builds, the compiler resolves to slots, and the evaluator walks.

use super::builtins::{Filter, Method, Test};
use crate::constant::Constant;

/// An expression. Variants below the line exist only after resolution (see [`super::resolve`]).
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Const(Constant),
    Name(Box<str>),
    Attr(Box<Expr>, Box<str>),
    Item(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, Box<[Option<Expr>; 3]>),
    Call(Box<Expr>, Args),
    Filter(Filter, Box<Expr>, Args),
    Test(Test, Box<Expr>, Args),
    Not(Box<Expr>),
    Neg(Box<Expr>),
    Pos(Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Vec<(Compare, Expr)>),
    Concat(Vec<Expr>),
    /// Condition, then, else.
    Cond(Box<Expr>, Box<Expr>, Option<Box<Expr>>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    // ---- after resolution ----
    /// A variable that the template itself binds, or else what the name means outside.
    Local(u16, Box<Expr>),
    /// A value that an external stage produced.
    Slot(u32),
    /// `dict.get(key, default)` on a value that an external stage produced: slot of the dict, slot of the value.
    SlotGet(u32, u32, Option<Box<Expr>>),
    /// `key in dict` on a value that an external stage produced: slot of the dict, slot of the value.
    SlotHas(u32, u32),
    /// The raw record.
    Message,
    /// The whole input.
    Original,
    /// The layer of a stage as a dictionary.
    Layer(u16),
    /// A path of the event under construction, by its place in the plan of finals.
    Final(u16),
    /// The whole event under construction.
    FinalAll,
    /// A method called on a value.
    Method(Method, Box<Expr>, Args),
    /// A global function.
    Function(Function, Args),
    /// A regular expression that was compiled at load; whole text or any part of it.
    Regex(Box<regex::Regex>, Box<Expr>),
}

/// The arguments of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Args {
    pub(crate) positional: Vec<Expr>,
    pub(crate) named: Vec<(Box<str>, Expr)>,
}

/// Operators of two numbers, texts or lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
}

/// Comparison operators; they chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
}

/// Functions that templates may call by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Len,
    Range,
    Dict,
}

/// A part of a template.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Text(Box<str>),
    Print(Expr),
    /// Conditions with their bodies; an `else` has no condition.
    If(Vec<(Option<Expr>, Vec<Node>)>),
    For(Box<For>),
    Set(Binding, Expr),
    SetBlock(Box<str>, Slot, Vec<Node>),
}

/// A `for` statement.
#[derive(Clone, Debug)]
pub(crate) struct For {
    pub(crate) binding: Binding,
    pub(crate) items: Expr,
    pub(crate) filter: Option<Expr>,
    pub(crate) body: Vec<Node>,
    pub(crate) otherwise: Vec<Node>,
    /// The slot of `loop`.
    pub(crate) loop_slot: Slot,
    /// Variables of the body: unset at the start of every turn.
    pub(crate) locals: std::ops::Range<u16>,
}

/// A place for a variable; given by the resolver.
pub(crate) type Slot = u16;

/// What `set` and `for` bind: one name, or several that take a sequence apart.
#[derive(Clone, Debug)]
pub(crate) enum Binding {
    One(Box<str>, Slot),
    Many(Vec<Binding>),
}

/// A parsed template.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) nodes: Vec<Node>,
    /// How many variables it binds.
    pub(crate) locals: u16,
}
