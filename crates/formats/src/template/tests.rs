//! Walks `tests/templates/*.txt`: a template, a line `=> result`, a blank line. The first line of a file may be
//! `context {…}`: what names stand for. `UPDATE_CASES=1` rewrites the results.

use std::fs;
use std::path::Path;

use bumpalo::Bump;
use proptest::prelude::*;
use tidegate_event::{Timestamp, Value};

use super::ast::{Expr, Node};
use super::resolve::{self, Binder};
use super::value::{Fail, Val};
use super::{Env, Outside, literal, parse, python};
use crate::paths::Slot;

/// Names by what a test says they stand for.
struct Context<'a>(Value<'a>);

impl<'a> Outside<'a> for Context<'a> {
    fn name(&self, name: &str) -> Val<'a> {
        self.0.get(name).map_or(Val::Undefined, Val::Data)
    }
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
        Val::Data(self.0)
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
        Timestamp::parse_rfc3339("2026-06-15T00:00:00Z").ok()
    }
}

/// Knows no path: all names go to the context.
struct NoPaths;

impl Binder for NoPaths {
    fn path(&mut self, _: &str, _: &[&str]) -> Option<Expr> {
        None
    }
    fn slot(&mut self, _: &str, _: &[&str]) -> Option<Slot> {
        None
    }
    fn below(&mut self, slot: Slot, _: &str) -> Slot {
        slot
    }
}

/// The result of a template as the case files spell it.
fn result_of(source: &str, context: Value<'_>) -> String {
    let parsed = parse::parse(source).and_then(|template| resolve::template(template, &mut NoPaths));
    let template = match parsed {
        Ok(template) => template,
        Err(error) => return format!("refused at {}: {}", error.at, error.message),
    };
    let arena = Bump::new();
    let context = crate::constant::Constant::keep(context);
    let outside = Context(context.lend(&arena));
    let mut env = Env::new(&outside, &arena);
    let found = match &template.nodes[..] {
        [Node::Print(expr)] => env.eval(expr),
        _ => env.render(&template).map(Val::str),
    };
    match found {
        Ok(Val::Undefined) => "undefined".into(),
        Ok(value) => value.data(&arena).map_or("undefined".into(), Value::to_json),
        Err(Fail(why)) => format!("error: {why}"),
    }
}

