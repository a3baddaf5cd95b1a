//! What a rule looks at, in the events query language. Where the language cannot say it, the search finds more and never
//! less: it is how people come from an alert to the events behind it.

use tidegate_detect::{Outline, Piece, Plain};
use tidegate_event::Timestamp;
use tidegate_query::language::{
    Comparison, Expr, FieldName, Fields, Kind, Literal, Part, QUERY_BYTES_MAX, Query, Span, TERMS_MAX, Term, Test,
    Wildcard,
};

/// A part of an outline, said.
enum Said {
    /// Every event passes; `false`: or it cannot be said which.
    Every(bool),
    /// No event passes.
    Nothing,
    /// Those that the expression finds; `false`: and it may find others.
    These(Expr, bool),
}

/// The query of an outline; empty when every event may pass.
pub(crate) fn search(outline: &Outline, fields: &Fields) -> String {
    let Said::These(expr, _) = say(outline, fields) else { return String::new() };
    let mut terms = 0;
    expr.each_term(&mut |_| terms += 1);
    let text = expr.to_string();
    let fits = terms <= TERMS_MAX / 2 && text.len() <= QUERY_BYTES_MAX / 2;
    // nested too deep, for one
    let read = fits && Query::parse(&text).is_ok_and(|query| query.resolve(fields, Timestamp::default()).is_ok());
    if read { text } else { String::new() }
}

fn say(outline: &Outline, fields: &Fields) -> Said {
    match outline {
        Outline::Unknown => Said::Every(false),
        Outline::All(list) => all(list.iter().map(|part| say(part, fields))),
        Outline::Any(list) => any(list.iter().map(|part| say(part, fields))),
        Outline::Not(inner) => match say(inner, fields) {
            Said::Nothing => Said::Every(true),
            Said::Every(true) => Said::Nothing,
            Said::These(expr, true) => Said::These(Expr::Not(Box::new(expr)), true),
            // the opposite of more than it should be is less than it should be
            Said::Every(false) | Said::These(_, false) => Said::Every(false),
        },
        Outline::Test(field, plain) => term(field, plain, fields),
    }
}

fn all(parts: impl Iterator<Item = Said>) -> Said {
    let (mut list, mut exact) = (Vec::new(), true);
    for part in parts {
        match part {
            Said::Nothing => return Said::Nothing,
            Said::Every(whole) => exact &= whole,
            Said::These(expr, whole) => {
                exact &= whole;
                list.push(expr);
            }
        }
    }
    match list.len() {
        0 => Said::Every(exact),
        1 => Said::These(list.remove(0), exact),
        _ => Said::These(Expr::And(list), exact),
    }
}

fn any(parts: impl Iterator<Item = Said>) -> Said {
    let (mut list, mut exact, mut every) = (Vec::new(), true, None);
    for part in parts {
        match part {
            Said::Nothing => {}
            Said::Every(whole) => every = Some(every.unwrap_or(false) || whole),
            Said::These(expr, whole) => {
                exact &= whole;
                list.push(expr);
            }
        }
    }
    match (every, list.len()) {
        (Some(whole), _) => Said::Every(whole),
        (None, 0) => Said::Nothing,
        (None, 1) => Said::These(list.remove(0), exact),
        (None, _) => Said::These(Expr::Or(list), exact),
    }
}

