//! What is wrong with the way that the routing tables give.

use std::net::IpAddr;

use ipnet::IpNet;

use super::repair::{Obstacle, PeerRows};
use super::{Confidence, Finding};

/// No route leads to a peer's subnet.
pub fn missing(node: &str, peer: &PeerRows) -> Finding {
    let cause = format!("{} owns {}, and this node has no route to it", peer.node, peer.net);
    Finding::new("route.missing", node, cause, format!("ip route show {}", peer.net))
        .evidence(peer.lease())
        .evidence(format!("expected: {}", peer.route()))
        .fix(peer.set_route())
        .lasting("look why the agent did not write it: flanctl run, or flanneld, must be running")
}

/// The route to a peer's subnet is there and leads elsewhere; `have` as `ip route` prints it.
pub fn wrong(node: &str, peer: &PeerRows, have: &str) -> Finding {
    let cause = format!("the route to {}'s {} leads elsewhere than its lease says", peer.node, peer.net);
    Finding::new("route.wrong", node, cause, format!("ip route show {}", peer.net))
        .evidence(format!("kernel: {have}"))
        .evidence(format!("expected: {}", peer.route()))
        .evidence(peer.lease())
        .fix(peer.set_route())
}

/// Another route wins over the overlay's. `winner` and `written_by` as `ip route` prints route and protocol.
pub fn shadowed(node: &str, peer: &PeerRows, winner: &str, written_by: &str) -> Finding {
    let cause = format!("{winner} wins over the overlay's route to {}'s {}", peer.node, peer.net);
    let obstacle = Obstacle::Route(winner.to_owned());
    Finding::new("route.shadowed", node, cause, obstacle.see())
        .evidence(format!("winner: {winner} proto {written_by}"))
        .evidence(format!("expected: {}", peer.route()))
        .fix(obstacle.remove())
        .lasting(format!("find who writes it (protocol {written_by})"))
}

/// Another route wins over the one to the node's own pods.
pub fn astray(node: &str, own: IpNet, winner: &str, written_by: &str) -> Finding {
    let cause = format!("{winner} wins over the route to this node's own pods in {own}");
    let obstacle = Obstacle::Route(winner.to_owned());
    Finding::new("route.shadowed", node, cause, obstacle.see())
        .evidence(format!("winner: {winner} proto {written_by}"))
        .fix(obstacle.remove())
        .lasting(format!("find who writes it (protocol {written_by})"))
}

/// How a route refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Silently.
    Blackhole,
    /// With "administratively prohibited".
    Prohibit,
    /// With "host unreachable".
    Unreachable,
}

impl Refusal {
    /// The kernel's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Blackhole => "blackhole",
            Self::Prohibit => "prohibit",
            Self::Unreachable => "unreachable",
        }
    }

    /// What it does to a packet.
    pub(super) fn does(self) -> &'static str {
        match self {
            Self::Blackhole => "discards the packet silently",
            Self::Prohibit => "refuses the packet: administratively prohibited",
            Self::Unreachable => "refuses the packet: host unreachable",
        }
    }
}

/// A route discards or refuses. Where it stands in the place of a peer's own route, `instead` is that peer.
pub fn refused(
    node: &str,
    how: Refusal,
    dst: IpAddr,
    words: &str,
    written_by: &str,
    instead: Option<&PeerRows>,
) -> Finding {
    let code = match how {
        Refusal::Blackhole => "route.blackhole",
        Refusal::Prohibit => "route.prohibit",
        Refusal::Unreachable => "route.unreachable",
    };
    let obstacle = Obstacle::Route(words.to_owned());
    let article = if how == Refusal::Unreachable { "an" } else { "a" };
    let cause = format!("{article} {} route for {dst} {}", how.word(), how.does());
    Finding::new(code, node, cause, format!("ip route get {dst}; {}", obstacle.see()))
        .evidence(format!("{words} proto {written_by}"))
        .fix(instead.map_or_else(|| obstacle.remove(), PeerRows::set_route))
}

/// A peer's pod address is an address of this host; `owner` is the peer whose lease covers it.
pub fn local(node: &str, dst: IpAddr, by: &Obstacle, owner: &PeerRows) -> Finding {
    let at = match by {
        Obstacle::Address { dev, .. } => format!("an address of this host ({dev})"),
        Obstacle::Route(_) | Obstacle::Rule { .. } => "local to this host".to_owned(),
    };
    let cause = format!("{dst} is {at}, so the packet never leaves; a ping is answered here");
    Finding::new("route.local", node, cause, format!("ip route get {dst}"))
        .evidence(by.to_string())
        .evidence(owner.lease())
        .fix(by.remove())
}

/// A leg of a multipath route leads nowhere; `why` in words. `repair` writes the promised route or takes this one away.
pub fn dead_leg(node: &str, dst: IpAddr, route: &str, leg: &str, why: &str, repair: String) -> Finding {
    let cause = format!("a leg of the multipath route for {dst} is dead: {leg}, {why}");
    Finding::new("route.deadleg", node, cause, format!("ip route show match {dst}"))
        .evidence(route)
        .evidence("which leg a packet takes is a hash of its addresses: some flows die, others pass")
        .fix(repair)
}

/// A route that no lease stands behind, on the tunnel device.
pub fn stale(node: &str, words: &str) -> Finding {
    let cause = format!("no lease stands behind the route {words}");
    let obstacle = Obstacle::Route(words.to_owned());
    Finding::new("route.stale", node, cause, obstacle.see())
        .evidence(words)
        .fix(obstacle.remove())
        .confidence(Confidence::Likely)
}

/// No table knows a destination that is no overlay address of anyone.
pub fn nowhere(node: &str, dst: IpAddr) -> Finding {
    Finding::new("route.missing", node, format!("no route leads to {dst}"), format!("ip route get {dst}"))
        .evidence("no rule and no table of this node answers")
}
