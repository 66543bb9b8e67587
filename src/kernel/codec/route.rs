//! Routes (`struct rtmsg`, net/ipv4/fib_semantics.c and net/ipv6/route.c).

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_core::Parseable;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteMetric, RouteNextHop, RouteNextHopFlags,
    RouteType, RouteVia,
};

use super::{Names, Read, emit};
use crate::net::IfName;
use crate::state::{Hop, Hops, Route, RouteKey, RouteKind, Row};

/// `1 << RTAX_MTU` in `RTAX_LOCK`.
const LOCK_MTU: u32 = 1 << 2;

pub(super) fn row(message: RouteMessage, names: &Names) -> Read {
    let RouteMessage { header, attributes, .. } = message;
    let any = match header.address_family {
        AddressFamily::Inet => IpAddr::from([0u8; 4]),
        AddressFamily::Inet6 => IpAddr::from([0u8; 16]),
        // Multicast routing announces under families of its own.
        _ => return Read::Nothing,
    };
    if header.flags.contains(RouteFlags::Cloned) {
        return Read::Nothing;
    }
    let (mut dst, mut table, mut metric, mut src) = (any, u32::from(header.table), 0, None);
    let (mut via, mut oif, mut object, mut legs, mut metrics) = (None, None, None, None, Vec::new());
    let (mut from, mut pref) = (None, 0);
    for attr in attributes {
        match attr {
            RouteAttribute::Destination(to) => dst = address(&to).unwrap_or(any),
            RouteAttribute::Table(number) => table = number,
            RouteAttribute::Priority(number) => metric = number,
            RouteAttribute::PrefSource(from) => src = address(&from),
            RouteAttribute::Gateway(gateway) => via = address(&gateway),
            RouteAttribute::Via(gateway) => via = other_family(&gateway),
            RouteAttribute::Oif(index) => oif = Some(index),
            RouteAttribute::NhId(id) => object = Some(id),
            RouteAttribute::MultiPath(hops) => legs = Some(hops),
            RouteAttribute::Metrics(set) => metrics = set,
            RouteAttribute::Source(net) => from = address(&net),
            RouteAttribute::Preference(level) => pref = level.into(),
            _ => {}
        }
    }
    let Ok(dst) = IpNet::new(dst, header.destination_prefix_length) else { return Read::Garbled };
    let hops = if let Some(id) = object {
        Hops::Object(id)
    } else if let Some(legs) = legs {
        let legs: Option<Vec<_>> = legs.iter().map(|l| leg(l, names)).collect();
        match legs {
            Some(legs) => Hops::Multi(legs),
            None => return Read::Stranger,
        }
    } else if via.is_none() && oif.is_none() {
        Hops::None
    } else {
        let dev = oif.map(|index| names.name(index));
        if dev == Some(None) {
            return Read::Stranger;
        }
        Hops::One(Hop {
            via,
            dev: dev.flatten(),
            onlink: header.flags.contains(RouteFlags::Onlink),
            dead: header.flags.intersects(RouteFlags::Dead | RouteFlags::Linkdown),
            linkdown: header.flags.contains(RouteFlags::Linkdown) && !header.flags.contains(RouteFlags::Dead),
        })
    };
    let (kind, scope) = (kind_of(header.kind.into()), header.scope.into());
    let key = RouteKey { table, dst: dst.trunc(), tos: header.tos, metric };
    let from = from.and_then(|net| IpNet::new(net, header.source_prefix_length).ok()).map(|net| net.trunc());
    let proto = header.protocol.into();
    let (mtu, mtu_lock) = mtu_of(&metrics);
    let metrics = !metrics.is_empty();
    Read::Row(Row::Route(key, Route { kind, proto, scope, src, hops, metrics, mtu, mtu_lock, from, pref }))
}

/// The MTU among a route's metrics, and whether it is locked.
fn mtu_of(metrics: &[RouteMetric]) -> (Option<u32>, bool) {
    let (mut mtu, mut locked) = (None, false);
    for metric in metrics {
        match metric {
            RouteMetric::Mtu(bytes) => mtu = Some(*bytes),
            RouteMetric::Lock(locks) => locked = locks & LOCK_MTU != 0,
            _ => {}
        }
    }
    (mtu, locked)
}

fn leg(hop: &RouteNextHop, names: &Names) -> Option<(Hop, u16)> {
    let via = hop.attributes.iter().find_map(|attr| match attr {
        RouteAttribute::Gateway(gateway) => address(gateway),
        RouteAttribute::Via(gateway) => other_family(gateway),
        _ => None,
    });
    let dev = match hop.interface_index {
        0 => None,
        index => Some(names.name(index)?),
    };
    let onlink = hop.flags.contains(RouteNextHopFlags::Onlink);
    let dead = hop.flags.intersects(RouteNextHopFlags::Dead | RouteNextHopFlags::Linkdown);
    let linkdown = dead && !hop.flags.contains(RouteNextHopFlags::Dead);
    Some((Hop { via, dev, onlink, dead, linkdown }, u16::from(hop.hops) + 1))
}

fn address(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(ip) => Some((*ip).into()),
        RouteAddress::Inet6(ip) => Some((*ip).into()),
        _ => None,
    }
}

fn other_family(via: &RouteVia) -> Option<IpAddr> {
    match via {
        RouteVia::Inet(ip) => Some((*ip).into()),
        RouteVia::Inet6(ip) => Some((*ip).into()),
        _ => None,
    }
}

/// `RTN_*`, `include/uapi/linux/rtnetlink.h`.
fn kind_of(number: u8) -> RouteKind {
    match number {
        1 => RouteKind::Unicast,
        2 => RouteKind::Local,
        3 => RouteKind::Broadcast,
        4 => RouteKind::Anycast,
        5 => RouteKind::Multicast,
        6 => RouteKind::Blackhole,
        7 => RouteKind::Unreachable,
        8 => RouteKind::Prohibit,
        9 => RouteKind::Throw,
        n => RouteKind::Other(n),
    }
}

