use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use tidegate_event::Timestamp;

use super::*;

/// The fields that the cases are resolved against.
fn fields() -> Fields {
    [
        ("@timestamp", Kind::Time, false),
        ("cloudflare.QueryCategoryIDs", Kind::IntList, false),
        ("dns.answers.data", Kind::TextList, false),
        ("dns.question.name", Kind::Text, true),
        ("dns.question.type", Kind::Text, false),
        ("dns.resolved_ip", Kind::IpList, false),
        ("event.duration", Kind::Int, false),
        ("labels", Kind::Json, false),
        ("message", Kind::Text, false),
        ("source.ip", Kind::Ip, false),
        ("source.port", Kind::Int, false),
        ("tidegate.dns.name.entropy", Kind::Float, false),
        ("tidegate.extra", Kind::Json, false),
        ("tls.established", Kind::Bool, false),
        ("user.name", Kind::Text, false),
    ]
    .into_iter()
    .map(|(name, kind, folded)| Field { name: name.to_owned(), kind, folded })
    .collect()
}

fn outcome(text: &str) -> String {
    let now = Timestamp::parse_rfc3339("2026-05-06T10:20:30Z").unwrap();
    let resolved = Query::parse(text).and_then(|query| {
        let filter = query.resolve(&fields(), now)?;
        Ok((query, filter))
    });
    match resolved {
        Ok((query, filter)) => format!("= {}\n~ {filter}\n", visible(&query.expr().to_string())),
        Err(error) => error.caret(text).lines().fold(String::new(), |mut out, line| {
            let _ = writeln!(out, "! {line}");
            out
        }),
    }
}

/// Control characters and direction marks as escapes, so that a case stays on its line.
fn visible(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}') { c.escape_default().to_string() } else { c.into() }
    };
    text.chars().map(shown).collect()
}

/// Each file holds blocks of a query (`> text`, or `>> "JSON text"`) and what came of it: `=` the query as we would
/// write it, `~` the filter, `!` the mistake. `UPDATE_CASES=1` rewrites the outcomes.
#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/language");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let held = std::fs::read_to_string(&path).unwrap();
        let mut made = String::new();
        for line in held.lines() {
            match (line.strip_prefix(">> "), line.strip_prefix('>')) {
                (Some(json), _) => {
                    let _ = write!(made, "{line}\n{}", outcome(&serde_json::from_str::<String>(json).unwrap()));
                }
                (_, Some(text)) => {
                    let _ = write!(made, "{line}\n{}", outcome(text.strip_prefix(' ').unwrap_or(text)));
                }
                _ if line.starts_with(['=', '~', '!']) => {}
                _ => {
                    made.push_str(line);
                    made.push('\n');
                }
            }
            count += usize::from(line.starts_with('>'));
        }
        if std::env::var_os("UPDATE_CASES").is_some() {
            std::fs::write(&path, &made).unwrap();
        } else {
            assert_eq!(made, held, "{}", path.display());
        }
    }
    assert!(count > 100, "only {count} cases were found");
}

#[test]
fn tokens_cover_a_query() {
    let text = "source.ip:10.0.0.0/8 AND (NOT \"a b\" OR event.duration:>5) x:[1 TO *] *.com /a/";
    let shown: Vec<(TokenKind, &str)> =
        tokens(text).into_iter().map(|token| (token.kind, &text[token.span.start..token.span.end])).collect();
    use TokenKind as T;
    assert_eq!(
        shown,
        [
            (T::Field, "source.ip"),
            (T::Colon, ":"),
            (T::Text, "10.0.0.0/8"),
            (T::Operator, "AND"),
            (T::Paren, "("),
            (T::Operator, "NOT"),
            (T::Phrase, "\"a b\""),
            (T::Operator, "OR"),
            (T::Field, "event.duration"),
            (T::Colon, ":"),
            (T::Compare, ">"),
            (T::Text, "5"),
            (T::Paren, ")"),
            (T::Field, "x"),
            (T::Colon, ":"),
            (T::Range, "["),
            (T::Text, "1"),
            (T::Range, "TO"),
            (T::Wildcard, "*"),
            (T::Range, "]"),
            (T::Wildcard, "*.com"),
            (T::Regex, "/a/"),
        ]
    );
}

#[test]
fn tokens_of_a_broken_query_end_with_the_mistake() {
    let tokens = tokens("a AND (b OR \"c");
    let last = tokens.last().unwrap();
    assert_eq!((last.kind, last.span), (TokenKind::Error, Span::new(12, 14)));
}

#[test]
fn fields_are_named_once() {
    let query = Query::parse("source.ip:1.1.1.1 OR user.name:(a OR b) OR NOT source.ip:*").unwrap();
    assert_eq!(query.fields_used(), ["source.ip", "user.name"]);
}

