//! Whether the kernel lets a packet in: martian addresses, sources of this host, reverse path filter, forwarding
//! (`ip_route_input_slow`, `fib_validate_source` in net/ipv4; IPv6 has no reverse path filter).

use std::net::{IpAddr, Ipv4Addr};

use serde::Serialize;

use super::{Answer, Flow, Lookup, Query, State, hops, rules, source, sysctl, v4};
use crate::net::IfName;
use crate::state::{RouteKind, proto};

/// What becomes of a packet that came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// It goes on to another host.
    Forwarded,
    /// It is for this host.
    Local,
    /// It is for everybody on the link, this host among them.
    Broadcast,
    /// Dropped for its addresses.
    Martian(Martian),
    /// Dropped by the reverse path filter.
    ReversePath(Reverse),
    /// It would go on, but the device does not forward.
    ForwardingOff,
    /// No route, or one that refuses: see the lookup.
    Refused,
}

/// Why an address is from Mars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Martian {
    /// A multicast or broadcast source, or one in 0.0.0.0/8.
    Source,
    /// A loopback address on a device that is not.
    Loopback,
    /// The source is an address of this host.
    LocalSource,
    /// A destination in 0.0.0.0/8, or of a type that no packet is routed to.
    Destination,
}

/// The reverse path filter at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reverse {
    /// What applies: 0 off, 1 strict, 2 loose; the greater of the two below.
    pub mode: u8,
    /// `net.ipv4.conf.all.rp_filter`.
    pub all: u8,
    /// The device's own.
    pub own: u8,
    /// The way back, where the kernel looked.
    pub back: Option<Lookup>,
    /// It lets the packet in.
    pub passes: bool,
    /// The source is an address of this host, or of no unicast type: dropped whatever the mode.
    pub martian: Option<Martian>,
}

/// Follows a packet of `flow`, which has an input device, to where the kernel would hand it on.
pub fn input(state: &State, flow: &Flow) -> (Lookup, Entry) {
    let found = super::lookup(state, flow);
    let entry = match (flow.dst, flow.iif) {
        (IpAddr::V4(_), Some(dev)) => entry4(state, flow, dev, &found),
        _ => entry6(state, flow, &found),
    };
    (found, entry)
}

fn entry4(state: &State, flow: &Flow, dev: IfName, found: &Lookup) -> Entry {
    let src = flow.src.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let limited = IpAddr::V4(Ipv4Addr::BROADCAST);
    if v4::multicast(src) || src == limited {
        return Entry::Martian(Martian::Source);
    }
    let everybody = flow.dst == limited || (src.is_unspecified() && flow.dst.is_unspecified());
    let validated = |way: Entry, to: Option<IfName>| {
        let reverse = reverse_to(state, flow, dev, to);
        match reverse.martian {
            Some(why) => Entry::Martian(why),
            None if !reverse.passes => Entry::ReversePath(reverse),
            None => way,
        }
    };
    if everybody {
        return if v4::zeronet(src) { Entry::Broadcast } else { validated(Entry::Broadcast, None) };
    }
    if v4::zeronet(src) {
        return Entry::Martian(Martian::Source);
    }
    if v4::zeronet(flow.dst) {
        return Entry::Martian(Martian::Destination);
    }
    if (flow.dst.is_loopback() || src.is_loopback()) && sysctl::either(state, dev, "route_localnet", 0) == 0 {
        return Entry::Martian(Martian::Loopback);
    }
    let forwards = sysctl::own(state, "ipv4", dev.as_str(), "forwarding").is_some_and(|on| on != 0);
    let off = || if forwards { Entry::Refused } else { Entry::ForwardingOff };
    let Answer::Route { key, place, legs, .. } = &found.answer else { return off() };
    if found.refusal(state).is_some() {
        return off();
    }
    let kind = state.routes.get(key).and_then(|twins| twins.get(*place)).map(|route| route.kind);
    match kind {
        Some(RouteKind::Local) => validated(Entry::Local, None),
        Some(RouteKind::Broadcast) if v4::zeronet(src) => Entry::Broadcast,
        Some(RouteKind::Broadcast) => validated(Entry::Broadcast, None),
        _ if !forwards => Entry::ForwardingOff,
        Some(RouteKind::Unicast) => validated(Entry::Forwarded, legs.first().and_then(|leg| leg.hop.dev)),
        _ => Entry::Martian(Martian::Destination),
    }
}

