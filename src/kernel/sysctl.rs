//! Sysctls as facts: which ones are read, how they are spelt, where they lie.
//! `/proc/sys/net` shows the namespace of the reading *thread*: the caller sees to standing in the right one.

#![expect(clippy::disallowed_methods, reason = "sysctls are files")]

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use nix::errno::Errno;

use super::Refusal;
use crate::net::IfName;
use crate::state::{Link, LinkKind};

/// Of each device, of `all` and of `default`.
const DEVICE: [&str; 2] = ["rp_filter", "forwarding"];

/// Of each device and of `all`: what decides about a packet's route besides.
const ROUTING: [&str; 6] = [
    "ipv4.conf.*.accept_local",
    "ipv4.conf.*.src_valid_mark",
    "ipv4.conf.*.route_localnet",
    "ipv4.conf.*.send_redirects",
    "ipv4.conf.*.ignore_routes_with_linkdown",
    "ipv6.conf.*.ignore_routes_with_linkdown",
];

/// Reads the facts. A file that is not there (no IPv6, no br_netfilter) is a fact that is not there.
pub(crate) fn facts(links: &BTreeMap<IfName, Link>) -> BTreeMap<String, String> {
    let mut names: Vec<String> = [
        "net.ipv4.ip_forward",
        "net.ipv6.conf.all.forwarding",
        "net.bridge.bridge-nf-call-iptables",
        "net.bridge.bridge-nf-call-ip6tables",
    ]
    .map(str::to_owned)
    .to_vec();
    let devices = links.keys().map(|dev| spelt(dev.as_str()));
    for conf in ["all".to_owned(), "default".to_owned()].into_iter().chain(devices) {
        names.extend(DEVICE.map(|name| format!("net.ipv4.conf.{conf}.{name}")));
    }
    let tunnels = links.iter().filter(|(_, link)| matches!(link.kind, LinkKind::Vxlan(_)));
    names.extend(tunnels.map(|(dev, _)| format!("net.ipv6.conf.{}.accept_ra", spelt(dev.as_str()))));
    named(names)
}

/// What else the route lookup goes by, which the agent has no use for.
pub(crate) fn routing(links: &BTreeMap<IfName, Link>) -> BTreeMap<String, String> {
    let mut names = vec!["net.ipv4.fib_multipath_use_neigh".to_owned()];
    // What routing reads of a new device is what `default` said when it came: of no interest later.
    for conf in links.keys().map(|dev| spelt(dev.as_str())).chain(["all".to_owned()]) {
        names.extend(ROUTING.map(|name| format!("net.{name}").replace("*", &conf)));
    }
    named(names)
}

/// Further ones, which only a reader of everything looks at.
pub(crate) fn more(links: &BTreeMap<IfName, Link>) -> BTreeMap<String, String> {
    const HOST: &[&str] = &[
        "net.bridge.bridge-nf-call-arptables",
        "net.bridge.bridge-nf-filter-vlan-tagged",
        "net.ipv4.fib_multipath_hash_policy",
        "net.ipv4.fwmark_reflect",
        "net.ipv4.ip_default_ttl",
        "net.ipv4.ip_forward_use_pmtu",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_no_pmtu_disc",
        "net.ipv4.ip_nonlocal_bind",
        "net.ipv4.neigh.default.gc_thresh3",
        "net.ipv6.fib_multipath_hash_policy",
        "net.ipv6.neigh.default.gc_thresh3",
        "net.netfilter.nf_conntrack_checksum",
        "net.netfilter.nf_conntrack_count",
        "net.netfilter.nf_conntrack_max",
        "net.netfilter.nf_conntrack_tcp_be_liberal",
    ];
    const V4: &[&str] = &["arp_announce", "arp_filter", "arp_ignore", "log_martians", "proxy_arp"];
    const V6: &[&str] = &["accept_ra", "disable_ipv6", "forwarding"];
    let mut names: Vec<String> = HOST.iter().map(|name| (*name).to_owned()).collect();
    let devices = links.keys().map(|dev| spelt(dev.as_str()));
    for conf in ["all".to_owned(), "default".to_owned()].into_iter().chain(devices) {
        names.extend(V4.iter().map(|key| format!("net.ipv4.conf.{conf}.{key}")));
        names.extend(V6.iter().map(|key| format!("net.ipv6.conf.{conf}.{key}")));
    }
    named(names)
}

fn named(names: Vec<String>) -> BTreeMap<String, String> {
    let fact = |name: String| Some((format!("sysctl:{name}"), read(&name)?));
    names.into_iter().filter_map(fact).collect()
}

/// Reads one; several words are kept apart by a blank.
pub(crate) fn read(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(path(name)?).ok()?;
    Some(text.trim_end().replace('\t', " "))
}

/// Writes one.
pub(crate) fn write(name: &str, value: &str) -> Result<(), Refusal> {
    let refusal = |errno: Errno, said: &str| Refusal { errno: errno as i32, said: said.to_owned() };
    let path = path(name).ok_or_else(|| refusal(Errno::EINVAL, "not a network sysctl"))?;
    std::fs::write(&path, value).map_err(|cause: io::Error| {
        let errno = cause.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
        refusal(errno, &format!("writing {}", path.display()))
    })
}

/// A device's name inside a dotted name: its own dots become slashes (sysctl(8)).
fn spelt(device: &str) -> String {
    device.replace('.', "/")
}

/// Dots become slashes and slashes dots. Only below `net`, and never upwards.
fn path(name: &str) -> Option<PathBuf> {
    let swapped: String = name
        .chars()
        .map(|c| match c {
            '.' => '/',
            '/' => '.',
            other => other,
        })
        .collect();
    let upwards = swapped.split('/').any(|part| part.is_empty() || part.chars().all(|c| c == '.'));
    (swapped.starts_with("net/") && !upwards).then(|| PathBuf::from("/proc/sys").join(swapped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_inside_a_device_name_is_a_slash() {
        for (name, want) in [
            ("net.ipv4.ip_forward", Some("/proc/sys/net/ipv4/ip_forward")),
            ("net.ipv6.conf.flannel/1.accept_ra", Some("/proc/sys/net/ipv6/conf/flannel.1/accept_ra")),
            ("kernel.panic", None),
            ("net.//.kernel.panic", None),
            ("net..x", None),
        ] {
            assert_eq!(path(name), want.map(PathBuf::from), "{name}");
        }
        assert_eq!(spelt("eth0.42"), "eth0/42");
    }
}
