//! What is kept beside a body so that it can be understood later: the journal carries it without reading it.

use tidegate_event::Timestamp;

use crate::framing::Framing;

/// What is kept beside a body so that it can be understood later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// How the records lie in the body.
    pub framing: Framing,
    /// The event time the sender gave for the whole request, for records that have none of their own.
    pub event_time: Option<Timestamp>,
    /// The request's `Content-Encoding`, as it stood.
    pub coding: Option<String>,
}

/// The first byte: another layout gets another number, since journals outlive programs.
const LAYOUT: u8 = 1;
/// The length has one byte; a longer `Content-Encoding` names nothing we can undo.
const CODING_BYTES_MAX: usize = 255;

impl Head {
    /// A head that says only how the records lie.
    #[must_use]
    pub const fn new(framing: Framing) -> Self {
        Self { framing, event_time: None, coding: None }
    }

    /// A compact form, for [`Head::from_bytes`]. Equal heads have equal bytes: the journal tells a batch that is sent
    /// again by them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let framing = self.framing.to_bytes();
        let coding = self.coding.as_deref().filter(|coding| coding.len() <= CODING_BYTES_MAX).unwrap_or("");
        let mut bytes = Vec::with_capacity(11 + coding.len() + framing.len());
        bytes.push(LAYOUT);
        match self.event_time {
            Some(time) => {
                bytes.push(1);
                bytes.extend_from_slice(&time.as_micros().to_le_bytes());
            }
            None => bytes.push(0),
        }
        bytes.push(u8::try_from(coding.len()).unwrap_or(0));
        bytes.extend_from_slice(coding.as_bytes());
        bytes.extend_from_slice(&framing);
        bytes
    }

    /// The head that [`Head::to_bytes`] wrote; `None` for anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (layout, rest) = bytes.split_first()?;
        if *layout != LAYOUT {
            return None;
        }
        let (event_time, rest) = match rest.split_first()? {
            (0, rest) => (None, rest),
            (1, rest) => {
                let (micros, rest) = rest.split_first_chunk::<8>()?;
                (Some(Timestamp::from_micros(i64::from_le_bytes(*micros))), rest)
            }
            _ => return None,
        };
        let (length, rest) = rest.split_first()?;
        let (coding, framing) = rest.split_at_checked(usize::from(*length))?;
        let coding = std::str::from_utf8(coding).ok()?;
        let coding = (!coding.is_empty()).then(|| coding.to_owned());
        Some(Self { framing: Framing::from_bytes(framing)?, event_time, coding })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_bring_back_the_head() {
        for event_time in [None, Some(Timestamp::from_micros(-1)), Some(Timestamp::from_micros(1_700_000_000_000_000))]
        {
            for coding in [None, Some("gzip".to_owned())] {
                for framing in [Framing::Lines, Framing::Array { intake_key: Some("k".into()) }] {
                    let head = Head { framing, event_time, coding: coding.clone() };
                    assert_eq!(Head::from_bytes(&head.to_bytes()), Some(head));
                }
            }
        }
    }

    #[test]
    fn foreign_bytes_are_no_head() {
        for bytes in [&b""[..], b"\x02\x00\x00\x00", b"\x01", b"\x01\x02\x00\x00", b"\x01\x01\x00", b"\x01\x00\x05\x00"]
        {
            assert_eq!(Head::from_bytes(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn an_endless_coding_is_left_out() {
        let head = Head { coding: Some("é".repeat(300)), ..Head::new(Framing::Lines) };
        assert_eq!(Head::from_bytes(&head.to_bytes()), Some(Head::new(Framing::Lines)));
    }
}
