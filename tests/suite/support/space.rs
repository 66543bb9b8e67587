//! A network namespace that belongs to a value: unnamed, held by a file, gone with the last process in it.
//! Nothing on the host changes, whatever becomes of the test.

#![allow(dead_code, reason = "not every area needs every helper")]
#![expect(clippy::disallowed_methods, reason = "opens a namespace, starts programs in it and waits for them")]

use std::fmt::Display;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns, unshare};
use serde_json::Value;

/// A network namespace with `lo` up.
pub(crate) struct Space(File);

impl Space {
    pub(crate) fn new() -> Self {
        let made = on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("these tests need root (or `unshare -Urnm`)");
            File::open("/proc/thread-self/ns/net").expect("our own namespace")
        });
        let space = Self(made);
        space.ip("link set lo up");
        space
    }

    /// What `ip link set … netns` takes.
    pub(crate) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }

    /// Runs `work` on a thread that stands inside; what it starts stays inside.
    pub(crate) fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        on_a_thread(|| {
            setns(&self.0, CloneFlags::CLONE_NEWNET).expect("our own namespace");
            work()
        })
    }

    /// Starts a program inside.
    pub(crate) fn spawn(&self, command: &mut Command) -> Child {
        self.within(|| command.stdin(Stdio::null()).spawn()).unwrap_or_else(|e| panic!("{command:?}: {e}"))
    }

    /// `ip ARGS` or any other command line; whether it succeeds is the caller's.
    pub(crate) fn output(&self, line: &str) -> Output {
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().expect("a program"));
        self.within(|| command.args(words).stdin(Stdio::null()).output())
            .unwrap_or_else(|e| panic!("{line}: {e}"))
    }

    /// What a command line prints; it must succeed.
    pub(crate) fn run(&self, line: &str) -> String {
        let out = self.output(line);
        assert!(out.status.success(), "{line}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).expect("text")
    }

    /// `ip ARGS`; must succeed.
    pub(crate) fn ip(&self, args: &str) -> String {
        self.run(&format!("ip {args}"))
    }

    /// True if it succeeds.
    pub(crate) fn succeeds(&self, line: &str) -> bool {
        self.output(line).status.success()
    }

    /// JSON rows of `ip -j …` or `bridge -j …`.
    pub(crate) fn rows(&self, line: &str) -> Vec<Value> {
        let text = self.run(line);
        if text.trim().is_empty() { Vec::new() } else { serde_json::from_str(&text).expect("json") }
    }

    /// The lines of a command, trimmed.
    pub(crate) fn lines(&self, line: &str) -> Vec<String> {
        self.run(line).lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    /// One row a command in one go (`ip -batch`); must succeed.
    pub(crate) fn batch(&self, program: &str, lines: &str) {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::io::Write::write_all(&mut file, lines.as_bytes()).expect("a temporary file");
        self.run(&format!("{program} -batch {}", file.path().display()));
    }
}

fn on_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// Two namespaces on one wire: `NAME` in the first, `FAR` in the second, both up.
pub(crate) fn wire(here: &Space, name: &str, there: &Space, far: &str) {
    here.ip(&format!("link add {name} type veth peer name {far} netns {}", there.path()));
    there.ip(&format!("link set {far} up"));
    here.ip(&format!("link set {name} up"));
}

/// Looks again and again until the probe is content; after a minute its last complaint fails the test.
pub(crate) fn until<T, E: Display>(claim: &str, mut probe: impl FnMut() -> Result<T, E>) -> T {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        match probe() {
            Ok(value) => return value,
            Err(why) => assert!(Instant::now() < end, "{claim}: {why}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// `Ok` if the condition holds, else the complaint.
pub(crate) fn hold(condition: bool, complaint: impl Display) -> Result<(), String> {
    if condition { Ok(()) } else { Err(complaint.to_string()) }
}
