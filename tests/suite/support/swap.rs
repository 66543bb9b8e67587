//! A place (a network namespace without a name), what runs in it, and the seat of an agent there, which one process
//! after another takes. All of it goes with the test's values: a namespace lives as long as its file is open or a
//! process is inside, and processes are ended by pid.
#![allow(dead_code, reason = "not every area needs every helper")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use flanctl::kernel::netns::{InNetns, here};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::netns;

/// How long anything may take; no test waits so long unless it fails.
pub(crate) const LIMIT: Duration = Duration::from_secs(40);

/// No message yet.
const QUIET: [io::ErrorKind; 3] =
    [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut, io::ErrorKind::Interrupted];

/// The binary under test.
pub(crate) const FLANCTL: &str = env!("CARGO_BIN_EXE_flanctl");

/// A network namespace.
pub(crate) struct Place(File);

impl Place {
    /// A fresh one, with `lo` up.
    pub(crate) fn new() -> Self {
        let made = std::thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("these tests need root (or `unshare -Urnm`)");
            here().unwrap()
        });
        let place = Self(made.join().unwrap());
        place.run("ip", "link set lo up");
        place
    }

    /// Does something in there.
    pub(crate) fn inside<T>(&self, work: impl FnOnce() -> T) -> T {
        let _inside = InNetns::enter_file(&self.0).unwrap();
        work()
    }

    /// A path that `ip link set … netns PATH` takes.
    pub(crate) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }

    /// Its identity.
    pub(crate) fn inode(&self) -> u64 {
        self.0.metadata().unwrap().ino()
    }

    /// A command line in there; must succeed.
    pub(crate) fn run(&self, program: &str, args: &str) -> String {
        self.inside(|| netns::run(program, args))
    }

    /// Several `ip` command lines.
    pub(crate) fn ip(&self, lines: &[&str]) {
        self.inside(|| lines.iter().for_each(|line| drop(netns::ip(line))));
    }

    /// JSON rows of `ip -j …` or `bridge -j …` in there.
    pub(crate) fn rows(&self, program: &str, args: &str) -> Vec<serde_json::Value> {
        self.inside(|| netns::rows(program, args))
    }

    /// Whether a command line succeeds in there.
    pub(crate) fn try_run(&self, program: &str, args: &str) -> bool {
        let mut command = Command::new(program);
        command.args(args.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::null());
        self.inside(|| command.status()).unwrap().success()
    }

    /// Forwards packets, as every node must.
    pub(crate) fn forwards(&self) {
        self.inside(|| {
            fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
            fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").unwrap();
        });
    }

    /// A veth pair: `name` here, `far` in the other place, both up.
    pub(crate) fn wire(&self, name: &str, other: &Self, far: &str) {
        let there = other.path();
        self.ip(&[
            &format!("link add {name} type veth peer name {far} netns {there}"),
            &format!("link set {name} up"),
        ]);
        other.ip(&[&format!("link set {far} up")]);
    }

    /// Starts a program in there; what it says goes to the file.
    pub(crate) fn start(&self, command: &mut Command, log: &Path) -> Running {
        let to = File::options().create(true).append(true).open(log).unwrap();
        command.stdin(Stdio::null()).stdout(to.try_clone().unwrap()).stderr(to);
        let child = self.inside(|| command.spawn()).unwrap();
        Running { child, log: log.to_owned() }
    }
}

/// A process; it ends with this value.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// kill -9, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its end, if it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        until("the process ends", || self.child.try_wait().unwrap())
    }

    /// SIGTERM, and waits.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait()
    }

    /// What it and its predecessors with this log said.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended; then both are refused.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Polls until there is an answer; panics with the claim past [`LIMIT`].
