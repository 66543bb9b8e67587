//! How far a way was seen: the device that the outer packet has to leave by, and who takes it from the wire.

use super::kinds::{codes, dev, device, fix, node, route, walk};
use crate::snapshot::Snapshot;
use crate::state::{Df, Encap, LinkKind};
use crate::trace::{Path, Query, Verdict, trace};

#[test]
fn a_node_without_an_agent_still_has_the_device_that_the_tunnel_was_put_on() {
    let mut node = node();
    assert_eq!(node.uplink, None);
    node.state.routes.retain(|key, _| key.dst != "192.168.50.0/24".parse().unwrap());
    device(&mut node, "eth1", "dummy", 1500);
    route(&mut node, "0.0.0.0/0", Some("10.9.9.1"), "eth1");
    let path = walk(&node, "10.5.2.3");
    assert_eq!((path.verdict.clone(), codes(&path)), (Verdict::Dropped, vec!["outer.wrongdev"]), "{path:#?}");
    assert_eq!(fix(&path), "ip route replace 192.168.50.0/24 dev eth0 src 192.168.50.11");
    // Where it was put on none, its own address tells.
    if let LinkKind::Vxlan(vxlan) = &mut node.state.links.get_mut(&dev("flannel.1")).unwrap().kind {
        (vxlan.lower, vxlan.local) = (None, Some("192.168.50.11".parse().unwrap()));
    }
    assert_eq!(codes(&walk(&node, "10.5.2.3")), ["outer.wrongdev"]);
}

#[test]
fn who_took_a_packet_for_the_world_is_told_and_that_nothing_behind_was_seen() {
    let mut node = node();
    let told = |node: &Snapshot, dst: &str| {
        let path = walk(node, dst);
        let handed = path.handed.as_ref().map(|handed| format!("{} {}", handed.to, handed.dev));
        (path.verdict.clone(), path.far.clone(), handed)
    };
    route(&mut node, "0.0.0.0/0", Some("192.168.50.1"), "eth0");
    let handed = Some("192.168.50.1 eth0".to_owned());
    assert_eq!(told(&node, "203.0.113.9"), (Verdict::Delivered, None, handed));
    let itself = Some("192.168.50.12 eth0".to_owned());
    assert_eq!(told(&node, "192.168.50.12"), (Verdict::Delivered, None, itself));
    assert_eq!(told(&node, "192.168.50.11").2, None);
}

/// A packet of this size for the peer's pod: its verdict, its codes, and what is said of its size.
fn sized(node: &Snapshot, size: u32, df: bool) -> (Verdict, Vec<&'static str>, String) {
    let path: Path = trace(node, &Query { size, df, ..Query::to("10.5.2.3".parse().unwrap()) });
    let step = path.steps.iter().find(|step| step.id == "mtu").unwrap();
    (path.verdict.clone(), codes(&path), step.object.clone())
}

#[test]
fn what_may_be_fragmented_is_and_what_may_not_is_told_or_dies() {
    let sound = node();
    let told = "1500 > flannel.1 1450: the sender is told mtu 1450, and sends smaller ones";
    assert_eq!(sized(&sound, 1500, true), (Verdict::Delivered, vec![], told.to_owned()));
    let cut = "1500 > flannel.1 1450: in 2 fragments, 1450 + 50 <= eth0 1500";
    assert_eq!(sized(&sound, 1500, false), (Verdict::Delivered, vec![], cut.to_owned()));
    // The underlay is too narrow for the tunnel.
    let mut narrow = node();
    narrow.state.links.get_mut(&dev("eth0")).unwrap().mtu = 1400;
    let dies = |df| sized(&narrow, 1422, df).0;
    assert_eq!([dies(true), dies(false)], [Verdict::Dropped, Verdict::Delivered]);
    let (_, found, object) = sized(&narrow, 1422, false);
    assert_eq!(object, "1422 <= flannel.1 1450, 1422 + 50 > eth0 1400: outside in 2 fragments");
    assert_eq!(found, ["mtu.outer"]);
    // A tunnel that forbids it for its own packets.
    let link = narrow.state.links.get_mut(&dev("flannel.1")).unwrap();
    link.encap = Some(Encap { df: Df::Set, ..Encap::default() });
    assert_eq!(sized(&narrow, 1422, false).0, Verdict::Dropped);
}
