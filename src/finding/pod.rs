//! What is wrong between a pod and its node. `inside` is what runs a command in the pod's namespace
//! (`ip netns exec NAME`, `nsenter -t PID -n`); without it nothing in there can be mended by one line.

use std::net::IpAddr;

use ipnet::IpNet;

use super::shell::one_word;
use super::{Confidence, Finding};
use crate::net::{IfName, Mac};

fn with(finding: Finding, inside: Option<&str>, lines: &[String]) -> Finding {
    match inside {
        Some(inside) if !lines.is_empty() => {
            let all: Vec<String> = lines.iter().map(|line| format!("{inside} {line}")).collect();
            finding.fix(all.join(" && "))
        }
        _ => finding,
    }
}

/// What runs a command in a namespace of these names, if one of them says how.
pub fn inside(name: &str, aliases: &[String]) -> Option<String> {
    let pid = |text: &str| text.strip_prefix("pid ").and_then(|n| n.parse::<u32>().ok());
    let all = || std::iter::once(name).chain(aliases.iter().map(String::as_str));
    if let Some(path) =
        all().find_map(|text| text.strip_prefix("/run/netns/").or(text.strip_prefix("/var/run/netns/")))
    {
        return Some(format!("ip netns exec {}", one_word(path)));
    }
    all().find_map(pid).map(|pid| format!("nsenter -t {pid} -n"))
}

/// The pod does not have the source address. With its last one its routes went: `again` puts them back.
pub fn no_addr(
    node: &str,
    pod: &str,
    addr: Option<IpNet>,
    dev: Option<IfName>,
    again: &[String],
    inside: Option<&str>,
) -> Finding {
    let what = addr.map_or_else(
        || "no address of this family".to_owned(),
        |net| format!("not the address {}", net.addr()),
    );
    let finding = Finding::new("pod.noaddr", node, format!("{pod} has {what}"), see(inside, "ip addr"));
    match (addr, dev) {
        (Some(net), Some(dev)) => {
            let lines = std::iter::once(own_address(dev, net)).chain(again.iter().cloned());
            with(finding, inside, &lines.collect::<Vec<_>>())
        }
        _ => finding,
    }
}

fn see(inside: Option<&str>, command: &str) -> String {
    inside.map_or_else(|| command.to_owned(), |inside| format!("{inside} {command}"))
}

/// The pod has no route that leads to its node; `have` is what it has instead.
pub fn no_route(
    node: &str,
    pod: &str,
    dst: IpAddr,
    have: Option<&str>,
    repair: Option<(IpAddr, IfName)>,
    inside: Option<&str>,
) -> Finding {
    let cause = match have {
        Some(have) => format!("the route of {pod} to {dst} does not lead to its node: {have}"),
        None => format!("{pod} has no route to {dst}"),
    };
    let finding = Finding::new("pod.noroute", node, cause, see(inside, &format!("ip route get {dst}")));
    match (repair, have) {
        (Some((via, dev)), None) => {
            with(finding, inside, &[format!("ip route replace default via {via} dev {dev}")])
        }
        (_, Some(have)) => with(finding, inside, &[format!("ip route del {have}")]),
        (None, None) => finding,
    }
}

/// The pod's entry for its gateway is wrong or failed; `have` as `ip neigh` prints it.
pub fn neigh(
    node: &str,
    pod: &str,
    gateway: IpAddr,
    dev: IfName,
    have: &str,
    bridge: Option<Mac>,
    inside: Option<&str>,
) -> Finding {
    let real = bridge.map(|mac| format!(", the bridge is {mac}")).unwrap_or_default();
    let cause = format!("{pod} has {have} for its gateway {gateway}{real}");
    let finding =
        Finding::new("pod.neigh", node, cause, see(inside, &format!("ip neigh show {gateway} dev {dev}")))
            .evidence(have);
    with(finding, inside, &[format!("ip neigh del {gateway} dev {dev}")])
}

/// One end of the pod's veth pair is down: the node's end.
pub fn veth_down(node: &str, pod: &str, dev: IfName) -> Finding {
    let cause = format!("{dev}, the node's end of the veth pair of {pod}, is down");
    Finding::new("veth.down", node, cause, format!("ip link show {dev}"))
        .evidence(format!("{dev}: not UP"))
        .fix(format!("ip link set {dev} up"))
}

/// The pod's own end is down: its routes, and IPv6 addresses, went with it. `again` puts them back.
pub fn eth_down(node: &str, pod: &str, dev: IfName, again: &[String], inside: Option<&str>) -> Finding {
    let cause = format!("{dev}, the end of the veth pair inside {pod}, is down");
    let finding = Finding::new("veth.down", node, cause, see(inside, &format!("ip link show {dev}")))
        .evidence(format!("{pod}/{dev}: not UP"));
    let lines: Vec<String> =
        std::iter::once(format!("ip link set {dev} up")).chain(again.iter().cloned()).collect();
    with(finding, inside, &lines)
}

