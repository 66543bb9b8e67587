//! What takes the overlay's packets elsewhere although every row of ours is right: longer prefixes and policy rules.

use ipnet::IpNet;

use super::Sight;
use super::expect::Peer;
use super::words::first_hop;
use crate::state::{Route, RouteKey, Rule, State, table};

/// A route that takes packets away.
pub(super) struct Detour<'a> {
    /// Whose packets, or `-`.
    pub(super) node: &'a str,
    /// The same in words.
    pub(super) note: String,
}

/// Whether a route of the main table takes packets of a peer, or of the overlay where no peer is. Inside the own
/// subnets (`own`) a node may route as it likes; where they are not known, nothing beyond the peers is judged.
pub(super) fn detour<'a>(
    sight: &Sight<'_>,
    peers: &'a [Peer],
    own: &[IpNet],
    (key, route): (&RouteKey, &Route),
) -> Option<Detour<'a>> {
    if own.iter().any(|own| own.contains(&key.dst)) {
        return None;
    }
    if let Some(peer) = holder(peers, key.dst) {
        // The kernel prefers the longer prefix, and of equal ones that with the packet's TOS.
        let first = key.dst != peer.net || key.tos != 0;
        return (first && !leads_to(sight.state, peer, route)).then(|| Detour {
            node: &peer.node,
            note: format!("takes traffic of {}'s {}", peer.node, peer.net),
        });
    }
    let networks = sight.conf.filter(|_| !own.is_empty()).map(|conf| conf.networks()).unwrap_or_default();
    let within = networks.iter().find(|net| net.contains(&key.dst) && **net != key.dst)?;
    let hop = first_hop(sight.state, route);
    let ours = peers.iter().any(|peer| hop.is_some_and(|hop| hop.dev == Some(peer.dev)));
    (!ours).then(|| Detour { node: "-", note: format!("takes traffic of the overlay network {within}") })
}

/// The peer whose subnet holds this net; `peers` are in order of their subnets. A search a prefix length, because
/// this is asked for every route of a large table.
pub fn holder(peers: &[Peer], net: IpNet) -> Option<&Peer> {
    let at = |length: u8| {
        let outer = IpNet::new(net.addr(), length).ok()?.trunc();
        let found = peers.binary_search_by_key(&outer, |peer| peer.net).ok()?;
        peers.get(found)
    };
    (0..=net.prefix_len()).rev().find_map(at)
}

/// True if the route leads where the peer's own route should.
fn leads_to(state: &State, peer: &Peer, route: &Route) -> bool {
    let hop = first_hop(state, route).unwrap_or_default();
    let by_tunnel = hop.dev == Some(peer.dev) && hop.via == Some(peer.gateway());
    by_tunnel || hop.via == Some(peer.public)
}

/// One sentence if policy rules stand before the main table or after it, besides the kernel's own.
pub(super) fn policy(state: &State) -> Option<String> {
    let more: Vec<String> =
        state.rules.iter().filter(|rule| !is_default(rule)).map(|rule| rule.priority.to_string()).collect();
    (!more.is_empty()).then(|| {
        let (count, at) = (more.len(), more.join(", "));
        let rules = if count == 1 { "policy rule" } else { "policy rules" };
        format!(
            "{count} {rules} besides the kernel's own (priority {at}): other tables may decide, see `ip rule`"
        )
    })
}

/// The three rules that every namespace begins with (IPv6: the first two).
fn is_default(rule: &Rule) -> bool {
    let place = (rule.priority, rule.table);
    let known = place == (0, 255) || place == (32_766, table::MAIN) || place == (32_767, 253);
    let bare = rule.from.is_none() && rule.to.is_none() && rule.iif.is_none() && rule.oif.is_none();
    known && bare && rule.fwmark.is_none() && rule.action == 1
}
