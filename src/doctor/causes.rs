//! Causes over symptoms: a finding that another one explains is left out; the rest in order, worst first.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;

/// A code, a node, and words.
type Said = (&'static str, String, String);

/// A cause, and the codes that it brings about by itself. A pattern that ends in `.` stands for all that begin so.
const EXPLAINS: &[(&str, &[&str])] = &[
    // The kernel takes no second device of one port and VNI.
    ("vtep.rival", &["vtep.missing"]),
    // With the device everything that hung on it is gone.
    ("vtep.missing", &["route.missing", "route.wrong", "neigh.", "fdb.", "peer.missing", "mtu."]),
    // The kernel drops routes and neighbours of a device that goes down, and its IPv6 addresses; forwarding entries stay.
    (
        "vtep.down",
        &["vtep.bounced", "vtep.addr", "route.missing", "route.shadowed", "neigh.", "peer.missing"],
    ),
    (
        "vtep.bounced",
        &["vtep.addr", "route.missing", "route.shadowed", "neigh.missing", "neigh.failed", "peer.missing"],
    ),
    // With its last IPv4 address a device loses its routes and neighbours.
    ("vtep.addr", &["route.missing", "neigh.missing", "neigh.failed", "peer.missing"]),
    // A new MAC takes every neighbour with it.
    ("vtep.mac", &["neigh.missing", "neigh.failed", "peer.missing"]),
    // A device that another program made is made anew, with its MAC, its address and every row.
    ("vtep.vni", REMADE),
    ("vtep.port", REMADE),
    ("vtep.gbp", REMADE),
    ("vtep.local", REMADE),
    // An uplink that is down has no routes, and nobody answers there.
    (
        "outer.down",
        &[
            "outer.noroute",
            "outer.neigh",
            "outer.wrongdev",
            "outer.loop",
            "mtu.outer",
            "route.missing",
            "route.wrong",
            "rpfilter.rejects",
            "vtep.local",
        ],
    ),
    ("outer.noroute", &["rpfilter.rejects"]),
    ("outer.loop", &["route.stale"]),
    ("lease.dup", &["lease.refused", "route.stale", "neigh.stale", "fdb.stale"]),
    // The bridge's old subnet is an address, a route and a gateway of somebody else's.
    (
        "bridge.stale",
        &[
            "route.local",
            "route.shadowed",
            "route.wrong",
            "route.stale",
            "pod.noroute",
            "pod.neigh",
            "rpfilter.rejects",
        ],
    ),
    ("veth.down", &["pod.noroute", "pod.noaddr", "pod.neigh", "bridge.port"]),
    ("fdb.flood", &["fdb.missing", "fdb.stale"]),
    // A rule that takes packets away takes the way back, too.
    ("rule.diverts", &["rpfilter.rejects"]),
    ("rule.prohibits", &["rpfilter.rejects"]),
    // The tunnel's rows are peers' matter, not its uplink's.
    ("peer.missing", &["route.missing", "neigh.missing", "fdb.missing"]),
    ("subnetenv.missing", &["subnetenv.stale"]),
    // The far side: what does not come in needs no way back.
    ("remote.rpfilter", &["remote.noreturn"]),
];

/// What goes with a device of the wrong make.
const REMADE: &[&str] = &[
    "vtep.mac",
    "vtep.addr",
    "vtep.bounced",
    "route.missing",
    "neigh.",
    "fdb.",
    "peer.missing",
    "mtu.outer",
    "vtep.local",
];

/// The causes among `all`.
pub(super) fn causes(all: Vec<Finding>) -> Vec<Finding> {
    let codes: BTreeSet<&'static str> = all.iter().map(|finding| finding.code).collect();
    let explained = |code: &str| {
        let by = EXPLAINS.iter().filter(|(cause, _)| *cause != code && codes.contains(*cause));
        by.flat_map(|(_, symptoms)| symptoms.iter()).any(|pattern| matches(pattern, code))
    };
    let mut kept: Vec<Finding> = Vec::with_capacity(all.len());
    // Where the first finding of a cause, and of a cure, stands: a large cluster may have one of each a peer.
    let mut told: BTreeMap<Said, Vec<usize>> = BTreeMap::new();
    let mut cures: BTreeMap<Said, usize> = BTreeMap::new();
    for finding in all {
        let said = |text: &str| (finding.code, finding.node.clone(), text.to_owned());
        let alike = told.entry(said(&finding.cause)).or_default();
        // Two checks may come upon one thing, and one thing may keep several peers away.
        if explained(finding.code) || alike.iter().any(|place| kept.get(*place) == Some(&finding)) {
            continue;
        }
        let place = kept.len();
        let cure = finding.fix.as_ref().map(|fix| said(&format!("{}\n{:?}", fix.command, fix.lasting)));
        let first = cure.map_or(place, |cure| *cures.entry(cure).or_insert(place));
        match kept.get_mut(first) {
            Some(first) => first.evidence.push(format!("the same: {}", finding.cause)),
            None => {
                alike.push(place);
                kept.push(finding);
            }
        }
    }
    // Stable: within a level, in the order of the checks.
    kept.sort_by_key(|finding| finding.level);
    kept
}

fn matches(pattern: &str, code: &str) -> bool {
    if pattern.ends_with('.') { code.starts_with(pattern) } else { pattern == code }
}
