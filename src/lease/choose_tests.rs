use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::UNIX_EPOCH;

use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::config::{Backend, Range4, Range6, VxlanConf};
use crate::lease::Attrs;
use crate::net::overlap;

fn conf(v4: Option<Range4>, v6: Option<Range6>) -> NetConf {
    let vxlan =
        VxlanConf { vni: 1, port: 8472, mtu: None, gbp: false, learning: false, direct_routing: false };
    NetConf { v4, v6, nftables: false, backend: Backend::Vxlan(vxlan) }
}

fn range4(network: &str, len: u8, min: &str, max: &str) -> Range4 {
    Range4 {
        network: network.parse().unwrap(),
        subnet_len: len,
        min: min.parse().unwrap(),
        max: max.parse().unwrap(),
    }
}

fn upstream() -> NetConf {
    conf(Some(range4("10.3.0.0/16", 24, "10.3.1.0", "10.3.25.0")), None)
}

fn dual() -> NetConf {
    let v6 = Range6 {
        network: "fc00::/48".parse().unwrap(),
        subnet_len: 64,
        min: "fc00:0:0:1::".parse().unwrap(),
        max: "fc00:0:0:ffff::".parse().unwrap(),
    };
    NetConf { v6: Some(v6), ..upstream() }
}

fn id(node: &str, ip: &str) -> Identity {
    Identity { node: node.into(), public_ip: Some(ip.parse().unwrap()), public_ipv6: None }
}

fn lease(subnet: &str, ip: &str, node: Option<&str>) -> Lease {
    Lease {
        subnet: subnet.parse().unwrap(),
        attrs: Attrs { public_ip: Some(ip.parse().unwrap()), node: node.map(Into::into), ..Attrs::default() },
        expires: Expiry::Unknown,
        revision: 7,
        id: 9,
    }
}

fn pick(listing: &[Lease], id: &Identity, conf: &NetConf, previous: Option<&str>) -> Choice {
    let previous = previous.map(|p| p.parse().unwrap());
    choose(listing, id, conf, previous, UNIX_EPOCH, &mut StdRng::seed_from_u64(1))
}

