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
        "net.ipv4.fib_multipath_use_neigh",
    ]
    .map(str::to_owned)
    .to_vec();
    let devices = links.keys().map(|dev| spelt(dev.as_str()));
    for conf in ["all".to_owned(), "default".to_owned()].into_iter().chain(devices) {
        names.extend(DEVICE.map(|name| format!("net.ipv4.conf.{conf}.{name}")));
        // What routing reads of a new device is what `default` said when it came: of no interest later.
        if conf != "default" {
            names.extend(ROUTING.map(|name| format!("net.{name}").replace("*", &conf)));
        }
    }
    let tunnels = links.iter().filter(|(_, link)| matches!(link.kind, LinkKind::Vxlan(_)));
    names.extend(tunnels.map(|(dev, _)| format!("net.ipv6.conf.{}.accept_ra", spelt(dev.as_str()))));
    let read = |name: String| {
        let text = std::fs::read_to_string(path(&name)?).ok()?;
        Some((format!("sysctl:{name}"), text.trim_end().to_owned()))
    };
    names.into_iter().filter_map(read).collect()
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
