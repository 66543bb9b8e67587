//! One change of the kernel's tables. Its text is the iproute2 command that would do the same.

use std::fmt;
use std::net::IpAddr;

use crate::net::{IfName, Mac};
use crate::state::{AddrKey, FdbKey, Hops, NeighKey, Route, RouteKey, RouteKind, WantLink};

/// One change.
#[allow(missing_docs, reason = "every field is named by its type; the variant says the rest")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Deletes a device of ours that cannot be altered into what is wanted.
    DelLink { dev: IfName },
    /// Creates a VXLAN device (down).
    AddLink { dev: IfName, want: WantLink },
    /// Alters `local`, learning, TTL or the lower device in place; the whole wanted set is sent.
    SetVxlan { dev: IfName, want: WantLink },
    /// Sets the hardware address; the kernel drops every neighbour of the device.
    SetMac { dev: IfName, mac: Mac },
    /// Sets the MTU in bytes.
    SetMtu { dev: IfName, mtu: u32 },
    /// Sets the device up.
    SetUp { dev: IfName },
    /// Writes a sysctl; key as in [`crate::state::Want::sysctls`].
    SetSysctl { key: String, value: String },
    /// Adds an address.
    AddAddr { key: AddrKey },
    /// Deletes an address.
    DelAddr { key: AddrKey },
    /// Creates or replaces a permanent neighbour.
    SetNeigh { key: NeighKey, mac: Mac },
    /// Deletes a neighbour.
    DelNeigh { key: NeighKey },
    /// Creates or replaces a permanent forwarding entry of the device itself.
    SetFdb { key: FdbKey, dst: IpAddr },
    /// Deletes a forwarding entry; `dst` picks one remote of several.
    DelFdb { key: FdbKey, dst: Option<IpAddr> },
    /// Creates or replaces a nexthop object.
    SetNexthop { id: u32, via: IpAddr, dev: IfName },
    /// Deletes a nexthop object.
    DelNexthop { id: u32 },
    /// Creates or replaces a route.
    SetRoute { key: RouteKey, route: Route },
    /// Deletes a route.
    DelRoute { key: RouteKey, route: Route },
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DelLink { dev } => write!(f, "ip link del {dev}"),
            Self::AddLink { dev, want } => {
                write!(f, "ip link add {dev} address {} mtu {} type vxlan", want.mac, want.mtu)?;
                vxlan(f, want)
            }
            Self::SetVxlan { dev, want } => {
                write!(f, "ip link set {dev} type vxlan")?;
                vxlan(f, want)
            }
            Self::SetMac { dev, mac } => write!(f, "ip link set {dev} address {mac}"),
            Self::SetMtu { dev, mtu } => write!(f, "ip link set {dev} mtu {mtu}"),
            Self::SetUp { dev } => write!(f, "ip link set {dev} up"),
            Self::SetSysctl { key, value } => write!(f, "sysctl -w {key}={value}"),
            Self::AddAddr { key } => write!(f, "ip addr add {} dev {}", key.net, key.dev),
            Self::DelAddr { key } => write!(f, "ip addr del {} dev {}", key.net, key.dev),
            Self::SetNeigh { key, mac } => {
                write!(f, "ip neigh replace {} lladdr {mac} dev {} nud permanent", key.ip, key.dev)
            }
            Self::DelNeigh { key } => write!(f, "ip neigh del {} dev {}", key.ip, key.dev),
            Self::SetFdb { key, dst } => {
                write!(f, "bridge fdb replace {} dev {} dst {dst} self permanent", key.mac, key.dev)
            }
            Self::DelFdb { key, dst } => {
                write!(f, "bridge fdb del {} dev {}", key.mac, key.dev)?;
                if let Some(dst) = dst {
                    write!(f, " dst {dst}")?;
                }
                f.write_str(if key.master { " master" } else { " self" })
            }
            Self::SetNexthop { id, via, dev } => {
                write!(f, "ip nexthop replace id {id} via {via} dev {dev} onlink")
            }
            Self::DelNexthop { id } => write!(f, "ip nexthop del id {id}"),
            Self::SetRoute { key, route } => {
                f.write_str("ip route replace ")?;
                route_words(f, key, route)
            }
            Self::DelRoute { key, route } => {
                f.write_str("ip route del ")?;
                route_words(f, key, route)
            }
        }
    }
}

fn vxlan(f: &mut fmt::Formatter<'_>, want: &WantLink) -> fmt::Result {
    let v = &want.vxlan;
    write!(f, " id {}", v.vni)?;
    if let Some(local) = v.local {
        write!(f, " local {local}")?;
    }
    if let Some(lower) = v.lower {
        write!(f, " dev {lower}")?;
    }
    write!(f, " dstport {}", v.port)?;
    f.write_str(if v.learning { " learning" } else { " nolearning" })?;
    if v.gbp { f.write_str(" gbp") } else { Ok(()) }
}

/// The words that `ip route` takes and prints for a route.
pub fn route_words(f: &mut impl fmt::Write, key: &RouteKey, route: &Route) -> fmt::Result {
    match route.kind {
        RouteKind::Unicast => {}
        RouteKind::Other(n) => write!(f, "type {n} ")?,
        kind => write!(f, "{} ", kind.word())?,
    }
    match key.dst.prefix_len() {
        0 => f.write_str("default")?,
        n if n == key.dst.max_prefix_len() => write!(f, "{}", key.dst.addr())?,
        _ => write!(f, "{}", key.dst)?,
    }
    match &route.hops {
        Hops::None => {}
        Hops::Object(id) => write!(f, " nhid {id}")?,
        Hops::One(hop) => hop_words(f, hop)?,
        Hops::Multi(legs) => {
            for (hop, weight) in legs {
                f.write_str(" nexthop")?;
                hop_words(f, hop)?;
                write!(f, " weight {weight}")?;
            }
        }
    }
    if key.table != crate::state::table::MAIN {
        write!(f, " table {}", key.table)?;
    }
    if let Some(src) = route.src {
        write!(f, " src {src}")?;
    }
    if key.metric != 0 && !(key.dst.addr().is_ipv6() && key.metric == 1024) {
        write!(f, " metric {}", key.metric)?;
    }
    if key.tos != 0 { write!(f, " tos {:#04x}", key.tos) } else { Ok(()) }
}

fn hop_words(f: &mut impl fmt::Write, hop: &crate::state::Hop) -> fmt::Result {
    if let Some(via) = hop.via {
        write!(f, " via {via}")?;
    }
    if let Some(dev) = hop.dev {
        write!(f, " dev {dev}")?;
    }
    if hop.onlink { f.write_str(" onlink") } else { Ok(()) }
}

impl RouteKind {
    /// iproute2's word; empty for a number without one.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unicast => "unicast",
            Self::Local => "local",
            Self::Broadcast => "broadcast",
            Self::Multicast => "multicast",
            Self::Anycast => "anycast",
            Self::Blackhole => "blackhole",
            Self::Unreachable => "unreachable",
            Self::Prohibit => "prohibit",
            Self::Throw => "throw",
            Self::Other(_) => "",
        }
    }
}