fn number_of(kind: RouteKind) -> u8 {
    match kind {
        RouteKind::Unicast => 1,
        RouteKind::Local => 2,
        RouteKind::Broadcast => 3,
        RouteKind::Anycast => 4,
        RouteKind::Multicast => 5,
        RouteKind::Blackhole => 6,
        RouteKind::Unreachable => 7,
        RouteKind::Prohibit => 8,
        RouteKind::Throw => 9,
        RouteKind::Other(n) => n,
    }
}

/// Asks where a packet to `dst` would go (`inet_rtm_getroute` wants the whole length).
pub(crate) fn get(buf: &mut Vec<u8>, dst: IpAddr) {
    let mut message = RouteMessage::default();
    let whole = IpNet::from(dst);
    message.header.address_family = family(&whole);
    message.header.destination_prefix_length = whole.prefix_len();
    message.attributes.push(RouteAttribute::Destination(dst.into()));
    emit(buf, &message);
}

/// The answer to that: number of the device, preferred source, gateway.
pub(crate) fn hop(payload: &[u8]) -> Option<(u32, Option<IpAddr>, Option<IpAddr>)> {
    let message = RouteMessage::parse(payload).ok()?;
    let (mut dev, mut src, mut via) = (None, None, None);
    for attr in &message.attributes {
        match attr {
            RouteAttribute::Oif(index) => dev = Some(*index),
            RouteAttribute::PrefSource(ip) => src = address(ip),
            RouteAttribute::Gateway(ip) => via = address(ip),
            RouteAttribute::Via(ip) => via = other_family(ip),
            _ => {}
        }
    }
    Some((dev?, src, via))
}

fn family(net: &IpNet) -> AddressFamily {
    match net {
        IpNet::V4(_) => AddressFamily::Inet,
        IpNet::V6(_) => AddressFamily::Inet6,
    }
}

/// Creates or replaces a route. `None` if a device of it is unknown.
pub(crate) fn set(
    buf: &mut Vec<u8>,
    key: &RouteKey,
    route: &Route,
    index: impl Fn(IfName) -> Option<u32>,
) -> Option<()> {
    emit(buf, &message(key, route, index)?);
    Some(())
}

/// Deletes exactly this row: type, protocol, source and hops are sent too, so that a twin stays.
pub(crate) fn del(
    buf: &mut Vec<u8>,
    key: &RouteKey,
    route: &Route,
    index: impl Fn(IfName) -> Option<u32>,
) -> Option<()> {
    set(buf, key, route, index)
}

fn message(key: &RouteKey, route: &Route, index: impl Fn(IfName) -> Option<u32>) -> Option<RouteMessage> {
    let RouteKey { table, dst, tos, metric } = key;
    let Route { kind, proto, scope, src, hops, metrics: _, mtu: _, mtu_lock: _, from, pref: _ } = route;
    let mut message = RouteMessage::default();
    let header = &mut message.header;
    header.address_family = family(dst);
    header.destination_prefix_length = dst.prefix_len();
    header.tos = *tos;
    header.protocol = (*proto).into();
    header.scope = (*scope).into();
    header.kind = RouteType::from(number_of(*kind));
    header.table = u8::try_from(*table).unwrap_or(0);
    let attrs = &mut message.attributes;
    attrs.push(RouteAttribute::Destination(dst.addr().into()));
    if u8::try_from(*table).is_err() {
        attrs.push(RouteAttribute::Table(*table));
    }
    if *metric != 0 {
        attrs.push(RouteAttribute::Priority(*metric));
    }
    if let Some(from) = from {
        header.source_prefix_length = from.prefix_len();
        attrs.push(RouteAttribute::Source(from.addr().into()));
    }
    if let Some(src) = src {
        attrs.push(RouteAttribute::PrefSource((*src).into()));
    }
    match hops {
        Hops::None => {}
        Hops::Object(id) => attrs.push(RouteAttribute::NhId(*id)),
        Hops::One(hop) => {
            if hop.onlink {
                header.flags |= RouteFlags::Onlink;
            }
            if let Some(dev) = hop.dev {
                attrs.push(RouteAttribute::Oif(index(dev)?));
            }
            attrs.extend(hop.via.map(|via| gateway(via, dst)));
        }
        Hops::Multi(legs) => {
            let legs: Option<Vec<_>> =
                legs.iter().map(|(hop, weight)| to_leg(hop, *weight, dst, &index)).collect();
            attrs.push(RouteAttribute::MultiPath(legs?));
        }
    }
    Some(message)
}

fn to_leg(
    hop: &Hop,
    weight: u16,
    dst: &IpNet,
    index: impl Fn(IfName) -> Option<u32>,
) -> Option<RouteNextHop> {
    let mut leg = RouteNextHop::default();
    leg.hops = weight.saturating_sub(1).try_into().unwrap_or(u8::MAX);
    if hop.onlink {
        leg.flags |= RouteNextHopFlags::Onlink;
    }
    if let Some(dev) = hop.dev {
        leg.interface_index = index(dev)?;
    }
    leg.attributes.extend(hop.via.map(|via| gateway(via, dst)));
    Some(leg)
}

/// An IPv4 route through an IPv6 gateway needs the attribute that names the family.
fn gateway(via: IpAddr, dst: &IpNet) -> RouteAttribute {
    match (via, dst) {
        (IpAddr::V6(via), IpNet::V4(_)) => RouteAttribute::Via(RouteVia::Inet6(via)),
        _ => RouteAttribute::Gateway(via.into()),
    }
}
