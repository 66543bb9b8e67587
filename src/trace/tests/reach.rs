//! How far a way was seen: the device that the outer packet has to leave by, and who takes it from the wire.

use super::kinds::{codes, dev, device, fix, node, route, walk};
use crate::snapshot::Snapshot;
use crate::state::LinkKind;
use crate::trace::Verdict;

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
