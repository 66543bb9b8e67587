//! Pods of one node: `fixtures/trace/pods.json` is node1 of a lab with the pods lab-pod1 (10.5.1.2 by veth0) and web
//! (10.5.1.3 by veth1) on cni0. Each test breaks what it names.

use std::net::IpAddr;

use crate::firewall::{Ruleset, nft};
use crate::net::{IfName, Mac};
use crate::snapshot::Snapshot;
use crate::state::{FdbKey, NeighKey, Pod, State, nud};
use crate::trace::{Mark, Path, Query, Step, Verdict, trace};

const ELSEWHERE: Mac = Mac([2, 0, 0, 0, 0, 0x99]);

fn node() -> Snapshot {
    Snapshot::decode(include_bytes!("../../../fixtures/trace/pods.json")).unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn dev(name: &str) -> IfName {
    name.parse().unwrap()
}

fn from_pod(name: &str, dst: &str) -> Query {
    Query { pod: Some(name.to_owned()), ..Query::to(ip(dst)) }
}

fn inside<'a>(node: &'a mut Snapshot, name: &str) -> &'a mut State {
    let mut pods = node.pods.iter_mut();
    &mut pods.find(|pod: &&mut Pod| pod.name == name).unwrap().state
}

/// `id: object`.
fn lines(steps: &[Step]) -> Vec<String> {
    steps.iter().map(|step| format!("{}: {}", step.id, step.object)).collect()
}

fn ids(steps: &[Step]) -> Vec<&str> {
    steps.iter().map(|step| &*step.id).collect()
}

fn codes(path: &Path) -> Vec<&'static str> {
    path.findings.iter().map(|finding| finding.code).collect()
}

/// Where it dies: the stage, the codes, and the repair.
fn death(path: &Path) -> (String, Vec<&'static str>, String) {
    let mut all = path.steps.iter().chain(&path.back);
    let bad = all.find(|step| step.mark == Mark::Bad);
    let bad = bad.unwrap_or_else(|| panic!("{path:#?}"));
    let fix = path.findings.first().and_then(|finding| finding.fix.as_ref());
    (bad.id.to_string(), codes(path), fix.map(|fix| fix.command.clone()).unwrap_or_default())
}

#[test]
fn a_packet_leaves_a_pod_by_its_pair_and_the_bridge() {
    let path = trace(&node(), &from_pod("lab-pod1", "10.5.2.2"));
    assert_eq!(path.verdict, Verdict::Delivered, "{path:#?}");
    assert_eq!(path.src, Some(ip("10.5.1.2")));
    assert_eq!(
        lines(&path.steps)[..9],
        [
            "pod: lab-pod1/eth0 10.5.1.2/24 up, mtu 1450",
            "pod-route: default via 10.5.1.1 dev eth0",
            "veth: lab-pod1/eth0 = veth0, both up",
            "bridge: veth0 on cni0, forwarding; behind it lab-pod1/eth0",
            "pod-neighbour: 10.5.1.1 = ba:d3:9f:70:8a:e8 REACHABLE",
            "rule: rule 32766: lookup main",
            "route: 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink",
            "forward: net.ipv4.conf.cni0.forwarding = 1",
            "firewall: forward and postrouting accept",
        ]
    );
    assert_eq!(
        ids(&path.back),
        [
            "back-outer",
            "back-outer-firewall",
            "back-vtep",
            "back-rule",
            "back-route",
            "back-forward",
            "back-firewall",
            "back-neighbour",
            "back-port",
            "back-delivery"
        ]
    );
    assert_eq!(codes(&path), Vec::<&str>::new());
    // The source address alone says which pod.
    let query = Query { from: Some(ip("10.5.1.2")), ..Query::to(ip("10.5.2.2")) };
    let by_address = trace(&node(), &query);
    assert_eq!(by_address.steps, path.steps);
    assert_eq!([path.pod.as_deref(), by_address.pod.as_deref()], [Some("lab-pod1"); 2]);
}

