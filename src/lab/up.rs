//! Makes a lab: manifest first, then underlay, agents, pods; whole when every node knows every peer.
#![expect(
    clippy::disallowed_methods,
    reason = "a room of hands: makes the state directory, reads a config file"
)]

use std::fs::File;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use nix::fcntl::Flock;

use super::agents::{self, Agent};
use super::interrupt::Interrupt;
use super::layout::{Layout, Node, Shape};
use super::manifest::{Home, Manifest};
use super::process::MARK;
use super::subnet_env::SubnetEnv;
use super::{build, down, etcd, ns, routes};
use crate::error::Failure;

/// How long the nodes may take to learn of each other, once all have their leases.
const ACQUAINTED: Duration = Duration::from_secs(15);

/// What `up` is asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The topology.
    pub shape: Shape,
    /// `--config`: a net-conf.json instead of the lab's own.
    pub config: Option<PathBuf>,
    /// `--store etcd=URL`.
    pub etcd: Option<String>,
}

/// A lab that stands.
#[derive(Debug)]
pub struct Lab {
    /// Its plan.
    pub plan: Layout,
    /// Its state directory.
    pub home: Home,
    /// Node by node: what each was given.
    pub leases: Vec<SubnetEnv>,
}

/// A lab whose name is taken and written down, and nothing else of it made.
#[derive(Debug)]
struct Begun {
    /// Held to the end: `down` waits for us, or knows that we are dead.
    lock: Flock<File>,
    home: Home,
    plan: Layout,
    manifest: Manifest,
}

/// Makes the lab, or nothing: what was begun is removed if it does not come to an end.
pub fn up(wish: &Wish, interrupt: &Interrupt) -> Result<Lab, Failure> {
    wish.shape.check().map_err(|e| Failure::usage("this lab cannot be built").because(e))?;
    let config = match &wish.config {
        None => net_conf(&wish.shape),
        Some(file) => std::fs::read_to_string(file)
            .map_err(|e| Failure::unreadable(format!("reading {}", file.display())).because(e))?,
    };
    let begun = begin(wish)?;
    match fill(&begun, &config, interrupt) {
        Ok(leases) => Ok(Lab { plan: begun.plan, home: begun.home, leases }),
        Err(failure) => match down::remove(&begun.home, &begun.lock) {
            Ok(_) => Err(failure),
            Err(left) => {
                let again = format!("{}; flanctl lab down --name {}", left.chain(), wish.shape.name);
                Err(failure.hint(again))
            }
        },
    }
}

fn begin(wish: &Wish) -> Result<Begun, Failure> {
    let Wish { shape, config: _, etcd } = wish;
    let name = &shape.name;
    let (home, plan) = (Home::of(name), shape.layout());
    let in_use = || {
        Failure::found(format!("a lab named {name} exists already"))
            .hint(format!("flanctl lab down --name {name}, or another --name"))
    };
    if home.exists() {
        return Err(in_use());
    }
    if let Some(taken) = plan.namespaces().into_iter().find(|n| ns::exists(n)) {
        return Err(Failure::found(format!("a namespace named {taken} exists, and no lab made it"))
            .hint(format!("ip netns delete {taken}, or another --name")));
    }
    let cannot = |e| Failure::unreadable(format!("making {}", home.path().display())).because(e);
    let lock = home.lock().map_err(cannot)?.ok_or_else(in_use)?;
    if home.exists() {
        return Err(in_use());
    }
    let (namespaces, token) = (plan.namespaces(), format!("{:016x}", rand::random::<u64>()));
    let manifest = Manifest { version: 1, shape: shape.clone(), namespaces, token, etcd: etcd.clone() };
    home.write(&manifest).map_err(cannot)?;
    Ok(Begun { lock, home, plan, manifest })
}

fn fill(begun: &Begun, config: &str, interrupt: &Interrupt) -> Result<Vec<SubnetEnv>, Failure> {
    let Begun { lock: _, home, plan, manifest } = begun;
    seed(home, manifest, config)?;
    build::underlay(plan, interrupt)?;
    if let Some(url) = &manifest.etcd {
        relay(begun, &etcd::authority(url)?, interrupt)?;
    }
    run_nodes(home, manifest, plan, interrupt)
}

fn run_nodes(
    home: &Home,
    manifest: &Manifest,
    plan: &Layout,
    interrupt: &Interrupt,
) -> Result<Vec<SubnetEnv>, Failure> {
    let mut agents = Vec::new();
    for node in &plan.nodes {
        interrupt.check()?;
        agents.push(agents::start(home, manifest, node)?);
    }
    let mut leases = Vec::new();
    for (agent, node) in agents.iter_mut().zip(&plan.nodes) {
        let lease = agent.ready(interrupt)?;
        build::pod(node, &lease)?;
        leases.push(lease);
    }
    acquainted(plan, &leases, &mut agents, interrupt)?;
    Ok(leases)
}

