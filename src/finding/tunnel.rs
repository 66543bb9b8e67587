//! What is wrong with tunnels of other kinds than VXLAN, and with a VXLAN device that no lease speaks of.

use std::net::IpAddr;

use super::{Confidence, Finding};
use crate::net::{IfName, Mac};

/// The tunnel device is down.
pub fn down(node: &str, dev: IfName) -> Finding {
    Finding::new("tunnel.down", node, format!("{dev} is down"), format!("ip link show {dev}"))
        .evidence(format!("{dev}: not UP"))
        .fix(format!("ip link set {dev} up"))
        .lasting("routes by it went with it: restart the agent")
}

/// No process has opened a tun device: what goes there is gone.
pub fn unread(node: &str, dev: IfName) -> Finding {
    let cause = format!("no process reads {dev}: the agent that made it has ended");
    Finding::new("tunnel.noreader", node, cause, format!("ip -d link show {dev}"))
        .evidence(format!("{dev}: UP, not LOWER_UP"))
        .evidence("a tun device without a process drops every packet")
        .fix("systemctl restart flanneld")
        .confidence(Confidence::Likely)
}

/// A WireGuard device has no peer for the destination.
pub fn no_peer(node: &str, dev: IfName, dst: IpAddr) -> Finding {
    let cause = format!("{dev} has no peer whose allowed networks cover {dst}");
    Finding::new("tunnel.nopeer", node, cause, format!("wg show {dev} allowed-ips"))
        .evidence("the kernel refuses the packet: required key not available")
        .fix("systemctl restart flanneld")
        .confidence(Confidence::Likely)
}

/// A WireGuard device has no peer that may send from this address.
pub fn stranger(node: &str, dev: IfName, src: IpAddr) -> Finding {
    let cause =
        format!("{dev} has no peer whose allowed networks cover {src}: it drops what comes from there");
    Finding::new("tunnel.nopeer", node, cause, format!("wg show {dev} allowed-ips"))
        .fix("systemctl restart flanneld")
        .confidence(Confidence::Likely)
}

/// No tunnel device takes `what`; `see` lists those that might.
pub fn missing(node: &str, what: &str, see: &str) -> Finding {
    let cause = format!("no tunnel device of {node} takes {what}");
    Finding::new("tunnel.missing", node, cause, see)
        .evidence("the kernel answers with an ICMP error to the other node, and the sender hears nothing")
        .fix("systemctl restart flanneld")
        .confidence(Confidence::Likely)
}

/// A WireGuard peer has no end point yet.
pub fn no_endpoint(node: &str, dev: IfName, dst: IpAddr) -> Finding {
    let cause = format!("the peer of {dev} for {dst} has no end point: it would have to speak first");
    Finding::new("tunnel.noendpoint", node, cause, format!("wg show {dev} endpoints"))
        .evidence("the kernel refuses the packet: destination address required")
        .fix("systemctl restart flanneld")
        .confidence(Confidence::Likely)
}

/// Nothing says which MAC a gateway behind a VXLAN device has, neither a neighbour entry nor a lease.
pub fn unknown_neighbour(node: &str, dev: IfName, ask: IpAddr, state: &str) -> Finding {
    let cause = format!("{dev} does not know the MAC of {ask}, and no lease is in reach that would tell it");
    Finding::new("neigh.missing", node, cause, format!("ip neigh show {ask} dev {dev}"))
        .evidence(format!("{ask} dev {dev}: {state}"))
}

/// Nothing says where a MAC behind a VXLAN device is.
pub fn unknown_remote(node: &str, dev: IfName, mac: Mac) -> Finding {
    let cause =
        format!("{dev} has no tunnel end point for {mac}, and no lease is in reach that would tell it");
    Finding::new("fdb.missing", node, cause, format!("bridge fdb get {mac} dev {dev} self"))
        .evidence(format!("no entry {mac} dev {dev} self"))
}

/// An IPVS service without a server that takes connections.
pub fn no_server(node: &str, service: &str) -> Finding {
    let cause = format!("no server stands behind the service {service}");
    Finding::new("service.empty", node, cause, "ipvsadm -Ln")
        .evidence("packets to it are refused: port unreachable")
        .confidence(Confidence::Likely)
}

/// The route to a leased subnet is missing or leads elsewhere; `wanted` and `have` as `ip route` prints them.
pub fn route(node: &str, owner: &str, wanted: &str, have: Option<&str>) -> Finding {
    let net = wanted.split(' ').next().unwrap_or(wanted);
    let see = format!("ip route show {net}");
    let finding = match have {
        None => {
            let cause = format!("{owner} owns {net}, and this node has no route to it");
            Finding::new("route.missing", node, cause, see)
        }
        Some(have) => {
            let cause = format!("the route to {owner}'s {net} leads elsewhere than its lease says");
            Finding::new("route.wrong", node, cause, see).evidence(format!("kernel: {have}"))
        }
    };
    finding
        .evidence(format!("expected: {wanted}"))
        .fix(format!("ip route replace {wanted}"))
        .lasting("look why the agent did not write it: flanneld must be running")
}
