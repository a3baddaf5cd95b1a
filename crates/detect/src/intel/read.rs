//! Reading a feed: what it is, then record by record, each checked before it is handed on.

use std::io::{BufReader, Cursor, Read};
use std::ops::ControlFlow;

use tidegate_event::Timestamp;

use super::csv::Columns;
use super::detection::{Format, Told, head_of, tell};
use super::error::IntelError;
use super::indicator::{Indicator, add_tag, tidy};
use super::report::{Refusal, Report, excerpt};
use super::value::{Value, ValueError, parse_value};
use super::{csv, json, plain};

/// More of a feed is not read.
pub const FEED_BYTES_MAX: u64 = 1 << 30;
/// More indicators are not taken from one feed.
pub const INDICATORS_MAX: u64 = 2_000_000;
/// When so many records in a row held nothing, the file is something else.
const BARREN_RECORDS_MAX: u64 = 1_000;
const BUFFER_BYTES: usize = 64 << 10;

/// How a feed is to be read.
#[derive(Clone, Copy)]
pub struct ReadOptions<'a> {
    /// What it is; found out when `None`.
    pub format: Option<Format>,
    /// Where a table holds what; found out when empty.
    pub columns: &'a Columns,
    /// Added to the tags of each indicator.
    pub tags: &'a [String],
    /// For indicators whose source does not say.
    pub confidence: Option<u8>,
    /// For indicators whose source does not say from when they count.
    pub valid_from: Option<Timestamp>,
    /// For indicators whose source does not say until when they count: this long after they begin.
    pub valid_for_micros: Option<i64>,
    /// Indicators that ended before this are refused.
    pub now: Option<Timestamp>,
    /// Whether MISP attributes without `to_ids` are taken too.
    pub all_attributes: bool,
    /// Whether a name (or an address, as text) is known to be benign: such an indicator is refused. It is asked about
    /// the name itself, so it decides about parents.
    pub benign: &'a dyn Fn(&str) -> bool,
    /// At most so many indicators; never more than [`INDICATORS_MAX`].
    pub indicators_max: u64,
}

impl std::fmt::Debug for ReadOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadOptions").field("format", &self.format).field("tags", &self.tags).finish_non_exhaustive()
    }
}

static NO_COLUMNS: Columns = Columns::found_out();

impl Default for ReadOptions<'_> {
    fn default() -> Self {
        Self {
            format: None,
            columns: &NO_COLUMNS,
            tags: &[],
            confidence: None,
            valid_from: None,
            valid_for_micros: None,
            now: None,
            all_attributes: false,
            benign: &|_| false,
            indicators_max: INDICATORS_MAX,
        }
    }
}

/// Reads a feed and hands each indicator to `sink`, which may end it. Needs little memory, however large the feed is.
///
/// # Errors
/// [`IntelError`] when it is no feed at all. A feed that breaks off later gives what was read until then; see
/// [`Report::cut_short`].
pub fn read<R: Read>(
    input: R,
    options: &ReadOptions<'_>,
    sink: &mut dyn FnMut(Indicator) -> ControlFlow<()>,
) -> Result<Report, IntelError> {
    let mut input = input.take(FEED_BYTES_MAX + 1);
    let head = head_of(&mut input)?;
    let Told { format, skip } = tell(&head, options.format)?;
    let mut head = Cursor::new(head);
    head.set_position(skip);
    let input = BufReader::with_capacity(BUFFER_BYTES, head.chain(input));
    let mut taker = Taker { options, sink, report: Report::new(format), barren: 0, ended: false };
    match format {
        Format::Text => plain::read(input, &mut taker)?,
        Format::Csv => csv::read(input, &mut taker)?,
        Format::Json | Format::Stix | Format::Misp | Format::Onionoo => json::read(input, &mut taker)?,
    }
    Ok(taker.report)
}

/// Checks what the parsers find, completes it and hands it on.
pub(super) struct Taker<'a, 'b> {
    pub(super) options: &'a ReadOptions<'a>,
    sink: &'b mut dyn FnMut(Indicator) -> ControlFlow<()>,
    pub(super) report: Report,
    barren: u64,
    ended: bool,
}

impl Taker<'_, '_> {
    /// Whether nothing more is wanted.
    pub(super) const fn ended(&self) -> bool {
        self.ended
    }

