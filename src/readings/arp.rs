//! The neighbours of the overlay device beside the leases.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::expect::{Expected, Peer, expected, node_of};
use super::route::is_unresolved;
use super::row::{Kernel, Row, Standing};
use super::words::{first_hop, neigh_half};
use super::{Keep, Reading, Sight, flannel_devices};
use crate::net::{IfName, Mac};
use crate::state::{FdbKey, Neigh, NeighKey, State, nud};

/// One row a peer, then leftovers; with `all` the rest of the host's neighbours.
pub fn arp_rows(sight: &Sight<'_>, all: bool) -> Reading {
    let (mut reading, shown) = match expected(sight) {
        Some(expected) => beside_leases(sight.state, &expected, Keep::All),
        None => kernel_only(sight.state),
    };
    if all {
        let rest = sight.state.neighs.iter().filter(|(key, _)| !shown.contains(key));
        reading.rows.extend(rest.map(|(key, neigh)| row(Standing::Foreign, "-", key, neigh)));
    }
    reading
}

pub(super) fn beside_leases(state: &State, expected: &Expected, keep: Keep) -> (Reading, BTreeSet<NeighKey>) {
    let Expected { ours, peers, own: _, refused, unseen } = expected;
    let mut reading = Reading { rows: Vec::new(), unseen: unseen.clone() };
    let mut shown = BTreeSet::new();
    for peer in peers.iter().filter(|peer| !goes_direct(state, peer)) {
        let key = NeighKey { dev: peer.dev, ip: peer.gateway() };
        shown.insert(key);
        reading.rows.extend(judge(state, peer, &key, keep));
    }
    reading.rows.extend(refused.iter().cloned());
    for (key, neigh) in state.neighs.iter().filter(|(key, _)| ours.contains(&key.dev)) {
        // The kernel's own entries (multicast over IPv6) are NOARP; nobody wrote them.
        if neigh.state & nud::NOARP == 0 && shown.insert(*key) {
            reading.rows.push(row(Standing::Stale, node_of(peers, key.ip), key, neigh));
        }
    }
    (reading, shown)
}

fn judge(state: &State, peer: &Peer, key: &NeighKey, keep: Keep) -> Option<Row> {
    let promise = || Some(peer.promise(format!("{} dev {} lladdr {} PERMANENT", key.ip, key.dev, peer.mac)));
    let Some(neigh) = state.neighs.get(key) else {
        return Some(Row::new(Standing::Missing, &peer.node, None, promise()));
    };
    let (standing, note) = match neigh.mac {
        _ if is_unresolved(neigh.state) => (Standing::Wrong, "unresolved"),
        Some(mac) if mac != peer.mac => (Standing::Wrong, "another MAC than the lease's"),
        Some(_) if !neigh.permanent() => (Standing::Wrong, "not permanent: somebody else wrote it"),
        Some(_) => (Standing::Ok, ""),
        None => (Standing::Wrong, "without a MAC"),
    };
    let row = || Row::new(standing, &peer.node, Some(Kernel::Neigh(neigh_half(key, neigh))), promise());
    keep.takes(standing).then(|| row().note(note))
}

/// True if this peer is reached by a direct route, which needs neither neighbour nor forwarding entry of ours.
pub fn goes_direct(state: &State, peer: &Peer) -> bool {
    peer.direct.unwrap_or_else(|| {
        let key = crate::state::RouteKey {
            table: crate::state::table::MAIN,
            dst: peer.net,
            tos: 0,
            metric: if peer.net.addr().is_ipv6() { 1024 } else { 0 },
        };
        let route = state.routes.get(&key).and_then(|twins| twins.first());
        let hop = route.and_then(|route| first_hop(state, route));
        hop.is_some_and(|hop| hop.via == Some(peer.public) && hop.dev.is_some_and(|dev| dev != peer.dev))
    })
}

/// Without leases: a neighbour is held against the routes before it and the forwarding entries behind it.
fn kernel_only(state: &State) -> (Reading, BTreeSet<NeighKey>) {
    let mut reading = Reading { rows: Vec::new(), unseen: super::kernel_half_only(state) };
    let gateways = gateways(state);
    let ours: BTreeSet<IfName> = flannel_devices(state).into_iter().map(|(dev, _)| dev).collect();
    let mut shown = BTreeSet::new();
    for (key, neigh) in state.neighs.iter().filter(|(key, _)| ours.contains(&key.dev)) {
        if neigh.state & nud::NOARP != 0 {
            continue;
        }
        shown.insert(*key);
        let (standing, note) = match leads_nowhere(state, key.dev, key.ip) {
            Some(why) if gateways.contains(key) => (Standing::Broken, why),
            Some(why) => (Standing::MaybeStale, format!("no route uses it, and {why}")),
            None if gateways.contains(key) => (Standing::Ok, String::new()),
            None => (Standing::MaybeStale, "no route uses it".to_owned()),
        };
        reading.rows.push(row(standing, "-", key, neigh).note(note));
    }
    for key in gateways.difference(&shown) {
        let note = format!("no neighbour for the gateway {} on {}", key.ip, key.dev);
        reading.rows.push(Row::new(Standing::Broken, "-", None, None).note(note));
    }
    (reading, shown)
}

/// The gateways of all routes over flannel devices.
pub(super) fn gateways(state: &State) -> BTreeSet<NeighKey> {
    let ours: BTreeSet<IfName> = flannel_devices(state).into_iter().map(|(dev, _)| dev).collect();
    let hops = state.routes.values().flatten().filter_map(|route| first_hop(state, route));
    let keys = hops.filter_map(|hop| Some(NeighKey { dev: hop.dev?, ip: hop.via? }));
    keys.filter(|key| ours.contains(&key.dev)).collect()
}

/// Why a packet for this gateway goes nowhere, as far as the neighbours and the forwarding entries tell.
pub(super) fn leads_nowhere(state: &State, dev: IfName, ip: IpAddr) -> Option<String> {
    let Some(neigh) = state.neighs.get(&NeighKey { dev, ip }) else {
        return Some(format!("no neighbour for the gateway {ip}"));
    };
    match neigh.mac {
        _ if is_unresolved(neigh.state) => Some(format!("the neighbour {ip} is unresolved")),
        None => Some(format!("the neighbour {ip} has no MAC")),
        Some(mac) if !is_forwarded(state, dev, mac) => Some(format!("no forwarding entry for {mac}")),
        Some(_) => None,
    }
}

/// True if the device has an entry for this MAC, or floods what it does not know.
pub(super) fn is_forwarded(state: &State, dev: IfName, mac: Mac) -> bool {
    let entry = |mac| FdbKey { dev, mac, vlan: 0, master: false };
    let floods = state.links.get(&dev).and_then(|link| link.vxlan()).is_some_and(|v| v.group.is_some());
    floods || state.fdb.contains_key(&entry(mac)) || state.fdb.contains_key(&entry(Mac::ZERO))
}

fn row(standing: Standing, node: &str, key: &NeighKey, neigh: &Neigh) -> Row {
    Row::new(standing, node, Some(Kernel::Neigh(neigh_half(key, neigh))), None)
}
