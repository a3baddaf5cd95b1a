//! The tests of the query language on text, each beside the plainest code that does the same: the ratio of two
//! neighbours says more than either figure. `cargo bench -p tidegate-query`.

use std::net::Ipv4Addr;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use tidegate_query::language::{IpRange, Part, Query, TextTest, Wildcard};

fn main() {
    divan::main();
}

const ROWS: u32 = 100_000;

fn names() -> Vec<String> {
    (0..ROWS).map(|row| format!("host{}.Site{}.example.com", row % 17, row.wrapping_mul(2_654_435_761) >> 12)).collect()
}

fn folded() -> Vec<String> {
    names().iter().map(|name| name.to_lowercase()).collect()
}

fn count(bencher: Bencher<'_, '_>, values: Vec<String>, mut test: impl FnMut(&str) -> bool) {
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench_local(|| black_box(&values).iter().filter(|value| test(value)).count());
}

#[divan::bench]
fn contains_folded(bencher: Bencher<'_, '_>) {
    let test = TextTest::contains("ite12345");
    count(bencher, folded(), |value| test.is_match_folded(value));
}

#[divan::bench]
fn contains_plain(bencher: Bencher<'_, '_>) {
    count(bencher, folded(), |value| value.contains("ite12345"));
}

#[divan::bench]
fn contains_any_case(bencher: Bencher<'_, '_>) {
    let (test, mut scratch) = (TextTest::contains("ite12345"), String::new());
    count(bencher, names(), |value| test.is_match(value, &mut scratch));
}

#[divan::bench]
fn contains_any_case_plain(bencher: Bencher<'_, '_>) {
    count(bencher, names(), |value| value.to_lowercase().contains("ite12345"));
}

#[divan::bench]
fn glob(bencher: Bencher<'_, '_>) {
    let parts = vec![Part::Literal("host1".to_owned()), Part::Any, Part::Literal("5.example".to_owned()), Part::Any];
    let test = TextTest::wildcard(&Wildcard { parts }, false);
    count(bencher, folded(), |value| test.is_match_folded(value));
}

#[divan::bench]
fn regex(bencher: Bencher<'_, '_>) {
    let test = TextTest::regex("^host1.*5\\.example").expect("a correct expression");
    count(bencher, folded(), |value| test.is_match_folded(value));
}

fn addresses() -> Vec<String> {
    (0..ROWS).map(|row| Ipv4Addr::from_bits(row.wrapping_mul(2_654_435_761)).to_string()).collect()
}

#[divan::bench]
fn network(bencher: Bencher<'_, '_>) {
    let range = IpRange::parse("10.0.0.0/9").expect("a correct network");
    count(bencher, addresses(), |value| range.contains(value));
}

#[divan::bench]
fn network_plain(bencher: Bencher<'_, '_>) {
    let inside = |address: Ipv4Addr| address.to_bits() >> 23 == 10 << 1;
    count(bencher, addresses(), |value| value.parse().is_ok_and(inside));
}

#[divan::bench]
fn parse_query() -> Query {
    let text = "dns.question.name:*.example.com AND NOT (source.ip:10.0.0.0/8 OR user.name:\"a b\") event.duration:>5";
    Query::parse(black_box(text)).expect("a correct query")
}
