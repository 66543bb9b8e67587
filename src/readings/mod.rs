//! The tables beside the leases: what the kernel holds, what a lease promises, and how the two differ.
//! Readers of plain values only: a live node and a file look the same from here.

mod arp;
mod detour;
mod device;
mod drift;
mod ending;
mod expect;
mod fdb;
mod lease;
mod ports;
mod promise;
mod route;
mod row;
mod words;

use std::net::IpAddr;

pub use arp::{arp_rows, goes_direct};
pub use detour::holder;
pub use drift::{Drift, drift};
pub use ending::ending;
pub use expect::Peer;
pub use fdb::fdb_rows;
pub use lease::{LeaseHalf, LeaseRow, lease_rows};
pub use ports::{Behind, BridgeRow, bridge_line, port_rows};
pub use promise::{Promises, promises, wanted_device};
pub use route::route_rows;
pub use row::{Device, FdbHalf, Kernel, NeighHalf, Promise, RouteHalf, Row, Standing};
pub use words::{device_line, fdb_line, neigh_line, neigh_state, protocol};

use crate::config::{Backend, NetConf, VxlanConf};
use crate::lease::Lease;
use crate::net::{IfName, Subnet};
use crate::state::State;

/// What a reading looks at.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// The kernel's tables.
    pub state: &'a State,
    /// Every lease of the cluster, or `None` if none could be read: then only the kernel's half is judged.
    pub leases: Option<&'a [Lease]>,
    /// Which lease is this node's, if the caller knows (the agent's state file says so).
    pub own: Option<Subnet>,
    /// The network config, if known.
    pub conf: Option<&'a NetConf>,
    /// Records of the store that are no leases: the key and why, a sentence each.
    pub unreadable: &'a [String],
}

impl<'a> Sight<'a> {
    /// Options of the vxlan backend, if the network config is known.
    fn vxlan(&self) -> Option<&'a VxlanConf> {
        self.conf.map(|conf| {
            let Backend::Vxlan(vxlan) = &conf.backend;
            vxlan
        })
    }
}

/// Which peers' rows a reading makes: of thousands that stand as they should the words alone cost more than the look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    /// Each.
    All,
    /// Those that differ from their leases.
    Drift,
}

impl Keep {
    fn takes(self, standing: Standing) -> bool {
        self == Self::All || standing.is_drift()
    }
}

/// What a reading found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The rows in the order in which people read them.
    pub rows: Vec<Row>,
    /// What could not be judged, one sentence each.
    pub unseen: Vec<String>,
}

/// What is said where no lease is in reach.
pub const NO_LEASES: &str =
    "no leases in reach: only the kernel's half was seen (name a store with --store or --etcd-endpoints)";

impl Reading {
    /// True if the kernel and the leases disagree somewhere.
    pub fn drift(&self) -> bool {
        self.rows.iter().any(|row| row.state.is_drift())
    }

    /// True if a peer cannot be reached because of what its lease says.
    pub fn refused(&self) -> bool {
        self.rows.iter().any(|row| row.state == Standing::Refused)
    }

    /// True if something leads nowhere.
    pub fn broken(&self) -> bool {
        self.rows.iter().any(|row| row.state == Standing::Broken)
    }
}

/// This node's own lease: the one the caller named, else the one whose MAC the device carries, else the one whose
/// address this host owns.
pub fn own_lease<'a>(sight: &Sight<'a>) -> Option<&'a Lease> {
    let leases = sight.leases?;
    if let Some(own) = sight.own {
        return leases.iter().find(|lease| lease.subnet == own);
    }
    let carries = |lease: &&Lease| {
        let mac =
            expect::vxlan_data(lease, false).or_else(|| expect::vxlan_data(lease, true)).map(|data| data.mac);
        mac.is_some_and(|mac| {
            sight.state.links.values().any(|link| link.vxlan().is_some() && link.mac == Some(mac))
        })
    };
    let owns = |lease: &&Lease| {
        let ips = [lease.attrs.public_ip.map(IpAddr::V4), lease.attrs.public_ipv6.map(IpAddr::V6)];
        ips.into_iter().flatten().any(|ip| sight.state.owner_of(ip).is_some())
    };
    leases.iter().find(carries).or_else(|| leases.iter().find(owns))
}

/// What a reading without leases cannot see.
fn kernel_half_only(state: &State) -> Vec<String> {
    let none = flannel_devices(state)
        .is_empty()
        .then(|| "no flannel device here (a vxlan device named flannel.VNI)".to_owned());
    none.into_iter().chain([NO_LEASES.to_owned()]).collect()
}

/// flannel's devices of this host: those that carry flannel's name for their VNI.
pub fn flannel_devices(state: &State) -> Vec<(IfName, u32)> {
    let named =
        |name: IfName, vni: u32| [device_name(false, vni), device_name(true, vni)].contains(&Some(name));
    let vnis = state.links.iter().filter_map(|(name, link)| link.vxlan().map(|v| (*name, v.vni)));
    vnis.filter(|(name, vni)| named(*name, *vni)).collect()
}

/// `flannel.1`, `flannel-v6.1`. A 24-bit number always fits.
fn device_name(v6: bool, vni: u32) -> Option<IfName> {
    format!("{}.{vni}", if v6 { "flannel-v6" } else { "flannel" }).parse().ok()
}

#[cfg(test)]
mod tests;
