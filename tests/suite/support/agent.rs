//! One `flanctl run`: the real binary, its log, its end.

#![allow(dead_code, reason = "not every area needs every helper")]
#![expect(clippy::disallowed_methods, reason = "starts the agent and waits for it")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::space::{Space, until};

/// A started agent; it is killed with the value, and a failing test shows its log.
pub(crate) struct Agent {
    child: Child,
    log: PathBuf,
    home: PathBuf,
    ended: Option<i32>,
}

impl Agent {
    /// `flanctl ARGS` in a namespace; what it says goes to a new file in `home`.
    pub(crate) fn start(space: &Space, name: &str, home: &Path, args: &[String]) -> Self {
        fs::create_dir_all(home).expect("a directory for the agent");
        let mut log = home.join("log.0");
        let mut n = 0;
        while log.exists() {
            n += 1;
            log.set_extension(n.to_string());
        }
        let out = File::create(&log).expect("a log file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_flanctl"));
        command.env_clear().env("NODE_NAME", name).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.args(args).stdout(out.try_clone().expect("a log file")).stderr(out);
        Self { child: space.spawn(&mut command), log, home: home.to_owned(), ended: None }
    }

    /// Everything it said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The exit code, if it has ended.
    pub(crate) fn code(&mut self) -> Option<i32> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("our own child").map(|s| s.code().unwrap_or(-1));
        }
        self.ended
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it says so; fails if it ends without.
    pub(crate) fn says(&mut self, what: &str) {
        until(&format!("{} says {what:?}", self.log.display()), || {
            let code = self.code();
            let log = self.log();
            if log.contains(what) {
                return Ok(());
            }
            assert!(code.is_none(), "it ended with {code:?} and never said {what:?}");
            Err(format!("not yet:\n{log}"))
        });
    }

    /// How many lines hold these words.
    pub(crate) fn said(&self, what: &str) -> usize {
        self.log().lines().filter(|l| l.contains(what)).count()
    }

    /// Waits until it is ready; its subnet as subnet.env has it (`10.244.1.1/24`).
    pub(crate) fn ready(&mut self) -> String {
        self.says("flannel is ready");
        let env = self.env();
        let value = |key: &str| env.lines().find_map(|l| Some(l.strip_prefix(key)?.to_owned()));
        value("FLANNEL_SUBNET=").or(value("FLANNEL_IPV6_SUBNET=")).expect("a subnet in subnet.env")
    }

    /// The text of subnet.env; empty if there is none.
    pub(crate) fn env(&self) -> String {
        fs::read_to_string(self.home.join("subnet.env")).unwrap_or_default()
    }

    /// Waits for its end; the exit code.
    pub(crate) fn ends(&mut self) -> i32 {
        until("the agent ends", || self.code().ok_or("it still runs"))
    }

    /// SIGTERM, as a service manager stops it; it must end with 0.
    pub(crate) fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        assert_eq!(self.ends(), 0, "{}", self.log());
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("our own child");
        self.ended = Some(self.child.wait().expect("our own child").code().unwrap_or(-1));
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("our own child");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // It may have ended by itself.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let tail = lines.get(lines.len().saturating_sub(40)..).unwrap_or_default().join("\n");
            // In one piece: the test's own output, shown when it fails.
            std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("--- {}\n{tail}\n", self.log.display()).as_bytes(),
            )
            .ok();
        }
    }
}
