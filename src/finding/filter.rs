//! What the firewall does to a packet, and the line that lets the overlay pass.

use std::net::IpAddr;

use ipnet::IpNet;

use super::shell::one_word;
use super::{Confidence, Finding};
use crate::firewall::{Owner, RuleRef};

/// What is to be let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// To and from an overlay network.
    Network(IpNet),
    /// One pair of addresses.
    Pair(IpAddr, IpAddr),
    /// The tunnel's UDP port.
    Tunnel(u16),
}

/// Where a packet died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// On its way through.
    Forward,
    /// On its way to this host.
    Input,
    /// On its way from this host.
    Output,
}

/// A rule or policy drops or rejects the packet.
pub fn blocked(node: &str, at: At, rule: &RuleRef, traffic: Traffic) -> Finding {
    let (code, what) = match (at, traffic) {
        (_, Traffic::Tunnel(_)) => ("outer.filtered", "the tunnel's packets"),
        (At::Forward, _) => ("filter.forward", "forwarded packets"),
        (At::Input, _) => ("filter.input", "packets for this host"),
        (At::Output, _) => ("filter.output", "packets of this host"),
    };
    let who = match traffic {
        Traffic::Tunnel(port) => format!("{what} (UDP {port})"),
        Traffic::Network(net) => format!("{what} of {net}"),
        Traffic::Pair(src, dst) => format!("{what} from {src} to {dst}"),
    };
    let cause = format!("{} drops {who}: {}", place(rule), rule.text);
    Finding::new(code, node, cause, see(rule))
        .evidence(format!("{}: {}", place(rule), rule.text))
        .fix(allow(rule, traffic))
        .lasting(lasting(traffic))
}

/// The pod's own firewall drops the packet. `inside` is what runs a command in the pod's namespace.
pub fn inside(
    node: &str,
    pod: &str,
    (at, traffic): (At, Traffic),
    rule: &RuleRef,
    inside: Option<&str>,
) -> Finding {
    let what = match at {
        At::Input => "what comes in",
        At::Output | At::Forward => "what leaves",
    };
    let who = match traffic {
        Traffic::Tunnel(port) => format!("UDP {port}"),
        Traffic::Network(net) => format!("the pods of {net}"),
        Traffic::Pair(src, dst) => format!("{src} to {dst}"),
    };
    let cause = format!("the firewall inside {pod} drops {what}, {who}: {}: {}", place(rule), rule.text);
    let before = inside.map(|inside| format!("{inside} ")).unwrap_or_default();
    let finding = Finding::new("pod.filter", node, cause, format!("{before}{}", see(rule)))
        .evidence(format!("{}: {}", place(rule), rule.text));
    if inside.is_none() {
        return finding;
    }
    let lines: Vec<String> =
        allow(rule, traffic).split(" && ").map(|line| format!("{before}{line}")).collect();
    finding
        .fix(lines.join(" && "))
        .lasting("whoever fills the pod wrote the rule: it comes back with the pod")
}

fn lasting(traffic: Traffic) -> &'static str {
    match traffic {
        Traffic::Tunnel(_) => {
            "put the rule where this firewall keeps its own, and in the cloud's security group"
        }
        Traffic::Network(_) | Traffic::Pair(..) => {
            "put the rule where this firewall keeps its own; the agent writes it with --iptables-forward-rules"
        }
    }
}

/// Nothing here drops the tunnel's packets, and yet none arrives: what lies between does, or, where the peer was not
/// `looked_at`, the peer itself.
pub fn between(node: &str, peer: &str, to: IpAddr, port: u16, looked_at: bool) -> Finding {
    let cause = if looked_at {
        format!("UDP {port} to {peer} at {to} is lost between the nodes: neither one drops it")
    } else {
        format!("UDP {port} to {peer} at {to} is lost between the nodes, or {peer} drops it (--peer tells)")
    };
    Finding::new("outer.filtered", node, cause, format!("tcpdump -ni any udp port {port}"))
        .evidence("a security group, a hypervisor's own overlay or a switch filters it")
        .confidence(Confidence::Likely)
}

/// The firewall could not be read.
pub fn hidden(node: &str, why: &str) -> Finding {
    Finding::new("filter.hidden", node, format!("the firewall could not be read: {why}"), "nft list ruleset")
        .evidence("a rule that drops the packet cannot be excluded")
        .fix("sudo flanctl doctor")
        .confidence(Confidence::Unseen)
}

