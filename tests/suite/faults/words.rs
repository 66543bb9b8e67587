//! What `break` and `heal` say to those who ask for what cannot be done; the table against the codes.

use std::collections::BTreeSet;

use flanctl::finding::{CODES, about};
use flanctl::lab::faults;

use super::inject::Lab;

/// Codes that no fault of a lab brings about, and why.
const NOT_HERE: &[(&str, &str)] = &[
    ("filter.hidden", "says that the asker has no rights, which is no fault of the node"),
    ("stage.unknown", "says that something could not be seen, which is no fault of the node"),
    ("probe.lost", "is said of a probe that was really sent: by trace --live and doctor --peers alone"),
    ("service.empty", "is of kube-proxy with IPVS, and a lab has none"),
    ("tunnel.down", "is of other backends than vxlan, and a lab has none"),
    ("tunnel.missing", "is of other backends than vxlan, and a lab has none"),
    ("tunnel.noreader", "is of the udp backend, and a lab has none"),
    ("tunnel.nopeer", "is of WireGuard, and a lab has none"),
    ("tunnel.noendpoint", "is of WireGuard, and a lab has none"),
    ("remote.tunnel", "is of other backends than vxlan, and a lab has none"),
    ("model.disagrees", "would be a mistake of flanctl itself"),
    ("agent.stopped", "goes with every fault: the agent stands still meanwhile"),
    ("conntrack.full", "the table's size is the machine's, not a namespace's"),
    ("module.missing", "the kernel's modules are the machine's"),
    ("nexthop.unsupported", "wants a kernel from before nexthop objects"),
    ("vtep.socket", "the kernel's own tunnel holds the port before anybody else"),
    ("vtep.macpolicy", "systemd's files are the machine's"),
    ("vtep.managed", "network managers are the machine's"),
    ("cni.two", "the runtimes' configuration is the machine's"),
    ("bridge.netfilter", "wants kube-proxy's rules"),
    ("clock.skew", "the clock is the machine's"),
    ("lease.refused", "is seen on the other nodes: the one whose lease it is takes it for good"),
    ("store.silent", "wants a store that can be out of reach; a lab's is a directory"),
    ("offload.checksum", "wants a network card that spoils checksums; a lab's are veth"),
];

#[test]
fn the_table_names_known_codes_and_leaves_none_out_without_a_reason() {
    assert!(faults::all().count() >= 40);
    let named: BTreeSet<&str> = faults::all().flat_map(|f| f.trace.iter().chain(f.doctor)).copied().collect();
    let unknown: Vec<_> = named.iter().filter(|code| about(code).is_none()).collect();
    assert_eq!(unknown, Vec::<&&str>::new(), "codes that the table names and nobody prints");
    let excused = |code: &str| NOT_HERE.iter().any(|(c, _)| *c == code);
    let missing: Vec<_> =
        CODES.iter().map(|row| row.code).filter(|code| !named.contains(code) && !excused(code)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "codes without a fault");
    for (code, why) in NOT_HERE {
        assert!(about(code).is_some() && !named.contains(code) && !why.is_empty(), "{code}");
    }
}

#[test]
fn what_cannot_be_broken_is_told_with_what_can() {
    let lab = Lab::up("t-break", &["--nodes", "2"]);
    for (code, words, why) in [
        (2, &["break", "fdb.wrnog"][..], "did you mean fdb.wrong"),
        (2, &["break", "xyzzy"], "flanctl lab break --list"),
        (2, &["break", "fdb.wrong", "node9"], "it has node1, node2"),
        (2, &["break", "fdb.missing-v6"], "flanctl lab up --ipv6"),
        (0, &["heal"], "nothing is broken in lab t-break"),
        (0, &["break", "route.missing"], "flanctl lab exec pod1 --name t-break -- ping -c 3 10.244."),
        (1, &["break", "fdb.wrong"], "node1 of lab t-break is broken already: route.missing"),
    ] {
        let said = lab.says(code, words);
        assert!(said.contains(why), "{words:?}: {said}");
    }
    let listed = lab.list();
    let node1 = listed.lines().find(|l| l.contains("t-break") && l.contains("node1")).unwrap();
    assert!(node1.contains("paused") && node1.ends_with("route.missing"), "{listed}");
    let node2 = listed.lines().find(|l| l.contains("t-break") && l.contains("node2")).unwrap();
    assert!(node2.contains("running") && node2.ends_with('-'), "{listed}");
    let said = lab.says(0, &["heal"]);
    assert!(said.contains("node1 is as it was before route.missing"), "{said}");
    lab.says(0, &["break", "vtep.down"]);
    lab.says(0, &["down"]);
    let said = lab.says(1, &["break", "vtep.down"]);
    assert!(said.contains("there is no lab named t-break"), "{said}");
}
