//! What a packet shows of itself at a hook.

use std::net::IpAddr;

use super::ask::lookup;
use super::world::World;
use super::{At, Tracking};
use crate::firewall::Hook;
use crate::firewall::packet::{AddrType, Conn, Ct, Packet};
use crate::firewall::says::{BitOp, Data, Expr, Field, Slot, Span, Value};

const TCP: u8 = 6;
/// Protocols whose header begins with the two ports.
const PORTED: [u8; 5] = [TCP, 17, 33, 132, 136];
const SYN: u64 = 2;

/// What is seen of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Is(Value),
    /// Flags, some of them known.
    Bits {
        known: u64,
        value: u64,
    },
    /// It has a value that is not known.
    Unknown,
    /// The packet has no such thing.
    Absent,
}

impl Seen {
    fn num(number: impl Into<u64>) -> Self {
        Self::Is(Value::Num(number.into()))
    }

    fn maybe(number: Option<impl Into<u64>>) -> Self {
        number.map_or(Self::Unknown, Self::num)
    }

    fn name(name: Option<&str>) -> Self {
        name.map_or(Self::Unknown, |name| Self::Is(Value::Name(name.to_owned())))
    }

    /// The same for packets that have it.
    fn only_if(self, has: bool) -> Self {
        if has { self } else { Self::Absent }
    }
}

/// What each part of an expression yields.
pub(super) fn values<'a>(at: &At<'a>, expr: &'a Expr, world: &World<'a>) -> Vec<Seen> {
    match expr {
        Expr::Row(parts) => parts.iter().flat_map(|part| values(at, part, world)).collect(),
        Expr::Look { key, among } => {
            let hits = lookup(at, key, among, world);
            match (hits.found.as_slice(), hits.miss, hits.lost) {
                ([only], false, false) => match &only.data {
                    Some(Data::Values(spans)) => spans.iter().map(exact).collect(),
                    _ => vec![Seen::Unknown],
                },
                ([], true, false) => vec![Seen::Absent],
                _ => vec![Seen::Unknown],
            }
        }
        other => vec![value(at, other, world)],
    }
}

fn exact(span: &Span) -> Seen {
    match span {
        Span::Is(value) => Seen::Is(value.clone()),
        _ => Seen::Unknown,
    }
}

/// What an expression of one part yields.
pub(super) fn value<'a>(at: &At<'a>, expr: &'a Expr, world: &World<'a>) -> Seen {
    match expr {
        Expr::Is(value) => Seen::Is(value.clone()),
        Expr::Field(of) => field(at, *of, world),
        Expr::Bits { of, op, with } => bits(value(at, of, world), *op, value(at, with, world)),
        Expr::Row(_) | Expr::Look { .. } => match values(at, expr, world).as_slice() {
            [only] => only.clone(),
            _ => Seen::Unknown,
        },
        Expr::Dice { .. } | Expr::Other(_) => Seen::Unknown,
    }
}

fn bits(of: Seen, op: BitOp, with: Seen) -> Seen {
    let number = |a: u64, b: u64| match op {
        BitOp::And => a & b,
        BitOp::Or => a | b,
        BitOp::Xor => a ^ b,
        BitOp::Left => u32::try_from(b).ok().and_then(|b| a.checked_shl(b)).unwrap_or(0),
        BitOp::Right => u32::try_from(b).ok().and_then(|b| a.checked_shr(b)).unwrap_or(0),
    };
    match (of, with) {
        (Seen::Absent, _) | (_, Seen::Absent) => Seen::Absent,
        (Seen::Is(Value::Num(a)), Seen::Is(Value::Num(b))) => Seen::num(number(a, b)),
        (Seen::Bits { known, value }, Seen::Is(Value::Num(mask)))
            if op == BitOp::And && mask & !known == 0 =>
        {
            Seen::num(value & mask)
        }
        // Whatever the bits are, none of them is left.
        (Seen::Unknown, Seen::Is(Value::Num(0))) if op == BitOp::And => Seen::num(0u64),
        (Seen::Is(Value::Ip(IpAddr::V4(a))), Seen::Is(Value::Ip(IpAddr::V4(b)))) if op == BitOp::And => {
            Seen::Is(Value::Ip(IpAddr::V4(a & b)))
        }
        (Seen::Is(Value::Ip(IpAddr::V6(a))), Seen::Is(Value::Ip(IpAddr::V6(b)))) if op == BitOp::And => {
            Seen::Is(Value::Ip(IpAddr::V6(a & b)))
        }
        _ => Seen::Unknown,
    }
}

