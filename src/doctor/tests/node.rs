//! A healthy node of a cluster of three, as a snapshot.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ipnet::IpNet;

use crate::config::Uplink;
use crate::doctor::{Report, Word, examine};
use crate::firewall::{Owner, Ruleset, iptables};
use crate::lease::{Attrs, Expiry, Lease, VxlanData};
use crate::net::{IfName, Mac};
use crate::snapshot::Snapshot;
use crate::state::{
    Addr, AddrKey, Fdb, FdbKey, Hop, Hops, Link, LinkKind, Neigh, NeighKey, Pod, Port, Route, RouteKey,
    RouteKind, Rule, State, Vxlan, nud, proto, table,
};

pub(super) const RULES: &str = "*nat\n:POSTROUTING ACCEPT [0:0]\n\
    -A POSTROUTING -s 10.244.0.0/16 -d 10.244.0.0/16 -j RETURN\n\
    -A POSTROUTING -s 10.244.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE\nCOMMIT\n\
    *filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n";

pub(super) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

pub(super) fn dev(name: &str) -> IfName {
    name.parse().unwrap()
}

pub(super) fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// MACs of tunnel devices end in `0b:N`, of uplinks in `0e:N`.
pub(super) fn mac(kind: u8, n: u8) -> Mac {
    Mac([2, 0, 0, 0, kind, n])
}

pub(super) fn public(n: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 168, 50, 10 + n))
}

pub(super) fn lease(n: u8) -> Lease {
    let attrs = Attrs {
        public_ip: Some(Ipv4Addr::new(192, 168, 50, 10 + n)),
        backend_type: "vxlan".into(),
        backend_data: Some(VxlanData { vni: 1, mac: mac(0x0b, n) }.to_json().into()),
        node: Some(format!("node{n}").into()),
        ..Attrs::default()
    };
    let expires = Expiry::At(now() + Duration::from_secs(20 * 3_600));
    Lease { subnet: format!("10.244.{n}.0-24").parse().unwrap(), attrs, expires, revision: 1, id: 1 }
}

pub(super) fn firewall(text: &str) -> Ruleset {
    Ruleset { tables: iptables::parse(text, "ip", Owner::IptablesNft), unseen: Vec::new() }
}

pub(super) fn main_route(dst: &str) -> RouteKey {
    RouteKey { table: table::MAIN, dst: net(dst), tos: 0, metric: 0 }
}

pub(super) fn by(dev_name: &str, via: Option<&str>) -> Route {
    let hop = Hop { via: via.map(ip), dev: Some(dev(dev_name)), ..Hop::default() };
    Route { proto: proto::BOOT, hops: Hops::One(hop), ..Route::default() }
}

/// An address and the routes that the kernel makes of it.
pub(super) fn give(state: &mut State, dev_name: &str, addr: &str) {
    let held = net(addr);
    let addr = Addr { flags: Addr::PERMANENT, ..Addr::default() };
    state.addrs.insert(AddrKey { dev: dev(dev_name), net: held }, addr);
    let host = IpNet::new(held.addr(), held.max_prefix_len()).unwrap();
    let key = RouteKey { table: table::LOCAL, dst: host, tos: 0, metric: 0 };
    let local = Route { kind: RouteKind::Local, scope: 254, proto: proto::KERNEL, ..by(dev_name, None) };
    state.routes.insert(key, vec![local]);
    if held.prefix_len() < held.max_prefix_len() {
        let key = RouteKey { table: table::MAIN, dst: held.trunc(), tos: 0, metric: 0 };
        let link = Route { scope: 253, proto: proto::KERNEL, src: Some(held.addr()), ..by(dev_name, None) };
        state.routes.insert(key, vec![link]);
    }
}

fn rules() -> Vec<Rule> {
    [(0, table::LOCAL), (32_766, table::MAIN), (32_767, 253)]
        .map(|(priority, table)| Rule { priority, table, action: 1, ..Rule::default() })
        .to_vec()
}

fn link(index: u32, mac: Mac, mtu: u32, kind: LinkKind) -> Link {
    Link { index, mac: Some(mac), mtu, up: true, lower_up: true, kind, ..Link::default() }
}

/// Route, neighbour and forwarding entry of a peer.
fn peer(state: &mut State, n: u8) {
    let (gateway, tunnel) = (ip(&format!("10.244.{n}.0")), dev("flannel.1"));
    let route =
        Route { proto: proto::BOOT, hops: Hops::One(Hop::onlink(gateway, tunnel)), ..Route::default() };
    state.routes.insert(main_route(&format!("10.244.{n}.0/24")), vec![route]);
    let entry = Neigh { mac: Some(mac(0x0b, n)), state: nud::PERMANENT, flags: 0 };
    state.neighs.insert(NeighKey { dev: tunnel, ip: gateway }, entry);
    let key = FdbKey { dev: tunnel, mac: mac(0x0b, n), vlan: 0, master: false };
    state.fdb.insert(key, Fdb { dst: Some(public(n)), state: nud::PERMANENT, ..Fdb::default() });
    let wire = Neigh { mac: Some(mac(0x0e, n)), state: nud::REACHABLE, flags: 0 };
    state.neighs.insert(NeighKey { dev: dev("eth0"), ip: public(n) }, wire);
}

