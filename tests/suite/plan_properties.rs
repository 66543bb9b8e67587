//! Properties of `overlay::desired` and `plan`, with the replayed kernel as the judge (it is itself held against
//! Linux by `replay_vs_linux`).

use std::collections::BTreeSet;
use std::net::IpAddr;

use flanctl::config::{NetConf, Uplink};
use flanctl::kernel::{Kernel, Replay};
use flanctl::lease::{Attrs, Expiry, Lease, Peers};
use flanctl::net::{IfName, Mac};
use flanctl::overlay::{Own, World};
use flanctl::plan::{Op, plan, plan_keys};
use flanctl::state::{
    AddrKey, FdbKey, Hop, Hops, Key, Link, NeighKey, Route, RouteKey, RouteKind, State, Vxlan, WantLink,
    proto, table,
};
use ipnet::IpNet;
use proptest::prelude::*;

use crate::support::seed::fixed;

const CASES: u32 = 2_000;

fn dev(name: &str) -> IfName {
    name.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn mac(n: u8) -> Mac {
    Mac([2, 0, 0, 0, 0, n])
}

/// A host with an uplink, a foreign VXLAN device and a few foreign rows.
fn host() -> State {
    let mut state = State::default();
    let plain =
        |index, mac| Link { index, mac: Some(mac), mtu: 1500, up: true, lower_up: true, ..Link::default() };
    state.links.insert(dev("eth0"), plain(2, mac(200)));
    let mut replay = Replay::new(state);
    let foreign = WantLink { vxlan: Vxlan { vni: 99, port: 4789, ..tunnel(4789) }, mac: mac(201), mtu: 1450 };
    let eth0 = |net: &str| Op::AddAddr { key: AddrKey { dev: dev("eth0"), net: net.parse().unwrap() } };
    let ops = [
        eth0("192.168.50.11/24"),
        eth0("fd50::11/64"),
        Op::AddLink { dev: dev("vx99"), want: foreign },
        Op::SetUp { dev: dev("vx99") },
        Op::SetFdb { key: fdb("vx99", 7), dst: ip("192.168.50.77") },
        Op::SetNeigh { key: neigh("eth0", "192.168.50.99"), mac: mac(99) },
        Op::SetRoute { key: route("10.99.0.0/16"), route: via("eth0", "192.168.50.1", false, proto::STATIC) },
        // Inside the overlay's network, but not by us.
        Op::SetRoute {
            key: route("10.1.200.0/24"),
            route: via("eth0", "192.168.50.1", false, proto::STATIC),
        },
    ];
    assert!(replay.apply(&ops).iter().all(Result::is_ok));
    let mut state = replay.state().clone();
    // The connected net, which the replay leaves out: who is on-link.
    let hops = Hops::One(Hop { via: None, dev: Some(dev("eth0")), ..Hop::default() });
    let connected =
        Route { kind: RouteKind::Unicast, proto: proto::KERNEL, scope: 253, hops, ..Route::default() };
    state.routes.insert(route("192.168.50.0/24"), vec![connected]);
    state
}

fn tunnel(port: u16) -> Vxlan {
    Vxlan {
        vni: 1,
        port,
        local: Some(ip("192.168.50.11")),
        lower: Some(dev("eth0")),
        learning: false,
        gbp: false,
        ttl: 0,
        ..Vxlan::default()
    }
}

fn route(dst: &str) -> RouteKey {
    let dst: IpNet = dst.parse().unwrap();
    let metric = if dst.addr().is_ipv6() { 1024 } else { 0 };
    RouteKey { table: table::MAIN, dst, tos: 0, metric }
}

fn neigh(on: &str, at: &str) -> NeighKey {
    NeighKey { dev: dev(on), ip: ip(at) }
}

fn fdb(on: &str, n: u8) -> FdbKey {
    FdbKey { dev: dev(on), mac: mac(n), vlan: 0, master: false }
}

fn via(on: &str, gateway: &str, onlink: bool, proto: u8) -> Route {
    let hop = Hop { via: Some(ip(gateway)), dev: Some(dev(on)), onlink, ..Hop::default() };
    Route { kind: RouteKind::Unicast, proto, hops: Hops::One(hop), ..Route::default() }
}

/// A peer: its number, its MAC, its public IP (some on-link, some behind a router), its backend.
fn peer() -> impl Strategy<Value = (u8, u8, u8, bool, bool)> {
    (2..10u8, 1..6u8, 12..18u8, any::<bool>(), prop::bool::weighted(0.1))
}

fn lease((n, m, host, far, other): (u8, u8, u8, bool, bool), v6: bool, revision: i64) -> Lease {
    let key = if v6 { format!("10.1.{n}.0-24&fd00:1:0:{n}::-64") } else { format!("10.1.{n}.0-24") };
    let data = Some(format!(r#"{{"VNI":1,"VtepMAC":"{}"}}"#, mac(m)).into());
    Lease {
        subnet: key.parse().unwrap(),
        attrs: Attrs {
            public_ip: Some(if far { [198, 51, 100, host] } else { [192, 168, 50, host] }.into()),
            public_ipv6: v6.then(|| format!("fd50::{host}").parse().unwrap()),
            backend_type: if other { "host-gw" } else { "vxlan" }.into(),
            backend_data: data.clone(),
            backend_v6_data: data.filter(|_| v6),
            node: None,
            unknown: Vec::new(),
        },
        expires: Expiry::Unknown,
        revision,
        id: 0,
    }
}

fn world(peers: &[(u8, u8, u8, bool, bool)], v6: bool, direct: bool, objects: bool) -> World {
    let v6_part = if v6 { r#""EnableIPv6":true,"IPv6Network":"fd00:1::/48","# } else { "" };
    let text = format!(
        r#"{{"Network":"10.1.0.0/16",{v6_part}"Backend":{{"Type":"vxlan","DirectRouting":{direct}}}}}"#
    );
    let subnet = if v6 { "10.1.1.0-24&fd00:1:0:1::-64" } else { "10.1.1.0-24" }.parse().unwrap();
    let mut all = Peers::of(Some(subnet));
    for (at, peer) in peers.iter().enumerate() {
        all.add(lease(*peer, v6, at as i64));
    }
    World {
        conf: NetConf::parse(&text).unwrap(),
        uplink: Uplink {
            dev: dev("eth0"),
            mtu: 1500,
            v4: Some([192, 168, 50, 11].into()),
            v6: v6.then(|| "fd50::11".parse().unwrap()),
            ext_v4: Some([192, 168, 50, 11].into()),
            ext_v6: v6.then(|| "fd50::11".parse().unwrap()),
        },
        own: Own { subnet, mac: mac(111), mac6: mac(112) },
        peers: all,
        objects,
    }
}

/// What a predecessor, an operator or a crash may have left: operations that the replay takes or refuses.
fn mess() -> impl Strategy<Value = Op> {
    let device = prop_oneof![Just(8472u16), Just(8472), Just(4790)];
    let flannel = dev("flannel.1");
    prop_oneof![
        2 => (device, 110..113u8, 1400..1460u32).prop_map(move |(port, m, mtu)| Op::AddLink {
            dev: flannel, want: WantLink { vxlan: tunnel(port), mac: mac(m), mtu } }),
        2 => Just(Op::SetUp { dev: flannel }),
        1 => Just(Op::SetMac { dev: flannel, mac: mac(120) }),
        2 => (0..4u8).prop_map(|n| Op::AddAddr { key: AddrKey { dev: dev("flannel.1"), net: format!("10.1.{n}.0/32").parse().unwrap() } }),
        1 => Just(Op::AddAddr { key: AddrKey { dev: dev("flannel.1"), net: "172.16.9.9/24".parse().unwrap() } }),
        3 => (2..10u8, 1..8u8).prop_map(|(n, m)| Op::SetNeigh { key: neigh("flannel.1", &format!("10.1.{n}.0")), mac: mac(m) }),
        3 => (1..8u8, 12..18u8).prop_map(|(m, h)| Op::SetFdb { key: fdb("flannel.1", m), dst: ip(&format!("192.168.50.{h}")) }),
        2 => (2..10u8, 2..10u8).prop_map(|(n, g)| Op::SetRoute { key: route(&format!("10.1.{n}.0/24")), route: via("flannel.1", &format!("10.1.{g}.0"), true, proto::BOOT) }),
        1 => (2..10u8).prop_map(|n| Op::SetRoute { key: route(&format!("10.1.{n}.0/24")), route: via("eth0", "192.168.50.12", false, proto::FLANCTL) }),
        1 => (2..10u8).prop_map(|n| Op::SetRoute { key: route(&format!("fd00:1:0:{n}::/64")), route: via("eth0", "fd50::12", false, proto::FLANCTL) }),
        1 => (2..10u8, 2..10u8).prop_map(|(n, g)| Op::SetNexthop { id: nexthop(n), via: ip(&format!("10.1.{g}.0")), dev: dev("flannel.1") }),
        1 => (2..10u8).prop_map(|n| Op::SetRoute { key: route(&format!("10.1.{n}.0/24")), route: Route { kind: RouteKind::Unicast, proto: proto::BOOT, hops: Hops::Object(nexthop(n)), ..Route::default() } }),
    ]
}

fn nexthop(n: u8) -> u32 {
    flanctl::overlay::NexthopIds::new(1, 24).id(format!("10.1.{n}.0/24").parse().unwrap()).unwrap()
}

#[derive(Clone, Debug)]
struct Case {
    world: World,
    have: State,
}

fn case() -> impl Strategy<Value = Case> {
    let peers = prop::collection::vec(peer(), 0..8);
    (peers, any::<bool>(), any::<bool>(), any::<bool>(), prop::collection::vec(mess(), 0..24)).prop_map(
        |(peers, v6, direct, objects, mess)| {
            let mut replay = Replay::new(host());
            let _ = replay.apply(&mess);
            Case { world: world(&peers, v6, direct, objects), have: replay.state().clone() }
        },
    )
}

/// Rows that no plan may touch: those on other devices, unless they carry our protocol inside our network or stand on
/// a wanted key.
fn foreign(state: &State, world: &World) -> State {
    let ours = world.ours();
    let want = world.desired(state);
    let mut left = Replay::comparable(state.clone());
    left.links.retain(|name, _| !ours.devices.contains(name));
    // A device made anew takes its strangers' addresses along.
    left.addrs.retain(|key, _| !ours.devices.contains(&key.dev));
    left.neighs.retain(|key, _| !ours.devices.contains(&key.dev));
    left.fdb.retain(|key, _| !ours.devices.contains(&key.dev));
    left.nexthops.retain(|_, n| n.proto != proto::FLANCTL);
    left.routes.retain(|key, twins| {
        twins.retain(|r| match &r.hops {
            Hops::One(hop) => {
                r.proto != proto::FLANCTL && hop.dev.is_some_and(|d| !ours.devices.contains(&d))
            }
            _ => false,
        });
        !twins.is_empty() && !want.routes.contains_key(key)
    });
    left
}

fn settle(replay: &mut Replay, world: &World) -> Vec<Op> {
    let have = replay.state().clone();
    let ops = plan(&have, &world.desired(&have), &world.ours());
    for (op, answer) in ops.iter().zip(replay.apply(&ops)) {
        assert!(answer.is_ok(), "refused {op}: {answer:?}\nplan: {ops:#?}\nhave: {have:#?}");
    }
    ops
}

fn assert_reached(state: &State, world: &World) {
    let want = world.desired(state);
    for (key, mac) in &want.neighs {
        assert_eq!(state.neighs.get(key).and_then(|n| n.mac), Some(*mac), "{key:?}");
    }
    for (key, dst) in &want.fdb {
        assert_eq!(state.fdb.get(key).and_then(|f| f.dst), Some(*dst), "{key:?}");
    }
    for (key, route) in &want.routes {
        let twins = state.routes.get(key).cloned().unwrap_or_default();
        assert_eq!(
            twins.iter().map(|r| (&r.hops, r.proto)).collect::<Vec<_>>(),
            [(&route.hops, route.proto)],
            "{key:?}"
        );
    }
    for key in &want.addrs {
        assert!(state.addrs.contains_key(key), "{key:?}");
    }
    for (name, link) in &want.links {
        let have = &state.links[name];
        assert_eq!(
            (have.vxlan(), have.mac, have.mtu, have.up),
            (Some(&link.vxlan), Some(link.mac), link.mtu, true)
        );
    }
    assert_eq!(plan(state, &want, &world.ours()), [], "the plan after the plan");
}

/// The row an operation is about, devices and addresses left out.
fn key_of(op: &Op) -> Option<Key> {
    match op {
        Op::SetNeigh { key, .. } | Op::DelNeigh { key } => Some(Key::Neigh(*key)),
        Op::SetFdb { key, .. } | Op::DelFdb { key, .. } => Some(Key::Fdb(*key)),
        Op::SetNexthop { id, .. } | Op::DelNexthop { id } => Some(Key::Nexthop(*id)),
        Op::SetRoute { key, .. } | Op::DelRoute { key, .. } => Some(Key::Route(*key)),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: fixed(7), ..ProptestConfig::with_cases(CASES) })]

    /// P1 and P2.
    #[test]
    fn applying_the_plan_reaches_what_is_wanted_and_leaves_foreign_rows_alone(case in case()) {
        let Case { world, have } = case;
        let mut replay = Replay::new(have.clone());
        settle(&mut replay, &world);
        assert_reached(replay.state(), &world);
        prop_assert_eq!(foreign(&have, &world), foreign(replay.state(), &world));
    }

    /// P3.
    #[test]
    fn a_plan_cut_anywhere_and_made_again_still_reaches_it(case in case(), cut in 0.0..1.0f64) {
        let Case { world, have } = case;
        let mut replay = Replay::new(have.clone());
        let ops = plan(&have, &world.desired(&have), &world.ours());
        let part = (ops.len() as f64 * cut) as usize;
        let _ = replay.apply(&ops[..part]);
        settle(&mut replay, &world);
        assert_reached(replay.state(), &world);
        prop_assert_eq!(foreign(&have, &world), foreign(replay.state(), &world));
    }

    /// P4.
    #[test]
    fn no_operation_adds_a_route_whose_neighbour_is_missing(case in case()) {
        let Case { world, have } = case;
        let mut replay = Replay::new(have.clone());
        for op in plan(&have, &world.desired(&have), &world.ours()) {
            let _ = replay.apply(std::slice::from_ref(&op));
            let Op::SetRoute { route, .. } = &op else { continue };
            let hop = match &route.hops {
                Hops::One(hop) => *hop,
                Hops::Object(id) => replay.state().nexthops[id].hop,
                other => panic!("{other:?} is no hop of ours"),
            };
            if world.ours().devices.contains(&hop.dev.unwrap()) {
                let at = NeighKey { dev: hop.dev.unwrap(), ip: hop.via.unwrap() };
                let there = replay.state().neighs.get(&at).is_some_and(|n| n.permanent());
                prop_assert!(there, "{} stands before its neighbour", op);
            }
        }
    }

    /// P4b.
    #[test]
    fn the_keyed_plan_is_the_full_plan_restricted_to_its_keys(case in case(), dice in prop::collection::vec(any::<bool>(), 64)) {
        let Case { world, have } = case;
        // Devices in order, rows in whatever state.
        let mut replay = Replay::new(have);
        settle(&mut replay, &world);
        let right = replay.state().clone();
        let mut keys: Vec<Key> = world.peers.iter().flat_map(|l| world.keys_of(l, &right)).collect();
        keys.push(Key::Neigh(neigh("flannel.1", "10.1.77.0")));
        keys.push(Key::Fdb(fdb("flannel.1", 77)));
        keys.push(Key::Route(route("10.1.77.0/24")));
        for (at, key) in keys.iter().enumerate() {
            if dice[at % 64] {
                match key {
                    Key::Neigh(k) => { replay.state_mut().neighs.remove(k); }
                    Key::Fdb(k) => { replay.state_mut().fdb.remove(k); }
                    Key::Route(k) => { replay.state_mut().routes.remove(k); }
                    _ => {}
                }
            }
        }
        let stray = Op::SetNeigh { key: neigh("flannel.1", "10.1.77.0"), mac: mac(77) };
        let _ = replay.apply(&[stray]);
        let have = replay.state().clone();
        let keys: BTreeSet<Key> = keys.into_iter().enumerate().filter(|(at, _)| dice[(at * 7) % 64]).map(|(_, k)| k).collect();
        let keyed = plan_keys(&have, &world.desired_of(&keys, &have), &world.ours(), &keys).unwrap();
        let full: Vec<Op> = plan(&have, &world.desired(&have), &world.ours())
            .into_iter().filter(|op| key_of(op).is_some_and(|k| keys.contains(&k))).collect();
        prop_assert_eq!(keyed, full);
    }

    #[test]
    fn what_is_desired_depends_neither_on_the_order_of_peers_nor_on_our_own_rows(
        peers in prop::collection::btree_map(2..10u8, (1..6u8, 12..18u8, any::<bool>(), any::<bool>()), 0..8),
        v6: bool, direct: bool, objects: bool, seed: u64, mess in prop::collection::vec(mess(), 0..16),
    ) {
        let list: Vec<_> = peers.into_iter().map(|(n, (m, h, far, other))| (n, m, h, far, other)).collect();
        let straight = world(&list, v6, direct, objects);
        let mut turned = straight.clone();
        turned.peers = Peers::of(Some(straight.own.subnet));
        let mut leases: Vec<Lease> = straight.peers.iter().cloned().collect();
        let by = usize::try_from(seed).unwrap_or(0) % leases.len().max(1);
        leases.rotate_left(by);
        leases.into_iter().for_each(|l| { turned.peers.add(l); });
        let mut replay = Replay::new(host());
        let _ = replay.apply(&mess);
        prop_assert_eq!(straight.desired(&host()), turned.desired(replay.state()));
    }

    #[test]
    fn leases_of_another_backend_contribute_nothing(list in prop::collection::vec(peer(), 0..8), v6: bool, objects: bool) {
        let all = world(&list, v6, false, objects);
        let mut own_kind = all.clone();
        own_kind.peers = Peers::of(Some(all.own.subnet));
        for lease in all.peers.iter().filter(|l| &*l.attrs.backend_type == "vxlan") {
            own_kind.peers.add(lease.clone());
        }
        prop_assert_eq!(all.desired(&host()), own_kind.desired(&host()));
    }
}

/// F8 and F9: on our device a stray IPv4 address inside the network and any stray global IPv6 address go; IPv4
/// addresses outside the network and link-local ones stay.
#[test]
fn of_the_addresses_on_our_device_only_those_of_the_overlay_are_ours() {
    let world = world(&[], true, false, false);
    let mut replay = Replay::new(host());
    settle(&mut replay, &world);
    let rows = [
        ("flannel.1", "10.1.9.0/32", false),
        ("flannel.1", "172.16.9.9/24", true),
        ("flannel-v6.1", "fd00:1:0:9::/128", false),
        ("flannel-v6.1", "2001:db8::9/64", false),
        ("flannel-v6.1", "fe80::9/64", true),
        ("flannel.1", "10.1.1.0/32", true),
        ("flannel-v6.1", "fd00:1:0:1::/128", true),
        ("eth0", "10.1.9.1/24", true),
    ];
    let key = |on: &str, net: &str| AddrKey { dev: dev(on), net: net.parse().unwrap() };
    let adds: Vec<Op> = rows.iter().map(|(on, net, _)| Op::AddAddr { key: key(on, net) }).collect();
    let _ = replay.apply(&adds);
    settle(&mut replay, &world);
    for (on, net, stays) in rows {
        assert_eq!(replay.state().addrs.contains_key(&key(on, net)), stays, "{net} on {on}");
    }
}