/// Waits until every node has a route to every other's subnets.
fn acquainted(
    plan: &Layout,
    leases: &[SubnetEnv],
    agents: &mut [Agent],
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let until = Instant::now() + ACQUAINTED;
    let everything: Vec<(&Node, IpNet)> = plan
        .nodes
        .iter()
        .zip(leases)
        .flat_map(|(n, l)| l.subnets().into_iter().map(move |s| (n, s)))
        .collect();
    for (node, agent) in plan.nodes.iter().zip(agents) {
        let wanted: Vec<IpNet> =
            everything.iter().filter(|(owner, _)| *owner != node).map(|(_, net)| *net).collect();
        loop {
            let missing = routes::missing(&node.netns, &wanted).map_err(|e| {
                Failure::unreadable(format!("reading the routes of {}", node.name)).because(e)
            })?;
            let Some(first) = missing.first() else { break };
            agent.still_runs()?;
            if Instant::now() >= until {
                let owner = everything.iter().find(|(_, net)| net == first).map_or("?", |(n, _)| &n.name);
                let what = format!(
                    "{} has no route to {first} of {owner} after {} s ({} routes missing)",
                    node.name,
                    ACQUAINTED.as_secs(),
                    missing.len()
                );
                return Err(Failure::found(what).because(agent.last_words()));
            }
            interrupt.pause(Duration::from_millis(10))?;
        }
    }
    Ok(())
}

/// Directories for everybody, and the network config where the agents look for it.
fn seed(home: &Home, manifest: &Manifest, config: &str) -> Result<(), Failure> {
    let nodes = (1..=manifest.shape.nodes).map(|i| home.node(&format!("node{i}")));
    for dir in nodes.chain([home.run_dir(), home.store()]) {
        std::fs::create_dir_all(&dir)
            .map_err(|e| Failure::unreadable(format!("making {}", dir.display())).because(e))?;
    }
    match &manifest.etcd {
        Some(url) => etcd::seed(url, &manifest.shape.name, config),
        None => {
            let file = home.store().join("config");
            std::fs::write(&file, config)
                .map_err(|e| Failure::unreadable(format!("writing {}", file.display())).because(e))
        }
    }
}

/// Starts the process by which the nodes reach an etcd that listens outside the lab, and waits until it listens.
fn relay(begun: &Begun, upstream: &str, interrupt: &Interrupt) -> Result<(), Failure> {
    let Begun { lock: _, home, plan, manifest } = begun;
    let Some(listen) = relay_address(plan) else { return Ok(()) };
    let dir = home.node("relay");
    let start = || {
        std::fs::create_dir_all(&dir)?;
        let log = File::create(dir.join("agent.log"))?;
        let mut relay = Command::new(std::env::current_exe()?);
        relay.args(["lab", "relay", "--into", &plan.world, "--listen", &listen, "--to", upstream]);
        relay.arg("--pid-file").arg(dir.join("agent.pid")).current_dir("/").env(MARK, manifest.mark());
        relay.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()
    };
    let failed = |e| Failure::unreadable("starting the relay to etcd").because(e);
    let mut child = start().map_err(failed)?;
    while ns::within(&plan.world, || TcpStream::connect(&listen)).is_err() {
        if child.try_wait().map_err(failed)?.is_some() {
            let log = std::fs::read_to_string(dir.join("agent.log")).unwrap_or_default();
            return Err(Failure::unreadable("the relay to etcd ended").because(log.trim()));
        }
        interrupt.pause(Duration::from_millis(5))?;
    }
    Ok(())
}

/// Where the relay listens: the world's address on the first segment.
pub fn relay_address(plan: &Layout) -> Option<String> {
    let nic = plan.nics.iter().find(|n| n.netns == plan.world)?;
    nic.addrs.first().map(|net| format!("{}:2379", net.addr()))
}

/// The lab's own net-conf.json. It names its backend: flannel's default is udp.
fn net_conf(shape: &Shape) -> String {
    let v6 = if shape.ipv6 {
        r#", "EnableIPv6": true, "IPv6Network": "fd00:10:244::/56", "IPv6SubnetLen": 64"#
    } else {
        ""
    };
    format!("{{\"Network\": \"10.244.0.0/16\"{v6}, \"Backend\": {{\"Type\": \"vxlan\"}}}}\n")
}
