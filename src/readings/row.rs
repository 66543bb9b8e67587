//! One row of a listing: what the kernel holds beside what a lease promises.
//! The halves are plain values with owned text, so that text and JSON come from the same thing.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::net::{IfName, Mac};

/// How a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Standing {
    /// The kernel holds what the lease promises; without leases: nothing speaks against it.
    #[serde(rename = "ok")]
    Ok,
    /// A lease wants it, the kernel has it not.
    #[serde(rename = "missing")]
    Missing,
    /// It is there, but not as the lease says.
    #[serde(rename = "wrong")]
    Wrong,
    /// On our device, and no lease wants it.
    #[serde(rename = "stale")]
    Stale,
    /// Without leases: nothing else in the tables uses it.
    #[serde(rename = "stale?")]
    MaybeStale,
    /// Without leases: it leads nowhere, because another table lacks its part.
    #[serde(rename = "broken")]
    Broken,
    /// The lease cannot be honoured: nothing of it belongs in the kernel.
    #[serde(rename = "refused")]
    Refused,
    /// Not flannel's.
    #[serde(rename = "foreign")]
    Foreign,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Missing,
        Self::Wrong,
        Self::Stale,
        Self::MaybeStale,
        Self::Broken,
        Self::Refused,
        Self::Foreign,
    ];

    /// The word that text and JSON show.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Wrong => "wrong",
            Self::Stale => "stale",
            Self::MaybeStale => "stale?",
            Self::Broken => "broken",
            Self::Refused => "refused",
            Self::Foreign => "foreign",
        }
    }

    /// True where the kernel and the leases (or the tables among themselves) disagree.
    pub fn is_drift(self) -> bool {
        match self {
            Self::Missing | Self::Wrong | Self::Stale | Self::Broken => true,
            // Without leases a leftover is a guess, not a finding; a refused lease asks nothing of the kernel.
            Self::Ok | Self::MaybeStale | Self::Refused | Self::Foreign => false,
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// How it stands.
    pub state: Standing,
    /// The node it leads to, or `-`.
    pub node: String,
    /// What the kernel holds.
    pub kernel: Option<Kernel>,
    /// What the lease promises.
    pub lease: Option<Promise>,
    /// Why it stands so, where the halves do not say it themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Row {
    /// A row with both halves or either.
    pub fn new(
        state: Standing,
        node: impl Into<String>,
        kernel: Option<Kernel>,
        lease: Option<Promise>,
    ) -> Self {
        Self { state, node: node.into(), kernel, lease, note: None }
    }

    /// The same row with a reason, unless it is empty.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into()).filter(|n| !n.is_empty());
        self
    }
}

/// What the kernel holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "table", rename_all = "snake_case")]
pub enum Kernel {
    /// A VXLAN device.
    Link(Device),
    /// A route.
    Route(RouteHalf),
    /// A neighbour.
    Neigh(NeighHalf),
    /// A forwarding entry.
    Fdb(FdbHalf),
}

/// A VXLAN device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// Name.
    pub dev: IfName,
    /// Network identifier.
    pub vni: u32,
    /// Hardware address.
    pub mac: Option<Mac>,
    /// Source of outer packets.
    pub local: Option<IpAddr>,
    /// Device of outer packets.
    pub lower: Option<IfName>,
    /// UDP port.
    pub port: u16,
    /// Whether it learns.
    pub learning: bool,
    /// Bytes.
    pub mtu: u32,
    /// Addresses, link-local ones left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addrs: Vec<IpNet>,
    /// Set up.
    pub up: bool,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteHalf {
    /// Destination.
    pub dst: IpNet,
    /// Gateway of the first hop.
    pub via: Option<IpAddr>,
    /// Device of the first hop.
    pub dev: Option<IfName>,
    /// Nexthop object.
    pub nhid: Option<u32>,
    /// Routing table.
    pub of_table: u32,
    /// Metric.
    pub metric: u32,
    /// Protocol number.
    pub proto: u8,
    /// As `ip route` prints it.
    pub text: String,
}

/// A neighbour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NeighHalf {
    /// Protocol address.
    pub ip: IpAddr,
    /// Device.
    pub dev: IfName,
    /// Link-layer address.
    pub mac: Option<Mac>,
    /// `PERMANENT`, `STALE`, …
    pub nud: String,
}

/// A forwarding entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FdbHalf {
    /// Destination MAC.
    pub mac: Mac,
    /// Device.
    pub dev: IfName,
    /// Remote end point.
    pub dst: Option<IpAddr>,
    /// Further remotes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<IpAddr>,
    /// True for an entry of the bridge, false for one of the device itself.
    pub master: bool,
    /// `permanent`, `static`, … as `bridge fdb` prints it.
    pub nud: String,
}

/// What a lease promises for this table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// The leased subnet of this address family.
    pub subnet: IpNet,
    /// Where the node is reached.
    pub public_ip: Option<IpAddr>,
    /// Network identifier.
    pub vni: Option<u32>,
    /// MAC of the node's VXLAN device.
    pub mac: Option<Mac>,
    /// The kernel row that the lease asks for, in iproute2's words.
    pub wants: String,
}
