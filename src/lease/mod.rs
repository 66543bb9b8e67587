//! A lease: which node owns which subnet, and how to reach it. Plain values; stores make them true.
//! A lease is untrusted input.

mod choose;
mod data;
mod peers;
mod vet;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;

pub use choose::{Choice, choose, last_renewed};
pub(crate) use choose::{is_ours, namesake, rival};
pub use data::BadVxlanData;
pub use peers::Peers;
pub use vet::{Ground, Path, Refused, vet};

use crate::net::{Mac, Subnet};

/// Seconds that a lease lives without renewal, as flannel grants it.
pub const TTL_SECS: u64 = 86_400;

/// A lease as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What is leased; the store's key.
    pub subnet: Subnet,
    /// What the owner says of itself; the store's value.
    pub attrs: Attrs,
    /// When it ends unless renewed.
    pub expires: Expiry,
    /// The store's token of this very value: replacing and deleting compare it (etcd: mod_revision).
    pub revision: i64,
    /// The etcd lease id that the key hangs on; 0 for a reservation and in other stores.
    pub id: i64,
}

/// When a lease ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Not asked for (it costs a request a lease in etcd).
    Unknown,
    /// Never: a reservation.
    Never,
    /// At this time unless renewed.
    At(SystemTime),
}

/// The value of a lease: flannel's fields in flannel's order, and our `Node`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attrs {
    /// Where peers send IPv4 underlay packets; absent is written `0.0.0.0`, as flannel does for IPv6-only.
    pub public_ip: Option<Ipv4Addr>,
    /// Where peers send IPv6 underlay packets.
    pub public_ipv6: Option<Ipv6Addr>,
    /// `vxlan`, `host-gw`, …; empty for udp and alloc.
    pub backend_type: Box<str>,
    /// Raw JSON, kept to the byte.
    pub backend_data: Option<Box<str>>,
    /// Raw JSON, kept to the byte.
    pub backend_v6_data: Option<Box<str>>,
    /// Host name of the owner; ours alone, flanneld neither writes nor reads it.
    pub node: Option<Box<str>>,
    /// Fields that we do not know, in their order, values as raw JSON.
    pub unknown: Vec<(Box<str>, Box<str>)>,
}

/// What a vxlan lease says in `BackendData`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VxlanData {
    /// Network identifier (flannel: 1 unless set).
    pub vni: u32,
    /// The MAC of the owner's VXLAN device.
    pub mac: Mac,
}

/// Who this node is, to the store and to its peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Host name, or what the operator set; never empty.
    pub node: String,
    /// Advertised IPv4 address, present if the network has IPv4.
    pub public_ip: Option<Ipv4Addr>,
    /// Advertised IPv6 address, present if the network has IPv6.
    pub public_ipv6: Option<Ipv6Addr>,
}

impl Attrs {
    /// The address that peers reach this node at: IPv4 if there is one, else IPv6.
    pub fn public(&self) -> Option<IpAddr> {
        self.public_ip.map(IpAddr::V4).or(self.public_ipv6.map(IpAddr::V6))
    }

    /// The owner's name for people: its host name, else its address.
    pub fn name(&self) -> String {
        match (&self.node, self.public()) {
            (Some(node), _) => node.to_string(),
            (None, Some(ip)) => ip.to_string(),
            (None, None) => "?".to_owned(),
        }
    }
}
