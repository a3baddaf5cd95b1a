//! What a month will bring, in gigabytes and dollars, from what arrived.

use std::time::Duration;

/// Hours of a month: 365.25 days, divided by 12.
const MONTH: Duration = Duration::from_secs(2_629_800);
/// Cloudflare counts in billions of bytes, uncompressed: `https://developers.cloudflare.com/logs/logpush/pricing/`.
const GIGABYTE: f64 = 1e9;
/// Gigabytes a month that cost nothing, for all jobs of an account together.
const FREE_GIGABYTES: f64 = 25.0;
/// Dollars for each gigabyte beyond, to destinations outside Cloudflare.
const DOLLARS_PER_GIGABYTE: f64 = 0.10;
/// A shorter time says little about a month.
const WINDOW_MIN: Duration = Duration::from_secs(3_600);

/// What a month will bring, if it goes on like this.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Gigabytes a month, uncompressed.
    pub gigabytes: f64,
    /// Dollars a month, after what is free; accounts with a contract of their own pay by that.
    pub dollars: f64,
}

/// The estimate for an account, from the uncompressed bytes of all its jobs in a time. `None` for less than an hour.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "an estimate of gigabytes needs no single byte")]
pub fn estimate(bytes: u64, window: Duration) -> Option<Estimate> {
    if window < WINDOW_MIN {
        return None;
    }
    let gigabytes = bytes as f64 / GIGABYTE * (MONTH.as_secs_f64() / window.as_secs_f64());
    Some(Estimate { gigabytes, dollars: (gigabytes - FREE_GIGABYTES).max(0.0) * DOLLARS_PER_GIGABYTE })
}

impl std::fmt::Display for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "about {:.1} GB a month, ", self.gigabytes)?;
        if self.dollars > 0.0 {
            write!(f, "${:.2} beyond the {FREE_GIGABYTES} GB that are free", self.dollars)
        } else {
            write!(f, "within the {FREE_GIGABYTES} GB that are free")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_projected_and_priced() {
        let day = Duration::from_secs(86_400);
        let of = |bytes| estimate(bytes, day).unwrap();
        assert!((of(1_000_000_000).gigabytes - 30.4375).abs() < 1e-9);
        assert!((of(1_000_000_000).dollars - 0.54375).abs() < 1e-9);
        assert_eq!(of(1_000_000_000).to_string(), "about 30.4 GB a month, $0.54 beyond the 25 GB that are free");
        assert_eq!(of(0).to_string(), "about 0.0 GB a month, within the 25 GB that are free");
        assert_eq!(estimate(1, Duration::from_secs(60)), None);
        assert!(estimate(u64::MAX, day).unwrap().dollars.is_finite());
    }
}
