use proptest::prelude::*;

use super::known::Network;
use super::*;
use crate::audit::AuditFilter;
use crate::testing::Fixture;

fn new(kind: AssetKind, value: &str, criticality: u8) -> NewAsset {
    NewAsset { kind, value: value.into(), title: "t".into(), comment: String::new(), criticality }
}

#[test]
fn assets_are_found_by_all_their_names() {
    let fixture = Fixture::new();
    let actor = Actor::system();
    let list = [
        new(AssetKind::Ip, "::ffff:10.1.2.3", 90),
        new(AssetKind::Network, "10.1.99.99/16", 30),
        new(AssetKind::Network, "2001:db8::/32", 40),
        new(AssetKind::User, "Mara@Corp.example", 80),
        new(AssetKind::Device, "LAPTOP-7", 20),
        new(AssetKind::Name, "Corp.example.", 60),
    ];
    fixture.state.set_assets(&list, &actor).unwrap();
    let found = |entities: &[&str]| -> Vec<_> {
        fixture.state.assets_of(entities).unwrap().into_iter().map(|asset| (asset.value, asset.criticality)).collect()
    };
    let own = |value: &str, criticality| (value.to_owned(), criticality);
    assert_eq!(found(&["10.1.2.3"]), [own("10.1.2.3", 90), own("10.1.0.0/16", 30)]);
    assert_eq!(found(&["::ffff:10.1.2.3", "10.1.2.3"]).len(), 2, "each once");
    assert_eq!(found(&["10.1.200.1"]), [own("10.1.0.0/16", 30)]);
    assert_eq!(found(&["2001:db8:1::5"]), [own("2001:db8::/32", 40)]);
    assert_eq!(found(&["MARA@corp.example"]), [own("mara@corp.example", 80)]);
    assert_eq!(found(&["laptop-7", "www.CORP.example."]), [own("corp.example", 60), own("laptop-7", 20)]);
    assert!(found(&["notcorp.example", "10.2.0.1", "", ".", "example"]).is_empty());
    assert_eq!(fixture.second().assets().unwrap().len(), 6);
}

#[test]
fn the_same_asset_is_changed_not_doubled_and_bad_ones_are_refused() {
    let fixture = Fixture::new();
    let (state, actor) = (&fixture.state, Actor::system());
    let one = state.set_asset(&new(AssetKind::Ip, "10.0.0.1", 10), &actor).unwrap();
    let two = state.set_asset(&new(AssetKind::Ip, " 10.0.0.1 ", 20), &actor).unwrap();
    assert_eq!((one.id, two.criticality), (two.id, 20));
    assert_eq!(state.assets_of(&["10.0.0.1"]).unwrap()[0].criticality, 20, "memory is renewed");
    let other = fixture.second();
    other.set_asset(&new(AssetKind::Ip, "10.0.0.1", 30), &actor).unwrap();
    assert_eq!(state.assets_of(&["10.0.0.1"]).unwrap()[0].criticality, 30, "also after another process's change");
    for bad in [
        new(AssetKind::Ip, "10.0.0.0/8", 1),
        new(AssetKind::Network, "10.0.0.1", 1),
        new(AssetKind::Network, "10.0.0.1/33", 1),
        new(AssetKind::Name, "..", 1),
        new(AssetKind::Name, "a b", 1),
        new(AssetKind::User, "", 1),
        new(AssetKind::User, &"x".repeat(300), 1),
        new(AssetKind::Ip, "10.0.0.1", 101),
    ] {
        let both = [new(AssetKind::Ip, "10.9.9.9", 1), bad];
        assert!(matches!(state.set_assets(&both, &actor), Err(StateError::Invalid { .. })), "{both:?}");
    }
    assert_eq!(state.assets().unwrap().len(), 1, "all or none");
    state.delete_asset(one.id, &actor).unwrap();
    assert!(matches!(state.delete_asset(one.id, &actor), Err(StateError::NotFound { .. })));
    let trail = state.audit(&AuditFilter { action: Some("asset".into()), ..Default::default() }, 9, None).unwrap();
    assert_eq!(trail.len(), 4);
}

proptest! {
    #[test]
    fn a_network_holds_what_shares_its_bits(network: u32, address: u32, bits in 0_u32..=32) {
        let text = format!("{}/{bits}", std::net::Ipv4Addr::from(network));
        let parsed = Network::parse(&text).unwrap();
        let shared = (network ^ address).leading_zeros() >= bits;
        prop_assert_eq!(parsed.holds(std::net::Ipv4Addr::from(address).into()), shared);
        prop_assert_eq!(Network::parse(&parsed.to_string()), Some(parsed));
    }
}
