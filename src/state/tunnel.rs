//! Tunnels of other kinds than VXLAN: what an IP-in-IP device says of itself, and a WireGuard device's peers. No key
//! ever enters here.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::net::IfName;

/// Attributes of a device that wraps IP in IP (`ipip`, `sit`, `ip6tnl`; `IFLA_IPTUN_*`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IpTunnel {
    /// Source of outer packets; `None` where the outer route chooses it.
    pub local: Option<IpAddr>,
    /// Where outer packets go; `None` where each route's gateway says so.
    pub remote: Option<IpAddr>,
    /// The device that outer packets leave by, if it is bound to one.
    pub lower: Option<IfName>,
    /// Outer TTL; 0 is the inner packet's.
    pub ttl: u8,
    /// Outer packets must not be fragmented.
    pub pmtudisc: bool,
    /// Addresses come with each packet instead of from the device (`external`).
    pub metadata: bool,
}

/// A WireGuard device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wireguard {
    /// The UDP port that it listens on and sends from.
    pub port: u16,
    /// Firewall mark of outer packets; 0 for none.
    pub mark: u32,
    /// Its peers.
    pub peers: Vec<WgPeer>,
}

/// A peer of a WireGuard device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WgPeer {
    /// Destinations that are sent to it.
    pub allowed: Vec<IpNet>,
    /// Where outer packets go, if that is known.
    pub endpoint: Option<SocketAddr>,
    /// Seconds since 1970 of the last handshake; `None` if there was none.
    pub handshake: Option<u64>,
}

impl Wireguard {
    /// The peer that gets packets to this address: the longest of the allowed networks wins.
    pub fn peer(&self, dst: IpAddr) -> Option<(IpNet, &WgPeer)> {
        let all = self.peers.iter().flat_map(|peer| peer.allowed.iter().map(move |net| (*net, peer)));
        all.filter(|(net, _)| net.contains(&dst)).max_by_key(|(net, _)| net.prefix_len())
    }
}
