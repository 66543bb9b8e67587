//! What is wrong with the forwarding entries of the tunnel device.

use std::net::IpAddr;

use super::repair::PeerRows;
use super::{Confidence, Finding};
use crate::net::{IfName, Mac};

fn see(dev: IfName, mac: Mac) -> String {
    format!("bridge fdb get {mac} dev {dev} self")
}

/// The device has no remote for a peer's MAC.
pub fn missing(node: &str, peer: &PeerRows) -> Finding {
    let cause = format!("{} has no tunnel end point for {}'s MAC {}", peer.dev, peer.node, peer.mac);
    Finding::new("fdb.missing", node, cause, see(peer.dev, peer.mac))
        .evidence(format!("no entry {} dev {} self", peer.mac, peer.dev))
        .evidence(peer.lease())
        .fix(peer.set_fdb())
}

/// The MAC is sent to another address than the lease says.
pub fn wrong(node: &str, peer: &PeerRows, have: IpAddr) -> Finding {
    let cause = format!("frames for {} are sent to {have}, which is not {}", peer.node, peer.node);
    Finding::new("fdb.wrong", node, cause, see(peer.dev, peer.mac))
        .evidence(format!("{} dev {} dst {have} self", peer.mac, peer.dev))
        .evidence(peer.lease())
        .fix(peer.set_fdb())
        .lasting(format!("{} counts these packets as sent; its drop counter will not move", peer.dev))
}

/// The address is the lease's, and the UDP port or VNI (`with`) is not.
pub fn beside(node: &str, peer: &PeerRows, have: IpAddr, with: &str) -> Finding {
    let cause =
        format!("frames for {} are sent to {have} {with}, where its tunnel does not listen", peer.node);
    Finding::new("fdb.wrong", node, cause, see(peer.dev, peer.mac))
        .evidence(format!("{} dev {} dst {have} {with} self", peer.mac, peer.dev))
        .evidence(peer.lease())
        .fix(format!(
            "bridge fdb del {} dev {} dst {have} {with} self && {}",
            peer.mac,
            peer.dev,
            peer.set_fdb()
        ))
}

/// An all-zero entry floods what the device does not know: `remotes` get a copy each.
pub fn flood(node: &str, peer: &PeerRows, remotes: &[IpAddr]) -> Finding {
    let count = remotes.len();
    let to: Vec<String> = remotes.iter().map(ToString::to_string).collect();
    let ends = if count == 1 { "end point" } else { "end points" };
    let cause = format!(
        "no entry for {}'s MAC {}: an all-zero entry hides that, and every packet goes to {count} {ends}",
        peer.node, peer.mac
    );
    let dev = peer.dev;
    let gone = remotes.iter().map(|ip| format!(" && bridge fdb del {} dev {dev} dst {ip} self", Mac::ZERO));
    Finding::new("fdb.flood", node, cause, format!("bridge fdb show dev {dev}"))
        .evidence(format!("{} dev {dev} dst {} self", Mac::ZERO, to.join(" dst ")))
        .evidence(peer.lease())
        .fix(format!("{}{}", peer.set_fdb(), gone.collect::<String>()))
}

/// The device learns remotes from traffic, against the config.
pub fn learned(node: &str, dev: IfName) -> Finding {
    let cause = format!("{dev} learns: a stray frame can move a peer's end point");
    Finding::new("fdb.learned", node, cause, format!("ip -d link show {dev}"))
        .evidence(format!("{dev} vxlan learning"))
        .fix(format!("ip link set {dev} type vxlan nolearning"))
        .lasting("the agent sets it when it starts; see Learning in the network config")
}

/// An entry that no lease stands behind.
pub fn stale(node: &str, dev: IfName, mac: Mac, dst: Option<IpAddr>) -> Finding {
    let to = dst.map(|ip| format!(" dst {ip}")).unwrap_or_default();
    Finding::new(
        "fdb.stale",
        node,
        format!("no lease stands behind the entry {mac}{to} of {dev}"),
        see(dev, mac),
    )
    .evidence(format!("{mac} dev {dev}{to} self"))
    .fix(format!("bridge fdb del {mac} dev {dev}{to} self"))
    .confidence(Confidence::Likely)
}
