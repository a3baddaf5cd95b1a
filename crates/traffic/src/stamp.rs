//! The values of a single query: its time, id, port, size and how long it took.

use tidegate_event::Timestamp;

use crate::config::TimeFormat;
use crate::json;
use crate::rng::{Rng, exp, write_uuid};

const LATENCIES: usize = 1024;

/// Writes the time of one record after another; records of a second share most of their text.
#[derive(Debug)]
pub(crate) struct Stamper {
    format: TimeFormat,
    second: i64,
    text: Vec<u8>,
}

impl Stamper {
    pub(crate) const fn new(format: TimeFormat) -> Self {
        Self { format, second: i64::MIN, text: Vec::new() }
    }

    pub(crate) fn write(&mut self, out: &mut Vec<u8>, micros: i64) {
        let (second, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000) as u64);
        match self.format {
            TimeFormat::Unix => json::number(out, second.max(0) as u64),
            TimeFormat::UnixNano => json::number(out, micros.max(0) as u64 * 1_000),
            format => {
                if self.second != second {
                    self.second = second;
                    self.text.clear();
                    Timestamp::from_micros(second * 1_000_000).write_rfc3339(&mut self.text);
                    // Without the `Z`, which stands behind the fraction.
                    self.text.pop();
                }
                out.push(b'"');
                out.extend_from_slice(&self.text);
                match format {
                    TimeFormat::Rfc3339Ms => digits(out, fraction / 1_000, 3),
                    TimeFormat::Rfc3339Ns => {
                        digits(out, fraction, 6);
                        out.extend_from_slice(b"000");
                    }
                    _ => {}
                }
                out.extend_from_slice(b"Z\"");
            }
        }
    }
}

fn digits(out: &mut Vec<u8>, value: u64, count: u32) {
    out.push(b'.');
    for place in (0..count).rev() {
        out.push(b'0' + (value / 10_u64.pow(place) % 10) as u8);
    }
}

/// Writes a query's id, quoted.
pub(crate) fn query_id(out: &mut Vec<u8>, (high, low): (u64, u64)) {
    let mut text = [0; 36];
    write_uuid(high, low, &mut text);
    out.push(b'"');
    out.extend_from_slice(&text);
    out.push(b'"');
}

/// Response times, log-normal: most from the cache at once, the rest after a walk through the DNS.
#[derive(Debug)]
pub(crate) struct Latency {
    cached: Vec<u16>,
    walked: Vec<u16>,
}

impl Latency {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut table = |median: f64, sigma: f64| -> Vec<u16> {
            (0..LATENCIES)
                .map(|_| {
                    // Twelve fractions make a good enough bell.
                    let normal = (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0;
                    (median * exp(sigma * normal)) as u16
                })
                .collect()
        };
        Self { cached: table(1.4, 0.7), walked: table(22.0, 0.9) }
    }

    pub(crate) fn draw(&self, cached: bool, rng: &mut Rng) -> u64 {
        u64::from(rng.pick(if cached { &self.cached } else { &self.walked }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_formats_of_a_moment() {
        let micros = 1_772_438_400_123_456;
        for (format, expected) in [
            (TimeFormat::Rfc3339, "\"2026-03-02T08:00:00Z\""),
            (TimeFormat::Rfc3339Ms, "\"2026-03-02T08:00:00.123Z\""),
            (TimeFormat::Rfc3339Ns, "\"2026-03-02T08:00:00.123456000Z\""),
            (TimeFormat::Unix, "1772438400"),
            (TimeFormat::UnixNano, "1772438400123456000"),
        ] {
            let mut out = Vec::new();
            Stamper::new(format).write(&mut out, micros);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
