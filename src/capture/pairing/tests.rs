//! Packets made by hand, on a node with two pods, a bridge, a tunnel and an uplink.

mod drawn;
mod lost;
mod made;
mod through;
mod told;

use std::net::IpAddr;

use super::key::Seen;
use super::order::Sighting;
use super::record::{Fate, Outer, Record};
use super::scope::{Scope, Way};
use super::table::Table;
use super::{Point, Stage};
use crate::capture::packet::Link;

/// The points by number.
const POD1: usize = 0;
const POD2: usize = 1;
const BRIDGE: usize = 2;
const TUNNEL: usize = 3;
const UPLINK: usize = 4;

const US: i64 = 1000;
const MS: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;

fn points() -> Vec<Point> {
    let point =
        |dev: &str, stage, pod: Option<&str>| Point { dev: dev.into(), stage, pod: pod.map(str::to_owned) };
    vec![
        point("veth1", Stage::Pod, Some("pod1")),
        point("veth2", Stage::Pod, Some("pod2")),
        point("cni0", Stage::Bridge, None),
        point("flannel.1", Stage::Tunnel, None),
        point("eth0", Stage::Uplink, None),
    ]
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// This node is 192.168.50.11 and has 10.244.1.0/24; another has 10.244.2.0/24 and is reached through the tunnel, a
/// third has 10.244.3.0/24 and is a neighbour.
fn scope() -> Scope {
    Scope {
        own: ["10.244.1.0", "10.244.1.1", "192.168.50.11"].map(ip).into(),
        local: vec![(ip("10.244.1.0"), 24), (ip("fd00:1::"), 64)],
        remote: vec![
            ((ip("10.244.2.0"), 24), Way::Tunnel(TUNNEL)),
            ((ip("10.244.3.0"), 24), Way::Direct(UPLINK)),
            ((ip("fd00:2::"), 64), Way::Tunnel(TUNNEL)),
        ],
        pods: [("10.244.1.2", POD1), ("10.244.1.3", POD2), ("fd00:1::2", POD1)]
            .map(|(addr, at)| (ip(addr), at))
            .into(),
        bridge: Some(BRIDGE),
        below: [(TUNNEL, UPLINK)].into(),
        ..Scope::default()
    }
}

/// A table, what it told, and a filter that takes everything.
struct Bench {
    table: Table,
    told: Vec<Record>,
}

impl Bench {
    fn new() -> Self {
        Self { table: Table::new(points(), scope(), SECOND, 64), told: Vec::new() }
    }

    /// A bare IP packet is seen at a point.
    fn sees(&mut self, point: usize, at: i64, packet: &[u8]) {
        self.table.take(sighting(point, at, packet, None));
    }

    /// A packet is seen at a point; on the uplink in the tunnel, if it is from the node behind that.
    fn passes(&mut self, point: usize, at: i64, packet: &[u8], ends: (&str, &str)) {
        if point == UPLINK && ends.0 == "10.244.2.8" {
            return self.comes(at, packet);
        }
        self.sees(point, at, packet);
    }

    /// A packet is seen on the uplink in the tunnel to another node.
    fn leaves(&mut self, at: i64, packet: &[u8], to: &str) {
        let outer = Outer { vni: Some(1), src: ip("192.168.50.11"), dst: ip(to) };
        self.table.take(sighting(UPLINK, at, packet, Some(outer)));
    }

    /// A packet is seen on the uplink in the tunnel from another node.
    fn comes(&mut self, at: i64, packet: &[u8]) {
        let outer = Outer { vni: Some(1), src: ip("192.168.50.12"), dst: ip("192.168.50.11") };
        self.table.take(sighting(UPLINK, at, packet, Some(outer)));
    }

    /// The way out of a pod, a microsecond from point to point.
    fn goes_out(&mut self, at: i64, packet: &[u8]) {
        for (place, point) in [POD1, BRIDGE, TUNNEL].into_iter().enumerate() {
            self.sees(point, at + place as i64 * US, packet);
        }
        self.leaves(at + 3 * US, packet, "192.168.50.12");
    }

    /// Everything until then was read; what was told by then.
    fn until(&mut self, now: i64) -> Vec<Record> {
        let told = &mut self.told;
        self.table.tick(now, |record| told.push(record));
        std::mem::take(told)
    }
}

fn sighting(point: usize, at: i64, packet: &[u8], outer: Option<Outer>) -> Sighting {
    let len = packet.len() as u32;
    let (seen, start) = Seen::read(Link::RAW, packet, len).unwrap();
    assert_eq!(start, 0);
    Sighting { at, point, seen, outer, bytes: packet.into(), len, wanted: true }
}

/// The points of a record and when each was passed, in microseconds after the first.
fn passed(record: &Record) -> Vec<(usize, i64)> {
    record.points.iter().map(|at| (at.point, (at.at - record.first()) / US)).collect()
}

/// Between which points a packet was lost, if it was.
fn gap(record: &Record) -> Option<(usize, usize)> {
    match &record.fate {
        Fate::Lost(gap) => Some((gap.from, gap.to)),
        _ => None,
    }
}
