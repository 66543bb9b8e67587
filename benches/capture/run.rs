//! A program: how long it takes, how much of a processor, how much memory.

use std::process::{Child, Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// Ours.
const FLANCTL: &str = env!("CARGO_BIN_EXE_flanctl");

/// Seconds that a program took.
#[derive(Clone, Copy, Default)]
pub struct Spent {
    /// By the clock.
    pub wall: f64,
    /// Of a processor.
    pub cpu: f64,
}

/// `tcpdump …` or `capture …`; whoever reads `-r` alone wants no time zone looked up: tcpdump does so at every packet.
pub fn command(line: &str) -> Command {
    let mut words = line.split(' ');
    let mut command = match words.next() {
        Some("capture") => {
            let mut ours = Command::new(FLANCTL);
            ours.arg("capture");
            ours
        }
        program => Command::new(program.unwrap()),
    };
    command.args(words).env("TZ", "UTC").stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// Runs it to its end, which must be a good one; what it prints goes nowhere.
pub fn spent(line: &str) -> Spent {
    let before = cpu_of_children();
    let start = Instant::now();
    let status = command(line).stdout(Stdio::null()).status().unwrap();
    let wall = start.elapsed().as_secs_f64();
    assert!(status.success(), "{line}: {status}");
    Spent { wall, cpu: cpu_of_children() - before }
}

/// The medians of lines that take turns, so that a busy moment of the machine meets all.
pub fn in_turns<const N: usize>(lines: [&str; N], rounds: usize) -> [Spent; N] {
    let all: Vec<[Spent; N]> = (0..rounds).map(|_| lines.map(spent)).collect();
    std::array::from_fn(|which| {
        let of = |part: fn(&Spent) -> f64| median(all.iter().map(|round| part(&round[which])));
        Spent { wall: of(|spent| spent.wall), cpu: of(|spent| spent.cpu) }
    })
}

/// The middle one.
pub fn median(samples: impl Iterator<Item = f64>) -> f64 {
    let mut samples: Vec<f64> = samples.collect();
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// Seconds of a processor that ended children took.
pub fn cpu_of_children() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6
}

/// The most memory that the process had in hand so far, in MiB; nothing once it is gone.
pub fn peak(child: &Child) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib / 1024.0)
}
