//! Indicators that are always there, so that anybody can see that detection works from end to end.

use super::indicator::{Indicator, add_tag};
use super::value::{Scope, Value};

/// The name to ask for; `.test` is reserved, so nobody is ever behind it (RFC 6761).
pub const EICAR_NAME: &str = "eicar-test.tidegate.test";
/// The tag of these indicators.
pub const EICAR_TAG: &str = "eicar";
/// The collection of these indicators.
pub const EICAR_COLLECTION: &str = "eicar";

/// Ours, the home of the EICAR test file, and the domain below which Cloudflare keeps a test name for each category
/// (<https://developers.cloudflare.com/cloudflare-one/traffic-policies/dns-policies/test-dns-filtering/>).
const NAMES: [(&str, &str); 3] = [
    (EICAR_NAME, "self-test of Tidegate"),
    ("eicar.org", "home of the EICAR test file"),
    ("testcategory.com", "test names of Cloudflare Gateway"),
];

/// The self-test indicators.
#[must_use]
pub fn eicar() -> Vec<Indicator> {
    let one = |(name, description): &(&str, &str)| {
        let mut indicator = Indicator::new(Value::Name((*name).to_owned()), Scope::Subtree);
        add_tag(&mut indicator.tags, EICAR_TAG);
        indicator.confidence = Some(100);
        indicator.description = Some((*description).to_owned());
        indicator
    };
    NAMES.iter().map(one).collect()
}