    /// Reading ends here, for this reason.
    pub(super) fn end(&mut self, why: String) {
        self.ended = true;
        self.report.cut_short.get_or_insert(why);
    }

    /// One more record is looked at; its number.
    pub(super) fn record(&mut self) -> u64 {
        self.report.records += 1;
        self.report.records
    }

    /// The text that `at` has for a value, as an indicator; `None` when it is none, which is then told.
    pub(super) fn value(&mut self, at: u64, text: &str) -> Option<Indicator> {
        match parse_value(text) {
            Ok((value, scope)) => Some(Indicator::new(value, scope)),
            Err(ValueError::Hash) => self.pass_over("file hash"),
            Err(ValueError::Email) => self.pass_over("e-mail address"),
            Err(ValueError::AsNumber) => self.pass_over("AS number"),
            Err(why) => {
                self.report.problem(at, &format!("`{}` {why}", excerpt(text.trim(), 80)));
                self.barren();
                None
            }
        }
    }

    fn pass_over(&mut self, kind: &str) -> Option<Indicator> {
        self.report.pass_over(kind);
        None
    }

    /// A record held nothing that could be read. When nothing ever could, the file is something else.
    pub(super) fn barren(&mut self) {
        self.barren += 1;
        if self.barren >= BARREN_RECORDS_MAX && self.report.accepted == 0 && self.report.refused.is_empty() {
            self.end(format!("none of the first {BARREN_RECORDS_MAX} records is a name, an address or a URL"));
        }
    }

    /// Completes, checks and hands on.
    pub(super) fn take(&mut self, mut indicator: Indicator) {
        if self.ended {
            return;
        }
        if let Some(why) = self.refusal(&indicator) {
            self.report.refuse(&indicator.value.to_string(), why);
            return;
        }
        let options = self.options;
        options.tags.iter().for_each(|tag| add_tag(&mut indicator.tags, tag));
        indicator.confidence = indicator.confidence.or(options.confidence).map(|sure| sure.min(100));
        indicator.description = indicator.description.as_deref().and_then(tidy);
        indicator.reference = indicator.reference.as_deref().and_then(tidy);
        indicator.valid_from = indicator.valid_from.or(options.valid_from);
        if indicator.valid_until.is_none()
            && let (Some(from), Some(micros)) = (indicator.valid_from, options.valid_for_micros)
        {
            indicator.valid_until = Some(Timestamp::from_micros(from.as_micros().saturating_add(micros)));
        }
        if let (Some(now), Some(until)) = (options.now, indicator.valid_until)
            && until <= now
        {
            self.report.refuse(&indicator.value.to_string(), Refusal::Over);
            return;
        }
        self.report.accepted += 1;
        if (self.sink)(indicator).is_break() {
            self.end("no more was wanted".to_owned());
        } else if self.report.accepted >= options.indicators_max.min(INDICATORS_MAX) {
            self.end(format!("it holds more than {} indicators", self.report.accepted));
        }
    }

    fn refusal(&self, indicator: &Indicator) -> Option<Refusal> {
        let benign = self.options.benign;
        match &indicator.value {
            Value::Name(name) => {
                if psl::suffix_str(name) == Some(name) {
                    return Some(Refusal::PublicSuffix);
                }
                benign(name).then_some(Refusal::Benign)
            }
            Value::Address(address) => {
                if !is_public(*address) {
                    return Some(Refusal::NotPublic);
                }
                benign(&address.to_string()).then_some(Refusal::Benign)
            }
            Value::Network(network) => {
                if !is_public(network.address()) {
                    return Some(Refusal::NotPublic);
                }
                benign(&network.to_string()).then_some(Refusal::Benign)
            }
        }
    }
}

/// Whether an address can be met on the public internet. Addresses for documentation count as public: tests use them.
fn is_public(address: std::net::IpAddr) -> bool {
    match address {
        std::net::IpAddr::V4(address) => {
            let shared = address.octets()[0] == 100 && address.octets()[1] & 0b1100_0000 == 64;
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.octets()[0] == 0
                || address.octets()[0] >= 240
                || shared)
        }
        std::net::IpAddr::V6(address) => {
            !(address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_unique_local()
                || address.is_unicast_link_local())
        }
    }
}
