//! IPv4: the trie's leaf, the choice among legs, and what output adds before and after the tables
//! (`fib_table_lookup`, `fib_select_path`, `ip_route_output_key_hash_rcu`).

use std::net::{IpAddr, Ipv4Addr};

use super::rules::{self, End, Family, Hit, Tables, Walked};
use super::table::{self, At};
use super::{Answer, Invalid, Leg, Lookup, Query, hops, source, sysctl};
use crate::state::{Hops, RouteKind, nud, table as number};

struct V4;

impl Family for V4 {
    fn find<'a>(&self, query: &Query<'a>, tables: Tables<'_>) -> Hit<'a> {
        let state = query.state;
        // A nexthop object without a usable leg ends the leaf: every prefix that begins at the same address.
        let mut spent = None;
        for at in table::holding(state, tables, query.flow.dst) {
            if spent == Some(at.key.dst.addr()) || !serves(query, &at) {
                continue;
            }
            if at.route.kind == RouteKind::Throw {
                return Hit::Throw(at);
            }
            if table::refusal(at.route.kind).or_else(|| hops::discards(state, at.route)).is_some() {
                return Hit::Refusing(at);
            }
            let legs = hops::all(state, at.route);
            match legs.iter().find(|leg| good(query, leg)) {
                Some(leg) => return Hit::Route { at, leg: Some(*leg) },
                None if matches!(at.route.hops, Hops::None) && query.flow.oif.is_none() => {
                    return Hit::Route { at, leg: None };
                }
                None if matches!(at.route.hops, Hops::Object(_)) => spent = Some(at.key.dst.addr()),
                None => {}
            }
        }
        Hit::Miss
    }

    fn others<'a>(&self, query: &Query<'a>, tables: Tables<'_>) -> Vec<At<'a>> {
        let holding = table::holding(query.state, tables, query.flow.dst);
        let would = |at: &At<'_>| {
            let legs = hops::all(query.state, at.route);
            serves(query, at) && (legs.is_empty() || legs.iter().any(|leg| good(query, leg)))
        };
        holding.filter(would).take(8).collect()
    }
}

/// The route's TOS, of which three bits count.
fn serves(query: &Query<'_>, at: &At<'_>) -> bool {
    at.key.tos == 0 || at.key.tos == query.flow.tos & 0x1c
}

/// `fib_lookup_good_nhc`.
fn good(query: &Query<'_>, leg: &Leg) -> bool {
    hops::alive(query.state, false, &leg.hop) && query.flow.oif.is_none_or(|oif| leg.hop.dev == Some(oif))
}

/// The walk, or while nobody has written a rule the shorter way that the kernel takes then: local and main in one
/// tree, and the default table if that refuses as well as if it does not know.
fn walk<'a>(query: &Query<'a>) -> Walked<'a> {
    const DEFAULT: u32 = 253;
    if !rules::untouched(query.state) {
        return rules::walk(query, &V4);
    }
    let mut walked = Walked { rule: None, end: End::Nothing, runners_up: Vec::new(), passed: Vec::new() };
    let both = [number::LOCAL, number::MAIN];
    let place = |priority| query.state.rules.iter().position(|r| !r.v6 && r.priority == priority);
    let first = V4.find(query, &both);
    let default_exists = || {
        let tables = query.state.routes.keys().filter(|key| key.table == DEFAULT);
        tables.into_iter().any(|key| key.dst.addr().is_ipv4())
    };
    let (hit, tables): (_, &[u32]) = match first {
        Hit::Route { .. } => (first, &both),
        Hit::Refusing(_) if !default_exists() => (first, &both),
        _ => (V4.find(query, &[DEFAULT]), &[DEFAULT]),
    };
    if let Hit::Route { at, .. } | Hit::Refusing(at) = &hit {
        let priority = match at.key.table {
            number::LOCAL => 0,
            number::MAIN => 32766,
            _ => 32767,
        };
        walked.rule = place(priority);
        walked.end = End::Hit(hit);
        walked.follow(query, &V4, tables);
    }
    walked
}

/// A packet that came in by a device: the tables alone.
pub(super) fn forward(query: &Query<'_>) -> Lookup {
    let walked = walk(query);
    let answer = match &walked.end {
        End::Hit(Hit::Route { at, leg }) => {
            let legs = sharing(query, at, None).unwrap_or_else(|| leg.iter().copied().collect());
            routed(query, at, legs)
        }
        other => plain(other),
    };
    walked.into_lookup(answer)
}

