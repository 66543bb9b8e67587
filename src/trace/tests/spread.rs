//! Services: what is drawn from several servers is listed and followed server by server.

use super::kinds::{codes, node};
use crate::firewall::{Owner, Ruleset, iptables};
use crate::net::Mac;
use crate::snapshot::Snapshot;
use crate::state::fib::Flow;
use crate::state::ipvs::{Matches, Server, Service};
use crate::state::{Neigh, NeighKey, Route, RouteKey, Told, nud, table};
use crate::trace::{Mark, Path, Query, Verdict, disagreement, trace};

const VIP: &str = "10.96.0.10";

/// kube-proxy's rules for a service with two servers, one here and one on the peer.
const RULES: &str = "*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-DNS - [0:0]
:KUBE-SEP-A - [0:0]
:KUBE-SEP-B - [0:0]
-A PREROUTING -j KUBE-SERVICES
-A OUTPUT -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.10/32 -p udp -m udp --dport 53 -j KUBE-SVC-DNS
-A KUBE-SVC-DNS -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-A
-A KUBE-SVC-DNS -j KUBE-SEP-B
-A KUBE-SEP-A -p udp -m udp -j DNAT --to-destination 10.5.2.3:5353
-A KUBE-SEP-B -p udp -m udp -j DNAT --to-destination 10.5.2.4:5353
COMMIT
";

fn dns() -> Query {
    Query { proto: 17, dport: Some(53), ..Query::to(VIP.parse().unwrap()) }
}

fn with_rules() -> Snapshot {
    let mut node = node();
    let tables = iptables::parse(RULES, "ip", Owner::IptablesLegacy);
    node.state.firewall = Some(Ruleset { tables, unseen: Vec::new() });
    node
}

fn to(path: &Path) -> Vec<String> {
    path.branches.iter().map(|branch| format!("{}: {}", branch.to, branch.verdict.word())).collect()
}

#[test]
fn each_destination_that_rules_draw_from_is_followed() {
    let path = trace(&with_rules(), &dns());
    assert_eq!(to(&path), ["10.5.2.3 port 5353: delivered", "10.5.2.4 port 5353: delivered"], "{path:#?}");
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::Delivered, vec![]));
    let step = path.steps.first().unwrap();
    assert_eq!((&*step.id, step.mark), ("service", Mark::Ok));
    assert!(step.object.starts_with("one of 2 servers"), "{}", step.object);
    assert!(path.branches[0].stages.iter().any(|step| step.object == "192.168.50.12 dev eth0 udp 8472"));
}

#[test]
fn a_forwarded_packets_servers_are_drawn_before_it_is_routed() {
    let from = Some("10.5.1.7".parse().unwrap());
    let mut node = with_rules();
    // It spoke a moment ago: somebody behind the bridge has the address.
    let key = NeighKey { dev: "cni0".parse().unwrap(), ip: "10.5.1.7".parse().unwrap() };
    let neigh = Neigh { mac: Some(Mac([2, 0, 0, 0, 0, 7])), state: nud::REACHABLE, flags: 0 };
    node.state.neighs.insert(key, neigh);
    let path = trace(&node, &Query { from, iif: Some("cni0".parse().unwrap()), ..dns() });
    assert_eq!(to(&path), ["10.5.2.3 port 5353: delivered", "10.5.2.4 port 5353: delivered"], "{path:#?}");
    let stages = &path.branches[1].stages;
    assert!(stages.iter().any(|step| &*step.id == "forward"), "{stages:#?}");
    assert!(!stages.iter().any(|step| &*step.id == "prerouting"), "{stages:#?}");
}

