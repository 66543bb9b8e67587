//! One agent a device. The claim is an abstract Unix socket: such names belong to the network namespace, as the
//! device does, and vanish with the process whatever happens to it. Any user may take such a name, so a holder is
//! believed only if it is root's or ours; beside it stands a lock on a file that other users cannot open.
#![expect(clippy::disallowed_methods, reason = "reads /proc to find a flanneld, and waits for it to end")]

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, socket, sockopt};
use nix::unistd::Pid;

use super::lock::{self, Lock, Taken};
use crate::error::Failure;
use crate::net::IfName;

/// How long a predecessor may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Held as long as this process is the device's agent.
pub struct Claim {
    /// None where a stranger has the name.
    socket: Option<UnixListener>,
    /// None where the run directory cannot be written.
    _lock: Option<Lock>,
}

impl Claim {
    /// Lets go of those who asked who we are; to be called now and then, or their queue fills.
    pub fn drain(&self) {
        if let Some(socket) = &self.socket {
            while socket.accept().is_ok() {}
        }
    }
}

/// Who has the socket's name.
enum Holder {
    /// Nobody any more.
    Gone,
    /// Root or our own user: an agent.
    Agent(Rival),
    /// Anybody else, or somebody who answers nothing; in words.
    Stranger(String),
}

/// Another program that manages the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rival {
    /// Its process.
    pub pid: i32,
    /// `flanctl` or `flanneld`.
    pub name: &'static str,
}

/// Claims the device. With `takeover` a rival is asked to end first (SIGTERM leaves the data path alone);
/// without, it is an error that names its pid.
pub fn claim(device: IfName, lock_file: &Path, takeover: bool) -> Result<Claim, Failure> {
    if let Some(rival) = flanneld(device) {
        if !takeover {
            return Err(refusal(device, &rival));
        }
        stop(&rival)?;
    }
    let end = Instant::now() + PATIENCE;
    loop {
        let rival = match attempt(device, lock_file)? {
            Ok(claim) => return Ok(claim),
            Err(rival) => rival,
        };
        let patient = Instant::now() < end;
        match rival {
            // Killed an instant ago: a program that it was starting holds the claim until it runs.
            Some(Rival { pid, .. }) if patient && pid != 0 && ended(pid) => {
                thread::sleep(Duration::from_millis(20));
            }
            // Pid 0 is a process of another pid namespace, and to kill(2) our own process group.
            Some(rival) if takeover && patient && rival.pid != 0 => stop(&rival)?,
            Some(rival) => return Err(refusal(device, &rival)),
            // It went away between the two calls.
            None if patient => thread::sleep(Duration::from_millis(20)),
            None => return Err(Failure::found(format!("another agent manages {device}"))),
        }
    }
}

/// One attempt: the claim, or who has it (nobody, if it went away meanwhile).
fn attempt(device: IfName, lock_file: &Path) -> Result<Result<Claim, Option<Rival>>, Failure> {
    let (socket, stranger) = match bind(device)? {
        Some(socket) => (Some(socket), None),
        None => match holder(device) {
            Holder::Gone => return Ok(Err(None)),
            Holder::Agent(rival) => return Ok(Err(Some(rival))),
            Holder::Stranger(who) => (None, Some(who)),
        },
    };
    match (lock::take(lock_file), stranger) {
        (Taken::Ours(lock), stranger) => {
            if let Some(who) = stranger {
                tracing::warn!("{who} has the name flanctl/{device}; going by {}", lock_file.display());
            }
            Ok(Ok(Claim { socket, _lock: Some(lock) }))
        }
        (Taken::Held(pid), _) => Ok(Err(Some(Rival { pid, name: "flanctl" }))),
        (Taken::Unusable(_), None) => Ok(Ok(Claim { socket, _lock: None })),
        (Taken::Unusable(why), Some(who)) => Err(Failure::found(format!(
            "{who} has the name flanctl/{device}, and {} cannot be locked instead: {why}",
            lock_file.display()
        ))
        .hint("end that process, or give a --run-dir that only root can write")),
    }
}

/// Takes the name; `None` if somebody has it.
fn bind(device: IfName) -> Result<Option<UnixListener>, Failure> {
    let failed = |e: io::Error| Failure::unreadable(format!("claiming {device}")).because(e);
    let address = SocketAddr::from_abstract_name(format!("flanctl/{device}")).map_err(failed)?;
    match UnixListener::bind_addr(&address) {
        Ok(socket) => {
            socket.set_nonblocking(true).map_err(failed)?;
            Ok(Some(socket))
        }
        Err(e) if e.kind() == io::ErrorKind::AddrInUse => Ok(None),
        Err(e) => Err(failed(e)),
    }
}

