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
mod table;

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::Duration;

use table::Table;

/// Set once the process is inside its own namespaces.
const INSIDE: &str = "FLANCTL_BENCH_INSIDE";

fn main() -> ExitCode {
    if std::env::var_os(INSIDE).is_none() {
        return inside();
    }
    room::private_run();
    let (sizes, idle) = arguments();
    let mut table = Table::default();
    kernel_part::measure(&sizes, &mut table);
    for peers in [3].into_iter().chain(sizes) {
        life::measure(peers, idle, &mut table);
    }
    print!("{table}");
    ExitCode::SUCCESS
}

/// The same program in network, mount and process namespaces of its own: whatever happens, they end with it.
fn inside() -> ExitCode {
    let user: &[&str] = if nix::unistd::geteuid().is_root() { &[] } else { &["-Ur"] };
    let cause = Command::new("unshare")
        .args(user)
        .args(["-nmpf", "--kill-child", "--mount-proc"])
        .arg(std::env::current_exe().unwrap())
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .exec();
    eprintln!("unshare: {cause}");
    ExitCode::FAILURE
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
