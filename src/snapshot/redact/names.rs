//! Names of hosts, pods and devices: what somebody chose is replaced, what every machine has stays.

use super::Redactor;
use crate::net::IfName;

/// Devices that are called so on every machine.
const COMMON: &[&str] = &[
    "lo",
    "all",
    "default",
    "flannel-wg",
    "flannel-wg-v6",
    "kube-ipvs0",
    "kube-bridge",
    "kube-dummy-if",
    "nodelocaldns",
    "cilium_host",
    "cilium_net",
    "weave",
    "docker_gwbridge",
];

/// Kinds of devices that are numbered, or named by chance.
const KINDS: &[&str] = &[
    "eth",
    "eno",
    "ens",
    "enp",
    "enx",
    "wlan",
    "wlp",
    "wwan",
    "ib",
    "veth",
    "cni",
    "flannel.",
    "flannel-v6.",
    "flannel",
    "docker",
    "br-",
    "br",
    "bond",
    "team",
    "vxlan",
    "tun",
    "tap",
    "wg",
    "cali",
    "dummy",
    "virbr",
    "lxc",
    "podman",
    "macvlan",
    "ipvl",
    "sit",
    "gre",
    "gretap",
    "erspan",
    "ip6tnl",
    "ip6gre",
    "ipip",
    "tunl",
    "vnet",
    "ifb",
    "vlan",
    "vrf",
];

/// Names of hosts that say nothing.
const NOBODY: &[&str] = &["", "?", "localhost", "localhost.localdomain"];

/// True for a name that tells nothing of its owner.
fn is_common(name: &str) -> bool {
    let chance = |rest: &str| {
        let number =
            |part: &str| part.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, 's' | 'p' | 'n' | '.'));
        number(rest)
    };
    COMMON.contains(&name) || KINDS.iter().any(|kind| name.strip_prefix(kind).is_some_and(chance))
}

impl Redactor {
    /// A device.
    pub(super) fn dev(&self, name: IfName) -> IfName {
        self.device(name.as_str()).parse().unwrap_or(name)
    }

    /// A device, as text: fifteen characters at most.
    pub(super) fn device(&self, name: &str) -> String {
        if is_common(name) { name.to_owned() } else { self.name(name, "dev") }
    }

    /// A node.
    pub(super) fn host(&self, name: &str) -> String {
        if NOBODY.contains(&name) || self.is_number(name) { name.to_owned() } else { self.name(name, "host") }
    }

    /// A pod, a container or a namespace: each part between slashes by itself. Numbers are nobody's name.
    pub(super) fn pod(&self, name: &str) -> String {
        if self.is_number(name) {
            return name.to_owned();
        }
        let part = |part: &str| match part {
            "" | "run" | "var" | "netns" | "docker" | "proc" | "ns" | "net" | "default" | "kube-system" => {
                part.to_owned()
            }
            part if self.is_number(part) => part.to_owned(),
            part => self.name(part, "pod"),
        };
        name.split('/').map(part).collect::<Vec<_>>().join("/")
    }

    /// `4711`, `pid 4711`, `namespace 4026531840`.
    fn is_number(&self, name: &str) -> bool {
        let number = name.strip_prefix("pid ").or_else(|| name.strip_prefix("namespace ")).unwrap_or(name);
        !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    }

    /// One word for another. The first that asks says what kind of word it is.
    fn name(&self, old: &str, kind: &str) -> String {
        // A node may be called by its address.
        if let Ok(ip) = old.parse() {
            return self.ip(ip).to_string();
        }
        let mut words = self.words.borrow_mut();
        let new = || format!("{kind}-{:08x}", self.space.key.hash(b'n', old.as_bytes()) as u32);
        words.entry(old.to_owned()).or_insert_with(new).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::is_common;

    #[test]
    fn what_every_machine_has_is_told_from_what_somebody_chose() {
        for common in [
            "lo",
            "eth0",
            "enp3s0",
            "eth0.100",
            "veth3fa9c2d1",
            "cni0",
            "flannel.1",
            "flannel-v6.1",
            "br-0a1b2c3d4e5f",
        ] {
            assert!(is_common(common), "{common}");
        }
        for own in ["acme0", "br-acme", "vethshop", "uplink", "wan0", "docker-prod"] {
            assert!(!is_common(own), "{own}");
        }
    }
}
