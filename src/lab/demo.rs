//! What the demo shows of a lab that stands: who reaches whom, whose address arrives, what the tables hold.
#![expect(clippy::disallowed_methods, reason = "a room of hands: runs this program's reading verbs")]

use std::net::IpAddr;
use std::process::{Child, Command, Output};
use std::time::Duration;

use super::interrupt::Interrupt;
use super::layout::Node;
use super::ping::{self, Reply};
use super::up::Lab;
use super::{list, seen};
use crate::error::Failure;

/// So many pings run at a time.
const AT_ONCE: usize = 32;

/// One cell of the matrix: from pod, to pod (both counted from 0), and what came back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Who asks.
    pub from: usize,
    /// Who is asked.
    pub to: usize,
    /// Average round trip in milliseconds; `None`: no answer.
    pub rtt: Option<f64>,
}

/// One look at a packet's source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Who sent.
    pub from: String,
    /// Who looked.
    pub at: String,
    /// What it saw, or why it saw nothing.
    pub seen: Result<IpAddr, String>,
    /// What it should see.
    pub wanted: Wanted,
}

/// What the receiver should see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The sender's own address.
    Own(Vec<IpAddr>),
    /// The node's, because the masquerade stands between.
    Masqueraded(Vec<IpAddr>),
}

impl Sight {
    /// True if it saw what it should.
    pub fn right(&self) -> bool {
        let (Wanted::Own(all) | Wanted::Masqueraded(all)) = &self.wanted;
        self.seen.as_ref().is_ok_and(|ip| all.contains(ip))
    }
}

/// Pings every pod from every other, over one family.
pub fn matrix(lab: &Lab, v6: bool, interrupt: &Interrupt) -> Result<Vec<Cell>, Failure> {
    let pods = pods(lab, v6);
    let pairs: Vec<_> = (0..pods.len())
        .flat_map(|from| (0..pods.len()).map(move |to| (from, to)))
        .filter(|(from, to)| from != to)
        .collect();
    let mut cells = Vec::new();
    for some in pairs.chunks(AT_ONCE) {
        interrupt.check()?;
        let mut running = Vec::new();
        for (from, to) in some {
            let (Some((node, _)), Some((_, ip))) = (pods.get(*from), pods.get(*to)) else { continue };
            running.push((*from, *to, Pinging(Some(ping::start(&node.pod_netns, *ip)?))));
        }
        for (from, to, mut pinging) in running {
            let rtt = match ping::read(&pinging.wait(interrupt)?)? {
                Reply::Rtt(ms) => Some(ms),
                Reply::Silence => None,
            };
            cells.push(Cell { from, to, rtt });
        }
    }
    Ok(cells)
}

/// Who sees which source: pod to pod, host to pod, pod to host, pod to world.
pub fn sights(lab: &Lab, v6: bool) -> Vec<Sight> {
    let pods = pods(lab, v6);
    let mut all = Vec::new();
    let Some((node1, pod1)) = pods.first() else { return all };
    let own = || Wanted::Own(vec![*pod1]);
    if let (Some((node2, pod2)), Some(bridge2)) = (pods.get(1), bridge(lab, 1, v6)) {
        all.push(sight((&node1.pod_netns, &node1.pod), (&node2.pod_netns, &node2.pod), *pod2, own()));
        // A node speaks to pods with its overlay device's address (the subnet's base), or its underlay one.
        let base = lab.leases.first().into_iter().flat_map(|l| l.subnets()).map(|n| n.addr());
        let host = base.chain(uplinks(lab, node1, v6)).filter(|ip| ip.is_ipv6() == v6).collect();
        all.push(sight(
            (&node1.netns, &node1.name),
            (&node2.pod_netns, &node2.pod),
            *pod2,
            Wanted::Own(host),
        ));
        all.push(sight((&node1.pod_netns, &node1.pod), (&node2.netns, &node2.name), bridge2, own()));
    }
    if let Some(world) = lab.plan.world_addrs.iter().map(|n| n.addr()).find(|ip| ip.is_ipv6() == v6) {
        let nodes = Wanted::Masqueraded(uplinks(lab, node1, v6));
        all.push(sight((&node1.pod_netns, &node1.pod), (&lab.plan.world, "world"), world, nodes));
    }
    all
}

/// `flanctl VERB show` for node1, as the user would type it: its output, and whether it ended well.
pub fn table(lab: &Lab, verb: &str) -> Result<(String, bool), Failure> {
    let Some(node) = lab.plan.nodes.first() else { return Ok((String::new(), false)) };
    let run = || {
        Command::new(std::env::current_exe()?)
            .args([verb, "show", "--netns", &node.netns])
            .env("FLANCTL_RUN_DIR", lab.home.run_dir())
            .output()
    };
    let output = run().map_err(|e| Failure::unreadable(format!("running flanctl {verb}")).because(e))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok((text, output.status.success()))
}

fn sight(from: (&str, &str), at: (&str, &str), to: IpAddr, wanted: Wanted) -> Sight {
    let seen = seen::source(from.0, at.0, to).map_err(|e| e.to_string());
    Sight { from: from.1.to_owned(), at: at.1.to_owned(), seen, wanted }
}

/// Each node with its pod's address in one family.
fn pods(lab: &Lab, v6: bool) -> Vec<(&Node, IpAddr)> {
    let family = |nets: Vec<ipnet::IpNet>| nets.iter().map(|n| n.addr()).find(|ip| ip.is_ipv6() == v6);
    lab.plan.nodes.iter().zip(&lab.leases).filter_map(|(n, l)| Some((n, family(l.pod())?))).collect()
}

fn bridge(lab: &Lab, node: usize, v6: bool) -> Option<IpAddr> {
    lab.leases.get(node)?.bridge.iter().map(|n| n.addr()).find(|ip| ip.is_ipv6() == v6)
}

/// The addresses under which others know a node.
fn uplinks(lab: &Lab, node: &Node, v6: bool) -> Vec<IpAddr> {
    match node.public {
        Some(public) => vec![public.into()],
        None => list::uplink(&lab.plan, node).into_iter().filter(|ip| ip.is_ipv6() == v6).collect(),
    }
}

/// A ping that is ended if nobody waits for it any more.
struct Pinging(Option<Child>);

impl Pinging {
    fn wait(&mut self, interrupt: &Interrupt) -> Result<Output, Failure> {
        let failed = |e: std::io::Error| Failure::unreadable("waiting for ping").because(e);
        while let Some(child) = &mut self.0 {
            if child.try_wait().map_err(failed)?.is_some() {
                break;
            }
            interrupt.pause(Duration::from_millis(10))?;
        }
        let child = self.0.take().ok_or_else(|| Failure::unreadable("ping is gone"))?;
        child.wait_with_output().map_err(failed)
    }
}

impl Drop for Pinging {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It ends by itself within seconds anyway.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