/// A packet of this host.
pub(super) fn output(query: &Query<'_>) -> Lookup {
    let bare = |answer| Lookup { rule: None, answer, runners_up: Vec::new(), passed: Vec::new() };
    let mut query = query.clone();
    if let Some(early) = early(&mut query) {
        return bare(leaving(&query, early));
    }
    let walked = walk(&query);
    let answer = match (&walked.end, query.flow.oif) {
        (End::Hit(Hit::Route { at, leg }), _) => found(&query, at, *leg),
        // A socket that is bound to a device knows better than the tables.
        (_, Some(dev)) if query.vrf.is_none() || multicast(query.flow.dst) => {
            Answer::OnLink { dev, src: own(&query, source::select(query.state, dev, None, source::LINK)) }
        }
        (other, _) => plain(other),
    };
    walked.into_lookup(leaving(&query, answer))
}

/// What output decides before it asks the tables.
fn early(query: &mut Query<'_>) -> Option<Answer> {
    let state = query.state;
    let dst = query.flow.dst;
    if let Some(src) = query.flow.src {
        let limited = src == IpAddr::V4(Ipv4Addr::BROADCAST);
        if multicast(src) || limited || zeronet(src) {
            return Some(Answer::Invalid(Invalid::Source));
        }
        let Some(owner) = source::owner(state, src) else {
            return Some(Answer::Invalid(Invalid::ForeignSource));
        };
        if query.flow.oif.is_none() && (multicast(dst) || dst == IpAddr::V4(Ipv4Addr::BROADCAST)) {
            return Some(Answer::OnLink { dev: owner, src: None });
        }
    }
    if let Some(dev) = query.flow.oif {
        match state.links.get(&dev) {
            None => return Some(Answer::Invalid(Invalid::NoDevice)),
            Some(link) if !link.up => return Some(Answer::Invalid(Invalid::DeviceDown)),
            Some(_) => {}
        }
        let near = matches!(dst, IpAddr::V4(ip) if ip.octets().starts_with(&[224, 0, 0]));
        if near || dst == IpAddr::V4(Ipv4Addr::BROADCAST) || query.flow.proto == 2 {
            let src = own(query, source::select(state, dev, None, source::LINK));
            return Some(Answer::OnLink { dev, src });
        }
        if query.flow.src.is_none() && multicast(dst) {
            query.flow.src = source::select(state, dev, None, source::UNIVERSE);
        }
    }
    None
}

/// What output refuses after it knows the way (`__mkroute_output`).
fn leaving(query: &Query<'_>, answer: Answer) -> Answer {
    let (dev, src) = match &answer {
        Answer::Route { legs, src, key, place } => {
            let route = query.state.routes.get(key).and_then(|twins| twins.get(*place));
            let dev = match route {
                Some(route) if route.kind == RouteKind::Local => source::loopback(query.state),
                _ => legs.first().and_then(|leg| leg.hop.dev),
            };
            if route.is_some_and(|r| table::refusal(r.kind).is_some()) || legs.is_empty() {
                return answer;
            }
            (dev, query.flow.src.or(*src))
        }
        Answer::OnLink { dev, src } => (Some(*dev), query.flow.src.or(*src)),
        _ => return answer,
    };
    let Some(dev) = dev else { return answer };
    let out = Some(dev) != source::loopback(query.state);
    let loopback = src.is_some_and(|ip| ip.is_loopback());
    if loopback && out && sysctl::either(query.state, dev, "route_localnet", 0) == 0 {
        return Answer::Invalid(Invalid::Source);
    }
    if zeronet(query.flow.dst) {
        return Answer::Invalid(Invalid::Destination);
    }
    answer
}

/// The route that output found, with the legs that it may take.
fn found(query: &Query<'_>, at: &At<'_>, leg: Option<Leg>) -> Answer {
    let one = || leg.iter().copied().collect();
    if at.route.kind == RouteKind::Local {
        let legs: Vec<Leg> = one();
        let src = own(query, at.route.src.or(Some(query.flow.dst)));
        let legs = legs.into_iter().map(|leg| Leg { src, ..leg }).collect();
        return Answer::Route { key: *at.key, place: at.place, legs, src };
    }
    let legs = match query.flow.oif {
        Some(_) => one(),
        None => sharing(query, at, query.flow.src).or_else(|| defaults(query, at)).unwrap_or_else(one),
    };
    routed(query, at, legs)
}

fn routed(query: &Query<'_>, at: &At<'_>, legs: Vec<Leg>) -> Answer {
    let source = |leg: Leg| match leg.src {
        Some(_) => leg,
        None => Leg { src: own(query, source::of_leg(query.state, at.route, &leg.hop)), ..leg },
    };
    let legs: Vec<Leg> = legs.into_iter().map(source).collect();
    let src = legs.first().and_then(|leg| leg.src);
    Answer::Route { key: *at.key, place: at.place, legs, src }
}

