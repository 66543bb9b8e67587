//! Why a peer does not answer, and what is done for many findings at once.

use super::node::{answer, dev, examined, node, public};
use crate::doctor::repair::{self, Step};
use crate::doctor::{Ground, Known, Word, examine, unexplained};
use crate::finding::Finding;
use crate::readings::Peer;
use crate::snapshot::Snapshot;
use crate::state::{NeighKey, nud};

fn peer(n: u32) -> Peer {
    let (third, fourth) = (n / 250, n % 250);
    Peer {
        node: format!("worker{n}"),
        net: format!("10.{}.{third}.{fourth}/32", 100 + n / 60_000).parse().unwrap(),
        dev: dev("flannel.1"),
        public: format!("172.16.{third}.{fourth}").parse().unwrap(),
        mac: crate::net::Mac::ZERO,
        vni: 1,
        direct: None,
    }
}

fn finding(code: &'static str, cause: String) -> Finding {
    Finding::new(code, "node1", cause, "ip route")
}

#[test]
fn the_finding_that_names_a_peer_explains_its_silence() {
    let found = [
        finding("fdb.wrong", "frames for worker7 are sent to 10.0.0.9".to_owned()),
        finding("route.missing", "worker11 owns 10.100.0.11/32".to_owned()),
        finding("neigh.missing", "no entry".to_owned()).evidence("lease at 172.16.0.3: VTEP"),
        Finding::new("remote.mac", "worker5", "another MAC", "ip link"),
    ];
    let known = Known::of(&found);
    let why = |n: u32| known.why(&peer(n)).map(|finding| finding.code);
    assert_eq!(
        [7, 11, 3, 5, 1, 70].map(why),
        [Some("fdb.wrong"), Some("route.missing"), Some("neigh.missing"), Some("remote.mac"), None, None]
    );
    // What is about the node as a whole explains everybody's.
    let found = [found[0].clone(), finding("forward.off", "it does not forward".to_owned())];
    let known = Known::of(&found);
    assert_eq!(known.why(&peer(1)).map(|f| f.code), Some("forward.off"));
    assert_eq!(known.why(&peer(7)).map(|f| f.code), Some("fdb.wrong"));
}

#[test]
fn thousands_of_silent_peers_are_looked_up_and_not_searched_for() {
    let many = 40_000;
    let found: Vec<Finding> =
        (0..many).map(|n| finding("fdb.missing", format!("no remote for worker{n}"))).collect();
    let known = Known::of(&found);
    for n in 0..many {
        let why = known.why(&peer(n)).unwrap();
        assert!(why.cause.ends_with(&format!("worker{n}")), "{n}: {}", why.cause);
    }
}

/// What is said of node2's silence after somebody had a hand in node1.
fn silence(change: impl Fn(&mut Snapshot)) -> (&'static str, String) {
    let mut near = node(1);
    change(&mut near);
    let report = examine(&near, &[]);
    let ground = Ground::of(&near, &[]);
    let peer = ground.peers().iter().find(|peer| peer.public == public(2)).unwrap();
    let (finding, told) = unexplained(&ground, &report, peer, false);
    (finding.code, told)
}

#[test]
fn a_security_group_is_named_only_where_the_packet_is_known_to_have_left() {
    let (code, told) = silence(|_| {});
    assert_eq!(code, "outer.filtered");
    assert_eq!(told, "outer.filtered: UDP 8472 left by eth0, none came back: a security group?");
    let key = NeighKey { dev: dev("eth0"), ip: public(2) };
    let hidden: [fn(&mut Snapshot); 2] = [
        |near| near.state.firewall = None,
        |near| near.state.firewall.as_mut().unwrap().unseen.push("legacy".to_owned()),
    ];
    for change in hidden {
        let (code, told) = silence(change);
        assert_eq!((code, told.contains("security group")), ("probe.lost", false), "{told}");
        assert!(told.contains("firewall here drops UDP 8472 was not seen"), "{told}");
    }
    let (code, told) = silence(|near| near.state.neighs.retain(|known, _| *known != key));
    assert_eq!(
        (code, told.as_str()),
        ("probe.lost", "no answer: whether UDP 8472 left for 192.168.50.12 was not seen")
    );
    let (code, _) = silence(|near| near.state.neighs.get_mut(&key).unwrap().state = nud::INCOMPLETE);
    assert_eq!(code, "probe.lost");
}

#[test]
fn many_codes_are_mended_in_one_go_and_each_step_once() {
    let mut near = node(1);
    near.state.neighs.retain(|key, _| key.dev != dev("flannel.1"));
    near.state.routes.retain(|key, _| key.dst != "10.244.3.0/24".parse().unwrap());
    near.state.facts.insert("sysctl:net.ipv4.ip_forward".to_owned(), "0".to_owned());
    let report = examine(&near, &[]);
    let codes = ["neigh.missing", "route.missing", "peer.missing", "forward.off", "neigh.missing"];
    let codes = codes.map(str::to_owned);
    let steps = repair::asked(&near, &report.findings, &codes);
    let text: Vec<String> = steps.iter().map(Step::text).collect();
    assert_eq!(
        text,
        [
            "ip neigh replace 10.244.2.0 lladdr 02:00:00:00:0b:02 dev flannel.1 nud permanent",
            "ip neigh replace 10.244.3.0 lladdr 02:00:00:00:0b:03 dev flannel.1 nud permanent",
            "ip route replace 10.244.3.0/24 via 10.244.3.0 dev flannel.1 onlink",
            "sysctl -w net.ipv4.ip_forward=1",
        ]
    );
}

#[test]
fn what_is_found_on_another_node_is_not_mended_here() {
    let report = examined(|_, far| drop(far.state.routes.remove(&super::node::main_route("10.244.1.0/24"))));
    assert_eq!(answer(&report, "remote.return").0, Word::Found);
    let codes = ["remote.noreturn".to_owned()];
    assert_eq!(repair::asked(&node(1), &report.findings, &codes), []);
    // The same findings, had they been this node's.
    let here: Vec<Finding> =
        report.findings.iter().map(|found| Finding { node: "node1".to_owned(), ..found.clone() }).collect();
    assert_eq!(repair::asked(&node(1), &here, &codes).len(), 1);
}
