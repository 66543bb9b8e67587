//! Kinds of tunnels that this machine's kernel may not have, from hand-made rows.

use std::time::{Duration, UNIX_EPOCH};

use crate::finding::Level;
use crate::lease::{Attrs, Expiry, Lease};
use crate::net::{IfName, Mac};
use crate::snapshot::Snapshot;
use crate::state::{
    Fdb, FdbKey, Hop, Hops, IpTunnel, Link, LinkKind, Neigh, NeighKey, Nexthop, Route, RouteKey, WgPeer,
    Wireguard, nud, table,
};
use crate::trace::{Mark, Path, Query, Verdict, trace};

/// A node 192.168.50.11 with the subnet 10.5.1.0/24, nothing wrong with it, its firewall open.
pub(super) fn node() -> Snapshot {
    Snapshot::decode(include_bytes!("../../../fixtures/readers/path.json")).unwrap()
}

/// The same with leases of another backend; nothing of vxlan is left.
fn of_backend(kind: &str, config: &str) -> Snapshot {
    let mut node = node();
    let lease = |subnet: &str, ip: &str, name: &str| Lease {
        subnet: subnet.parse().unwrap(),
        attrs: Attrs {
            public_ip: Some(ip.parse().unwrap()),
            backend_type: kind.into(),
            node: Some(name.into()),
            ..Attrs::default()
        },
        expires: Expiry::Never,
        revision: 1,
        id: 0,
    };
    node.leases = Some(vec![
        lease("10.5.1.0-24", "192.168.50.11", "node-a"),
        lease("10.5.2.0-24", "192.168.50.12", "node-b"),
    ]);
    node.own = Some("10.5.1.0-24".parse().unwrap());
    node.config = Some(config.to_owned());
    let (own, peer) = (dev("flannel.1"), "10.5.2.0/24".parse().unwrap());
    node.state.links.remove(&own);
    node.state.addrs.retain(|key, _| key.dev != own);
    node.state.routes.retain(|key, _| key.dst != peer);
    node.state.neighs.retain(|key, _| key.dev != own);
    node.state.fdb.clear();
    node
}

pub(super) fn dev(name: &str) -> IfName {
    name.parse().unwrap()
}

pub(super) fn route(node: &mut Snapshot, dst: &str, via: Option<&str>, by: &str) {
    let key = RouteKey { table: table::MAIN, dst: dst.parse().unwrap(), tos: 0, metric: 0 };
    let hop = Hop {
        via: via.map(|ip| ip.parse().unwrap()),
        dev: Some(dev(by)),
        onlink: via.is_some(),
        ..Hop::default()
    };
    node.state.routes.insert(key, vec![Route { hops: Hops::One(hop), proto: 3, ..Route::default() }]);
}

pub(super) fn device(node: &mut Snapshot, name: &str, kind: &str, mtu: u32) -> IfName {
    let link = Link {
        index: 40,
        mtu,
        up: true,
        lower_up: true,
        kind: LinkKind::Other(kind.to_owned()),
        ..Link::default()
    };
    node.state.links.insert(dev(name), link);
    dev(name)
}

pub(super) fn walk(node: &Snapshot, dst: &str) -> Path {
    trace(node, &Query::to(dst.parse().unwrap()))
}

/// `id:object` of each stage from the first of these names on.
fn from(path: &Path, first: &str) -> Vec<String> {
    let steps = path.steps.iter().skip_while(|step| &*step.id != first);
    steps.map(|step| format!("{}: {}", step.id, step.object)).collect()
}

pub(super) fn codes(path: &Path) -> Vec<&'static str> {
    path.findings.iter().filter(|finding| finding.level != Level::Info).map(|finding| finding.code).collect()
}

pub(super) fn fix(path: &Path) -> &str {
    &path.findings.first().unwrap().fix.as_ref().unwrap().command
}

#[test]
fn without_leases_the_kernels_rows_are_followed() {
    let mut node = node();
    (node.leases, node.config, node.own) = (None, None, None);
    let path = walk(&node, "10.5.2.3");
    assert_eq!(path.verdict, Verdict::Delivered, "{path:#?}");
    assert_eq!(
        from(&path, "neighbour"),
        [
            "neighbour: 10.5.2.0 = 02:00:00:00:00:0b PERMANENT",
            "fdb: 02:00:00:00:00:0b -> 192.168.50.12",
            "outer: 192.168.50.12 dev eth0 udp 8472",
            "outer-firewall: output and postrouting accept udp 8472",
            "mtu: 84 <= flannel.1 1450, 1450 + 50 <= eth0 1500",
            "underlay: 192.168.50.12 = 52:54:00:00:00:0b dev eth0 REACHABLE",
        ]
    );
    let key = entry();
    let row = node.state.fdb.remove(&key).unwrap();
    let path = walk(&node, "10.5.2.3");
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::Dropped, vec!["fdb.missing"]));
    let ip = "10.5.2.0".parse().unwrap();
    node.state.fdb.insert(key, row);
    node.state.neighs.remove(&NeighKey { dev: dev("flannel.1"), ip });
    let path = walk(&node, "10.5.2.3");
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::Dropped, vec!["neigh.missing"]));
}