pub(crate) fn until<T>(claim: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        match look() {
            Some(answer) => return answer,
            None if Instant::now() > end => panic!("waited {} s for: {claim}", LIMIT.as_secs()),
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Where agents of one node sit: its place, its directory (state file, subnet.env, log), its name and its flags.
pub(crate) struct Seat<'a> {
    pub(crate) place: &'a Place,
    pub(crate) dir: TempDir,
    pub(crate) node: String,
    pub(crate) flags: Vec<String>,
    pub(crate) program: PathBuf,
}

impl<'a> Seat<'a> {
    pub(crate) fn new(place: &'a Place, node: &str, flags: &[&str]) -> Self {
        Self {
            place,
            dir: tempfile::tempdir().unwrap(),
            node: node.to_owned(),
            flags: flags.iter().map(|f| (*f).to_owned()).collect(),
            program: FLANCTL.into(),
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn subnet_env(&self) -> String {
        fs::read_to_string(self.file("subnet.env")).unwrap_or_default()
    }

    /// What its agents said so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.file("agent.log")).unwrap_or_default()
    }

    /// The value of a key of subnet.env.
    pub(crate) fn env(&self, key: &str) -> Option<String> {
        let text = self.subnet_env();
        text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned)
    }

    /// `run` with this seat's flags and more, in nobody's environment.
    pub(crate) fn command(&self, more: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("NODE_NAME", &self.node).current_dir(self.dir.path());
        let named_flanneld = self.program.file_name().is_some_and(|n| n == "flanneld");
        command.args((!named_flanneld).then_some("run")).args(&self.flags);
        command.arg("--subnet-file").arg(self.file("subnet.env")).arg("--run-dir").arg(self.dir.path());
        command.args(more);
        command
    }

    /// Starts an agent.
    pub(crate) fn start(&self, more: &[&str]) -> Agent {
        self.start_command(&mut self.command(more))
    }

    /// Starts an agent from a command that somebody has seasoned.
    pub(crate) fn start_command(&self, command: &mut Command) -> Agent {
        let path = self.file("notify");
        let _ = fs::remove_file(&path);
        let notices = UnixDatagram::bind(&path).unwrap();
        notices.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        command.env("NOTIFY_SOCKET", &path);
        let running = self.place.start(command, &self.file("agent.log"));
        Agent { running, notices, heard: Vec::new() }
    }

    /// Starts an agent and waits until it is ready.
    pub(crate) fn ready(&self, more: &[&str]) -> Agent {
        let mut agent = self.start(more);
        agent.ready();
        agent
    }

    /// Runs a command to its end: exit code, standard output, standard error.
    pub(crate) fn output(&self, command: &mut Command) -> (i32, String, String) {
        let out = self.place.inside(|| command.stdin(Stdio::null()).output()).unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (out.status.code().unwrap_or(-1), text(&out.stdout), text(&out.stderr))
    }
}

/// A running agent and what it tells its service manager.
pub(crate) struct Agent {
    pub(crate) running: Running,
    notices: UnixDatagram,
    heard: Vec<String>,
}

impl Agent {
    /// Takes in one message, if one comes soon.
    fn hear(&mut self) {
        let mut bytes = [0; 1024];
        match self.notices.recv(&mut bytes) {
            Ok(n) => self.heard.push(String::from_utf8_lossy(bytes.get(..n).unwrap()).into_owned()),
            Err(e) if QUIET.contains(&e.kind()) => {}
            Err(e) => panic!("the notify socket: {e}"),
        }
    }

    /// Waits for a message that begins so.
    pub(crate) fn hears(&mut self, start: &str) -> String {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(message) = self.heard.iter().find(|m| m.starts_with(start)) {
                return message.clone();
            }
            let over = self.running.ended();
            assert!(over.is_none() && Instant::now() < end, "no {start}: {over:?}\n{}", self.running.said());
            self.hear();
        }
    }

    /// Waits for the process's end, and for a message that it sent before.
    pub(crate) fn hears_after_end(&mut self, start: &str) {
        self.running.wait();
        until(start, || {
            self.hear();
            self.heard.iter().any(|m| m.starts_with(start)).then_some(())
        });
    }

    pub(crate) fn ready(&mut self) {
        self.hears("READY=1");
    }

    /// Ready by now? Waits a moment.
    pub(crate) fn is_ready(&mut self) -> bool {
        self.hear();
        self.heard.iter().any(|m| m.starts_with("READY=1"))
    }
}

/// A copy of a program under another name: another build as far as /proc can tell.
pub(crate) fn copy_of(program: &str, to: &Path) -> PathBuf {
    fs::copy(program, to).unwrap();
    to.to_owned()
}

/// A command with another argv[0].
pub(crate) fn under_the_name(name: &str, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg0(OsString::from(name));
    command
}
