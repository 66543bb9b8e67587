//! Addresses rewritten, as the kernel's nat core does it for the first packet of a connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::ask::lookup;
use super::read::{Seen, values};
use super::rules::Ways;
use super::world::{Flow, Hit, World};
use super::{At, MOST};
use crate::firewall::packet::Packet;
use crate::firewall::says::{Data, Expr, Nat, NatKind, Span, To, Value};
use crate::firewall::{Hook, Rewrite, Verdict};

/// What is put in: an address, a port. `None` keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct New {
    addr: Option<IpAddr>,
    port: Option<Port>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Is(u16),
    /// Kept if it lies in there, else one of these.
    Among(u16, u16),
}

/// What can be put in.
enum Choices {
    /// One of these; more than one where it is not known which.
    These(Vec<New>),
    /// The map has no entry: the rule does not match.
    Miss,
    /// It cannot be told.
    Lost,
}

/// A nat statement. It ends the chain, as ACCEPT does.
pub(super) fn rewrite<'a>(at: &At<'a>, hit: Hit<'a>, nat: &'a Nat, mut world: World<'a>) -> Ways<'a> {
    let source = match nat.kind {
        NatKind::Masquerade | NatKind::Source => true,
        NatKind::Redirect | NatKind::Destination => false,
        NatKind::Network => matches!(at.hook, Hook::Postrouting | Hook::Input),
    };
    let lost = |world| vec![(Flow::Ends(Verdict::Unsure(vec![nat.text.clone()])), world)];
    if !at.nat {
        return lost(world);
    }
    let choices = match choices(at, nat, &world) {
        Choices::These(choices) => choices,
        Choices::Miss => {
            world.matched.pop();
            return vec![(Flow::Next, world)];
        }
        Choices::Lost => return lost(world),
    };
    if choices.len() > 1 {
        world.because(std::slice::from_ref(&nat.text));
    }
    world.decided(hit);
    let how = match nat.kind {
        NatKind::Masquerade => Rewrite::Masquerade,
        NatKind::Redirect => Rewrite::Redirect,
        NatKind::Source => Rewrite::Source,
        NatKind::Destination => Rewrite::Destination,
        NatKind::Network if source => Rewrite::Source,
        NatKind::Network => Rewrite::Destination,
    };
    let put_in = |new: New| {
        let mut world = world.clone();
        put(&mut world.packet, &new, source, nat.random, how);
        world.nat = Some((hit, how));
        (Flow::Ends(Verdict::Accept), world)
    };
    choices.into_iter().map(put_in).collect()
}

fn put(packet: &mut Packet, new: &New, source: bool, random: bool, how: Rewrite) {
    packet.conn.from.get_or_insert((packet.src, packet.sport));
    packet.conn.to.get_or_insert((packet.dst, packet.dport));
    let (addr, port) = match source {
        true => (&mut packet.src, &mut packet.sport),
        false => (&mut packet.dst, &mut packet.dport),
    };
    let (old_addr, old_port) = (*addr, *port);
    *addr = new.addr.unwrap_or(old_addr);
    *port = match new.port {
        Some(Port::Is(number)) => old_port.map(|_| number),
        Some(Port::Among(from, to)) => old_port.filter(|p| !random && (from..=to).contains(p)),
        // A source port is drawn anew; a destination's stays what was asked for.
        None if random && source => None,
        None => old_port,
    };
    let moved = *addr != old_addr;
    let unknown = how == Rewrite::Masquerade && new.addr.is_none();
    let changed = moved || unknown || *port != old_port;
    if source {
        packet.conn.snat = Some(changed);
        packet.src_type = packet.src_type.filter(|_| !moved);
        packet.reverse = packet.reverse.filter(|_| !moved);
    } else {
        packet.conn.dnat = Some(changed);
        packet.dst_type = packet.dst_type.filter(|_| !moved);
    }
}

