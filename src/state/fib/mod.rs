//! Which route a packet takes: policy rules, tables, longest prefix, metric, as the kernel walks them
//! (net/core/fib_rules.c, net/ipv4/fib_trie.c, net/ipv6/route.c). Keeps what almost matched.

mod hops;
mod input;
mod rules;
mod source;
mod source6;
mod sysctl;
mod table;
mod v4;
mod v6;

use std::net::IpAddr;

use serde::Serialize;

pub use input::{Entry, Martian, Reverse, input, reverse};

use super::{Hop, RouteKey, RouteKind, State};
use crate::net::IfName;

/// What the kernel looks at when it looks up a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Source; `None` where the kernel is to choose.
    pub src: Option<IpAddr>,
    /// Destination.
    pub dst: IpAddr,
    /// Input device of a packet that is being forwarded; `None` for one of this host.
    pub iif: Option<IfName>,
    /// Output device that a socket is bound to.
    pub oif: Option<IfName>,
    /// Firewall mark.
    pub mark: u32,
    /// Type of service.
    pub tos: u8,
    /// IP protocol, 0 if unknown.
    pub proto: u8,
    /// Source port.
    pub sport: Option<u16>,
    /// Destination port.
    pub dport: Option<u16>,
    /// Whose socket, for a packet of this host.
    pub uid: u32,
}

impl Flow {
    /// A packet to `dst` of which nothing else is known: of this host, root's, unmarked.
    pub fn to(dst: IpAddr) -> Self {
        Self {
            src: None,
            dst,
            iif: None,
            oif: None,
            mark: 0,
            tos: 0,
            proto: 0,
            sport: None,
            dport: None,
            uid: 0,
        }
    }
}

/// What the tables answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lookup {
    /// The rule that led to the answer: its place in `State::rules`.
    pub rule: Option<usize>,
    /// The answer.
    pub answer: Answer,
    /// Routes that would have matched if the answer's were not there, best first (at most a few).
    pub runners_up: Vec<(RouteKey, usize)>,
    /// Rules that matched and did not answer: place, and why (`throw`, `no route in table 100`, `suppressed`).
    pub passed: Vec<(usize, String)>,
}

/// The answer of the tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A route: its key, its place among the routes of that key, and its usable legs.
    Route {
        /// The key in `State::routes`.
        key: RouteKey,
        /// Which of the routes under that key.
        place: usize,
        /// Every leg that the packet may take; empty where the route refuses ([`Lookup::refusal`]).
        legs: Vec<Leg>,
        /// The source that the kernel would choose, if the flow has none (that of the first leg).
        src: Option<IpAddr>,
    },
    /// IPv4, bound to a device: whatever the tables say, the kernel takes the destination to be on the link.
    OnLink {
        /// The device.
        dev: IfName,
        /// The source that the kernel would choose, if the flow has none.
        src: Option<IpAddr>,
    },
    /// A rule refused: blackhole, unreachable or prohibit by [`super::RouteKind`]'s words.
    Refused(RouteKind),
    /// No table knew.
    NoRoute,
    /// The kernel does not even ask the tables, or not for this.
    Invalid(Invalid),
}

/// Why the kernel refuses to send, whatever the tables say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Invalid {
    /// The source is no address of this host (IPv4).
    ForeignSource,
    /// The source is multicast, broadcast or in 0.0.0.0/8, or a loopback address that would leave the host.
    Source,
    /// The destination is in 0.0.0.0/8.
    Destination,
    /// The device that the socket is bound to is not there.
    NoDevice,
    /// The device that the socket is bound to is down.
    DeviceDown,
}

/// One leg of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Leg {
    /// Where to.
    pub hop: Hop,
    /// Its share.
    pub weight: u16,
    /// The nexthop object that it comes from.
    pub nhid: Option<u32>,
    /// The source that the kernel would choose on this leg, if the flow has none.
    pub src: Option<IpAddr>,
}

impl Lookup {
    /// How the answer refuses: by a rule, by the route's type, or by a nexthop object that discards. `None` if the
    /// packet goes on, or no route was found at all.
    pub fn refusal(&self, state: &State) -> Option<RouteKind> {
        match &self.answer {
            Answer::Refused(kind) => Some(*kind),
            Answer::Route { key, place, .. } => {
                let route = state.routes.get(key).and_then(|twins| twins.get(*place))?;
                table::refusal(route.kind).or_else(|| hops::discards(state, route))
            }
            Answer::OnLink { .. } | Answer::NoRoute | Answer::Invalid(_) => None,
        }
    }
}

/// Looks a flow up as the kernel does. With an input device it is the forwarding lookup alone: whether the packet
/// is let in at all says [`input()`].
pub fn lookup(state: &State, flow: &Flow) -> Lookup {
    let query = Query::of(state, flow);
    match (flow.dst, flow.iif) {
        (IpAddr::V4(_), None) => v4::output(&query),
        (IpAddr::V4(_), Some(_)) => v4::forward(&query),
        (IpAddr::V6(_), _) => v6::lookup(&query),
    }
}

/// One lookup: the flow as the rules see it.
#[derive(Clone, Debug)]
struct Query<'a> {
    state: &'a State,
    flow: Flow,
    /// The input device that rules compare with: the loopback device for a packet of this host.
    iif: Option<IfName>,
    /// The VRF that the flow belongs to by its input or output device.
    vrf: Option<IfName>,
}

impl<'a> Query<'a> {
    fn of(state: &'a State, flow: &Flow) -> Self {
        let iif = flow.iif.or_else(|| source::loopback(state));
        let mut query = Self { state, flow: flow.clone(), iif, vrf: None };
        // An output device that is a VRF stands for its table; one inside a VRF binds to that table
        // (`l3mdev_update_flow`).
        let vrf_of = |dev: IfName| match state.links.get(&dev) {
            Some(link) if link.vrf.is_some() => Some(dev),
            Some(link) => link.master.filter(|m| state.links.get(m).is_some_and(|l| l.vrf.is_some())),
            None => None,
        };
        query.vrf = flow.oif.and_then(vrf_of).or_else(|| flow.iif.and_then(vrf_of));
        if flow.oif.is_some_and(|oif| query.vrf == Some(oif)) {
            query.flow.oif = None;
        }
        query
    }

    /// The source as the rules see it: an unspecified one is zero.
    fn src(&self) -> IpAddr {
        self.flow.src.unwrap_or_else(|| source::any(self.flow.dst))
    }

    fn v6(&self) -> bool {
        self.flow.dst.is_ipv6()
    }
}
