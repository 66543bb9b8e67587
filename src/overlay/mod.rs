//! What should be: a node's config, uplink, own lease and peers in; wanted rows out.
//! Never looks at our own rows in the kernel; it may read foreign ones (who is on-link, whose nexthop ids are taken).

mod ids;
pub mod masq;
pub mod vxlan;

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

pub use ids::NexthopIds;

use crate::config::{Backend, NetConf, Uplink};
use crate::lease::{Ground, Peers};
use crate::net::{IfName, Mac, Subnet};
use crate::state::{Key, Ours, State, Want};

/// Everything that decides what this node's kernel should hold.
#[derive(Clone, Debug)]
pub struct World {
    /// The network config.
    pub conf: NetConf,
    /// The chosen uplink.
    pub uplink: Uplink,
    /// What this node holds.
    pub own: Own,
    /// The others.
    pub peers: Peers,
    /// Whether routes go through nexthop objects: on above [`OBJECTS_ON`] peers, off again below [`OBJECTS_OFF`].
    pub objects: bool,
}

/// This node's side of the overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// The leased subnet.
    pub subnet: Subnet,
    /// VTEP MAC of the IPv4 device.
    pub mac: Mac,
    /// VTEP MAC of the IPv6 device.
    pub mac6: Mac,
}

/// More peers than this: routes through nexthop objects, because the kernel's insert of plain IPv4 routes that share
/// a device is quadratic (9 µs a peer at 200, 133 µs at 10,000; with objects flat).
pub const OBJECTS_ON: usize = 1_000;
/// Fewer peers than this: plain rows again, which read as every flannel guide shows them.
pub const OBJECTS_OFF: usize = 500;

/// Whether `peers` call for nexthop objects, given what is in use: sticky, so that nothing flaps at the border.
pub fn wants_objects(peers: usize, in_use: bool) -> bool {
    if in_use { peers >= OBJECTS_OFF } else { peers > OBJECTS_ON }
}

impl World {
    /// All wanted rows.
    pub fn desired(&self, have: &State) -> Want {
        match &self.conf.backend {
            Backend::Vxlan(conf) => vxlan::Overlay::new(self, conf, have).all(),
        }
    }

    /// The wanted rows among `keys`: [`World::desired`] restricted to them.
    pub fn desired_of(&self, keys: &BTreeSet<Key>, have: &State) -> Want {
        match &self.conf.backend {
            Backend::Vxlan(conf) => vxlan::Overlay::new(self, conf, have).only(keys),
        }
    }

    /// Every key that a row of this lease's subnet may stand on, whatever the lease says now.
    pub fn keys_of(&self, lease: &crate::lease::Lease, have: &State) -> BTreeSet<Key> {
        match &self.conf.backend {
            Backend::Vxlan(conf) => vxlan::Overlay::new(self, conf, have).keys_of(lease),
        }
    }

    /// What of the kernel is ours.
    pub fn ours(&self) -> Ours {
        let devices = match &self.conf.backend {
            Backend::Vxlan(conf) => vxlan::devices(&self.conf, conf).map(|d| d.name).collect(),
        };
        Ours { devices, networks: self.networks() }
    }

    /// The configured networks, IPv4 first.
    pub fn networks(&self) -> Vec<IpNet> {
        self.conf.networks()
    }

    /// Whether peers on a connected net are reached without the tunnel.
    pub fn direct_routing(&self) -> bool {
        let Backend::Vxlan(conf) = &self.conf.backend;
        conf.direct_routing
    }

    /// What peers' leases are held against.
    pub fn ground(&self) -> Ground {
        let Uplink { dev: _, mtu: _, v4, v6, ext_v4, ext_v6 } = &self.uplink;
        let own_ips = [v4, ext_v4].into_iter().flatten().map(|ip| IpAddr::V4(*ip));
        let own_ips6 = [v6, ext_v6].into_iter().flatten().map(|ip| IpAddr::V6(*ip));
        Ground {
            networks: self.networks(),
            own: self.own.subnet,
            own_ips: own_ips.chain(own_ips6).collect(),
            own_macs: vec![self.own.mac, self.own.mac6],
        }
    }
}

/// A device of the overlay and the family it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name.
    pub name: IfName,
    /// True for the IPv6 one.
    pub v6: bool,
}
