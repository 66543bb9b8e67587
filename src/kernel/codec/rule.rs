//! Policy rules (`struct fib_rule_hdr`, net/core/fib_rules.c). Read only: flannel writes none.

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_core::{DefaultNla, Nla};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::rule::{RuleAttribute, RuleFlags, RuleMessage, RulePortRange};

use super::Read;
use crate::state::{Row, Rule};

/// `FRA_*`, include/uapi/linux/fib_rules.h.
const FRA_DSCP: u16 = 25;
const FRA_FLOWLABEL: u16 = 26;
const FRA_FLOWLABEL_MASK: u16 = 27;
const FRA_SPORT_MASK: u16 = 28;
const FRA_DPORT_MASK: u16 = 29;
const FRA_DSCP_MASK: u16 = 30;

/// All of the DSCP, as it lies in the TOS byte.
const DSCP: u8 = 0xfc;
/// All of the flow label.
const LABEL: u32 = 0xf_ffff;

pub(super) fn row(message: &RuleMessage) -> Read {
    let header = &message.header;
    let v6 = match header.family {
        AddressFamily::Inet => false,
        AddressFamily::Inet6 => true,
        // Multicast routing has rules under families of its own.
        _ => return Read::Nothing,
    };
    let any = if v6 { IpAddr::from([0u8; 16]) } else { IpAddr::from([0u8; 4]) };
    let mut rule = Rule {
        v6,
        tos: header.tos,
        not: header.flags.contains(RuleFlags::Invert),
        action: header.action.into(),
        table: header.table.into(),
        from: prefix(any, header.src_len),
        to: prefix(any, header.dst_len),
        ..Rule::default()
    };
    for attr in &message.attributes {
        attribute(&mut rule, attr, header.src_len, header.dst_len);
    }
    Read::Row(Row::Rule(rule))
}

fn attribute(rule: &mut Rule, attr: &RuleAttribute, src_len: u8, dst_len: u8) {
    match attr {
        RuleAttribute::Source(ip) => rule.from = IpNet::new(*ip, src_len).ok().map(|n| n.trunc()),
        RuleAttribute::Destination(ip) => rule.to = IpNet::new(*ip, dst_len).ok().map(|n| n.trunc()),
        RuleAttribute::Iifname(name) => rule.iif = Some(name.clone()),
        RuleAttribute::Oifname(name) => rule.oif = Some(name.clone()),
        RuleAttribute::Goto(priority) => rule.goto = Some(*priority),
        RuleAttribute::Priority(number) => rule.priority = *number,
        RuleAttribute::FwMark(mark) => rule.fwmark = Some((*mark, rule.fwmark.map_or(u32::MAX, |m| m.1))),
        RuleAttribute::FwMask(mask) => rule.fwmark = Some((rule.fwmark.map_or(0, |m| m.0), *mask)),
        RuleAttribute::TunId(id) => rule.tun_id = Some(*id),
        // The kernel always sends these two; all ones stands for "none".
        RuleAttribute::SuppressIfGroup(group) => {
            rule.suppress_ifgroup = (*group != u32::MAX).then_some(*group)
        }
        RuleAttribute::SuppressPrefixLen(len) => {
            rule.suppress_prefixlength = (*len != u32::MAX).then_some(*len)
        }
        RuleAttribute::Table(number) => rule.table = *number,
        RuleAttribute::L3MDev(on) => rule.l3mdev = *on,
        RuleAttribute::UidRange(range) => rule.uidrange = Some((range.start, range.end)),
        RuleAttribute::Protocol(proto) => rule.proto = u8::from(*proto),
        RuleAttribute::IpProtocol(proto) => rule.ipproto = Some(u8::from(*proto)),
        RuleAttribute::SourcePortRange(RulePortRange { start, end }) => rule.sport = Some((*start, *end)),
        RuleAttribute::DestinationPortRange(RulePortRange { start, end }) => {
            rule.dport = Some((*start, *end))
        }
        RuleAttribute::Other(nla) => newer(rule, nla),
        _ => {}
    }
}

/// Attributes that the library does not know yet, all since Linux 6.13.
fn newer(rule: &mut Rule, nla: &DefaultNla) {
    let mut value = vec![0; nla.value_len()];
    nla.emit_value(&mut value);
    let byte = value.first().copied().unwrap_or_default();
    let short = || value.first_chunk::<2>().map(|v| u16::from_ne_bytes(*v));
    let label = || value.first_chunk::<4>().map_or(0, |v| u32::from_be_bytes(*v));
    match nla.kind() {
        FRA_DSCP => rule.dscp = Some((byte << 2, rule.dscp.map_or(DSCP, |d| d.1))),
        FRA_DSCP_MASK => rule.dscp = Some((rule.dscp.map_or(0, |d| d.0), byte << 2)),
        FRA_FLOWLABEL => rule.flowlabel = Some((label(), rule.flowlabel.map_or(LABEL, |f| f.1))),
        FRA_FLOWLABEL_MASK => rule.flowlabel = Some((rule.flowlabel.map_or(0, |f| f.0), label())),
        // All ones, which newer kernels say of every single port, is no mask.
        FRA_SPORT_MASK => rule.port_masks.0 = short().filter(|mask| *mask != u16::MAX),
        FRA_DPORT_MASK => rule.port_masks.1 = short().filter(|mask| *mask != u16::MAX),
        _ => {}
    }
}

/// A length without an address is the zero address.
fn prefix(any: IpAddr, len: u8) -> Option<IpNet> {
    if len == 0 { None } else { IpNet::new(any, len).ok() }
}
