//! What is wrong with the neighbours of the tunnel device.

use std::net::IpAddr;

use super::repair::PeerRows;
use super::{Confidence, Finding};
use crate::net::{IfName, Mac};

fn found(code: &'static str, node: &str, peer: &PeerRows, cause: String) -> Finding {
    Finding::new(code, node, cause, format!("ip neigh show {} dev {}", peer.gateway(), peer.dev))
        .evidence(peer.lease())
        .fix(peer.set_neigh())
}

/// The device has no entry for a peer's end point.
pub fn missing(node: &str, peer: &PeerRows) -> Finding {
    let cause = format!("{} does not know the MAC of {}'s VTEP {}", peer.dev, peer.node, peer.gateway());
    found("neigh.missing", node, peer, cause)
        .evidence("without it the kernel asks by ARP into the tunnel, where nobody answers")
}

/// The entry has another MAC than the lease.
pub fn wrong(node: &str, peer: &PeerRows, have: Mac) -> Finding {
    let (dev, via) = (peer.dev, peer.gateway());
    let cause = format!("{dev} has {have} for {}'s VTEP {via}, its lease says {}", peer.node, peer.mac);
    found("neigh.wrong", node, peer, cause).evidence(format!("{via} dev {dev} lladdr {have}"))
}

/// The entry is unresolved; `state` as `ip neigh` prints it.
pub fn failed(node: &str, peer: &PeerRows, state: &str) -> Finding {
    let (dev, via) = (peer.dev, peer.gateway());
    let cause = format!("the entry of {dev} for {}'s VTEP {via} is {state}", peer.node);
    found("neigh.failed", node, peer, cause).evidence(format!("{via} dev {dev} {state}"))
}

/// The entry is right and may expire; `state` as `ip neigh` prints it.
pub fn not_permanent(node: &str, peer: &PeerRows, state: &str) -> Finding {
    let (dev, via) = (peer.dev, peer.gateway());
    let cause = format!("the entry of {dev} for {via} is {state}, not PERMANENT: somebody else wrote it");
    found("neigh.notpermanent", node, peer, cause)
        .evidence(format!("{via} dev {dev} lladdr {} {state}", peer.mac))
}

/// An entry that no lease stands behind.
pub fn stale(node: &str, dev: IfName, ip: IpAddr, mac: Option<Mac>) -> Finding {
    let mac = mac.map(|mac| format!(" lladdr {mac}")).unwrap_or_default();
    let cause = format!("no lease stands behind the neighbour {ip} on {dev}");
    Finding::new("neigh.stale", node, cause, format!("ip neigh show {ip} dev {dev}"))
        .evidence(format!("{ip} dev {dev}{mac}"))
        .fix(format!("ip neigh del {ip} dev {dev}"))
        .confidence(Confidence::Likely)
}
