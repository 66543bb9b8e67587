//! What a question costs on a node with many peers: `cargo bench --bench diagnose -- [PEERS…]`.
//! `trace`, `doctor` and `snapshot`, live, beside the four commands that a person would type. Everything happens in
//! namespaces that end with the process; the rows are real, the peers are leases in an agent's state file.
#![expect(clippy::disallowed_methods, reason = "a bench asks for the time, starts programs and reads /proc")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on should say where")]
#![expect(clippy::indexing_slicing, reason = "fixed layouts and sorted samples")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is the result")]

#[path = "../cluster/peers.rs"]
#[expect(dead_code, reason = "the bench of the agent needs more of it")]
mod peers;
mod question;
#[path = "../cluster/room.rs"]
mod room;
mod seat;
#[path = "../cluster/table.rs"]
#[expect(dead_code, reason = "other benches need more of it")]
mod table;

use std::process::ExitCode;

use peers::Peer;
use question::Question;
use table::{Mark, Table};

/// Milliseconds, at 10,000 peers.
const TRACE: [Mark; 1] = [Mark { below: 60.0, at: 10_000 }];
const DOCTOR: [Mark; 1] = [Mark { below: 200.0, at: 10_000 }];
/// MiB.
const MEMORY: [Mark; 1] = [Mark { below: 60.0, at: 10_000 }];

fn main() -> ExitCode {
    room::inside(bench)
}

fn bench() {
    let numbers = std::env::args().skip(1).filter_map(|arg| arg.parse().ok());
    let sizes: Vec<u32> = numbers.collect();
    let mut table = Table::of("peers");
    for peers in if sizes.is_empty() { vec![10_000] } else { sizes } {
        room::fresh(|| measure(peers, &mut table));
    }
    print!("{table}");
}

fn measure(peers: u32, table: &mut Table) {
    eprintln!("a node among {peers}");
    let seat = seat::Seat::new(peers);
    let peer = Peer(peers / 2);
    let pod = std::net::Ipv4Addr::from(u32::from(peer.gateway()) + 8);
    let (gateway, mac, vtep) = (peer.gateway(), peer.mac(), peer.vtep());
    let typed = Question::shell(&format!(
        "ip route get {pod}; ip neigh get {gateway} dev flannel.1; \
         bridge fdb get {mac} dev flannel.1 self; ip route get {vtep}"
    ));
    let trace = Question::flanctl(&seat, &["trace", &pod.to_string()], "delivered");
    let doctor = Question::flanctl(&seat, &["doctor", "-q"], "");
    let snapshot = Question::flanctl(&seat, &["snapshot", "-"], "flanctl.snapshot/");
    // In turns, so that a busy moment of the machine meets all.
    let rounds: Vec<[f64; 4]> =
        (0..ROUNDS).map(|_| [&typed, &trace, &doctor, &snapshot].map(Question::millis)).collect();
    let median = |which: usize| {
        let mut samples: Vec<f64> = rounds.iter().map(|round| round[which]).collect();
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 2]
    };
    let shell = median(0);
    table.add("trace DST (peer: ip, ip, bridge, ip)", peers, median(1), "ms", Some(shell), &TRACE);
    table.add("trace, at most", peers, trace.peak(), "MiB", None, &MEMORY);
    table.add("doctor", peers, median(2), "ms", None, &DOCTOR);
    table.add("doctor, at most", peers, doctor.peak(), "MiB", None, &MEMORY);
    table.note("snapshot", peers, median(3), "ms");
    table.note("snapshot, at most", peers, snapshot.peak(), "MiB");
    table.note("snapshot, its size", peers, snapshot.answer().len() as f64 / 1_048_576.0, "MiB");
}

/// How often each question is asked.
const ROUNDS: usize = 21;
