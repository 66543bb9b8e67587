//! A packet for this node's own pods that its tables send elsewhere, or that the pair before the pod does not take.

use std::net::IpAddr;

use ipnet::IpNet;

use super::local::{End, KNOWN};
use super::words::{proto, words};
use super::{Verdict, Walk};
use crate::finding::repair::PeerRows;
use crate::finding::{mtu, pod, route};
use crate::net::IfName;
use crate::state::fib::Leg;
use crate::state::{Hop, LinkKind, NeighKey, RouteKey};

/// A VLAN's tag, for which every device has room beyond its MTU.
const TAG: u32 = 4;

impl Walk<'_> {
    /// Ends the walk if the other end of a pod's pair drops the packet for its size. `room` is what the sender cuts
    /// packets to; `inwards` is the way into the pod.
    pub(super) fn pair_fits(&mut self, end: &End<'_>, room: u32, inwards: bool) {
        let frame = self.query.size.min(room);
        let (outer, inner) = (end.outer.mtu, end.inner.mtu);
        let least = if inwards { outer.min(inner) } else { outer };
        if frame <= least.saturating_add(TAG) {
            return;
        }
        let how = end.how();
        let inside = inwards && inner == least;
        let (to, dev) = if inside { (end.shown(), end.dev) } else { (end.port.to_string(), end.port) };
        let at = (dev, how.as_deref().filter(|_| inside));
        let finding = mtu::pair(self.host(), &end.pod.name, frame, (&to, least), at);
        self.fail("mtu", format!("{frame} > {to} {least}"), finding, Verdict::Dropped);
    }

    /// True if a packet for the peer's pods gets to the peer by this leg, although the lease asks for another one: by
    /// its public address, through the tunnel after all, or because somebody answered for the address itself.
    pub(super) fn arrives_beside(&self, peer: &PeerRows, leg: &Leg) -> bool {
        let Hop { dev: Some(dev), via, .. } = leg.hop else { return false };
        let key = NeighKey { dev, ip: self.query.dst };
        let known = || self.node.state.neighs.get(&key).is_some_and(|have| have.state & KNOWN != 0);
        match via {
            _ if dev == peer.dev => via == Some(peer.gateway()),
            Some(via) => via == peer.public,
            None => known(),
        }
    }

    /// Ends the walk if the destination lies in the node's own subnet: by `dev` it leaves for somewhere else.
    pub(super) fn strays(&mut self, dev: IfName, key: &RouteKey) {
        let dst = self.query.dst;
        let Some(own) = self.promised.own.iter().find(|own| own.contains(&dst)).copied() else { return };
        let state = &self.node.state;
        let text = words(state, key, 0);
        let bridge = |dev: &IfName| {
            state.links.get(dev).is_some_and(|link| link.kind == LinkKind::Bridge) && self.carries_pods(*dev)
        };
        let bare = state.links.keys().copied().find(bridge).zip(first_host(own));
        let finding = match bare {
            // What is left is what everything else takes: the pods' own route went with the bridge's address.
            Some((bridge, gateway)) if key.dst.prefix_len() < own.prefix_len() => {
                pod::bridge_bare(self.host(), bridge, gateway)
            }
            _ => route::astray(self.host(), own, &text, &proto(state, key, 0)),
        };
        self.fail(
            "route",
            format!("{text}: {dev} leads to none of this node's pods"),
            finding,
            Verdict::Dropped,
        );
    }
}

/// The address that the bridge of a subnet has.
fn first_host(net: IpNet) -> Option<IpNet> {
    let host = match net {
        IpNet::V4(net) => IpAddr::V4(net.network().to_bits().checked_add(1)?.into()),
        IpNet::V6(net) => IpAddr::V6(net.network().to_bits().checked_add(1)?.into()),
    };
    IpNet::new(host, net.prefix_len()).ok()
}
