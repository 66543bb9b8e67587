//! Which route a packet takes: policy rules, tables, longest prefix, metric, as the kernel walks them
//! (net/core/fib_rules.c, net/ipv4/fib_trie.c, net/ipv6/route.c). Keeps what almost matched.

use std::net::IpAddr;

use serde::Serialize;

use super::{Hop, RouteKey};
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
        /// Every leg that the packet may take; empty for local and broadcast routes without one.
        legs: Vec<Leg>,
        /// The source that the kernel would choose, if the flow has none.
        src: Option<IpAddr>,
    },
    /// A rule refused: blackhole, unreachable or prohibit by [`super::RouteKind`]'s words.
    Refused(super::RouteKind),
    /// No table knew.
    NoRoute,
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
}
