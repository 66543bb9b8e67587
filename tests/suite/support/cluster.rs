//! A cluster for a test: a switch namespace with a bridge, and nodes whose `eth0` hangs on it. Leases live in a
//! directory, or in a real etcd that listens on the bridge.

#![allow(dead_code, reason = "not every area needs every helper")]

use std::net::Ipv4Addr;
use std::path::PathBuf;

use flanctl::config::StoreChoice;
use flanctl::lease::{Attrs, VxlanData};
use flanctl::net::Mac;
use flanctl::store;
use tempfile::TempDir;

use super::agent::Agent;
use super::etcd::{Etcd, PREFIX};
use super::netns::runtime;
use super::space::{Space, hold, until, wire};

/// The usual network config.
/// Agents lease from 10.244.64.0 up: what a test makes up below is never theirs.
pub(crate) const CONFIG: &str =
    r#"{"Network":"10.244.0.0/16","SubnetMin":"10.244.64.0","Backend":{"Type":"vxlan"}}"#;

/// The bridge's address, where etcd listens.
const BRIDGE: &str = "192.168.50.1";

/// Namespaces, wires and a lease store.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) switch: Space,
    pub(crate) etcd: Option<Etcd>,
    home: TempDir,
}

/// One node; nodes count from 1, node 1 has 192.168.50.11 and fd50::11.
pub(crate) struct Node {
    pub(crate) space: Space,
    pub(crate) name: String,
    pub(crate) home: PathBuf,
}

impl Cluster {
    /// Leases in a directory.
    pub(crate) fn on_dir(nodes: usize, config: &str) -> Self {
        let cluster = Self::wired(nodes);
        std::fs::create_dir_all(cluster.store_path()).expect("a directory for the store");
        cluster.put_config(config);
        cluster
    }

    /// Leases in an etcd.
    pub(crate) fn on_etcd(nodes: usize, config: &str) -> Self {
        let mut cluster = Self::wired(nodes);
        cluster.etcd = Some(cluster.switch.within(|| Etcd::start_on(BRIDGE)));
        cluster.put_config(config);
        cluster
    }

    /// Leases in an etcd that wants certificates.
    pub(crate) fn on_etcd_tls(nodes: usize, config: &str) -> Self {
        let mut cluster = Self::wired(nodes);
        cluster.etcd = Some(cluster.switch.within(|| Etcd::start_tls_on(BRIDGE)));
        cluster.put_config(config);
        cluster
    }

    fn wired(nodes: usize) -> Self {
        let switch = Space::new();
        switch.ip("link add br0 type bridge");
        switch.ip(&format!("addr add {BRIDGE}/24 dev br0"));
        switch.ip("link set br0 up");
        let home = tempfile::tempdir().expect("a temporary directory");
        let mut cluster = Self { nodes: Vec::new(), switch, etcd: None, home };
        for n in 1..=nodes {
            let name = format!("node{n}");
            let home = cluster.home.path().join(&name);
            cluster.nodes.push(Node { space: Space::new(), name, home });
            cluster.plug(n, 10 + n);
        }
        cluster
    }

    /// Gives node `n` an `eth0` with the address that ends in `host`; its MAC is the node's, as a real card's, so that
    /// nobody has to forget an old one first.
    pub(crate) fn plug(&self, n: usize, host: usize) {
        let node = self.node(n);
        wire(&self.switch, &format!("port{n}"), &node.space, "eth0");
        self.switch.ip(&format!("link set port{n} master br0"));
        node.space.ip(&format!("link set eth0 address 02:50:50:00:00:{n:02x}"));
        node.space.ip(&format!("addr add 192.168.50.{host}/24 dev eth0"));
        node.space.ip(&format!("addr add fd50::{host}/64 dev eth0 nodad"));
    }

    pub(crate) fn node(&self, n: usize) -> &Node {
        &self.nodes[n - 1]
    }

    pub(crate) fn space(&self, n: usize) -> &Space {
        &self.node(n).space
    }

    pub(crate) fn store_path(&self) -> PathBuf {
        self.home.path().join("store")
    }

    /// Runs etcdctl beside the etcd.
    pub(crate) fn etcdctl(&self, args: &[&str]) -> String {
        let etcd = self.etcd.as_ref().expect("a cluster on etcd");
        self.switch.within(|| etcd.ctl(args))
    }

    /// Kills etcd, as a power cut does.
    pub(crate) fn stop_etcd(&mut self) {
        self.etcd.as_mut().expect("a cluster on etcd").stop();
    }

    /// Starts it again on its data.
    pub(crate) fn start_etcd(&mut self) {
        let etcd = self.etcd.as_mut().expect("a cluster on etcd");
        self.switch.within(|| etcd.run());
    }

    /// Writes the network config.
    pub(crate) fn put_config(&self, config: &str) {
        match &self.etcd {
            Some(_) => {
                self.etcdctl(&["put", &format!("{PREFIX}/config"), config]);
            }
            None => std::fs::write(self.store_path().join("config"), config).expect("the config"),
        }
    }

