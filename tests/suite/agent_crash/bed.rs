//! One node on a real etcd behind a slow relay, peers that are only leases, and rows of strangers beside ours.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::Rng;
use rand::rngs::StdRng;
use serde_json::Value;

use crate::support::hub::{ADDR, Entry, Hub};
use crate::support::relay::Relay;
use crate::support::swap::{Place, Seat};

const PREFIX: &str = "/coreos.com/network";
const CONFIG: &str = r#"{"Network":"10.128.0.0/9","SubnetLen":24,"Backend":{"Type":"vxlan"}}"#;

/// What is broken before a start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Damage {
    device: bool,
    rows: bool,
    lease: bool,
    /// subnet.env and the state file.
    files: bool,
}

impl Damage {
    pub(super) fn any(dice: &mut StdRng) -> Self {
        let mut coin = || dice.random_bool(0.5);
        Self { device: coin(), rows: coin(), lease: coin(), files: coin() }
    }

    /// The lease is gone for certain.
    pub(super) fn fresh(dice: &mut StdRng) -> Self {
        Self { lease: true, ..Self::any(dice) }
    }
}

/// The node, its store and its peers.
pub(super) struct Bed {
    pub(super) seat: Seat<'static>,
    pub(super) etcd: Hub,
    pub(super) relay: Relay,
    strangers: Vec<String>,
    usual: Duration,
    next_peer: u32,
}

impl Bed {
    /// With so many peers; one start has happened.
    pub(super) fn new(peers: u32) -> Self {
        let etcd = Hub::start();
        // Given back to the kernel when the test process ends.
        let place: &'static Place = Box::leak(Box::new(etcd.node("10.77.0.1")));
        strangers_rows(place);
        let relay = Relay::start(&etcd.place, &format!("{ADDR}:4001"), &format!("{ADDR}:2379"));
        let url = format!("http://{ADDR}:4001");
        let flags = ["--etcd-endpoints", &url, "--iface", "eth0", "--iptables-forward-rules=false"];
        let seat = Seat::new(place, "n1", &flags);
        etcd.put(&[(format!("{PREFIX}/config"), CONFIG.to_owned())]);
        etcd.put(&(1..=peers).map(peer).collect::<Vec<_>>());
        let strangers = strangers(place);
        let mut bed = Self { seat, etcd, relay, strangers, usual: Duration::ZERO, next_peer: peers + 1 };
        bed.converges("the first start");
        bed.seat.place.ip(&["link del flannel.1"]);
        bed.converges("the second start");
        bed
    }

    /// How long a start takes here.
    pub(super) fn usual_start(&self) -> Duration {
        self.usual
    }

    pub(super) fn damage(&self, damage: Damage) {
        let Damage { device, rows, lease, files } = damage;
        let place = self.seat.place;
        if device {
            place.try_run("ip", "link del flannel.1");
        } else if rows {
            place.try_run("ip", "neigh flush dev flannel.1 nud permanent");
            place.try_run("ip", "route flush dev flannel.1");
        }
        if lease {
            self.etcd.delete(&self.own_keys().into_keys().collect::<Vec<_>>());
        }
        if files {
            for name in ["subnet.env".into(), state_file(&self.seat)] {
                let _ = std::fs::remove_file(name);
            }
        }
    }

    /// Something happens to peers or rows while the agent runs.
    pub(super) fn disturb(&mut self, deed: &str, dice: &mut StdRng) {
        let place = self.seat.place;
        let known = dice.random_range(1..self.next_peer);
        let (key, value) = peer(known);
        // What is gone already need not go.
        let gone = |args: &str| _ = place.try_run("ip", args);
        match deed {
            "join" => {
                self.etcd.put(&[peer(self.next_peer)]);
                self.next_peer += 1;
            }
            "leave" => self.etcd.delete(&[key]),
            "move" => self.etcd.put(&[(key, value.replace("10.77.1.", "10.77.2."))]),
            "fdb" => {
                place.try_run("bridge", &format!("fdb del {} dev flannel.1", mac(known)));
            }
            "neigh" => gone(&format!("neigh del {} dev flannel.1", base(known))),
            "route" => gone(&format!("route del {}/24", base(known))),
            "device" => gone("link del flannel.1"),
            "down" => gone("link set flannel.1 down"),
            _ => gone("neigh flush dev flannel.1 nud permanent"),
        }
    }

