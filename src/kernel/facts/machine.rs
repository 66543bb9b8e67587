//! Which programs of the machine meddle with networks: managers, firewalls, other overlays, container runtimes.
//! From /proc and the marks that they leave in /run; nobody is asked over a bus.

#![expect(clippy::disallowed_methods, reason = "marks are files")]

use std::collections::BTreeMap;
use std::path::Path;

use super::Asked;
use crate::state::Link;

/// `unit:NAME`, and the program that is it when it runs.
const UNITS: &[(&str, &str)] = &[
    ("systemd-networkd", "systemd-networkd"),
    ("NetworkManager", "NetworkManager"),
    ("dhcpcd", "dhcpcd"),
    ("firewalld", "firewalld"),
    ("docker", "dockerd"),
    ("containerd", "containerd"),
    ("crio", "crio"),
    ("kubelet", "kubelet"),
    ("kube-proxy", "kube-proxy"),
    ("flanneld", "flanneld"),
    ("calico", "calico-node"),
    ("cilium", "cilium-agent"),
    ("weave", "weaver"),
    ("antrea", "antrea-agent"),
    ("kube-router", "kube-router"),
    ("ovn-kubernetes", "ovnkube"),
];

/// Where CNI configurations lie.
const CNI: &str = "/etc/cni/net.d";

pub(super) fn facts(asked: &Asked<'_>) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    for (unit, program) in UNITS {
        let runs = asked.processes.runs(program);
        facts.insert(format!("unit:{unit}"), if runs { "active" } else { "inactive" }.to_owned());
    }
    // No daemon: what it says in its own file is what it loaded at boot.
    if let Ok(text) = std::fs::read_to_string("/etc/ufw/ufw.conf") {
        let on = text.lines().any(|line| line.trim().eq_ignore_ascii_case("enabled=yes"));
        facts.insert("unit:ufw".to_owned(), if on { "active" } else { "inactive" }.to_owned());
    }
    match std::fs::read_dir(CNI) {
        Ok(entries) => {
            let mut names: Vec<String> =
                entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
            names.sort();
            facts.insert("cni:conf".to_owned(), names.join(" "));
        }
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            facts.insert("cni:conf".to_owned(), String::new());
        }
        Err(_) => {}
    }
    for (dev, link) in asked.state.links.iter().filter(|(_, link)| link.vxlan().is_some()) {
        facts.extend(managed(dev.as_str(), link));
    }
    facts
}

/// `managed:PROGRAM/DEV`: how a network manager counts the device among its own, or `no`.
fn managed(dev: &str, link: &Link) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut say = |program: &str, how: Option<String>| {
        all.push((format!("managed:{program}/{dev}"), how.unwrap_or_else(|| "no".to_owned())));
    };
    let read = |path: String| std::fs::read_to_string(&path).ok().map(|text| (path, text));
    if let Some((path, text)) = read(format!("/run/NetworkManager/devices/{}", link.index)) {
        say("NetworkManager", line(&text, "managed=true").map(|line| format!("{path}: {line}")));
    }
    if let Some((path, text)) = read(format!("/run/systemd/netif/links/{}", link.index)) {
        let state = text.lines().find(|line| line.starts_with("ADMIN_STATE="));
        let state = state.filter(|line| !line.ends_with("=unmanaged"));
        say("systemd-networkd", state.map(|line| format!("{path}: {line}")));
    }
    let marks = ["", "-4", "-6"].map(|family| format!("/run/dhcpcd/{dev}{family}.pid"));
    let marks = marks.into_iter().chain([format!("/var/lib/dhcpcd/{dev}.lease")]);
    if let Some(mark) = marks.into_iter().find(|path| Path::new(path).exists()) {
        say("dhcpcd", Some(mark));
    }
    all
}

fn line<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    text.lines().map(str::trim).find(|line| *line == wanted)
}
