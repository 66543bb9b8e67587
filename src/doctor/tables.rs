//! Routes, neighbours and forwarding entries beside the leases. A peer of which several rows are missing is one
//! finding; so is what takes many peers' packets away.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::Outcome;
use super::ground::{Ground, NO_LEASES};
use super::words::{legs, refusal, route, routes_to};
use crate::finding::repair::{Obstacle, PeerRows};
use crate::finding::{Finding, fdb, host, neigh, route as routes};
use crate::net::Mac;
use crate::readings::{Kernel, NeighHalf, Peer, RouteHalf, Row, Standing, holder, protocol};
use crate::state::{FdbKey, Hop, Route, RouteKey};

/// Does every peer have its three rows?
pub(super) fn missing(ground: &Ground<'_>) -> Outcome {
    let Some(drift) = &ground.drift else { return Outcome::unseen(NO_LEASES) };
    let mut gone: BTreeMap<IpNet, [bool; 3]> = BTreeMap::new();
    for (at, rows) in [&drift.routes, &drift.neighs, &drift.fdb].into_iter().enumerate() {
        for net in rows.iter().filter(|row| row.state == Standing::Missing).filter_map(promised) {
            if let Some(slot) = gone.entry(net).or_default().get_mut(at) {
                *slot = true;
            }
        }
    }
    let node = ground.node();
    let found = gone.into_iter().filter_map(|(net, which)| {
        let peer = ground.peer(net)?;
        let rows = ground.rows(peer);
        Some(match which {
            [true, false, false] => routes::missing(node, &rows),
            [false, true, false] => neigh::missing(node, &rows),
            [false, false, _] => match flooded(ground, &rows) {
                Some(remotes) => fdb::flood(node, &rows, &remotes),
                None => fdb::missing(node, &rows),
            },
            [route, neigh, fdb] => host::peer_missing(node, &rows, (route, neigh, fdb)),
        })
    });
    Outcome::of(found.collect())
}

fn promised(row: &Row) -> Option<IpNet> {
    row.lease.as_ref().map(|promise| promise.subnet)
}

/// The remotes of the device's all-zero entry.
fn flooded(ground: &Ground<'_>, rows: &PeerRows) -> Option<Vec<IpAddr>> {
    let key = FdbKey { dev: rows.dev, mac: Mac::ZERO, vlan: 0, master: false };
    let entry = ground.state().fdb.get(&key)?;
    Some(entry.dst.into_iter().chain(entry.more.iter().copied()).collect())
}

/// Does every peer's route lead where its lease says?
pub(super) fn routes_lead(ground: &Ground<'_>) -> Outcome {
    let Some(drift) = &ground.drift else { return Outcome::unseen(NO_LEASES) };
    let wrong = drift.routes.iter().filter(|row| row.state == Standing::Wrong).filter_map(promised);
    let mut nets: BTreeSet<IpNet> = wrong.collect();
    // A multipath route may begin with the right leg.
    nets.extend(ground.peers().iter().filter(|peer| forks(ground, peer)).map(|peer| peer.net));
    let found = nets.into_iter().filter_map(|net| judge(ground, ground.peer(net)?));
    Outcome::of(found.collect())
}

fn forks(ground: &Ground<'_>, peer: &Peer) -> bool {
    routes_to(ground.state(), peer.net).next().is_some_and(|(_, route)| legs(ground.state(), route).len() > 1)
}

/// What is wrong with the route that the kernel takes to exactly this peer's subnet.
fn judge(ground: &Ground<'_>, peer: &Peer) -> Option<Finding> {
    let (state, node) = (ground.state(), ground.node());
    let rows = ground.rows(peer);
    let (key, first) = routes_to(state, peer.net).next()?;
    let words = route(key, first);
    if let Some(how) = refusal(first.kind) {
        let dst = super::ground::nth(peer.net, 2);
        return Some(routes::refused(node, how, dst, &words, &protocol(first.proto), Some(&rows)));
    }
    let all = legs(state, first);
    if all.len() > 1 {
        let dead = all.iter().find_map(|leg| why_dead(ground, leg).map(|why| (leg, why)));
        if let Some((leg, why)) = dead {
            let dst = super::ground::nth(peer.net, 2);
            return Some(routes::dead_leg(node, dst, &words, &hop_words(leg), why, rows.set_route()));
        }
    }
    let promised = |leg: &Hop| leads(&rows, leg);
    if all.iter().all(promised) && !all.is_empty() && all.iter().all(|leg| !leg.dead) {
        // Right but for what the readings weigh besides: direct where the config does not ask for it, or not.
        return (rows.direct != by_wire(&rows, all.first()?)).then(|| routes::wrong(node, &rows, &words));
    }
    let ours_too =
        routes_to(state, peer.net).skip(1).any(|(_, other)| legs(state, other).iter().any(promised));
    Some(match ours_too {
        true => routes::shadowed(node, &rows, &words, &protocol(first.proto)),
        false => routes::wrong(node, &rows, &words),
    })
}

