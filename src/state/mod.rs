//! What is: everything the kernel holds about the network, as one plain value.
//! Tables are keyed as the kernel keys them, except that devices go by name (a name is unique in a namespace,
//! survives in a snapshot, and is what people read). Holds rows and look-ups, nothing clever; no secret ever enters it.

pub mod fib;
mod fold;
pub mod ipvs;
mod link;
mod pod;
mod rows;
mod rule;
mod told;
mod tunnel;
mod uapi;
mod want;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub use fold::{Change, Folded, Row};
pub use link::{Df, Encap, Link, LinkKind, Port, Vxlan};
pub use pod::Pod;
pub use rule::Rule;
pub use told::{Probe, Seen, Sighting, Told};
pub use tunnel::{IpTunnel, WgPeer, Wireguard};
pub use uapi::{nud, proto, table};
pub use want::{Key, Ours, Want, WantLink};

use crate::firewall::Ruleset;
use crate::net::{IfName, Mac};

/// The kernel's tables in one namespace at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Interfaces.
    pub links: BTreeMap<IfName, Link>,
    /// Addresses.
    #[serde(with = "rows")]
    pub addrs: BTreeMap<AddrKey, Addr>,
    /// Policy rules in the order the kernel walks them.
    pub rules: Vec<Rule>,
    /// Routes of every table. One key can stand twice (`ip route append`), first come first used.
    #[serde(with = "rows")]
    pub routes: BTreeMap<RouteKey, Vec<Route>>,
    /// Nexthop objects by id.
    pub nexthops: BTreeMap<u32, Nexthop>,
    /// IPv4 and IPv6 neighbours.
    #[serde(with = "rows")]
    pub neighs: BTreeMap<NeighKey, Neigh>,
    /// Forwarding entries of bridges and VXLAN devices.
    #[serde(with = "rows")]
    pub fdb: BTreeMap<FdbKey, Fdb>,
    /// Open facts: `sysctl:net.ipv4.ip_forward`, `offload:eth0/tx-udp_tnl-segmentation`, …
    pub facts: BTreeMap<String, String>,
    /// The firewall, where it was asked for and could be read.
    pub firewall: Option<Ruleset>,
    /// IPVS services, where they were asked for.
    pub ipvs: Vec<ipvs::Service>,
    /// WireGuard devices, where they were asked for and may be read.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub wireguard: BTreeMap<IfName, Wireguard>,
}

/// Which address row: the kernel keys by device, address and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AddrKey {
    /// Device.
    pub dev: IfName,
    /// Address with its prefix length, host bits kept.
    pub net: IpNet,
}

/// What the kernel says of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addr {
    /// `rt_scope`: 0 global, 253 link, 254 host.
    pub scope: u8,
    /// `IFA_FLAGS` (if_addr.h): 0x01 temporary, 0x20 deprecated, 0x40 tentative, 0x80 permanent, …
    pub flags: u32,
    /// Peer address of a point-to-point device.
    pub peer: Option<IpAddr>,
    /// Place in the kernel's own list: the first of equals is the one that it (and flannel) prefers.
    #[serde(default)]
    pub order: u32,
}

/// Which route: table, destination, TOS and metric are the kernel's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RouteKey {
    /// Table number.
    pub table: u32,
    /// Destination, host bits zero; a default route is `0.0.0.0/0` or `::/0`.
    pub dst: IpNet,
    /// Type of service.
    pub tos: u8,
    /// Priority; IPv6 routes default to 1024.
    pub metric: u32,
}

/// A route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// What it does with a packet.
    pub kind: RouteKind,
    /// Who wrote it, see [`proto`].
    pub proto: u8,
    /// `rt_scope`: 0 global, 253 link, 254 host.
    pub scope: u8,
    /// Preferred source address.
    pub src: Option<IpAddr>,
    /// Where to.
    pub hops: Hops,
    /// Carries metrics (`mtu`, `advmss`, …: `RTA_METRICS`), which no route of ours does.
    #[serde(default)]
    pub metrics: bool,
    /// The MTU among them.
    #[serde(default)]
    pub mtu: Option<u32>,
    /// That MTU holds whatever path discovery says (`mtu lock`).
    #[serde(default)]
    pub mtu_lock: bool,
    /// Only for packets from here: an IPv6 route with a source prefix (`RTA_SRC`).
    #[serde(default)]
    pub from: Option<IpNet>,
    /// Router preference of an IPv6 route: 0 medium, 1 high, 3 low (`RTA_PREF`).
    #[serde(default)]
    pub pref: u8,
}

/// Route types (`RTN_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteKind {
    /// Forward or send.
    #[default]
    Unicast,
    /// An address of this host.
    Local,
    /// Accept and send as broadcast.
    Broadcast,
    /// A multicast route.
    Multicast,
    /// An anycast address (IPv6).
    Anycast,
    /// Drop silently.
    Blackhole,
    /// Refuse: host unreachable.
    Unreachable,
    /// Refuse: administratively prohibited.
    Prohibit,
    /// Go on with the next rule.
    Throw,
    /// Anything else, by number.
    Other(u8),
}

