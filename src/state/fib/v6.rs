//! IPv6: nodes by destination and source prefix, the score of a route, siblings (`fib6_table_lookup`,
//! `find_rr_leaf`, `fib6_select_path` in net/ipv6/route.c; `fib6_node_lookup` in ip6_fib.c).

use std::net::IpAddr;

use super::rules::{self, End, Family, Hit, Tables};
use super::table::{self, At};
use super::{Answer, Leg, Lookup, Query, hops, source6, sysctl};
use crate::net::IfName;
use crate::state::{Hops, RouteKind, nud};

struct V6 {
    /// The device that a route should leave by: the output device, or for a packet that came in the input one.
    dev: Option<IfName>,
    /// Other devices do not do.
    strict: bool,
}

/// Looks a packet up, of this host or come in.
pub(super) fn lookup(query: &Query<'_>) -> Lookup {
    let dst = query.flow.dst;
    let near =
        matches!(dst, IpAddr::V6(ip) if ip.is_multicast() || ip.is_loopback() || ip.is_unicast_link_local());
    let unbound = query.flow.iif.is_none() && query.flow.oif.is_some() && query.src().is_unspecified();
    let family = V6 { dev: query.flow.iif.or(query.flow.oif), strict: near || unbound };
    let walked = rules::walk(query, &family);
    let answer = match &walked.end {
        End::Hit(Hit::Route { at, leg }) => {
            // On every leg of a group the kernel chooses as if it were the first (`ip6_route_get_saddr`).
            let group = matches!(at.route.hops, Hops::Object(_));
            let first = hops::all(query.state, at.route).into_iter().next().filter(|_| group);
            let source = |leg: Leg| {
                let from = first.unwrap_or(leg);
                Leg { src: source6::of_leg(query, at.route, &from.hop), ..leg }
            };
            let legs: Vec<Leg> = family.sharing(query, at, *leg).into_iter().map(source).collect();
            let src = legs.first().and_then(|leg| leg.src);
            Answer::Route { key: *at.key, place: at.place, legs, src }
        }
        End::Hit(Hit::Refusing(at)) => {
            Answer::Route { key: *at.key, place: at.place, legs: Vec::new(), src: None }
        }
        End::Refused(kind) => Answer::Refused(*kind),
        End::Hit(_) | End::Nothing => Answer::NoRoute,
    };
    walked.into_lookup(answer)
}

impl Family for V6 {
    fn find<'a>(&self, query: &Query<'a>, tables: Tables<'_>) -> Hit<'a> {
        let nodes = nodes(query, tables);
        // A host asks for a router that answers first, and only then for any.
        let passes: &[bool] = match sysctl::own(query.state, "ipv6", "all", "forwarding") {
            Some(on) if on != 0 => &[false],
            _ => &[true, false],
        };
        for picky in passes {
            for node in &nodes {
                if let Some((at, leg)) = self.select(query, node, *picky) {
                    return match () {
                        () if at.route.kind == RouteKind::Throw => Hit::Throw(at),
                        () if table::refusal(at.route.kind).is_some() => Hit::Refusing(at),
                        () if hops::discards(query.state, at.route).is_some() => Hit::Refusing(at),
                        () => Hit::Route { at, leg },
                    };
                }
            }
        }
        Hit::Miss
    }

    fn others<'a>(&self, query: &Query<'a>, tables: Tables<'_>) -> Vec<At<'a>> {
        let nodes = nodes(query, tables).into_iter().flatten();
        let would = |at: &At<'a>| {
            let legs = hops::all(query.state, at.route);
            legs.is_empty() || legs.iter().any(|leg| self.score(query, at, leg, false).is_some())
        };
        nodes.filter(would).take(8).collect()
    }
}

