//! The firewall's rules as values, and what they do with a packet: what nft and iptables print becomes a [`Ruleset`],
//! [`walk`] takes a packet through one hook. Pure; `kernel::rules` runs the tools. Three-valued: a rule that cannot be
//! evaluated makes the answer unsure, with the expression quoted, unless a surer one makes it irrelevant.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// All rules of one namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ruleset {
    /// Tables of nft, of iptables-nft and of iptables-legacy.
    pub tables: Vec<Table>,
    /// What a tool could not show, a sentence each.
    pub unseen: Vec<String>,
}

/// One table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// `ip`, `ip6`, `inet`, `arp`, `bridge`, `netdev`.
    pub family: String,
    /// Name.
    pub name: String,
    /// Whose it is.
    pub owner: Owner,
}

/// Which tool owns a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// Written by nft.
    Nft,
    /// Written by iptables-nft (`iptables`).
    IptablesNft,
    /// Written by iptables-legacy, in the kernel's old tables.
    IptablesLegacy,
}

/// Where in the kernel's way rules are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hook {
    /// Before the routing decision.
    Prerouting,
    /// For this host.
    Input,
    /// Through this host.
    Forward,
    /// From this host.
    Output,
    /// About to leave.
    Postrouting,
}

/// What is known of a packet.
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
    /// Bytes of the IP packet.
    pub len: u32,
    /// Conntrack's view: the first packet of a connection, or a later one.
    pub ct: Ct,
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

/// What the hook does with the packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Goes on.
    Accept,
    /// Gone without a word.
    Drop,
    /// Refused with this answer (`icmp-port-unreachable`, `tcp-reset`, …).
    Reject(String),
    /// Depends on what could not be evaluated: the expressions, quoted.
    Unsure(Vec<String>),
}

/// A rule or policy that decided, or was passed with an effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleRef {
    /// Whose table.
    pub owner: Owner,
    /// `ip filter`, `inet firewalld`, …
    pub table: String,
    /// Chain.
    pub chain: String,
    /// nft's handle, or the place (from 1) in an iptables chain; `None` for a policy.
    pub handle: Option<u64>,
    /// The rule as its tool prints it; `policy drop` for a policy.
    pub text: String,
}

/// What became of a packet in one hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Its fate here.
    pub verdict: Verdict,
    /// The packet as it leaves the hook: marks set, addresses rewritten.
    pub packet: Packet,
    /// The rule or policy that decided against it, or that accepted it last.
    pub by: Option<RuleRef>,
    /// Rules that matched on the way, in order.
    pub matched: Vec<RuleRef>,
    /// The rule that rewrote an address.
    pub nat: Option<RuleRef>,
}