fn entry() -> FdbKey {
    let mac = Mac([2, 0, 0, 0, 0, 0x0b]);
    FdbKey { dev: dev("flannel.1"), mac, vlan: 0, master: false }
}

#[test]
fn a_flooding_entry_shows_every_remote_and_each_is_followed() {
    let mut node = node();
    (node.leases, node.config, node.own) = (None, None, None);
    node.state.fdb.remove(&entry());
    let flood = Fdb {
        dst: Some("192.168.50.12".parse().unwrap()),
        more: vec!["192.168.50.13".parse().unwrap()],
        port: Some(4789),
        state: nud::PERMANENT,
        ..Fdb::default()
    };
    node.state.fdb.insert(FdbKey { mac: Mac::ZERO, ..entry() }, flood);
    let path = walk(&node, "10.5.2.3");
    let fdb = path.steps.iter().find(|step| &*step.id == "fdb").unwrap();
    assert_eq!(fdb.object, "00:00:00:00:00:00 -> 2 remotes");
    assert_eq!(fdb.more, ["dst 192.168.50.12 port 4789", "dst 192.168.50.13 port 4789"]);
    let outer: Vec<_> = path.steps.iter().filter(|s| &*s.id == "outer").map(|s| s.object.as_str()).collect();
    assert_eq!(outer, ["192.168.50.12 dev eth0 udp 4789", "192.168.50.13 dev eth0 udp 4789"]);
    assert_eq!(path.verdict, Verdict::Delivered);
}

#[test]
fn a_nexthop_group_of_an_entry_is_followed_to_its_members() {
    let mut node = node();
    let hop = |ip: &str| Nexthop {
        proto: 0,
        hop: Hop { via: Some(ip.parse().unwrap()), ..Hop::default() },
        blackhole: false,
        group: Vec::new(),
        fdb: true,
    };
    let group = |ids: &[u32]| Nexthop {
        group: ids.iter().map(|id| (*id, 1)).collect(),
        hop: Hop::default(),
        ..hop("::1")
    };
    let row = node.state.fdb.get_mut(&entry()).unwrap();
    (row.dst, row.nhid) = (None, Some(10));
    node.state.nexthops.insert(1, hop("192.168.50.12"));
    node.state.nexthops.insert(2, hop("192.168.50.77"));
    node.state.nexthops.insert(10, group(&[1]));
    let path = walk(&node, "10.5.2.3");
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::Delivered, vec![]), "{path:#?}");
    assert_eq!(from(&path, "fdb")[0], "fdb: 02:00:00:00:00:0b -> one of 1 of nexthop group 10");

    node.state.nexthops.insert(10, group(&[1, 2]));
    let path = walk(&node, "10.5.2.3");
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::Dropped, vec!["fdb.wrong"]));
    let step = path.steps.last().unwrap();
    assert_eq!(step.more, ["dst 192.168.50.12", "dst 192.168.50.77"]);
    assert!(path.findings[0].cause.contains("192.168.50.77"), "{:?}", path.findings);

    node.state.nexthops.remove(&10);
    let path = walk(&node, "10.5.2.3");
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::Dropped, vec!["fdb.missing"]));

    // Without a lease every member is followed.
    node.state.nexthops.insert(10, group(&[1, 2]));
    (node.leases, node.config, node.own) = (None, None, None);
    let path = walk(&node, "10.5.2.3");
    assert_eq!(path.steps.iter().filter(|step| &*step.id == "outer").count(), 2);
}

const HOST_GW: &str = r#"{"Network":"10.5.0.0/16","Backend":{"Type":"host-gw"}}"#;

