//! The figures of a node among many: `cargo bench --bench cluster -- [PEERS…] [--idle SECONDS]`.
//! Everything happens in namespaces that end with the process; etcd and the agent are real, the peers are leases.
#![expect(clippy::disallowed_methods, reason = "a bench asks for the time, starts programs and reads /proc")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on should say where")]
#![expect(clippy::indexing_slicing, reason = "fixed layouts and sorted samples")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is the result")]

mod agent;
mod etcd;
mod heal;
mod join;
mod kernel_part;
mod life;
mod monitor;
mod peers;
mod room;
#[expect(dead_code, reason = "other benches need more of it")]
mod table;

use std::process::ExitCode;
use std::time::Duration;

use table::Table;

fn main() -> ExitCode {
    room::inside(bench)
}

fn bench() {
    let (sizes, idle) = arguments();
    let mut table = Table::of("peers");
    kernel_part::measure(&sizes, &mut table);
    for peers in [3].into_iter().chain(sizes) {
        life::measure(peers, idle, &mut table);
    }
    print!("{table}");
}

/// Numbers of peers, and how long to look at an idle agent. Cargo adds `--bench`.
fn arguments() -> (Vec<u32>, Duration) {
    let mut sizes = Vec::new();
    let mut idle = 60;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => {}
            "--idle" => idle = args.next().unwrap().parse().unwrap(),
            number => sizes.push(number.parse().expect("a number of peers")),
        }
    }
    if sizes.is_empty() {
        sizes = vec![1_000, 10_000, 50_000];
    }
    (sizes, Duration::from_secs(idle))
}
