//! Evidence that is not there: cannot tell, never fine.

use std::collections::BTreeSet;

use super::node::{answer, dev, examined};
use crate::doctor::{CHECKS, Word, examine};
use crate::lease::Expiry;
use crate::snapshot::Snapshot;

/// What is taken from a node, and which checks can then no longer tell.
type Case = (&'static str, fn(&mut Snapshot), &'static [&'static str]);

fn without(near: &mut Snapshot, key: &str) {
    let before = near.state.facts.len();
    near.state.facts.retain(|name, _| !name.starts_with(key));
    assert!(near.state.facts.len() < before, "{key}");
}

const CASES: &[Case] = &[
    (
        "leases",
        |near| near.leases = None,
        &[
            "device.mac",
            "device.addresses",
            "lease.own",
            "lease.dup",
            "lease.honoured",
            "lease.expiry",
            "tables.missing",
            "route.leads",
            "route.detours",
            "route.local",
            "rule.detours",
            "neigh.right",
            "fdb.right",
            "tables.leftovers",
            "outer.routes",
            "outer.neighbours",
            "rpfilter.passes",
            "firewall.forward",
            "firewall.input",
            "firewall.output",
            "firewall.tunnel",
            "masq.between",
            "bridge.subnet",
            "pod.ways",
            "subnetenv.right",
            "remote.firewall",
            "pod.wires",
        ],
    ),
    (
        "config",
        |near| near.config = None,
        &["device.attributes", "device.socket", "device.rivals", "firewall.tunnel"],
    ),
    (
        "devices",
        |near| near.state.links.clear(),
        &[
            "device.there",
            "device.up",
            "device.attributes",
            "device.local",
            "device.mac",
            "device.addresses",
            "device.learning",
            "mtu.inner",
            "mtu.outer",
            "offload.checksum",
            "uplink.up",
            "device.rivals",
            "pod.addresses",
        ],
    ),
    (
        "uplink",
        |near| {
            near.uplink = None;
            near.state.links.remove(&dev("flannel.1"));
        },
        &["uplink.up", "mtu.outer"],
    ),
    ("addresses", |near| near.state.addrs.clear(), &["device.local", "device.addresses", "route.local"]),
    ("rules", |near| near.state.rules.clear(), &["rule.detours"]),
    ("sysctls", |near| without(near, "sysctl:"), &["forward.on", "rpfilter.passes"]),
    (
        "firewall",
        |near| near.state.firewall = None,
        &[
            "firewall.forward",
            "firewall.input",
            "firewall.output",
            "firewall.tunnel",
            "masq.between",
            "masq.world",
            "bridge.netfilter",
        ],
    ),
    (
        "one tool of the firewall",
        |near| near.state.firewall.as_mut().unwrap().unseen.push("iptables-legacy was not there".to_owned()),
        &["firewall.seen"],
    ),
    (
        "pods",
        |near| {
            near.pods.clear();
            near.state.links.remove(&dev("veth0"));
        },
        &["pod.wires", "pod.addresses", "pod.ways", "pod.firewall", "mtu.inner"],
    ),
    (
        "pods' own firewalls",
        |near| near.pods.iter_mut().for_each(|pod| pod.state.firewall = None),
        &["pod.firewall"],
    ),
    (
        "the kernel's abilities",
        |near| {
            without(near, "module:");
            near.state.links.remove(&dev("flannel.1"));
        },
        &["kernel.modules"],
    ),
    (
        "the kernel's answer about objects",
        |near| {
            without(near, "nexthop:");
            near.leases = None;
        },
        &["kernel.nexthops"],
    ),
    ("the connection table", |near| without(near, "conntrack:"), &["conntrack.room"]),
    ("sockets", |near| without(near, "socket:"), &["device.socket"]),
    ("subnet.env", |near| without(near, "file:"), &["subnetenv.there", "subnetenv.right", "masq.world"]),
    ("the agent", |near| without(near, "agent:"), &["agent.runs"]),
    ("cni", |near| without(near, "cni:"), &["cni.one"]),
    ("the machine", |near| without(near, "netns:"), &["cni.one", "device.macpolicy", "device.managed"]),
    ("udev", |near| without(near, "link-policy:"), &["device.macpolicy"]),
    (
        "managers",
        |near| {
            without(near, "unit:");
            without(near, "managed:");
        },
        &["device.managed"],
    ),
    ("offloads", |near| without(near, "offload:"), &["offload.checksum"]),
    (
        "the store",
        |near| {
            without(near, "store:");
            without(near, "clock:");
            for lease in near.leases.iter_mut().flatten() {
                lease.expires = Expiry::Unknown;
            }
        },
        &["store.answers", "clock.agrees", "lease.expiry"],
    ),
];

#[test]
fn what_was_not_seen_is_not_called_fine() {
    for (what, take, checks) in CASES {
        let report = examined(|near, _| take(near));
        for id in *checks {
            let (word, why) = answer(&report, id);
            assert_eq!(word, Word::CannotTell, "{id} without {what}");
            assert!(!why.is_empty(), "{id} without {what}");
        }
    }
}

#[test]
fn without_a_peers_snapshot_nothing_is_said_of_it() {
    let report = examine(&super::node::node(1), &[]);
    for id in ["remote.device", "remote.return", "remote.firewall", "mtu.symmetric"] {
        assert_eq!(answer(&report, id).0, Word::CannotTell, "{id}");
    }
    assert!(!report.found());
}

#[test]
fn every_check_can_lack_its_evidence() {
    let remote = ["remote.device", "remote.return", "remote.firewall", "mtu.symmetric"];
    let seen: BTreeSet<&str> =
        CASES.iter().flat_map(|(_, _, ids)| ids.iter()).copied().chain(remote).collect();
    let all: BTreeSet<&str> = CHECKS.iter().map(|check| check.id).collect();
    assert_eq!(all.difference(&seen).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn a_node_of_which_nothing_is_known_is_not_called_sick() {
    let report = examined(|near, _| {
        near.state = crate::state::State::default();
        near.leases = None;
        near.config = None;
        near.uplink = None;
        near.pods.clear();
        near.own = None;
    });
    assert_eq!(super::node::codes(&report), ["filter.hidden"], "{:#?}", report.findings);
}
