//! Sizes that do not fit each other.

use super::{Finding, Level};
use crate::net::IfName;

/// A pod's device takes larger packets than the tunnel. `inside` is what runs a command in the pod's namespace.
pub fn inner(
    node: &str,
    pod: &str,
    (dev, mtu): (IfName, u32),
    (tunnel, room): (IfName, u32),
    inside: Option<&str>,
) -> Finding {
    let cause = format!(
        "{dev} of {pod} has MTU {mtu}, {tunnel} {room}: packets with DF bounce once, others are fragmented"
    );
    let finding = Finding::new("mtu.inner", node, cause, format!("ip link show {tunnel}"))
        .evidence(format!("{pod}/{dev} mtu {mtu}"))
        .evidence(format!("{tunnel} mtu {room}"));
    match inside {
        Some(inside) => finding
            .fix(format!("{inside} ip link set {dev} mtu {room}"))
            .lasting("the CNI plugin takes the MTU from subnet.env (FLANNEL_MTU) when it makes a pod"),
        None => finding,
    }
}

/// One end of a pod's veth pair sends larger packets than the other takes. `to` is the end that drops them; `inside`
/// runs a command where that end is, if it is the pod's.
pub fn pair(
    node: &str,
    pod: &str,
    frame: u32,
    (to, room): (&str, u32),
    (dev, inside): (IfName, Option<&str>),
) -> Finding {
    let cause = format!("{to} has MTU {room} and drops packets of {frame} bytes on the veth pair of {pod}");
    let before = inside.map(|inside| format!("{inside} ")).unwrap_or_default();
    let finding = Finding::new("mtu.inner", node, cause, format!("{before}ip link show {dev}"))
        .evidence(format!("{to} mtu {room}"))
        .fix(format!("{before}ip link set {dev} mtu {frame}"));
    Finding { level: Level::Error, ..finding }
}

/// The tunnel's packets do not fit the underlay.
#[derive(Clone, Copy, Debug)]
pub struct Outer<'a> {
    /// The tunnel device.
    pub tunnel: IfName,
    /// Its MTU.
    pub mtu: u32,
    /// Bytes that encapsulation adds.
    pub overhead: u32,
    /// What is too narrow, in words: `eth0`, `the route 192.168.50.0/24 dev eth0 mtu 1400`.
    pub by: &'a str,
    /// How narrow.
    pub room: u32,
}

/// `mtu.outer`.
pub fn outer(node: &str, what: Outer<'_>) -> Finding {
    let Outer { tunnel, mtu, overhead, by, room } = what;
    let cause = format!(
        "{tunnel} {mtu} + {overhead} = {} does not fit {by} with {room}: such a packet goes in pieces, and is \
         dropped where a device takes no more than its MTU, as this one may do with the answer",
        mtu + overhead
    );
    let fits = room.saturating_sub(overhead);
    Finding::new("mtu.outer", node, cause, format!("ip link show {tunnel}; ip link"))
        .evidence(format!("{tunnel} mtu {mtu}"))
        .evidence(format!("{by} mtu {room}"))
        .fix(format!("ip link set {tunnel} mtu {fits}"))
        .lasting(format!("set Backend.MTU in the network config to {room}, so that pods get {fits}, too"))
}

/// The two ends of a tunnel have different MTUs: `here` is this node's, `there` the peer's.
pub fn asymmetric(node: &str, tunnel: IfName, here: u32, peer: &str, there: u32) -> Finding {
    let cause =
        format!("{tunnel} has MTU {here} on {node} and {there} on {peer}: large packets pass one way only");
    let least = here.min(there);
    let (wide, dev) = if here > there { (node, tunnel) } else { (peer, tunnel) };
    Finding::new("mtu.asymmetric", wide, cause, format!("ip link show {tunnel}"))
        .evidence(format!("{node}/{tunnel} mtu {here}"))
        .evidence(format!("{peer}/{tunnel} mtu {there}"))
        .fix(format!("ip link set {dev} mtu {least}"))
}

/// Checksum offload on the tunnel device spoils packets with this driver; `errors` counts what arrived broken.
pub fn checksum(node: &str, dev: IfName, driver: &str, errors: Option<u64>) -> Finding {
    let cause = format!(
        "tx-checksum-ip-generic is on for {dev} over the driver {driver}, which spoils tunnel checksums"
    );
    let finding =
        Finding::new("offload.checksum", node, cause, format!("ethtool -k {dev} | grep tx-checksum"))
            .evidence(format!("driver {driver}"));
    let finding = match errors {
        Some(count) => finding.evidence(format!("Udp InCsumErrors {count}")),
        None => finding,
    };
    finding.fix(format!("ethtool -K {dev} tx-checksum-ip-generic off"))
}
