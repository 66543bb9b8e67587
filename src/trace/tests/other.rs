//! Two nodes and another backend than vxlan between them: the packet is unpacked by the far node's own device, and so
//! is the answer.

use std::net::IpAddr;

use super::far::nodes;
use crate::firewall::{Owner, Ruleset, iptables};
use crate::net::IfName;
use crate::snapshot::Snapshot;
use crate::state::{Hop, Hops, IpTunnel, Link, LinkKind, Pod, Route, RouteKey, WgPeer, Wireguard, table};
use crate::trace::{Mark, Path, Query, Verdict, trace_among};

/// Each node: its subnet and its public address.
const NODES: [(&str, &str); 2] = [("10.244.125.0/24", "192.168.50.11"), ("10.244.220.0/24", "192.168.50.12")];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn dev(name: &str) -> IfName {
    name.parse().unwrap()
}

fn key(dst: &str) -> RouteKey {
    RouteKey { table: table::MAIN, dst: dst.parse().unwrap(), tos: 0, metric: 0 }
}

fn route(node: &mut Snapshot, dst: &str, via: Option<&str>, by: &str) {
    let hop = Hop { via: via.map(ip), dev: Some(dev(by)), onlink: via.is_some(), ..Hop::default() };
    node.state.routes.insert(key(dst), vec![Route { hops: Hops::One(hop), ..Route::default() }]);
}

fn sysctl(node: &mut Snapshot, by: &str, name: &str, value: &str) {
    let key = format!("sysctl:net.ipv4.conf.{}.{name}", by.replace('.', "/"));
    node.state.facts.insert(key, value.to_owned());
}

fn device(node: &mut Snapshot, name: &str, kind: &str) {
    let kind = LinkKind::Other(kind.to_owned());
    let link = Link { index: 40, mtu: 1420, up: true, lower_up: true, kind, ..Link::default() };
    node.state.links.insert(dev(name), link);
    sysctl(node, name, "forwarding", "1");
    sysctl(node, name, "rp_filter", "0");
}

fn link<'a>(node: &'a mut Snapshot, name: &str) -> &'a mut Link {
    node.state.links.get_mut(&dev(name)).unwrap()
}

