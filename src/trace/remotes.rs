//! Where a VXLAN device sends a MAC: its own entry, a nexthop group, or the all-zero entry that takes what has none.

use std::net::IpAddr;

use crate::net::{IfName, Mac};
use crate::state::{Fdb, FdbKey, State};

/// What the device knows of a MAC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remotes {
    /// How it knows.
    pub how: How,
    /// Every remote that gets the packet, or may get it.
    pub to: Vec<Remote>,
}

/// How a device comes to a remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// By an entry of the MAC: each remote gets a copy.
    Entry,
    /// By an entry that names a nexthop group: the flow's hash chooses one of them.
    Group(u32),
    /// By the all-zero entry: each remote gets a copy.
    Flood,
    /// Not at all.
    Nothing,
}

/// A tunnel end point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remote {
    pub ip: IpAddr,
    /// UDP port, where it is not the device's.
    pub port: Option<u16>,
    /// VNI, where it is not the device's.
    pub vni: Option<u32>,
}

/// The remotes of a MAC (`vxlan_xmit`).
pub(super) fn remotes(state: &State, dev: IfName, mac: Mac) -> Remotes {
    let entry = |mac| state.fdb.get(&FdbKey { dev, mac, vlan: 0, master: false });
    if let Some(entry) = entry(mac) {
        return match entry.nhid {
            Some(id) => Remotes { how: How::Group(id), to: members(state, id) },
            None => Remotes { how: How::Entry, to: listed(entry) },
        };
    }
    let flood = entry(Mac::ZERO).map(listed).unwrap_or_default();
    let how = if flood.is_empty() { How::Nothing } else { How::Flood };
    Remotes { how, to: flood }
}

fn listed(entry: &Fdb) -> Vec<Remote> {
    let Fdb { port, vni, .. } = *entry;
    let all = entry.dst.into_iter().chain(entry.more.iter().copied());
    all.map(|ip| Remote { ip, port, vni }).collect()
}

/// The members of a nexthop group of forwarding entries.
fn members(state: &State, id: u32) -> Vec<Remote> {
    let ids = state.nexthops.get(&id).map(|group| group.group.as_slice()).unwrap_or_default();
    let hops = ids.iter().filter_map(|(id, _)| state.nexthops.get(id));
    hops.filter_map(|hop| hop.hop.via).map(|ip| Remote { ip, port: None, vni: None }).collect()
}

impl Remotes {
    /// As a line behind the MAC: `-> 192.168.50.12`, `-> one of 3 of nexthop group 7`.
    pub(super) fn line(&self, mac: Mac) -> String {
        let count = self.to.len();
        match (self.how, self.to.as_slice()) {
            (How::Nothing, _) => format!("no entry for {mac}"),
            (How::Group(id), _) => format!("{mac} -> one of {count} of nexthop group {id}"),
            (How::Flood, _) => format!("{} -> {count} remotes", Mac::ZERO),
            (How::Entry, [one]) => format!("{mac} -> {}", one.ip),
            (How::Entry, []) => format!("{mac} has no remote"),
            (How::Entry, _) => format!("{mac} -> {count} remotes"),
        }
    }

    /// Each of them as a line, where there are several.
    pub(super) fn each(&self) -> Vec<String> {
        let line = |remote: &Remote| {
            let port = remote.port.map(|port| format!(" port {port}")).unwrap_or_default();
            let vni = remote.vni.map(|vni| format!(" vni {vni}")).unwrap_or_default();
            format!("dst {}{port}{vni}", remote.ip)
        };
        if self.to.len() > 1 { self.to.iter().map(line).collect() } else { Vec::new() }
    }
}