#[test]
fn host_gw_leads_through_the_peer_itself() {
    let mut node = of_backend("host-gw", HOST_GW);
    route(&mut node, "10.5.2.0/24", Some("192.168.50.12"), "eth0");
    let path = walk(&node, "10.5.2.3");
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::Delivered, vec![]), "{path:#?}");
    assert_eq!(from(&path, "underlay"), ["underlay: 192.168.50.12 = 52:54:00:00:00:0b dev eth0 REACHABLE"]);

    route(&mut node, "10.5.2.0/24", Some("192.168.50.99"), "eth0");
    let path = walk(&node, "10.5.2.3");
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::Dropped, vec!["route.wrong"]));
    assert_eq!(fix(&path), "ip route replace 10.5.2.0/24 via 192.168.50.12");

    node.state.routes.retain(|key, _| key.dst.prefix_len() != 0 && key.dst != "10.5.2.0/24".parse().unwrap());
    let path = walk(&node, "10.5.2.3");
    assert_eq!(codes(&path), ["route.missing"]);
    assert_eq!(fix(&path), "ip route replace 10.5.2.0/24 via 192.168.50.12");
}

#[test]
fn host_gw_sees_a_silent_peer() {
    let mut node = of_backend("host-gw", HOST_GW);
    route(&mut node, "10.5.2.0/24", Some("192.168.50.12"), "eth0");
    let ip = "192.168.50.12".parse().unwrap();
    node.state
        .neighs
        .insert(NeighKey { dev: dev("eth0"), ip }, Neigh { mac: None, state: nud::FAILED, flags: 0 });
    assert_eq!(codes(&walk(&node, "10.5.2.3")), ["outer.neigh"]);
}

const IPIP: &str = r#"{"Network":"10.5.0.0/16","Backend":{"Type":"ipip"}}"#;

fn ipip(remote: Option<&str>) -> Snapshot {
    let mut node = of_backend("ipip", IPIP);
    let dev = device(&mut node, "flannel.ipip", "ipip", 1480);
    let link = node.state.links.get_mut(&dev).unwrap();
    link.tunnel = Some(Box::new(IpTunnel {
        local: Some("192.168.50.11".parse().unwrap()),
        remote: remote.map(|ip| ip.parse().unwrap()),
        pmtudisc: true,
        ..IpTunnel::default()
    }));
    route(&mut node, "10.5.2.0/24", Some("192.168.50.12"), "flannel.ipip");
    node
}

#[test]
fn ip_in_ip_goes_to_the_gateway_or_to_the_devices_far_end() {
    let path = walk(&ipip(None), "10.5.2.3");
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::Delivered, vec![]), "{path:#?}");
    assert_eq!(
        from(&path, "tunnel"),
        [
            "tunnel: flannel.ipip 192.168.50.11 -> 192.168.50.12 (the gateway) ttl inherit mtu 1480",
            "outer: 192.168.50.12 dev eth0 ipip",
            "outer-firewall: output and postrouting accept ipip",
            "mtu: 84 <= flannel.ipip 1480, 1480 + 20 <= eth0 1500",
            "underlay: 192.168.50.12 = 52:54:00:00:00:0b dev eth0 REACHABLE",
        ]
    );
    let path = walk(&ipip(Some("192.168.50.13")), "10.5.2.3");
    assert_eq!(
        from(&path, "tunnel")[..2],
        [
            "tunnel: flannel.ipip 192.168.50.11 -> 192.168.50.13 ttl inherit mtu 1480",
            "outer: 192.168.50.13 dev eth0 ipip"
        ]
    );
}

#[test]
fn what_is_wrong_with_ip_in_ip_is_found() {
    let name = dev("flannel.ipip");
    let mut node = ipip(None);
    route(&mut node, "10.5.2.0/24", Some("192.168.50.99"), "flannel.ipip");
    let path = walk(&node, "10.5.2.3");
    assert_eq!(codes(&path), ["route.wrong"]);
    assert_eq!(fix(&path), "ip route replace 10.5.2.0/24 via 192.168.50.12 dev flannel.ipip onlink");

    let mut node = ipip(None);
    node.state.links.get_mut(&name).unwrap().mtu = 1500;
    let path = trace(&node, &Query { size: 1500, ..Query::to("10.5.2.3".parse().unwrap()) });
    assert_eq!(codes(&path), ["mtu.outer"]);
    assert!(path.findings[0].cause.contains("1500 + 20"), "{:?}", path.findings);

    let mut node = ipip(None);
    route(&mut node, "192.168.50.12/32", None, "flannel.ipip");
    let path = walk(&node, "10.5.2.3");
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::Looped, vec!["outer.loop"]));

    let mut node = ipip(None);
    node.state.links.get_mut(&name).unwrap().up = false;
    assert_eq!(codes(&walk(&node, "10.5.2.3")), ["tunnel.down"]);

    let mut node = ipip(None);
    node.state.links.get_mut(&name).unwrap().tunnel.as_mut().unwrap().metadata = true;
    assert_eq!(walk(&node, "10.5.2.3").verdict, Verdict::DeliveredIf);
}

