use proptest::prelude::*;
use serde_json::json;

use super::*;

fn render(template: &str) -> String {
    let body = json!({
        "title": "t", "link": null, "kind": "alert.raised",
        "alert": {"rule": {"name": "<R>", "attack": ["T1", "T2"]}, "urgency": 80, "target": "evil.example",
            "group": [["source.ip", "10.0.0.1"], ["user.email", "a@b"]], "overflow": false, "name": "a\u{1b}[2Jb"},
        "events": [{"name": "one.example"}],
    });
    let template: Template = template.parse().unwrap();
    template.render(&body, |text| text.replace('<', "&lt;"))
}

#[test]
fn placeholders_are_filled_cleaned_and_escaped() {
    for (template, expected) in [
        ("", ""),
        ("plain < text", "plain < text"),
        ("{title}: {alert.rule.name} ({alert.urgency})", "t: &lt;R> (80)"),
        ("{alert.rule.attack}", "T1, T2"),
        ("{alert.rule.attack.1}", "T2"),
        ("{ events.0.name | defang }", "one[.]example"),
        ("{alert.target|defang} {alert.target}", "evil[.]example evil.example"),
        ("{alert.group}", "source.ip=10.0.0.1, user.email=a@b"),
        ("{link}{alert.nothing}{alert.rule.name.x}{events.7.name}{intake.name}.", "."),
        ("{{\"a\": {alert.overflow}}}", "{\"a\": false}"),
        ("é{title}é", "été"),
        ("{alert.name}", "a [2Jb"),
    ] {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn mistakes_are_placed() {
    let unknown = |name: &str, at| TemplateError::Unknown { name: name.into(), at };
    for (template, expected) in [
        ("a {title", TemplateError::Brace { at: 3 }),
        ("é }", TemplateError::Brace { at: 3 }),
        ("{a{title}}", TemplateError::Brace { at: 1 }),
        ("é {secret}", unknown("secret", 3)),
        ("{}", unknown("", 1)),
        ("{alert..x}", unknown("alert..x", 1)),
        ("{alert.x|upper}", unknown("alert.x|upper", 1)),
        ("{alert.x()}", unknown("alert.x()", 1)),
    ] {
        assert_eq!(template.parse::<Template>(), Err(expected), "{template}");
    }
    assert_eq!("x".repeat(TEMPLATE_BYTES_MAX + 1).parse::<Template>(), Err(TemplateError::TooLong));
    assert_eq!("{title} ".repeat(PLACEHOLDERS_MAX + 1).parse::<Template>(), Err(TemplateError::TooLong));
}

#[test]
fn what_comes_out_is_bounded() {
    let body = json!({"title": "x".repeat(10_000)});
    let template: Template = "{title}".repeat(100).parse().unwrap();
    assert!(template.render(&body, str::to_owned).len() <= TEXT_BYTES_MAX);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[{}|.a-z é]{0,30}") {
        if let Ok(template) = text.parse::<Template>() {
            template.render(&json!({"title": "t"}), str::to_owned);
        }
    }

    #[test]
    fn doubled_braces_give_the_text_itself(text in "\\PC{0,30}") {
        let doubled = text.replace('{', "{{").replace('}', "}}");
        let template: Template = doubled.parse().unwrap();
        prop_assert_eq!(template.render(&json!({}), str::to_owned), text);
    }
}
