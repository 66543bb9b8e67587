//! Watches one packet through the kernel's tracepoints, in an instance of tracefs of our own: made, read, removed. Where
//! tracefs is not mounted, the watching thread mounts it for itself alone. Hands only.
#![expect(clippy::disallowed_methods, reason = "tracefs is files")]

mod events;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, Signal};

use crate::state::Sighting;

/// Where tracefs is mounted, if it is.
const MOUNTS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/// Instances of ours begin so; the process's id follows.
const NAME: &str = "flanctl-";
/// Tracepoints; a kernel that lacks one shows less.
const EVENTS: [&str; 6] = [
    "fib/fib_table_lookup",
    "fib6/fib6_table_lookup",
    "net/net_dev_queue",
    "net/netif_receive_skb",
    "skb/kfree_skb",
    "neigh/neigh_event_send_done",
];
/// Without these nothing can be said of a packet.
const NEEDED: [&str; 2] = ["net/net_dev_queue", "skb/kfree_skb"];
/// Room for each processor's events, and how long what was sent is still on its way.
const ROOM_KB: &str = "2048";
const SETTLING: Duration = Duration::from_millis(30);

/// What came of watching.
#[derive(Debug)]
pub struct Watched<T> {
    /// What `send` answered.
    pub sent: T,
    /// What was seen of it, or why nothing could be watched.
    pub seen: io::Result<Vec<Sighting>>,
}

/// Runs `send` on a thread of its own, and tells what the kernel did with what that thread sent. SIGINT, SIGTERM and
/// SIGHUP wait until the instance is removed. Where nothing can be watched, `send` runs all the same.
pub fn watch<T: Send>(send: impl FnOnce() -> T + Send) -> io::Result<Watched<T>> {
    let held = Held::hold()?;
    let work = || match Instance::open() {
        Ok(instance) => {
            let started = instance.start();
            let sent = send();
            std::thread::sleep(SETTLING);
            let seen = started.and_then(|()| instance.stop());
            Watched { sent, seen }
        }
        Err(cause) => Watched { sent: send(), seen: Err(cause) },
    };
    let done = std::thread::scope(|scope| scope.spawn(work).join());
    drop(held);
    done.map_err(|_| io::Error::other("the watching thread ended"))
}

/// Signals that would end the process wait.
struct Held(SigSet);

impl Held {
    fn hold() -> io::Result<Self> {
        let mut wanted = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            wanted.add(signal);
        }
        let before = SigSet::thread_get_mask()?;
        // The thread that is started next inherits it.
        wanted.thread_block()?;
        Ok(Self(before))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // What waits comes now.
        let _ = self.0.thread_set_mask();
    }
}

/// An instance's directory, for as long as this lives.
struct Instance {
    dir: PathBuf,
}

impl Instance {
    fn open() -> io::Result<Self> {
        let root = root()?;
        let all = root.join("instances");
        swept(&all);
        let dir = all.join(format!("{NAME}{}", std::process::id()));
        fs::create_dir(&dir)?;
        Ok(Self { dir })
    }

    fn set(&self, file: &str, value: &str) -> io::Result<()> {
        fs::write(self.dir.join(file), value).map_err(|e| named(e, &format!("tracefs {file}")))
    }

    /// The oldest events are the probe's: a full buffer keeps them.
    fn start(&self) -> io::Result<()> {
        self.set("tracing_on", "0")?;
        self.set("options/overwrite", "0")?;
        self.set("buffer_size_kb", ROOM_KB)?;
        for event in EVENTS {
            let on = self.set(&format!("events/{event}/enable"), "1");
            if NEEDED.contains(&event) {
                on?;
            }
        }
        self.set("tracing_on", "1")
    }

    fn stop(&self) -> io::Result<Vec<Sighting>> {
        self.set("tracing_on", "0")?;
        let text = fs::read_to_string(self.dir.join("trace"))?;
        let reasons = fs::read_to_string(self.dir.join("events/skb/kfree_skb/format")).unwrap_or_default();
        let thread = nix::unistd::gettid().as_raw();
        Ok(events::sightings(&text, &events::reasons(&reasons), u32::try_from(thread).unwrap_or(0)))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // An event that is on keeps the directory.
        let _ = self.set("events/enable", "0");
        let _ = fs::remove_dir(&self.dir);
    }
}

fn named(cause: io::Error, what: &str) -> io::Error {
    io::Error::new(cause.kind(), format!("{what}: {cause}"))
}

/// What a process of ours that was killed has left.
fn swept(all: &Path) {
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(NAME)).map(str::to_owned);
        if pid.is_some_and(|pid| !Path::new("/proc").join(&pid).exists()) {
            drop(Instance { dir: entry.path() });
        }
    }
}

/// Where tracefs is, mounted for this thread if nobody else did.
fn root() -> io::Result<PathBuf> {
    let there = |dir: &&str| Path::new(dir).join("instances").exists();
    if let Some(dir) = MOUNTS.into_iter().find(there) {
        return Ok(PathBuf::from(dir));
    }
    let [dir, _] = MOUNTS;
    unshare(CloneFlags::CLONE_FS | CloneFlags::CLONE_NEWNS)
        .map_err(|e| named(e.into(), "a mount namespace"))?;
    // What is mounted from here on is nobody else's.
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    mount(Some("tracefs"), dir, Some("tracefs"), MsFlags::empty(), None::<&str>)
        .map_err(|e| named(e.into(), "mounting tracefs"))?;
    Ok(PathBuf::from(dir))
}