fn choices<'a>(at: &At<'a>, nat: &'a Nat, world: &World<'a>) -> Choices {
    let packet = &world.packet;
    let v6 = packet.dst.is_ipv6();
    let port = match &nat.port {
        None => None,
        Some(To::Span(span)) => match port_of(span) {
            Some(port) => Some(port),
            None => return Choices::Lost,
        },
        Some(To::Expr(expr)) => match values(at, expr, world).as_slice() {
            [Seen::Is(Value::Num(number))] => u16::try_from(*number).ok().map(Port::Is),
            [Seen::Absent] => return Choices::Miss,
            _ => return Choices::Lost,
        },
    };
    let one = |addr| Choices::These(vec![New { addr, port }]);
    match (nat.kind, &nat.addr) {
        (NatKind::Masquerade, _) => one(packet.own),
        (NatKind::Redirect, _) if at.hook == Hook::Output => {
            let here: IpAddr = if v6 { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
            one(Some(here))
        }
        (NatKind::Redirect, _) => packet.own.map_or(Choices::Lost, |own| one(Some(own))),
        (NatKind::Network, Some(To::Span(Span::Net(net)))) => {
            let old =
                if matches!(at.hook, Hook::Postrouting | Hook::Input) { packet.src } else { packet.dst };
            moved(*net, old).map_or(Choices::Miss, |addr| one(Some(addr)))
        }
        (NatKind::Network, _) => Choices::Lost,
        (_, None) => one(None),
        (_, Some(To::Span(span))) => match address_of(span) {
            // A rule of the other family in a table of both.
            Some(addr) if addr.is_ipv6() != v6 => Choices::Miss,
            Some(addr) => one(Some(addr)),
            None => Choices::Lost,
        },
        (_, Some(To::Expr(Expr::Look { key, among }))) => {
            let hits = lookup(at, key, among, world);
            if hits.lost || hits.found.len() > MOST || (hits.miss && !hits.found.is_empty()) {
                return Choices::Lost;
            }
            if hits.found.is_empty() {
                return Choices::Miss;
            }
            let all: Option<Vec<New>> = hits.found.iter().map(|e| mapped(e.data.as_ref(), port)).collect();
            match all {
                Some(all) if all.iter().any(|new| new.addr.is_some_and(|a| a.is_ipv6() != v6)) => {
                    Choices::Miss
                }
                Some(all) => Choices::These(all),
                None => Choices::Lost,
            }
        }
        (_, Some(To::Expr(_))) => Choices::Lost,
    }
}

/// An address, or an address and a port, that a map holds.
fn mapped(data: Option<&Data>, port: Option<Port>) -> Option<New> {
    let Some(Data::Values(spans)) = data else { return None };
    match spans.as_slice() {
        [addr] => Some(New { addr: Some(address_of(addr)?), port }),
        [addr, port] => Some(New { addr: Some(address_of(addr)?), port: Some(port_of(port)?) }),
        _ => None,
    }
}

/// The address, where there is but one.
fn address_of(span: &Span) -> Option<IpAddr> {
    match span {
        Span::Is(Value::Ip(addr)) => Some(*addr),
        Span::From(Value::Ip(from), Value::Ip(to)) if from == to => Some(*from),
        Span::Net(net) if net.prefix_len() == net.max_prefix_len() => Some(net.addr()),
        _ => None,
    }
}

fn port_of(span: &Span) -> Option<Port> {
    let number = |value: &Value| match value {
        Value::Num(number) => u16::try_from(*number).ok(),
        _ => None,
    };
    match span {
        Span::Is(value) => number(value).map(Port::Is),
        Span::From(from, to) => Some(Port::Among(number(from)?, number(to)?)),
        _ => None,
    }
}

/// The address with its network replaced.
fn moved(net: IpNet, addr: IpAddr) -> Option<IpAddr> {
    match (net, addr) {
        (IpNet::V4(net), IpAddr::V4(addr)) => Some(IpAddr::V4(net.network() | (addr & net.hostmask()))),
        (IpNet::V6(net), IpAddr::V6(addr)) => Some(IpAddr::V6(net.network() | (addr & net.hostmask()))),
        _ => None,
    }
}
