//! What a month will bring, from what arrived.

use std::time::Duration;

use tidegate_event::IntakeId;
use tidegate_logpush::{Estimate, estimate};
use tidegate_server::logpush::{Arrivals, Arrived, LogpushEstimate};

use super::Side;

/// Whole days that are looked back on: a week has all its weekdays.
const DAYS: u32 = 7;
const DAY: Duration = Duration::from_secs(86_400);
const HOUR: Duration = Duration::from_secs(3_600);

/// Uncompressed bytes in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Measured {
    bytes: u64,
    window: Duration,
}

impl Side {
    /// What an intake received: of the whole days of the last week when there are any, else since the process started.
    pub(super) fn measured(&self, intake: IntakeId, arrived: &Arrivals) -> Option<Measured> {
        let arrived = arrived.get(&intake).copied().unwrap_or_default();
        let today = tidegate_event::Timestamp::now().day();
        let days = self.state.days(Some(intake), Some(DAYS + 1)).unwrap_or_default();
        let whole: Vec<_> = days.iter().filter(|day| day.day < today).collect();
        // The first day may be the one on which the job was made, at any hour of it.
        let since = whole.first().map_or(today, |first| first.day + i32::from(whole.len() > 1));
        let sent = whole.iter().filter(|day| day.day >= since).map(|day| day.counts.bytes).sum();
        of_days(sent, u32::try_from(today - since).unwrap_or(0), arrived).or_else(|| of_process(arrived))
    }
}

/// Days are counted in bytes as sent; how far these unpack is known from what came since the start.
fn of_days(sent_bytes: u64, days: u32, arrived: Arrived) -> Option<Measured> {
    if days == 0 || arrived.sent_bytes == 0 || sent_bytes == 0 {
        return None;
    }
    let bytes = u128::from(sent_bytes) * u128::from(arrived.text_bytes) / u128::from(arrived.sent_bytes);
    Some(Measured { bytes: u64::try_from(bytes).unwrap_or(u64::MAX), window: DAY * days })
}

fn of_process(arrived: Arrived) -> Option<Measured> {
    (arrived.window >= HOUR).then_some(Measured { bytes: arrived.text_bytes, window: arrived.window })
}

/// The estimate of one or of several together.
pub(super) fn shown(all: &[Measured]) -> Option<LogpushEstimate> {
    let shortest = all.iter().map(|one| one.window).min()?;
    let hourly =
        |one: &Measured| u128::from(one.bytes) * u128::from(HOUR.as_secs()) / u128::from(one.window.as_secs().max(1));
    let sum = u64::try_from(all.iter().map(hourly).sum::<u128>()).unwrap_or(u64::MAX);
    let estimate: Estimate = estimate(sum, HOUR)?;
    Some(LogpushEstimate {
        gigabytes_a_month: estimate.gigabytes,
        dollars_a_month: estimate.dollars,
        measured_seconds: shortest.as_secs(),
        sentence: estimate.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_before_the_hours_of_a_process() {
        let arrived = Arrived { sent_bytes: 100, text_bytes: 1_000, window: HOUR };
        assert_eq!(of_days(50, 2, arrived), Some(Measured { bytes: 500, window: DAY * 2 }));
        assert_eq!(of_days(50, 0, arrived), None);
        assert_eq!(of_days(50, 2, Arrived::default()), None);
        assert_eq!(of_process(arrived), Some(Measured { bytes: 1_000, window: HOUR }));
        assert_eq!(of_process(Arrived { window: HOUR / 2, ..arrived }), None);
    }

    #[test]
    fn several_add_up() {
        let day = Measured { bytes: 2_400_000_000, window: DAY };
        let hour = Measured { bytes: 100_000_000, window: HOUR };
        let (one, both) = (shown(&[day]).unwrap(), shown(&[day, hour]).unwrap());
        assert!((both.gigabytes_a_month - 2.0 * one.gigabytes_a_month).abs() < 1e-6, "{one:?} {both:?}");
        assert_eq!(both.measured_seconds, 3_600);
        assert!(both.sentence.starts_with("about 146.1 GB a month, $12.11"), "{both:?}");
        assert_eq!(shown(&[]), None);
    }
}
