//! Reads the JSON text of an answers field into values, an item of the array at a time: what stands before a damage
//! is not lost with it.

use bumpalo::Bump;
use bumpalo::collections::{String as BumpString, Vec as BumpVec};
use tidegate_event::Value;

use super::damage::Damage;

/// Answers are objects of plain values; deeper text is not one of ours.
const DEPTH_MAX: usize = 8;

/// The items of a JSON array, or the one value that the text is.
pub(super) struct Items<'a> {
    text: &'a str,
    at: usize,
    arena: &'a Bump,
    state: State,
}

#[derive(PartialEq)]
enum State {
    Start,
    InArray,
    Done,
}

impl<'a> Items<'a> {
    pub(super) fn new(text: &'a str, arena: &'a Bump) -> Self {
        Self { text, at: 0, arena, state: State::Start }
    }

    /// The next item; nothing comes after a damage.
    fn step(&mut self) -> Result<Option<Value<'a>>, Damage> {
        self.space();
        match self.state {
            State::Done => return Ok(None),
            State::Start => {
                if !self.eat(b'[') {
                    let value = self.value(0)?;
                    return self.finish(Some(value));
                }
                self.state = State::InArray;
                self.space();
                if self.eat(b']') {
                    return self.finish(None);
                }
            }
            State::InArray => {
                if self.eat(b']') {
                    return self.finish(None);
                }
                self.expect(b',')?;
                self.space();
            }
        }
        self.value(0).map(Some)
    }

    fn finish(&mut self, last: Option<Value<'a>>) -> Result<Option<Value<'a>>, Damage> {
        self.state = State::Done;
        self.space();
        // With a value in hand, what follows it is its own damage; there is no room to tell both.
        if self.at < self.text.len() && last.is_none() { Err(self.damage()) } else { Ok(last) }
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, Damage> {
        if depth > DEPTH_MAX {
            return Err(Damage::JsonDepth(self.at));
        }
        match self.text.as_bytes().get(self.at) {
            Some(b'"') => Ok(Value::Str(self.string()?)),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                for (word, value) in [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
                {
                    if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err(self.damage())
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, Damage> {
        self.at += 1;
        let mut entries = BumpVec::with_capacity_in(5, self.arena);
        self.space();
        if self.eat(b'}') {
            return Ok(Value::Dict(&[]));
        }
        loop {
            self.space();
            let key = self.string()?;
            self.space();
            self.expect(b':')?;
            self.space();
            entries.push((key, self.value(depth + 1)?));
            self.space();
            if self.eat(b'}') {
                return Ok(Value::Dict(entries.into_bump_slice()));
            }
            self.expect(b',')?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, Damage> {
        self.at += 1;
        let mut items = BumpVec::new_in(self.arena);
        self.space();
        if self.eat(b']') {
            return Ok(Value::List(&[]));
        }
        loop {
            self.space();
            items.push(self.value(depth + 1)?);
            self.space();
            if self.eat(b']') {
                return Ok(Value::List(items.into_bump_slice()));
            }
            self.expect(b',')?;
        }
    }

    fn number(&mut self) -> Result<Value<'a>, Damage> {
        let rest = &self.text.as_bytes()[self.at..];
        let length =
            rest.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')).count();
        let text = &self.text[self.at..self.at + length];
        let value = match (text.parse(), text.parse()) {
            (Ok(whole), _) => Value::Int(whole),
            (_, Ok(float)) => Value::Float(float),
            _ => return Err(self.damage()),
        };
        self.at += length;
        Ok(value)
    }

    fn string(&mut self) -> Result<&'a str, Damage> {
        self.expect(b'"')?;
        let start = self.at;
        let mut end = self.next_mark()?;
        if self.text.as_bytes()[end] == b'"' {
            self.at = end + 1;
            return Ok(&self.text[start..end]);
        }
        let mut out = BumpString::with_capacity_in(end - start + 32, self.arena);
        loop {
            out.push_str(&self.text[self.at..end]);
            self.at = end + 1;
            if self.text.as_bytes()[end] == b'"' {
                return Ok(out.into_bump_str());
            }
            let character = self.escape()?;
            out.push(character);
            end = self.next_mark()?;
        }
    }

    /// Where the next quote or backslash stands.
    fn next_mark(&self) -> Result<usize, Damage> {
        let rest = &self.text.as_bytes()[self.at..];
        memchr::memchr2(b'"', b'\\', rest).map(|index| self.at + index).ok_or(Damage::Json(self.text.len()))
    }

    /// The character that an escape stands for; the backslash is already behind.
    fn escape(&mut self) -> Result<char, Damage> {
        let kind = *self.text.as_bytes().get(self.at).ok_or_else(|| self.damage())?;
        let plain = match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => {
                self.at += 1;
                return self.unicode_escape();
            }
            _ => return Err(self.damage()),
        };
        self.at += 1;
        Ok(plain)
    }

    /// The character of `\uXXXX`, or of a pair of them; half a pair becomes the replacement character.
    fn unicode_escape(&mut self) -> Result<char, Damage> {
        let first = self.hex4()?;
        if !(0xd800..0xdc00).contains(&first) || !self.text[self.at..].starts_with("\\u") {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let back = self.at;
        self.at += 2;
        let second = self.hex4()?;
        if (0xdc00..0xe000).contains(&second) {
            let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.at = back;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Result<u32, Damage> {
        let digits = self.text.get(self.at..self.at + 4).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|text| u32::from_str_radix(text, 16).ok()).ok_or_else(|| self.damage())?;
        self.at += 4;
        Ok(code)
    }

    fn space(&mut self) {
        while matches!(self.text.as_bytes().get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Damage> {
        if self.eat(byte) { Ok(()) } else { Err(self.damage()) }
    }

    const fn damage(&self) -> Damage {
        Damage::Json(self.at)
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Value<'a>, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.state = State::Done;
            self.at = self.text.len();
        }
        step.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> (String, Option<Damage>) {
        let arena = Bump::new();
        let text = arena.alloc_str(text);
        let (mut values, mut damage) = (Vec::new(), None);
        for item in Items::new(text, &arena) {
            match item {
                Ok(value) => values.push(value.to_json()),
                Err(found) => damage = Some(found),
            }
        }
        (values.join(" "), damage)
    }

    #[test]
    fn arrays_objects_and_single_values() {
        assert_eq!(read(""), (String::new(), Some(Damage::Json(0))));
        assert_eq!(read(" [ ] "), (String::new(), None));
        assert_eq!(read(r#"{"a":1}"#), (r#"{"a":1}"#.into(), None));
        assert_eq!(
            read("[ {\"a\" : -1.5e2 , \"b\":[true,null,[]] } ,\n{}, 18446744073709551616, \"x\" ]"),
            (r#"{"a":-150.0,"b":[true,null,[]]} {} 1.8446744073709552e+19 "x""#.into(), None)
        );
    }

    #[test]
    fn escapes() {
        assert_eq!(
            read(r#"["\"\\\/\n\t\u00e9\ud83d\ude00", "\ud83dx", "\ud83d\u0041", "\udc00"]"#).0,
            "\"\\\"\\\\/\\n\\té😀\" \"\u{fffd}x\" \"\u{fffd}A\" \"\u{fffd}\""
        );
    }

    #[test]
    fn what_stands_before_a_damage_is_kept() {
        assert_eq!(read(r#"[1,2,{"a":}]"#), ("1 2".into(), Some(Damage::Json(10))));
        assert_eq!(read("[1,2"), ("1 2".into(), Some(Damage::Json(4))));
        assert_eq!(read("[1] x"), ("1".into(), Some(Damage::Json(4))));
        for text in ["[\"", "[\"\\", "[\"\\u12", "[\"\\x\"]", "[nul]", "[-]", "[1 2]", "{\"a\" 1}", "{1:2}", "[,]", "é"]
        {
            assert!(read(text).1.is_some(), "{text}");
        }
        assert_eq!(read(&"[".repeat(100_000)).1, Some(Damage::JsonDepth(DEPTH_MAX + 2)));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in r#"[\[\]{}",:\\u0-9a-f \-é]{0,60}"#) {
            read(&text);
        }

        #[test]
        fn strings_come_back(strings in prop::collection::vec(any::<String>(), 0..5)) {
            let text = serde_json::to_string(&strings).unwrap();
            let arena = Bump::new();
            let text = arena.alloc_str(&text);
            let read: Vec<String> =
                Items::new(text, &arena).map(|item| item.unwrap().as_str().unwrap().to_owned()).collect();
            prop_assert_eq!(read, strings);
        }
    }
}
