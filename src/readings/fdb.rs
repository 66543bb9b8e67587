//! The overlay device and its forwarding entries beside the leases.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::arp::{gateways, goes_direct};
use super::expect::{Expected, Peer, expected, node_of, own_vni, vxlan_data};
use super::row::{Device, Kernel, Promise, Row, Standing};
use super::words::{device_half, fdb_half};
use super::{Reading, Sight, device_name, flannel_devices, own_lease};
use crate::config::VxlanConf;
use crate::net::{IfName, Mac};
use crate::state::{Fdb, FdbKey, State, nud};

/// The device first, then one row a peer, then leftovers; with `all` the rest of the host's entries.
pub fn fdb_rows(sight: &Sight<'_>, all: bool) -> Reading {
    let devices = device_rows(sight);
    let (mut reading, shown) = match expected(sight) {
        Some(expected) => beside_leases(sight.state, expected),
        None => kernel_only(sight.state),
    };
    reading.rows.splice(..0, devices);
    if all {
        let rest = sight.state.fdb.iter().filter(|(key, _)| !shown.contains(key));
        reading.rows.extend(rest.map(|(key, fdb)| row(Standing::Foreign, "-", key, fdb)));
    }
    reading
}

/// One row a flannel device, held against the own lease and the config, and against the host.
fn device_rows(sight: &Sight<'_>) -> Vec<Row> {
    let Some(own) = own_lease(sight) else {
        let devices = flannel_devices(sight.state).into_iter();
        let halves = devices.filter_map(|(dev, _)| device_half(dev, sight.state.links.get(&dev)?));
        return halves
            .map(|half| {
                let faults = device_faults(sight.state, &half, sight.conf);
                let standing = if half.up { Standing::Ok } else { Standing::Broken };
                Row::new(standing, "-", Some(Kernel::Link(half)), None).note(faults.join("; "))
            })
            .collect();
    };
    let vni = own_vni(sight);
    let nets = own.subnet.nets().filter_map(|net| Some((net, device_name(net.addr().is_ipv6(), vni)?)));
    nets.map(|(net, dev)| {
        let v6 = net.addr().is_ipv6();
        let data = vxlan_data(own, v6);
        let public =
            if v6 { own.attrs.public_ipv6.map(IpAddr::V6) } else { own.attrs.public_ip.map(IpAddr::V4) };
        let mac = data.map(|data| data.mac);
        let address = mac.map(|mac| format!(" lladdr {mac}")).unwrap_or_default();
        let promise = Promise {
            subnet: net,
            public_ip: public,
            vni: Some(vni),
            mac,
            wants: format!("{dev} vxlan id {vni}{address}"),
        };
        device_row(sight, dev, own.attrs.name(), promise)
    })
    .collect()
}

fn device_row(sight: &Sight<'_>, dev: IfName, node: String, promise: Promise) -> Row {
    let Some(link) = sight.state.links.get(&dev) else {
        return Row::new(Standing::Missing, &node, None, Some(promise))
            .note(format!("there is no device {dev}"));
    };
    let Some(half) = device_half(dev, link) else {
        return Row::new(Standing::Wrong, &node, None, Some(promise))
            .note(format!("{dev} is not a vxlan device"));
    };
    let mut faults = device_faults(sight.state, &half, sight.conf);
    if promise.vni.is_some_and(|vni| vni != half.vni) {
        faults.insert(0, "another VNI than the lease's".to_owned());
    }
    if promise.mac.is_some() && promise.mac != half.mac {
        faults.insert(0, "another MAC than the lease's: peers' packets are ignored".to_owned());
    }
    let standing = if faults.is_empty() { Standing::Ok } else { Standing::Wrong };
    Row::new(standing, &node, Some(Kernel::Link(half)), Some(promise)).note(faults.join("; "))
}

/// What is wrong with a device whatever the lease says.
fn device_faults(state: &State, half: &Device, conf: Option<&VxlanConf>) -> Vec<String> {
    let mut faults = Vec::new();
    if !half.up {
        faults.push("down".to_owned());
    }
    // Behind NAT, `local` is not the public address; but it must be the host's.
    if let Some(local) =
        half.local.filter(|local| state.owner_of(*local).is_none() && !state.addrs.is_empty())
    {
        faults.push(format!("local {local} is no address of this host"));
    }
    if let Some(conf) = conf {
        if conf.port != half.port {
            faults.push(format!("the config asks for port {}", conf.port));
        }
        if conf.learning != half.learning {
            faults.push(format!(
                "the config asks for {}",
                if conf.learning { "learning" } else { "nolearning" }
            ));
        }
    }
    // Outer IPv4 and UDP, VXLAN and the inner Ethernet header: 50 bytes, 70 over IPv6.
    let overhead = if half.local.is_some_and(|ip| ip.is_ipv6()) { 70 } else { 50 };
    let below = half.lower.and_then(|lower| state.links.get(&lower));
    if let Some(room) = below.map(|link| link.mtu.saturating_sub(overhead)).filter(|room| half.mtu > *room) {
        faults.push(format!("an MTU over {room} does not fit the uplink"));
    }
    faults
}

