//! One table: the routes that hold an address, longest prefix first, by range look-ups (never a scan).

use std::cmp::Reverse;
use std::net::IpAddr;

use ipnet::IpNet;

use super::State;
use crate::state::{Route, RouteKey, RouteKind};

/// A route where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    pub(super) key: &'a RouteKey,
    pub(super) place: usize,
    pub(super) route: &'a Route,
}

/// How a route of this type refuses. Throw is no refusal: it sends on to the next rule.
pub(super) fn refusal(kind: RouteKind) -> Option<RouteKind> {
    match kind {
        RouteKind::Blackhole | RouteKind::Unreachable | RouteKind::Prohibit => Some(kind),
        // NAT and external resolution: the numbers exist, the kernel answers EINVAL (`fib_props`).
        RouteKind::Other(10 | 11) => Some(RouteKind::Blackhole),
        _ => None,
    }
}

/// The routes of `tables` that hold `dst`. Within a prefix the order is that of the kernel: tables as given (the
/// local and main tables are one tree until somebody writes a rule), greater TOS first, then metric, then age.
pub(super) fn holding<'a, 't>(
    state: &'a State,
    tables: &'t [u32],
    dst: IpAddr,
) -> impl Iterator<Item = At<'a>> + use<'a, 't> {
    let longest: u8 = if dst.is_ipv4() { 32 } else { 128 };
    let there = lengths(state, dst.is_ipv4());
    let some = move |len: &u8| there.is_none_or(|there| there.get(usize::from(*len)) == Some(&true));
    (0..=longest).rev().filter(some).flat_map(move |len| prefix(state, tables, dst, len))
}

/// So few routes are looked through faster than every length is looked up.
const FEW: usize = 64;

/// Which prefix lengths there are, where it costs less to know than to try.
fn lengths(state: &State, v4: bool) -> Option<[bool; 129]> {
    if state.routes.len() > FEW {
        return None;
    }
    let mut there = [false; 129];
    for key in state.routes.keys().filter(|key| key.dst.addr().is_ipv4() == v4) {
        if let Some(one) = there.get_mut(usize::from(key.dst.prefix_len())) {
            *one = true;
        }
    }
    Some(there)
}

/// The routes whose prefix has exactly this length.
pub(super) fn prefix<'a>(state: &'a State, tables: &[u32], dst: IpAddr, len: u8) -> Vec<At<'a>> {
    let mut found = Vec::new();
    let Ok(net) = IpNet::new(dst, len) else { return found };
    let net = net.trunc();
    for table in tables {
        let first = RouteKey { table: *table, dst: net, tos: 0, metric: 0 };
        let last = RouteKey { tos: u8::MAX, metric: u32::MAX, ..first };
        let start = found.len();
        for (key, twins) in state.routes.range(first..=last) {
            found.extend(twins.iter().enumerate().map(|(place, route)| At { key, place, route }));
        }
        if let Some(rows) = found.get_mut(start..) {
            rows.sort_by_key(|at| Reverse(at.key.tos));
        }
    }
    found
}
