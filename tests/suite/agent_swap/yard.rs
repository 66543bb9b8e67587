//! Nodes on one switch, a pod behind each, and one directory store for all.

use std::process::Command;

use tempfile::TempDir;

use crate::support::leases::Leases;
use crate::support::swap::{Place, Running, Seat, until};

/// Room for a crowd; nodes of the yard get 10.244.1.0/24 to 10.244.9.0/24.
const CONFIG: &str = r#"{"Network":"10.128.0.0/9","SubnetLen":24,"SubnetMin":"10.244.1.0","SubnetMax":"10.244.9.0","Backend":{"Type":"vxlan"}}"#;

pub(super) struct Node {
    pub(super) place: &'static Place,
    pub(super) pod: Place,
    pub(super) seat: Seat<'static>,
}

pub(super) struct Yard {
    pub(super) nodes: Vec<Node>,
    pub(super) leases: Leases,
    _switch: Place,
}

impl Yard {
    /// `node1` is 10.99.0.1, and so on.
    pub(super) fn new(nodes: u8) -> Self {
        let switch = Place::new();
        switch.ip(&["link add br0 type bridge", "link set br0 up"]);
        let leases = Leases::new(CONFIG);
        let node = |n: u8| {
            // Given back to the kernel when the test process ends.
            let place: &'static Place = Box::leak(Box::new(Place::new()));
            let pod = Place::new();
            place.wire("eth0", &switch, &format!("p{n}"));
            switch.ip(&[&format!("link set p{n} master br0")]);
            place.ip(&[&format!("addr add 10.99.0.{n}/24 dev eth0")]);
            place.forwards();
            let seat = Seat::new(place, &format!("node{n}"), &[&leases.flag(), "--iface=eth0"]);
            Node { place, pod, seat }
        };
        Self { nodes: (1..=nodes).map(node).collect(), leases, _switch: switch }
    }

    pub(super) fn seats(&self) -> impl Iterator<Item = &Seat<'static>> {
        self.nodes.iter().map(|n| &n.seat)
    }

    /// A pod behind each node, where its subnet.env says.
    pub(super) fn give_pods(&self) {
        for node in &self.nodes {
            node.give_pod(&node.seat.env("FLANNEL_SUBNET").unwrap());
        }
        // Everybody knows everybody.
        for node in &self.nodes {
            until("all routes", || {
                let routes = node.place.run("ip", "route show dev flannel.1");
                (routes.lines().count() == self.nodes.len() - 1).then_some(())
            });
        }
    }

    /// The same with bridge addresses that somebody else gave out.
    pub(super) fn give_pods_in(&self, bridges: &[&str]) {
        self.nodes.iter().zip(bridges).for_each(|(node, bridge)| node.give_pod(bridge));
    }

    /// `10.244.4.0/24` of a node.
    pub(super) fn subnet(&self, node: usize) -> String {
        let (key, _) = self.leases.of("Node", &format!("node{}", node + 1));
        key.replace('-', "/")
    }

    pub(super) fn pod_ip(&self, node: usize) -> String {
        second(&self.nodes[node].seat.env("FLANNEL_SUBNET").unwrap()).0
    }

    /// So many peers that are only leases.
    pub(super) fn crowd(&self, peers: u32) {
        for n in 0..peers {
            let (high, low) = (n / 250, n % 250);
            let value = format!(
                r#"{{"PublicIP":"10.99.7.{}","PublicIPv6":null,"BackendType":"vxlan","BackendData":{{"VNI":1,"VtepMAC":"02:99:00:00:{high:02x}:{low:02x}"}}}}"#,
                n % 250 + 1
            );
            self.leases.put(&crowded(n), &value);
        }
    }

    pub(super) fn disperse(&self, peers: u32) {
        (0..peers).for_each(|n| self.leases.remove(&crowded(n)));
    }
}

/// The key of the n-th of a crowd.
fn crowded(n: u32) -> String {
    format!("10.{}.{}.0-24", 130 + n / 250, n % 250)
}

impl Node {
    /// cni0 and the pod behind it, as the bridge plugin makes them.
    fn give_pod(&self, bridge: &str) {
        let (pod, len) = second(bridge);
        let gateway = bridge.split('/').next().unwrap();
        self.place.ip(&[
            "link add cni0 type bridge",
            &format!("addr add {bridge} dev cni0"),
            "link set cni0 up",
        ]);
        self.place.wire("veth0", &self.pod, "eth0");
        self.place.ip(&["link set veth0 master cni0"]);
        self.pod.ip(&[
            &format!("addr add {pod}/{len} dev eth0"),
            "link set eth0 mtu 1450",
            &format!("route add default via {gateway}"),
        ]);
    }
}

