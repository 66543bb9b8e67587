//! Nothing is wrong, and that can be told.

use std::collections::BTreeSet;

use super::node::{codes, examined};
use crate::doctor::{CHECKS, Word};
use crate::finding::about;

#[test]
fn every_check_finds_a_healthy_node_fine() {
    let report = examined(|_, _| ());
    assert_eq!(codes(&report), [""; 0], "{:#?}", report.findings);
    let others: Vec<_> = report.answers.iter().filter(|answer| answer.answer != Word::Fine).collect();
    assert_eq!(others, Vec::<&crate::doctor::Answer>::new());
    assert!(!report.found());
}

#[test]
fn checks_have_names_of_their_own_and_ask_questions() {
    let ids: BTreeSet<&str> = CHECKS.iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), CHECKS.len());
    for check in CHECKS {
        assert!(check.question.ends_with('?'), "{}", check.id);
    }
}

#[test]
fn a_small_room_below_the_tunnel_is_no_matter() {
    // A tunnel that is narrower than it might be wastes room, no more.
    let report = examined(|near, far| {
        for node in [near, far] {
            for name in ["flannel.1", "cni0", "veth0"] {
                node.state.links.get_mut(&super::node::dev(name)).unwrap().mtu = 1_400;
            }
            for pod in &mut node.pods {
                pod.state.links.values_mut().for_each(|link| link.mtu = 1_400);
            }
        }
    });
    assert_eq!(codes(&report), [""; 0], "{:#?}", report.findings);
}

#[test]
fn what_is_found_has_a_row_among_the_codes() {
    let report = examined(|near, _| {
        near.state.links.clear();
        near.state.routes.clear();
        near.state.firewall = None;
    });
    assert!(report.found());
    for finding in &report.findings {
        assert!(about(finding.code).is_some(), "{}", finding.code);
    }
}