fn leads(rows: &PeerRows, leg: &Hop) -> bool {
    by_wire(rows, leg) || (leg.dev == Some(rows.dev) && leg.via == Some(rows.gateway()))
}

fn by_wire(rows: &PeerRows, leg: &Hop) -> bool {
    leg.via == Some(rows.public) && leg.dev != Some(rows.dev)
}

/// Why nothing gets out by this leg.
fn why_dead(ground: &Ground<'_>, leg: &Hop) -> Option<&'static str> {
    let dev = leg.dev?;
    match ground.state().links.get(&dev) {
        None => Some("its device is gone"),
        Some(link) if !link.up => Some("its device is down"),
        Some(link) if !link.lower_up => Some("its device has no carrier"),
        Some(_) if leg.dead => Some("the kernel took it out of use"),
        Some(_) => None,
    }
}

fn hop_words(hop: &Hop) -> String {
    let via = hop.via.map(|via| format!("via {via} ")).unwrap_or_default();
    let dev = hop.dev.map(|dev| format!("dev {dev}")).unwrap_or_default();
    format!("{via}{dev}")
}

/// Does nothing take peers' packets before the overlay's routes do?
pub(super) fn detours(ground: &Ground<'_>) -> Outcome {
    let Some(drift) = &ground.drift else { return Outcome::unseen(NO_LEASES) };
    let mut found: Vec<Finding> = Vec::new();
    for half in drift.routes.iter().filter(|row| row.state == Standing::Wrong && row.lease.is_none()) {
        let Some(Kernel::Route(half)) = &half.kernel else { continue };
        let Some((key, taken)) = route_of(ground, half) else { continue };
        let finding = detour(ground, key, taken);
        if !found.contains(&finding) {
            found.push(finding);
        }
    }
    Outcome::of(found)
}

/// The route that a reading tells of.
fn route_of<'a>(ground: &Ground<'a>, half: &RouteHalf) -> Option<(&'a RouteKey, &'a Route)> {
    let from = RouteKey { table: half.of_table, dst: half.dst, tos: 0, metric: 0 };
    let to = RouteKey { tos: u8::MAX, metric: u32::MAX, ..from };
    let same = |route: &Route| half.text.starts_with(refusal(route.kind).map_or("", |how| how.word()));
    let tables = ground.state().routes.range(from..=to);
    let at = tables.flat_map(|(key, twins)| twins.iter().map(move |route| (key, route)));
    at.filter(|(key, _)| key.metric == half.metric).find(|(_, route)| same(route))
}

fn detour(ground: &Ground<'_>, key: &RouteKey, taken: &Route) -> Finding {
    let (state, node) = (ground.state(), ground.node());
    let words = route(key, taken);
    let by = protocol(taken.proto);
    if let Some(how) = refusal(taken.kind) {
        return routes::refused(node, how, address(key.dst), &words, &by, None);
    }
    let Some(peer) = holder(ground.peers(), key.dst) else {
        // Inside the network, and of no lease: it waits for the node that will get this subnet.
        return routes::stale(node, &words);
    };
    let rows = ground.rows(peer);
    let all = legs(state, taken);
    let dead =
        all.iter().filter(|_| all.len() > 1).find_map(|leg| why_dead(ground, leg).map(|why| (leg, why)));
    match dead {
        Some((leg, why)) => {
            let away = Obstacle::Route(words.clone()).remove();
            routes::dead_leg(node, address(key.dst), &words, &hop_words(leg), why, away)
        }
        None => routes::shadowed(node, &rows, &words, &by),
    }
}

/// An address to speak of: the host's own, or one inside the net.
fn address(net: IpNet) -> IpAddr {
    if net.prefix_len() == net.max_prefix_len() { net.addr() } else { super::ground::nth(net, 2) }
}

