//! What the names in a fault's texts stand for in one lab: addresses, MACs and devices, read from the lab as it is.
#![expect(clippy::disallowed_methods, reason = "a room of hands: runs ip inside the lab")]

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::process::{Command, Output, Stdio};

use ipnet::IpNet;
use serde::Deserialize;

use super::super::layout::{Layout, Node};
use super::super::manifest::{Home, Manifest};
use super::super::ns;
use super::super::subnet_env::SubnetEnv;
use super::{At, Fault};
use crate::error::Failure;

/// Where nobody lives on the underlay: the last host of its net.
const NOBODY: u8 = 99;

/// What differs from lab to lab in a command, by the names that [`Site::fill`] knows it by.
const TOLD: &[&str] = &[
    "subnet", "half", "base", "gw", "pod", "ip", "addr", "underlay", "mac", "dev", "dev/", "nobody", "world",
];

/// One broken node's view of its lab.
#[derive(Clone, Debug)]
pub struct Site {
    /// The namespaces of the members.
    members: BTreeMap<At, String>,
    /// What every name stands for.
    names: BTreeMap<String, String>,
    /// The same for each other node: `each.subnet` …
    each: Vec<BTreeMap<String, String>>,
}

/// A tunnel device as `ip -j -d link` prints it.
#[derive(Debug, Deserialize)]
struct Vxlan {
    ifname: String,
    address: String,
    linkinfo: LinkInfo,
}

#[derive(Debug, Deserialize)]
struct LinkInfo {
    info_data: VxlanData,
}

#[derive(Debug, Deserialize)]
struct VxlanData {
    id: u32,
    port: u16,
}

impl Site {
    /// Reads the lab of `home` as the node of that name sees it.
    pub fn read(home: &Home, manifest: &Manifest, name: &str) -> Result<Self, Failure> {
        let plan = manifest.shape.layout();
        let stranger = || {
            let all: Vec<_> = plan.nodes.iter().map(|n| n.name.as_str()).collect();
            Failure::usage(format!("lab {} has no node {name}", manifest.shape.name))
                .hint(format!("it has {}", all.join(", ")))
        };
        let node = plan.nodes.iter().find(|n| n.name == name).ok_or_else(stranger)?;
        let others: Vec<&Node> = plan.nodes.iter().filter(|n| n.name != name).collect();
        let [other, ..] = others.as_slice() else {
            let what =
                format!("lab {} has one node, and a fault needs somebody to miss it", manifest.shape.name);
            return Err(Failure::usage(what).hint("flanctl lab up --nodes 2"));
        };
        let mut names = facts(home, &plan, node)?;
        let wide = wide(home, &plan, node, &names);
        names.extend(wide);
        let each = others.iter().map(|n| facts(home, &plan, n)).collect::<Result<Vec<_>, _>>()?;
        let prefixed = |with: &str, facts: &BTreeMap<String, String>| -> BTreeMap<String, String> {
            facts.iter().map(|(key, value)| (format!("{with}.{key}"), value.clone())).collect()
        };
        if let Some(first) = each.first() {
            names.extend(prefixed("other", first));
        }
        let members = BTreeMap::from([
            (At::Node, node.netns.clone()),
            (At::Pod, node.pod_netns.clone()),
            (At::Other, other.netns.clone()),
            (At::OtherPod, other.pod_netns.clone()),
            (At::Switch, plan.switch.clone()),
        ]);
        Ok(Self { members, names, each: each.iter().map(|f| prefixed("each", f)).collect() })
    }

    /// The namespace of a member.
    pub fn netns(&self, at: At) -> &str {
        self.members.get(&at).map_or("", String::as_str)
    }

    /// The text with every name replaced; once for each other node if it names `{each.…}`.
    pub fn fill(&self, text: &str) -> Result<Vec<String>, Failure> {
        if text.contains("{each.") {
            return self.each.iter().map(|more| self.filled(text, more)).collect();
        }
        Ok(vec![self.filled(text, &BTreeMap::new())?])
    }

    /// The text with every address, MAC and device of this lab replaced by its name, as [`Site::fill`] takes it;
    /// those of nodes beyond the first other one are `{another.…}`.
    pub fn unfill(&self, text: &str) -> String {
        let beyond = self.each.iter().skip(1).flatten();
        let beyond = beyond.map(|(key, value)| (key.replacen("each.", "another.", 1), value));
        let mut known: Vec<(String, &String)> =
            self.names.iter().map(|(key, value)| (key.clone(), value)).chain(beyond).collect();
        known.retain(|(key, _)| TOLD.contains(&key.rsplit('.').next().unwrap_or(key).trim_end_matches('6')));
        // The longest first: an address is a part of other words. The node itself before others, `ip` before `addr`.
        known.sort_by_key(|(key, value)| (std::cmp::Reverse(value.len()), key.contains('.'), key == "addr"));
        let mut text = text.to_owned();
        for (key, value) in known {
            text = words_replaced(&text, value, &format!("{{{key}}}"));
        }
        text
    }

