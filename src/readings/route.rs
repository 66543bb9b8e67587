//! The routing table beside the leases.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::detour::{detour, policy};
use super::expect::{Expected, Peer, expected, node_of};
use super::row::{Kernel, Row, Standing};
use super::words::{first_hop, is_link_local, route_half};
use super::{Keep, Reading, Sight, flannel_devices};
use crate::net::IfName;
use crate::state::{LinkKind, Route, RouteKey, RouteKind, State, nud, proto, table};

/// A row of the table by its place: one key can stand twice.
type Place = (RouteKey, usize);

/// The own subnet, one row a peer, leftovers, the uplink; with `all` the rest of the host's routes.
pub fn route_rows(sight: &Sight<'_>, all: bool) -> Reading {
    let (mut reading, mut shown) = match expected(sight) {
        Some(expected) => beside_leases(sight, &expected, Keep::All),
        None => kernel_only(sight.state),
    };
    reading.unseen.extend(policy(sight.state));
    let uplinks: BTreeSet<IfName> =
        flannel_devices(sight.state).iter().filter_map(|(dev, _)| lower(sight.state, *dev)).collect();
    for (place, route) in main_routes(sight.state) {
        let Some(hop) = first_hop(sight.state, route) else { continue };
        let leads_out = (hop.via.is_none() && !is_link_local(place.0.dst)) || place.0.dst.prefix_len() == 0;
        if leads_out && hop.dev.is_some_and(|dev| uplinks.contains(&dev)) && shown.insert(place) {
            reading.rows.push(row(sight.state, Standing::Ok, "-", (&place.0, route)).note("uplink"));
        }
    }
    if all {
        for (key, twins) in &sight.state.routes {
            for (at, route) in twins.iter().enumerate() {
                if !shown.contains(&(*key, at)) {
                    reading.rows.push(row(sight.state, Standing::Foreign, "-", (key, route)));
                }
            }
        }
    }
    reading
}

/// Each peer's promise against the table; then what hangs on our device and nobody wants.
pub(super) fn beside_leases(
    sight: &Sight<'_>,
    expected: &Expected,
    keep: Keep,
) -> (Reading, BTreeSet<Place>) {
    let state = sight.state;
    let Expected { ours, peers, own, refused, unseen } = expected;
    let mut reading = Reading { rows: Vec::new(), unseen: unseen.clone() };
    let mut shown = BTreeSet::new();
    for (name, net) in own {
        match routes_to(state, *net).find(|(_, route)| is_connected(state, route, ours)) {
            Some((place, route)) => {
                shown.insert(place);
                reading.rows.push(row(state, Standing::Ok, name, (&place.0, route)).note("this node's pods"));
            }
            None => reading
                .unseen
                .push(format!("own subnet {net}: no bridge carries it yet (the first pod makes cni0)")),
        }
    }
    for peer in peers {
        let (row, place) = judge(state, peer, keep);
        shown.extend(place);
        reading.rows.extend(row);
    }
    reading.rows.extend(refused.iter().cloned());
    let owned: Vec<IpNet> = own.iter().map(|(_, net)| *net).collect();
    for (place, route) in main_routes(state) {
        let Some(detour) = detour(sight, peers, &owned, (&place.0, route)) else { continue };
        if shown.insert(place) {
            reading.rows.push(row(state, Standing::Wrong, detour.node, (&place.0, route)).note(detour.note));
        }
    }
    for (place, route) in main_routes(state) {
        let on_ours = first_hop(state, route).and_then(|hop| hop.dev).is_some_and(|dev| ours.contains(&dev));
        if on_ours && route.proto != proto::KERNEL && shown.insert(place) {
            let node = node_of(peers, place.0.dst.addr());
            let stale = row(state, Standing::Stale, node, (&place.0, route));
            let twin = peers.iter().any(|peer| peer.net == place.0.dst);
            reading.rows.push(if twin { stale.note("the kernel uses the row above") } else { stale });
        }
    }
    (reading, shown)
}