/// Is no peer's address an address of this host?
pub(super) fn local(ground: &Ground<'_>) -> Outcome {
    if ground.drift.is_none() {
        return Outcome::unseen(NO_LEASES);
    }
    if ground.state().addrs.is_empty() {
        return Outcome::unseen("no addresses were read");
    }
    let found = ground.state().addrs.keys().filter_map(|key| {
        let host = IpNet::new(key.net.addr(), key.net.max_prefix_len()).ok()?;
        let peer = holder(ground.peers(), host)?;
        let by = Obstacle::Address { net: key.net, dev: key.dev };
        Some(routes::local(ground.node(), key.net.addr(), &by, &ground.rows(peer)))
    });
    Outcome::of(found.collect())
}

/// Is every peer's neighbour entry right?
pub(super) fn neighbours(ground: &Ground<'_>) -> Outcome {
    let Some(drift) = &ground.drift else { return Outcome::unseen(NO_LEASES) };
    let wrong = drift.neighs.iter().filter(|row| row.state == Standing::Wrong);
    let found = wrong.filter_map(|row| {
        let Some(Kernel::Neigh(NeighHalf { mac, nud, .. })) = &row.kernel else { return None };
        let rows = ground.rows(ground.peer(promised(row)?)?);
        let node = ground.node();
        Some(match mac {
            _ if matches!(nud.as_str(), "FAILED" | "INCOMPLETE") => neigh::failed(node, &rows, nud),
            None => neigh::failed(node, &rows, nud),
            Some(mac) if *mac != rows.mac => neigh::wrong(node, &rows, *mac),
            Some(_) => neigh::not_permanent(node, &rows, nud),
        })
    });
    Outcome::of(found.collect())
}

/// Is every peer's forwarding entry right?
pub(super) fn forwarding(ground: &Ground<'_>) -> Outcome {
    let Some(drift) = &ground.drift else { return Outcome::unseen(NO_LEASES) };
    let wrong = drift.fdb.iter().filter(|row| row.state == Standing::Wrong);
    let found = wrong.filter_map(|row| {
        let Some(Kernel::Fdb(half)) = &row.kernel else { return None };
        let rows = ground.rows(ground.peer(promised(row)?)?);
        let have = half.dst.or(half.more.first().copied()).unwrap_or(rows.public);
        let finding = fdb::wrong(ground.node(), &rows, have);
        // The right address and still not the lease's entry: the note says how.
        Some(match (have == rows.public, &row.note) {
            (true, Some(note)) => Finding {
                cause: format!("the entry for {}'s MAC {} is {note}", rows.node, rows.mac),
                ..finding
            },
            _ => finding,
        })
    });
    Outcome::of(found.collect())
}

/// Does a lease stand behind every row on our devices?
pub(super) fn leftovers(ground: &Ground<'_>) -> Outcome {
    let Some(drift) = &ground.drift else { return Outcome::unseen(NO_LEASES) };
    let node = ground.node();
    let all = [&drift.routes, &drift.neighs, &drift.fdb].into_iter().flatten();
    let stale = all.filter(|row| row.state == Standing::Stale).filter_map(|row| match &row.kernel {
        // A peer's own route in the shadow of another one is no leftover.
        Some(Kernel::Route(half)) if promises(ground, half) => None,
        Some(Kernel::Route(half)) => Some(match route_of(ground, half) {
            // One leg on our device, the others elsewhere: somebody spread a peer's packets.
            Some((key, taken)) if legs(ground.state(), taken).len() > 1 => detour(ground, key, taken),
            _ => routes::stale(node, &half.text),
        }),
        // What the kernel tried to resolve by itself is nobody's leftover, and goes by itself.
        Some(Kernel::Neigh(half)) if half.nud != "PERMANENT" => None,
        Some(Kernel::Neigh(half)) => Some(neigh::stale(node, half.dev, half.ip, half.mac)),
        Some(Kernel::Fdb(half)) if half.mac == Mac::ZERO && half.nud.is_empty() => None,
        Some(Kernel::Fdb(half)) => Some(fdb::stale(node, half.dev, half.mac, half.dst)),
        Some(Kernel::Link(_)) | None => None,
    });
    Outcome::of(stale.collect())
}

/// True for the very route that a lease asks for.
fn promises(ground: &Ground<'_>, half: &RouteHalf) -> bool {
    let hop = Hop { via: half.via, dev: half.dev, ..Hop::default() };
    ground.peer(half.dst).is_some_and(|peer| leads(&ground.rows(peer), &hop))
}
