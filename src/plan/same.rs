//! Whether a row that is there is the row that is wanted, as far as we decide.

use std::net::IpAddr;

use crate::net::IfName;
use crate::state::{Fdb, Hop, Hops, Link, Route, WantLink, nud};

/// Whether the device can be altered into what is wanted: VNI, port and GBP are fixed at creation, and a group or
/// miss notices are leftovers of an older design.
pub(super) fn keeps(link: &Link, want: &WantLink) -> bool {
    link.vxlan().is_some_and(|have| {
        (have.vni, have.port, have.gbp) == (want.vxlan.vni, want.vxlan.port, want.vxlan.gbp)
            && have.group.is_none()
            && !have.l2miss
            && !have.l3miss
    })
}

pub(super) fn leads_to(fdb: &Fdb, dst: IpAddr) -> bool {
    let Fdb { dst: have, more, state, flags: _, port, vni, nhid, via } = fdb;
    *have == Some(dst)
        && more.is_empty()
        && state & nud::PERMANENT != 0
        && port.is_none()
        && vni.is_none()
        && nhid.is_none()
        && !via
}

pub(super) fn hop_is(have: &Hop, want: &Hop) -> bool {
    let Hop { via, dev, onlink, dead: _, linkdown: _ } = have;
    (*via, *dev, *onlink) == (want.via, want.dev, want.onlink)
}

/// Equal but for the flags that the kernel sets by itself; the MTU is one of the metrics.
pub(super) fn route_is(have: &Route, want: &Route) -> bool {
    let Route { kind, proto, scope, src, hops, metrics, mtu: _, mtu_lock: _, from, pref } = have;
    let same = match (hops, &want.hops) {
        (Hops::One(a), Hops::One(b)) => hop_is(a, b),
        (a, b) => a == b,
    };
    same && (*kind, *proto, *scope, *src, *metrics)
        == (want.kind, want.proto, want.scope, want.src, want.metrics)
        && (*from, *pref) == (want.from, want.pref)
}

/// The device of a plain route.
pub(super) fn first_dev(route: &Route) -> Option<IfName> {
    match &route.hops {
        Hops::One(hop) => hop.dev,
        Hops::None | Hops::Object(_) | Hops::Multi(_) => None,
    }
}
