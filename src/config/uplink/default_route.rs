//! The interface of the default route: the lowest metric counts, which flannel does not compare.

use ipnet::IpNet;

use super::{Pick, Stack, UplinkError};
use crate::net::IfName;
use crate::state::{Hop, Hops, Route, RouteKey, RouteKind, State, table};

/// The interface that both families' default routes leave by, as far as the overlay needs them.
pub(super) fn pick(state: &State, stack: Stack) -> Result<Pick, UplinkError> {
    let v4 = if stack.v4 { Some(device(state, false)?) } else { None };
    let v6 = if stack.v6 { Some(device(state, true)?) } else { None };
    match (v4, v6) {
        (Some(v4), Some(v6)) if v4 != v6 => Err(UplinkError::TwoDefaults { v4, v6 }),
        (Some(dev), _) | (None, Some(dev)) => Ok(Pick::whole(dev)),
        (None, None) => Err(UplinkError::NoDefault { family: "" }),
    }
}

fn device(state: &State, v6: bool) -> Result<IfName, UplinkError> {
    let family = if v6 { "v6 " } else { "" };
    let is_default = |key: &RouteKey| {
        key.table == table::MAIN && key.dst.prefix_len() == 0 && matches!(key.dst, IpNet::V6(_)) == v6
    };
    let mut routes: Vec<(&RouteKey, &Route)> = state
        .routes
        .iter()
        .filter(|(key, _)| is_default(key))
        .flat_map(|(key, twins)| twins.iter().map(move |route| (key, route)))
        .filter(|(_, route)| route.kind == RouteKind::Unicast)
        .collect();
    if routes.is_empty() {
        return Err(UplinkError::NoDefault { family });
    }
    routes.sort_by_key(|(key, _)| (key.metric, key.tos));
    // A dead route comes last but still counts: the carrier may be late while the host boots.
    let alive = routes.iter().find_map(|(_, route)| leg(state, route, false));
    let any = alive.or_else(|| routes.iter().find_map(|(_, route)| leg(state, route, true)));
    any.ok_or(UplinkError::NoDevice { family })
}

/// The device of the first leg that has one.
fn leg(state: &State, route: &Route, dead_too: bool) -> Option<IfName> {
    let usable = |hop: &Hop| hop.dev.filter(|_| dead_too || !hop.dead);
    match &route.hops {
        Hops::None => None,
        Hops::One(hop) => usable(hop),
        Hops::Multi(legs) => legs.iter().find_map(|(hop, _)| usable(hop)),
        Hops::Object(id) => {
            let object = state.nexthops.get(id)?;
            let members = object.group.iter().filter_map(|(id, _)| state.nexthops.get(id));
            std::iter::once(object).chain(members).find_map(|nexthop| usable(&nexthop.hop))
        }
    }
}
