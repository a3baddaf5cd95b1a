//! The answers of a DNS query as ECS `dns.answers`, from whichever field of the event holds them.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use data_encoding::BASE64_NOPAD;
use tidegate_event::{Event, FieldId, Registry, Value, names};

use super::damage::Damage;
use super::json::Items;
use super::rrtype::{class_name, type_code, type_name};
use super::{EnrichError, EnrichOptions, field, textual, wire};
use crate::manifest;

/// Most reasons kept of one event; the rest is only counted.
const ERRORS_MAX: usize = 16;
/// Padding is optional, so it is taken off before decoding.
const BASE64_PADDING: char = '=';

/// Where answers are read from and written to.
#[derive(Debug)]
pub(super) struct Answers {
    sources: Box<[FieldId]>,
    question: FieldId,
    answers: FieldId,
    errors: FieldId,
    answers_max: usize,
    bytes_max: usize,
}

impl Answers {
    pub(super) fn new(
        registry: &Registry,
        fields: &manifest::Answers,
        options: &EnrichOptions,
    ) -> Result<Self, EnrichError> {
        let names = fields.json.iter().chain(&fields.records);
        Ok(Self {
            sources: names.map(|name| field(registry, name)).collect::<Result<_, _>>()?,
            question: field(registry, "dns.question.name")?,
            answers: field(registry, "dns.answers")?,
            errors: field(registry, names::ANSWERS_ERRORS)?,
            answers_max: options.answers_max,
            bytes_max: options.answer_bytes_max,
        })
    }

    pub(super) fn targets(&self) -> [FieldId; 2] {
        [self.answers, self.errors]
    }

    /// Decodes the first source that yields an answer. Sources before it leave their reasons.
    pub(super) fn add<'a>(&self, event: &mut Event<'a>, arena: &'a Bump) {
        if event.get(self.answers).is_some() {
            return;
        }
        let mut decoding = Decoding {
            question: event.get(self.question).and_then(Value::as_str),
            answers: BumpVec::new_in(arena),
            errors: BumpVec::new_in(arena),
            dropped_errors: 0,
            answers_left: self.answers_max,
            bytes_left: self.bytes_max,
            record: 0,
            arena,
        };
        for source in &self.sources {
            if let Some(value) = event.get(*source) {
                decoding.record = 0;
                decoding.read(value);
            }
            if !decoding.answers.is_empty() {
                break;
            }
        }
        decoding.finish_errors();
        if !decoding.answers.is_empty() {
            event.set(self.answers, Value::List(decoding.answers.into_bump_slice()));
        }
        if !decoding.errors.is_empty() {
            event.set(self.errors, Value::List(decoding.errors.into_bump_slice()));
        }
    }
}

/// One answer; what is not known is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Answer<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) kind: Option<&'a str>,
    pub(super) class: Option<&'a str>,
    pub(super) ttl: Option<i64>,
    pub(super) data: &'a str,
}

impl<'a> Answer<'a> {
    fn into_value(self, arena: &'a Bump) -> Value<'a> {
        let mut entries = BumpVec::with_capacity_in(5, arena);
        let mut push = |key, value: Option<Value<'a>>| {
            if let Some(value) = value {
                entries.push((key, value));
            }
        };
        push("name", self.name.map(Value::Str));
        push("type", self.kind.map(Value::Str));
        push("class", self.class.map(Value::Str));
        push("ttl", self.ttl.map(Value::Int));
        push("data", Some(Value::Str(self.data)));
        Value::Dict(entries.into_bump_slice())
    }
}

/// The answers of one event while they are decoded.
struct Decoding<'a> {
    question: Option<&'a str>,
    answers: BumpVec<'a, Value<'a>>,
    errors: BumpVec<'a, Value<'a>>,
    dropped_errors: usize,
    answers_left: usize,
    bytes_left: usize,
    record: usize,
    arena: &'a Bump,
}