/// The nodes that a look-up visits, in order. A node with source-specific routes, none of which fits, is passed over
/// with everything that stands on it, unless a look-up below has already failed (then it only climbs).
fn nodes<'a>(query: &Query<'a>, tables: Tables<'_>) -> Vec<Vec<At<'a>>> {
    let src = query.src();
    let mut nodes = Vec::new();
    let mut climbing = false;
    for len in (0..=128u8).rev() {
        let rows = table::prefix(query.state, tables, query.flow.dst, len);
        if rows.is_empty() {
            continue;
        }
        let from = |at: &At<'a>| at.route.from.filter(|from| from.prefix_len() != 0);
        let specific = rows.iter().any(|at| from(at).is_some());
        let mut fitting: Vec<_> = rows.iter().filter_map(from).filter(|net| net.contains(&src)).collect();
        fitting.sort_by_key(|net| std::cmp::Reverse(net.prefix_len()));
        fitting.dedup();
        if !climbing && specific && fitting.is_empty() && len != 0 {
            continue;
        }
        climbing = true;
        for net in fitting {
            nodes.push(rows.iter().filter(|at| from(at) == Some(net)).copied().collect());
        }
        let own: Vec<_> = rows.iter().filter(|at| from(at).is_none()).copied().collect();
        if !own.is_empty() {
            nodes.push(own);
        }
    }
    nodes
}

impl V6 {
    /// The best of one node: among the routes of the first metric, or else among all the rest, whatever their metric.
    fn select<'a>(&self, query: &Query<'a>, node: &[At<'a>], picky: bool) -> Option<(At<'a>, Option<Leg>)> {
        let metric = node.first()?.key.metric;
        let split = node.iter().position(|at| at.key.metric != metric).unwrap_or(node.len());
        let (first, rest) = node.split_at_checked(split)?;
        self.best(query, first, picky).or_else(|| self.best(query, rest, picky))
    }

    fn best<'a>(&self, query: &Query<'a>, routes: &[At<'a>], picky: bool) -> Option<(At<'a>, Option<Leg>)> {
        let mut best: Option<(u8, At<'a>, Option<Leg>)> = None;
        for at in routes {
            if matches!(at.route.hops, Hops::Object(_)) && hops::discards(query.state, at.route).is_some() {
                return Some((*at, None));
            }
            for leg in hops::all(query.state, at.route) {
                let Some(score) = self.score(query, at, &leg, picky) else { continue };
                if best.as_ref().is_none_or(|(most, ..)| score > *most) {
                    best = Some((score, *at, Some(leg)));
                    // Of a group the first that is better than what there was.
                    if matches!(at.route.hops, Hops::Object(_)) {
                        break;
                    }
                }
            }
        }
        best.map(|(_, at, leg)| (at, leg))
    }

    /// How well a leg fits: device first, then the router's preference. `None` if it does not.
    fn score(&self, query: &Query<'_>, at: &At<'_>, leg: &Leg, picky: bool) -> Option<u8> {
        if !hops::alive(query.state, true, &leg.hop) {
            return None;
        }
        let there = self.dev.is_none_or(|dev| leg.hop.dev == Some(dev));
        if !there && self.strict {
            return None;
        }
        let dumb = || hops::neighbour(query.state, &leg.hop).is_some_and(|state| state & nud::FAILED != 0);
        if picky && leg.hop.via.is_some() && dumb() {
            return None;
        }
        Some(u8::from(there) << 1 | ((at.route.pref & 3) ^ 2) << 2)
    }

    /// The legs that the hash can fall on, the one that was found first.
    fn sharing(&self, query: &Query<'_>, at: &At<'_>, leg: Option<Leg>) -> Vec<Leg> {
        let Some(leg) = leg else { return Vec::new() };
        let legs = hops::all(query.state, at.route);
        match &at.route.hops {
            Hops::Object(_) if legs.len() > 1 => hops::of_group(query.state, &legs),
            Hops::Multi(_) => {
                let picky = sysctl::own(query.state, "ipv6", "all", "forwarding").is_none_or(|on| on == 0);
                let fits = |l: &&Leg| **l != leg && self.score(query, at, l, picky).is_some();
                std::iter::once(leg).chain(legs.iter().filter(fits).copied()).collect()
            }
            _ => vec![leg],
        }
    }
}
