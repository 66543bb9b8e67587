use std::collections::BTreeSet;

use super::{BadShape, Peer, Shape};

fn shape(nodes: u16, segments: u8, nat: bool, ipv6: bool) -> Shape {
    Shape { name: "lab".into(), nodes, segments, nat, ipv6 }
}

#[test]
fn names_and_counts_are_checked_at_the_door() {
    let named = |name: &str| Shape { name: name.into(), ..shape(3, 1, false, false) };
    for (case, want) in [
        (named("lab"), Ok(())),
        (named("a-1"), Ok(())),
        (named(""), Err(BadShape::Name("".into()))),
        (named("../x"), Err(BadShape::Name("../x".into()))),
        (named("-x"), Err(BadShape::Name("-x".into()))),
        (shape(0, 1, false, false), Err(BadShape::Nodes(0))),
        (shape(101, 1, false, false), Err(BadShape::Nodes(101))),
        (shape(3, 3, false, false), Err(BadShape::Segments(3))),
        (shape(3, 1, true, true), Err(BadShape::NatV6)),
    ] {
        assert_eq!(case.check(), want, "{case:?}");
    }
}

#[test]
fn a_plain_lab_is_one_segment_with_the_world_as_its_gateway() {
    let plan = shape(3, 1, false, true).layout();
    let addrs: Vec<_> = plan.nodes.iter().map(|n| n.addr.to_string()).collect();
    assert_eq!(addrs, ["192.168.50.11", "192.168.50.12", "192.168.50.13"]);
    let eth0 = plan.nics.iter().find(|n| n.netns == "lab-node2").unwrap();
    let text: Vec<_> = eth0.addrs.iter().map(ToString::to_string).collect();
    assert_eq!(text, ["192.168.50.12/24", "fd50::12/64"]);
    let gateways: Vec<_> = eth0.routes.iter().map(|(to, by)| format!("{to} {by}")).collect();
    assert_eq!(gateways, ["0.0.0.0/0 192.168.50.2", "::/0 fd50::2"]);
    assert_eq!(plan.router, None);
}

#[test]
fn nodes_alternate_over_two_segments() {
    let plan = shape(4, 2, false, false).layout();
    let addrs: Vec<_> = plan.nodes.iter().map(|n| n.addr.to_string()).collect();
    assert_eq!(addrs, ["192.168.50.11", "192.168.60.12", "192.168.50.13", "192.168.60.14"]);
    assert_eq!(plan.router.as_deref(), Some("lab-router"));
    let bridges: Vec<_> = plan
        .nics
        .iter()
        .filter_map(|n| match &n.peer {
            Peer::Port { port, bridge } if port.starts_with("node") => Some(*bridge),
            _ => None,
        })
        .collect();
    assert_eq!(bridges, ["br0", "br1", "br0", "br1"]);
}

#[test]
fn behind_nat_the_node_holds_a_private_address_and_advertises_the_public_one() {
    let plan = shape(2, 1, true, false).layout();
    let node = &plan.nodes[1];
    assert_eq!(node.addr.to_string(), "10.0.2.2");
    assert_eq!(node.public.unwrap().to_string(), "203.0.113.12");
    assert_eq!(plan.nat.len(), 2);
    let wire = plan.nics.iter().find(|n| n.netns == "lab-node2").unwrap();
    assert!(matches!(&wire.peer, Peer::Wire { netns, name: "lan", .. } if netns == "lab-nat2"));
}

#[test]
fn no_address_no_port_and_no_namespace_is_given_twice() {
    for (segments, nat, ipv6) in [(1, false, true), (2, false, true), (1, true, false), (2, true, false)] {
        let plan = shape(100, segments, nat, ipv6).layout();
        let names = plan.namespaces();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        let addrs: Vec<_> = plan.nics.iter().flat_map(|n| n.addrs.iter().map(|a| a.addr())).collect();
        assert_eq!(addrs.iter().collect::<BTreeSet<_>>().len(), addrs.len(), "{segments} {nat} {ipv6}");
        assert!(names.iter().all(|n| n.starts_with("lab-")));
    }
}