impl<'a> Decoding<'a> {
    /// Reads a source: a list of records, or the JSON text of one. Formats may hand over either for either.
    fn read(&mut self, source: Value<'a>) {
        match source {
            Value::List(items) => {
                self.answers.reserve(items.len().min(self.answers_left));
                for item in items {
                    if !self.take(*item) {
                        break;
                    }
                }
            }
            Value::Str(text) => self.read_text(text),
            item => {
                self.take(item);
            }
        }
    }

    fn read_text(&mut self, text: &'a str) {
        let room = self.bytes_left;
        if text.len() > room {
            return self.report(format_args!("{} bytes of answers are more than {room}", text.len()));
        }
        self.bytes_left -= text.len();
        for item in Items::new(text, self.arena) {
            match item {
                Ok(item) => {
                    if !self.take(item) {
                        break;
                    }
                }
                Err(damage) => self.report(format_args!("{damage}")),
            }
        }
    }

    /// Reads one record; `false` when there is no room for more.
    fn take(&mut self, item: Value<'a>) -> bool {
        self.record += 1;
        let record = self.record;
        if self.answers_left == 0 {
            self.report(format_args!("record {record} and what follows are beyond the bound"));
            return false;
        }
        match self.answer(item) {
            Ok(answer) => {
                self.answers_left -= 1;
                let value = answer.into_value(self.arena);
                self.answers.push(value);
            }
            Err(damage) => self.report(format_args!("record {record}: {damage}")),
        }
        true
    }

    fn answer(&mut self, item: Value<'a>) -> Result<Answer<'a>, Damage> {
        match item {
            Value::Dict(entries) => {
                let in_words = entries.iter().any(|(key, _)| *key == "rdata");
                if in_words { textual::read(entries, self.question, self.arena) } else { self.decoded(entries) }
            }
            // A list whose members were made text: each is an object again.
            Value::Str(text) => match Items::new(text, self.arena).next() {
                Some(Ok(Value::Dict(entries))) => textual::read(entries, self.question, self.arena),
                Some(Err(damage)) => Err(damage),
                _ => Err(Damage::Shape),
            },
            _ => Err(Damage::Shape),
        }
    }

    /// Reads `{type, data}`, data being a record as on the wire in base64.
    fn decoded(&mut self, entries: &[(&'a str, Value<'a>)]) -> Result<Answer<'a>, Damage> {
        let (mut declared, mut data) = (None, None);
        for (key, value) in entries {
            match (*key, *value) {
                ("type", Value::Str(text)) => declared = type_code(text),
                ("type", Value::Int(number)) => declared = u16::try_from(number).ok(),
                ("data", Value::Str(text)) => data = Some(text),
                _ => {}
            }
        }
        let data = data.ok_or(Damage::Shape)?.trim_end_matches(BASE64_PADDING);
        let bytes = self.decode_base64(data)?;
        let record = wire::read(bytes, declared, self.question, self.arena)?;
        let head = record.head;
        Ok(Answer {
            name: head.map(|head| head.owner),
            kind: Some(type_name(record.kind, self.arena)),
            class: head.map(|head| class_name(head.class, self.arena)),
            ttl: head.map(|head| i64::from(head.ttl)),
            data: record.data,
        })
    }

    fn decode_base64(&mut self, text: &str) -> Result<&'a [u8], Damage> {
        let length = BASE64_NOPAD.decode_len(text.len()).map_err(|_| Damage::Base64)?;
        self.bytes_left = self.bytes_left.checked_sub(length).ok_or(Damage::Bound)?;
        let buffer = self.arena.alloc_slice_fill_copy(length, 0_u8);
        BASE64_NOPAD.decode_mut(text.as_bytes(), buffer).map_err(|_| Damage::Base64)?;
        Ok(buffer)
    }

    fn report(&mut self, reason: std::fmt::Arguments<'_>) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(Value::Str(bumpalo::format!(in self.arena, "{}", reason).into_bump_str()));
        } else {
            self.dropped_errors += 1;
        }
    }

    fn finish_errors(&mut self) {
        if self.dropped_errors > 0 {
            let text = bumpalo::format!(in self.arena, "and {} more", self.dropped_errors).into_bump_str();
            self.errors.push(Value::Str(text));
        }
    }
}
