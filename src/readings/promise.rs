//! What leases and config promise of this node, in the shape in which a finding's repair is spelt.

use std::net::IpAddr;

use ipnet::IpNet;

use super::expect::{expected, own_vni, vxlan_data};
use super::{Sight, device_name, own_lease};
use crate::finding::repair::{Device, PeerRows};

/// The promised side of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promises {
    /// One a peer and address family.
    pub peers: Vec<PeerRows>,
    /// This node's own subnets.
    pub own: Vec<IpNet>,
    /// Subnets of leases that no node can honour, their owners, and why.
    pub refused: Vec<(IpNet, String, String)>,
}

impl Promises {
    /// The peer whose lease covers this address.
    pub fn owner(&self, ip: IpAddr) -> Option<&PeerRows> {
        self.peers.iter().find(|peer| peer.net.contains(&ip))
    }
}

/// The promises, or `None` without leases.
pub fn promises(sight: &Sight<'_>) -> Option<Promises> {
    let all = expected(sight)?;
    let peers = all.peers.into_iter().map(|peer| PeerRows {
        direct: peer.direct == Some(true),
        node: peer.node,
        net: peer.net,
        dev: peer.dev,
        mac: peer.mac,
        public: peer.public,
    });
    let refused = all.refused.into_iter().filter_map(|row| {
        Some((row.lease?.subnet, row.node, row.note.unwrap_or_else(|| "it cannot be honoured".to_owned())))
    });
    Some(Promises {
        peers: peers.collect(),
        own: all.own.into_iter().map(|(_, net)| net).collect(),
        refused: refused.collect(),
    })
}

/// The tunnel device that own lease and config ask for; `None` if either is unknown. `local` and `lower` are those
/// of the device that is there: only the agent knows which uplink it took.
pub fn wanted_device(sight: &Sight<'_>, v6: bool) -> Option<Device> {
    let (own, conf) = (own_lease(sight)?, sight.vxlan()?);
    let net = own.subnet.nets().find(|net| net.addr().is_ipv6() == v6)?;
    let vni = own_vni(sight);
    let dev = device_name(v6, vni)?;
    let link = sight.state.links.get(&dev);
    let there = link.and_then(|link| link.vxlan());
    Some(Device {
        dev,
        vni,
        port: conf.port,
        local: there.and_then(|vxlan| vxlan.local),
        lower: there.and_then(|vxlan| vxlan.lower),
        learning: conf.learning,
        gbp: conf.gbp,
        mac: vxlan_data(own, v6).map(|data| data.mac),
        mtu: link.map(|link| link.mtu),
        addr: Some(net.network().into()),
    })
}