fn term(name: &str, plain: &Plain, fields: &Fields) -> Said {
    let Some(field) = fields.get(name) else { return Said::Every(false) };
    let literal = |number: &f64| Literal { text: number.to_string(), span: Span::default() };
    let compare = |word, number: &f64| Test::Compare(word, literal(number));
    let test = match plain {
        Plain::Something => Test::Exists,
        Plain::Is(text) => Test::Text(text.clone()),
        Plain::Network(text) if matches!(field.kind, Kind::Ip | Kind::IpList) => Test::Text(text.clone()),
        Plain::Network(_) => return Said::Every(false),
        Plain::Like(pieces) => Test::Wildcard(Wildcard { parts: pieces.iter().map(part).collect() }),
        Plain::Regex(source) => Test::Regex(source.clone()),
        Plain::Above(number, false) => compare(Comparison::Above, number),
        Plain::Above(number, true) => compare(Comparison::AtLeast, number),
        Plain::Below(number, false) => compare(Comparison::Below, number),
        Plain::Below(number, true) => compare(Comparison::AtMost, number),
    };
    // an expression of the language counts no case, and long text is looked into
    let exact = !matches!(plain, Plain::Regex(_)) && !field.is_sentence();
    let field = FieldName { name: name.to_owned(), span: Span::default() };
    let expr = Expr::Term(Term { field: Some(field), test, span: Span::default() });
    // what the language cannot ask of this field
    let asked = Query::parse(&expr.to_string()).is_ok_and(|query| query.resolve(fields, Timestamp::default()).is_ok());
    if asked { Said::These(expr, exact) } else { Said::Every(false) }
}

fn part(piece: &Piece) -> Part {
    match piece {
        Piece::Text(text) => Part::Literal(text.clone()),
        Piece::Many => Part::Any,
        Piece::One => Part::One,
    }
}

#[cfg(test)]
mod tests {
    use tidegate_query::language::Field;

    use super::*;

    fn fields() -> Fields {
        let fields = [
            ("dns.question.name", Kind::Text),
            ("tags", Kind::TextList),
            ("length", Kind::Int),
            ("source.ip", Kind::Ip),
        ];
        fields.into_iter().map(|(name, kind)| Field { name: name.into(), kind, folded: false }).collect()
    }

    fn test(field: &str, plain: Plain) -> Outline {
        Outline::Test(field.into(), plain)
    }

    fn is(field: &str, value: &str) -> Outline {
        test(field, Plain::Is(value.to_owned()))
    }

    fn not(inner: Outline) -> Outline {
        Outline::Not(Box::new(inner))
    }

    fn ends(text: &str) -> Outline {
        test("dns.question.name", Plain::Like(vec![Piece::Many, Piece::Text(text.to_owned())]))
    }

    #[test]
    fn an_outline_becomes_a_query() {
        let long = Outline::All(vec![
            test("length", Plain::Above(62.0, false)),
            not(is("tags", "benign-long-name")),
            not(Outline::Any(vec![ends(".in-addr.arpa"), ends(".ip6.arpa")])),
            not(Outline::Any(Vec::new())),
        ]);
        let said = "length:>62 AND NOT tags:benign-long-name \
                    AND NOT (dns.question.name:*.in-addr.arpa OR dns.question.name:*.ip6.arpa)";
        assert_eq!(search(&long, &fields()), said);
        let network = test("source.ip", Plain::Network("10.0.0.0/8".into()));
        assert_eq!(search(&network, &fields()), "source.ip:10.0.0.0/8");
    }

    #[test]
    fn what_cannot_be_said_finds_more_and_never_less() {
        let regex = || test("dns.question.name", Plain::Regex("^[A-Z]/x$".into()));
        assert_eq!(search(&regex(), &fields()), "dns.question.name:/^[A-Z]\\/x$/");
        for unsaid in [
            Outline::Unknown,
            not(regex()),
            not(Outline::Unknown),
            Outline::Any(vec![is("tags", "a"), Outline::Unknown]),
            is("no.such.field", "a"),
            is("length", "long"),
            test("tags", Plain::Above(1.0, true)),
            test("dns.question.name", Plain::Network("10.0.0.0/8".into())),
            Outline::Any(Vec::new()),
            Outline::Any((0..2_000).map(|number| is("tags", &number.to_string())).collect()),
        ] {
            assert_eq!(search(&unsaid, &fields()), "", "{unsaid:?}");
        }
        let half = Outline::All(vec![is("tags", "a"), Outline::Unknown, not(regex())]);
        assert_eq!(search(&half, &fields()), "tags:a");
        let odd = Outline::Any(vec![is("tags", "a b\" OR *"), is("tags", "")]);
        let text = search(&odd, &fields());
        assert!(Query::parse(&text).is_ok_and(|query| query.fields_used() == ["tags"]), "{text}");
    }
}
