//! Punycode (RFC 3492): internationalised labels to and from the form they have on the wire.

const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;
const SKEW: u32 = 38;
const DAMP: u32 = 700;
const BIAS: u32 = 72;
const FIRST: u32 = 0x80;
/// A label has at most 63 bytes, so it can hold no more characters.
const CHARS_MAX: usize = 63;

fn adapt(delta: u32, points: u32, first: bool) -> u32 {
    let mut delta = if first { delta / DAMP } else { delta / 2 };
    delta += delta / points;
    let mut steps = 0;
    while delta > (BASE - T_MIN) * T_MAX / 2 {
        delta /= BASE - T_MIN;
        steps += BASE;
    }
    steps + (BASE - T_MIN + 1) * delta / (delta + SKEW)
}

fn threshold(step: u32, bias: u32) -> u32 {
    step.saturating_sub(bias).clamp(T_MIN, T_MAX)
}

/// A label in its wire form: `xn--` and so on; `None` when it cannot have one.
pub(crate) fn encode(label: &str) -> Option<String> {
    let chars: Vec<u32> = label.chars().map(u32::from).collect();
    if chars.is_empty() || chars.len() > CHARS_MAX {
        return None;
    }
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = out.len() as u32;
    if basic > 0 {
        out.push('-');
    }
    let (mut next, mut delta, mut bias, mut done) = (FIRST, 0_u32, BIAS, basic);
    while (done as usize) < chars.len() {
        let least = chars.iter().copied().filter(|point| *point >= next).min()?;
        delta = delta.checked_add((least - next).checked_mul(done + 1)?)?;
        next = least;
        for point in &chars {
            if *point < next {
                delta = delta.checked_add(1)?;
            }
            if *point == next {
                push_number(delta, bias, &mut out);
                bias = adapt(delta, done + 1, done == basic);
                (delta, done) = (0, done + 1);
            }
        }
        (delta, next) = (delta.checked_add(1)?, next + 1);
    }
    Some(format!("xn--{out}")).filter(|wire| wire.len() <= CHARS_MAX)
}

fn push_number(mut rest: u32, bias: u32, out: &mut String) {
    for step in (BASE..).step_by(BASE as usize) {
        let threshold = threshold(step, bias);
        if rest < threshold {
            break;
        }
        out.push(digit(threshold + (rest - threshold) % (BASE - threshold)));
        rest = (rest - threshold) / (BASE - threshold);
    }
    out.push(digit(rest));
}

const fn digit(value: u32) -> char {
    (if value < 26 { b'a' + value as u8 } else { b'0' + (value - 26) as u8 }) as char
}

/// The characters of a label; a label that is not in wire form, or not a proper one, is returned as it is.
pub(crate) fn decode(label: &str) -> String {
    label.strip_prefix("xn--").and_then(decode_tail).unwrap_or_else(|| label.to_owned())
}

fn decode_tail(tail: &str) -> Option<String> {
    if tail.len() > CHARS_MAX || !tail.is_ascii() {
        return None;
    }
    let (basic, digits) = tail.rsplit_once('-').unwrap_or(("", tail));
    let mut chars: Vec<char> = basic.chars().collect();
    let (mut point, mut index, mut bias) = (FIRST, 0_u32, BIAS);
    let mut digits = digits.bytes().peekable();
    while digits.peek().is_some() {
        let (start, mut weight) = (index, 1_u32);
        for step in (BASE..).step_by(BASE as usize) {
            let value = match digits.next()? {
                byte @ b'a'..=b'z' => u32::from(byte - b'a'),
                byte @ b'0'..=b'9' => u32::from(byte - b'0') + 26,
                _ => return None,
            };
            index = index.checked_add(value.checked_mul(weight)?)?;
            let threshold = threshold(step, bias);
            if value < threshold {
                break;
            }
            weight = weight.checked_mul(BASE - threshold)?;
        }
        let length = chars.len() as u32 + 1;
        bias = adapt(index - start, length, start == 0);
        point = point.checked_add(index / length)?;
        index %= length;
        chars.insert(index as usize, char::from_u32(point)?);
        index += 1;
    }
    Some(chars.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_labels() {
        for (text, wire) in [
            ("bücher", "xn--bcher-kva"),
            ("münchen", "xn--mnchen-3ya"),
            ("пример", "xn--e1afmkfd"),
            ("例え", "xn--r8jz45g"),
            ("测试", "xn--0zwm56d"),
        ] {
            assert_eq!(encode(text).as_deref(), Some(wire));
            assert_eq!(decode(wire), text);
        }
        for broken in ["xn--", "xn--\u{e9}", "xn--99999999999", "plain", "xn--a-\u{7f}"] {
            let _ = decode(broken);
        }
        assert_eq!(decode("plain"), "plain");
        assert_eq!(encode(&"ü".repeat(64)), None);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(text in "[a-z0-9а-яäöü中-乐]{1,12}") {
            if !text.is_ascii() && let Some(wire) = encode(&text) {
                prop_assert_eq!(decode(&wire), text);
            }
        }

        #[test]
        fn no_label_panics(text in "xn--[a-z0-9-]{0,70}") {
            let _ = decode(&text);
        }
    }
}
