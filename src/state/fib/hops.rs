//! The hops of a route, spelt out: legs of a multipath route, members of a nexthop group, and which of them the
//! kernel would use.

use std::net::IpAddr;

use super::sysctl;
use super::{Leg, State};
use crate::net::IfName;
use crate::state::{Hop, Hops, NeighKey, Route, RouteKind, nud};

/// All legs of a route, usable or not, in the kernel's order.
pub(super) fn all(state: &State, route: &Route) -> Vec<Leg> {
    let leg = |hop: Hop, weight, nhid| Leg { hop, weight, nhid, src: None };
    match &route.hops {
        Hops::None => Vec::new(),
        Hops::One(hop) => vec![leg(*hop, 1, None)],
        Hops::Multi(legs) => legs.iter().map(|(hop, weight)| leg(*hop, *weight, None)).collect(),
        Hops::Object(id) => match state.nexthops.get(id) {
            None => Vec::new(),
            Some(object) if object.group.is_empty() => vec![leg(object.hop, 1, Some(*id))],
            Some(object) => {
                let member =
                    |(id, weight): &(u32, u16)| Some(leg(state.nexthops.get(id)?.hop, *weight, Some(*id)));
                object.group.iter().filter_map(member).collect()
            }
        },
    }
}

/// A route through a nexthop object that discards.
pub(super) fn discards(state: &State, route: &Route) -> Option<RouteKind> {
    let Hops::Object(id) = route.hops else { return None };
    let object = state.nexthops.get(&id)?;
    let only = object.group.first().filter(|_| object.group.len() == 1);
    let black =
        object.blackhole || only.is_some_and(|(id, _)| state.nexthops.get(id).is_some_and(|o| o.blackhole));
    black.then_some(RouteKind::Blackhole)
}

/// In use: neither dead nor, where the device says so, without carrier.
pub(super) fn alive(state: &State, v6: bool, hop: &Hop) -> bool {
    !hop.dead || (hop.linkdown && !hop.dev.is_some_and(|dev| sysctl::ignores_linkdown(state, v6, dev)))
}

/// The state of a gateway's neighbour entry, if there is one.
pub(super) fn neighbour(state: &State, hop: &Hop) -> Option<u16> {
    let (Some(dev), Some(ip)) = (hop.dev, hop.via) else { return None };
    state.neighs.get(&NeighKey { dev, ip }).map(|n| n.state)
}

/// No neighbour entry says that the gateway does not answer (`NUD_VALID`).
pub(super) fn answers(state: &State, hop: &Hop) -> bool {
    const VALID: u16 = nud::PERMANENT | nud::NOARP | nud::REACHABLE | nud::PROBE | nud::STALE | nud::DELAY;
    neighbour(state, hop).is_none_or(|state| state & VALID != 0)
}

/// The members of a group that its hash can fall on: those whose gateway is not known to be dumb, or else the first
/// (`nexthop_select_path`). Output device and carrier do not count here.
pub(super) fn of_group(state: &State, legs: &[Leg]) -> Vec<Leg> {
    let good: Vec<Leg> = legs.iter().filter(|leg| answers(state, &leg.hop)).copied().collect();
    if good.is_empty() { legs.iter().take(1).copied().collect() } else { good }
}

/// True if a route may leave by this device, in use or not (`fib_info_nh_uses_dev`).
pub(super) fn uses(state: &State, route: &Route, dev: IfName) -> bool {
    all(state, route).iter().any(|leg| leg.hop.dev == Some(dev))
}

/// The gateway, if it is of this family.
pub(super) fn gateway(hop: &Hop, v6: bool) -> Option<IpAddr> {
    hop.via.filter(|via| via.is_ipv6() == v6)
}