#[test]
fn two_pods_of_one_bridge_meet_past_the_nodes_routes() {
    let mut node = node();
    let path = trace(&node, &from_pod("web", "10.5.1.2"));
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::Delivered, vec![]), "{path:#?}");
    let want = ["pod", "pod-route", "veth", "bridge", "pod-neighbour", "firewall", "port", "delivery"];
    assert_eq!(ids(&path.steps), want);
    let back: Vec<String> = want.iter().map(|id| format!("back-{id}")).collect();
    assert_eq!(ids(&path.back), back);
    for port in ["veth0", "veth1"] {
        node.state.links.get_mut(&dev(port)).unwrap().port.as_mut().unwrap().isolated = true;
    }
    let (at, found, fix) = death(&trace(&node, &from_pod("web", "10.5.1.2")));
    assert_eq!((at.as_str(), found[0]), ("port", "bridge.port"));
    assert_eq!(fix, "bridge link set dev veth1 isolated off");
    // Isolated ports still reach the node.
    let path = trace(&node, &from_pod("web", "10.5.2.2"));
    assert_eq!(path.verdict, Verdict::Delivered, "{path:#?}");
}

#[test]
fn the_node_is_an_end_too_and_its_answer_goes_into_the_pod() {
    let path = trace(&node(), &from_pod("web", "10.5.1.1"));
    assert_eq!(path.verdict, Verdict::Delivered, "{path:#?}");
    assert_eq!(ids(&path.steps)[5..], ["rule", "route", "firewall", "delivery"]);
    assert_eq!(
        ids(&path.back),
        ["back-rule", "back-route", "back-firewall", "back-neighbour", "back-port", "back-delivery"]
    );
    let path = trace(&node(), &Query::to(ip("10.5.1.1")));
    assert_eq!((path.verdict.clone(), path.back.len()), (Verdict::Delivered, 0), "{path:#?}");
}

#[test]
fn the_world_sees_the_nodes_address() {
    let path = trace(&node(), &from_pod("web", "192.0.2.1"));
    assert_eq!(path.verdict, Verdict::Delivered, "{path:#?}");
    let told = lines(&path.steps);
    assert!(told.contains(&"postrouting: the source becomes 192.168.50.11".to_owned()), "{told:?}");
    assert_eq!(path.back.last().unwrap().object, "web/eth0 10.5.1.3/24 up");
}

#[test]
fn what_is_wrong_inside_a_pod_is_mended_inside() {
    let dst = "10.5.2.2";
    let named = Query { from: Some(ip("10.5.1.2")), ..from_pod("lab-pod1", dst) };
    let within = |line: &str| format!("ip netns exec lab-pod1 {line}");

    let mut bare = node();
    let state = inside(&mut bare, "lab-pod1");
    state.addrs.retain(|key, _| key.dev != dev("eth0"));
    state.routes.clear();
    let address = within("ip addr replace 10.5.1.2/24 brd + dev eth0");
    let default = within("ip route replace default via 10.5.1.1 dev eth0");
    let want = ("pod".to_owned(), vec!["pod.noaddr"], format!("{address} && {default}"));
    assert_eq!(death(&trace(&bare, &named)), want);
    // Nobody knows which address it should have.
    let (_, found, fix) = death(&trace(&bare, &from_pod("lab-pod1", dst)));
    assert_eq!((found, fix.as_str()), (vec!["pod.noaddr"], ""));

    let mut lost = node();
    inside(&mut lost, "lab-pod1").routes.retain(|key, _| key.dst.prefix_len() > 0);
    assert_eq!(death(&trace(&lost, &named)), ("pod-route".to_owned(), vec!["pod.noroute"], default.clone()));

    let mut stale = node();
    let key = NeighKey { dev: dev("eth0"), ip: ip("10.5.1.1") };
    inside(&mut stale, "lab-pod1").neighs.get_mut(&key).unwrap().mac = Some(ELSEWHERE);
    let gone = within("ip neigh del 10.5.1.1 dev eth0");
    assert_eq!(death(&trace(&stale, &named)), ("pod-neighbour".to_owned(), vec!["pod.neigh"], gone));

    // A device that is down lost its routes, and is what is wrong.
    let mut down = lost;
    inside(&mut down, "lab-pod1").links.get_mut(&dev("eth0")).unwrap().up = false;
    let up = within("ip link set eth0 up");
    assert_eq!(
        death(&trace(&down, &named)),
        ("veth".to_owned(), vec!["veth.down"], format!("{up} && {default}"))
    );
}