/// Nothing of vxlan is left, and a route leads to the other node as `backend` has it.
fn turned(node: &mut Snapshot, here: usize, backend: &str) {
    let ((_, own), (net, peer)) = (NODES[here], NODES[1 - here]);
    let gone = dev("flannel.1");
    node.state.links.remove(&gone);
    node.state.addrs.retain(|key, _| key.dev != gone);
    node.state.neighs.retain(|key, _| key.dev != gone);
    node.state.fdb.retain(|key, _| key.dev != gone);
    node.state.routes.retain(|_, twins| {
        !twins.iter().any(|route| matches!(route.hops, Hops::One(hop) if hop.dev == Some(gone)))
    });
    node.config = Some(format!(r#"{{"Network":"10.244.0.0/16","Backend":{{"Type":"{backend}"}}}}"#));
    for lease in node.leases.iter_mut().flatten() {
        lease.attrs.backend_type = backend.into();
        lease.attrs.backend_data = None;
    }
    match backend {
        "host-gw" => route(node, net, Some(peer), "eth0"),
        "ipip" => {
            device(node, "flannel.ipip", "ipip");
            let tunnel = IpTunnel { local: Some(ip(own)), ..IpTunnel::default() };
            link(node, "flannel.ipip").tunnel = Some(Box::new(tunnel));
            route(node, net, Some(peer), "flannel.ipip");
        }
        "wireguard" => {
            device(node, "flannel-wg", "wireguard");
            let endpoint = format!("{peer}:51820").parse().ok();
            let peer = WgPeer { allowed: vec![net.parse().unwrap()], endpoint, handshake: Some(1) };
            let device = Wireguard { port: 51820, mark: 0, peers: vec![peer] };
            node.state.wireguard.insert(dev("flannel-wg"), device);
            route(node, "10.244.0.0/16", None, "flannel-wg");
        }
        _ => {
            device(node, "flannel0", "tun");
            node.state.facts.insert("tun:flannel0".to_owned(), "pid 12 flanneld".to_owned());
            route(node, "10.244.0.0/16", None, "flannel0");
        }
    }
}

fn walked(backend: &str, change: fn(&mut Snapshot, &mut Snapshot)) -> Path {
    let (mut near, mut far) = nodes();
    turned(&mut near, 0, backend);
    turned(&mut far, 1, backend);
    change(&mut near, &mut far);
    let query = Query { from: Some(ip("10.244.125.2")), ..Query::to(ip("10.244.220.2")) };
    trace_among(&near, &query, &[far])
}

fn codes(path: &Path) -> Vec<&str> {
    path.findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn every_backends_far_side_is_walked_by_its_own_device() {
    for (backend, arrives, by) in [
        ("host-gw", "10.244.220.0/24", "eth0"),
        ("ipip", "flannel.ipip takes ipip from 192.168.50.11, mtu 1420", "flannel.ipip"),
        ("wireguard", "flannel-wg takes it from its peer for 10.244.125.0/24", "flannel-wg"),
        ("udp", "flannel0 written by pid 12 flanneld", "flannel0"),
    ] {
        let path = walked(backend, |_, _| {});
        assert_eq!((&path.verdict, codes(&path)), (&Verdict::Delivered, Vec::new()), "{backend}: {path:#?}");
        assert!(path.far.as_ref().is_some_and(|far| far.seen && far.node == "node2"));
        let on = |id: &str| {
            let mut all = path.steps.iter().chain(&path.back).filter(|step| step.id == id);
            all.find(|step| step.mark == Mark::Ok).map(|step| step.object.as_str()).unwrap_or_default()
        };
        let taken = if backend == "host-gw" { on("far-route") } else { on("far-tunnel") };
        assert!(taken.contains(arrives), "{backend}: {taken}");
        assert_eq!(on("far-forward"), format!("net.ipv4.conf.{by}.forwarding = 1"));
        assert_eq!(on("back-tunnel").is_empty(), backend == "host-gw");
        assert!(on("far-delivery").contains("10.244.220.2") && on("back-delivery").contains("10.244.125.2"));
    }
}

/// The backend, what is done to node1 and node2, the code, and where it ends.
type Case = (&'static str, fn(&mut Snapshot, &mut Snapshot), &'static str, &'static str);

/// node2 reaches node1's pods by a device that they do not come from, and minds.
fn strict(far: &mut Snapshot, by: &str) {
    route(far, NODES[0].0, Some("192.168.50.1"), if by == "eth0" { "cni0" } else { "eth0" });
    sysctl(far, by, "rp_filter", "1");
}

fn filter(far: &mut Snapshot, rule: &str) {
    let text = format!(
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{rule}\nCOMMIT\n"
    );
    let tables = iptables::parse(&text, "ip", Owner::IptablesNft);
    far.state.firewall = Some(Ruleset { tables, unseen: Vec::new() });
}

const CASES: &[Case] = &[
    ("host-gw", |_, far| sysctl(far, "eth0", "forwarding", "0"), "remote.forward", "far-forward"),
    ("host-gw", |_, far| strict(far, "eth0"), "remote.rpfilter", "far-rpfilter"),
    ("host-gw", |_, far| drop(far.state.routes.remove(&key(NODES[0].0))), "remote.noreturn", "back-tunnel"),
    ("ipip", |_, far| link(far, "flannel.ipip").up = false, "remote.tunnel", "far-tunnel"),
    ("ipip", |_, far| drop(far.state.links.remove(&dev("flannel.ipip"))), "remote.tunnel", "far-tunnel"),
    (
        "ipip",
        |_, far| {
            let tunnel = IpTunnel { remote: Some(ip("192.168.50.13")), ..IpTunnel::default() };
            link(far, "flannel.ipip").tunnel = Some(Box::new(tunnel));
        },
        "remote.tunnel",
        "far-tunnel",
    ),
    ("ipip", |_, far| strict(far, "flannel.ipip"), "remote.rpfilter", "far-rpfilter"),
    ("ipip", |_, far| filter(far, "-A INPUT -p 4 -j DROP"), "remote.filter", "far-outer-firewall"),
    (
        "ipip",
        |near, _| link(near, "flannel.ipip").tunnel.as_mut().unwrap().metadata = true,
        "stage.unknown",
        "",
    ),
    (
        "wireguard",
        |_, far| far.state.wireguard.get_mut(&dev("flannel-wg")).unwrap().port = 51821,
        "remote.tunnel",
        "far-tunnel",
    ),
    (
        "wireguard",
        |_, far| far.state.wireguard.get_mut(&dev("flannel-wg")).unwrap().peers[0].allowed.clear(),
        "remote.tunnel",
        "far-tunnel",
    ),
    ("wireguard", |_, far| link(far, "flannel-wg").up = false, "remote.tunnel", "far-tunnel"),
    ("wireguard", |_, far| strict(far, "flannel-wg"), "remote.rpfilter", "far-rpfilter"),
    ("udp", |_, far| link(far, "flannel0").lower_up = false, "remote.tunnel", "far-tunnel"),
    ("udp", |_, far| drop(far.state.links.remove(&dev("flannel0"))), "remote.tunnel", "far-tunnel"),
    ("udp", |_, far| drop(far.state.facts.remove("tun:flannel0")), "stage.unknown", ""),
];

#[test]
fn what_is_wrong_with_the_far_ends_tunnel_is_named_where_it_is() {
    let mut wrong = Vec::new();
    for (at, (backend, change, code, ends)) in CASES.iter().enumerate() {
        let path = walked(backend, *change);
        let mut all = path.steps.iter().chain(&path.back);
        let bad = all.find(|step| step.mark == Mark::Bad).map_or("", |step| step.id.as_str());
        let verdict = if ends.is_empty() { Verdict::DeliveredIf } else { Verdict::Dropped };
        let mut found = codes(&path);
        found.dedup();
        if found != [*code] || bad != *ends || path.verdict != verdict {
            wrong
                .push(format!("{at} {backend}: {:?} {found:?} at {bad}, not {code} at {ends}", path.verdict));
        }
        let there = path.findings.iter().filter(|finding| finding.code.starts_with("remote."));
        wrong.extend(there.filter(|f| f.node != "node2").map(|f| format!("{at} {backend}: on {}", f.node)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_veth_that_leads_to_the_other_node_is_no_pods() {
    let unnamed = |near: &mut Snapshot, far: &mut Snapshot| {
        for node in [near, far] {
            // No agent tells of the uplink; what is behind it is a namespace of this machine.
            node.uplink = None;
            link(node, "eth0").kind = LinkKind::Veth { peer: Some(9), netns: Some(77) };
            node.pods.push(Pod { name: "other".to_owned(), nsid: Some(77), ..Pod::default() });
        }
    };
    let path = walked("host-gw", unnamed);
    assert_eq!((&path.verdict, codes(&path)), (&Verdict::Delivered, Vec::new()), "{path:#?}");
    assert!(path.handed.is_some_and(|handed| handed.to == ip("192.168.50.12") && handed.seen));
}