    fn filled(&self, text: &str, more: &BTreeMap<String, String>) -> Result<String, Failure> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            // A brace of nft's own has a space behind it.
            if !after.starts_with(|c: char| c.is_ascii_lowercase()) {
                out.push('{');
                rest = after;
                continue;
            }
            let (key, behind) = after.split_once('}').unwrap_or((after, ""));
            out.push_str(&self.value(key, more)?);
            rest = behind;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn value(&self, key: &str, more: &BTreeMap<String, String>) -> Result<String, Failure> {
        if let Some(dev) = key.strip_prefix("rp:") {
            let dev = if dev == "dev" { self.names.get("dev/").map_or("", String::as_str) } else { dev };
            let name = format!("net.ipv4.conf.{dev}.rp_filter");
            return said(self.netns(At::Node), &["sysctl", "-n", &name]).map(|text| text.trim().to_owned());
        }
        let ether = key.strip_prefix("ether:").map(|dev| (At::Node, dev));
        if let Some((at, dev)) = ether.or(key.strip_prefix("pod.ether:").map(|dev| (At::Pod, dev))) {
            let line = format!("ip -o link show {dev} | sed -E 's/.*link.ether ([^ ]*).*/\\1/'");
            return said(self.netns(at), &["sh", "-c", &line]).map(|text| text.trim().to_owned());
        }
        more.get(key).or_else(|| self.names.get(key)).cloned().ok_or_else(|| {
            Failure::usage(format!("this lab has no {{{key}}}")).hint("the fault is of another kind of lab")
        })
    }
}