/// Breaks one thing of the node, and where the packet of lab-pod1 and the one to it then die.
fn cut(by: impl Fn(&mut Snapshot)) -> [(String, Vec<String>, String); 2] {
    let mut node = node();
    by(&mut node);
    // What the kernel makes of it in the end.
    let neigh = NeighKey { dev: dev("cni0"), ip: ip("10.5.1.2") };
    node.state.neighs.entry(neigh).and_modify(|have| (have.mac, have.state) = (None, nud::FAILED));
    [from_pod("lab-pod1", "10.5.2.2"), Query::to(ip("10.5.1.2"))].map(|query| {
        let path = trace(&node, &query);
        let (at, found, fix) = death(&path);
        (at, found.into_iter().map(str::to_owned).collect(), fix)
    })
}

#[test]
fn the_wire_between_a_pod_and_its_bridge_is_looked_at_from_both_sides() {
    let both = |at: [&str; 2], code: &str, fix: &str| {
        at.map(|at| (at.to_owned(), vec![code.to_owned()], fix.to_owned()))
    };
    let link = |node: &mut Snapshot, name: &str, edit: fn(&mut crate::state::Link)| {
        edit(node.state.links.get_mut(&dev(name)).unwrap());
    };
    assert_eq!(
        cut(|node| link(node, "veth0", |veth| veth.up = false)),
        both(["veth", "port"], "veth.down", "ip link set veth0 up")
    );
    assert_eq!(
        cut(|node| link(node, "veth0", |veth| veth.master = None)),
        both(["bridge", "port"], "bridge.port", "ip link set veth0 master cni0")
    );
    assert_eq!(
        cut(|node| link(node, "veth0", |veth| veth.port.as_mut().unwrap().state = 4)),
        both(["bridge", "port"], "bridge.port", "bridge link set dev veth0 state 3")
    );
    assert_eq!(
        cut(|node| link(node, "cni0", |bridge| bridge.vlan_filtering = true)),
        both(["bridge", "port"], "bridge.port", "bridge vlan add dev veth0 vid 1 pvid untagged")
    );
    assert_eq!(
        cut(|node| link(node, "cni0", |bridge| bridge.up = false)),
        both(["bridge", "port"], "bridge.port", "ip link set cni0 up")
    );
}

#[test]
fn a_bridge_that_kept_another_subnet_is_nobodys_gateway() {
    let mut node = node();
    let key = *node.state.addrs.keys().find(|key| key.dev == dev("cni0")).unwrap();
    let addr = node.state.addrs.remove(&key).unwrap();
    let (at, found, fix) = death(&trace(&node, &from_pod("web", "10.5.2.2")));
    assert_eq!((at.as_str(), found[0]), ("bridge", "bridge.stale"));
    assert_eq!(fix, "ip addr replace 10.5.1.1/24 brd + dev cni0");
    node.state.addrs.insert(crate::state::AddrKey { net: "10.5.9.1/24".parse().unwrap(), ..key }, addr);
    let (_, _, fix) = death(&trace(&node, &from_pod("web", "10.5.2.2")));
    assert_eq!(fix, "ip addr del 10.5.9.1/24 dev cni0 && ip addr replace 10.5.1.1/24 brd + dev cni0");
}

#[test]
fn an_address_that_no_pod_has_is_missed_only_where_all_were_seen() {
    let mut node = node();
    let (at, found, _) = death(&trace(&node, &Query::to(ip("10.5.1.77"))));
    assert_eq!((at.as_str(), found[0]), ("delivery", "pod.noaddr"));
    *inside(&mut node, "web") = State::default();
    let path = trace(&node, &Query::to(ip("10.5.1.77")));
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::DeliveredIf, vec!["stage.unknown"]));
    // The node's own entry tells of one that was not looked into.
    let path = trace(&node, &Query::to(ip("10.5.1.3")));
    assert_eq!(path.verdict, Verdict::Delivered, "{path:#?}");
    assert_eq!(lines(&path.steps).last().unwrap(), "port: 8e:85:a2:fc:ab:89 -> veth1 on cni0");
    let path = trace(&node, &from_pod("web", "10.5.2.2"));
    assert_eq!(path.verdict, Verdict::DeliveredIf, "{path:#?}");
}