fn facts(n: u8) -> BTreeMap<String, String> {
    let env = format!(
        "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.{n}.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n"
    );
    let text = [
        ("agent:pid", "77"),
        ("agent:state", "running"),
        ("cni:conf", "10-flannel.conflist README"),
        ("clock:offset-to-store-ms", "12"),
        ("conntrack:count", "100"),
        ("conntrack:max", "262144"),
        ("driver:eth0", "virtio_net"),
        ("file:/run/flannel/subnet.env", env.as_str()),
        ("link-policy:", "none"),
        ("module:vxlan", "loaded"),
        ("managed:NetworkManager/flannel.1", "no"),
        ("netns:machine", "yes"),
        ("nexthop:objects", "yes"),
        ("offload:flannel.1/tx-checksum-ip-generic", "on"),
        ("socket:udp:8472", "kernel (vxlan)"),
        ("store:asked", "yes"),
        ("sysctl:net.ipv4.ip_forward", "1"),
        ("sysctl:net.ipv4.conf.all.rp_filter", "0"),
        ("unit:NetworkManager", "active"),
    ];
    text.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// The pod of node `n`, at `.2` of its subnet.
fn pod(n: u8) -> Pod {
    let mut state = State { rules: rules(), firewall: Some(Ruleset::default()), ..State::default() };
    let kind = LinkKind::Veth { peer: Some(5), netns: Some(0) };
    state.links.insert(dev("eth0"), link(2, mac(0x0d, n), 1450, kind));
    give(&mut state, "eth0", &format!("10.244.{n}.2/24"));
    let gateway = format!("10.244.{n}.1");
    state.routes.insert(main_route("0.0.0.0/0"), vec![by("eth0", Some(&gateway))]);
    let entry = Neigh { mac: Some(mac(0x0c, n)), state: nud::REACHABLE, flags: 0 };
    state.neighs.insert(NeighKey { dev: dev("eth0"), ip: ip(&gateway) }, entry);
    Pod { name: "/run/netns/pod".to_owned(), inode: 9, nsid: Some(0), state, ..Pod::default() }
}

/// Node `n` of three, all of it in order.
pub(super) fn node(n: u8) -> Snapshot {
    let mut state =
        State { rules: rules(), facts: facts(n), firewall: Some(firewall(RULES)), ..State::default() };
    let vxlan =
        Vxlan { vni: 1, port: 8472, local: Some(public(n)), lower: Some(dev("eth0")), ..Vxlan::default() };
    let veth = LinkKind::Veth { peer: Some(2), netns: Some(0) };
    let port = Port { state: 3, ..Port::default() };
    let veth = Link { master: Some(dev("cni0")), port: Some(port), ..link(5, mac(0x0f, n), 1450, veth) };
    state.links.insert(dev("lo"), link(1, Mac::ZERO, 65_536, LinkKind::Loopback));
    state.links.insert(dev("eth0"), link(2, mac(0x0e, n), 1_500, LinkKind::Plain));
    state.links.insert(dev("flannel.1"), link(3, mac(0x0b, n), 1_450, LinkKind::Vxlan(vxlan)));
    state.links.insert(dev("cni0"), link(4, mac(0x0c, n), 1_450, LinkKind::Bridge));
    state.links.insert(dev("veth0"), veth);
    give(&mut state, "lo", "127.0.0.1/8");
    give(&mut state, "eth0", &format!("{}/24", public(n)));
    give(&mut state, "flannel.1", &format!("10.244.{n}.0/32"));
    give(&mut state, "cni0", &format!("10.244.{n}.1/24"));
    state.routes.insert(main_route("0.0.0.0/0"), vec![by("eth0", Some("192.168.50.1"))]);
    for other in (1..=3).filter(|other| *other != n) {
        peer(&mut state, other);
    }
    let IpAddr::V4(v4) = public(n) else { panic!("an IPv4 address") };
    let uplink =
        Uplink { dev: dev("eth0"), mtu: 1_500, v4: Some(v4), v6: None, ext_v4: Some(v4), ext_v6: None };
    Snapshot {
        host: format!("node{n}"),
        at: now(),
        netns: "4026531840".to_owned(),
        state,
        leases: Some((1..=3).map(lease).collect()),
        own: Some(lease(n).subnet),
        config: Some(r#"{"Network":"10.244.0.0/16","Backend":{"Type":"vxlan"}}"#.to_owned()),
        uplink: Some(uplink),
        pods: vec![pod(n)],
        kernel: "6.18.0".to_owned(),
        version: "0.0.0".to_owned(),
        unseen: Vec::new(),
    }
}

/// node1 beside node2's snapshot, after somebody had a hand in them.
pub(super) fn examined(change: impl Fn(&mut Snapshot, &mut Snapshot)) -> Report {
    let (mut near, mut far) = (node(1), node(2));
    change(&mut near, &mut far);
    examine(&near, std::slice::from_ref(&far))
}

/// What a check answered, and why.
pub(super) fn answer(report: &Report, id: &str) -> (Word, String) {
    let answer =
        report.answers.iter().find(|answer| answer.id == id).unwrap_or_else(|| panic!("no check {id}"));
    (answer.answer, answer.reason.clone().unwrap_or_default())
}

pub(super) fn codes(report: &Report) -> Vec<&'static str> {
    let mut codes: Vec<&str> = report.findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}
