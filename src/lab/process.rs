//! The processes of a lab: known by pid and start time, or by the mark in their environment; ended by pid only.
#![expect(clippy::disallowed_methods, reason = "a room of hands: reads /proc and waits")]

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

/// The variable that marks a process as a lab's.
pub const MARK: &str = "FLANCTL_LAB";

/// How long a process may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(3);

/// One process, told from a later one with the same number by its start time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// Field 22 of /proc/PID/stat: clock ticks after boot.
    pub started: u64,
}

impl Process {
    /// The running process `pid`; `None` if it ended, also if nobody has waited for it yet.
    pub fn running(pid: i32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some(Self { pid, started: start_time(&stat)? })
    }

    /// True while it runs.
    pub fn alive(self) -> bool {
        Self::running(self.pid) == Some(self)
    }

    /// Reads what [`Process::note`] wrote.
    pub fn noted(file: &Path) -> Option<Self> {
        let number = |file: &Path| std::fs::read_to_string(file).ok();
        let pid = number(file)?.trim().parse().ok()?;
        let started = number(&file.with_extension("start"))?.trim().parse().ok()?;
        Some(Self { pid, started })
    }

    /// Writes it down, the pid alone in `file` (for `kill $(cat agent.pid)`), whole or not at all.
    pub fn note(self, file: &Path) -> io::Result<()> {
        std::fs::write(file.with_extension("start"), format!("{}\n", self.started))?;
        let fresh = file.with_extension("new");
        std::fs::write(&fresh, format!("{}\n", self.pid))?;
        std::fs::rename(fresh, file)
    }

    /// Lets it stand still.
    pub fn pause(self) -> io::Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets it go on.
    pub fn resume(self) -> io::Result<()> {
        self.signal(Signal::SIGCONT)
    }

    /// True while it stands still.
    pub fn stopped(self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        self.alive() && stat.rsplit_once(')').is_some_and(|(_, fields)| fields.trim_start().starts_with('T'))
    }

    fn signal(self, signal: Signal) -> io::Result<()> {
        match self.alive().then(|| kill(Pid::from_raw(self.pid), signal)) {
            None | Some(Ok(()) | Err(Errno::ESRCH)) => Ok(()),
            Some(Err(e)) => Err(io::Error::other(format!("process {}: {e}", self.pid))),
        }
    }
}

/// Every running process with `FLANCTL_LAB=mark` in its environment, but this one.
pub fn marked(mark: &str) -> Vec<Process> {
    let Ok(dir) = Path::new("/proc").read_dir() else { return Vec::new() };
    let wanted = format!("{MARK}={mark}");
    let me = std::process::id();
    dir.flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| u32::try_from(*pid) != Ok(me))
        .filter(|pid| {
            let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.split(|b| *b == 0).any(|var| var == wanted.as_bytes())
        })
        .filter_map(Process::running)
        .collect()
}

/// Ends all of them: asks, waits, and after three seconds does not ask.
pub fn end(all: &[Process]) -> io::Result<()> {
    let mut refused = Ok(());
    for (signal, patience) in [(Signal::SIGTERM, PATIENCE), (Signal::SIGKILL, PATIENCE)] {
        for process in all {
            refused = refused.and(process.signal(signal));
            // A process that stands still does not hear until it goes on.
            refused = refused.and(process.resume());
        }
        let until = Instant::now() + patience;
        while Instant::now() < until {
            if !all.iter().any(|p| still_there(*p)) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let left: Vec<_> = all.iter().filter(|p| p.alive()).map(|p| p.pid.to_string()).collect();
    refused.and(Err(io::Error::other(format!("still running: {}", left.join(", ")))))
}

/// Waits for it if it is our child, or it would stay a zombie for as long as we live.
fn still_there(process: Process) -> bool {
    let _ = waitpid(Pid::from_raw(process.pid), Some(WaitPidFlag::WNOHANG));
    process.alive()
}

/// The start time out of /proc/PID/stat; `None` for a zombie. The name in the second field may hold anything.
fn start_time(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    match fields.next()? {
        "Z" | "X" => None,
        _ => fields.nth(18)?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Process, start_time};

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let tail = "S 1 10 10 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 777 1000 200";
        for (stat, want) in [
            (format!("10 (sh) {tail}"), Some(777)),
            (format!("10 (a) b (c)) {tail}"), Some(777)),
            (format!("10 (sh) {}", tail.replace('S', "Z")), None),
            ("10 (sh) S 1".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(start_time(&stat), want, "{stat}");
        }
    }

    #[test]
    fn a_noted_process_is_read_back_and_its_file_holds_one_number() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("agent.pid");
        let process = Process { pid: 12, started: 777 };
        process.note(&file).unwrap();
        assert_eq!(Process::noted(&file), Some(process));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "12\n");
    }

    #[test]
    fn a_process_is_told_from_a_later_one_with_its_number() {
        let me = Process::running(std::process::id() as i32).unwrap();
        assert!(me.alive());
        assert!(!Process { started: me.started + 1, ..me }.alive());
    }
}
