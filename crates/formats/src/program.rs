//! A compiled format: what the compiler makes and the parser runs.

use std::collections::HashMap;

use tidegate_event::{FieldId, FieldType};

use crate::constant::Constant;
use crate::derive::Derive;
use crate::fields::{FieldSlot, Fields, Kind};
use crate::keys::KeyTable;
use crate::paths::{Paths, Slot};
use crate::template::ast::{Expr, Template};
use crate::time::Zone;

/// A compiled format.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) paths: Paths,
    pub(crate) layers: Vec<Layer>,
    pub(crate) fields: Fields,
    pub(crate) final_paths: Vec<FinalPath>,
    pub(crate) steps: Vec<Step>,
    pub(crate) derive: Derive,
    pub(crate) ignored: Vec<Box<str>>,
    /// What each slot takes as it is.
    pub(crate) plain: Vec<Plain>,
    /// The slots that reach the event, in the order of their fields.
    pub(crate) emitted: Vec<Emitted>,
    /// How many of them come before `message`.
    pub(crate) before_message: usize,
    /// The slot of `@timestamp`, when the format sets it.
    pub(crate) timestamp: Option<FieldSlot>,
}

/// What a slot takes without a further look: the frequent cases of a format that ignores no values and reads no layers
/// of its own.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plain {
    pub(crate) text: bool,
    pub(crate) number: bool,
}

impl Plain {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            text: kind == Kind::Declared(FieldType::Keyword),
            number: matches!(kind, Kind::Declared(FieldType::Long | FieldType::Float)),
        }
    }

    /// Whether a text goes into the slot as it is: into a text field, neither blank nor `None` nor a literal.
    #[inline]
    pub(crate) fn takes_text(self, text: &str) -> bool {
        self.text && text.as_bytes().first().is_some_and(|byte| byte.is_ascii_alphanumeric() && *byte != b'N')
    }
}

/// A slot that reaches the event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Emitted {
    pub(crate) slot: FieldSlot,
    pub(crate) id: FieldId,
    /// It shows only what is left of a dictionary or list that was taken apart.
    pub(crate) carried: bool,
}

/// What a stage leaves behind.
#[derive(Debug)]
pub(crate) struct Layer {
    /// An external stage: the key of its result and the slot it is in.
    pub(crate) external: Option<(Box<str>, Slot)>,
    /// Some template reads the layer of a stage of actions.
    pub(crate) read: bool,
}

/// A path of the event under construction that some template reads.
#[derive(Debug)]
pub(crate) struct FinalPath {
    pub(crate) slot: Option<FieldSlot>,
    /// Slots at and below the path.
    pub(crate) range: (FieldSlot, FieldSlot),
    /// Slots at and below the path above, unless that is the event itself.
    pub(crate) parent: Option<(FieldSlot, FieldSlot)>,
    pub(crate) depth: usize,
    /// Slots above the path, nearest first, and the keys from there.
    pub(crate) above: Vec<(FieldSlot, Vec<Box<str>>)>,
}

/// One entry of the pipeline.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) layer: u16,
    pub(crate) filter: Option<Filter>,
    pub(crate) run: Run,
}

/// What a step does.
#[derive(Debug)]
pub(crate) enum Run {
    /// Reads JSON into the slots below `root`.
    Json {
        input: Producer,
        root: Slot,
        original: bool,
    },
    Date {
        input: Producer,
        root: Slot,
        format: Option<Box<str>>,
        zone: ZoneSource,
        name: Box<str>,
    },
    Actions(Vec<Action>),
}

/// The zone of a date stage.
#[derive(Debug)]
pub(crate) enum ZoneSource {
    Utc,
    Fixed(Zone),
    Template(Producer),
}

/// A condition.
#[derive(Debug)]
pub(crate) enum Filter {
    /// The truth of one expression.
    Expr(Expr),
    /// Text that is not empty, `False`, `None` or `0`.
    Template(Template),
    /// A template that does not parse is never true; a constant is what it is.
    Constant(bool),
}

/// One action.
#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) filter: Option<Filter>,
    pub(crate) kind: ActionKind,
}

/// What an action does.
#[derive(Debug)]
pub(crate) enum ActionKind {
    Set(Vec<Assign>),
    Translate(Vec<Translate>),
    Delete(Vec<Delete>),
}

/// A value for a slot.
#[derive(Debug)]
pub(crate) struct Assign {
    pub(crate) target: FieldSlot,
    pub(crate) value: Producer,
}

/// Where a value comes from. The frequent ways come first and cost no tree walk.
#[derive(Debug)]
pub(crate) enum Producer {
    /// Never gives anything: the template does not parse, or the constant is empty.
    Never,
    /// A path of an external stage, copied.
    Slot(Slot),
    /// The first of several paths that is true; `None` after the last when `or_none`, else the last as it is.
    FirstTrue {
        slots: Box<[Slot]>,
        or_none: bool,
    },
    /// A constant that is coerced already.
    Ready(Constant),
    Constant(Constant),
    Expr(Expr),
    Template(Template),
    List(Vec<Producer>),
}

/// One entry of a translation.
#[derive(Debug)]
pub(crate) struct Translate {
    pub(crate) sources: Vec<Expr>,
    pub(crate) target: FieldSlot,
    pub(crate) keys: KeyTable,
    /// Index of a key to its value.
    pub(crate) values: Vec<Producer>,
    pub(crate) fallback: Option<Producer>,
}

/// A path to remove.
#[derive(Debug)]
pub(crate) struct Delete {
    pub(crate) range: (FieldSlot, FieldSlot),
    pub(crate) above: Vec<(FieldSlot, Vec<Box<str>>)>,
}

/// Indexes by name, for the compiler.
pub(crate) type LayerIndex = HashMap<String, u16>;
