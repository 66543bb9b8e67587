//! The way of the outer packet: the uplink, the routes to peers' public addresses, their neighbours.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Outcome;
use super::ground::{Ground, NO_LEASES};
use super::words;
use crate::finding::repair::Obstacle;
use crate::finding::{Finding, outer};
use crate::net::IfName;
use crate::readings::Peer;
use crate::state::fib::{Answer, Flow, lookup};
use crate::state::{Link, NeighKey, RouteKind, State, nud};

/// Is the uplink up?
pub(super) fn uplink(ground: &Ground<'_>) -> Outcome {
    let Some(uplink) = ground.uplink else { return Outcome::unseen("the uplink is not known") };
    match ground.state().links.get(&uplink) {
        None if ground.state().links.is_empty() => Outcome::unseen("no devices were read"),
        None => Outcome::Found(vec![Finding {
            cause: format!("the uplink {uplink} is gone"),
            fix: None,
            ..outer::down(ground.node(), uplink, false)
        }]),
        Some(link) if !link.up || !link.lower_up => {
            Outcome::Found(vec![outer::down(ground.node(), uplink, link.up)])
        }
        Some(_) => Outcome::Fine,
    }
}

/// The tables as an outer packet meets them: without the routes to peers' pods, which are many and lead nowhere else.
fn tables(ground: &Ground<'_>) -> State {
    let state = ground.state();
    let networks = ground.networks();
    let outside = |net: &ipnet::IpNet| !networks.iter().any(|own| own.contains(net));
    // A public address inside the overlay's own network needs every route.
    let whole = ground.peers().iter().any(|peer| networks.iter().any(|own| own.contains(&peer.public)));
    State {
        links: state.links.clone(),
        addrs: state.addrs.clone(),
        rules: state.rules.clone(),
        routes: state
            .routes
            .iter()
            .filter(|(key, _)| whole || outside(&key.dst))
            .map(|(key, twins)| (*key, twins.clone()))
            .collect(),
        nexthops: state.nexthops.clone(),
        facts: state.facts.clone(),
        ..State::default()
    }
}

/// The hop by which a public address is reached.
pub(super) struct Way {
    /// Whose it is: the place among the peers.
    peer: usize,
    /// Who is asked on the link, and where.
    ask: Option<(IpAddr, IfName)>,
    wrong: Option<Finding>,
}

/// One a public address, in their order. Several ask, and a look-up a peer has its price.
fn ways<'a>(ground: &'a Ground<'_>) -> &'a [Way] {
    ground.ways.get_or_init(|| {
        let state = tables(ground);
        let mut publics: BTreeMap<IpAddr, (usize, &Peer)> = BTreeMap::new();
        for (place, peer) in ground.peers().iter().enumerate() {
            publics.entry(peer.public).or_insert((place, peer));
        }
        let each = publics.into_values();
        each.map(|(place, peer)| {
            let (ask, wrong) = way(ground, &state, peer);
            Way { peer: place, ask, wrong }
        })
        .collect()
    })
}

/// Who is asked on the link for this peer, and where; and what is wrong.
fn way(ground: &Ground<'_>, state: &State, peer: &Peer) -> (Option<(IpAddr, IfName)>, Option<Finding>) {
    let port = ground.vxlan().map(|conf| conf.port);
    let vxlan = state.links.get(&peer.dev).and_then(Link::vxlan);
    // The tunnel sends from its own address: where it has none of this host's, that is another check's to say.
    let src = vxlan.and_then(|vxlan| vxlan.local).filter(|ip| state.owner_of(*ip).is_some());
    let found = lookup(state, &Flow { src, proto: 17, dport: port, ..Flow::to(peer.public) });
    let (node, to, name) = (ground.node(), peer.public, peer.node.as_str());
    let obstacle = |key: &crate::state::RouteKey, place: usize| {
        let route = state.routes.get(key).and_then(|twins| twins.get(place));
        Obstacle::Route(route.map_or_else(String::new, |route| words::route(key, route)))
    };
    let rule = || words::obstacle(state, found.rule?);
    let wrong = match &found.answer {
        Answer::NoRoute => {
            let repair = state.on_link(to, peer.dev).map(|held| held.link_route());
            Some(outer::no_route(node, name, to, None, repair))
        }
        Answer::Refused(_) => Some(outer::no_route(node, name, to, rule().as_ref(), None)),
        Answer::Invalid(why) => {
            let finding = outer::no_route(node, name, to, None, None);
            Some(finding.evidence(format!("the kernel refuses to look it up: {why:?}")))
        }
        Answer::OnLink { .. } => None,
        Answer::Route { key, place, legs, .. } => {
            let by = obstacle(key, *place);
            let kind = state.routes.get(key).and_then(|twins| twins.get(*place)).map(|route| route.kind);
            let dev = legs.first().and_then(|leg| leg.hop.dev);
            let tunnel = dev.filter(|dev| ground.devices.iter().any(|own| own.name == *dev));
            let bound = ground.uplink.or_else(|| ground.near.uplink_to(vxlan?, to));
            match (kind, tunnel, dev.zip(bound)) {
                (Some(RouteKind::Local), _, _) => {
                    let held = state.addrs.keys().find(|key| key.net.addr() == to);
                    let by = held.map_or(by, |key| Obstacle::Address { net: key.net, dev: key.dev });
                    Some(outer::local(node, name, to, &by))
                }
                _ if found.refusal(state).is_some() => Some(outer::no_route(node, name, to, Some(&by), None)),
                (_, Some(dev), _) => Some(outer::looped(node, name, to, dev, &by)),
                (_, None, Some((have, want))) if have != want => {
                    let repair = state.on_link(to, peer.dev).filter(|held| held.dev == want);
                    let repair = repair.map(|held| held.link_route());
                    Some(outer::wrong_device(node, name, to, (have, want), &by, repair))
                }
                _ => None,
            }
        }
    };
    let ask = match &found.answer {
        Answer::Route { legs, .. } if wrong.is_none() => {
            legs.first().and_then(|leg| Some((leg.hop.via.unwrap_or(to), leg.hop.dev?)))
        }
        _ => None,
    };
    (ask, wrong)
}

