//! What is wrong with the way of the outer packet: from this node to a peer's public address.

use std::net::IpAddr;

use super::repair::Obstacle;
use super::{Confidence, Finding};
use crate::net::{IfName, Mac};

fn found(code: &'static str, node: &str, to: IpAddr, cause: String) -> Finding {
    Finding::new(code, node, cause, format!("ip route get {to}"))
}

/// No route leads to a peer's public address. `by` refuses or diverts, where something does; `repair` writes the route
/// that the uplink's own address asks for.
pub fn no_route(
    node: &str,
    peer: &str,
    to: IpAddr,
    by: Option<&Obstacle>,
    repair: Option<String>,
) -> Finding {
    let cause = match by {
        Some(by) => format!("outer packets to {peer} at {to} are refused by {by}"),
        None => format!("there is no route to {peer}'s public address {to}"),
    };
    let finding = found("outer.noroute", node, to, cause);
    match by.map(Obstacle::remove).or(repair) {
        Some(fix) => finding.fix(fix),
        None => finding,
    }
}

/// The way to a peer leads into the tunnel that needs it.
pub fn looped(node: &str, peer: &str, to: IpAddr, dev: IfName, by: &Obstacle) -> Finding {
    let cause = format!("the way to {peer}'s public address {to} leads back into {dev}");
    found("outer.loop", node, to, cause).evidence(by.to_string()).fix(by.remove())
}

/// A peer's public address is an address of this host.
pub fn local(node: &str, peer: &str, to: IpAddr, by: &Obstacle) -> Finding {
    let cause = format!("{to}, the public address of {peer}, is an address of this host");
    found("outer.local", node, to, cause).evidence(by.to_string()).fix(by.remove())
}

/// Outer packets leave by another device than the tunnel's; `repair` writes the route that the device's own address
/// asks for.
pub fn wrong_device(
    node: &str,
    peer: &str,
    to: IpAddr,
    (have, want): (IfName, IfName),
    by: &Obstacle,
    repair: Option<String>,
) -> Finding {
    let cause =
        format!("outer packets to {peer} at {to} would leave by {have}, the tunnel is bound to {want}");
    let finding = found("outer.wrongdev", node, to, cause).evidence(by.to_string());
    match by {
        // Everything else goes that way, too: it is not this line's to take.
        Obstacle::Route(words) if words.starts_with("default") => match repair {
            Some(repair) => finding.fix(repair),
            None => finding,
        },
        _ => finding.fix(by.remove()),
    }
}

/// The underlay neighbour of a peer (or of the gateway to it).
#[derive(Clone, Copy, Debug)]
pub struct Silent<'a> {
    /// The peer's name.
    pub peer: &'a str,
    /// Its public address.
    pub to: IpAddr,
    /// Who is asked: the same, or the gateway.
    pub ask: IpAddr,
    /// Where.
    pub dev: IfName,
    /// As `ip neigh` prints it.
    pub state: &'a str,
}

/// The underlay neighbour does not answer.
pub fn neigh(node: &str, what: Silent<'_>) -> Finding {
    let Silent { peer, to, ask, dev, state } = what;
    let how = if ask.is_ipv6() { "neighbour solicitations" } else { "ARP" };
    let who = if ask == to { format!("{peer} at {to}") } else { format!("{ask}, the gateway to {peer},") };
    Finding::new(
        "outer.neigh",
        node,
        format!("{who} does not answer {how} on {dev} ({state})"),
        format!("ip neigh show {ask} dev {dev}"),
    )
    .evidence(format!("{ask} dev {dev} {state}"))
    .evidence("the tunnel device counts these packets as sent")
    .fix(format!("ip neigh del {ask} dev {dev}"))
    .lasting("if it fails again: is that node up, and on this segment?")
    .confidence(Confidence::Likely)
}

/// The underlay neighbour has a MAC that is not the peer's; `real` if the peer's snapshot tells it.
pub fn wrong_mac(node: &str, what: Silent<'_>, have: Mac, real: Option<Mac>) -> Finding {
    let Silent { peer, to: _, ask, dev, state } = what;
    let cause = match real {
        Some(real) => format!("{dev} sends packets for {peer} ({ask}) to {have}; its MAC is {real}"),
        None => format!("somebody pinned {ask} ({peer}) to {have} on {dev}: it no longer follows ARP"),
    };
    let finding = Finding::new("outer.neigh", node, cause, format!("ip neigh show {ask} dev {dev}"))
        .evidence(format!("{ask} dev {dev} lladdr {have} {state}"))
        .fix(format!("ip neigh del {ask} dev {dev}"));
    if real.is_some() { finding } else { finding.confidence(Confidence::Likely) }
}

/// The uplink is down, or has no carrier.
pub fn down(node: &str, dev: IfName, up: bool) -> Finding {
    let see = format!("ip link show {dev}");
    if up {
        // A cable is no matter of a command.
        return Finding::new("outer.down", node, format!("{dev} has no carrier"), see)
            .evidence(format!("{dev}: UP, not LOWER_UP"));
    }
    Finding::new("outer.down", node, format!("{dev} is down"), see)
        .evidence(format!("{dev}: not UP"))
        .fix(format!("ip link set {dev} up"))
        .lasting("routes through a gateway went with it: restart the network")
}
