//! A packet for this node's own pods that its tables send elsewhere.

use std::net::IpAddr;

use ipnet::IpNet;

use super::words::{proto, words};
use super::{Verdict, Walk};
use crate::finding::{pod, route};
use crate::net::IfName;
use crate::state::{LinkKind, RouteKey};

impl Walk<'_> {
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