#[expect(clippy::too_many_lines, reason = "one match, an arm a field")]
fn field(at: &At<'_>, field: Field, world: &World<'_>) -> Seen {
    let packet = &world.packet;
    let (v4, v6) = (packet.dst.is_ipv4(), packet.dst.is_ipv6());
    let known = |slot, seen: Seen| if world.blurred.contains_key(&slot) { Seen::Unknown } else { seen };
    let length = (packet.len > 0).then_some(packet.len);
    match field {
        Field::Source => Seen::Is(Value::Ip(packet.src)),
        Field::Destination => Seen::Is(Value::Ip(packet.dst)),
        Field::V4Source => Seen::Is(Value::Ip(packet.src)).only_if(v4),
        Field::V4Destination => Seen::Is(Value::Ip(packet.dst)).only_if(v4),
        Field::V6Source => Seen::Is(Value::Ip(packet.src)).only_if(v6),
        Field::V6Destination => Seen::Is(Value::Ip(packet.dst)).only_if(v6),
        Field::Family => Seen::num(if v4 { 2u64 } else { 10 }),
        Field::EtherType => Seen::num(if v4 { 0x0800u64 } else { 0x86dd }),
        Field::Protocol => Seen::num(packet.proto),
        Field::V4Protocol => Seen::num(packet.proto).only_if(v4),
        Field::V6NextHeader => Seen::num(packet.proto).only_if(v6),
        Field::V4Version => Seen::num(4u64).only_if(v4),
        Field::V6Version => Seen::num(6u64).only_if(v6),
        Field::SourcePort(of) => port(packet.sport, of, packet.proto),
        Field::DestinationPort(of) => port(packet.dport, of, packet.proto),
        Field::IcmpType(of) => Seen::maybe(packet.icmp.map(|(kind, _)| kind)).only_if(packet.proto == of),
        Field::IcmpCode(of) => Seen::maybe(packet.icmp.map(|(_, code)| code)).only_if(packet.proto == of),
        Field::TcpFlags => match packet.tcp_flags {
            None if packet.ct == Ct::New => Seen::num(SYN),
            flags => Seen::maybe(flags),
        }
        .only_if(packet.proto == TCP),
        // A frame's rules name the bridge's ports.
        Field::InDevice | Field::OutDevice if at.table.family == "bridge" => Seen::Unknown,
        Field::InDevice => match at.hook {
            Hook::Output => Seen::name(Some("")),
            Hook::Postrouting => Seen::name(Some(packet.iif.as_deref().unwrap_or_default())),
            _ => Seen::name(packet.iif.as_deref()),
        },
        Field::OutDevice => match at.hook {
            Hook::Prerouting | Hook::Input => Seen::name(Some("")),
            _ => Seen::name(packet.oif.as_deref()),
        },
        Field::Mark => known(Slot::Mark, Seen::num(packet.mark)),
        Field::Length => Seen::maybe(length),
        Field::V4Length => Seen::maybe(length).only_if(v4),
        Field::V6Length => Seen::maybe(length.and_then(|length| length.checked_sub(40))).only_if(v6),
        Field::V4Fragment => Seen::Bits { known: 0xbfff, value: 0 }.only_if(v4),
        Field::V4Dscp => Seen::maybe(packet.dscp).only_if(v4),
        Field::V6Dscp => Seen::maybe(packet.dscp).only_if(v6),
        Field::V4Ttl => Seen::maybe(packet.ttl).only_if(v4),
        Field::V6HopLimit => Seen::maybe(packet.ttl).only_if(v6),
        Field::PacketType => Seen::maybe(packet_type(at.hook, packet)),
        Field::SourceType => addr_type(packet.src, packet.src_type),
        Field::DestinationType => addr_type(packet.dst, packet.dst_type),
        Field::SourceMac if packet.src_mac.is_none() => Seen::Unknown.only_if(at.hook != Hook::Output),
        Field::SourceMac => Seen::name(packet.src_mac.map(|mac| mac.to_string()).as_deref()),
        Field::Reverse if packet.iif.as_deref() == Some("lo") => Seen::num(1u64),
        Field::Reverse => Seen::maybe(packet.reverse),
        Field::Bridged => Seen::num(packet.bridged),
        Field::CtMark
        | Field::CtState
        | Field::CtStatus
        | Field::CtDirection
        | Field::CtSource
        | Field::CtDestination
        | Field::CtSourcePort
        | Field::CtDestinationPort
        | Field::CtProtocol => known_connection(at, field, world),
    }
}

