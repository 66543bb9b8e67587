//! The model's first routing decision beside the kernel's own.

use super::words::{answer_words, words};
use crate::finding::{Finding, model};
use crate::plan::route_words;
use crate::snapshot::Snapshot;
use crate::state::fib::{Answer, Entry, Flow, input, lookup};
use crate::state::{Told, table};

/// The kernel keeps the tables local and main as one until somebody writes a rule, and then names either (fib_trie.c,
/// `fib_unmerge`).
fn merged(number: u32) -> u32 {
    if number == table::LOCAL { table::MAIN } else { number }
}

/// What is to be said if the kernel decides otherwise than the model for this flow; `None` if they agree. Why
/// something is refused is not compared: four of the kernel's six words for it have two causes.
pub fn disagreement(node: &Snapshot, flow: &Flow, told: &Told) -> Option<Finding> {
    let state = &node.state;
    let (found, entry) = match flow.iif {
        Some(_) => {
            let (found, entry) = input(state, flow);
            (found, Some(entry))
        }
        None => (lookup(state, flow), None),
    };
    // Whether IPv6 forwards is asked after the look-up, of which alone the kernel tells.
    let enters = flow.dst.is_ipv6()
        || matches!(entry, None | Some(Entry::Forwarded | Entry::Local | Entry::Broadcast));
    let passes = enters && found.refusal(state).is_none();
    let ours = match &found.answer {
        Answer::Route { key, place, .. } if passes => Some((key, *place)),
        _ => None,
    };
    let model = match (ours, &entry) {
        (Some((key, place)), _) => words(state, key, place),
        (None, Some(entry)) if !enters => format!("refused: {entry:?}"),
        (None, _) => format!("refused: {}", answer_words(state, &found)),
    };
    let kernel = match (ours, told) {
        (Some((key, _)), Told::Row(have, _))
            if (merged(key.table), key.dst, key.metric) == (merged(have.table), have.dst, have.metric) =>
        {
            return None;
        }
        (None, Told::Refused(_)) => return None,
        (_, Told::Row(key, route)) => {
            let mut text = String::new();
            // Writing to a String does not fail.
            let _ = route_words(&mut text, key, route);
            text
        }
        (_, Told::Refused(why)) => format!("refused: {why}"),
    };
    Some(model::disagrees(&node.host, flow.dst, &model, &kernel))
}
