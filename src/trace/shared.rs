//! A peer whose lease cannot be honoured, because another node announces the same public address: its packets go by the
//! rows that stand from before, if there are any.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Walk;
use crate::finding::lease;
use crate::finding::repair::PeerRows;
use crate::lease::Lease;
use crate::net::IfName;
use crate::state::{FdbKey, Hops, NeighKey, RouteKey, table};

impl Walk<'_> {
    /// The rows that lead to the owner of the destination, and the finding; `None` if the address is not shared, or the
    /// rows are gone.
    pub(super) fn shared(&mut self) -> Option<PeerRows> {
        let dst = self.query.dst;
        let leases = self.node.leases.as_deref()?;
        let public = |held: &Lease| match dst.is_ipv6() {
            true => held.attrs.public_ipv6.map(IpAddr::V6),
            false => held.attrs.public_ip.map(IpAddr::V4),
        };
        let covers = |held: &&Lease| held.subnet.nets().any(|net| net.contains(&dst));
        let held = leases.iter().find(covers)?;
        let net = held.subnet.nets().find(|net| net.contains(&dst))?;
        let same = public(held)?;
        let owners = leases.iter().filter(|other| public(other) == Some(same));
        let owners: Vec<String> = owners.map(|owner| owner.attrs.name()).collect();
        if owners.len() < 2 || self.promised.own.contains(&net) {
            return None;
        }
        let peer = self.as_it_stands(held.attrs.name(), net)?;
        if !self.role.reply {
            let finding = lease::duplicate(self.host(), same, &owners);
            self.findings.push(finding);
        }
        Some(peer)
    }

    /// The three rows of a peer, as the kernel has them.
    fn as_it_stands(&self, node: String, net: IpNet) -> Option<PeerRows> {
        let state = &self.node.state;
        let metric = if net.addr().is_ipv6() { 1024 } else { 0 };
        let key = RouteKey { table: table::MAIN, dst: net, tos: 0, metric };
        let dev: IfName = match state.routes.get(&key)?.first()?.hops {
            Hops::One(hop) => hop.dev?,
            _ => return None,
        };
        let mac = state.neighs.get(&NeighKey { dev, ip: net.network() })?.mac?;
        let public = state.fdb.get(&FdbKey { dev, mac, vlan: 0, master: false })?.dst?;
        Some(PeerRows { node, net, dev, mac, public, direct: false })
    }
}
