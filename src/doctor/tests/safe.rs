//! Repairs harm nobody: no name is read as a command, and nothing goes that others live by.

use super::node::{dev, examined, give, main_route, net, public};
use crate::doctor::repair::{self, Step};
use crate::doctor::{Report, causes};
use crate::finding::repair::Obstacle;
use crate::finding::{Finding, host, outer};
use crate::net::IfName;
use crate::snapshot::Snapshot;
use crate::state::{AddrKey, Rule, State};

fn repair_of(report: &Report, code: &str) -> String {
    let found = report.findings.iter().find(|finding| finding.code == code);
    let found = found.unwrap_or_else(|| panic!("no {code} among {:#?}", report.findings));
    found.fix.as_ref().map(|fix| fix.command.clone()).unwrap_or_default()
}

/// Who is root in a pod calls its devices as it likes.
fn call_device(near: &mut Snapshot, name: &str) {
    let (old, new): (IfName, IfName) = (dev("eth0"), dev(name));
    let pod = near.pods.first_mut().unwrap();
    pod.aliases.push("pid 4711".to_owned());
    pod.name = "web".to_owned();
    let state = &mut pod.state;
    let mut link = state.links.remove(&old).unwrap();
    link.mtu = 9_000;
    state.links.insert(new, link);
    let rename = |key: AddrKey| AddrKey { dev: if key.dev == old { new } else { key.dev }, ..key };
    state.addrs = state.addrs.iter().map(|(key, addr)| (rename(*key), *addr)).collect();
}

#[test]
fn a_pods_device_is_a_name_whatever_it_is_called() {
    for (name, quoted) in [("e;reboot", "'e;reboot'"), ("$(reboot)", "'$(reboot)'"), ("a'b", "'a'\\''b'")] {
        let report = examined(|near, _| call_device(near, name));
        let line = repair_of(&report, "mtu.inner");
        assert_eq!(line, format!("nsenter -t 4711 -n ip link set {quoted} mtu 1450"));
        let finding = report.findings.iter().find(|finding| finding.code == "mtu.inner").unwrap();
        assert_eq!(repair::steps(finding, &State::default()), [Step::Shell(line)]);
    }
}

#[test]
fn a_peer_that_holds_our_pods_address_keeps_its_local_table() {
    let report = examined(|_, far| give(&mut far.state, "lo", "10.244.1.2/32"));
    assert_eq!(repair_of(&report, "remote.noreturn"), "ip addr del 10.244.1.2/32 dev lo");
}

#[test]
fn a_rule_that_shares_its_priority_goes_alone() {
    let refuses = Rule { priority: 100, to: Some(net("10.244.2.0/24")), action: 8, ..Rule::default() };
    let alone = examined(|near, _| near.state.rules.insert(1, refuses.clone()));
    assert_eq!(repair_of(&alone, "rule.prohibits"), "ip rule del pref 100");
    let beside = examined(|near, _| {
        let other = Rule { iif: Some("eth7".to_owned()), action: 1, table: 7, to: None, ..refuses.clone() };
        near.state.rules.splice(1..1, [other, refuses.clone()]);
    });
    let line = "ip rule del pref 100 from all to 10.244.2.0/24 type prohibit";
    assert_eq!(repair_of(&beside, "rule.prohibits"), line);
}

#[test]
fn the_default_route_is_nobodys_to_take() {
    let devs = (dev("eth1"), dev("eth0"));
    let repair = |route: &str| {
        let by = Obstacle::Route(route.to_owned());
        outer::wrong_device("node1", "node2", public(2), devs, &by, None).fix.map(|fix| fix.command)
    };
    assert_eq!(repair("default via 192.168.77.1 dev eth1"), None);
    assert_eq!(repair("192.168.50.12 dev eth1").as_deref(), Some("ip route del 192.168.50.12 dev eth1"));
}

#[test]
fn a_finding_a_peer_is_told_once_and_in_order() {
    let one = |nr: u32, fix: u32| {
        let cause = format!("cause {nr}");
        Finding::new("neigh.wrong", "node1", cause, "ip neigh").fix(format!("ip neigh del {fix}"))
    };
    let all = |_| (0..20_000).map(|nr| one(nr, nr));
    let mut found: Vec<Finding> = (0..2).flat_map(all).collect();
    found.extend([one(20_000, 7), host::clock_skew("node1", i64::MIN)]);
    let kept = causes::causes(found);
    assert_eq!(kept.len(), 20_001);
    assert!(kept.iter().zip(0..20_000).all(|(finding, nr)| finding.cause == format!("cause {nr}")));
    assert_eq!(kept[7].evidence, ["the same: cause 20000"]);
    assert!(kept[20_000].cause.contains("9223372036854775 s behind"), "{}", kept[20_000].cause);
}

#[test]
fn a_check_names_each_code_once() {
    let report = examined(|near, far| {
        for node in [near, far] {
            node.state.routes.remove(&main_route("10.244.3.0/24"));
            node.state.routes.remove(&main_route("10.244.2.0/24"));
        }
    });
    let answer = report.answers.iter().find(|answer| answer.id == "tables.missing").unwrap();
    assert_eq!(answer.codes, ["route.missing"]);
}
