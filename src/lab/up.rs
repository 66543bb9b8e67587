//! Makes a lab: manifest first, then underlay, agents, pods; whole when every node knows every peer.
#![expect(
    clippy::disallowed_methods,
    reason = "a room of hands: makes the state directory, reads a config file"
)]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ipnet::IpNet;

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

/// Makes the lab. What was begun stays if this fails: `down` removes it.
pub fn up(wish: &Wish, interrupt: &Interrupt) -> Result<Lab, Failure> {
    let Wish { shape, config, etcd: outside } = wish;
    let name = &shape.name;
    shape.check().map_err(|e| Failure::usage("this lab cannot be built").because(e))?;
    let upstream = outside.as_deref().map(etcd::authority).transpose()?;
    let config = match config {
        None => net_conf(shape),
        Some(file) => std::fs::read_to_string(file)
            .map_err(|e| Failure::unreadable(format!("reading {}", file.display())).because(e))?,
    };
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
    // Held to the end: `down` waits for us, or knows that we are dead.
    let _lock = home.lock().map_err(cannot)?.ok_or_else(in_use)?;
    if home.exists() {
        return Err(in_use());
    }
    let manifest = Manifest {
        version: 1,
        shape: shape.clone(),
        namespaces: plan.namespaces(),
        token: token(),
        etcd: outside.clone(),
    };
    home.write(&manifest).map_err(cannot)?;
    build::underlay(&plan, interrupt)?;
    seed(&home, &manifest, &config)?;
    if let Some(upstream) = upstream {
        relay(&home, &manifest, &plan, &upstream)?;
    }
    let leases = run_nodes(&home, &manifest, &plan, interrupt)?;
    Ok(Lab { plan, home, leases })
}

/// `up`, and `down` again if it does not come to an end.
pub fn up_or_nothing(wish: &Wish, interrupt: &Interrupt) -> Result<Lab, Failure> {
    let before = Home::of(&wish.shape.name).exists();
    up(wish, interrupt).map_err(|failure| {
        if !before && Home::of(&wish.shape.name).exists() {
            if let Err(left) = down::down(&wish.shape.name) {
                return failure.hint(format!(
                    "{}; flanctl lab down --name {}",
                    left.chain(),
                    wish.shape.name
                ));
            }
        }
        failure
    })
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

/// Starts the process by which the nodes reach an etcd that listens outside the lab.
fn relay(home: &Home, manifest: &Manifest, plan: &Layout, upstream: &str) -> Result<(), Failure> {
    let Some(listen) = relay_address(plan) else { return Ok(()) };
    let dir = home.node("relay");
    let start = || {
        std::fs::create_dir_all(&dir)?;
        let log = std::fs::File::create(dir.join("agent.log"))?;
        Command::new(std::env::current_exe()?)
            .args([
                "lab",
                "relay",
                "--netns",
                &plan.world,
                "--listen",
                &listen,
                "--to",
                upstream,
                "--pid-file",
            ])
            .arg(dir.join("agent.pid"))
            .env(MARK, manifest.mark())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
    };
    start().map(|_| ()).map_err(|e| Failure::unreadable("starting the relay to etcd").because(e))
}

/// Where the relay listens: the world's address on the first segment.
pub fn relay_address(plan: &Layout) -> Option<String> {
    let nic = plan.nics.iter().find(|n| n.netns == plan.world)?;
    nic.addrs.first().map(|net| format!("{}:2379", net.addr()))
}

/// The lab's own net-conf.json. It names its backend: flannel's default is udp.
fn net_conf(shape: &Shape) -> String {
    let v6 = if shape.ipv6 {
        r#", "EnableIPv6": true, "IPv6Network": "fd00:10:244::/48", "IPv6SubnetLen": 64"#
    } else {
        ""
    };
    format!("{{\"Network\": \"10.244.0.0/16\"{v6}, \"Backend\": {{\"Type\": \"vxlan\"}}}}\n")
}

fn token() -> String {
    format!("{:016x}", rand::random::<u64>())
}