/// One peer: the route that the kernel would use for exactly its subnet.
fn judge(state: &State, peer: &Peer, keep: Keep) -> (Option<Row>, Option<Place>) {
    let gateway = peer.gateway();
    let promise = || {
        Some(peer.promise(match peer.direct {
            Some(true) => format!("{} via {}", peer.net, peer.public),
            _ => format!("{} via {gateway} dev {} onlink", peer.net, peer.dev),
        }))
    };
    // The kernel takes the lowest metric, and of equal keys the first.
    let Some((place, route)) = routes_to(state, peer.net).next() else {
        return (Some(Row::new(Standing::Missing, &peer.node, None, promise())), None);
    };
    let hop = first_hop(state, route).filter(|_| route.kind == RouteKind::Unicast).unwrap_or_default();
    let by_tunnel = hop.dev == Some(peer.dev) && hop.via == Some(gateway);
    let by_wire = hop.via == Some(peer.public) && hop.dev.is_some_and(|dev| dev != peer.dev);
    let (standing, note) = match (by_tunnel, by_wire, peer.direct) {
        _ if hop.dead => (Standing::Wrong, "the kernel took its next hop out of use"),
        (true, _, None | Some(false)) | (_, true, Some(true)) => (Standing::Ok, ""),
        (_, true, None) => (Standing::Ok, "direct"),
        (true, _, Some(true)) => (Standing::Wrong, "DirectRouting asks for the direct way"),
        (_, true, Some(false)) => (Standing::Wrong, "direct, where the config has no DirectRouting"),
        (false, false, _) => (Standing::Wrong, "leads elsewhere"),
    };
    let kernel = || Some(Kernel::Route(route_half(state, &place.0, route)));
    let row = || Row::new(standing, &peer.node, kernel(), promise()).note(note);
    (keep.takes(standing).then(row), Some(place))
}

/// Without leases: pod bridges, then every route on a flannel device held against the other two tables.
fn kernel_only(state: &State) -> (Reading, BTreeSet<Place>) {
    let mut reading = Reading { rows: Vec::new(), unseen: super::kernel_half_only(state) };
    let mut shown = BTreeSet::new();
    let ours: BTreeSet<IfName> = flannel_devices(state).into_iter().map(|(dev, _)| dev).collect();
    for (place, route) in main_routes(state) {
        if is_connected(state, route, &ours) && on_pod_bridge(state, route) {
            shown.insert(place);
            reading.rows.push(row(state, Standing::Ok, "-", (&place.0, route)).note("this node's pods"));
        }
    }
    for (place, route) in main_routes(state) {
        let Some(hop) = first_hop(state, route) else { continue };
        let (Some(dev), Some(via)) = (hop.dev.filter(|dev| ours.contains(dev)), hop.via) else { continue };
        shown.insert(place);
        let row = row(state, Standing::Ok, "-", (&place.0, route));
        reading.rows.push(match super::arp::leads_nowhere(state, dev, via) {
            Some(why) => Row { state: Standing::Broken, ..row }.note(why),
            None => row,
        });
    }
    (reading, shown)
}

/// Every place of the main table, by destination.
fn main_routes(state: &State) -> impl Iterator<Item = (Place, &Route)> {
    let main = state.routes.iter().filter(|(key, _)| key.table == table::MAIN);
    main.flat_map(|(key, twins)| twins.iter().enumerate().map(|(at, route)| ((*key, at), route)))
}

/// The routes of the main table to exactly `net`, in the order in which the kernel prefers them.
fn routes_to(state: &State, net: IpNet) -> impl Iterator<Item = (Place, &Route)> {
    let from = RouteKey { table: table::MAIN, dst: net, tos: 0, metric: 0 };
    let to = RouteKey { metric: u32::MAX, ..from };
    let range = state.routes.range(from..=to);
    range.flat_map(|(key, twins)| twins.iter().enumerate().map(|(at, route)| ((*key, at), route)))
}

/// A directly connected net of another device than ours.
fn is_connected(state: &State, route: &Route, ours: &BTreeSet<IfName>) -> bool {
    let hop = first_hop(state, route);
    hop.is_some_and(|hop| hop.via.is_none() && hop.dev.is_some_and(|dev| !ours.contains(&dev)))
}

/// cni0, docker0 and every other bridge that is up to carry pods.
fn on_pod_bridge(state: &State, route: &Route) -> bool {
    let dev = first_hop(state, route).and_then(|hop| hop.dev);
    dev.and_then(|dev| state.links.get(&dev)).is_some_and(|link| link.kind == LinkKind::Bridge)
}

fn lower(state: &State, dev: IfName) -> Option<IfName> {
    state.links.get(&dev)?.vxlan()?.lower
}

fn row(state: &State, standing: Standing, node: &str, (key, route): (&RouteKey, &Route)) -> Row {
    Row::new(standing, node, Some(Kernel::Route(route_half(state, key, route))), None)
}

/// True for a neighbour that answers nothing.
pub(super) fn is_unresolved(nud_state: u16) -> bool {
    nud_state & (nud::FAILED | nud::INCOMPLETE) != 0
}
