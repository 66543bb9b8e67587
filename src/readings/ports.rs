//! The ports of a bridge, each with what was learnt on it and with the pod behind it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::net::{IfName, Mac};
use crate::state::{FdbKey, Link, LinkKind, Pod, Port, State, nud};

/// One port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BridgeRow {
    /// The device.
    pub port: IfName,
    /// `forwarding`, `blocking`, …; `down` for a device that is; `?` where the bridge was not asked.
    pub state: String,
    /// What is not as a bridge makes a port: `hairpin`, `isolated`, `no learning`, `no flood`.
    pub flags: Vec<String>,
    /// Its MTU.
    pub mtu: u32,
    /// Addresses that were learnt on it or put there, those of the port itself aside.
    pub macs: Vec<Mac>,
    /// VLANs, where the bridge looks at them: first and last.
    pub vlans: Vec<(u16, u16)>,
    /// The namespace behind it.
    pub pod: Option<Behind>,
}

/// The other end of a port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Behind {
    /// What the pod is called.
    pub name: String,
    /// The device there; `None` where the inside was not seen.
    pub dev: Option<IfName>,
    /// Its address.
    pub mac: Option<Mac>,
    /// Its IP addresses, link-local ones aside.
    pub ips: Vec<IpAddr>,
}

/// The ports of `bridge` in the kernel's order; `None` if it is no bridge of this node.
pub fn port_rows(state: &State, pods: &[Pod], bridge: IfName) -> Option<Vec<BridgeRow>> {
    let filters = match state.links.get(&bridge)? {
        Link { kind: LinkKind::Bridge, vlan_filtering, .. } => *vlan_filtering,
        _ => return None,
    };
    let ports = state.links.iter().filter(|(_, link)| link.master == Some(bridge));
    let mut ports: Vec<_> = ports.collect();
    ports.sort_by_key(|(_, link)| link.index);
    Some(ports.into_iter().map(|(dev, link)| row(state, pods, *dev, link, filters)).collect())
}

/// The bridge itself, in one line: `cni0  0a:58:… mtu 1450  10.5.1.1/24`.
pub fn bridge_line(state: &State, bridge: IfName) -> String {
    let Some(link) = state.links.get(&bridge) else { return bridge.to_string() };
    let mac = link.mac.map(|mac| format!(" {mac}")).unwrap_or_default();
    let down = if link.up { "" } else { " down" };
    let addrs: String = state.addrs_of(bridge).map(|(net, _)| format!(" {net}")).collect();
    format!("{bridge}{mac} mtu {}{down}{addrs}", link.mtu)
}

fn row(state: &State, pods: &[Pod], dev: IfName, link: &Link, filters: bool) -> BridgeRow {
    let port = link.port.as_ref();
    let vlans = port.filter(|_| filters).map(|port| port.vlans.iter().map(|(a, b, _)| (*a, *b)).collect());
    let word = match port {
        _ if !link.up => "down",
        None => "?",
        Some(port) => port.word(),
    };
    BridgeRow {
        port: dev,
        state: word.to_owned(),
        flags: port.map(flags).unwrap_or_default(),
        mtu: link.mtu,
        macs: macs(state, dev),
        vlans: vlans.unwrap_or_default(),
        pod: Pod::behind(pods, link).map(|pod| behind(pod, link)),
    }
}

fn flags(port: &Port) -> Vec<String> {
    let Port { state: _, hairpin, isolated, learning, flood, vlans: _ } = port;
    let all =
        [(*hairpin, "hairpin"), (*isolated, "isolated"), (!learning, "no learning"), (!flood, "no flood")];
    all.iter().filter(|(on, _)| *on).map(|(_, word)| (*word).to_owned()).collect()
}

/// A permanent entry of a port is an address of this host.
fn macs(state: &State, dev: IfName) -> Vec<Mac> {
    let mut macs: Vec<Mac> = state
        .fdb
        .iter()
        .filter(|(FdbKey { dev: on, master, .. }, fdb)| {
            *on == dev && *master && fdb.state & nud::PERMANENT == 0
        })
        .map(|(key, _)| key.mac)
        .collect();
    macs.dedup();
    macs
}

fn behind(pod: &Pod, link: &Link) -> Behind {
    let end = pod.end_of(link);
    let local = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let ips = end.iter().flat_map(|(dev, _)| pod.state.addrs_of(*dev)).map(|(net, _)| net.addr());
    Behind {
        name: pod.name.clone(),
        dev: end.map(|(dev, _)| dev),
        mac: end.and_then(|(_, link)| link.mac),
        ips: ips.filter(|ip| !local(ip)).collect(),
    }
}
