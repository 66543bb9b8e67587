//! A node that somebody made by hand: no agent tells of its uplink.

use super::found::vxlan;
use super::node::{by, codes, dev, examined, main_route};
use crate::snapshot::Snapshot;

/// The link route of the underlay is gone, and the default route leads out by another device.
fn elsewhere(near: &mut Snapshot) {
    near.uplink = None;
    let other = near.state.links[&dev("eth0")].clone();
    near.state.links.insert(dev("eth1"), other);
    near.state.routes.remove(&main_route("192.168.50.0/24"));
    near.state.routes.insert(main_route("0.0.0.0/0"), vec![by("eth1", Some("10.9.9.1"))]);
}

#[test]
fn the_device_that_the_tunnel_was_put_on_or_that_has_its_address_is_the_way_out() {
    for bound in [true, false] {
        let report = examined(|near, _| {
            elsewhere(near);
            vxlan(near).lower = bound.then(|| dev("eth0"));
        });
        assert_eq!(codes(&report), ["outer.wrongdev"], "bound {bound}: {:#?}", report.findings);
        let fix = report.findings[0].fix.as_ref().unwrap();
        assert_eq!(fix.command, "ip route replace 192.168.50.0/24 dev eth0 src 192.168.50.11");
    }
}