fn with_service(servers: &[(&str, &str, u32)]) -> Snapshot {
    let mut node = node();
    let ip = VIP.parse().unwrap();
    let server = |(ip, forward, weight): &(&str, &str, u32)| Server {
        ip: ip.parse().unwrap(),
        port: 5353,
        forward: (*forward).to_owned(),
        weight: *weight,
    };
    node.state.ipvs.push(Service {
        matches: Matches::Address { proto: 17, ip, port: 53 },
        scheduler: "rr".to_owned(),
        servers: servers.iter().map(server).collect(),
    });
    // As kube-proxy does: the address stands on a device of this host.
    let net = format!("{VIP}/32").parse().unwrap();
    let dev = "lo".parse().unwrap();
    let key = RouteKey { table: table::LOCAL, dst: net, tos: 0, metric: 0 };
    let own = RouteKey { dst: "192.168.50.11/32".parse().unwrap(), ..key };
    let route: Route = node.state.routes[&own][0].clone();
    node.state.routes.insert(key, vec![route]);
    node.state.addrs.insert(crate::state::AddrKey { dev, net }, crate::state::Addr::default());
    node
}

#[test]
fn an_ipvs_services_servers_are_each_followed() {
    let node = with_service(&[("10.5.2.3", "Masq", 1), ("10.5.2.4", "Masq", 0), ("10.5.2.5", "Tunnel", 1)]);
    let path = trace(&node, &dns());
    assert_eq!(
        to(&path),
        ["10.5.2.3 port 5353 Masq weight 1: delivered", "10.5.2.5 port 5353 Tunnel weight 1: delivered-if"],
        "{path:#?}"
    );
    assert_eq!(path.verdict, Verdict::DeliveredIf);
    assert!(!codes(&path).contains(&"route.local"));
    assert_eq!(path.steps[0].object, "10.96.0.10 udp 53 -> 2 servers (IPVS)");
}

#[test]
fn a_server_that_is_out_of_reach_is_an_error_and_leaves_the_others() {
    let node = with_service(&[("10.5.2.3", "Masq", 1), ("10.5.9.3", "Masq", 1)]);
    let path = trace(&node, &dns());
    assert_eq!(path.branches[1].verdict, Verdict::Dropped, "{path:#?}");
    assert_eq!(path.verdict, Verdict::DeliveredIf);
    assert!(path.broken() && codes(&path).contains(&"lease.none"), "{:?}", codes(&path));
    let path = trace(&with_service(&[("10.5.9.3", "Masq", 1)]), &dns());
    assert_eq!((path.verdict.clone(), path.steps[0].mark), (Verdict::Dropped, Mark::Bad));
}

#[test]
fn a_service_without_servers_refuses_and_a_ping_is_for_the_node_itself() {
    let path = trace(&with_service(&[("10.5.2.3", "Masq", 0)]), &dns());
    assert_eq!(codes(&path), ["service.empty"]);
    assert!(matches!(path.verdict, Verdict::Rejected(_)));
    let path = trace(&with_service(&[("10.5.2.3", "Masq", 1)]), &Query::to(VIP.parse().unwrap()));
    assert!(path.steps[0].object.contains("is a service's address: 10.96.0.10 udp 53"), "{path:#?}");
    assert!(path.branches.is_empty() && !codes(&path).contains(&"route.local"), "{path:#?}");
}

#[test]
fn a_kernel_that_decides_otherwise_is_told_with_both_answers() {
    let node = node();
    let flow = Flow::to("10.5.2.3".parse().unwrap());
    let key = RouteKey { table: table::MAIN, dst: "10.5.2.0/24".parse().unwrap(), tos: 0, metric: 0 };
    let route = Box::new(node.state.routes[&key][0].clone());
    assert_eq!(disagreement(&node, &flow, &Told::Row(key, route.clone())), None);
    let other = RouteKey { table: 100, ..key };
    let finding = disagreement(&node, &flow, &Told::Row(other, route.clone())).unwrap();
    assert_eq!(finding.code, "model.disagrees");
    assert_eq!(finding.evidence[0], "kernel: 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink table 100");
    let refused = Told::Refused("No route to host".to_owned());
    assert!(disagreement(&node, &flow, &refused).unwrap().evidence[0].contains("No route to host"));
    // Nobody answers for this one: the default route is not there.
    let mut bare = node.clone();
    bare.state.routes.retain(|key, _| key.dst.prefix_len() != 0);
    let flow = Flow::to("8.8.8.8".parse().unwrap());
    assert_eq!(disagreement(&bare, &flow, &refused), None);
    assert!(disagreement(&bare, &flow, &Told::Row(key, route)).is_some());
}
