//! What is wrong on the far node, as its snapshot shows it. `node` is always the far one; so are the commands.

use std::net::IpAddr;

use super::repair::{Device, PeerRows};
use super::{Finding, vtep};
use crate::net::{IfName, Mac};

/// A finding of the far node's own kind, under the far side's code.
pub fn renamed(code: &'static str, finding: Finding) -> Finding {
    Finding { code, ..finding }
}

/// The peer listens on another port.
pub fn port(node: &str, want: &Device, have: u16, peers: &[PeerRows]) -> Finding {
    Finding {
        cause: format!("{node} listens on UDP port {have}, packets come to {}", want.port),
        ..renamed("remote.port", vtep::port(node, want, have, peers))
    }
}

/// The peer's device has another VNI.
pub fn vni(node: &str, want: &Device, have: u32, peers: &[PeerRows]) -> Finding {
    Finding {
        cause: format!("{} of {node} has VNI {have}, packets come with {}", want.dev, want.vni),
        ..renamed("remote.vni", vtep::vni(node, want, have, peers))
    }
}

/// The peer's device has another MAC than its lease says.
pub fn mac(node: &str, want: &Device, have: Mac, lease: Mac, peers: &[PeerRows]) -> Finding {
    Finding {
        cause: format!(
            "{} of {node} has MAC {have}, frames come for {lease}: they are ignored as \"other host\"",
            want.dev
        ),
        ..renamed("remote.mac", vtep::mac(node, want, have, lease, peers))
    }
}

/// The peer has no way back to the source; `why` in words, `fix` as a shell line there.
pub fn no_return(node: &str, src: IpAddr, why: &str, fix: Option<String>) -> Finding {
    let cause = format!("{node} has no way back to {src}: {why}");
    let finding = Finding::new("remote.noreturn", node, cause, format!("ip route get {src}"));
    match fix {
        Some(fix) => finding.fix(fix),
        None => finding,
    }
}

/// The destination is not there on the peer. `why` in words, `see` shows it, `fix` mends it where one line can.
pub fn pod_gone(node: &str, dst: IpAddr, why: &str, see: &str, fix: Option<String>) -> Finding {
    let finding = Finding::new("remote.podgone", node, format!("{dst} is not there on {node}: {why}"), see);
    match fix {
        Some(fix) => finding.fix(fix),
        None => finding,
    }
}

/// The peer has no tunnel device that would take the packet.
pub fn no_device(node: &str, dev: IfName, finding: Finding) -> Finding {
    Finding {
        cause: format!("{node} has no {dev} that takes the packet: {}", finding.cause),
        ..renamed("remote.port", finding)
    }
}

/// The answer to a packet for `peer` takes another way than the packet: `there` and `back` say how each leaves its node.
pub fn asymmetric(
    node: &str,
    peer: &str,
    to: IpAddr,
    (there, back): (&str, &str),
    fix: Option<String>,
) -> Finding {
    let cause = format!("packets come to {peer} {there}, and {node} answers to {to} {back}");
    let finding = Finding::new("remote.asymmetric", node, cause, format!("ip route get {to}"))
        .evidence("a strict reverse path filter or a firewall that follows connections drops such answers");
    match fix {
        Some(fix) => finding.fix(fix),
        None => finding,
    }
}