/// Where a route leads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hops {
    /// Nowhere (blackhole and its kin).
    #[default]
    None,
    /// One next hop.
    One(Hop),
    /// A nexthop object or group by id.
    Object(u32),
    /// Several with weights (weight = `rtnh_hops` + 1).
    Multi(Vec<(Hop, u16)>),
}

/// A next hop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// Gateway.
    pub via: Option<IpAddr>,
    /// Output device.
    pub dev: Option<IfName>,
    /// The gateway need not be on a connected net.
    pub onlink: bool,
    /// The kernel took it out of use, or its device has no carrier (RTNH_F_DEAD or LINKDOWN).
    pub dead: bool,
    /// No more than LINKDOWN: still used, unless `ignore_routes_with_linkdown` is set.
    #[serde(default)]
    pub linkdown: bool,
}

/// A nexthop object (`ip nexthop`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nexthop {
    /// Who wrote it (`nh_protocol`).
    pub proto: u8,
    /// The hop, unless this is a group or a blackhole.
    pub hop: Hop,
    /// Discards packets.
    pub blackhole: bool,
    /// Members of a group: id and weight.
    pub group: Vec<(u32, u16)>,
    /// A nexthop of bridge FDB entries, not of routes.
    pub fdb: bool,
}

/// Which neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NeighKey {
    /// Device.
    pub dev: IfName,
    /// Protocol address.
    pub ip: IpAddr,
}

/// A neighbour (ARP or ND) entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neigh {
    /// Link-layer address, absent while unresolved.
    pub mac: Option<Mac>,
    /// NUD state bits, see [`nud`].
    pub state: u16,
    /// `NTF_*` flags (0x08 proxy, 0x80 router).
    pub flags: u8,
}

/// Which forwarding entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FdbKey {
    /// The VXLAN device or the bridge port.
    pub dev: IfName,
    /// Destination MAC; all-zero entries flood.
    pub mac: Mac,
    /// VLAN, 0 for none.
    pub vlan: u16,
    /// True for an entry of the bridge (`master`), false for one of the device (`self`).
    pub master: bool,
}

/// A forwarding entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fdb {
    /// Remote tunnel end point; the first, if there are several.
    pub dst: Option<IpAddr>,
    /// Further remotes (only flood and multicast entries have them).
    pub more: Vec<IpAddr>,
    /// NUD state bits, see [`nud`].
    pub state: u16,
    /// `NTF_*` flags (0x10 ext_learn, 0x40 offloaded).
    pub flags: u8,
    /// UDP port, where it is not the device's.
    pub port: Option<u16>,
    /// VNI, where it is not the device's.
    pub vni: Option<u32>,
    /// Nexthop group of remotes.
    pub nhid: Option<u32>,
    /// Bound to an output device (`via`, `NDA_IFINDEX`), which no entry of ours is.
    #[serde(default)]
    pub via: bool,
}

impl State {
    /// The interface with this number.
    pub fn link_by_index(&self, index: u32) -> Option<(IfName, &Link)> {
        self.links.iter().find(|(_, l)| l.index == index).map(|(name, l)| (*name, l))
    }

    /// Addresses of one device, in key order.
    pub fn addrs_of(&self, dev: IfName) -> impl Iterator<Item = (IpNet, &Addr)> {
        self.addrs.iter().filter(move |(k, _)| k.dev == dev).map(|(k, a)| (k.net, a))
    }

    /// The device that owns this address.
    pub fn owner_of(&self, ip: IpAddr) -> Option<IfName> {
        self.addrs.keys().find(|k| k.net.addr() == ip).map(|k| k.dev)
    }

    /// The device on whose own net this address is, and that net with the own address in it; not by `apart`.
    pub fn on_link(&self, ip: IpAddr, apart: IfName) -> Option<AddrKey> {
        self.addrs.keys().find(|held| held.dev != apart && held.net.contains(&ip)).copied()
    }

    /// A fact by its key.
    pub fn fact(&self, key: &str) -> Option<&str> {
        self.facts.get(key).map(String::as_str)
    }
}

impl AddrKey {
    /// The route that the kernel makes of it, as `ip route` takes it.
    pub fn link_route(&self) -> String {
        format!("ip route replace {} dev {} src {}", self.net.trunc(), self.dev, self.net.addr())
    }
}

impl Addr {
    /// `IFA_F_TEMPORARY` (same bit as SECONDARY, which IPv4 uses).
    pub const TEMPORARY: u32 = 0x01;
    /// `IFA_F_DEPRECATED`.
    pub const DEPRECATED: u32 = 0x20;
    /// `IFA_F_PERMANENT`.
    pub const PERMANENT: u32 = 0x80;
}

impl Neigh {
    /// Never expires.
    pub fn permanent(&self) -> bool {
        self.state & nud::PERMANENT != 0
    }
}

impl Hop {
    /// A gateway that needs no connected net, on one device: what flannel writes.
    pub fn onlink(via: IpAddr, dev: IfName) -> Self {
        Self { via: Some(via), dev: Some(dev), onlink: true, ..Self::default() }
    }
}