fn wireguard(peers: Vec<WgPeer>) -> Snapshot {
    let mut node = of_backend("wireguard", r#"{"Network":"10.5.0.0/16","Backend":{"Type":"wireguard"}}"#);
    let dev = device(&mut node, "flannel-wg", "wireguard", 1420);
    node.state.wireguard.insert(dev, Wireguard { port: 51820, mark: 0, peers });
    route(&mut node, "10.5.0.0/16", None, "flannel-wg");
    node
}

/// A peer that was heard 42 seconds before the snapshot.
fn peer() -> WgPeer {
    let seen = node().at.duration_since(UNIX_EPOCH).unwrap() - Duration::from_secs(42);
    WgPeer {
        allowed: vec!["10.5.2.0/24".parse().unwrap()],
        endpoint: Some("192.168.50.12:51820".parse().unwrap()),
        handshake: Some(seen.as_secs()),
    }
}

#[test]
fn wireguard_goes_to_the_peer_with_the_longest_allowed_network() {
    let wide = WgPeer { allowed: vec!["10.5.0.0/16".parse().unwrap()], endpoint: None, handshake: None };
    let path = walk(&wireguard(vec![wide, peer()]), "10.5.2.3");
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::Delivered, vec![]), "{path:#?}");
    assert_eq!(
        from(&path, "tunnel")[..4],
        [
            "tunnel: 10.5.2.0/24 -> 192.168.50.12:51820, handshake 42 s ago, mtu 1420",
            "outer: 192.168.50.12 dev eth0 udp 51820",
            "outer-firewall: output and postrouting accept udp 51820",
            "mtu: 84 <= flannel-wg 1420, 1420 + 60 <= eth0 1500",
        ]
    );
}

#[test]
fn what_is_wrong_with_wireguard_is_found() {
    let path = walk(&wireguard(vec![peer()]), "10.5.9.3");
    assert_eq!(codes(&path), ["tunnel.nopeer"]);
    assert!(matches!(path.verdict, Verdict::Rejected(_)));
    let path = walk(&wireguard(vec![WgPeer { endpoint: None, ..peer() }]), "10.5.2.3");
    assert_eq!(codes(&path), ["tunnel.noendpoint"]);
    let path = walk(&wireguard(vec![WgPeer { handshake: None, ..peer() }]), "10.5.2.3");
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::DeliveredIf, vec![]));
    let mut unread = wireguard(vec![peer()]);
    unread.state.wireguard.clear();
    let path = walk(&unread, "10.5.2.3");
    assert_eq!(path.verdict, Verdict::DeliveredIf);
    assert_eq!(path.steps.last().map(|step| (&*step.id, step.mark)), Some(("tunnel", Mark::Unseen)));
}

fn udp(config: &str) -> (Snapshot, IfName) {
    let mut node = of_backend("", config);
    let dev = device(&mut node, "flannel0", "tun", 1472);
    node.state.facts.insert("tun:flannel0".to_owned(), "pid 12 flanneld".to_owned());
    route(&mut node, "10.5.0.0/16", None, "flannel0");
    (node, dev)
}

#[test]
fn the_udp_backends_process_takes_the_packet_to_the_leases_owner() {
    let (mut node, dev) = udp(r#"{"Network":"10.5.0.0/16","Backend":{"Type":"udp"}}"#);
    let path = walk(&node, "10.5.2.3");
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::Delivered, vec![]), "{path:#?}");
    assert_eq!(
        from(&path, "tunnel")[..4],
        [
            "tunnel: flannel0 read by pid 12 flanneld, mtu 1472",
            "outer: 192.168.50.12 dev eth0 udp 8285",
            "outer-firewall: output and postrouting accept udp 8285",
            "mtu: 84 <= flannel0 1472, 1472 + 28 <= eth0 1500",
        ]
    );
    node.state.facts.clear();
    assert_eq!(walk(&node, "10.5.2.3").verdict, Verdict::DeliveredIf);
    node.state.links.get_mut(&dev).unwrap().lower_up = false;
    assert_eq!(codes(&walk(&node, "10.5.2.3")), ["tunnel.noreader"]);

    let (node, _) = udp(r#"{"Network":"10.5.0.0/16","Backend":{"Type":"udp","Port":9000}}"#);
    assert_eq!(from(&walk(&node, "10.5.2.3"), "outer")[0], "outer: 192.168.50.12 dev eth0 udp 9000");
    // No lease covers it: only the process knows.
    assert_eq!(walk(&node, "10.5.9.3").verdict, Verdict::DeliveredIf);
}