#[test]
fn bounds_hold() {
    let message = |text: &str| Query::parse(text).unwrap_err().message;
    assert!(message(&"a ".repeat(QUERY_BYTES_MAX)).contains("longer"));
    assert!(message(&"a ".repeat(TERMS_MAX + 1)).contains("more than 1000 terms"));
    assert!(message(&format!("{}a{}", "(".repeat(DEPTH_MAX + 1), ")".repeat(DEPTH_MAX + 1))).contains("nested deeper"));
    assert!(message(&format!("{}a", "NOT ".repeat(DEPTH_MAX + 1))).contains("nested deeper"));
    assert!(message(&format!("{}a", "-".repeat(QUERY_BYTES_MAX - 1))).contains("nested deeper"));
    assert!(Query::parse(&"a ".repeat(TERMS_MAX)).is_ok());
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9.-]{1,8}", "[ -~]{0,8}", "\\PC{0,5}", "(AND|OR|NOT|TO|&&|\\|\\||-|!|\\*|\\?)"]
}

fn wildcard() -> impl Strategy<Value = Test> {
    let part = prop_oneof![Just(Part::Any), Just(Part::One), word().prop_map(Part::Literal)];
    proptest::collection::vec(part, 1..6).prop_filter_map("normal form", |mut parts| {
        parts.retain(|part| !matches!(part, Part::Literal(text) if text.is_empty()));
        let same = |pair: &[Part]| matches!(pair, [Part::Any, Part::Any] | [Part::Literal(_), Part::Literal(_)]);
        let doubled = parts.windows(2).any(same);
        let wild = parts.iter().any(|part| !matches!(part, Part::Literal(_)));
        (wild && !doubled && parts != [Part::Any]).then_some(Test::Wildcard(Wildcard { parts }))
    })
}

fn term() -> impl Strategy<Value = Expr> {
    let literal = || {
        word()
            .prop_filter("never empty", |text| !text.is_empty())
            .prop_map(|text| Literal { text, span: Span::default() })
    };
    let comparison = prop_oneof![
        Just(Comparison::Above),
        Just(Comparison::AtLeast),
        Just(Comparison::Below),
        Just(Comparison::AtMost)
    ];
    let bare =
        prop_oneof![word().prop_map(Test::Text), wildcard(), "([a-z/]|\\\\[a-z\\\\.]){1,6}".prop_map(Test::Regex),];
    let ends = (proptest::option::of(literal()), any::<bool>(), proptest::option::of(literal()), any::<bool>());
    let fielded = prop_oneof![
        Just(Test::Exists),
        bare.clone_boxed(),
        (comparison, literal()).prop_map(|(comparison, literal)| Test::Compare(comparison, literal)),
        ends.prop_map(|(low, low_included, high, high_included)| {
            Test::Range(Range { low, low_included, high, high_included })
        }),
    ];
    let build = |field: Option<String>, test| {
        let field = field.map(|name| FieldName { name, span: Span::default() });
        Expr::Term(Term { field, test, span: Span::default() })
    };
    prop_oneof![
        bare.prop_map(move |test| build(None, test)),
        ("[a-z@][a-z._-]{0,6}", fielded).prop_map(move |(name, test)| build(Some(name), test)),
    ]
}

/// Lets one strategy stand in two places.
trait CloneBoxed<T> {
    fn clone_boxed(&self) -> BoxedStrategy<T>;
}

impl<S: Strategy<Value = T> + Clone + 'static, T> CloneBoxed<T> for S {
    fn clone_boxed(&self) -> BoxedStrategy<T> {
        self.clone().boxed()
    }
}

fn expr() -> impl Strategy<Value = Expr> {
    prop_oneof![9 => term(), 1 => Just(Expr::All)].prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Expr::And),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Expr::Or),
            inner.prop_map(|inner| Expr::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same(expr in expr()) {
        let text = expr.to_string();
        let parsed = Query::parse(&text).map_err(|error| TestCaseError::fail(error.caret(&text)))?;
        prop_assert_eq!(parsed.expr(), &expr, "{}", text);
    }

    #[test]
    fn no_text_panics_and_tokens_are_in_order(text in "\\PC{0,40}|[a:*?/\"\\\\()\\[\\]{}<>=&|! TOANDR-]{0,40}") {
        outcome(&text);
        let mut at = 0;
        for token in tokens(&text) {
            prop_assert!(at <= token.span.start && token.span.start <= token.span.end);
            prop_assert!(text.get(token.span.start..token.span.end).is_some());
            at = token.span.end;
        }
    }
}
