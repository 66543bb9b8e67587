//! A deleted entry comes back: how long that takes, from before the deletion to the notice of its return.

use std::thread;
use std::time::{Duration, Instant};

use flanctl::kernel::{Kernel, LinuxKernel};
use flanctl::plan::Op;
use flanctl::state::{FdbKey, Hop, Hops, NeighKey, Route, RouteKey, RouteKind, proto, table};

use super::agent;
use super::monitor::{Monitor, Seen};
use super::peers::Peer;
use super::table::{Mark, Samples, Table};

const EACH: u32 = 100;
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(4);
const HEALED: [Mark; 1] = [Mark { below: 2.0, at: 10_000 }];

/// Each kind of row.
pub fn measure(peers: u32, monitor: &Monitor, table: &mut Table) {
    // A peer's row each, spread over the table; from 3 peers there are not that many.
    let pick = |n: u32| Peer(n.wrapping_mul(7_919) % peers);
    if peers < EACH {
        return;
    }
    let objects = flanctl::overlay::wants_objects((peers + super::join::JOINS) as usize, false);
    let mut kernel = LinuxKernel::open().unwrap();
    for (what, row) in ROWS {
        if *what == "nexthop" && !objects {
            continue;
        }
        let mut took = Vec::new();
        for peer in (0..EACH).map(pick) {
            let (op, seen) = row(peer, objects);
            monitor.drain();
            let start = Instant::now();
            for answer in kernel.apply(&[op]) {
                answer.unwrap();
            }
            let back = monitor.until(PATIENCE, |n| n.new && n.row == seen && n.at > start);
            let back = back.unwrap_or_else(|| panic!("{seen:?} did not come back\n{}", agent::last_words()));
            took.push(back.at - start);
            thread::sleep(PAUSE);
        }
        let took = Samples::of(took);
        table.add(&format!("heal a deleted {what}, p50"), peers, took.at(50), "ms", None, &HEALED);
        table.note(&format!("heal a deleted {what}, p90"), peers, took.at(90), "ms");
    }
}

type Row = fn(Peer, bool) -> (Op, Seen);

const ROWS: &[(&str, Row)] =
    &[("FDB entry", fdb), ("neighbour", neigh), ("route", route), ("nexthop", nexthop)];

fn fdb(peer: Peer, _: bool) -> (Op, Seen) {
    let key = FdbKey { dev: dev(), mac: peer.mac(), vlan: 0, master: false };
    (Op::DelFdb { key, dst: Some(peer.vtep().into()) }, Seen::Fdb(peer.mac()))
}

fn neigh(peer: Peer, _: bool) -> (Op, Seen) {
    let key = NeighKey { dev: dev(), ip: peer.gateway().into() };
    (Op::DelNeigh { key }, Seen::Neigh(peer.gateway()))
}

fn route(peer: Peer, objects: bool) -> (Op, Seen) {
    let key = RouteKey { table: table::MAIN, dst: peer.net().into(), tos: 0, metric: 0 };
    let hops = match objects {
        true => Hops::Object(peer.nexthop()),
        false => Hops::One(Hop::onlink(peer.gateway().into(), dev())),
    };
    let route = Route { kind: RouteKind::Unicast, proto: proto::BOOT, hops, ..Route::default() };
    (Op::DelRoute { key, route }, Seen::Route(peer.gateway()))
}

/// Its route goes with it and comes back after it.
fn nexthop(peer: Peer, _: bool) -> (Op, Seen) {
    (Op::DelNexthop { id: peer.nexthop() }, Seen::Route(peer.gateway()))
}

fn dev() -> flanctl::net::IfName {
    "flannel.1".parse().unwrap()
}
