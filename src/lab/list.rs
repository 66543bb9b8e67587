//! The labs of this machine, as their manifests and the processes tell.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use serde::Serialize;

use super::faults;
use super::layout::{Layout, Node, Shape};
use super::manifest::{Home, homes};
use super::process::Process;
use super::subnet_env::SubnetEnv;

/// One lab.
#[derive(Clone, Debug, Serialize)]
pub struct LabRow {
    /// Its name.
    pub name: String,
    /// What was asked for; absent while it is being made or if its manifest cannot be read.
    pub shape: Option<Shape>,
    /// Its nodes.
    pub nodes: Vec<NodeRow>,
}

/// One node.
#[derive(Clone, Debug, Serialize)]
pub struct NodeRow {
    /// `node1`.
    pub name: String,
    /// `lab-node1`.
    pub netns: String,
    /// Address of eth0.
    pub address: Ipv4Addr,
    /// Its public address, behind NAT.
    pub public: Option<Ipv4Addr>,
    /// What it leased; empty if nothing.
    pub subnets: Vec<IpNet>,
    /// Its pod: `pod1`.
    pub pod: String,
    /// The pod's addresses; empty without a lease.
    pub pod_addresses: Vec<IpAddr>,
    /// `running`, `paused`, `dead` or `absent` (never started).
    pub agent: &'static str,
    /// The agent's process, while it runs.
    pub pid: Option<i32>,
    /// What `lab break` did to it.
    pub fault: Option<String>,
}

/// Every lab of this machine.
pub fn labs() -> Vec<LabRow> {
    homes().into_iter().map(|(name, home)| row(name, &home)).collect()
}

/// The addresses of a node's eth0.
pub fn uplink(plan: &Layout, node: &Node) -> Vec<IpAddr> {
    let nics = plan.nics.iter().filter(|n| n.netns == node.netns);
    nics.flat_map(|n| n.addrs.iter().map(IpNet::addr)).collect()
}

fn row(name: String, home: &Home) -> LabRow {
    let Ok(manifest) = home.manifest() else { return LabRow { name, shape: None, nodes: Vec::new() } };
    let plan = manifest.shape.layout();
    let nodes = plan.nodes.iter().map(|n| node_row(n, home)).collect();
    LabRow { name, shape: Some(manifest.shape), nodes }
}

fn node_row(node: &Node, home: &Home) -> NodeRow {
    let dir = home.node(&node.name);
    let process = Process::noted(&dir.join("agent.pid"));
    let running = process.filter(|p| p.alive());
    let lease = SubnetEnv::read(&dir.join("subnet.env"));
    NodeRow {
        name: node.name.clone(),
        netns: node.netns.clone(),
        address: node.addr,
        public: node.public,
        subnets: lease.as_ref().map(SubnetEnv::subnets).unwrap_or_default(),
        pod: node.pod.clone(),
        pod_addresses: lease.iter().flat_map(SubnetEnv::pod).map(|net| net.addr()).collect(),
        agent: match (process, running) {
            (_, Some(process)) if process.stopped() => "paused",
            (_, Some(_)) => "running",
            (Some(_), None) => "dead",
            (None, None) => "absent",
        },
        pid: running.map(|p| p.pid),
        fault: faults::of_node(home, &node.name),
    }
}
