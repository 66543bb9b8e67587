//! Which snapshots are of one node, and names for those of several nodes that call themselves alike. Decides by what
//! only one machine has: its lease, and the hardware addresses by which it is wired.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Snapshot;
use crate::net::{IfName, Mac};
use crate::state::LinkKind;

impl Snapshot {
    /// True if both are of one node, whatever each is called and whenever it was taken.
    pub fn same_node(&self, other: &Self) -> bool {
        if let (Some(own), Some(its)) = (self.own, other.own)
            && own == its
        {
            return true;
        }
        let (own, its) = (self.wires(), other.wires());
        if own.is_empty() || its.is_empty() {
            return self.own.is_none_or(|own| other.own.is_none_or(|its| own == its))
                && self.host == other.host;
        }
        !own.is_disjoint(&its)
    }

    /// Devices that lead to other nodes: the uplink, what tunnels stand on, what has an address that a lease announces. In
    /// a lab they are veths as a pod's is.
    pub fn ways_out(&self) -> BTreeSet<IfName> {
        let lower = self.state.links.values().filter_map(|link| link.vxlan()?.lower);
        let held: BTreeMap<IpAddr, IfName> =
            self.state.addrs.keys().map(|held| (held.net.addr(), held.dev)).collect();
        let leases = self.leases.iter().flatten().map(|lease| &lease.attrs);
        let public =
            leases.flat_map(|attrs| [attrs.public_ip.map(IpAddr::V4), attrs.public_ipv6.map(IpAddr::V6)]);
        // Whatever a lease announces, a bridge that carries pods is none.
        let bridge =
            |dev: &IfName| self.state.links.get(dev).is_some_and(|link| link.kind == LinkKind::Bridge);
        let announced = public.flatten().filter_map(|ip| held.get(&ip).copied()).filter(|dev| !bridge(dev));
        lower.chain(announced).chain(self.uplink.as_ref().map(|uplink| uplink.dev)).collect()
    }

    /// The hardware addresses of what leads out: the uplink, what tunnels stand on, plain cards. Others may be alike on
    /// many nodes.
    fn wires(&self) -> BTreeSet<Mac> {
        let links = &self.state.links;
        let lower = links.values().filter_map(|link| link.vxlan()?.lower);
        let told =
            lower.chain(self.uplink.as_ref().map(|uplink| uplink.dev)).filter_map(|dev| links.get(&dev));
        let plain = links.values().filter(|link| link.kind == LinkKind::Plain);
        told.chain(plain).filter_map(|link| link.mac).filter(|mac| *mac != Mac::ZERO).collect()
    }

    /// An address that tells it from another node of its name.
    fn place(&self) -> Option<IpAddr> {
        let own = self.leases.iter().flatten().find(|lease| Some(lease.subnet) == self.own);
        let public = own.and_then(|lease| lease.attrs.public_ip).map(IpAddr::V4);
        let uplink = self.uplink.as_ref().and_then(|uplink| uplink.v4).map(IpAddr::V4);
        let local = || self.state.links.values().find_map(|link| link.vxlan()?.local);
        public.or(uplink).or_else(local)
    }
}

/// Gives another name to each of `others` that has the name of `near`, or of another of them, and is another node: what
/// is said of one is never taken for the other's. Says each, a sentence.
pub fn tell_apart(near: &Snapshot, others: &mut [Snapshot]) -> Vec<String> {
    let mut said = Vec::new();
    for at in 0..others.len() {
        let (before, rest) = others.split_at_mut(at);
        let Some(other) = rest.first_mut() else { continue };
        let taken = |known: &Snapshot| known.host == other.host && !known.same_node(other);
        let whose =
            if taken(near) { Some("this node") } else { before.iter().any(taken).then_some("another one") };
        let Some(whose) = whose else { continue };
        let by = other.place().map_or_else(|| format!("peer {}", at + 1), |ip| ip.to_string());
        let name = format!("{} ({by})", other.host);
        said.push(format!(
            "a peer's snapshot calls itself {}, as {whose} does: it is called {name} here",
            other.host
        ));
        other.host = name;
    }
    said
}

#[cfg(test)]
mod tests {
    use super::tell_apart;
    use crate::snapshot::Snapshot;

    fn nodes() -> (Snapshot, Snapshot) {
        let read = |text: &[u8]| Snapshot::decode(text).unwrap();
        let near = read(include_bytes!("../../fixtures/snapshots/story-node1.json"));
        (near, read(include_bytes!("../../fixtures/snapshots/story-node2.json")))
    }

    #[test]
    fn a_node_is_known_by_its_lease_or_its_wire_and_not_by_its_name() {
        let (near, far) = nodes();
        let named = Snapshot { host: near.host.clone(), ..far.clone() };
        assert!(!near.same_node(&far) && !near.same_node(&named));
        let old = Snapshot { host: "old".to_owned(), own: far.own, ..near.clone() };
        assert!(near.same_node(&old), "a new lease makes no new machine");
        let bare = |node: &Snapshot| {
            let mut bare = Snapshot { own: None, ..node.clone() };
            bare.state.links.clear();
            bare
        };
        assert!(bare(&near).same_node(&bare(&named)), "nothing but the name is known");
        assert!(!bare(&near).same_node(&bare(&far)));
    }

    #[test]
    fn two_nodes_of_one_name_are_told_apart() {
        let (near, far) = nodes();
        let named = Snapshot { host: near.host.clone(), ..far.clone() };
        let mut others = [named, near.clone(), far];
        let said = tell_apart(&near, &mut others);
        let names = others.each_ref().map(|other| other.host.as_str());
        assert_eq!(names, ["node1 (192.168.50.12)", "node1", "node2"]);
        assert_eq!(
            said,
            [
                "a peer's snapshot calls itself node1, as this node does: it is called node1 (192.168.50.12) here"
            ]
        );
        assert_eq!(tell_apart(&near, &mut others), [""; 0]);
    }
}