/// `10.1.2.1/24` is the bridge's: `10.1.2.2` and `24` are the pod's.
fn second(bridge: &str) -> (String, String) {
    let (ip, len) = bridge.split_once('/').unwrap();
    let ip: std::net::Ipv4Addr = ip.parse().unwrap();
    (std::net::Ipv4Addr::from(u32::from(ip) + 1).to_string(), len.to_owned())
}

/// What flanneld 0.28 leaves on node 1 or 2 of a cluster of the two: lease, device and rows, by hand.
pub(super) fn flanneld_left(yard: &Yard, n: u8) {
    let (far, place) = (3 - n, yard.nodes[usize::from(n - 1)].place);
    yard.leases.put(
        &format!("10.244.{n}.0-24"),
        &format!(
            r#"{{"PublicIP":"10.99.0.{n}","PublicIPv6":null,"BackendType":"vxlan","BackendData":{{"VNI":1,"VtepMAC":"02:00:00:00:99:0{n}"}}}}"#
        ),
    );
    place.ip(&[
        &format!(
            "link add flannel.1 address 02:00:00:00:99:0{n} mtu 1450 type vxlan id 1 local 10.99.0.{n} dev eth0 \
             dstport 8472 nolearning ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx"
        ),
        &format!("addr add 10.244.{n}.0/32 dev flannel.1"),
        "link set flannel.1 up",
        &format!("neigh replace 10.244.{far}.0 lladdr 02:00:00:00:99:0{far} dev flannel.1 nud permanent"),
    ]);
    place.inside(|| std::fs::write("/proc/sys/net/ipv6/conf/flannel.1/accept_ra", "0").unwrap());
    place.run(
        "bridge",
        &format!("fdb replace 02:00:00:00:99:0{far} dev flannel.1 dst 10.99.0.{far} self permanent"),
    );
    place.ip(&[&format!(
        "route replace 10.244.{far}.0/24 via 10.244.{far}.0 dev flannel.1 onlink proto boot"
    )]);
}

/// Everything of the overlay in `ip`'s words: ifindex, MAC and attributes of the device, addresses, rows.
pub(super) fn rows(place: &Place) -> Vec<String> {
    let looks = [
        ("ip", "-d link show dev flannel.1"),
        ("ip", "addr show dev flannel.1 scope global"),
        ("ip", "neigh show dev flannel.1"),
        ("ip", "route show table all dev flannel.1 proto boot"),
        ("bridge", "fdb show dev flannel.1"),
        ("ip", "nexthop show"),
    ];
    looks.iter().map(|(program, args)| place.run(program, args)).collect()
}

/// The route to a subnet as `ip route` prints it.
pub(super) fn route_shape(place: &Place, subnet: &str) -> String {
    place.run("ip", &format!("route show {subnet}")).trim().to_owned()
}

/// `ip monitor` and `bridge monitor`, which hear of every row that comes or goes.
pub(super) struct Monitor {
    running: [Running; 2],
    place: &'static Place,
    _dir: TempDir,
}

impl Monitor {
    pub(super) fn start(place: &'static Place) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut ip = Command::new("ip");
        ip.args(["-o", "monitor", "link", "address", "route", "neigh", "nexthop"]);
        let mut bridge = Command::new("bridge");
        bridge.args(["monitor", "fdb"]);
        let running = [
            place.start(&mut ip, &dir.path().join("ip")),
            place.start(&mut bridge, &dir.path().join("bridge")),
        ];
        // A tunnel of nobody's, for marks that both can hear.
        place.ip(&["link add mark0 type vxlan id 99 dstport 4790 dev eth0", "link set mark0 up"]);
        let monitor = Self { running, place, _dir: dir };
        monitor.mark("02:ee:00:00:00:01");
        monitor
    }

    /// Makes rows that the two must see: then they have heard everything before.
    fn mark(&self, mac: &str) {
        until("the monitors hear", || {
            self.place.ip(&[&format!("neigh replace 10.99.0.200 lladdr {mac} dev mark0 nud permanent")]);
            self.place.run("bridge", &format!("fdb replace {mac} dev mark0 dst 10.99.0.200 self permanent"));
            let heard = self.running.iter().all(|r| r.said().contains(mac));
            self.place.ip(&["neigh del 10.99.0.200 dev mark0"]);
            self.place.run("bridge", &format!("fdb del {mac} dev mark0"));
            heard.then_some(())
        });
    }

    /// No row or device of the overlay was deleted, added or changed meanwhile.
    pub(super) fn saw_nothing(self, during: &str) {
        let moved = self.moved();
        assert!(moved.is_empty(), "{during}: {moved:#?}");
    }

    /// What was deleted, added or changed of the overlay's meanwhile.
    pub(super) fn moved(self) -> Vec<String> {
        self.mark("02:ee:00:00:00:02");
        self.place.ip(&["link del mark0"]);
        let heard = self.running.iter().map(Running::said).collect::<String>();
        heard.lines().filter(|line| line.contains("flannel.1")).map(str::to_owned).collect()
    }
}
