//! The agents of a lab: how one is started, when it is ready, what it says when it is not.
#![expect(clippy::disallowed_methods, reason = "a room of hands: starts agents and reads what they write")]

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::Signal;

use super::interrupt::{Interrupt, heed_signals};
use super::layout::Node;
use super::manifest::{Home, Manifest};
use super::process::{MARK, Process};
use super::subnet_env::SubnetEnv;
use super::{ns, rootless, up};
use crate::error::Failure;

/// How long an agent may take to take its lease.
const READY: Duration = Duration::from_secs(15);

/// A started agent.
#[derive(Debug)]
pub struct Agent {
    name: String,
    dir: PathBuf,
    child: Child,
}

/// Where an agent finds the leases: in the lab's own directory, or by way of the relay.
fn store_flags(home: &Home, manifest: &Manifest) -> Vec<String> {
    match (&manifest.etcd, up::relay_address(&manifest.shape.layout())) {
        (Some(_), Some(relay)) => {
            let prefix = super::etcd::prefix(&manifest.shape.name);
            let url = format!("http://{relay}");
            ["--store", "etcd", "--etcd-endpoints", &url, "--etcd-prefix", &prefix].map(str::to_owned).into()
        }
        _ => vec!["--store".into(), format!("dir:{}", home.store().display())],
    }
}

/// Starts the agent of `node`.
pub fn start(home: &Home, manifest: &Manifest, node: &Node) -> Result<Agent, Failure> {
    let dir = home.node(&node.name);
    let started = || -> io::Result<Child> {
        let log = File::options().create(true).append(true).open(dir.join("agent.log"))?;
        let program = match std::env::var_os("FLANCTL_LAB_AGENT") {
            Some(stand_in) => PathBuf::from(stand_in),
            None => std::env::current_exe()?,
        };
        let mut launch = Command::new(std::env::current_exe()?);
        launch.args(["lab", "launch", "--into", &node.netns, "--pid-file"]).arg(dir.join("agent.pid"));
        if rootless::inside() {
            launch.args(["--die-with", &std::process::id().to_string()]);
        }
        launch.arg("--").arg(program).arg("run").args(store_flags(home, manifest));
        launch.args(["--iface", "eth0", "--ip-masq", "--subnet-file"]).arg(dir.join("subnet.env"));
        launch.arg("--run-dir").arg(home.run_dir());
        if let Some(public) = node.public {
            launch.args(["--public-ip", &public.to_string()]);
        }
        // Whoever waits for our caller to be ready is not waiting for an agent.
        launch.env_remove("NOTIFY_SOCKET");
        launch.current_dir("/").env(MARK, manifest.mark()).env("NODE_NAME", &node.name);
        launch.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()
    };
    match started() {
        Ok(child) => Ok(Agent { name: node.name.clone(), dir, child }),
        Err(e) => Err(Failure::unreadable(format!("starting the agent of {}", node.name)).because(e)),
    }
}

impl Agent {
    /// Waits until the agent holds a lease; fails at once with its last words if it ends first.
    pub fn ready(&mut self, interrupt: &Interrupt) -> Result<SubnetEnv, Failure> {
        let until = Instant::now() + READY;
        loop {
            if let Some(lease) = SubnetEnv::read(&self.dir.join("subnet.env")) {
                return Ok(lease);
            }
            match self.child.try_wait() {
                Ok(Some(status)) => return Err(self.ended(status)),
                Ok(None) if Instant::now() < until => interrupt.pause(Duration::from_millis(10))?,
                Ok(None) => {
                    let what = format!("the agent of {} has no lease after {} s", self.name, READY.as_secs());
                    return Err(Failure::found(what).because(self.last_words()));
                }
                Err(e) => return Err(Failure::unreadable(format!("the agent of {}", self.name)).because(e)),
            }
        }
    }

    /// An error with its last words if it has ended.
    pub fn still_runs(&mut self) -> Result<(), Failure> {
        match self.child.try_wait() {
            Ok(Some(status)) => Err(self.ended(status)),
            _ => Ok(()),
        }
    }

    fn ended(&self, status: ExitStatus) -> Failure {
        Failure::found(format!("the agent of {} ended ({status})", self.name)).because(self.last_words())
    }

    /// The end of its log.
    pub fn last_words(&self) -> String {
        let log = self.dir.join("agent.log");
        let text = std::fs::read(&log).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        match lines.get(lines.len().saturating_sub(8)..).unwrap_or_default() {
            [] => "it said nothing".to_owned(),
            last => format!("the last it said:\n  {}", last.join("\n  ")),
        }
    }
}

/// What `lab launch` is told.
#[derive(Debug)]
pub struct Launch<'a> {
    /// Namespace to run in.
    pub netns: &'a str,
    /// Where to write pid and start time.
    pub pid_file: &'a Path,
    /// End with this process (which must be the parent).
    pub die_with: Option<i32>,
    /// Program and arguments.
    pub command: &'a [OsString],
}

/// Becomes the command, in its namespace and in a session of its own. Comes back only if that is refused.
/// A process between `up` and the agent, because all of this must happen in the agent's own process before it
/// starts: the pid is on record before the program runs, so `down` finds it whenever `up` is killed.
pub fn launch(launch: &Launch<'_>) -> Failure {
    let Launch { netns, pid_file, die_with, command } = *launch;
    let Some((program, args)) = command.split_first() else { return Failure::usage("no command to launch") };
    let become_it = || -> io::Result<()> {
        let me = Process::running(std::process::id().cast_signed());
        me.ok_or_else(|| io::Error::other("/proc does not show this process"))?.note(pid_file)?;
        if let Some(parent) = die_with {
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
            // It may have died before we asked to be told.
            if nix::unistd::getppid().as_raw() != parent {
                return Err(io::Error::other("the lab is gone"));
            }
        }
        // Fails only for the leader of a process group, which has a session or needs none.
        let _ = nix::unistd::setsid();
        heed_signals()?;
        setns(File::open(ns::path(netns))?, CloneFlags::CLONE_NEWNET)?;
        Err(Command::new(program).args(args).exec())
    };
    let failure = Failure::unreadable(format!("running {} in {netns}", program.display()));
    match become_it() {
        Err(e) => failure.because(e),
        Ok(()) => failure,
    }
}
