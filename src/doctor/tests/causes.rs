//! Causes, not consequences; worst first.

use super::node::{codes, dev, examined, main_route};
use crate::finding::Level;
use crate::state::NeighKey;

fn peers() -> [NeighKey; 2] {
    [2, 3].map(|n| NeighKey { dev: dev("flannel.1"), ip: super::node::ip(&format!("10.244.{n}.0")) })
}

#[test]
fn a_bounced_device_is_one_finding() {
    let report = examined(|near, _| {
        for n in [2, 3] {
            near.state.routes.remove(&main_route(&format!("10.244.{n}.0/24")));
        }
        for key in peers() {
            near.state.neighs.remove(&key);
        }
    });
    assert_eq!(codes(&report), ["vtep.bounced"]);
    assert_eq!(report.findings.len(), 1);
    let fix = &report.findings[0].fix.as_ref().unwrap().command;
    assert!(fix.contains("10.244.2.0") && fix.contains("10.244.3.0"), "{fix}");
}

#[test]
fn a_device_that_is_gone_takes_the_blame_for_all_its_rows() {
    let report = examined(|near, _| {
        near.state.links.remove(&dev("flannel.1"));
        near.state.addrs.retain(|key, _| key.dev != dev("flannel.1"));
        near.state.neighs.retain(|key, _| key.dev != dev("flannel.1"));
        near.state.fdb.clear();
        for n in [2, 3] {
            near.state.routes.remove(&main_route(&format!("10.244.{n}.0/24")));
        }
    });
    assert_eq!(codes(&report), ["vtep.missing"]);
}

#[test]
fn what_one_command_mends_is_one_finding() {
    let report = examined(|near, _| {
        near.state.routes.remove(&main_route("0.0.0.0/0"));
        near.state.routes.remove(&main_route("192.168.50.0/24"));
    });
    let [only] = report.findings.as_slice() else { panic!("{:#?}", report.findings) };
    assert!(only.cause.contains("node2"), "{}", only.cause);
    assert!(only.evidence.iter().any(|line| line.contains("node3")), "{:?}", only.evidence);
}

#[test]
fn the_worst_comes_first() {
    let report = examined(|near, _| {
        near.state.facts.insert("agent:state".to_owned(), "stopped".to_owned());
        near.state.facts.insert("conntrack:count".to_owned(), "262144".to_owned());
        near.state.facts.insert("sysctl:net.ipv4.ip_forward".to_owned(), "0".to_owned());
        near.state.firewall = None;
    });
    let levels: Vec<Level> = report.findings.iter().map(|finding| finding.level).collect();
    assert!(levels.is_sorted(), "{levels:?}");
    assert_eq!((levels.first(), levels.last()), (Some(&Level::Error), Some(&Level::Info)));
}