    /// The keys that name this node.
    pub(super) fn own_keys(&self) -> BTreeMap<String, Entry> {
        let mut all = self.etcd.entries(&format!("{PREFIX}/subnets/"));
        all.retain(|_, entry| entry.value.get("Node") == Some(&Value::from("n1")));
        all
    }

    /// The next start: as the leases want it, once it is ready. If there is a lease, it keeps it.
    pub(super) fn converges(&mut self, when: &str) {
        let before: Vec<String> = self.own_keys().into_keys().collect();
        let begun = Instant::now();
        let mut agent = self.seat.ready(&[]);
        self.usual = if self.usual.is_zero() { begun.elapsed() } else { self.usual.min(begun.elapsed()) };
        self.check(when);
        let after: Vec<String> = self.own_keys().into_keys().collect();
        assert!(before.is_empty() || before == after, "{when}: {before:?} is {after:?} now");
        agent.running.kill();
    }

    /// Everything that must hold of a ready agent.
    pub(super) fn check(&self, when: &str) {
        let all = self.etcd.entries(&format!("{PREFIX}/subnets/"));
        let (own, peers): (Vec<_>, Vec<_>) = all.iter().partition(|(_, e)| e.value.get("Node").is_some());
        assert_eq!(own.len(), 1, "{when}: one lease a node");
        let (key, entry) = own.first().unwrap();
        assert_ne!(entry.lease, 0, "{when}: it ends if nobody renews it");
        let own = subnet_of(key);
        let place = self.seat.place;
        let subnet = format!("{}1/24", own.strip_suffix('0').unwrap());
        assert_eq!(self.seat.env("FLANNEL_SUBNET"), Some(subnet), "{when}");
        let link = place.rows("ip", "-j addr show dev flannel.1");
        let link = link.first().unwrap();
        assert_eq!(link.get("address"), entry.value.pointer("/BackendData/VtepMAC"), "{when}");
        let addrs = |a: &Value| a.get("local").and_then(Value::as_str).is_some_and(|l| l == own);
        assert!(link["addr_info"].as_array().unwrap().iter().any(addrs), "{when}: {link}");

        let objects = peers.len() > 1_000;
        let mut want = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
        for (key, entry) in &peers {
            let (base, mac) = (subnet_of(key), text(&entry.value, "/BackendData/VtepMAC"));
            want[0].insert(format!("{base}/24 via {base} onlink {objects}"));
            want[1].insert(format!("{base} {mac} PERMANENT"));
            want[2].insert(format!("{mac} {}", text(&entry.value, "/PublicIP")));
        }
        assert_eq!(self.tables(), want, "{when}\n{}", self.seat.said());
        assert_eq!(self.own_nexthops(), if objects { peers.len() } else { 0 }, "{when}");
        assert_eq!(strangers(place), self.strangers, "{when}: a stranger's row moved");
    }

    /// Routes, neighbours and forwarding entries of our device.
    fn tables(&self) -> [BTreeSet<String>; 3] {
        let place = self.seat.place;
        let routes = place.rows("ip", "-j route show dev flannel.1");
        let neighs = place.rows("ip", "-j neigh show dev flannel.1");
        let fdb = place.rows("bridge", "-j fdb show dev flannel.1");
        let route = |r: &Value| {
            let (dst, via) = (text(r, "/dst"), text(r, "/gateway"));
            let flag = if r["flags"].as_array().is_some_and(|f| f.contains(&"onlink".into())) {
                "onlink"
            } else {
                "-"
            };
            format!("{dst} via {via} {flag} {}", r.get("nhid").is_some())
        };
        let neigh = |n: &Value| format!("{} {} {}", text(n, "/dst"), text(n, "/lladdr"), text(n, "/state/0"));
        let entry = |f: &Value| format!("{} {}", text(f, "/mac"), text(f, "/dst"));
        [
            routes.iter().map(route).collect(),
            neighs.iter().map(neigh).collect(),
            fdb.iter().map(entry).collect(),
        ]
    }

