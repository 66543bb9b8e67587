//! Causes over symptoms: a finding that another one explains is left out; the rest in order, worst first.

use crate::finding::Finding;

/// A cause, and the codes that it brings about by itself. A pattern that ends in `.` stands for all that begin so.
const EXPLAINS: &[(&str, &[&str])] = &[
    // With the device everything that hung on it is gone.
    ("vtep.missing", &["vtep.", "route.", "neigh.", "fdb.", "peer.missing", "mtu.", "masq.unexpected", "pod.noroute"]),
    // The kernel drops routes and neighbours of a device that goes down; the forwarding entries stay.
    ("vtep.down", &["vtep.bounced", "route.missing", "route.shadowed", "neigh.missing", "neigh.failed", "peer.missing"]),
    ("vtep.bounced", &["route.missing", "route.shadowed", "neigh.missing", "neigh.failed", "peer.missing"]),
    // A new MAC takes every neighbour with it.
    ("vtep.mac", &["neigh.missing", "neigh.failed", "peer.missing"]),
    // A device of another VNI, port or mode is a stranger: what hangs on it is made anew with it.
    ("vtep.vni", &["route.missing", "neigh.missing", "fdb.missing", "peer.missing"]),
    // An uplink that is down has no routes, and nobody answers there.
    ("outer.down", &["outer.noroute", "outer.neigh", "outer.wrongdev", "outer.loop", "mtu.outer", "route.missing", "route.wrong", "rpfilter.rejects", "vtep.local"]),
    ("outer.loop", &["outer.neigh", "outer.wrongdev", "mtu.outer"]),
    ("outer.noroute", &["outer.neigh", "mtu.outer"]),
    ("outer.wrongdev", &["outer.neigh", "mtu.outer"]),
    ("route.blackhole", &["route.missing", "route.wrong", "route.shadowed"]),
    ("route.prohibit", &["route.missing", "route.wrong", "route.shadowed"]),
    ("route.unreachable", &["route.missing", "route.wrong", "route.shadowed"]),
    ("route.deadleg", &["route.wrong"]),
    ("fdb.flood", &["fdb.missing", "fdb.stale"]),
    ("filter.hidden", &["stage.unknown"]),
];

/// The causes among `all`.
pub(super) fn causes(all: Vec<Finding>) -> Vec<Finding> {
    let codes: Vec<&'static str> = all.iter().map(|finding| finding.code).collect();
    let explained = |code: &str| {
        let by = EXPLAINS.iter().filter(|(cause, _)| *cause != code && codes.contains(cause));
        by.flat_map(|(_, symptoms)| symptoms.iter()).any(|pattern| matches(pattern, code))
    };
    let mut kept: Vec<Finding> = Vec::with_capacity(all.len());
    for finding in all {
        // Two checks may come upon one thing.
        if !explained(finding.code) && !kept.contains(&finding) {
            kept.push(finding);
        }
    }
    // Stable: within a level, in the order of the checks.
    kept.sort_by_key(|finding| finding.level);
    kept
}

fn matches(pattern: &str, code: &str) -> bool {
    if pattern.ends_with('.') { code.starts_with(pattern) } else { pattern == code }
}
