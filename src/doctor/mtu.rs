//! Sizes along the packet's way, and what spoils packets on it.

use super::device::wanted;
use super::ground::{Ground, NO_DEVICE};
use super::{Outcome, words};
use crate::finding::{Finding, mtu, pod};
use crate::net::IfName;
use crate::overlay::vxlan::{OVERHEAD_V4, OVERHEAD_V6};
use crate::state::fib::{Answer, Flow, lookup};
use crate::state::{LinkKind, RouteKey};

/// Network cards whose checksum offload is known to spoil what a tunnel sends.
const SPOILERS: &[&str] = &["vmxnet3"];

/// Does a full packet of the tunnel fit the underlay?
pub(super) fn outer(ground: &Ground<'_>) -> Outcome {
    let Some(uplink) = ground.uplink else { return Outcome::unseen("the uplink is not known") };
    let Some(under) = ground.state().links.get(&uplink) else {
        return Outcome::unseen(format!("there is no device {uplink}"));
    };
    let mut seen = false;
    let mut found: Vec<Finding> = Vec::new();
    for (dev, link) in ground.there() {
        seen = true;
        let overhead = if dev.v6 { OVERHEAD_V6 } else { OVERHEAD_V4 };
        let by = uplink.to_string();
        if link.mtu.saturating_add(overhead) > under.mtu {
            let what = mtu::Outer { tunnel: dev.name, mtu: link.mtu, overhead, by: &by, room: under.mtu };
            found.push(mtu::outer(ground.node(), what));
        }
    }
    found.extend(narrow_routes(ground));
    if seen { Outcome::of(found) } else { Outcome::unseen(NO_DEVICE) }
}

/// Routes to peers' public addresses that carry less than their device does.
fn narrow_routes(ground: &Ground<'_>) -> Vec<Finding> {
    let state = ground.state();
    let some = state.routes.iter().flat_map(|(key, twins)| twins.iter().map(move |route| (key, route)));
    let some: Vec<(&RouteKey, u32, String)> = some
        .filter_map(|(key, route)| Some((key, route.mtu.filter(|mtu| *mtu > 0)?, words::route(key, route))))
        .collect();
    let mut found: Vec<Finding> = Vec::new();
    let behind = ground.peers().iter().filter(|peer| {
        !ground.is_direct(peer) && some.iter().any(|(key, ..)| key.dst.contains(&peer.public))
    });
    for peer in behind {
        let there = ground.there().find(|(dev, _)| dev.name == peer.dev);
        let Some((dev, link)) = there else { continue };
        let Answer::Route { key, .. } = lookup(state, &Flow { proto: 17, ..Flow::to(peer.public) }).answer
        else {
            continue;
        };
        let overhead = if dev.v6 { OVERHEAD_V6 } else { OVERHEAD_V4 };
        let taken = some.iter().find(|(narrow, ..)| **narrow == key);
        let Some((_, room, words)) = taken.filter(|(_, room, _)| link.mtu.saturating_add(overhead) > *room)
        else {
            continue;
        };
        let by = format!("the route {words}");
        let what = mtu::Outer { tunnel: dev.name, mtu: link.mtu, overhead, by: &by, room: *room };
        let finding = mtu::outer(ground.node(), what);
        if !found.contains(&finding) {
            found.push(finding);
        }
    }
    found
}

/// Do pods send no larger packets than the tunnel takes?
pub(super) fn inner(ground: &Ground<'_>) -> Outcome {
    let Some((dev, tunnel)) = narrowest(ground) else { return Outcome::unseen(NO_DEVICE) };
    let ports = |name: &IfName| ground.state().links.get(name).is_some_and(|link| link.mtu > tunnel);
    let mut found = Vec::new();
    let mut seen = false;
    for view in ground.pods() {
        seen = true;
        let Some(link) = view.pod.state.links.get(&view.dev) else { continue };
        if link.mtu > tunnel {
            let inside = pod::inside(&view.pod.name, &view.pod.aliases);
            let (own, room) = ((view.dev, link.mtu), (dev, tunnel));
            let finding = mtu::inner(ground.node(), &view.pod.name, own, room, inside.as_deref());
            // A tunnel that is narrower than it need be is to be widened: the pods are as they were made.
            let may =
                ground.devices.iter().find(|own| own.name == dev).and_then(|own| wanted(ground, own).mtu);
            found.push(match may.filter(|may| (link.mtu..).contains(may)) {
                Some(may) => finding
                    .fix(format!("ip link set {dev} mtu {may}"))
                    .lasting("a running agent keeps its device's MTU by itself"),
                None => finding,
            });
        }
    }
    if seen {
        return Outcome::of(found);
    }
    // Without a look into the pods their ends on the bridge tell: both ends are made with one MTU.
    let links = ground.state().links.iter();
    let of_bridge: Vec<IfName> = links
        .filter(|(_, link)| {
            matches!(link.kind, LinkKind::Veth { .. })
                && link.master.is_some_and(|master| ground.bridges.contains(&master))
        })
        .map(|(name, _)| *name)
        .collect();
    if of_bridge.is_empty() {
        return Outcome::unseen("no pod was seen");
    }
    let wide = of_bridge.into_iter().filter(ports).filter_map(|name| {
        let link = ground.state().links.get(&name)?;
        Some(mtu::inner(ground.node(), "a pod", (name, link.mtu), (dev, tunnel), None))
    });
    Outcome::of(wide.collect())
}

/// The device with the smallest MTU: in a dual stack one packet may take either.
fn narrowest(ground: &Ground<'_>) -> Option<(IfName, u32)> {
    ground.there().map(|(dev, link)| (dev.name, link.mtu)).min_by_key(|(_, mtu)| *mtu)
}

/// Do checksums survive the network card?
pub(super) fn checksums(ground: &Ground<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    for (dev, _) in ground.there() {
        let Some(offload) = ground.fact(&format!("offload:{}/tx-checksum-ip-generic", dev.name)) else {
            continue;
        };
        let Some(driver) = ground.uplink.and_then(|uplink| ground.fact(&format!("driver:{uplink}"))) else {
            continue;
        };
        seen = true;
        if offload == "on" && SPOILERS.contains(&driver) {
            let errors = ground.fact("snmp:Udp.InCsumErrors").and_then(|n| n.parse::<u64>().ok());
            found.push(mtu::checksum(ground.node(), dev.name, driver, errors.filter(|n| *n > 0)));
        }
    }
    if seen { Outcome::of(found) } else { Outcome::unseen("offloads and drivers were not seen") }
}

/// Do both ends of the tunnel have the same MTU?
pub(super) fn symmetric(ground: &Ground<'_>) -> Outcome {
    if ground.others.is_empty() {
        return Outcome::unseen("no snapshot of a peer (--peer FILE)");
    }
    let mut found = Vec::new();
    for other in ground.others {
        for (dev, link) in ground.there() {
            let Some(there) = other.state.links.get(&dev.name).map(|link| link.mtu) else { continue };
            if there != link.mtu {
                found.push(mtu::asymmetric(ground.node(), dev.name, link.mtu, &other.host, there));
            }
        }
    }
    Outcome::of(found)
}