/// Why a bridge port does not carry a pod's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// It belongs to no bridge, or to another one.
    Loose,
    /// STP holds it in this state.
    State(u8),
    /// Isolated: it reaches only ports that are not.
    Isolated,
    /// A packet that came in by it would leave by it, and hairpin is off.
    NoHairpin,
    /// VLAN filtering, and the port is in no VLAN of the bridge.
    Vlan(u16),
    /// The bridge sends frames for the pod elsewhere.
    Astray {
        /// The pod's MAC.
        mac: Mac,
        /// The port that they go to.
        to: IfName,
    },
}

/// The pod's veth is no port of the bridge, or the port does not forward.
pub fn bridge_port(node: &str, pod: &str, dev: IfName, bridge: IfName, why: Port) -> Finding {
    const STATES: [&str; 5] = ["disabled", "listening", "learning", "forwarding", "blocking"];
    let (says, fix) = match why {
        Port::Loose => (format!("is not a port of {bridge}"), format!("ip link set {dev} master {bridge}")),
        Port::State(state) => {
            let word = STATES.get(usize::from(state)).copied().unwrap_or("unknown");
            (format!("is {word} on {bridge}"), format!("bridge link set dev {dev} state 3"))
        }
        Port::Isolated => {
            (format!("is isolated on {bridge}"), format!("bridge link set dev {dev} isolated off"))
        }
        Port::NoHairpin => (
            format!("is a port of {bridge} without hairpin, and the packet would leave by it again"),
            format!("bridge link set dev {dev} hairpin on"),
        ),
        Port::Vlan(vid) => (
            format!("is not in VLAN {vid} of {bridge}"),
            format!("bridge vlan add dev {dev} vid {vid} pvid untagged"),
        ),
        Port::Astray { mac, to } => (
            format!("gets nothing: {bridge} sends what is for {mac} to {to}"),
            format!("bridge fdb del {mac} dev {to} master"),
        ),
    };
    let cause = format!("{dev}, the veth of {pod}, {says}");
    Finding::new("bridge.port", node, cause, format!("bridge -d link show dev {dev}")).fix(fix)
}

/// The bridge itself is down.
pub fn bridge_down(node: &str, bridge: IfName) -> Finding {
    let cause = format!("{bridge} is down, and every pod behind it is cut off");
    Finding::new("bridge.port", node, cause, format!("ip link show {bridge}"))
        .evidence(format!("{bridge}: not UP"))
        .fix(format!("ip link set {bridge} up"))
}

/// The node's entry for a pod has another MAC than the pod.
pub fn node_neigh(node: &str, pod: &str, (ip, dev): (IpAddr, IfName), have: Mac, real: Mac) -> Finding {
    let cause = format!("{node} has MAC {have} for {ip}, {pod} is {real}");
    Finding::new("pod.neigh", node, cause, format!("ip neigh show {ip} dev {dev}"))
        .evidence(format!("{ip} dev {dev} lladdr {have}"))
        .fix(format!("ip neigh del {ip} dev {dev}"))
}

/// Nobody behind a bridge has the address; `entry` is the state of the neighbour entry.
pub fn nobody(node: &str, bridge: IfName, ip: IpAddr, entry: &str) -> Finding {
    let cause = format!("no pod behind {bridge} has {ip}");
    Finding::new("pod.noaddr", node, cause, format!("ip neigh show {ip} dev {bridge}"))
        .evidence(format!("{ip} dev {bridge}: {entry}"))
}

/// The bridge has another subnet than this node's lease.
pub fn bridge_stale(node: &str, bridge: IfName, have: IpNet, want: IpNet) -> Finding {
    let cause = format!("{bridge} has {have}, this node's lease is {}", want.trunc());
    let finding = Finding::new("bridge.stale", node, cause, format!("ip addr show {bridge}"))
        .evidence(format!("{have} dev {bridge}"))
        .confidence(Confidence::Certain);
    if bridge.as_str() == "docker0" {
        return finding
            .fix("systemctl restart docker")
            .lasting("docker reads subnet.env's options only when it starts");
    }
    finding
        .fix(format!("ip addr del {have} dev {bridge} && {}", own_address(bridge, want)))
        .lasting("pods with old addresses must be made anew")
}

/// The bridge has no address at all in the net of its pods.
pub fn bridge_bare(node: &str, bridge: IfName, want: IpNet) -> Finding {
    let cause = format!("{bridge} lacks {}, the gateway of the pods behind it", want.addr());
    Finding::new("bridge.stale", node, cause, format!("ip addr show {bridge}"))
        .evidence(format!("expected: {want} dev {bridge}"))
        .fix(own_address(bridge, want))
}

fn own_address(bridge: IfName, want: IpNet) -> String {
    let broadcast = if want.addr().is_ipv4() { " brd +" } else { "" };
    format!("ip addr replace {want}{broadcast} dev {bridge}")
}
