//! One agent's life: start, rest, restart, joins, repairs; all in one namespace with etcd and N leases in it.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use super::agent::{self, Agent};
use super::etcd::Etcd;
use super::monitor::{Monitor, Seen};
use super::table::{Mark, Table};
use super::{heal, join, room};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Until what the start left behind is tidied up.
const CALM: Duration = Duration::from_secs(3);

const START: [Mark; 2] = [Mark { below: 0.7, at: 10_000 }, Mark { below: 4.0, at: 50_000 }];
const RESTART: [Mark; 1] = [Mark { below: 0.5, at: 10_000 }];
const MEMORY: [Mark; 3] =
    [Mark { below: 12.0, at: 3 }, Mark { below: 25.0, at: 10_000 }, Mark { below: 80.0, at: 50_000 }];

/// flannel 0.28.9 on such a machine (recorded): peers, start, restart, resident, join p50.
const FLANNEL: [(u32, f64, f64, f64, f64); 3] =
    [(1_000, 0.85, 0.88, 46.0, 2.9), (10_000, 10.8, 8.2, 54.0, 2.4), (50_000, 86.8, 57.6, 85.0, 3.2)];

/// All figures of an agent among `peers` others.
pub fn measure(peers: u32, idle: Duration, table: &mut Table) {
    eprintln!("an agent among {peers}");
    room::fresh(|| {
        let mut etcd = Etcd::start();
        etcd.fill(0..peers);
        life(peers, idle, &mut etcd, table);
    });
}

fn life(peers: u32, idle: Duration, etcd: &mut Etcd, table: &mut Table) {
    let flannel = FLANNEL.iter().find(|f| f.0 == peers);
    agent::forget();
    let monitor = Monitor::open();

    let first = Agent::start(false);
    let last =
        last_row(&monitor, peers).unwrap_or_else(|| panic!("rows are missing\n{}", agent::last_words()));
    table.add(
        "start → last row",
        peers,
        (last - first.started).as_secs_f64(),
        "s",
        flannel.map(|f| f.1),
        &START,
    );
    table.note("start → READY", peers, first.ready(PATIENCE).as_secs_f64(), "s");
    thread::sleep(CALM);
    table.add("resident after start", peers, first.memory("VmRSS"), "MiB", flannel.map(|f| f.3), &MEMORY);
    table.note("resident at most", peers, first.memory("VmHWM"), "MiB");
    rest(&first, peers, idle, table);
    drop(first);

    monitor.drain();
    let second = Agent::start(true);
    let ready = second.ready(PATIENCE);
    table.add(
        "restart over right rows → READY",
        peers,
        ready.as_secs_f64(),
        "s",
        flannel.map(|f| f.2),
        &RESTART,
    );
    thread::sleep(CALM);
    table.note("rows touched by the restart", peers, monitor.drain() as f64, "");
    table.add("resident after restart", peers, second.memory("VmRSS"), "MiB", None, &MEMORY);

    join::measure(peers, etcd, &monitor, flannel.map(|f| f.4), table);
    heal::measure(peers, &monitor, table);
    thread::sleep(CALM);
    table.add("resident at the end", peers, second.memory("VmRSS"), "MiB", None, &MEMORY);
}

/// When the last of the peers' forwarding entries and routes was announced.
fn last_row(monitor: &Monitor, peers: u32) -> Option<std::time::Instant> {
    let (mut fdb, mut routes) = (HashSet::new(), HashSet::new());
    let all = peers as usize;
    let last = monitor.until(PATIENCE, |notice| {
        match notice.row {
            Seen::Fdb(mac) if notice.new && mac.0.starts_with(&[0x02, 0xbe]) => drop(fdb.insert(mac)),
            Seen::Route(dst) if notice.new && dst.octets()[3] == 0 && dst.octets()[1] != 0 => {
                routes.insert(dst);
            }
            _ => {}
        }
        fdb.len() >= all && routes.len() >= all
    });
    last.map(|notice| notice.at)
}

/// What an agent costs that has nothing to do.
fn rest(agent: &Agent, peers: u32, idle: Duration, table: &mut Table) {
    let before = agent.cpu();
    thread::sleep(idle);
    let after = agent.cpu();
    let percent = |time: Duration| time.as_secs_f64() / idle.as_secs_f64() * 100.0;
    let mark = [Mark { below: 0.1001, at: peers }];
    let what = format!("idle over {} s, of a core", idle.as_secs());
    table.add(&what, peers, percent(after.own - before.own), "%", None, &mark);
    table.note("the firewall programs it starts", peers, percent(after.children - before.children), "%");
}
