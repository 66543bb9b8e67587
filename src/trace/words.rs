//! Routes and answers of the tables in the words of iproute2.

use super::Verdict;
use crate::finding::repair::Obstacle;
use crate::finding::route::Refusal;
use crate::plan::route_words;
use crate::readings::protocol;
use crate::state::fib::{Answer, Flow, Leg, Lookup};
use crate::state::{RouteKey, RouteKind, State};

/// The first leg that the packet may take.
pub(super) fn first(answer: &Answer) -> Option<Leg> {
    match answer {
        Answer::Route { legs, .. } => legs.first().copied(),
        _ => None,
    }
}

/// A route in iproute2's words.
pub(super) fn words(state: &State, key: &RouteKey, place: usize) -> String {
    let mut text = String::new();
    if let Some(route) = state.routes.get(key).and_then(|twins| twins.get(place)) {
        // Writing to a String does not fail.
        let _ = route_words(&mut text, key, route);
    }
    text
}

/// The route that takes the way back elsewhere, unless it is the one that everything takes.
pub(super) fn diversion(state: &State, back: &Lookup) -> Option<Obstacle> {
    match &back.answer {
        Answer::Route { key, place, .. } if key.dst.prefix_len() > 0 => {
            Some(Obstacle::Route(words(state, key, *place)))
        }
        _ => None,
    }
}

/// The answer of a look-up in words.
pub(super) fn answer_words(state: &State, found: &Lookup) -> String {
    match &found.answer {
        Answer::Route { key, place, .. } => words(state, key, *place),
        Answer::Refused(kind) => format!("refused by a rule: {}", kind.word()),
        Answer::NoRoute => "no route".to_owned(),
        Answer::OnLink { dev, .. } => format!("on the link of {dev}"),
        Answer::Invalid(why) => format!("{why:?}"),
    }
}

pub(super) fn runners_up(state: &State, found: &Lookup) -> Vec<String> {
    let others = found.runners_up.iter();
    others.map(|(key, place)| format!("almost: {}", words(state, key, *place))).collect()
}

pub(super) fn proto(state: &State, key: &RouteKey, place: usize) -> String {
    let number = state.routes.get(key).and_then(|twins| twins.get(place)).map_or(0, |route| route.proto);
    protocol(number)
}

/// What a person would type.
pub(super) fn asked(flow: &Flow) -> String {
    let from = flow.src.map(|ip| format!(" from {ip}")).unwrap_or_default();
    let iif = flow.iif.map(|dev| format!(" iif {dev}")).unwrap_or_default();
    let mark = if flow.mark == 0 { String::new() } else { format!(" mark {:#x}", flow.mark) };
    format!("ip route get {}{from}{iif}{mark}", flow.dst)
}

pub(super) fn refusal(kind: RouteKind) -> Refusal {
    match kind {
        RouteKind::Prohibit => Refusal::Prohibit,
        RouteKind::Unreachable => Refusal::Unreachable,
        _ => Refusal::Blackhole,
    }
}

pub(super) fn told(how: Refusal) -> Verdict {
    match how {
        Refusal::Blackhole => Verdict::Dropped,
        Refusal::Prohibit => Verdict::Rejected("administratively prohibited".to_owned()),
        Refusal::Unreachable => Verdict::Rejected("host unreachable".to_owned()),
    }
}