/// A source is chosen only for a packet of this host that has none.
fn own(query: &Query<'_>, chosen: Option<IpAddr>) -> Option<IpAddr> {
    chosen.filter(|_| query.flow.src.is_none() && query.flow.iif.is_none())
}

fn plain(end: &End<'_>) -> Answer {
    match end {
        End::Hit(Hit::Refusing(at)) => {
            Answer::Route { key: *at.key, place: at.place, legs: Vec::new(), src: None }
        }
        End::Refused(kind) => Answer::Refused(*kind),
        End::Hit(_) | End::Nothing => Answer::NoRoute,
    }
}

/// The legs that the hash can fall on, where there are several (`fib_select_multipath`).
fn sharing(query: &Query<'_>, at: &At<'_>, src: Option<IpAddr>) -> Option<Vec<Leg>> {
    let state = query.state;
    let legs = hops::all(state, at.route);
    if legs.len() < 2 {
        return None;
    }
    if matches!(at.route.hops, Hops::Object(_)) {
        return Some(hops::of_group(state, &legs));
    }
    let wary = sysctl::number(state, "ipv4.fib_multipath_use_neigh").is_some_and(|on| on != 0);
    let usable = |leg: &Leg| hops::alive(state, false, &leg.hop) && (!wary || hops::answers(state, &leg.hop));
    let usable: Vec<Leg> = legs.into_iter().filter(usable).collect();
    // A leg whose own source address the packet has is preferred (since 6.16).
    let mine = |leg: &&Leg| {
        let dev = leg.hop.dev;
        src.is_some() && dev.and_then(|dev| source::of_hop(state, dev, &leg.hop, at.route.scope)) == src
    };
    let preferred: Vec<Leg> = usable.iter().filter(mine).copied().collect();
    Some(if preferred.is_empty() { usable } else { preferred }).filter(|legs| !legs.is_empty())
}

/// Several default routes of one metric: the kernel goes round among those whose gateway it does not know to
/// answer, and which one it was at last is nowhere to be read (`fib_select_default`).
fn defaults(query: &Query<'_>, at: &At<'_>) -> Option<Vec<Leg>> {
    let state = query.state;
    if at.key.dst.prefix_len() != 0 || at.route.kind != RouteKind::Unicast {
        return None;
    }
    let zero = table::prefix(state, &[at.key.table], query.flow.dst, 0);
    let (mut tos, mut metric) = (0, at.key.metric);
    let mut round: Vec<Leg> = Vec::new();
    for other in zero.iter().filter(|other| serves(query, other)) {
        if other.key.metric > metric && other.key.tos == tos {
            if tos != 0 {
                continue;
            }
            break;
        }
        let legs = hops::all(state, other.route);
        if !legs.is_empty() && legs.iter().all(|leg| leg.hop.dead && !leg.hop.linkdown) {
            continue;
        }
        (tos, metric) = (other.key.tos, other.key.metric);
        let Some(first) = legs.first().filter(|leg| leg.hop.via.is_some()) else { continue };
        if other.route.scope != at.route.scope || other.route.kind != RouteKind::Unicast {
            continue;
        }
        if round.is_empty() && (other.key, other.place) != (at.key, at.place) {
            return None;
        }
        let src = own(query, source::of_leg(state, other.route, &first.hop));
        round.push(Leg { src, ..*first });
    }
    (round.len() > 1).then(|| turns(query, &round))
}

/// The legs that come up, from a fresh start until the round repeats (`fib_detect_death`).
fn turns(query: &Query<'_>, round: &[Leg]) -> Vec<Leg> {
    let state = |leg: &Leg| hops::neighbour(query.state, &leg.hop).unwrap_or(0);
    let valid = nud::PERMANENT | nud::NOARP | nud::REACHABLE | nud::PROBE | nud::STALE | nud::DELAY;
    let (mut last, mut seen, mut chosen) = (None, Vec::new(), Vec::<Leg>::new());
    while !seen.contains(&last) {
        seen.push(last);
        let mut resort = None;
        let mut alive = None;
        for (order, leg) in round.iter().enumerate() {
            let nud = state(leg);
            if nud & nud::REACHABLE != 0 || (nud & valid != 0 && last != Some(order)) {
                alive = Some(order);
                break;
            }
            let later = last.is_none_or(|last| order > last);
            if nud & valid != 0 || (resort.is_none() && later && nud != nud::INCOMPLETE) {
                resort = Some(order);
            }
        }
        last = alive.or(resort);
        let leg = last.and_then(|order| round.get(order)).or(round.first());
        chosen.extend(leg.filter(|leg| !chosen.contains(leg)).copied());
    }
    chosen
}

pub(super) fn multicast(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if ip.is_multicast())
}

pub(super) fn zeronet(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if ip.octets().first() == Some(&0))
}