#[test]
fn templates_give_what_their_cases_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates");
    let update = std::env::var_os("UPDATE_CASES").is_some();
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let arena = Bump::new();
        let context = match text.lines().next().and_then(|line| line.strip_prefix("context ")) {
            Some(json) => crate::json::read_value(json, &arena).unwrap(),
            None => Value::Dict(&[]),
        };
        let mut out = String::new();
        let mut template = String::new();
        for line in text.lines() {
            if let Some(expected) = line.strip_prefix("=> ") {
                let found = result_of(&template, context);
                if found != expected {
                    wrong.push(format!("{}: {template}\n  expected {expected}\n  found    {found}", path.display()));
                }
                out.push_str(&format!("=> {found}\n"));
                template.clear();
                continue;
            }
            out.push_str(line);
            out.push('\n');
            let comment = line.starts_with("context ") || line.starts_with("## ");
            if !(comment || line.is_empty() && template.is_empty()) {
                if !template.is_empty() {
                    template.push('\n');
                }
                template.push_str(line);
            }
        }
        if update {
            fs::write(&path, out).unwrap();
        }
    }
    assert!(update || wrong.is_empty(), "{} cases are wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// A value as minijinja holds it.
fn judged(value: Value<'_>) -> minijinja::Value {
    match value {
        Value::Null => minijinja::Value::from(()),
        Value::Bool(flag) => flag.into(),
        Value::Int(number) => number.into(),
        Value::UInt(number) => number.into(),
        Value::Float(number) => number.into(),
        Value::Str(text) => text.into(),
        Value::List(items) => items.iter().map(|item| judged(*item)).collect::<Vec<_>>().into(),
        Value::Dict(entries) => minijinja::Value::from_pairs(entries.iter().map(|(key, value)| (*key, judged(*value)))),
    }
}

/// Templates that mean the same to minijinja, which is the judge here.
#[test]
fn templates_agree_with_minijinja() {
    let context = r#"{"n": 7, "f": 2.5, "s": "Some Text", "e": "", "l": [3, 1, 2], "d": {"a": 1, "b": "x"}, "w": [{"k": 1, "v": "a"}, {"k": 2, "v": "b"}], "t": true}"#;
    let arena = Bump::new();
    let ours = crate::json::read_value(context, &arena).unwrap();
    let jinja = minijinja::Environment::new();
    for source in include_str!("../../tests/agree.txt").lines().filter(|line| !line.is_empty()) {
        let expected = jinja.render_str(source, judged(ours)).unwrap_or_else(|error| panic!("{source}: {error}"));
        // text around it, so that both print
        let found = result_of(&format!("|{source}|"), ours);
        let found: String = serde_json::from_str(&found).unwrap_or(found);
        assert_eq!(found, format!("|{expected}|"), "{source}");
    }
}

proptest! {
    #[test]
    fn sums_agree_with_minijinja(a in -1000_i64..1000, b in -1000_i64..1000, c in 1_i64..50, op in "[-+*]", other in "(//|%|-|\\+)") {
        let source = format!("{{{{ ({a}) {op} ({b}) {other} ({c}) }}}}");
        let expected = minijinja::Environment::new().render_str(&source, ()).unwrap();
        let found = result_of(&source, Value::Null);
        // minijinja truncates towards zero where Python floors
        prop_assume!(!(["//", "%"].contains(&&*other) && (a < 0 || b < 0 || op == "-")));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_text_is_a_template_or_a_mistake(text in "[{}%#|()\\[\\].a-z0-9 '\"=+*~,:-]{0,60}") {
        result_of(&text, Value::Dict(&[]));
        result_of(&format!("{{{{ {text} }}}}"), Value::Dict(&[]));
    }

    #[test]
    fn what_python_writes_is_read_back(value in arbitrary(), seed in 0_u8..2) {
        let arena = Bump::new();
        let value = value.lend(&arena);
        let wrapped = if seed == 0 {
            Value::List(arena.alloc_slice_copy(&[value]))
        } else {
            Value::Dict(arena.alloc_slice_copy(&[("k", value)]))
        };
        let text = python::to_text(wrapped);
        prop_assert_eq!(literal::parse(&text, &arena), Some(wrapped), "{}", text);
    }

    #[test]
    fn any_text_is_a_literal_or_none(text in "[\\[{][\\[\\]{}()'\"rub0-9eE.+a-zN, :\\\\-]{0,40}") {
        literal::parse(&text, &Bump::new());
    }
}

/// Any value that text can carry exactly.
fn arbitrary() -> impl Strategy<Value = crate::constant::Constant> {
    use crate::constant::Constant;
    let leaf = prop_oneof![
        Just(Constant::Null),
        any::<bool>().prop_map(Constant::Bool),
        any::<i64>().prop_filter("the sign stands apart", |n| *n != i64::MIN).prop_map(Constant::Int),
        proptest::num::f64::NORMAL.prop_map(Constant::Float),
        ".{0,12}".prop_map(|text| Constant::Str(text.into())),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| Constant::List(items.into())),
            proptest::collection::btree_map("[a-z']{0,4}", inner, 0..4).prop_map(|entries| {
                Constant::Dict(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
            }),
        ]
    })
}

#[test]
fn hostile_templates_are_bounded() {
    let empty = Value::Dict(&[]);
    for source in [
        format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000)),
        format!("{{{{ {}1 }}}}", "not ".repeat(3000)),
        format!("{{{{ {}1 }}}}", "- ".repeat(3000)),
        format!("{{{{ 1{} }}}}", "+1".repeat(3900)),
        format!("{{{{ x{} }}}}", ".a".repeat(3900)),
        format!("{{{{ {} }}}}", "[".repeat(100_000)),
        "{% if 1 %}".repeat(3000),
        "{{ range(10 ** 12) | list }}".to_owned(),
        "{{ 'a' * 10 ** 12 }}".to_owned(),
        "{{ 9 ** 9 ** 9 }}".to_owned(),
        "{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}{% endfor %}{% endfor %}".to_owned(),
        "{% set l = [1] %}{% for i in range(60) %}{% set _ = l.extend(l) %}{% endfor %}".to_owned(),
        "{{ 'x' | center(10 ** 15) }}".to_owned(),
        "{{ '%99999999d' | format(1) }}".to_owned(),
        "{{ 'a' | re_match('(((a{1,1000}){1,1000}){1,1000})') }}".to_owned(),
    ] {
        let found = result_of(&source, empty);
        let shown = |text: &str| text.chars().take(60).collect::<String>();
        assert!(found.starts_with("error: ") || found.starts_with("refused "), "{}: {}", shown(&source), shown(&found));
    }
    // a list within itself is cut, not followed forever
    result_of("{% set l = [] %}{% set _ = l.append(l) %}{{ l }}", empty);
    result_of("{{ [] }}{% set l = [] %}{% set _ = l.append(l) %}{{ l == l }}", empty);
}
