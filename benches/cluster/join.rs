//! One peer joining: how long the agent takes from the store's event on, and what the world sees.

use std::thread;
use std::time::{Duration, Instant};

use super::agent;
use super::etcd::Etcd;
use super::monitor::{Monitor, Seen};
use super::peers::Peer;
use super::table::{Mark, Samples, Table};

/// How many join, one after the other.
pub const JOINS: u32 = 200;
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

const INSIDE: [Mark; 1] = [Mark { below: 0.5, at: 10_000 }];
const OUTSIDE: [Mark; 1] = [Mark { below: 1.2, at: 10_000 }];

/// `flannel`: its median, in milliseconds.
pub fn measure(peers: u32, etcd: &mut Etcd, monitor: &Monitor, flannel: Option<f64>, table: &mut Table) {
    let own = agent::own_gateway();
    let mut outside = Vec::new();
    for peer in (peers..).map(Peer).filter(|p| p.gateway() != own).take(JOINS as usize) {
        let lease = etcd.grant();
        monitor.drain();
        let sent = Instant::now();
        etcd.put(peer, lease);
        let seen = monitor.until(PATIENCE, |n| n.new && n.row == Seen::Fdb(peer.mac()));
        let seen = seen.unwrap_or_else(|| panic!("{peer:?} did not come\n{}", agent::last_words()));
        outside.push(seen.at.saturating_duration_since(sent));
        thread::sleep(PAUSE);
    }
    let outside = Samples::of(outside);
    table.add("join: put sent → FDB notice, p50", peers, outside.at(50), "ms", flannel, &OUTSIDE);
    table.note("join: put sent → FDB notice, p90", peers, outside.at(90), "ms");
    let inside = Samples::of(settled());
    table.add("join: store event → last ack, p50", peers, inside.at(50), "ms", None, &INSIDE);
    table.note("join: store event → last ack, p90", peers, inside.at(90), "ms");
}

/// The agent's own word: `store event settled in N µs`.
fn settled() -> Vec<Duration> {
    let micros = |line: &str| {
        let (_, rest) = line.split_once("store event settled in ")?;
        rest.split(' ').next()?.parse().ok().map(Duration::from_micros)
    };
    let all: Vec<Duration> = agent::log().lines().filter_map(micros).collect();
    assert!(all.len() >= JOINS as usize, "{} of {JOINS} joins were logged", all.len());
    all
}
