//! Formatting with `%`, as the `format` filter and the `%` operator do, and with `{}` as `str.format` does.

use std::fmt::Write;

use bumpalo::Bump;
use bumpalo::collections::String as BumpString;

use super::eval::{Called, bounded};
use super::python;
use super::value::{Fail, Number, OUTPUT_BYTES_MAX, Val};

/// What stands between `%` and its letter.
#[derive(Default)]
struct Spec {
    left: bool,
    plus: bool,
    space: bool,
    zero: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

/// Widest field.
const WIDTH_MAX: usize = 10_000;

/// `format % args`. `whole` is the argument before it was taken apart, for `%(name)s`.
pub(crate) fn format<'a>(format: &str, args: &[Val<'a>], whole: Val<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let mut out = BumpString::new_in(arena);
    let mut rest = format;
    let mut next = 0;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix('%') {
            out.push('%');
            rest = tail;
            continue;
        }
        let mut named = None;
        if let Some(tail) = rest.strip_prefix('(') {
            let (name, tail) = tail.split_once(')').ok_or(Fail("`%(` is never closed"))?;
            named = Some(whole.lookup(Val::str(arena.alloc_str(name))).ok_or(Fail("format names an unknown key"))?);
            rest = tail;
        }
        let spec = spec(&mut rest)?;
        let letter = rest.chars().next().ok_or(Fail("format ends after `%`"))?;
        rest = &rest[letter.len_utf8()..];
        let value = match named {
            Some(value) => value,
            None => {
                next += 1;
                *args.get(next - 1).ok_or(Fail("format needs more values"))?
            }
        };
        convert(&mut out, &spec, letter, value)?;
        if out.len() > OUTPUT_BYTES_MAX {
            return Err(Fail("text is too long"));
        }
    }
    out.push_str(rest);
    bounded(out)
}

fn spec(rest: &mut &str) -> Result<Spec, Fail> {
    let mut spec = Spec::default();
    loop {
        match rest.as_bytes().first() {
            Some(b'-') => spec.left = true,
            Some(b'+') => spec.plus = true,
            Some(b' ') => spec.space = true,
            Some(b'0') => spec.zero = true,
            Some(b'#') => spec.alternate = true,
            _ => break,
        }
        *rest = &rest[1..];
    }
    spec.width = digits(rest).unwrap_or(0);
    if let Some(tail) = rest.strip_prefix('.') {
        *rest = tail;
        spec.precision = Some(digits(rest).unwrap_or(0));
    }
    if spec.width > WIDTH_MAX || spec.precision.is_some_and(|precision| precision > WIDTH_MAX) {
        return Err(Fail("format is too wide"));
    }
    Ok(spec)
}

fn digits(rest: &mut &str) -> Option<usize> {
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    let number = rest[..length].parse().ok();
    *rest = &rest[length..];
    number
}

fn convert(out: &mut BumpString<'_>, spec: &Spec, letter: char, value: Val<'_>) -> Result<(), Fail> {
    let whole = || match value.number() {
        Some(Number::Int(number)) => Ok(number),
        Some(Number::Float(number)) if number.is_finite() => Ok(number as i128),
        _ => Err(Fail("format needs a number")),
    };
    let float = || value.number().map(Number::as_f64).ok_or(Fail("format needs a number"));
    let prefix = |text: &'static str| if spec.alternate { text } else { "" };
    let (negative, mut body) = match letter {
        's' => (false, python::str_of(value)),
        'r' | 'a' => (false, python::repr_of(value)),
        'd' | 'i' | 'u' => (whole()? < 0, whole()?.unsigned_abs().to_string()),
        'x' => (whole()? < 0, format!("{}{:x}", prefix("0x"), whole()?.unsigned_abs())),
        'X' => (whole()? < 0, format!("{}{:X}", prefix("0X"), whole()?.unsigned_abs())),
        'o' => (whole()? < 0, format!("{}{:o}", prefix("0o"), whole()?.unsigned_abs())),
        'f' | 'F' => {
            let number = float()?;
            (number.is_sign_negative(), format!("{:.*}", spec.precision.unwrap_or(6), number.abs()))
        }
        'e' | 'E' => {
            let number = float()?;
            (number.is_sign_negative(), exponent(number.abs(), spec.precision.unwrap_or(6), letter))
        }
        'g' | 'G' => (float()?.is_sign_negative(), python::float(float()?.abs()).trim_end_matches(".0").to_owned()),
        'c' => (false, value.as_str().map(str::to_owned).ok_or(Fail("format needs a character"))?),
        _ => return Err(Fail("unknown format letter")),
    };
    if matches!(letter, 's' | 'r' | 'a')
        && let Some(precision) = spec.precision
    {
        body = body.chars().take(precision).collect();
    }
    let sign = match (negative, spec.plus, spec.space, letter) {
        (true, ..) => "-",
        (_, _, _, 's' | 'r' | 'a' | 'c') => "",
        (_, true, ..) => "+",
        (_, _, true, _) => " ",
        _ => "",
    };
    let missing = spec.width.saturating_sub(body.chars().count() + sign.len());
    let zeros = spec.zero && !spec.left && !matches!(letter, 's' | 'r' | 'a' | 'c');
    let (before, middle, after) = match (spec.left, zeros) {
        (true, _) => (0, 0, missing),
        (_, true) => (0, missing, 0),
        _ => (missing, 0, 0),
    };
    let _ = write!(out, "{}{sign}{}{body}{}", " ".repeat(before), "0".repeat(middle), " ".repeat(after));
    Ok(())
}

fn exponent(number: f64, precision: usize, letter: char) -> String {
    let text = format!("{number:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{mantissa}{letter}{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

/// `format.format(…)`: `{}`, `{0}`, `{name}`, `{{`, and the specs of Python that matter for text and numbers.
pub(crate) fn braces<'a>(format: &str, args: &Called<'a>, arena: &'a Bump) -> Result<Val<'a>, Fail> {
    let mut out = BumpString::new_in(arena);
    let mut rest = format;
    let mut next = 0;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = tail;
            continue;
        }
        let (field, tail) = rest.split_once('}').filter(|_| brace == "{").ok_or(Fail("single brace in format"))?;
        rest = tail;
        let (name, spec) = field.split_once(':').unwrap_or((field, ""));
        let value = if name.is_empty() {
            next += 1;
            args.positional.get(next - 1).copied()
        } else if let Ok(index) = name.parse::<usize>() {
            args.positional.get(index).copied()
        } else {
            args.named.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
        };
        brace_field(&mut out, spec, value.ok_or(Fail("format needs more values"))?)?;
    }
    out.push_str(rest);
    bounded(out)
}

fn brace_field(out: &mut BumpString<'_>, spec: &str, value: Val<'_>) -> Result<(), Fail> {
    let mut rest = spec;
    let left = match rest.as_bytes().first() {
        Some(b'<') => Some(true),
        Some(b'>') => Some(false),
        _ => None,
    };
    if left.is_some() {
        rest = &rest[1..];
    }
    let mut parsed = self::spec(&mut rest)?;
    let text = value.number().is_none();
    parsed.left = left.unwrap_or(text);
    let letter = rest.chars().next().unwrap_or(if parsed.precision.is_some() && !text { 'f' } else { 's' });
    convert(out, &parsed, letter, value)
}
