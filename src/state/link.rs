//! Devices: what all of them have, and what tunnels, bridges and their ports have beside.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::IpTunnel;
use crate::net::{IfName, Mac};

/// An interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The kernel's number; changes when the device is created anew.
    pub index: u32,
    /// Hardware address, where the device has an Ethernet one.
    pub mac: Option<Mac>,
    /// Bytes of the largest packet, link header not counted.
    pub mtu: u32,
    /// Set up by the administrator (IFF_UP).
    pub up: bool,
    /// Carrier and operational (IFF_LOWER_UP).
    pub lower_up: bool,
    /// The bridge or bond that this device is a port of.
    pub master: Option<IfName>,
    /// What kind of device, and the attributes of the kinds that matter here.
    pub kind: LinkKind,
    /// The group that rules speak of (`suppress_ifgroup`); 0 unless somebody chose another.
    #[serde(default)]
    pub group: u32,
    /// A bridge that looks at VLAN tags.
    #[serde(default)]
    pub vlan_filtering: bool,
    /// The table of a VRF device.
    #[serde(default)]
    pub vrf: Option<u32>,
    /// How a VXLAN device wraps, beyond what flannel sets.
    #[serde(default)]
    pub encap: Option<Encap>,
    /// How a device wraps that puts IP in IP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<Box<IpTunnel>>,
    /// What the bridge does with this port, where that was read.
    #[serde(default)]
    pub port: Option<Port>,
}

/// The kind of a device (`IFLA_INFO_KIND`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// A VXLAN tunnel end point.
    Vxlan(Vxlan),
    /// A bridge.
    Bridge,
    /// One end of a veth pair: the other end's index, and the id of its namespace if it is another one.
    Veth {
        /// `IFLA_LINK`: the other end's index.
        peer: Option<u32>,
        /// `IFLA_LINK_NETNSID`, if the other end is in another namespace.
        netns: Option<i32>,
    },
    /// The loopback device.
    Loopback,
    /// A physical or unnamed device.
    #[default]
    Plain,
    /// Anything else, by the kernel's name (`tun`, `wireguard`, `ipip`, …).
    Other(String),
}

/// Attributes of a VXLAN device (drivers/net/vxlan).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vxlan {
    /// The 24-bit network identifier.
    pub vni: u32,
    /// UDP destination port.
    pub port: u16,
    /// Source address of outer packets.
    pub local: Option<IpAddr>,
    /// The device that outer packets leave by.
    pub lower: Option<IfName>,
    /// Whether source addresses are learnt into the FDB.
    pub learning: bool,
    /// Group Based Policy extension.
    pub gbp: bool,
    /// Outer TTL; 0 is "auto".
    pub ttl: u8,
    /// Multicast group or default remote, if any; flannel sets none.
    pub group: Option<IpAddr>,
    /// L2 miss notices; flannel (new) sets none.
    pub l2miss: bool,
    /// L3 miss notices.
    pub l3miss: bool,
}

/// The rest of what a VXLAN device does (`ip -d link`): no device of ours sets any of it, so it is as the kernel's
/// defaults have it unless somebody else made the device. The plan does not look here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Encap {
    /// The outer TTL is the inner packet's.
    pub ttl_inherit: bool,
    /// Outer type of service; 1 is the inner packet's.
    pub tos: u8,
    /// The outer don't-fragment bit.
    pub df: Df,
    /// Outer UDP checksums over IPv4 are computed.
    pub csum: bool,
    /// Outer UDP checksums over IPv6 are left out.
    pub zero_csum6_tx: bool,
    /// Packets over IPv6 without a checksum are taken.
    pub zero_csum6_rx: bool,
    /// Generic protocol extension.
    pub gpe: bool,
    /// Answers ARP itself.
    pub proxy: bool,
    /// Short-circuits what the host itself routes.
    pub rsc: bool,
    /// Tunnel keys come with each packet instead of from the device (`external`).
    pub metadata: bool,
    /// Takes several VNIs, by a filter.
    pub vnifilter: bool,
    /// Packets to an address of this host take a short way.
    pub localbypass: bool,
    /// Seconds that a learnt entry lives.
    pub ageing: u32,
    /// Entries at most; 0 is no limit.
    pub limit: u32,
    /// Outer source ports; `(0, 0)` is the host's own range.
    pub ports: (u16, u16),
}

impl Default for Encap {
    /// As the kernel makes a device of which nothing of this was said.
    fn default() -> Self {
        Self {
            ttl_inherit: false,
            tos: 0,
            df: Df::Unset,
            csum: true,
            zero_csum6_tx: false,
            zero_csum6_rx: false,
            gpe: false,
            proxy: false,
            rsc: false,
            metadata: false,
            vnifilter: false,
            localbypass: true,
            ageing: 300,
            limit: 0,
            ports: (0, 0),
        }
    }
}

/// The don't-fragment bit of outer packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Df {
    /// Never set, but where path discovery says so.
    #[default]
    Unset,
    /// Always set.
    Set,
    /// As the inner packet has it.
    Inherit,
}

/// What a bridge does with a port (`IFLA_BRPORT_*`, net/bridge/br_netlink.c).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Port {
    /// Spanning tree: 0 disabled, 1 listening, 2 learning, 3 forwarding, 4 blocking.
    pub state: u8,
    /// Frames may leave by the port that they came by.
    pub hairpin: bool,
    /// Hears other isolated ports not at all.
    pub isolated: bool,
    /// Learns source addresses.
    pub learning: bool,
    /// Frames to unknown addresses are sent here, too.
    pub flood: bool,
    /// VLANs of the port: first, last, and whether it is the one of untagged frames (`PVID`).
    pub vlans: Vec<(u16, u16, bool)>,
}

impl Port {
    /// Passes frames.
    pub fn forwards(&self) -> bool {
        self.state == 3
    }

    /// The state by its name.
    pub const fn word(&self) -> &'static str {
        match self.state {
            0 => "disabled",
            1 => "listening",
            2 => "learning",
            3 => "forwarding",
            4 => "blocking",
            _ => "unknown",
        }
    }
}

impl Link {
    /// The VXLAN attributes, if this is such a device.
    pub fn vxlan(&self) -> Option<&Vxlan> {
        match &self.kind {
            LinkKind::Vxlan(v) => Some(v),
            _ => None,
        }
    }
}
