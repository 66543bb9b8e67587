//! Whether the kernel has what tunnels and rules need: `module:NAME` = loaded, builtin, available (loaded when it is
//! first used) or absent. Nothing is said where the kernel tells nothing.

#![expect(clippy::disallowed_methods, reason = "modules are files")]

use std::collections::BTreeMap;
use std::path::Path;

use crate::net::IfName;
use crate::state::{Link, LinkKind};

/// Modules that the way of a packet depends on.
const MODULES: &[&str] = &[
    "br_netfilter",
    "bridge",
    "ip_tables",
    "ip_vs",
    "ipip",
    "nf_conntrack",
    "nf_nat",
    "nf_tables",
    "udp_tunnel",
    "veth",
    "vxlan",
    "wireguard",
];

pub(super) fn facts(links: &BTreeMap<IfName, Link>) -> BTreeMap<String, String> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let release = read("/proc/sys/kernel/osrelease").unwrap_or_default();
    let lists = format!("/lib/modules/{}", release.trim_end());
    let lists = Lists {
        loaded: read("/proc/modules"),
        builtin: read(&format!("{lists}/modules.builtin")),
        files: read(&format!("{lists}/modules.dep")),
    };
    let known = |name: &str| {
        // The directory is there for a module that is loaded, and for one built in if it has parameters or a version.
        let seen = Path::new("/sys/module").join(name).exists() || used(name, links);
        lists.word(name, seen).map(|word| (format!("module:{name}"), word.to_owned()))
    };
    MODULES.iter().filter_map(|name| known(name)).collect()
}

/// Something that only this module can have made is there.
fn used(name: &str, links: &BTreeMap<IfName, Link>) -> bool {
    match name {
        "br_netfilter" => Path::new("/proc/sys/net/bridge").exists(),
        "nf_conntrack" => Path::new("/proc/sys/net/netfilter/nf_conntrack_max").exists(),
        _ => links.values().any(|link| match &link.kind {
            LinkKind::Vxlan(_) => matches!(name, "vxlan" | "udp_tunnel"),
            LinkKind::Bridge => name == "bridge",
            LinkKind::Veth { .. } => name == "veth",
            LinkKind::Other(kind) => kind == name,
            LinkKind::Loopback | LinkKind::Plain => false,
        }),
    }
}

/// What the kernel and its package say of modules.
struct Lists {
    loaded: Option<String>,
    builtin: Option<String>,
    files: Option<String>,
}

impl Lists {
    fn word(&self, name: &str, seen: bool) -> Option<&'static str> {
        let loaded = |text: &String| text.lines().any(|line| line.split(' ').next() == Some(name));
        let files = |text: &String| {
            // `kernel/drivers/net/vxlan/vxlan.ko.zst: …`; a file may spell a dash where the kernel has an underscore.
            let paths = text.lines().filter_map(|line| line.split(':').next()?.rsplit('/').next());
            paths
                .into_iter()
                .any(|file| file.split('.').next().is_some_and(|stem| stem.replace('-', "_") == name))
        };
        match self {
            Self { loaded: Some(text), .. } if loaded(text) => Some("loaded"),
            Self { builtin: Some(text), .. } if files(text) => Some("builtin"),
            _ if seen => Some("builtin"),
            Self { files: Some(text), .. } if files(text) => Some("available"),
            // Only who has seen both lists knows that it is in neither.
            Self { builtin: Some(_), files: Some(_), .. } => Some("absent"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lists;

    #[test]
    fn a_module_is_absent_only_if_every_list_was_seen() {
        let lists = |builtin: Option<&str>, files: Option<&str>| Lists {
            loaded: Some("veth 40960 0 - Live 0x0\n".to_owned()),
            builtin: builtin.map(str::to_owned),
            files: files.map(str::to_owned),
        };
        let builtin = "kernel/net/bridge/bridge.ko\n";
        let files = "kernel/drivers/net/vxlan/vxlan.ko.zst: kernel/net/ipv4/udp_tunnel.ko.zst\nkernel/x/br-netfilter.ko:\n";
        let whole = lists(Some(builtin), Some(files));
        for (name, seen, want) in [
            ("veth", false, Some("loaded")),
            ("bridge", false, Some("builtin")),
            ("vxlan", false, Some("available")),
            ("br_netfilter", false, Some("available")),
            ("ip_vs", true, Some("builtin")),
            ("wireguard", false, Some("absent")),
        ] {
            assert_eq!(whole.word(name, seen), want, "{name}");
        }
        assert_eq!(lists(None, Some(files)).word("wireguard", false), None);
        assert_eq!(lists(None, None).word("vxlan", false), None);
    }
}