fn made(choice: Choice) -> (Subnet, bool) {
    match choice {
        Choice::Create { subnet, previous } => (subnet, previous),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lease_is_ours_by_name_or_without_one_by_address() {
    let me = id("n1", "1.2.3.4");
    let named = lease("10.3.2.0-24", "9.9.9.9", Some("n1"));
    let bare = lease("10.3.3.0-24", "1.2.3.4", None);
    let kept = Lease { expires: Expiry::Never, id: 0, ..lease("10.3.4.0-24", "1.2.3.4", None) };
    let kept_named = Lease { expires: Expiry::Never, id: 0, ..named.clone() };
    let other = lease("10.3.5.0-24", "5.5.5.5", Some("n2"));
    let before = Some("10.3.2.0-24");
    for (listing, previous, want) in [
        (vec![other.clone(), named.clone()], before, Choice::Reuse(named.clone())),
        (vec![other.clone(), bare.clone()], None, Choice::Adopt(bare.clone())),
        (vec![bare.clone(), named.clone()], before, Choice::Reuse(named.clone())),
        (vec![bare.clone(), named.clone()], None, Choice::Adopt(bare)),
        (vec![other.clone(), kept.clone()], None, Choice::Reserved(kept)),
        (vec![kept_named.clone()], before, Choice::Reuse(kept_named)),
    ] {
        assert_eq!(pick(&listing, &me, &upstream(), previous), want, "{listing:?}");
    }
    // Another host of our name: its lease is its own.
    let (fresh, remembered) = made(pick(std::slice::from_ref(&named), &me, &upstream(), None));
    assert!(!remembered && !fresh.overlaps(&named.subnet), "{fresh:?}");
}

#[test]
fn another_node_with_our_address_is_refused_while_its_lease_lives() {
    let me = id("n1", "1.2.3.4");
    let mut other = lease("10.3.5.0-24", "1.2.3.4", Some("n2"));
    let mine = lease("10.3.6.0-24", "1.2.3.4", Some("n1"));
    let refused = pick(&[mine, other.clone()], &me, &upstream(), None);
    assert_eq!(refused, Choice::Refused { other: other.clone(), ip: "1.2.3.4".parse().unwrap() });
    other.expires = Expiry::At(UNIX_EPOCH);
    made(pick(&[other], &me, &upstream(), None));
}

#[test]
fn upstreams_acquire_cases_hold() {
    let taken: Vec<_> =
        [1, 2, 4, 5, 31].iter().map(|n| lease(&format!("10.3.{n}.0-24"), "1.1.1.1", None)).collect();
    let me = id("n1", "1.2.3.4");
    let (fresh, previous) = made(pick(&taken, &me, &upstream(), None));
    assert!(!previous && upstream().covers(&fresh) && taken.iter().all(|l| !l.subnet.overlaps(&fresh)));
    let six = "10.3.6.0-24".parse().unwrap();
    assert_eq!(made(pick(&taken, &me, &upstream(), Some("10.3.6.0-24"))), (six, true));
    for useless in ["10.4.1.0-24", "10.3.1.0-24", "10.3.6.0-25", "10.3.31.0-24"] {
        let (subnet, previous) = made(pick(&taken, &me, &upstream(), Some(useless)));
        assert!(!previous && upstream().covers(&subnet), "{useless}");
    }
}

#[test]
fn a_lease_that_the_config_no_longer_leases_is_given_back_and_its_fitting_family_kept() {
    let me = id("n1", "1.2.3.4");
    let old = lease("10.3.7.0-24", "1.2.3.4", Some("n1"));
    let elsewhere = conf(Some(range4("10.4.0.0/16", 24, "10.4.1.0", "10.4.255.0")), None);
    let listing = std::slice::from_ref(&old);
    assert_eq!(pick(listing, &me, &elsewhere, None), Choice::Incompatible(old.clone()));
    assert_eq!(pick(listing, &me, &dual(), None), Choice::Incompatible(old.clone()));
    let others = [lease("10.3.8.0-24", "1.1.1.1", None)];
    let (subnet, previous) = made(pick(&others, &me, &dual(), Some("10.3.7.0-24")));
    assert_eq!((subnet.v4, previous), (old.subnet.v4, true));
    assert!(dual().covers(&subnet));
}

#[test]
fn a_network_with_ipv6_only_knows_nodes_by_their_ipv6_address() {
    let v6_only = NetConf { v4: None, ..dual() };
    let ip = |text: &str| Some(text.parse::<Ipv6Addr>().unwrap());
    let me = Identity { node: "n1".into(), public_ip: None, public_ipv6: ip("fd01::4") };
    let mut bare = lease("0.0.0.0-0&fc00:0:0:5::-64", "0.0.0.0", None);
    (bare.attrs.public_ip, bare.attrs.public_ipv6) = (None, ip("fd01::5"));
    let (subnet, _) = made(pick(std::slice::from_ref(&bare), &me, &v6_only, None));
    assert!(subnet.v4.is_none() && v6_only.covers(&subnet) && !subnet.overlaps(&bare.subnet));
    bare.attrs.public_ipv6 = ip("fd01::4");
    assert_eq!(pick(std::slice::from_ref(&bare), &me, &v6_only, None), Choice::Adopt(bare));
}

#[test]
fn the_age_of_a_lease_reads_as_people_say_it() {
    let at = |left: u64| Expiry::At(UNIX_EPOCH + Duration::from_secs(left));
    for (expires, want) in [
        (at(86_400), "last renewed 0 s ago"),
        (at(86_400 - 180), "last renewed 3 min ago"),
        (at(86_400 - 3 * 3_600), "last renewed 3 h ago"),
        (Expiry::Never, "a reservation, it never expires"),
    ] {
        assert_eq!(last_renewed(expires, UNIX_EPOCH), want);
    }
}

#[test]
fn a_full_network_of_65k_is_searched_in_one_walk() {
    let big = conf(Some(range4("10.0.0.0/8", 24, "10.0.0.0", "10.255.255.0")), None);
    let mut listing: Vec<_> = (0..65_536u32)
        .map(|n| {
            let mut one = lease("10.0.0.0-24", "1.1.1.1", Some("x"));
            one.subnet = Subnet::v4(Ipv4Net::new(Ipv4Addr::from(0x0a00_0000 + (n << 8)), 24).unwrap());
            one
        })
        .collect();
    let full = pick(&listing, &id("n1", "1.2.3.4"), &big, None);
    assert!(matches!(full, Choice::Exhausted { subnet_len: 24, .. }), "{full:?}");
    let hole = listing.remove(40_000);
    assert_eq!(made(pick(&listing, &id("n1", "1.2.3.4"), &big, None)).0, hole.subnet);
}

/// A small network with some leases in it, of several lengths.
fn small() -> impl Strategy<Value = (NetConf, Vec<Lease>)> {
    let v4 = (20u8..26, 0u32..40, 0u32..40).prop_map(|(len, a, b)| {
        let at = |n: u32| Ipv4Addr::from(0x0a03_0000 + n * 128);
        Range4 {
            network: "10.3.0.0/16".parse().unwrap(),
            subnet_len: len,
            min: at(a.min(b)),
            max: at(a.max(b)),
        }
    });
    let v6 = (50u8..66, 0u128..12, 0u128..12).prop_map(|(len, a, b)| {
        let at = |n: u128| Ipv6Addr::from((0xfc00_u128 << 112) + (n << 63));
        Range6 {
            network: "fc00::/48".parse().unwrap(),
            subnet_len: len,
            min: at(a.min(b)),
            max: at(a.max(b)),
        }
    });
    let taken = prop::collection::vec(
        ((0u32..40, 20u8..28), prop::option::of((0u128..12, 50u8..66))).prop_map(|((n, len), v6)| {
            let v4 = Ipv4Net::new(Ipv4Addr::from(0x0a03_0000 + n * 128), len).unwrap().trunc();
            let v6 = v6.map(|(n, len)| {
                Ipv6Net::new(Ipv6Addr::from((0xfc00_u128 << 112) + (n << 63)), len).unwrap().trunc()
            });
            Lease { subnet: Subnet { v4: Some(v4), v6 }, ..lease("10.3.1.0-24", "1.1.1.1", Some("x")) }
        }),
        0..14,
    );
    (prop::option::of(v4), prop::option::of(v6), taken).prop_map(|(v4, v6, taken)| (conf(v4, v6), taken))
}

/// The free subnets, found the slow way: every aligned one that begins in the range.
fn slow_v4(range: &Range4, taken: &[Lease]) -> usize {
    let all = range.network.subnets(range.subnet_len).unwrap();
    all.filter(|net| range.allows(*net))
        .filter(|net| taken.iter().flat_map(|l| l.subnet.nets()).all(|t| !overlap(&t, &IpNet::V4(*net))))
        .count()
}

fn slow_v6(range: &Range6, taken: &[Lease]) -> usize {
    let step = 1u128 << (128 - range.subnet_len);
    let first = u128::from(range.min).next_multiple_of(step);
    let all = (0..20_000u128).map(|n| first + n * step).take_while(|at| *at <= u128::from(range.max));
    all.map(|at| Ipv6Net::new(at.into(), range.subnet_len).unwrap())
        .filter(|net| taken.iter().flat_map(|l| l.subnet.nets()).all(|t| !overlap(&t, &IpNet::V6(*net))))
        .count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn what_is_chosen_is_in_range_and_free_and_found_if_and_only_if_there_is_one(
        (conf, taken) in small(), previous in prop::option::of(0u32..40), seed in any::<u64>()
    ) {
        let previous = previous.map(|n| {
            Subnet::v4(Ipv4Net::new(Ipv4Addr::from(0x0a03_0000 + n * 256), 24).unwrap())
        });
        let me = id("n1", "1.2.3.4");
        let choice = choose(&taken, &me, &conf, previous, UNIX_EPOCH, &mut StdRng::seed_from_u64(seed));
        let room = conf.v4.is_none_or(|r| slow_v4(&r, &taken) > 0)
            && conf.v6.is_none_or(|r| slow_v6(&r, &taken) > 0);
        match choice {
            Choice::Create { subnet, previous: reused } => {
                prop_assert!(room);
                prop_assert!(conf.covers(&subnet), "{:?}", subnet);
                prop_assert!(taken.iter().all(|l| !l.subnet.overlaps(&subnet)), "{:?}", subnet);
                prop_assert_eq!(subnet.v4.map(|net| net.trunc()), subnet.v4);
                if reused {
                    prop_assert_eq!(subnet.v4, previous.and_then(|p| p.v4));
                }
            }
            Choice::Exhausted { .. } => prop_assert!(!room),
            other => prop_assert!(false, "{:?}", other),
        }
    }
}
