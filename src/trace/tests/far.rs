//! Two nodes of a lab, one snapshot each: both in order first, then something is wrong with one of them.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::lease::Expiry;
use crate::net::{IfName, Mac};
use crate::snapshot::Snapshot;
use crate::state::ipvs::{Matches, Server, Service};
use crate::state::{FdbKey, Hop, Hops, LinkKind, NeighKey, RouteKey, RouteKind, table};
use crate::trace::{Mark, Path, Query, Verdict, trace_among};

const POD1: &str = "10.244.125.2";
const POD2: &str = "10.244.220.2";
const NET1: &str = "10.244.125.0/24";

fn flannel() -> IfName {
    "flannel.1".parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Both nodes, in order: the story's second one has lost its MAC.
pub(super) fn nodes() -> (Snapshot, Snapshot) {
    let read = |text: &[u8]| Snapshot::decode(text).unwrap();
    let near = read(include_bytes!("../../../fixtures/snapshots/story-node1.json"));
    let mut far = read(include_bytes!("../../../fixtures/snapshots/story-node2.json"));
    let via = NeighKey { dev: flannel(), ip: ip("10.244.220.0") };
    far.state.links.get_mut(&flannel()).unwrap().mac = near.state.neighs[&via].mac;
    (near, far)
}

fn asked() -> Query {
    Query { from: Some(ip(POD1)), ..Query::to(ip(POD2)) }
}

fn codes(path: &Path) -> Vec<&str> {
    path.findings.iter().map(|finding| finding.code).collect()
}

/// The route of node2 to the pods of node1.
fn way_back() -> RouteKey {
    RouteKey { table: table::MAIN, dst: NET1.parse::<IpNet>().unwrap(), tos: 0, metric: 0 }
}

fn sysctl(node: &mut Snapshot, key: &str, value: &str) {
    node.state.facts.insert(format!("sysctl:net.ipv4.conf.{key}.rp_filter"), value.to_owned());
}

/// node2 answers by its uplink, past the tunnel.
fn past_the_tunnel(far: &mut Snapshot) {
    let hop = Hop { via: Some(ip("192.168.50.11")), dev: Some("eth0".parse().unwrap()), ..Hop::default() };
    far.state.routes.get_mut(&way_back()).unwrap()[0].hops = Hops::One(hop);
}

#[test]
fn two_nodes_in_order_are_walked_there_and_back() {
    let (near, far) = nodes();
    let path = trace_among(&near, &asked(), std::slice::from_ref(&far));
    assert_eq!((&path.verdict, codes(&path)), (&Verdict::Delivered, Vec::new()), "{path:#?}");
    assert!(path.far.as_ref().is_some_and(|far| far.seen && far.node == "node2"));
    let on = |steps: &[super::super::Step], id: &str, node: &str| {
        steps.iter().any(|step| step.id == id && step.node == node && step.mark == Mark::Ok)
    };
    assert!(on(&path.steps, "underlay", "node1") && on(&path.steps, "far-vtep", "node2"));
    assert!(on(&path.steps, "far-delivery", "node2"));
    assert!(on(&path.back, "back-fdb", "node2") && on(&path.back, "back-vtep", "node1"));
    assert!(on(&path.back, "back-delivery", "node1"));
    // The host's own packet, and one to the node itself, do as well.
    for query in [Query::to(ip(POD2)), Query { from: Some(ip(POD1)), ..Query::to(ip("10.244.220.1")) }] {
        let path = trace_among(&near, &query, std::slice::from_ref(&far));
        assert_eq!((&path.verdict, codes(&path)), (&Verdict::Delivered, Vec::new()), "{path:#?}");
        assert!(!path.back.is_empty());
    }
}

/// What is done to node1 and node2, the codes, and where the way ends.
type Case = (&'static str, fn(&mut Snapshot, &mut Snapshot), &'static [&'static str], Option<&'static str>);

const CASES: &[Case] = &[
    ("port", |_, far| vxlan(far).port = 4789, &["remote.port"], Some("far-vtep")),
    ("vni", |_, far| vxlan(far).vni = 7, &["remote.vni"], Some("far-vtep")),
    (
        "down",
        |_, far| far.state.links.get_mut(&flannel()).unwrap().up = false,
        &["remote.port"],
        Some("far-vtep"),
    ),
    ("gone", |_, far| drop(far.state.links.remove(&flannel())), &["remote.port"], Some("far-vtep")),
    (
        "mac",
        |_, far| far.state.links.get_mut(&flannel()).unwrap().mac = Some(Mac([2, 0, 0, 0, 0, 9])),
        &["remote.mac"],
        Some("far-vtep"),
    ),
    (
        "forwarding",
        |_, far| {
            for key in ["net.ipv4.ip_forward", "net.ipv4.conf.flannel/1.forwarding"] {
                far.state.facts.insert(format!("sysctl:{key}"), "0".to_owned());
            }
        },
        &["remote.forward"],
        Some("far-forward"),
    ),
    ("pod", |_, far| far.pods.clear(), &["stage.unknown"], Some("")),
    (
        "no route back",
        |_, far| drop(far.state.routes.remove(&way_back())),
        &["remote.noreturn"],
        Some("back-route"),
    ),
    (
        "a blackhole on the way back",
        |_, far| {
            let route = &mut far.state.routes.get_mut(&way_back()).unwrap()[0];
            (route.kind, route.hops) = (RouteKind::Blackhole, Hops::None);
        },
        &["remote.noreturn"],
        Some("back-route"),
    ),
    (
        "no neighbour for the way back",
        |_, far| {
            far.state.neighs.remove(&NeighKey { dev: flannel(), ip: ip("10.244.125.0") });
        },
        &["remote.noreturn"],
        Some("back-neighbour"),
    ),
    (
        "the answer is sent to another node",
        |_, far| {
            let at = far.state.neighs[&NeighKey { dev: flannel(), ip: ip("10.244.125.0") }].mac.unwrap();
            let key = FdbKey { dev: flannel(), mac: at, vlan: 0, master: false };
            far.state.fdb.get_mut(&key).unwrap().dst = Some(ip("192.168.50.13"));
        },
        &["remote.noreturn"],
        Some("back-fdb"),
    ),
    ("past the tunnel", |_, far| past_the_tunnel(far), &["remote.asymmetric"], None),
    (
        "past the tunnel, and node2 minds",
        |_, far| {
            past_the_tunnel(far);
            sysctl(far, "flannel/1", "1");
        },
        &["remote.rpfilter"],
        Some("far-rpfilter"),
    ),
    (
        "past the tunnel, and node1 minds",
        |near, far| {
            past_the_tunnel(far);
            sysctl(near, "eth0", "1");
        },
        &["remote.asymmetric", "rpfilter.rejects"],
        Some("back-rpfilter"),
    ),
    (
        "other sizes",
        |_, far| far.state.links.get_mut(&flannel()).unwrap().mtu = 1350,
        &["mtu.asymmetric"],
        None,
    ),
    (
        "node1 has another MAC for node2 than node2",
        |near, _| {
            let key = NeighKey { dev: "eth0".parse().unwrap(), ip: ip("192.168.50.12") };
            let entry = near.state.neighs.values().find(|entry| entry.permanent()).copied().unwrap();
            near.state.neighs.insert(key, entry);
        },
        &["outer.neigh"],
        Some("far-outer"),
    ),
    (
        "the lease runs out",
        |near, _| {
            let soon = near.at + Duration::from_secs(60);
            for lease in near.leases.iter_mut().flatten() {
                lease.expires = Expiry::At(soon);
            }
        },
        &["lease.expired"],
        None,
    ),
    ("node2's firewall is hidden", |_, far| far.state.firewall = None, &["filter.hidden"], Some("")),
];

fn vxlan(node: &mut Snapshot) -> &mut crate::state::Vxlan {
    match &mut node.state.links.get_mut(&flannel()).unwrap().kind {
        LinkKind::Vxlan(vxlan) => vxlan,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_wrong_with_either_end_is_named_once_and_where() {
    let mut wrong = Vec::new();
    for (name, change, want, ends) in CASES {
        let (mut near, mut far) = nodes();
        change(&mut near, &mut far);
        let path = trace_among(&near, &asked(), std::slice::from_ref(&far));
        let mut all = path.steps.iter().chain(&path.back);
        let bad = all.find(|step| step.mark == Mark::Bad).map(|step| step.id.as_str());
        let verdict = match ends {
            None => Verdict::Delivered,
            Some("") => Verdict::DeliveredIf,
            Some(_) => Verdict::Dropped,
        };
        let mut found = codes(&path);
        found.dedup();
        if found != *want || bad.unwrap_or("") != ends.unwrap_or("") || path.verdict != verdict {
            wrong.push(format!("{name}: {:?} {found:?} at {bad:?}", path.verdict));
        }
        let far_ones = path.findings.iter().filter(|finding| finding.code.starts_with("remote."));
        wrong.extend(
            far_ones.filter(|f| f.node != "node2").map(|f| format!("{name}: {} on {}", f.code, f.node)),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_services_server_on_the_peer_is_followed_over_the_peer() {
    let vip = ip("10.96.0.10");
    let (mut near, far) = nodes();
    let server = |ip: IpAddr| Server { ip, port: 53, forward: "Masq".to_owned(), weight: 1 };
    near.state.ipvs.push(Service {
        matches: Matches::Address { proto: 17, ip: vip, port: 53 },
        scheduler: "rr".to_owned(),
        servers: vec![server(ip(POD2)), server(ip("10.244.231.2"))],
    });
    let query = Query { from: Some(ip(POD1)), proto: 17, dport: Some(53), ..Query::to(vip) };
    let path = trace_among(&near, &query, std::slice::from_ref(&far));
    assert_eq!((&path.verdict, codes(&path)), (&Verdict::Delivered, Vec::new()), "{path:#?}");
    let [there, elsewhere] = path.branches.as_slice() else { panic!("{:#?}", path.branches) };
    let on = |id: &str, node: &str| there.stages.iter().any(|step| step.id == id && step.node == node);
    assert!(on("far-delivery", "node2") && on("back-fdb", "node2") && on("back-delivery", "node1"));
    assert!(there.far.as_ref().is_some_and(|far| far.seen && far.node == "node2"));
    assert!(elsewhere.far.as_ref().is_some_and(|far| !far.seen && far.node == "node3"));
    assert!(path.notes.is_empty(), "{:?}", path.notes);
    // What is wrong there is the branch's end.
    let mut deaf = far;
    vxlan(&mut deaf).port = 4789;
    let path = trace_among(&near, &query, std::slice::from_ref(&deaf));
    assert_eq!(codes(&path), ["remote.port"]);
    assert_eq!(path.branches[0].verdict, Verdict::Dropped);
    assert_eq!(path.branches[1].verdict, Verdict::Delivered);
}

#[test]
fn of_several_snapshots_the_right_one_is_taken_and_the_others_are_named() {
    let (near, far) = nodes();
    let mut old = far.clone();
    old.at -= Duration::from_secs(3600);
    vxlan(&mut old).port = 1;
    let path = trace_among(&near, &asked(), &[old.clone(), near.clone(), far.clone()]);
    assert_eq!(path.verdict, Verdict::Delivered);
    assert_eq!(path.notes.len(), 2, "{:?}", path.notes);
    assert!(path.notes[0].contains("only the youngest") && path.notes[1].contains("the node itself"));
    // Far apart is said.
    let path = trace_among(&near, &asked(), std::slice::from_ref(&old));
    assert_eq!(codes(&path), ["remote.port"]);
    let apart = |note: &String| note.contains("minutes apart");
    assert!(path.notes.iter().any(apart), "{:?}", path.notes);
    // One of another node is no help: the lease is all that is known.
    let elsewhere = Query { from: Some(ip(POD1)), ..Query::to(ip("10.244.231.2")) };
    let path = trace_among(&near, &elsewhere, std::slice::from_ref(&far));
    assert_eq!(path.verdict, Verdict::Delivered);
    assert!(path.far.is_some_and(|far| !far.seen && far.node == "node3"));
    assert_eq!(path.notes, ["the snapshot of node2 is of no node on this way, the packet goes to node3"]);
}
