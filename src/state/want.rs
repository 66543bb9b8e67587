//! What should be, as far as it is ours: the rows that the overlay asks for, and the words for "ours".
//! Devices go by name, so that rows can be wanted on a device that does not exist yet.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::{AddrKey, FdbKey, NeighKey, Route, RouteKey, Vxlan};
use crate::net::{IfName, Mac};

/// Wanted rows. What is absent here and ours in the kernel is to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// Devices of ours.
    pub links: BTreeMap<IfName, WantLink>,
    /// `net.ipv6.conf.flannel/1.accept_ra` style sysctls (dots separate, a slash stands for a dot inside a name).
    pub sysctls: BTreeMap<String, String>,
    /// Addresses.
    pub addrs: BTreeSet<AddrKey>,
    /// Permanent neighbours.
    pub neighs: BTreeMap<NeighKey, Mac>,
    /// Permanent forwarding entries of the device itself.
    pub fdb: BTreeMap<FdbKey, IpAddr>,
    /// Nexthop objects: gateway on a device, onlink, our protocol.
    pub nexthops: BTreeMap<u32, (IpAddr, IfName)>,
    /// Routes.
    pub routes: BTreeMap<RouteKey, Route>,
}

/// A wanted VXLAN device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantLink {
    /// Tunnel attributes; port 0 is not allowed here (the overlay fills in 8472).
    pub vxlan: Vxlan,
    /// The VTEP MAC.
    pub mac: Mac,
    /// Bytes.
    pub mtu: u32,
}

/// What we may touch. Everything else is foreign and stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ours {
    /// Our devices: whatever hangs on them is ours.
    pub devices: BTreeSet<IfName>,
    /// Our networks: elsewhere a route is ours only inside them, and only with our protocol number.
    pub networks: Vec<IpNet>,
}

/// One row of one table, by its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A device.
    Link(IfName),
    /// An address.
    Addr(AddrKey),
    /// A nexthop object.
    Nexthop(u32),
    /// A neighbour.
    Neigh(NeighKey),
    /// A forwarding entry.
    Fdb(FdbKey),
    /// A route.
    Route(RouteKey),
}
