//! The kernel's rows in iproute2's words, and routes by what the tables say of them.

use ipnet::IpNet;

use crate::finding::repair::Obstacle;
use crate::plan::{route_words, rule_selectors};
use crate::state::fib::{Answer, Lookup};
use crate::state::{Hop, Hops, Route, RouteKey, RouteKind, Rule, State, table};

/// A route as `ip route` takes it.
pub(super) fn route(key: &RouteKey, route: &Route) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = route_words(&mut text, key, route);
    text
}

/// A rule as `ip rule` takes it.
pub(super) fn rule(rule: &Rule) -> String {
    let Rule {
        priority, from, to, iif, oif, fwmark, not, table, action, goto, ipproto, dport, sport, ..
    } = rule;
    let mut words = vec![format!("{priority}:")];
    let mut put =
        |name: &str, value: Option<String>| words.extend(value.map(|value| format!("{name} {value}")));
    put("not", not.then(String::new));
    put("from", Some(from.map_or_else(|| "all".to_owned(), |net| net.to_string())));
    put("to", to.map(|net| net.to_string()));
    put(
        "fwmark",
        fwmark.map(|(mark, mask)| match mask {
            u32::MAX => format!("{mark:#x}"),
            mask => format!("{mark:#x}/{mask:#x}"),
        }),
    );
    put("iif", iif.clone());
    put("oif", oif.clone());
    put("ipproto", ipproto.map(|n| n.to_string()));
    put("sport", sport.map(|(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") }));
    put("dport", dport.map(|(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") }));
    match action {
        1 => put("lookup", Some(table_name(*table))),
        2 => put("goto", goto.map(|to| to.to_string())),
        6 => put("blackhole", Some(String::new())),
        7 => put("unreachable", Some(String::new())),
        8 => put("prohibit", Some(String::new())),
        _ => put("nop", Some(String::new())),
    }
    words.iter().map(|word| word.trim_end()).collect::<Vec<_>>().join(" ")
}

/// The policy rule at this place as what stands in a packet's way.
pub(super) fn obstacle(state: &State, place: usize) -> Option<Obstacle> {
    let held = state.rules.get(place)?;
    let among = rule_selectors(&state.rules, place);
    Some(Obstacle::Rule { pref: held.priority, v6: held.v6, text: rule(held), among })
}

fn table_name(number: u32) -> String {
    match number {
        table::MAIN => "main".to_owned(),
        table::LOCAL => "local".to_owned(),
        253 => "default".to_owned(),
        number => number.to_string(),
    }
}

/// What the tables answered, in words.
pub(super) fn answer(state: &State, found: &Lookup) -> String {
    match &found.answer {
        Answer::Route { key, place, .. } => state
            .routes
            .get(key)
            .and_then(|twins| twins.get(*place))
            .map_or_else(String::new, |r| route(key, r)),
        Answer::OnLink { dev, .. } => format!("on the link of {dev}"),
        Answer::Refused(kind) => kind.word().to_owned(),
        Answer::NoRoute => "no route".to_owned(),
        Answer::Invalid(_) => "the kernel refuses to look it up".to_owned(),
    }
}

/// Every leg of a route, through nexthop objects and groups.
pub(super) fn legs(state: &State, route: &Route) -> Vec<Hop> {
    let member = |id: &u32| state.nexthops.get(id).map(|object| object.hop);
    match &route.hops {
        Hops::None => Vec::new(),
        Hops::One(hop) => vec![*hop],
        Hops::Multi(legs) => legs.iter().map(|(hop, _)| *hop).collect(),
        Hops::Object(id) => match state.nexthops.get(id) {
            Some(object) if object.group.is_empty() => vec![object.hop],
            Some(object) => object.group.iter().filter_map(|(id, _)| member(id)).collect(),
            None => Vec::new(),
        },
    }
}

/// The routes of the main table to exactly `net`, in the order in which the kernel prefers them.
pub(super) fn routes_to(state: &State, net: IpNet) -> impl Iterator<Item = (&RouteKey, &Route)> {
    let from = RouteKey { table: table::MAIN, dst: net, tos: 0, metric: 0 };
    let to = RouteKey { metric: u32::MAX, ..from };
    state.routes.range(from..=to).flat_map(|(key, twins)| twins.iter().map(move |route| (key, route)))
}

/// How a route refuses, if it does.
pub(super) fn refusal(kind: RouteKind) -> Option<crate::finding::route::Refusal> {
    use crate::finding::route::Refusal;
    match kind {
        RouteKind::Blackhole => Some(Refusal::Blackhole),
        RouteKind::Prohibit => Some(Refusal::Prohibit),
        RouteKind::Unreachable => Some(Refusal::Unreachable),
        _ => None,
    }
}
