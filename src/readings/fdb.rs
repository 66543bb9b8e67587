//! The overlay device and its forwarding entries beside the leases.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::arp::{gateways, goes_direct};
use super::expect::{Expected, Peer, expected, node_of};
use super::row::{Kernel, Row, Standing};
use super::words::fdb_half;
use super::{Keep, Reading, Sight, flannel_devices};
use crate::net::{IfName, Mac};
use crate::state::{Fdb, FdbKey, State, nud};

/// The device first, then one row a peer, then leftovers; with `all` the rest of the host's entries.
pub fn fdb_rows(sight: &Sight<'_>, all: bool) -> Reading {
    let devices = super::device::device_rows(sight);
    let (mut reading, shown) = match expected(sight) {
        Some(expected) => beside_leases(sight.state, &expected, Keep::All),
        None => kernel_only(sight.state),
    };
    reading.rows.splice(..0, devices);
    if all {
        let rest = sight.state.fdb.iter().filter(|(key, _)| !shown.contains(key));
        reading.rows.extend(rest.map(|(key, fdb)| row(Standing::Foreign, "-", key, fdb)));
    }
    reading
}

pub(super) fn beside_leases(state: &State, expected: &Expected, keep: Keep) -> (Reading, BTreeSet<FdbKey>) {
    let Expected { ours, peers, own: _, refused, unseen } = expected;
    let mut reading = Reading { rows: Vec::new(), unseen: unseen.clone() };
    let mut shown = BTreeSet::new();
    for peer in peers.iter().filter(|peer| !goes_direct(state, peer)) {
        let key = FdbKey { dev: peer.dev, mac: peer.mac, vlan: 0, master: false };
        shown.insert(key);
        reading.rows.extend(judge(state, peer, &key, keep));
    }
    reading.rows.extend(refused.iter().cloned());
    for (key, fdb) in state.fdb.iter().filter(|(key, _)| ours.contains(&key.dev)) {
        if shown.insert(*key) {
            let node = fdb.dst.map_or("-", |dst| node_of(peers, dst));
            let note = if key.mac == Mac::ZERO { "floods what no entry matches" } else { "" };
            reading.rows.push(row(Standing::Stale, node, key, fdb).note(note));
        }
    }
    (reading, shown)
}

fn judge(state: &State, peer: &Peer, key: &FdbKey, keep: Keep) -> Option<Row> {
    let promise =
        || Some(peer.promise(format!("{} dev {} dst {} self permanent", key.mac, key.dev, peer.public)));
    let Some(fdb) = state.fdb.get(key) else {
        return Some(Row::new(Standing::Missing, &peer.node, None, promise()));
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
    let row = || Row::new(standing, &peer.node, Some(Kernel::Fdb(fdb_half(key, fdb))), promise());
    keep.takes(standing).then(|| row().note(note))
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
