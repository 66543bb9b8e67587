//! What is known of a packet when a hook is asked about it. What is not known makes a rule that asks for it unsure.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::net::Mac;

/// What is known of a packet. Made by [`Packet::new`]; more is set field by field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Packet {
    /// Source.
    pub src: IpAddr,
    /// Destination.
    pub dst: IpAddr,
    /// IP protocol number.
    pub proto: u8,
    /// Source port (TCP, UDP), if known.
    pub sport: Option<u16>,
    /// Destination port, if known.
    pub dport: Option<u16>,
    /// ICMP type and code.
    pub icmp: Option<(u8, u8)>,
    /// Input device.
    pub iif: Option<String>,
    /// Output device.
    pub oif: Option<String>,
    /// Firewall mark.
    pub mark: u32,
    /// Bytes of the IP packet; 0 if unknown.
    pub len: u32,
    /// Conntrack's view: the first packet of a connection, or a later one.
    pub ct: Ct,
    /// What the routing tables call the source, if known: `-m addrtype`, `fib saddr type`.
    pub src_type: Option<AddrType>,
    /// What the routing tables call the destination.
    pub dst_type: Option<AddrType>,
    /// TCP's flag byte; the first packet of a connection is a SYN where this is not told.
    pub tcp_flags: Option<u8>,
    /// The upper six bits of TOS or traffic class.
    pub dscp: Option<u8>,
    /// Hops left.
    pub ttl: Option<u8>,
    /// Source of the Ethernet frame it came in.
    pub src_mac: Option<Mac>,
    /// Whether a route leads back to the source through the device it came from: `fib saddr . iif oif`, `-m rpfilter`.
    pub reverse: Option<bool>,
    /// True if a bridge carries it from port to port (`-m physdev --physdev-is-bridged`), not routed.
    pub bridged: bool,
    /// The address of this host that masquerade (output device's) or redirect (input device's) would put in.
    pub own: Option<IpAddr>,
    /// What more conntrack knows.
    pub conn: Conn,
}

/// What conntrack knows of the connection beyond [`Ct`]. A walk fills it in, so that the next hook knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Conn {
    /// The connection's mark; 0 for a new one where this is not told.
    pub mark: Option<u32>,
    /// Whether the destination was rewritten.
    pub dnat: Option<bool>,
    /// Whether the source was rewritten.
    pub snat: Option<bool>,
    /// Whether this packet goes the way back; a first packet does not.
    pub reply: Option<bool>,
    /// Where the first packet came from, before any rewriting.
    pub from: Option<(IpAddr, Option<u16>)>,
    /// Where the first packet wanted to go, before any rewriting.
    pub to: Option<(IpAddr, Option<u16>)>,
}

/// What conntrack says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ct {
    /// First packet of a connection.
    New,
    /// Belongs to a connection that was accepted.
    Established,
    /// Not tracked.
    Untracked,
}

/// What the routing tables say of an address (`RTN_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddrType {
    /// Elsewhere, and there is a route.
    Unicast,
    /// This host's own.
    Local,
    /// A broadcast address of a network of this host.
    Broadcast,
    /// Multicast.
    Multicast,
    /// Anycast (v6).
    Anycast,
    /// Thrown away.
    Blackhole,
    /// No route, or one of type unreachable.
    Unreachable,
    /// Forbidden.
    Prohibit,
}

impl Packet {
    /// A first packet of which only this is known: not marked, no devices, nothing rewritten.
    pub fn new(src: IpAddr, dst: IpAddr, proto: u8) -> Self {
        Self {
            src,
            dst,
            proto,
            sport: None,
            dport: None,
            icmp: None,
            iif: None,
            oif: None,
            mark: 0,
            len: 0,
            ct: Ct::New,
            src_type: None,
            dst_type: None,
            tcp_flags: None,
            dscp: None,
            ttl: None,
            src_mac: None,
            reverse: None,
            bridged: false,
            own: None,
            conn: Conn::default(),
        }
    }
}
