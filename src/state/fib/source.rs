//! Which IPv4 source address the kernel chooses (net/ipv4/devinet.c, `inet_select_addr`), and who owns an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::{State, hops, sysctl};
use crate::net::IfName;
use crate::state::{Addr, Hop, LinkKind, Route};

/// `RT_SCOPE_UNIVERSE`.
pub(super) const UNIVERSE: u8 = 0;
/// `RT_SCOPE_LINK`.
pub(super) const LINK: u8 = 253;
/// `RT_SCOPE_HOST`.
pub(super) const HOST: u8 = 254;

/// The unspecified address of the same family.
pub(super) fn any(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// The loopback device.
pub(super) fn loopback(state: &State) -> Option<IfName> {
    state.links.iter().find(|(_, link)| link.kind == LinkKind::Loopback).map(|(name, _)| *name)
}

/// The device whose address this is, as the kernel finds it for a bound source: an address of the local table counts
/// as well (`__ip_dev_find`).
pub(super) fn owner(state: &State, ip: IpAddr) -> Option<IfName> {
    state.owner_of(ip).or_else(|| {
        let local = [crate::state::table::LOCAL];
        let at = super::table::holding(state, &local, ip)
            .find(|at| at.route.kind == crate::state::RouteKind::Local)?;
        hops::all(state, at.route).first().and_then(|leg| leg.hop.dev)
    })
}

/// The source for a leg of a route: the route's own, or one of the device's.
pub(super) fn of_leg(state: &State, route: &Route, hop: &Hop) -> Option<IpAddr> {
    route.src.or_else(|| of_hop(state, hop.dev?, hop, route.scope))
}

/// The source for a hop: on the gateway's own net, if there is one.
pub(super) fn of_hop(state: &State, dev: IfName, hop: &Hop, scope: u8) -> Option<IpAddr> {
    select(state, dev, hops::gateway(hop, false), scope)
}

/// The address of `dev` that is fit for `scope`, on the net of `to` if there is one; else any other device's.
pub(super) fn select(state: &State, dev: IfName, to: Option<IpAddr>, scope: u8) -> Option<IpAddr> {
    let localnet = if sysctl::either(state, dev, "route_localnet", 0) != 0 { LINK } else { HOST };
    let own = primaries(state, dev);
    let fit: Vec<_> = own.iter().filter(|(_, addr)| addr.scope.min(localnet) <= scope).collect();
    let on_net = |(net, addr): &&&(IpNet, Addr)| {
        let base = addr.peer.unwrap_or(net.addr());
        to.is_none_or(|to| IpNet::new(base, net.prefix_len()).is_ok_and(|net| net.contains(&to)))
    };
    let chosen = fit.iter().find(on_net).or(fit.first()).map(|(net, _)| net.addr());
    chosen.or_else(|| elsewhere(state, dev, scope))
}

/// Any device's address that is not for its link alone, in the order of the devices, within one VRF.
fn elsewhere(state: &State, dev: IfName, scope: u8) -> Option<IpAddr> {
    let vrf = |dev: IfName| {
        let link = state.links.get(&dev)?;
        if link.vrf.is_some() {
            Some(dev)
        } else {
            link.master.filter(|m| state.links.get(m).is_some_and(|l| l.vrf.is_some()))
        }
    };
    let home = vrf(dev);
    let mut devices: Vec<_> = state.links.iter().map(|(name, link)| (link.index, *name)).collect();
    devices.sort_unstable();
    let fit = |dev: IfName| {
        let own = primaries(state, dev);
        own.into_iter().find(|(_, a)| a.scope != LINK && a.scope <= scope).map(|(net, _)| net.addr())
    };
    let first = home.and_then(fit);
    first.or_else(|| {
        devices.iter().filter(|(_, other)| vrf(*other) == home).find_map(|(_, other)| fit(*other))
    })
}

/// The IPv4 addresses of a device that are not secondary, in the kernel's order.
fn primaries(state: &State, dev: IfName) -> Vec<(IpNet, Addr)> {
    let own =
        state.addrs_of(dev).filter(|(net, addr)| net.addr().is_ipv4() && addr.flags & Addr::TEMPORARY == 0);
    let mut own: Vec<_> = own.map(|(net, addr)| (net, *addr)).collect();
    own.sort_by_key(|(_, addr)| addr.order);
    own
}
