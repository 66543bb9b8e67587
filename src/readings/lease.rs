//! The leases themselves as rows.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::expect::vxlan_data;
use super::row::Standing;
use crate::clock;
use crate::lease::{Expiry, Lease};
use crate::net::{Mac, Subnet};

/// One lease as a row; the kernel has no half of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeaseRow {
    /// `ok`, or `stale` once its time is over.
    pub state: Standing,
    /// The owner's name.
    pub node: String,
    /// Always `null`.
    pub kernel: Option<()>,
    /// What the lease says.
    pub lease: LeaseHalf,
}

/// What a lease says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeaseHalf {
    /// `10.5.1.0/24`, with IPv6 `10.5.1.0/24,fd00:12:13::/56`.
    pub subnet: String,
    /// Where the node is reached.
    pub public_ip: Option<Ipv4Addr>,
    /// The same over IPv6.
    pub public_ipv6: Option<Ipv6Addr>,
    /// `vxlan`, …; empty for udp and alloc.
    pub backend: String,
    /// Network identifier of a vxlan lease.
    pub vni: Option<u32>,
    /// MAC of its device.
    pub mac: Option<Mac>,
    /// MAC of its IPv6 device.
    pub mac_v6: Option<Mac>,
    /// RFC 3339, `never` for a reservation, `null` if not known.
    pub expires: Option<String>,
    /// `23h59m`: what is left at the time of the listing.
    pub left: Option<String>,
    /// True for this node's own.
    pub this_node: bool,
}

/// The rows of a lease listing, in order of the subnets.
pub fn lease_rows(leases: &[Lease], own: Option<Subnet>, now: SystemTime) -> Vec<LeaseRow> {
    let mut rows: Vec<(Subnet, LeaseRow)> =
        leases.iter().map(|lease| (lease.subnet, lease_row(lease, own, now))).collect();
    rows.sort_by_key(|(subnet, _)| *subnet);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn lease_row(lease: &Lease, own: Option<Subnet>, now: SystemTime) -> LeaseRow {
    let Lease { subnet, attrs, expires, revision: _, id: _ } = lease;
    let (v4, v6) = (vxlan_data(lease, false), vxlan_data(lease, true));
    let (end, left, over) = match expires {
        Expiry::Unknown => (None, None, false),
        Expiry::Never => (Some("never".to_owned()), None, false),
        Expiry::At(time) => {
            let left = time.duration_since(now).ok();
            (Some(clock::rfc3339(*time)), left.map(clock::span), left.is_none())
        }
    };
    LeaseRow {
        state: if over { Standing::Stale } else { Standing::Ok },
        node: attrs.name(),
        kernel: None,
        lease: LeaseHalf {
            subnet: subnet.cidrs(),
            public_ip: attrs.public_ip,
            public_ipv6: attrs.public_ipv6,
            backend: attrs.backend_type.to_string(),
            vni: v4.or(v6).map(|data| data.vni),
            mac: v4.map(|data| data.mac),
            mac_v6: v6.map(|data| data.mac),
            expires: end,
            left,
            this_node: own == Some(*subnet),
        },
    }
}
