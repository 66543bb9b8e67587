//! What is known of the overlay around a capture: whose addresses are whose, and on which ports its tunnels are.

use std::net::IpAddr;

use super::flags::Flags;
use crate::capture::nodes::{Node, Nodes};
use crate::cli::gather::{Depth, Look, gather};
use crate::cli::look::{LookArgs, Near};
use crate::cli::{Global, Output};
use crate::config::StoreArgs;
use crate::error::Failure;
use crate::lease::Lease;
#[cfg(feature = "pcap")]
use crate::state::Pod;
use crate::state::Vxlan;

/// This host's overlay, as far as it can be read: a capture needs none.
pub fn look(flags: &Flags) -> Option<Look> {
    tables(flags, Depth::TABLES).ok()
}

/// The pods beside the tables and the leases.
#[cfg(feature = "pcap")]
pub const WITH_PODS: Depth = Depth { firewall: false, facts: false, pods: true };

/// This host's overlay as deep as asked.
pub fn tables(flags: &Flags, depth: Depth) -> Result<Look, Failure> {
    let global = Global { output: Output::Text, color: flags.color, netns: flags.netns.clone() };
    let near = Near { run_dir: flags.run_dir.clone(), store: StoreArgs::default() };
    gather(&global, &LookArgs { snapshot: None, device: None, near }, depth)
}

/// The nodes that the leases tell of.
pub fn nodes(look: &Look) -> Nodes {
    let leases = look.snapshot.leases.as_deref().unwrap_or_default();
    Nodes(leases.iter().map(node).collect())
}

fn node(lease: &Lease) -> Node {
    let attrs = &lease.attrs;
    let publics = [attrs.public_ip.map(IpAddr::V4), attrs.public_ipv6.map(IpAddr::V6)];
    Node {
        name: attrs.name(),
        nets: lease.subnet.nets().map(|net| (net.network(), net.prefix_len())).collect(),
        publics: publics.into_iter().flatten().collect(),
    }
}

/// What a line about a device begins with in a capture file's comments.
const DEVICE: &str = "vxlan vni ";

/// This host's VXLAN devices by name, each as a line of text.
pub fn devices(look: &Look) -> Vec<(String, String)> {
    let links = look.snapshot.state.links.iter();
    let line = |vxlan: &Vxlan| format!("{DEVICE}{} port {}", vxlan.vni, vxlan.port);
    links.filter_map(|(name, link)| Some((name.to_string(), line(link.vxlan()?)))).collect()
}

/// The ports that such lines tell of.
pub fn ports<'a>(lines: impl Iterator<Item = &'a String>) -> Vec<u16> {
    let port = |line: &'a String| line.strip_prefix(DEVICE)?.split_once(" port ")?.1.parse().ok();
    lines.filter_map(port).collect()
}

/// What a namespace's process, path or name is for the pod that is meant.
#[cfg(feature = "pcap")]
pub fn pod(flags: &Flags, name: &str) -> Result<String, Failure> {
    let look = tables(flags, WITH_PODS)?;
    let pod = named(&look.snapshot.pods, name, None)?;
    let ways = std::iter::once(&pod.name).chain(&pod.aliases);
    let ways = ways.map(|way| way.strip_prefix("pid ").unwrap_or(way));
    for way in ways {
        if crate::kernel::netns::InNetns::enter(way).is_ok() {
            return Ok(way.to_owned());
        }
    }
    Err(Failure::unreadable(format!("the namespace of pod {}", pod.name)).hint("capture in it needs root"))
}

/// The pod of this name or address; `live` is the inode of the node's namespace, if processes of this machine may be
/// named.
#[cfg(feature = "pcap")]
pub fn named<'a>(pods: &'a [Pod], name: &str, live: Option<u64>) -> Result<&'a Pod, Failure> {
    // An address is how a pod is known in packets.
    let addr: Option<IpAddr> = name.parse().ok();
    let has = |pod: &&Pod| addr.is_some_and(|addr| pod.state.addrs.keys().any(|key| key.net.addr() == addr));
    match pods.iter().find(has) {
        Some(pod) => Ok(pod),
        None => crate::cli::pod::resolve(pods, name, live),
    }
}