fn beside_leases(state: &State, expected: Expected) -> (Reading, BTreeSet<FdbKey>) {
    let Expected { ours, peers, own: _, unseen } = expected;
    let mut reading = Reading { rows: Vec::new(), unseen };
    let mut shown = BTreeSet::new();
    for peer in peers.iter().filter(|peer| !goes_direct(state, peer)) {
        let key = FdbKey { dev: peer.dev, mac: peer.mac, vlan: 0, master: false };
        shown.insert(key);
        reading.rows.push(judge(state, peer, &key));
    }
    for (key, fdb) in state.fdb.iter().filter(|(key, _)| ours.contains(&key.dev)) {
        if shown.insert(*key) {
            let node = fdb.dst.map_or("-", |dst| node_of(&peers, dst));
            let note = if key.mac == Mac::ZERO { "floods what no entry matches" } else { "" };
            reading.rows.push(row(Standing::Stale, node, key, fdb).note(note));
        }
    }
    (reading, shown)
}

fn judge(state: &State, peer: &Peer, key: &FdbKey) -> Row {
    let promise = peer.promise(format!("{} dev {} dst {} self permanent", key.mac, key.dev, peer.public));
    let Some(fdb) = state.fdb.get(key) else {
        return Row::new(Standing::Missing, &peer.node, None, Some(promise));
    };
    let (standing, note) = match fdb.dst {
        Some(dst) if dst != peer.public => (Standing::Wrong, "another end point than the lease's"),
        None => (Standing::Wrong, "without an end point"),
        _ if !fdb.more.is_empty() => (Standing::Wrong, "more than one end point"),
        _ if fdb.state & nud::PERMANENT == 0 => {
            (Standing::Wrong, "not permanent: learnt, or written by somebody else")
        }
        _ if fdb.port.is_some() || fdb.vni.is_some() => (Standing::Wrong, "with a port or VNI of its own"),
        _ => (Standing::Ok, ""),
    };
    Row::new(standing, &peer.node, Some(Kernel::Fdb(fdb_half(key, fdb))), Some(promise)).note(note)
}

/// Without leases: an entry is held against the neighbours, and each neighbour that a route uses against the entries.
fn kernel_only(state: &State) -> (Reading, BTreeSet<FdbKey>) {
    let mut reading = Reading { rows: Vec::new(), unseen: super::kernel_half_only(state) };
    let ours: BTreeSet<IfName> = flannel_devices(state).into_iter().map(|(dev, _)| dev).collect();
    let neighs = state.neighs.iter().filter_map(|(key, neigh)| Some(((key.dev, neigh.mac?), key.ip)));
    let used: std::collections::BTreeMap<(IfName, Mac), IpAddr> = neighs.collect();
    let mut shown = BTreeSet::new();
    for (key, fdb) in state.fdb.iter().filter(|(key, _)| ours.contains(&key.dev)) {
        shown.insert(*key);
        let (standing, note) = match used.get(&(key.dev, key.mac)) {
            _ if key.mac == Mac::ZERO => (Standing::Ok, "floods what no entry matches".to_owned()),
            Some(ip) => (Standing::Ok, format!("gateway {ip}")),
            None => (Standing::MaybeStale, "no neighbour has this MAC".to_owned()),
        };
        reading.rows.push(row(standing, "-", key, fdb).note(note));
    }
    for key in gateways(state) {
        // A gateway without a neighbour is `arp`'s to tell: there is no MAC to forward.
        let Some(mac) = state.neighs.get(&key).and_then(|neigh| neigh.mac) else { continue };
        if !super::arp::is_forwarded(state, key.dev, mac) {
            let note = format!("no forwarding entry for {mac}, the gateway {}", key.ip);
            reading.rows.push(Row::new(Standing::Broken, "-", None, None).note(note));
        }
    }
    (reading, shown)
}

fn row(standing: Standing, node: &str, key: &FdbKey, fdb: &Fdb) -> Row {
    Row::new(standing, node, Some(Kernel::Fdb(fdb_half(key, fdb))), None)
}
