//! Pods of this node: their addresses, routes, gateways, and the veth pairs and bridges that carry them.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Outcome;
use super::ground::{Ground, NO_LEASES, PodView, nth, port_of};
use crate::finding::{Finding, pod};
use crate::net::{IfName, Mac, Subnet};
use crate::state::fib::{Answer, Flow, lookup};
use crate::state::{Link, NeighKey, nud};

/// Why nothing is said of pods.
const NO_PODS: &str = "no pod was seen from here (their namespaces need root)";

/// Does every bridge of pods have this node's subnet?
pub(super) fn bridges(ground: &Ground<'_>) -> Outcome {
    let Some(own) = ground.own else { return Outcome::unseen(NO_LEASES) };
    if ground.bridges.is_empty() {
        return Outcome::unseen("no bridge carries pods yet (the first pod makes cni0)");
    }
    let mut found = Vec::new();
    for bridge in &ground.bridges {
        let have: Vec<IpNet> = ground.state().addrs_of(*bridge).map(|(net, _)| net).collect();
        for want in own.subnet.nets() {
            let v6 = want.addr().is_ipv6();
            let of_family =
                || have.iter().filter(|net| net.addr().is_ipv6() == v6 && !is_link_local(net.addr()));
            let foreign = of_family().find(|net| net.trunc() != want);
            // A bridge that has the right one besides still answers for the other subnet.
            if let Some(foreign) = foreign
                && ground.networks().iter().any(|net| net.contains(&foreign.addr()))
                && let Ok(right) = IpNet::new(nth(want, 1), want.prefix_len())
            {
                found.push(pod::bridge_stale(ground.node(), *bridge, *foreign, right));
            }
        }
    }
    Outcome::of(found)
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// Is every pod's veth pair up, and its end here a forwarding port of the bridge?
pub(super) fn wires(ground: &Ground<'_>) -> Outcome {
    let mut seen = false;
    let mut found = Vec::new();
    for view in ground.pods() {
        seen = true;
        found.extend(wire(ground, &view));
    }
    if seen { Outcome::of(found) } else { Outcome::unseen(NO_PODS) }
}

fn wire(ground: &Ground<'_>, view: &PodView<'_>) -> Option<Finding> {
    let (node, name) = (ground.node(), view.pod.name.as_str());
    let own = ground.own?.subnet;
    let (port, link) = (view.port?, ground.state().links.get(&view.port?)?);
    let bridge = ground.bridges.first().copied();
    if !link.up {
        return Some(pod::veth_down(node, name, port));
    }
    if view.pod.state.links.get(&view.dev).is_some_and(|inner| !inner.up) {
        let inside = pod::inside(name, &view.pod.aliases);
        let gateways = ground.bridges.iter().flat_map(|bridge| ground.state().addrs_of(*bridge));
        let again: Vec<String> = gateways
            .filter(|(net, _)| net.addr().is_ipv4())
            .map(|(net, _)| format!("ip route replace default via {} dev {}", net.addr(), view.dev))
            .collect();
        return Some(pod::eth_down(node, name, view.dev, &again, inside.as_deref()));
    }
    // Ports of a bridge that is down forward nothing, and that is not their fault.
    let down = |master: &IfName| ground.state().links.get(master).is_some_and(|bridge| !bridge.up);
    if let Some(master) = link.master.filter(down) {
        return Some(pod::bridge_down(node, master));
    }
    let why = match (link.master, &link.port) {
        (None, _) if !is_routed(ground, port, own) => pod::Port::Loose,
        (Some(_), Some(held)) if !held.forwards() => pod::Port::State(held.state),
        _ => return None,
    };
    Some(pod::bridge_port(node, name, port, link.master.or(bridge)?, why))
}

/// Some plugins route to a pod by its veth, without a bridge. Every device has a route to link-local addresses.
fn is_routed(ground: &Ground<'_>, port: IfName, own: Subnet) -> bool {
    let state = ground.state();
    let pods = state.routes.iter().filter(|(key, _)| own.contains(key.dst.addr()));
    let mut hops = pods.flat_map(|(_, twins)| twins).flat_map(|route| super::words::legs(state, route));
    hops.any(|hop| hop.dev == Some(port))
}

/// Does every pod on a bridge have an address?
pub(super) fn addresses(ground: &Ground<'_>) -> Outcome {
    let state = ground.state();
    let mut seen = false;
    let mut found = Vec::new();
    for pod in &ground.near.pods {
        let on_bridge = pod.state.links.iter().find(|(_, inner)| {
            let port = port_of(state, pod, inner).and_then(|port| state.links.get(&port)?.master);
            port.is_some_and(|master| ground.bridges.contains(&master))
        });
        let Some((dev, inner)) = on_bridge else { continue };
        seen = true;
        let has = pod.state.addrs_of(*dev).any(|(net, _)| !is_link_local(net.addr()));
        // With a device that is down its IPv6 addresses are gone: that is told as such.
        if !has && inner.up {
            let inside = pod::inside(&pod.name, &pod.aliases);
            let had = last_known(ground, inner);
            let again: Vec<String> = had
                .and_then(|had| gateway(ground, had))
                .map(|via| format!("ip route replace default via {via} dev {dev}"))
                .into_iter()
                .collect();
            let (node, name) = (ground.node(), pod.name.as_str());
            found.push(pod::no_addr(node, name, had, Some(*dev), &again, inside.as_deref()));
        }
    }
    if seen { Outcome::of(found) } else { Outcome::unseen(NO_PODS) }
}

/// The address by which the node last knew a pod: its neighbour tables remember it for a while.
fn last_known(ground: &Ground<'_>, inner: &Link) -> Option<IpNet> {
    let own = ground.own?.subnet;
    let mut known = ground.state().neighs.iter().filter(|(key, entry)| {
        entry.mac.is_some()
            && entry.mac == inner.mac
            && own.contains(key.ip)
            && ground.bridges.contains(&key.dev)
    });
    let (key, _) = known.next()?;
    let len = own.nets().find(|net| net.contains(&key.ip))?.prefix_len();
    IpNet::new(key.ip, len).ok()
}

/// Does every pod have a way to its node?
pub(super) fn ways(ground: &Ground<'_>) -> Outcome {
    let Some(peer) = ground.peers().first() else { return Outcome::unseen(NO_LEASES) };
    let mut seen = false;
    let mut found = Vec::new();
    for view in ground.pods() {
        seen = true;
        let inner = view.pod.state.links.get(&view.dev);
        if inner.is_some_and(|link| !link.up) {
            continue;
        }
        let target =
            ground.peers().iter().find(|peer| peer.net.addr().is_ipv6() == view.addr.addr().is_ipv6());
        found.extend(way(ground, &view, nth(target.unwrap_or(peer).net, 2)));
        found.extend(known_as(ground, &view));
    }
    if seen { Outcome::of(found) } else { Outcome::unseen(NO_PODS) }
}

fn way(ground: &Ground<'_>, view: &PodView<'_>, dst: IpAddr) -> Option<Finding> {
    let (node, name, state) = (ground.node(), view.pod.name.as_str(), &view.pod.state);
    if dst.is_ipv6() != view.addr.addr().is_ipv6() {
        return None;
    }
    let inside = pod::inside(name, &view.pod.aliases);
    let gateway = gateway(ground, view.addr);
    let found = lookup(state, &Flow::to(dst));
    let Answer::Route { legs, .. } = &found.answer else {
        let repair = gateway.map(|gateway| (gateway, view.dev));
        return Some(pod::no_route(node, name, dst, None, repair, inside.as_deref()));
    };
    let hop = legs.first().map(|leg| leg.hop)?;
    let ask = hop.via?;
    if gateway.is_some_and(|gateway| gateway != ask) || hop.dev != Some(view.dev) {
        // Another gateway may well be right (a second network of the pod): only what leads nowhere is wrong.
        return None;
    }
    let entry = state.neighs.get(&NeighKey { dev: view.dev, ip: ask })?;
    let bridge = ground.state().owner_of(ask).and_then(|dev| ground.state().links.get(&dev)?.mac);
    // A bridge that lost its last port has no MAC: that is the port's matter.
    let bridge = bridge.filter(|mac| *mac != Mac::ZERO);
    let dead = entry.state & (nud::FAILED | nud::INCOMPLETE) != 0;
    let wrong = entry.mac.zip(bridge).is_some_and(|(have, want)| have != want);
    (dead || wrong).then(|| {
        let mac = entry.mac.map(|mac| format!(" lladdr {mac}")).unwrap_or_default();
        let have = format!("{ask} dev {}{mac}", view.dev);
        pod::neigh(node, name, ask, view.dev, &have, bridge, inside.as_deref())
    })
}

/// The node's own entry for a pod, where it names another MAC.
fn known_as(ground: &Ground<'_>, view: &PodView<'_>) -> Option<Finding> {
    let state = ground.state();
    let (dev, ip) = (state.links.get(&view.port?)?.master?, view.addr.addr());
    let entry = state.neighs.get(&NeighKey { dev, ip })?;
    let real = view.pod.state.links.get(&view.dev)?.mac?;
    let have =
        entry.mac.filter(|have| *have != real && entry.state & (nud::FAILED | nud::INCOMPLETE) == 0)?;
    let name = format!("{}/{}", view.pod.name, view.dev);
    Some(pod::node_neigh(ground.node(), &name, (ip, dev), have, real))
}

/// The bridge's address in a pod's net.
fn gateway(ground: &Ground<'_>, addr: IpNet) -> Option<IpAddr> {
    let all = ground.bridges.iter().flat_map(|bridge| ground.state().addrs_of(*bridge));
    all.map(|(net, _)| net).find(|net| net.contains(&addr.addr())).map(|net| net.addr())
}