#[test]
fn frames_for_a_pod_go_where_node_and_bridge_think_it_is() {
    let mut node = node();
    let key = NeighKey { dev: dev("cni0"), ip: ip("10.5.1.2") };
    let real = node.state.neighs.get(&key).unwrap().mac.unwrap();
    node.state.neighs.get_mut(&key).unwrap().mac = Some(ELSEWHERE);
    let (at, found, fix) = death(&trace(&node, &Query::to(ip("10.5.1.2"))));
    assert_eq!((at.as_str(), found[0]), ("neighbour", "pod.neigh"));
    assert_eq!(fix, "ip neigh del 10.5.1.2 dev cni0");
    // The pod's own packets leave, and the answers die.
    let (at, found, _) = death(&trace(&node, &from_pod("lab-pod1", "10.5.2.2")));
    assert_eq!((at.as_str(), found[0]), ("back-neighbour", "pod.neigh"));
    node.state.neighs.get_mut(&key).unwrap().mac = Some(real);
    let entry = |port: &str| FdbKey { dev: dev(port), mac: real, vlan: 0, master: true };
    let row = node.state.fdb.remove(&entry("veth0")).unwrap();
    assert_eq!(trace(&node, &Query::to(ip("10.5.1.2"))).verdict, Verdict::Delivered);
    node.state.fdb.insert(entry("veth1"), row);
    let (at, found, fix) = death(&trace(&node, &Query::to(ip("10.5.1.2"))));
    assert_eq!((at.as_str(), found[0]), ("port", "bridge.port"));
    assert_eq!(fix, format!("bridge fdb del {real} dev veth1 master"));
}

#[test]
fn answers_die_where_requests_do_not_go() {
    let dst = "10.5.2.2";
    let mut strict = node();
    let facts = &mut strict.state.facts;
    facts.insert("sysctl:net.ipv4.conf.flannel/1.rp_filter".to_owned(), "1".to_owned());
    assert_eq!(trace(&strict, &from_pod("web", dst)).verdict, Verdict::Delivered);

    let rule = |hook: &str, text: &str| {
        let mut node = node();
        let rules = format!(
            r#"{{"nftables":[{{"table":{{"family":"ip","name":"site","handle":1}}}},
            {{"chain":{{"family":"ip","table":"site","name":"c","handle":1,"type":"filter","hook":"{hook}","prio":0,"policy":"accept"}}}},
            {{"rule":{{"family":"ip","table":"site","chain":"c","handle":2,"expr":[{text},{{"drop":null}}]}}}}]}}"#
        );
        let more = nft::parse(&rules).unwrap();
        node.state.firewall.as_mut().unwrap().tables.extend(more);
        node
    };
    let port = r#"{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},"right":8472}}"#;
    let (at, found, fix) = death(&trace(&rule("input", port), &from_pod("web", dst)));
    assert_eq!((at.as_str(), found[0]), ("back-outer-firewall", "outer.filtered"));
    assert_eq!(fix, "nft insert rule ip site c udp dport 8472 accept");
    let tunnel = r#"{"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"flannel.1"}}"#;
    let node = rule("forward", tunnel);
    let (at, found, _) = death(&trace(&node, &from_pod("web", dst)));
    assert_eq!((at.as_str(), found[0]), ("back-firewall", "filter.forward"));
    assert_eq!(trace(&node, &Query::to(ip(dst))).verdict, Verdict::Delivered);
}

#[test]
fn a_pod_may_send_more_than_the_tunnel_takes() {
    let mut node = node();
    inside(&mut node, "web").links.get_mut(&dev("eth0")).unwrap().mtu = 1500;
    let path = trace(&node, &from_pod("web", "10.5.2.2"));
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::Delivered, vec!["mtu.inner"]));
    let path = trace(&node, &from_pod("web", "192.0.2.1"));
    assert_eq!(codes(&path), Vec::<&str>::new());
}