    /// The flags that lead to the store.
    pub(crate) fn store_flags(&self) -> Vec<String> {
        match &self.etcd {
            None => vec![format!("--store=dir:{}", self.store_path().display())],
            Some(etcd) => {
                let settings = etcd.settings();
                let file =
                    |flag: &str, path: Option<PathBuf>| path.map(|p| format!("--{flag}={}", p.display()));
                let tls = [
                    file("etcd-keyfile", settings.keyfile),
                    file("etcd-certfile", settings.certfile),
                    file("etcd-cafile", settings.cafile),
                ];
                let plain = format!("--etcd-endpoints={}", etcd.url());
                std::iter::once(plain).chain(tls.into_iter().flatten()).collect()
            }
        }
    }

    /// Starts the agent of node `n`.
    pub(crate) fn start(&self, n: usize) -> Agent {
        self.start_with(n, &[])
    }

    /// The same with more flags.
    pub(crate) fn start_with(&self, n: usize, more: &[&str]) -> Agent {
        let node = self.node(n);
        let mut args = vec!["run".to_owned()];
        args.extend(self.store_flags());
        args.push("--iface=eth0".to_owned());
        args.push("--iptables-forward-rules=false".to_owned());
        args.push(format!("--subnet-file={}", node.home.join("subnet.env").display()));
        args.push(format!("--run-dir={}", node.home.join("run").display()));
        args.extend(more.iter().map(|&flag| flag.to_owned()));
        Agent::start(&node.space, &node.name, &node.home, &args)
    }

    /// Starts every agent; their subnets, and a `cni0` with each.
    pub(crate) fn start_all(&self) -> (Vec<Agent>, Vec<String>) {
        let mut agents: Vec<Agent> = (1..=self.nodes.len()).map(|n| self.start(n)).collect();
        let subnets: Vec<String> = agents.iter_mut().map(Agent::ready).collect();
        for (node, subnet) in self.nodes.iter().zip(&subnets) {
            node.cni0(subnet);
        }
        (agents, subnets)
    }

    /// Puts leases of nodes that are not there into the directory.
    pub(crate) fn put_peers(&self, peers: impl Iterator<Item = Peer>) {
        let choice = StoreChoice::Dir(self.store_path());
        runtime().block_on(async {
            let store = store::open(&choice).await.expect("the store");
            for peer in peers {
                let subnet = peer.subnet().parse().expect("a subnet");
                store.create(subnet, &peer.attrs(), 86_400).await.expect("a lease");
            }
        });
    }

    /// Removes the lease of a subnet (`10.244.2.0-24`) from the directory.
    pub(crate) fn drop_peer(&self, subnet: &str) {
        let choice = StoreChoice::Dir(self.store_path());
        runtime().block_on(async {
            let store = store::open(&choice).await.expect("the store");
            let leases = store.list().await.expect("a list").leases;
            let lease = leases.iter().find(|l| l.subnet.to_string() == subnet).expect("the lease");
            store.release(lease).await.expect("released");
        });
    }

    /// The key of a lease in etcd.
    pub(crate) fn key(subnet: &str) -> String {
        format!("{PREFIX}/subnets/{subnet}")
    }
}

impl Node {
    /// A bridge with the first address of the subnet, as the bridge plugin makes it.
    pub(crate) fn cni0(&self, address: &str) {
        self.space.ip("link add cni0 type bridge");
        self.space
            .ip(&format!("addr add {address} dev cni0 {}", if address.contains(':') { "nodad" } else { "" }));
        self.space.ip("link set cni0 up");
    }

    /// Waits until a ping from one address reaches another.
    pub(crate) fn reaches(&self, from: &str, to: &str) {
        let (from, to) = (bare(from), bare(to));
        until(&format!("{} reaches {to} from {from}", self.name), || {
            let out = self.space.output(&format!("ping -c 1 -W 1 -I {from} {to}"));
            hold(out.status.success(), String::from_utf8_lossy(&out.stdout))
        });
    }
}

/// `10.244.1.1/24` without the length.
pub(crate) fn bare(address: &str) -> &str {
    address.split('/').next().unwrap_or(address)
}

/// A node that exists only in the store: 10.244.`n`.0/24 for small numbers, then on through 10.x.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) u32);

impl Peer {
    /// Its gateway: the first address of its subnet.
    pub(crate) fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + (self.0 << 8))
    }

    /// Its subnet as keys spell it.
    pub(crate) fn subnet(self) -> String {
        format!("{}-24", self.gateway())
    }

    /// Its underlay address: not on the switch's net.
    pub(crate) fn public(self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(Ipv4Addr::new(172, 20, 0, 0)) + self.0)
    }

    pub(crate) fn mac(self) -> Mac {
        let [a, b, c, d] = self.0.to_be_bytes();
        Mac([2, 0x50, a, b, c, d])
    }

    pub(crate) fn attrs(self) -> Attrs {
        Attrs {
            public_ip: Some(self.public()),
            backend_type: "vxlan".into(),
            backend_data: Some(VxlanData { vni: 1, mac: self.mac() }.to_json().into()),
            node: Some(format!("peer{}", self.0).into()),
            ..Attrs::default()
        }
    }

    /// The value of its lease.
    pub(crate) fn value(self) -> String {
        store::codec::encode_value(&self.attrs())
    }
}
