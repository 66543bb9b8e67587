//! Which IPv6 source address the kernel chooses: RFC 6724 as net/ipv6/addrconf.c has it (`ipv6_get_saddr_eval`).

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv6Addr};

use super::{Query, State, sysctl};
use crate::net::IfName;
use crate::state::{Addr, Hop, Route};

/// The source for a leg of a route.
pub(super) fn of_leg(query: &Query<'_>, route: &Route, hop: &Hop) -> Option<IpAddr> {
    let IpAddr::V6(dst) = query.flow.dst else { return None };
    if query.flow.iif.is_some() {
        return None;
    }
    route.src.or_else(|| select(query.state, hop.dev, dst))
}

/// The best of the host's addresses for `dst` by `dev`.
pub(super) fn select(state: &State, dev: Option<IfName>, dst: Ipv6Addr) -> Option<IpAddr> {
    let near = dst.is_multicast() || scope(dst) <= LINK;
    let mut devices: Vec<_> = state.addrs.iter().collect();
    let index = |name| state.links.get(&name).map_or(0, |link| link.index);
    devices.sort_by_key(|(key, addr)| (Some(key.dev) != dev, index(key.dev), addr.order));
    let fit = devices.into_iter().filter_map(|(key, addr)| match key.net.addr() {
        IpAddr::V6(ip) if !near || dev.is_none() || Some(key.dev) == dev => {
            usable(ip, addr).then_some((ip, key.net.prefix_len(), key.dev, addr))
        }
        _ => None,
    });
    // The first of equals wins: `max_by_key` would take the last.
    fit.min_by_key(|(ip, len, on, addr)| Reverse(rank(state, dst, dev, (*ip, *len, *on), addr)))
        .map(|(ip, ..)| ip.into())
}

/// Neither tentative nor without a use as a source.
fn usable(ip: Ipv6Addr, addr: &Addr) -> bool {
    const TENTATIVE: u32 = 0x40;
    const OPTIMISTIC: u32 = 0x04;
    let tentative = addr.flags & TENTATIVE != 0 && addr.flags & OPTIMISTIC == 0;
    !tentative && !ip.is_unspecified() && !ip.is_multicast()
}

/// The rules in order; greater is better.
type Rank = (bool, u8, bool, bool, bool, bool, u8);

fn rank(
    state: &State,
    dst: Ipv6Addr,
    dev: Option<IfName>,
    (ip, len, on): (Ipv6Addr, u8, IfName),
    addr: &Addr,
) -> Rank {
    let (own, want) = (scope(ip), scope(dst));
    // The smallest scope that reaches is best; of those that do not, the greatest.
    let reach = if own >= want { 0x80 | (0x7f - own) } else { own };
    let temporary = addr.flags & Addr::TEMPORARY != 0;
    let private = sysctl::own(state, "ipv6", on.as_str(), "use_tempaddr").is_some_and(|level| level >= 2);
    let common = (u128::from(ip) ^ u128::from(dst)).leading_zeros().min(u32::from(len)) as u8;
    (
        ip == dst,
        reach,
        addr.flags & Addr::DEPRECATED == 0,
        dev.is_none_or(|dev| dev == on),
        label(ip) == label(dst),
        temporary == private,
        common,
    )
}

/// Link-local.
const LINK: u8 = 2;

/// `ipv6_addr_scope`: the scope of a multicast address, or the one that a unicast address has in its place.
fn scope(ip: Ipv6Addr) -> u8 {
    match ip.octets() {
        [0xff, flags, ..] => flags & 0x0f,
        _ if ip.is_loopback() => 1,
        [0xfe, b, ..] if b & 0xc0 == 0x80 => LINK,
        [0xfe, b, ..] if b & 0xc0 == 0xc0 => 5,
        _ => 14,
    }
}

/// The kernel's built-in labels (net/ipv6/addrlabel.c), longest prefix first.
fn label(ip: Ipv6Addr) -> u8 {
    const TABLE: [(u128, u32, u8); 8] = [
        (1, 128, 0),
        (0xffff << 32, 96, 4),
        (0, 96, 3),
        (0x2001_0000 << 96, 32, 6),
        (0x2001_0010 << 96, 28, 7),
        (0x3ffe << 112, 16, 11),
        (0x2002 << 112, 16, 2),
        (0xfc00 << 112, 7, 5),
    ];
    let within = |(net, len, _): &&(u128, u32, u8)| {
        (u128::from(ip) ^ net) >> (128 - len).min(127) == 0 || u128::from(ip) == *net
    };
    TABLE.iter().find(within).map_or(1, |(.., label)| *label)
}