/// Traffic between pods would leave under another source address.
pub fn masqueraded(
    node: &str,
    rule: &RuleRef,
    (src, dst): (IpAddr, IpAddr),
    network: Option<IpNet>,
) -> Finding {
    let traffic = network.map_or(Traffic::Pair(src, dst), Traffic::Network);
    let cause = format!("{} gives packets from {src} to {dst} another source address", place(rule));
    Finding::new("masq.unexpected", node, cause, see(rule))
        .evidence(format!("{}: {}", place(rule), rule.text))
        .fix(within(rule, traffic))
        .lasting(
            "the agent's own rules leave traffic between pods alone: restart it, so that they come first",
        )
}

/// `nft inet firewalld/filter_FORWARD`, `iptables-legacy filter/FORWARD`.
fn place(rule: &RuleRef) -> String {
    let table = match rule.owner {
        Owner::Nft => rule.table.as_str(),
        Owner::IptablesNft | Owner::IptablesLegacy => bare(&rule.table),
    };
    format!("{} {table}/{}", tool(rule), rule.chain)
}

/// `ip filter` without its family.
fn bare(table: &str) -> &str {
    table.split(' ').next_back().unwrap_or(table)
}

fn is_v6(rule: &RuleRef) -> bool {
    rule.table.starts_with("ip6 ")
}

fn tool(rule: &RuleRef) -> &'static str {
    match (rule.owner, is_v6(rule)) {
        (Owner::Nft, _) => "nft",
        (Owner::IptablesNft, false) => "iptables",
        (Owner::IptablesNft, true) => "ip6tables",
        (Owner::IptablesLegacy, false) => "iptables-legacy",
        (Owner::IptablesLegacy, true) => "ip6tables-legacy",
    }
}

/// Family, table and chain, as nft takes them.
fn chain(rule: &RuleRef) -> String {
    let (family, table) = rule.table.split_once(' ').unwrap_or(("ip", &rule.table));
    format!("{} {} {}", one_word(family), one_word(table), one_word(&rule.chain))
}

fn see(rule: &RuleRef) -> String {
    match rule.owner {
        Owner::Nft => format!("nft -a list chain {}", chain(rule)),
        Owner::IptablesNft | Owner::IptablesLegacy => {
            format!("{} -t {} -nvL {}", tool(rule), bare(&rule.table), one_word(&rule.chain))
        }
    }
}

fn family(ip: IpAddr) -> &'static str {
    if ip.is_ipv6() { "ip6" } else { "ip" }
}

/// Rules ahead of everything else in the chain: accept there ends the whole walk of this table.
fn allow(rule: &RuleRef, traffic: Traffic) -> String {
    let matches: Vec<(String, String)> = match traffic {
        Traffic::Network(net) => {
            let ip = family(net.addr());
            vec![
                (format!("{ip} saddr {net}"), format!("-s {net}")),
                (format!("{ip} daddr {net}"), format!("-d {net}")),
            ]
        }
        Traffic::Pair(src, dst) => {
            let ip = family(src);
            vec![
                (format!("{ip} saddr {src} {ip} daddr {dst}"), format!("-s {src} -d {dst}")),
                (format!("{ip} saddr {dst} {ip} daddr {src}"), format!("-s {dst} -d {src}")),
            ]
        }
        Traffic::Tunnel(port) => vec![(format!("udp dport {port}"), format!("-p udp --dport {port}"))],
    };
    let lines: Vec<String> = matches.into_iter().map(|(nft, ipt)| insert(rule, &nft, &ipt)).collect();
    lines.join(" && ")
}

/// As [`allow`], for packets with both ends inside only.
fn within(rule: &RuleRef, traffic: Traffic) -> String {
    match traffic {
        Traffic::Network(net) => {
            let ip = family(net.addr());
            insert(rule, &format!("{ip} saddr {net} {ip} daddr {net}"), &format!("-s {net} -d {net}"))
        }
        other => allow(rule, other),
    }
}

fn insert(rule: &RuleRef, nft: &str, ipt: &str) -> String {
    match rule.owner {
        Owner::Nft => format!("nft insert rule {} {nft} accept", chain(rule)),
        Owner::IptablesNft | Owner::IptablesLegacy => {
            format!("{} -t {} -I {} {ipt} -j ACCEPT", tool(rule), bare(&rule.table), one_word(&rule.chain))
        }
    }
}
