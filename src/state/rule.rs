//! A policy rule, as `ip rule` shows it (net/core/fib_rules.c).

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A policy rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rule {
    /// Order of evaluation.
    pub priority: u32,
    /// True for IPv6.
    pub v6: bool,
    /// Source prefix.
    pub from: Option<IpNet>,
    /// Destination prefix.
    pub to: Option<IpNet>,
    /// Input device.
    pub iif: Option<String>,
    /// Output device.
    pub oif: Option<String>,
    /// Firewall mark and mask.
    pub fwmark: Option<(u32, u32)>,
    /// Type of service.
    pub tos: u8,
    /// Inverted match.
    pub not: bool,
    /// IP protocol.
    pub ipproto: Option<u8>,
    /// Source port range.
    pub sport: Option<(u16, u16)>,
    /// Destination port range.
    pub dport: Option<(u16, u16)>,
    /// User id range.
    pub uidrange: Option<(u32, u32)>,
    /// Take the table from the l3mdev.
    pub l3mdev: bool,
    /// Ignore answers of this prefix length or shorter.
    pub suppress_prefixlength: Option<u32>,
    /// Ignore answers that leave by a device of this group.
    pub suppress_ifgroup: Option<u32>,
    /// Tunnel id (encapsulated packets only).
    pub tun_id: Option<u64>,
    /// DSCP and mask as they lie in the TOS byte (`FRA_DSCP`; `tos` is the older form).
    pub dscp: Option<(u8, u8)>,
    /// IPv6 flow label and mask.
    pub flowlabel: Option<(u32, u32)>,
    /// Masks of the ports, where the range is one port under a mask.
    pub port_masks: (Option<u16>, Option<u16>),
    /// `FR_ACT_*`: 1 lookup, 2 goto, 3 nop, 6 blackhole, 7 unreachable, 8 prohibit.
    pub action: u8,
    /// Table of a lookup.
    pub table: u32,
    /// Target priority of a goto.
    pub goto: Option<u32>,
    /// Who wrote it.
    pub proto: u8,
}
