//! `capture` beside tcpdump, in turns on the same packets: `cargo bench --bench capture -- [PACKETS]`.
//! Files first, then a veth pair in a namespace that ends with the process. The traffic is described in `packets`.
#![expect(clippy::disallowed_methods, reason = "a bench asks for the time, starts programs and reads /proc")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on should say where")]
#![expect(clippy::indexing_slicing, reason = "fixed layouts and sorted samples")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the table is the result")]

#[path = "../../tests/suite/capture/dice.rs"]
#[expect(dead_code, reason = "the suite needs more of it")]
mod dice;
mod files;
mod live;
mod packets;
#[path = "../cluster/room.rs"]
mod room;
mod run;
#[path = "../cluster/table.rs"]
#[expect(dead_code, reason = "other benches need more of it")]
mod table;

use std::process::ExitCode;

use table::Table;

fn main() -> ExitCode {
    room::inside(bench)
}

fn bench() {
    let packets = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    let dir = tempfile::tempdir().unwrap();
    let mut table = Table::of("inner addresses");
    files::measure(dir.path(), packets, &mut table);
    room::fresh(|| live::measure(dir.path(), packets, &mut table));
    print!("{table}");
}
