//! What is known of the overlay around a capture: whose addresses are whose, and on which ports its tunnels are.

use std::net::IpAddr;

use super::flags::Flags;
use crate::capture::ctx::Tunnels;
use crate::capture::nodes::{Node, Nodes};
use crate::cli::gather::{Depth, Look, gather};
use crate::cli::look::{LookArgs, Near};
use crate::cli::{Global, Output};
use crate::config::StoreArgs;
use crate::error::Failure;
use crate::lease::Lease;

/// This host's overlay, as far as it can be read: a capture needs none.
pub fn look(flags: &Flags) -> Option<Look> {
    tables(flags, Depth::TABLES).ok()
}

fn tables(flags: &Flags, depth: Depth) -> Result<Look, Failure> {
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

/// Adds the ports of this host's devices to those that are known anyway.
pub fn ports(look: &Look, tunnels: &mut Tunnels) {
    for vxlan in look.snapshot.state.links.values().filter_map(|link| link.vxlan()) {
        if !tunnels.vxlan.contains(&vxlan.port) && !tunnels.otv.contains(&vxlan.port) {
            tunnels.vxlan.push(vxlan.port);
        }
    }
}

/// What a namespace's process, path or name is for the pod that is meant.
#[cfg(feature = "pcap")]
pub fn pod(flags: &Flags, name: &str) -> Result<String, Failure> {
    let look = tables(flags, Depth { firewall: false, facts: false, pods: true })?;
    let pod = crate::cli::pod::resolve(&look.snapshot.pods, name, None)?;
    let ways = std::iter::once(&pod.name).chain(&pod.aliases);
    let ways = ways.map(|way| way.strip_prefix("pid ").unwrap_or(way));
    for way in ways {
        if crate::kernel::netns::InNetns::enter(way).is_ok() {
            return Ok(way.to_owned());
        }
    }
    Err(Failure::unreadable(format!("the namespace of pod {}", pod.name)).hint("capture in it needs root"))
}