/// The text with `new` for every `old` that stands for itself and is no part of a longer address or name.
fn words_replaced(text: &str, old: &str, new: &str) -> String {
    let part = |c: char| c.is_ascii_alphanumeric() || c == ':' || c == '.';
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(old) {
        let alone = !before.ends_with(part) && !after.starts_with(part);
        out.push_str(before);
        out.push_str(if alone { new } else { old });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What is true of one node, whoever looks.
fn facts(home: &Home, plan: &Layout, node: &Node) -> Result<BTreeMap<String, String>, Failure> {
    let lease = SubnetEnv::read(&home.node(&node.name).join("subnet.env"))
        .ok_or_else(|| Failure::found(format!("{} has no lease", node.name)).hint("is its agent running?"))?;
    let mut all = BTreeMap::from([
        ("name".to_owned(), node.name.clone()),
        ("netns".to_owned(), node.netns.clone()),
        ("podns".to_owned(), node.pod_netns.clone()),
        ("mtu".to_owned(), lease.mtu.to_string()),
    ]);
    let uplink = plan.nics.iter().find(|nic| nic.netns == node.netns);
    let addrs = uplink.map(|nic| nic.addrs.clone()).unwrap_or_default();
    for (bridge, pod) in lease.bridge.iter().zip(lease.pod()) {
        let six = if bridge.addr().is_ipv6() { "6" } else { "" };
        let mut put = |key: &str, value: String| all.insert(format!("{key}{six}"), value);
        put("subnet", bridge.trunc().to_string());
        put("len", bridge.prefix_len().to_string());
        put("base", bridge.network().to_string());
        put("gw", bridge.addr().to_string());
        put("pod", pod.addr().to_string());
        put("half", half(bridge));
        if let Some(net) = addrs.iter().find(|net| net.addr().is_ipv6() == bridge.addr().is_ipv6()) {
            put("addr", net.addr().to_string());
            put("underlay", net.trunc().to_string());
            let public = node.public.map(IpAddr::V4).filter(|_| six.is_empty());
            put("ip", public.unwrap_or(net.addr()).to_string());
        }
    }
    for Vxlan { ifname, address, linkinfo } in tunnels(node)? {
        let six = if ifname.starts_with("flannel-v6.") { "6" } else { "" };
        let mut put = |key: &str, value: String| all.insert(format!("{key}{six}"), value);
        put("dev/", ifname.replace('.', "/"));
        put("dev", ifname);
        put("mac", address);
        put("vni", linkinfo.info_data.id.to_string());
        put("port", linkinfo.info_data.port.to_string());
    }
    Ok(all)
}

/// The half of a subnet that its first pods are in.
fn half(bridge: &IpNet) -> String {
    let longer = bridge.prefix_len().saturating_add(1);
    IpNet::new(bridge.network(), longer).map_or_else(|_| bridge.to_string(), |net| net.to_string())
}

/// What else a fault may name: the lab's places, and how interfaces are dressed again after they were down.
fn wide(home: &Home, plan: &Layout, node: &Node, own: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut all = BTreeMap::from([
        ("home".to_owned(), home.path().display().to_string()),
        ("store".to_owned(), home.store().display().to_string()),
    ]);
    let subnets: Vec<_> = ["subnet", "subnet6"]
        .iter()
        .filter_map(|key| own.get(*key))
        .map(|net| net.replace('/', "-"))
        .collect();
    // As the store names a lease, in quotes for the shell: two families are joined by an ampersand.
    all.insert("key".to_owned(), format!("'{}'", subnets.join("&")));
    let Some(nic) = plan.nics.iter().find(|nic| nic.netns == node.netns) else { return all };
    let mut dress = Vec::new();
    for addr in &nic.addrs {
        dress.push(format!("ip addr replace {addr} dev eth0{}", manner(addr)));
        if let IpAddr::V4(host) = addr.addr() {
            let (net, src) = (addr.trunc(), host);
            dress.push(format!("ip route replace {net} dev eth0 proto kernel scope link src {src}"));
            let [a, b, c, _] = host.octets();
            all.insert("nobody".to_owned(), format!("{a}.{b}.{c}.{NOBODY}"));
        }
    }
    for (to, gateway) in &nic.routes {
        dress.push(format!("ip route replace {to} via {gateway} dev eth0 proto static"));
        let key = if gateway.is_ipv6() { "world6" } else { "world" };
        all.insert(key.to_owned(), gateway.to_string());
    }
    all.insert("dress".to_owned(), dress.join(" && "));
    let lease = SubnetEnv::read(&home.node(&node.name).join("subnet.env"));
    let mut dress = Vec::new();
    for (pod, bridge) in lease.iter().flat_map(|l| l.pod().into_iter().zip(&l.bridge)) {
        dress.push(format!("ip addr replace {pod} dev eth0{}", manner(&pod)));
        let all = if bridge.addr().is_ipv6() { "::/0" } else { "0.0.0.0/0" };
        dress.push(format!("ip route replace {all} via {} dev eth0 proto static", bridge.addr()));
    }
    all.insert("pod.dress".to_owned(), dress.join(" && "));
    all
}

/// What stands behind an address so that it is added as `up` adds it.
fn manner(addr: &IpNet) -> &'static str {
    if addr.addr().is_ipv6() { " nodad" } else { " brd +" }
}

/// flannel's devices on a node.
fn tunnels(node: &Node) -> Result<Vec<Vxlan>, Failure> {
    let text = said(&node.netns, &["ip", "-j", "-d", "link", "show", "type", "vxlan"])?;
    let what = || Failure::unreadable(format!("reading the tunnel devices of {}", node.name));
    // ip prints nothing, or `[]`, or empty objects for what it filters out.
    let rows: Vec<serde_json::Value> = if text.trim().is_empty() {
        Vec::new()
    } else {
        serde_json::from_str(&text).map_err(|e| what().because(e))?
    };
    let all: Vec<Vxlan> = rows.into_iter().filter_map(|row| serde_json::from_value(row).ok()).collect();
    if all.is_empty() {
        return Err(Failure::found(format!("{} has no tunnel device", node.name)).hint("flanctl lab heal"));
    }
    Ok(all)
}

/// A command that must succeed: what it prints.
fn said(netns: &str, words: &[&str]) -> Result<String, Failure> {
    let what = || Failure::unreadable(format!("running {} in {netns}", words.join(" ")));
    let output = started(netns, words).map_err(|e| what().because(e))?;
    if !output.status.success() {
        return Err(what().because(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn started(netns: &str, words: &[&str]) -> io::Result<Output> {
    let (program, args) = words.split_first().ok_or_else(|| io::Error::other("no command"))?;
    ns::within(netns, || Command::new(program).args(args).stdin(Stdio::null()).output())
}

/// Runs one line of shell in a namespace.
pub(super) fn shell(netns: &str, line: &str) -> io::Result<Output> {
    started(netns, &["sh", "-c", line])
}

/// The pod that pings: the address of its kind on the broken node.
fn opposite(to: &str) -> String {
    if to.contains("{other.") { to.replace("{other.", "{") } else { "{pod}".to_owned() }
}

/// The ping that feels a fault, and the words behind `flanctl trace` that foretell it, with every name filled in.
pub fn probe(site: &Site, fault: &Fault) -> Result<(String, String), Failure> {
    let one = |text: &str| Ok::<_, Failure>(site.fill(text)?.join(" "));
    let to = one(fault.probe.to)?;
    let source = match fault.probe.from {
        // The sender's address is the receiver's with the ends changed.
        At::Pod if fault.is_inside() => {
            let from = one(&opposite(fault.probe.to))?;
            format!("--pod {} --from {from} ", site.netns(At::Pod))
        }
        At::Pod => format!("--from {} ", one(&opposite(fault.probe.to))?),
        At::OtherPod => format!("--from {} ", one(&fault.probe.to.replace('{', "{other."))?),
        At::Node | At::Other | At::Switch => String::new(),
    };
    // A far node is looked at through its namespace.
    let peer = if fault.is_far() { format!("--peer {} ", site.netns(At::Node)) } else { String::new() };
    let trace = format!("{peer}{source}{} {to}", one(fault.probe.trace)?);
    // What has no further flags leaves no gap.
    let line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok((line(format!("{} {to}", one(fault.probe.ping)?)), line(trace)))
}
