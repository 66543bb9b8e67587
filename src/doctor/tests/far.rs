//! What is wrong at the far end, and in pods: cases of their own.

use super::found::{Case, fact, filter, link, neigh, vxlan};
use super::node::{by, codes, dev, examined, firewall, ip, mac, main_route};
use crate::snapshot::Snapshot;
use crate::state::{Neigh, NeighKey, nud};

pub(super) const CASES: &[Case] = &[
    ("remote.device", |_, far| link(far, "flannel.1").mac = Some(mac(0x0b, 9)), &["remote.mac"]),
    ("remote.device", |_, far| vxlan(far).port = 4789, &["remote.port"]),
    (
        "remote.return",
        |_, far| drop(far.state.routes.remove(&main_route("10.244.1.0/24"))),
        &["remote.noreturn"],
    ),
    ("remote.return", |_, far| far.state.neighs.retain(|key, _| *key != neigh(1)), &["remote.noreturn"]),
    (
        "remote.return",
        |_, far| {
            far.state.routes.insert(main_route("10.244.1.0/24"), vec![by("eth0", Some("192.168.50.11"))]);
        },
        &["remote.asymmetric"],
    ),
    ("remote.return", |_, far| fact(far, "sysctl:net.ipv4.ip_forward", "0"), &["remote.forward"]),
    ("remote.firewall", |_, far| filter(far, "-A FORWARD -j DROP"), &["remote.filter"]),
    ("remote.firewall", |_, far| filter(far, "-A INPUT -p udp -j DROP"), &["remote.filter"]),
    ("pod.firewall", |near, _| guard(near, ":INPUT DROP [0:0]"), &["pod.filter"]),
    ("pod.firewall", |near, _| guard(near, ":OUTPUT DROP [0:0]"), &["pod.filter"]),
    ("mtu.symmetric", |_, far| link(far, "flannel.1").mtu = 1_350, &["mtu.asymmetric"]),
];

/// The pod has rules of its own.
fn guard(near: &mut Snapshot, policy: &str) {
    let rules = firewall(&format!("*filter\n{policy}\nCOMMIT\n"));
    near.pods.iter_mut().for_each(|pod| pod.state.firewall = Some(rules.clone()));
}

#[test]
fn a_pod_that_hears_answers_and_offers_one_port_is_nobodys_trouble() {
    let report = examined(|near, _| {
        guard(
            near,
            ":INPUT DROP [0:0]\n-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT\n\
             -A INPUT -p tcp --dport 8443 -j ACCEPT",
        );
    });
    assert_eq!(codes(&report), [""; 0], "{:#?}", report.findings);
    let report = examined(|near, _| guard(near, ":INPUT DROP [0:0]"));
    let fix = &report.findings[0].fix.as_ref().unwrap().command;
    assert!(
        fix.starts_with("ip netns exec pod iptables -t filter -I INPUT -s 10.244.0.0/16 -j ACCEPT && "),
        "{fix}"
    );
}

#[test]
fn who_is_known_by_its_mac_gets_its_address_back() {
    let report = examined(|near, _| {
        near.pods.iter_mut().for_each(|pod| pod.state.addrs.clear());
        let entry = Neigh { mac: Some(mac(0x0d, 1)), state: nud::STALE, flags: 0 };
        near.state.neighs.insert(NeighKey { dev: dev("cni0"), ip: ip("10.244.1.2") }, entry);
    });
    let fix = report.findings[0].fix.as_ref().unwrap();
    assert!(
        fix.command.contains("10.244.1.2/24") && fix.command.contains("default via 10.244.1.1"),
        "{fix:?}"
    );
}