const GUARD: &str = "ip netns exec lab-pod1 nft insert rule ip guard";

/// lab-pod1's own rules, as `nft -j list ruleset` tells them.
fn guarded(hook: &str, rule: &str) -> Snapshot {
    let mut node = node();
    let chain = format!(
        r#"{{"chain":{{"family":"ip","table":"guard","name":"{hook}","handle":1,"type":"filter","hook":"{hook}","prio":0,"policy":"accept"}}}}"#
    );
    let rule = format!(
        r#"{{"rule":{{"family":"ip","table":"guard","chain":"{hook}","handle":2,"expr":[{rule}]}}}}"#
    );
    let text =
        format!(r#"{{"nftables":[{{"table":{{"family":"ip","name":"guard","handle":1}}}},{chain},{rule}]}}"#);
    let tables = nft::parse(&text).unwrap();
    inside(&mut node, "lab-pod1").firewall = Some(Ruleset { tables, unseen: Vec::new() });
    let mut pods = node.pods.iter_mut();
    pods.find(|pod| pod.name == "lab-pod1").unwrap().aliases.push("/run/netns/lab-pod1".to_owned());
    node
}

#[test]
fn a_pods_own_firewall_is_walked_on_the_way_out_and_on_the_way_in() {
    let query = from_pod("lab-pod1", "10.5.2.2");
    let path = trace(&guarded("output", r#"{"drop":null}"#), &query);
    let out = format!("{GUARD} output ip saddr 10.5.1.2 ip daddr 10.5.2.2 accept");
    let (at, codes, fix) = death(&path);
    assert_eq!((at.as_str(), codes), ("pod-firewall", vec!["pod.filter"]));
    assert!(fix.starts_with(&out) && fix.contains(&format!(" && {GUARD} output ip saddr 10.5.2.2")), "{fix}");
    // Requests leave, answers die.
    let path = trace(&guarded("input", r#"{"drop":null}"#), &query);
    let (at, codes, _) = death(&path);
    assert_eq!((at.as_str(), codes), ("back-pod-firewall", vec!["pod.filter"]));
    assert!(ids(&path.steps).contains(&"pod-firewall"), "{:?}", ids(&path.steps));
    // The other pod of this node asks this one.
    let path = trace(
        &guarded("input", r#"{"reject":{"type":"icmp","expr":"admin-prohibited"}}"#),
        &from_pod("web", "10.5.1.2"),
    );
    let (at, found, _) = death(&path);
    assert_eq!((at.as_str(), found), ("pod-firewall", vec!["pod.filter"]));
    assert!(matches!(path.verdict, Verdict::Rejected(_)), "{:?}", path.verdict);
}

#[test]
fn what_a_pods_rules_leave_alone_passes_and_what_they_turn_is_not_foretold() {
    let query = from_pod("lab-pod1", "10.5.2.2");
    let path = trace(&guarded("output", r#"{"accept":null}"#), &query);
    assert_eq!((&path.verdict, codes(&path)), (&Verdict::Delivered, vec![]), "{path:#?}");
    let step = path.steps.iter().find(|step| step.id == "pod-firewall").unwrap();
    assert_eq!(step.object, "output and postrouting of lab-pod1 accept");
    assert_eq!(step.command, "ip netns exec lab-pod1 nft list ruleset");
    let mut empty = node();
    inside(&mut empty, "lab-pod1").firewall = Some(Ruleset::default());
    let path = trace(&empty, &query);
    assert!(lines(&path.steps).contains(&"pod-firewall: lab-pod1 has no rules of its own".to_owned()));
    assert_eq!(path.verdict, Verdict::Delivered);
    // A sidecar takes what the pod sends.
    let turn = r#"{"dnat":{"addr":"127.0.0.1","port":15001}}"#;
    let path = trace(&guarded("output", turn), &Query { proto: 6, dport: Some(80), ..query });
    let step = path.steps.iter().find(|step| step.id == "pod-firewall").unwrap();
    assert_eq!((step.mark, &path.verdict), (Mark::Unseen, &Verdict::DeliveredIf), "{path:#?}");
}
