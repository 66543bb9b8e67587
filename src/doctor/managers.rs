//! Programs of the machine that meddle with the overlay's device. They are the machine's: a namespace that is not the
//! machine's own (a lab's node, a container) says nothing about them.

use super::Outcome;
use super::ground::{Ground, NO_DEVICE};
use crate::finding::manager;
use crate::state::LinkKind;

/// Why facts of the machine are not judged.
const NOT_THE_MACHINES: &str =
    "this is not the machine's own network namespace: what runs on the machine is no matter here";

/// Would systemd give the device another MAC?
pub(super) fn mac_policy(ground: &Ground<'_>) -> Outcome {
    if !ground.is_machine() {
        return Outcome::unseen(NOT_THE_MACHINES);
    }
    let Some(device) = ground.devices.first() else { return Outcome::unseen(NO_DEVICE) };
    match ground.fact("link-policy:") {
        None => Outcome::unseen("systemd's link files were not seen"),
        Some("" | "none") => Outcome::Fine,
        Some(file) => Outcome::Found(vec![manager::mac_policy(ground.node(), device.name.as_str(), file)]),
    }
}

/// Does a network manager look after the device?
pub(super) fn managed(ground: &Ground<'_>) -> Outcome {
    if !ground.is_machine() {
        return Outcome::unseen(NOT_THE_MACHINES);
    }
    let Some(device) = ground.devices.first() else { return Outcome::unseen(NO_DEVICE) };
    let dev = device.name.as_str();
    let mut found = Vec::new();
    let mut seen = false;
    for (unit, manager) in
        [("NetworkManager", "NetworkManager"), ("dhcpcd", "dhcpcd"), ("systemd-networkd", "systemd-networkd")]
    {
        seen |= ground.fact(&format!("unit:{unit}")).is_some();
        // That it runs is no harm: only that it has the device among its own.
        if let Some(how) = ground.fact(&format!("managed:{manager}/{dev}")).filter(|how| *how != "no") {
            found.push(manager::managed(ground.node(), dev, manager, how));
        }
    }
    match (found.is_empty(), seen) {
        (true, false) => Outcome::unseen("which network managers run was not seen"),
        _ => Outcome::of(found),
    }
}

/// Does another tunnel device take packets meant for ours?
pub(super) fn rivals(ground: &Ground<'_>) -> Outcome {
    if ground.state().links.is_empty() {
        return Outcome::unseen("no devices were read");
    }
    let Some(conf) = ground.vxlan() else { return Outcome::unseen(super::ground::NO_CONF) };
    let ours = |name| ground.devices.iter().any(|dev| dev.name == name);
    let Some(first) = ground.devices.first() else { return Outcome::Fine };
    let others = ground.state().links.iter().filter(|(name, _)| !ours(**name));
    let rivals = others.filter_map(|(name, link)| {
        let LinkKind::Vxlan(vxlan) = &link.kind else { return None };
        // The kernel tells tunnels of one port apart by VNI, then by local address and lower device.
        let meets = vxlan.port == conf.port && vxlan.vni == conf.vni;
        let evidence = format!("{name}: vxlan id {} dstport {}", vxlan.vni, vxlan.port);
        let ours = ground.state().links.contains_key(&first.name);
        let again = (!ours).then(|| super::device::again(ground, first)).flatten();
        let (node, dev) = (ground.node(), first.name.as_str());
        meets.then(|| manager::rival_device(node, dev, name.as_str(), &evidence, again.as_deref()))
    });
    Outcome::of(rivals.collect())
}