/// Who manages the device, for those who only ask.
pub fn rival(device: IfName, lock_file: &Path) -> Option<Rival> {
    let by_name = || match holder(device) {
        Holder::Agent(rival) => Some(rival),
        Holder::Gone | Holder::Stranger(_) => None,
    };
    let by_lock = || lock::held(lock_file).map(|pid| Rival { pid, name: "flanctl" });
    flanneld(device).or_else(by_name).or_else(by_lock)
}

/// Who holds the name. Never waits: refused starts may have filled the queue of a holder.
fn holder(device: IfName) -> Holder {
    let told = || {
        let asks = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_NONBLOCK, None)?;
        let address = UnixAddr::new_abstract(format!("flanctl/{device}").as_bytes())?;
        connect(asks.as_raw_fd(), &address)?;
        getsockopt(&asks, sockopt::PeerCredentials)
    };
    match told() {
        // As it was when the holder began to listen.
        Ok(told) if lock::trusted(told.uid()) => Holder::Agent(Rival { pid: told.pid(), name: "flanctl" }),
        Ok(told) => Holder::Stranger(format!("process {} of user {}", told.pid(), told.uid())),
        Err(Errno::EAGAIN) => Holder::Stranger("a process that answers nobody".to_owned()),
        Err(_) => Holder::Gone,
    }
}

fn refusal(device: IfName, rival: &Rival) -> Failure {
    if rival.pid == 0 {
        return Failure::found(format!(
            "{device} is managed by a {} that cannot be seen from here",
            rival.name
        ))
        .hint("it may run in a container that shares this network namespace: stop it there first");
    }
    Failure::found(format!("{device} is managed by {} with pid {}", rival.name, rival.pid))
        .hint("stop it first, or start with --takeover to stop it and go on with its lease and device")
}

/// SIGTERM, and waits until it is gone; never SIGKILL: what hangs is for a person to look at.
fn stop(rival: &Rival) -> Result<(), Failure> {
    tracing::info!("Taking over from {} with pid {}", rival.name, rival.pid);
    let pid = Pid::from_raw(rival.pid);
    let end = Instant::now() + PATIENCE;
    let mut signal = Some(Signal::SIGTERM);
    loop {
        match kill(pid, signal.take()) {
            Err(Errno::ESRCH) => return Ok(()),
            Err(e) => {
                return Err(
                    Failure::found(format!("stopping {} with pid {}", rival.name, rival.pid)).because(e)
                );
            }
            Ok(()) if ended(rival.pid) => return Ok(()),
            Ok(()) if Instant::now() > end => {
                return Err(Failure::found(format!("{} with pid {} does not end", rival.name, rival.pid))
                    .hint("look at what it waits for, end it by hand and start again"));
            }
            Ok(()) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// A zombie has ended, too: its parent has not looked yet.
fn ended(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z') || rest.starts_with('X'))
}

/// A process named flanneld in our namespace, where the device exists: it manages it. (One that is not ours is known
/// by the claim socket instead.)
fn flanneld(device: IfName) -> Option<Rival> {
    let here = fs::read_link("/proc/thread-self/ns/net").ok()?;
    if !fs::exists(format!("/sys/class/net/{device}")).unwrap_or(false) && !in_proc_net_dev(device) {
        return None;
    }
    let own = std::process::id().cast_signed();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<i32>().ok()) else { continue };
        let comm = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        let there = fs::read_link(entry.path().join("ns/net")).ok();
        let exe = fs::read_link(entry.path().join("exe")).ok();
        let real = exe.and_then(|p| p.file_name().map(|n| n.to_string_lossy().into_owned()));
        // Our own binary under the name flanneld has the claim socket.
        let ours = real.is_some_and(|name| name.starts_with("flanctl"));
        if pid != own
            && comm.trim_end() == "flanneld"
            && there.as_ref() == Some(&here)
            && !ours
            && !ended(pid)
        {
            return Some(Rival { pid, name: "flanneld" });
        }
    }
    None
}

/// /sys shows the namespace it was mounted in; /proc/thread-self/net follows the thread.
fn in_proc_net_dev(device: IfName) -> bool {
    let text = fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
    text.lines().any(|l| l.trim_start().split(':').next() == Some(device.as_str()))
}
