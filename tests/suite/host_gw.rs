//! Two nodes of another backend, made by hand: what a trace over both snapshots foretells is what a ping does.

use std::process::{Child, Command};

use flanctl::snapshot::Snapshot;
use flanctl::trace::{Path, Query, Verdict, trace_among};

use super::support::space::Space;

const FLANCTL: &str = env!("CARGO_BIN_EXE_flanctl");

/// A node with a bridge and a pod behind it; `10.5.N.0/24`, at `192.168.50.1N`.
struct Node {
    space: Space,
    pod: Space,
    /// A pod is found by who lives in it.
    dweller: Child,
    n: u8,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.dweller.kill().unwrap();
        self.dweller.wait().unwrap();
    }
}

impl Node {
    fn new(n: u8) -> Self {
        let pod = Space::new();
        let dweller = pod.spawn(Command::new("sleep").arg("600"));
        Self { space: Space::new(), pod, dweller, n }
    }

    fn dress(&self) {
        let (n, other) = (self.n, 3 - self.n);
        let ip = |line: &str| drop(self.space.ip(line));
        ip("link set eth0 up");
        ip(&format!("addr add 192.168.50.1{n}/24 dev eth0"));
        ip("link add cni0 type bridge");
        ip("link set cni0 up");
        ip(&format!("addr add 10.5.{n}.1/24 dev cni0"));
        ip(&format!("link add veth0 type veth peer name eth0 netns {}", self.pod.path()));
        ip("link set veth0 master cni0");
        ip("link set veth0 up");
        self.space.run("sysctl -qw net.ipv4.ip_forward=1");
        ip(&format!("route add 10.5.{other}.0/24 via 192.168.50.1{other}"));
        self.pod.ip("link set eth0 up");
        self.pod.ip(&format!("addr add 10.5.{n}.2/24 dev eth0"));
        self.pod.ip(&format!("route add default via 10.5.{n}.1"));
    }

    fn snapshot(&self, store: &str) -> Snapshot {
        let line = format!("{FLANCTL} snapshot - --store dir:{store} --run-dir /nonexistent");
        let seen = Snapshot::decode(self.space.run(&line).as_bytes()).unwrap();
        Snapshot { host: format!("node{}", self.n), ..seen }
    }
}

/// Both nodes, wired, and a store with their leases.
fn cluster() -> (Node, Node, tempfile::TempDir) {
    let (one, two) = (Node::new(1), Node::new(2));
    one.space.ip(&format!("link add eth0 type veth peer name eth0 netns {}", two.space.path()));
    one.dress();
    two.dress();
    let dir = tempfile::tempdir().unwrap();
    let config = r#"{"Network":"10.5.0.0/16","Backend":{"Type":"host-gw"}}"#;
    std::fs::write(dir.path().join("config"), config).unwrap();
    std::fs::create_dir(dir.path().join("subnets")).unwrap();
    for n in 1..3 {
        let lease = format!(
            r#"{{"PublicIP":"192.168.50.1{n}","PublicIPv6":null,"BackendType":"host-gw","Node":"node{n}"}}"#
        );
        std::fs::write(dir.path().join(format!("subnets/10.5.{n}.0-24")), lease).unwrap();
    }
    (one, two, dir)
}

#[test]
fn the_far_side_of_host_gw_is_foretold_as_the_kernel_has_it() {
    let (one, two, dir) = cluster();
    let store = dir.path().display().to_string();
    let walked = || -> Path {
        let query = Query { from: "10.5.1.2".parse().ok(), ..Query::to("10.5.2.2".parse().unwrap()) };
        trace_among(&one.snapshot(&store), &query, &[two.snapshot(&store)])
    };
    let answers = || (0..3).any(|_| one.pod.succeeds("ping -c 1 -W 1 10.5.2.2"));
    assert!(answers());
    let path = walked();
    assert_eq!((&path.verdict, path.findings.len()), (&Verdict::Delivered, 0), "{path:#?}");
    assert!(path.far.is_some_and(|far| far.seen && far.node == "node2"));
    let drop_all = "nft add chain ip guard input { type filter hook input priority 0 ; policy drop ; }";
    for (breaks, heals, code) in [
        (
            vec!["sysctl -qw net.ipv4.conf.eth0.rp_filter=1", "ip route replace 10.5.1.0/24 dev cni0"],
            vec![
                "sysctl -qw net.ipv4.conf.eth0.rp_filter=0",
                "ip route replace 10.5.1.0/24 via 192.168.50.11",
            ],
            "remote.rpfilter",
        ),
        (
            vec!["sysctl -qw net.ipv4.conf.eth0.forwarding=0"],
            vec!["sysctl -qw net.ipv4.conf.eth0.forwarding=1"],
            "remote.forward",
        ),
        (
            vec!["ip route del 10.5.1.0/24"],
            vec!["ip route add 10.5.1.0/24 via 192.168.50.11"],
            "remote.noreturn",
        ),
        (vec!["nft add table ip guard", drop_all], vec!["nft delete table ip guard"], "remote.filter"),
    ] {
        let at = if code == "remote.filter" { &two.pod } else { &two.space };
        breaks.iter().for_each(|line| drop(at.run(line)));
        let path = walked();
        let codes: Vec<&str> = path.findings.iter().map(|finding| finding.code).collect();
        assert_eq!((codes, answers()), (vec![code], false), "{breaks:?}: {path:#?}");
        heals.iter().for_each(|line| drop(at.run(line)));
        assert!(answers(), "{heals:?}");
    }
}
