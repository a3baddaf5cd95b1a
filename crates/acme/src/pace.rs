//! When to renew, and how long to wait after a failure.

use std::time::Duration;

use tidegate_event::Timestamp;

/// The pause after the first failure; it doubles with each further one.
const FAILURE_PAUSE: Duration = Duration::from_secs(5 * 60);
const FAILURE_PAUSE_MAX: Duration = Duration::from_secs(6 * 3600);
/// Attempts that fail at the authority within an hour, restarts included. Let's Encrypt refuses after five failed
/// validations of a name in an hour (letsencrypt.org/docs/rate-limits).
const FAILURES_AN_HOUR_MAX: usize = 4;
const FAILURES_WINDOW: Duration = Duration::from_secs(3600);
/// No authority's wish to be left alone is followed for longer: Let's Encrypt's longest limit is a week.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(7 * 86_400);
/// Pauses are lengthened by up to this part, so that machines that failed together do not come back together.
const JITTER_PARTS: u32 = 4;
/// How often the authority is asked whether it wants the certificate renewed sooner.
const LOOK_PAUSE: Duration = Duration::from_secs(6 * 3600);
const POLL_PAUSE: Duration = Duration::from_secs(1);
const POLL_TIME_MAX: Duration = Duration::from_secs(180);

/// How patient it is. The defaults are right for authorities on the Internet; tests have no time for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The pause after the first failure.
    pub failure_pause: Duration,
    /// The longest pause after a failure.
    pub failure_pause_max: Duration,
    /// Failures at the authority in [`Pace::failures_window`]; then it waits.
    pub failures_max: usize,
    /// See [`Pace::failures_max`].
    pub failures_window: Duration,
    /// The time between two looks at whether it is time to renew.
    pub look_pause: Duration,
    /// The pause between two questions about an order, at first.
    pub poll_pause: Duration,
    /// How long an order may take at each of its steps.
    pub poll_time_max: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            failure_pause: FAILURE_PAUSE,
            failure_pause_max: FAILURE_PAUSE_MAX,
            failures_max: FAILURES_AN_HOUR_MAX,
            failures_window: FAILURES_WINDOW,
            look_pause: LOOK_PAUSE,
            poll_pause: POLL_PAUSE,
            poll_time_max: POLL_TIME_MAX,
        }
    }
}

impl Pace {
    /// How long to wait after the `failures`th failure in a row. `chance` is anything from 0 to 1.
    pub(crate) fn pause_after(&self, failures: u32, retry_after: Option<Duration>, chance: f64) -> Duration {
        let doubled = self.failure_pause.saturating_mul(1 << failures.saturating_sub(1).min(16));
        let pause = doubled.min(self.failure_pause_max);
        let jitter = (pause / JITTER_PARTS).mul_f64(chance.clamp(0.0, 1.0));
        (pause + jitter).max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX))
    }

    /// When the next attempt may be made at the earliest, by the failures that the authority counted.
    pub(crate) fn allowed_from(&self, failures: &[Timestamp], now: Timestamp) -> Timestamp {
        let begin = minus(now, self.failures_window);
        let recent: Vec<_> = failures.iter().filter(|at| **at > begin && **at <= now).collect();
        match recent.len().checked_sub(self.failures_max.max(1)) {
            Some(oldest) => plus(*recent[oldest], self.failures_window),
            None => now,
        }
    }
}

/// When a certificate is renewed if the authority does not say: after two thirds of its life.
pub(crate) fn renewal(not_before: Timestamp, not_after: Timestamp) -> Timestamp {
    let life = (not_after.as_micros() - not_before.as_micros()).max(0);
    Timestamp::from_micros(not_before.as_micros() + life / 3 * 2)
}

/// The same, within the window that the authority suggests; never in the last tenth of its life.
pub(crate) fn renewal_in(
    window: (Timestamp, Timestamp),
    (not_before, not_after): (Timestamp, Timestamp),
    chance: f64,
) -> Timestamp {
    let (start, end) = (window.0.as_micros(), window.1.as_micros().max(window.0.as_micros()));
    let chosen = start.saturating_add(((end - start) as f64 * chance.clamp(0.0, 1.0)) as i64);
    let last = not_after.as_micros() - (not_after.as_micros() - not_before.as_micros()).max(0) / 10;
    Timestamp::from_micros(chosen.min(last))
}

pub(crate) fn plus(at: Timestamp, span: Duration) -> Timestamp {
    Timestamp::from_micros(at.as_micros().saturating_add(micros(span)))
}

pub(crate) fn minus(at: Timestamp, span: Duration) -> Timestamp {
    Timestamp::from_micros(at.as_micros().saturating_sub(micros(span)))
}

/// The time from one moment to a later one.
pub(crate) fn until(now: Timestamp, later: Timestamp) -> Duration {
    Duration::from_micros(u64::try_from(later.as_micros().saturating_sub(now.as_micros())).unwrap_or(0))
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Anything from 0 to 1.
pub(crate) fn chance() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_micros(minute * MINUTE)
    }

    #[test]
    fn pauses_double_up_to_their_bound_and_the_authority_has_the_last_word() {
        let pace = Pace::default();
        let minutes = |failures, after: Option<u64>, chance| {
            pace.pause_after(failures, after.map(|minutes| Duration::from_secs(minutes * 60)), chance).as_secs() / 60
        };
        assert_eq!([1, 2, 3, 7, 8, 99].map(|failures| minutes(failures, None, 0.0)), [5, 10, 20, 320, 360, 360]);
        assert_eq!(minutes(4, None, 1.0), 50);
        assert_eq!(minutes(1, Some(90), 0.0), 90);
        assert_eq!(minutes(2, Some(1), 0.0), 10);
        assert_eq!(minutes(1, Some(u64::MAX / 60), 0.0), 7 * 24 * 60);
    }

    #[test]
    fn no_more_failures_an_hour_than_authorities_bear_even_across_restarts() {
        let pace = Pace::default();
        let three = [at(1), at(2), at(3)];
        assert_eq!(pace.allowed_from(&three, at(4)), at(4));
        let four = [at(1), at(2), at(3), at(4)];
        assert_eq!(pace.allowed_from(&four, at(5)), at(61));
        assert_eq!(pace.allowed_from(&four, at(61)), at(61));
        let five = [at(1), at(2), at(3), at(4), at(61)];
        assert_eq!(pace.allowed_from(&five, at(61)), at(62));
        assert_eq!(pace.allowed_from(&[at(900); 9], at(5)), at(5), "a clock that was wrong does not block for ever");
    }

    #[test]
    fn renewal_leaves_a_third_of_the_life() {
        assert_eq!(renewal(at(0), at(90)), at(60));
        assert_eq!(renewal(at(90), at(0)), at(90));
        let life = (at(0), at(100));
        assert_eq!(renewal_in((at(40), at(50)), life, 0.5), at(45));
        assert_eq!(renewal_in((at(50), at(40)), life, 0.5), at(50));
        assert_eq!(renewal_in((at(500), at(600)), life, 0.0), at(90), "not after it has ended");
        assert_eq!(renewal_in((at(-9), at(-8)), life, 0.0), at(-9));
    }
}