fn entry6(state: &State, flow: &Flow, found: &Lookup) -> Entry {
    let lo = source::loopback(state);
    let src = flow.src.unwrap_or(source::any(flow.dst));
    if src.is_multicast() {
        return Entry::Martian(Martian::Source);
    }
    if (src.is_loopback() || flow.dst.is_loopback()) && flow.iif != lo {
        return Entry::Martian(Martian::Loopback);
    }
    let Answer::Route { key, place, .. } = &found.answer else { return Entry::Refused };
    if found.refusal(state).is_some() {
        return Entry::Refused;
    }
    let kind = state.routes.get(key).and_then(|twins| twins.get(*place)).map(|route| route.kind);
    match kind {
        Some(RouteKind::Local | RouteKind::Anycast) => Entry::Local,
        Some(RouteKind::Multicast) => Entry::Broadcast,
        // Since 6.17 a device may forward although the rest does not.
        _ if [Some("all"), flow.iif.as_ref().map(IfName::as_str)].into_iter().flatten().any(|dev| {
            sysctl::own(state, "ipv6", dev, if dev == "all" { "forwarding" } else { "force_forwarding" })
                .is_some_and(|on| on != 0)
        }) =>
        {
            Entry::Forwarded
        }
        _ => Entry::ForwardingOff,
    }
}

/// What the reverse path filter of the input device says to the source of `flow`, whose answer is `found`.
pub fn reverse(state: &State, flow: &Flow, found: &Lookup) -> Option<Reverse> {
    let dev = flow.iif.filter(|_| flow.dst.is_ipv4())?;
    let to = match &found.answer {
        Answer::Route { key, place, legs, .. } => {
            let route = state.routes.get(key).and_then(|twins| twins.get(*place))?;
            legs.first().and_then(|leg| leg.hop.dev).filter(|_| route.kind == RouteKind::Unicast)
        }
        _ => None,
    };
    Some(reverse_to(state, flow, dev, to))
}

/// `to` is the device that the packet would leave by, none if it stays.
fn reverse_to(state: &State, flow: &Flow, dev: IfName, to: Option<IfName>) -> Reverse {
    let level = |name: &str| sysctl::own(state, "ipv4", name, "rp_filter").unwrap_or(0).clamp(0, 2) as u8;
    let (all, own) = (level("all"), level(dev.as_str()));
    let mode = all.max(own);
    let mut said = Reverse { mode, all, own, back: None, passes: true, martian: None };
    let Some(src) = flow.src else { return said };
    let accept_local = sysctl::either(state, dev, "accept_local", 0) != 0;
    let redirects = sysctl::either(state, dev, "send_redirects", 1) != 0;
    if mode == 0 && (to != Some(dev) || !redirects) {
        if accept_local {
            return said;
        }
        // With rules or local routes of somebody's own the addresses alone are no proof.
        if rules::untouched(state) && !own_local_routes(state) {
            said.martian = state.owner_of(src).is_some().then_some(Martian::LocalSource);
            return said;
        }
    }
    let way = Flow {
        src: Some(flow.dst),
        dst: src,
        iif: to.or_else(|| source::loopback(state)),
        oif: None,
        mark: if sysctl::either(state, dev, "src_valid_mark", 0) != 0 { flow.mark } else { 0 },
        sport: flow.dport,
        dport: flow.sport,
        uid: 0,
        ..flow.clone()
    };
    let back = v4::forward(&Query::of(state, &way));
    judge(state, dev, mode, accept_local, &back, &mut said);
    said.back = Some(back);
    said
}

/// `__fib_validate_source` with the answer of the way back.
fn judge(state: &State, dev: IfName, mode: u8, accept_local: bool, back: &Lookup, said: &mut Reverse) {
    let found = match &back.answer {
        Answer::Route { key, place, .. } if back.refusal(state).is_none() => {
            state.routes.get(key).and_then(|twins| twins.get(*place))
        }
        _ => None,
    };
    let Some(route) = found else {
        said.passes = mode == 0;
        return;
    };
    match route.kind {
        RouteKind::Unicast => {}
        RouteKind::Local if accept_local => {}
        RouteKind::Local => said.martian = Some(Martian::LocalSource),
        _ => said.martian = Some(Martian::Source),
    }
    let home = route.kind == RouteKind::Local && Some(dev) == source::loopback(state);
    if said.martian.is_some() || hops::uses(state, route, dev) || home {
        return;
    }
    // A device without an address cannot be asked for more.
    let addressed = state.addrs_of(dev).any(|(net, _)| net.addr().is_ipv4());
    said.passes = if addressed { mode != 1 } else { mode == 0 };
}

/// Somebody wrote a route of type local (`fib_has_custom_local_routes`).
fn own_local_routes(state: &State) -> bool {
    let mut local = state.routes.iter().filter(|(key, _)| key.dst.addr().is_ipv4());
    local.any(|(_, twins)| twins.iter().any(|r| r.kind == RouteKind::Local && r.proto != proto::KERNEL))
}