    pub(super) fn routes(&self) -> usize {
        self.seat.place.run("ip", "-o route show").lines().filter(|l| l.contains("flannel.1")).count()
    }

    pub(super) fn own_nexthops(&self) -> usize {
        self.seat.place.run("ip", "-o nexthop show").lines().filter(|l| l.contains("flannel.1")).count()
    }
}

fn state_file(seat: &Seat<'_>) -> PathBuf {
    seat.file(&format!("flanctl-{}-flannel.1.json", seat.place.inode()))
}

fn text<'a>(value: &'a Value, at: &str) -> &'a str {
    value.pointer(at).and_then(Value::as_str).unwrap_or("?")
}

/// `…/10.5.1.0-24` is 10.5.1.0.
fn subnet_of(key: &str) -> &str {
    key.rsplit('/').next().unwrap().strip_suffix("-24").unwrap()
}

fn base(n: u32) -> String {
    format!("10.{}.{}.0", 200 + n / 200, n % 200)
}

fn mac(n: u32) -> String {
    format!("02:77:00:00:{:02x}:{:02x}", n / 256, n % 256)
}

/// The lease of a peer that is only a lease.
fn peer(n: u32) -> (String, String) {
    let (base, mac, home) = (base(n), mac(n), format!("10.77.1.{}", n % 250 + 1));
    let value = format!(
        r#"{{"PublicIP":"{home}","PublicIPv6":null,"BackendType":"vxlan","BackendData":{{"VNI":1,"VtepMAC":"{mac}"}}}}"#
    );
    (format!("{PREFIX}/subnets/{base}-24"), value)
}

/// Rows that are nobody's business here, each beside one of ours.
fn strangers_rows(place: &Place) {
    place.ip(&[
        "link add vxother type vxlan id 77 dstport 4790 local 10.77.0.1 dev eth0 nolearning",
        "link set vxother up",
        "neigh add 10.201.1.0 lladdr 02:aa:00:00:00:01 dev vxother nud permanent",
        "neigh add 10.77.0.9 lladdr 02:aa:00:00:00:02 dev eth0 nud permanent",
        "route add 10.9.0.0/16 via 10.77.0.9 dev eth0",
        "route add 10.200.0.0/14 via 10.77.0.9 dev eth0 metric 50",
        "route add 10.200.1.0/24 via 10.77.0.9 dev eth0 table 100",
        "nexthop add id 10 via 10.77.0.9 dev eth0",
        "route add 10.10.0.0/16 nhid 10",
        "addr add 10.200.250.1/32 dev lo",
    ]);
    place.run("bridge", "fdb add 02:77:00:00:00:01 dev vxother dst 10.77.0.9 self permanent");
}

/// What is there of them, in `ip`'s words.
fn strangers(place: &Place) -> Vec<String> {
    let ours =
        |line: &&str| !line.contains("flannel.1") && !line.contains("fe80") && !line.contains("ff00::");
    let looks = [
        ("ip", "-o link show dev vxother"),
        ("ip", "neigh show nud permanent"),
        ("bridge", "fdb show dev vxother"),
        ("ip", "route show table all"),
        ("ip", "nexthop show"),
        ("ip", "rule show"),
        ("ip", "addr show dev lo"),
    ];
    let look = |(program, args): &(&str, &str)| {
        let text = place.run(program, args);
        let mut lines: Vec<&str> = text.lines().filter(ours).map(str::trim_end).collect();
        lines.sort_unstable();
        lines.join("\n")
    };
    looks.iter().map(look).collect()
}