fn port(port: Option<u16>, of: Option<u8>, proto: u8) -> Seen {
    match of {
        Some(of) => Seen::maybe(port).only_if(proto == of),
        None if PORTED.contains(&proto) => Seen::maybe(port),
        // The kernel reads whatever stands there.
        None => Seen::Unknown,
    }
}

/// PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST
fn packet_type(hook: Hook, packet: &Packet) -> Option<u64> {
    match hook {
        // Only what was for this host's MAC is forwarded; what is sent has not been given a type yet.
        Hook::Forward | Hook::Output | Hook::Postrouting => (!packet.dst.is_multicast()).then_some(0),
        Hook::Prerouting | Hook::Input if packet.dst.is_multicast() => Some(2),
        Hook::Prerouting | Hook::Input => match packet.dst_type? {
            AddrType::Broadcast => Some(1),
            _ => Some(0),
        },
    }
}

fn addr_type(addr: IpAddr, told: Option<AddrType>) -> Seen {
    if addr.is_multicast() {
        return Seen::num(5u64);
    }
    Seen::maybe(told.map(|kind| match kind {
        AddrType::Unicast => 1u64,
        AddrType::Local => 2,
        AddrType::Broadcast => 3,
        AddrType::Anycast => 4,
        AddrType::Multicast => 5,
        AddrType::Blackhole => 6,
        AddrType::Unreachable => 7,
        AddrType::Prohibit => 8,
    }))
}

/// What conntrack tells, where it has been asked.
fn known_connection(at: &At<'_>, field: Field, world: &World<'_>) -> Seen {
    let Packet { ct, conn, .. } = &world.packet;
    let (invalid, established, new, untracked) = (1u64, 2u64, 8u64, 64u64);
    if *ct == Ct::Untracked {
        return Seen::num(untracked).only_if(field == Field::CtState);
    }
    match at.tracking {
        Tracking::Before => return Seen::num(invalid).only_if(field == Field::CtState),
        Tracking::Beside => return Seen::Unknown,
        Tracking::After => {}
    }
    let first = *ct == Ct::New;
    let Conn { mark, dnat, snat, reply, from, to } = conn;
    let packet = &world.packet;
    let from = from.or(first.then_some((packet.src, packet.sport)));
    let to = to.or(first.then_some((packet.dst, packet.dport)));
    match field {
        Field::CtState => Seen::num(if first { new } else { established }),
        Field::CtStatus => status(first, *dnat, *snat),
        Field::CtDirection => Seen::maybe(reply.or(first.then_some(false))),
        Field::CtMark if world.blurred.contains_key(&Slot::CtMark) => Seen::Unknown,
        Field::CtMark => Seen::maybe(mark.or(first.then_some(0))),
        Field::CtSource => from.map_or(Seen::Unknown, |(addr, _)| Seen::Is(Value::Ip(addr))),
        Field::CtDestination => to.map_or(Seen::Unknown, |(addr, _)| Seen::Is(Value::Ip(addr))),
        Field::CtSourcePort => Seen::maybe(from.and_then(|(_, port)| port)),
        Field::CtDestinationPort => Seen::maybe(to.and_then(|(_, port)| port)),
        Field::CtProtocol => Seen::num(packet.proto),
        _ => Seen::Unknown,
    }
}

/// IPS_…: a new connection has nothing but what this packet's hooks did to it.
fn status(first: bool, dnat: Option<bool>, snat: Option<bool>) -> Seen {
    const CONFIRMED: u64 = 8;
    const SNAT: u64 = 16;
    const DNAT: u64 = 32;
    let (mut known, mut value) = if first { (0x3f, 0) } else { (CONFIRMED, CONFIRMED) };
    for (bit, told) in [(SNAT, snat), (DNAT, dnat)] {
        if let Some(told) = told {
            known |= bit;
            value |= if told { bit } else { 0 };
        }
    }
    Seen::Bits { known, value }
}