/// The device by which the tunnel's packets to this public address leave: a route leads there, and who has to take them
/// from the wire has answered.
pub(super) fn leaves(ground: &Ground<'_>, public: IpAddr) -> Option<IfName> {
    let ways = ways(ground);
    let of = |way: &Way| ground.peers().get(way.peer).map(|peer| peer.public);
    let way = ways.get(ways.binary_search_by_key(&Some(public), of).ok()?)?;
    let (ip, dev) = way.ask?;
    let entry = ground.state().neighs.get(&NeighKey { dev, ip })?;
    (entry.mac.is_some() && entry.state & (nud::FAILED | nud::INCOMPLETE) == 0).then_some(dev)
}

/// Does a route lead to every peer's public address, out by the uplink?
pub(super) fn routes(ground: &Ground<'_>) -> Outcome {
    if ground.drift.is_none() {
        return Outcome::unseen(NO_LEASES);
    }
    if ground.state().routes.is_empty() && ground.state().links.is_empty() {
        return Outcome::unseen("no routes were read");
    }
    Outcome::of(ways(ground).iter().filter_map(|way| way.wrong.clone()).collect())
}

/// Do the peers answer on the underlay, as far as somebody asked them?
pub(super) fn neighbours(ground: &Ground<'_>) -> Outcome {
    if ground.drift.is_none() {
        return Outcome::unseen(NO_LEASES);
    }
    let mut asked: BTreeMap<(IpAddr, IfName), Finding> = BTreeMap::new();
    for Way { peer, ask, .. } in ways(ground) {
        let Some((ask, dev)) = *ask else { continue };
        let Some(entry) = ground.state().neighs.get(&NeighKey { dev, ip: ask }) else { continue };
        let Some(peer) = ground.peers().get(*peer) else { continue };
        let state = if entry.state & nud::FAILED != 0 { "FAILED" } else { "INCOMPLETE" };
        let silent = outer::Silent { peer: &peer.node, to: peer.public, ask, dev, state };
        let finding = match entry.mac {
            _ if entry.state & (nud::FAILED | nud::INCOMPLETE) != 0 => outer::neigh(ground.node(), silent),
            Some(mac) if entry.permanent() => {
                let real = real_mac(ground, ask);
                if real == Some(mac) {
                    continue;
                }
                let pinned = outer::Silent { state: "PERMANENT", ..silent };
                outer::wrong_mac(ground.node(), pinned, mac, real)
            }
            _ => continue,
        };
        asked.entry((ask, dev)).or_insert(finding);
    }
    Outcome::of(asked.into_values().collect())
}

/// Who did not answer on the underlay when somebody last asked: the entry stays long after the node is back.
pub fn silent(ground: &Ground<'_>) -> Vec<IpAddr> {
    let neighs = &ground.state().neighs;
    let failed = |(ask, dev): &(IpAddr, IfName)| {
        let entry = neighs.get(&NeighKey { dev: *dev, ip: *ask });
        entry.is_some_and(|entry| entry.state & (nud::FAILED | nud::INCOMPLETE) != 0)
    };
    let mut all: Vec<IpAddr> =
        ways(ground).iter().filter_map(|way| way.ask).filter(failed).map(|(ask, _)| ask).collect();
    all.dedup();
    all
}

/// The MAC of an underlay address, if a peer's snapshot tells.
fn real_mac(ground: &Ground<'_>, ip: IpAddr) -> Option<crate::net::Mac> {
    ground.others.iter().find_map(|other| {
        let dev = other.state.owner_of(ip)?;
        other.state.links.get(&dev)?.mac
    })
}
