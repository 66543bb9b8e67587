//! The replay is held against Linux: the same operations on both, the tables compared after every one.
//! `FLANCTL_TEST_SEED` draws other operations.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::IpAddr;

use flanctl::kernel::{Kernel, LinuxKernel, Replay};
use flanctl::net::{IfName, Mac};
use flanctl::plan::Op;
use flanctl::state::{
    AddrKey, FdbKey, Hop, Hops, NeighKey, Route, RouteKey, RouteKind, Vxlan, WantLink, table,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestError, TestRunner};

use crate::support::netns::scratch;
use crate::support::seed::fixed;

fn devs() -> impl Strategy<Value = IfName> {
    select(vec!["flannel.1", "flannel.1", "flannel.1", "flannel.2"]).prop_map(|d| d.parse().unwrap())
}

fn any_dev() -> impl Strategy<Value = IfName> {
    prop_oneof![12 => devs(), 1 => Just("absent0".parse().unwrap())]
}

fn ips() -> impl Strategy<Value = IpAddr> {
    let v4 = (1u8..5).prop_map(|n| IpAddr::from([10, 5, n, 0]));
    let v6 = (1u16..4).prop_map(|n| IpAddr::from([0xfd00, 5, 0, n, 0, 0, 0, 0]));
    prop_oneof![3 => v4, 2 => v6]
}

fn outer() -> impl Strategy<Value = IpAddr> {
    let v6 = (2u16..4).prop_map(|n| IpAddr::from([0xfd01, 0, 0, 0, 0, 0, 0, n]));
    prop_oneof![6 => (2u8..5).prop_map(|n| IpAddr::from([192, 168, 0, n])), 1 => v6]
}

fn macs() -> impl Strategy<Value = Mac> {
    (1u8..5).prop_map(|n| Mac([2, 0, 0, 0, 0, n]))
}

fn links() -> impl Strategy<Value = (IfName, WantLink)> {
    let lower = select(vec![Some("eth0"), Some("eth0"), Some("eth0"), None, Some("absent0")]);
    let local =
        select(vec![Some("192.168.0.1"), Some("192.168.0.1"), Some("192.168.0.1"), Some("fd01::1"), None]);
    let more = (any::<bool>(), prop_oneof![5 => Just(false), 1 => Just(true)], select(vec![0u8, 0, 9]));
    (devs(), lower, local, more, macs(), select(vec![1280u32, 1400, 1450, 1500])).prop_map(
        |(dev, lower, local, (learning, gbp, ttl), mac, mtu)| {
            let vxlan = Vxlan {
                vni: if dev.as_str() == "flannel.2" { 2 } else { 1 },
                port: 8472,
                local: local.map(|ip| ip.parse().unwrap()),
                lower: lower.map(|d| d.parse().unwrap()),
                learning,
                gbp,
                ttl,
                ..Vxlan::default()
            };
            (dev, WantLink { vxlan, mac, mtu })
        },
    )
}

fn addrs() -> impl Strategy<Value = AddrKey> {
    let nets = ["10.5.1.0/32", "10.9.0.1/24", "10.9.0.2/24", "fd00:5:0:1::/128", "fd00:9::1/64"];
    (any_dev(), select(nets.to_vec())).prop_map(|(dev, net)| AddrKey { dev, net: net.parse().unwrap() })
}

fn fdbs() -> impl Strategy<Value = FdbKey> {
    let macs = prop_oneof![4 => macs(), 1 => Just(Mac::ZERO)];
    (any_dev(), macs).prop_map(|(dev, mac)| FdbKey { dev, mac, vlan: 0, master: false })
}

fn routes() -> impl Strategy<Value = (RouteKey, Route)> {
    let src = select(vec![None, None, None, None, Some(())]);
    let proto = select(vec![3u8, 142]);
    (ips(), 1u8..5, any_dev(), 0u8..12, 1u32..4, src, proto).prop_map(|(gw, n, dev, form, id, src, proto)| {
        let v4 = gw.is_ipv4();
        let dst = if v4 { format!("10.5.{n}.0/24") } else { format!("fd00:5:0:{n}::/64") };
        let direct: IpAddr =
            if v4 { format!("192.168.0.{n}") } else { format!("fd01::{n}") }.parse().unwrap();
        let eth0 = Some("eth0".parse().unwrap());
        let (kind, hops) = match form {
            0..4 => (RouteKind::Unicast, Hops::One(Hop::onlink(gw, dev))),
            4..8 => (RouteKind::Unicast, Hops::Object(id)),
            8 | 9 => (RouteKind::Unicast, Hops::One(Hop { via: Some(direct), dev: eth0, ..Hop::default() })),
            10 if v4 => (RouteKind::Blackhole, Hops::None),
            _ => (RouteKind::Unicast, Hops::One(Hop { via: None, dev: Some(dev), ..Hop::default() })),
        };
        let src = src.filter(|()| kind == RouteKind::Unicast);
        let src = src.map(|()| if v4 { "10.5.1.0" } else { "fd00:5:0:1::" }.parse().unwrap());
        let metric = if v4 { 0 } else { 1024 };
        let key = RouteKey { table: table::MAIN, dst: dst.parse().unwrap(), tos: 0, metric };
        (key, Route { kind, proto, src, hops, ..Route::default() })
    })
}

