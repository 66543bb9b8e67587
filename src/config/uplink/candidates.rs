//! The addresses of an interface that could carry the overlay, best first.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Stack;
use crate::net::IfName;
use crate::state::{Addr, State};

/// Interfaces as the kernel numbers them.
pub(super) fn links_in_order(state: &State) -> impl Iterator<Item = IfName> + use<> {
    let mut links: Vec<_> = state.links.iter().map(|(dev, link)| (link.index, *dev)).collect();
    links.sort_unstable();
    links.into_iter().map(|(_, dev)| dev)
}

/// IPv4 addresses of `dev`: global before link-local, permanent before dynamic, primary before secondary.
pub(super) fn addrs4(state: &State, dev: IfName) -> Vec<Ipv4Addr> {
    let usable =
        |ip: &Ipv4Addr| !(ip.is_unspecified() || ip.is_loopback() || ip.is_multicast() || ip.is_broadcast());
    let found = state.addrs_of(dev).filter_map(|(net, addr)| match net.addr() {
        IpAddr::V4(ip) if usable(&ip) => rank(addr, ip.is_link_local()).map(|rank| (rank, ip)),
        _ => None,
    });
    in_order(found)
}

/// IPv6 addresses of `dev`, in the same order; "temporary" is RFC 8981's.
pub(super) fn addrs6(state: &State, dev: IfName) -> Vec<Ipv6Addr> {
    let usable = |ip: &Ipv6Addr| !(ip.is_unspecified() || ip.is_loopback() || ip.is_multicast());
    let found = state.addrs_of(dev).filter_map(|(net, addr)| match net.addr() {
        IpAddr::V6(ip) if usable(&ip) => rank(addr, ip.is_unicast_link_local()).map(|rank| (rank, ip)),
        _ => None,
    });
    in_order(found)
}

/// Link-local, dynamic, temporary, then the kernel's own order.
type Rank = (bool, bool, bool, u32);

/// The rules in their order, as a key to sort by; none for a deprecated address.
fn rank(addr: &Addr, link_local: bool) -> Option<Rank> {
    let has = |flag| addr.flags & flag != 0;
    (!has(Addr::DEPRECATED)).then(|| (link_local, !has(Addr::PERMANENT), has(Addr::TEMPORARY), addr.order))
}

fn in_order<Ip>(found: impl Iterator<Item = (Rank, Ip)>) -> Vec<Ip> {
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, ip)| ip).collect()
}

/// The first interface that owns the address, usable or not: who names it knows best.
pub(super) fn owner4(state: &State, ip: Ipv4Addr) -> Option<IfName> {
    owner(state, ip.into())
}

/// The same for IPv6.
pub(super) fn owner6(state: &State, ip: Ipv6Addr) -> Option<IfName> {
    owner(state, ip.into())
}

fn owner(state: &State, ip: IpAddr) -> Option<IfName> {
    links_in_order(state).find(|dev| state.addrs_of(*dev).any(|(net, _)| net.addr() == ip))
}

/// What interfaces there are and their addresses of the families that count, for messages:
/// `eth0:[10.0.0.1, fd00::1], eth1:[]`.
pub(super) fn inventory(state: &State, stack: Stack) -> String {
    let of = |dev: IfName| {
        let v4 = addrs4(state, dev).into_iter().filter(|_| stack.v4).map(|ip| ip.to_string());
        let v6 = addrs6(state, dev).into_iter().filter(|_| stack.v6).map(|ip| ip.to_string());
        format!("{dev}:[{}]", v4.chain(v6).collect::<Vec<_>>().join(", "))
    };
    links_in_order(state).map(of).collect::<Vec<_>>().join(", ")
}