fn ops() -> impl Strategy<Value = Op> {
    prop_oneof![
        1 => devs().prop_map(|dev| Op::DelLink { dev }),
        3 => links().prop_map(|(dev, want)| Op::AddLink { dev, want }),
        2 => links().prop_map(|(dev, want)| Op::SetVxlan { dev, want }),
        1 => (any_dev(), macs()).prop_map(|(dev, mac)| Op::SetMac { dev, mac }),
        1 => (any_dev(), select(vec![1280u32, 1400, 1450, 1451, 1500])).prop_map(|(dev, mtu)| Op::SetMtu { dev, mtu }),
        4 => any_dev().prop_map(|dev| Op::SetUp { dev }),
        4 => addrs().prop_map(|key| Op::AddAddr { key }),
        3 => addrs().prop_map(|key| Op::DelAddr { key }),
        5 => (any_dev(), ips(), macs()).prop_map(|(dev, ip, mac)| Op::SetNeigh { key: NeighKey { dev, ip }, mac }),
        2 => (any_dev(), ips()).prop_map(|(dev, ip)| Op::DelNeigh { key: NeighKey { dev, ip } }),
        5 => (fdbs(), outer()).prop_map(|(key, dst)| Op::SetFdb { key, dst }),
        2 => (fdbs(), proptest::option::of(outer())).prop_map(|(key, dst)| Op::DelFdb { key, dst }),
        5 => (1u32..4, ips(), any_dev()).prop_map(|(id, via, dev)| Op::SetNexthop { id, via, dev }),
        2 => (1u32..4).prop_map(|id| Op::DelNexthop { id }),
        8 => routes().prop_map(|(key, route)| Op::SetRoute { key, route }),
        4 => routes().prop_map(|(key, route)| Op::DelRoute { key, route }),
    ]
}

/// A start that most operations find something in.
fn start() -> Vec<Op> {
    let vxlan = Vxlan {
        vni: 1,
        port: 8472,
        local: Some("192.168.0.1".parse().unwrap()),
        lower: Some("eth0".parse().unwrap()),
        learning: false,
        gbp: false,
        ttl: 0,
        ..Vxlan::default()
    };
    let dev = "flannel.1".parse().unwrap();
    vec![
        Op::AddLink { dev, want: WantLink { vxlan, mac: Mac([2, 0, 0, 0, 0, 1]), mtu: 1450 } },
        Op::AddAddr { key: AddrKey { dev, net: "10.5.1.0/32".parse().unwrap() } },
        Op::SetUp { dev },
    ]
}

fn same<K: Ord + Debug, V: PartialEq + Debug>(
    table: &str,
    op: &Op,
    linux: &BTreeMap<K, V>,
    replay: &BTreeMap<K, V>,
) -> Result<(), TestCaseError> {
    let only = |a: &BTreeMap<K, V>, b: &BTreeMap<K, V>| {
        a.iter().filter(|(k, v)| b.get(k) != Some(v)).map(|row| format!("\n  {row:?}")).collect::<String>()
    };
    let (left, right) = (only(linux, replay), only(replay, linux));
    prop_assert!(left.is_empty() && right.is_empty(), "{table} after {op}\nlinux:{left}\nreplay:{right}");
    Ok(())
}

/// P5. One namespace a case; both must give the same answer to every operation and hold the same rows after it.
#[test]
fn replay_and_linux_agree_after_every_op() {
    let config = Config { cases: 2_000, failure_persistence: None, rng_seed: fixed(5), ..Config::default() };
    let cases = proptest::collection::vec(ops(), 1..16);
    let run = TestRunner::new(config).run(&cases, |ops| {
        scratch(move || {
            let mut linux = LinuxKernel::open().unwrap();
            let mut replay = Replay::new(Replay::comparable(linux.observe().unwrap()));
            for op in start().iter().chain(&ops) {
                let (real, played) =
                    (linux.apply(std::slice::from_ref(op)), replay.apply(std::slice::from_ref(op)));
                let errno = |a: &[Result<(), flanctl::kernel::Refusal>]| {
                    a.iter().map(|r| r.clone().err().map(|e| e.errno)).collect::<Vec<_>>()
                };
                prop_assert_eq!(errno(&real), errno(&played), "{}: linux says {:?}", op, real);
                let real = Replay::comparable(linux.observe().unwrap());
                let played = Replay::comparable(replay.state().clone());
                same("links", op, &real.links, &played.links)?;
                same("addresses", op, &real.addrs, &played.addrs)?;
                same("nexthops", op, &real.nexthops, &played.nexthops)?;
                same("routes", op, &real.routes, &played.routes)?;
                same("neighbours", op, &real.neighs, &played.neighs)?;
                same("forwarding entries", op, &real.fdb, &played.fdb)?;
            }
            Ok(())
        })
    });
    match run {
        Ok(()) => {}
        Err(TestError::Fail(why, ops)) => {
            let ops: String = ops.iter().map(|op| format!("\n  {op}")).collect();
            panic!("{why}\nafter:{ops}");
        }
        Err(aborted) => panic!("{aborted}"),
    }
}
