//! What a reading verb looks at, brought together: a snapshot file, or this node's tables, leases and, as deep as it
//! is asked for, its firewall, facts and pods. Hands only: judges nothing.
#![expect(clippy::disallowed_methods, reason = "snapshot files, state files and /proc are read here")]

use std::path::{Path, PathBuf};
use std::thread;

use super::Global;
use super::ask_store;
use super::deepen::{deepen, firewall};
use super::look::{LookArgs, Near, empty_store, env, host, now, open_store, store_choice};
use super::look::{store_flagged, store_given};
use super::netns::{Netns, live_state, netns};
use crate::agent::file::{self, AgentFile};
use crate::config::{NetConf, is_secret, without_secrets};
use crate::error::Failure;
use crate::firewall::Ruleset;
use crate::net::IfName;
use crate::readings::{Sight, flannel_devices};
use crate::render::Source;
use crate::snapshot::Snapshot;
use crate::state::State;
use crate::store::StoreError;

/// What is read besides the kernel's tables and the leases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// The firewall's rules.
    pub firewall: bool,
    /// Facts beyond the few sysctls that every reading brings: offloads, modules, counters, sockets, …
    pub facts: bool,
    /// The namespaces behind this node's veths.
    pub pods: bool,
}

impl Depth {
    /// The tables and the leases alone.
    pub const TABLES: Self = Self { firewall: false, facts: false, pods: false };
    /// Everything.
    pub const WHOLE: Self = Self { firewall: true, facts: true, pods: true };
}

/// Everything that a reading verb looks at.
#[derive(Debug)]
pub struct Look {
    /// The node: tables, leases, config, and what could not be seen.
    pub snapshot: Snapshot,
    /// Live or a file.
    pub source: Source,
    /// The network config, if known and readable.
    pub conf: Option<NetConf>,
    /// Records of the store that are no leases: the key and why, a sentence each.
    pub unreadable: Vec<String>,
    /// Why the agent that tells of the leases is none to trust, if it does not run.
    pub idle: Option<String>,
    /// True if an agent's state file told of the leases.
    pub by_agent: bool,
    /// Where the leases come from, for `-v`.
    pub whence: String,
}

impl Look {
    /// As the readings take it.
    pub fn sight(&self) -> Sight<'_> {
        Sight {
            state: &self.snapshot.state,
            leases: self.snapshot.leases.as_deref(),
            own: self.snapshot.own,
            conf: self.conf.as_ref(),
            unreadable: &self.unreadable,
        }
    }
}

/// Everything, from the snapshot file or from this node.
pub fn gather(global: &Global, args: &LookArgs, depth: Depth) -> Result<Look, Failure> {
    let look = match &args.snapshot {
        Some(path) => from_file(path)?,
        None => from_here(global, args, depth)?,
    };
    let state = &look.snapshot.state;
    match args.device {
        // A device that an agent tells of may well be gone: that is what the tables are to show.
        Some(name) if !state.links.contains_key(&name) && !look.by_agent => Err(no_device(name, state)),
        _ => Ok(look),
    }
}

fn no_device(name: IfName, state: &State) -> Failure {
    let there: Vec<String> = flannel_devices(state).iter().map(|(dev, _)| dev.to_string()).collect();
    let hint = if there.is_empty() {
        "there is no flannel device here".to_owned()
    } else {
        format!("flannel's devices here: {}", there.join(", "))
    };
    Failure::unreadable(format!("no device {name} here")).hint(hint)
}

/// A snapshot file.
pub fn read_snapshot(path: &Path) -> Result<Snapshot, Failure> {
    let what = || format!("snapshot {}", path.display());
    let bytes = std::fs::read(path).map_err(|e| Failure::unreadable(what()).because(e))?;
    Snapshot::decode(&bytes).map_err(|e| Failure::unreadable(what()).because(e))
}

fn from_file(path: &Path) -> Result<Look, Failure> {
    let snapshot = read_snapshot(path)?;
    Ok(Look {
        conf: snapshot.conf(),
        snapshot,
        source: Source::Snapshot,
        unreadable: Vec::new(),
        idle: None,
        by_agent: false,
        whence: format!("snapshot {}", path.display()),
    })
}

fn from_here(global: &Global, args: &LookArgs, depth: Depth) -> Result<Look, Failure> {
    let netns = netns(global)?;
    let Read { state, rules, file } = side_by_side(args, &netns, depth);
    let snapshot = Snapshot {
        host: host(),
        at: now(),
        netns: netns.label.clone(),
        state: state?,
        leases: None,
        own: None,
        config: None,
        uplink: None,
        pods: Vec::new(),
        kernel: release(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        unseen: Vec::new(),
    };
    let mut look = Look {
        snapshot,
        source: Source::Live,
        conf: None,
        unreadable: Vec::new(),
        idle: None,
        by_agent: false,
        whence: "no leases".to_owned(),
    };
    // A flag names a store because the user means that one; else the agent knows best.
    let flagged = store_flagged(&args.near.store);
    // A file that cannot be read is no reason to show nothing.
    match file {
        Ok(Some(file)) if flagged => {
            of_agent(&mut look.snapshot, &file);
            from_store(&mut look, &args.near)?;
        }
        Ok(Some(file)) => {
            let store = file.store.clone();
            from_agent(&mut look, file);
            if depth.facts {
                ask_store::ask(&mut look, &store, &netns);
            }
        }
        Ok(None) if flagged || store_given(&args.near.store) => from_store(&mut look, &args.near)?,
        Ok(None) => {}
        Err(_) if flagged => from_store(&mut look, &args.near)?,
        Err(failure) => look.snapshot.unseen.push(failure.chain()),
    }
    hide(&mut look.snapshot);
    look.conf = look.snapshot.conf();
    // Last: what the config and the agent say is asked about.
    deepen(&mut look.snapshot, &netns, depth, rules);
    Ok(look)
}

/// What does not wait for anything else that is read.
struct Read {
    state: Result<State, Failure>,
    rules: Option<Ruleset>,
    file: Result<Option<AgentFile>, Failure>,
}

/// The tables, the firewall's rules and the agent's file at once: the kernel, a program and a large document take about
/// as long as each other.
fn side_by_side(args: &LookArgs, netns: &Netns, depth: Depth) -> Read {
    thread::scope(|scope| {
        let rules = depth.firewall.then(|| scope.spawn(|| firewall(netns)));
        let file = scope.spawn(|| agent_file(&args.near, netns, args.device));
        let state = live_state(netns);
        let rules = rules.and_then(joined);
        Read { state, rules, file: joined(file) }
    })
}

/// What a thread brings home; its panic is ours.
fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The kernel's release, as `uname -r` prints it.
fn release() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    text.trim_end().to_owned()
}

/// The state file of the agent that runs in this namespace. A lab's agents have a run directory of their own: those
/// are looked into as well, so that `--netns lab-node1` needs no further flag; a directory that was named is the only one.
pub fn agent_file(near: &Near, netns: &Netns, device: Option<IfName>) -> Result<Option<AgentFile>, Failure> {
    let labs = || crate::lab::manifest::homes().into_iter().map(|(_, home)| home.run_dir()).collect();
    for dir in run_dirs(near.run_dir.as_ref(), &env, labs) {
        let found = file::find(&dir, netns.inode, device).map_err(|e| {
            Failure::unreadable("the agent's state file")
                .because(e)
                .hint("name the leases' store with --store")
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Where state files are looked for: in the directory that was named, else in the default one and those of `labs`.
fn run_dirs(
    flag: Option<&String>,
    env: &dyn Fn(&str) -> Option<String>,
    labs: impl FnOnce() -> Vec<PathBuf>,
) -> Vec<PathBuf> {
    let named = flag.is_some() || env("FLANCTL_RUN_DIR").is_some();
    let first = crate::config::run_dir(flag, env);
    std::iter::once(first).chain(if named { Vec::new() } else { labs() }).collect()
}

/// What the agent says of itself and of its node, whoever tells of the leases.
fn of_agent(snapshot: &mut Snapshot, file: &AgentFile) {
    let facts = &mut snapshot.state.facts;
    facts.insert("agent:pid".to_owned(), file.pid.to_string());
    facts.insert("agent:state".to_owned(), Life::of(file.pid).word().to_owned());
    snapshot.host.clone_from(&file.host);
    snapshot.uplink = Some(file.uplink.clone());
}

fn from_agent(look: &mut Look, file: AgentFile) {
    let written = crate::clock::rfc3339(file.written_at);
    let snapshot = &mut look.snapshot;
    of_agent(snapshot, &file);
    look.whence = format!("agent {} ({}), written {written}", file.pid, file.device);
    look.idle = Life::of(file.pid)
        .fault()
        .map(|how| format!("agent {} {how}: the leases are those of {written}", file.pid));
    look.by_agent = true;
    snapshot.unseen.extend(look.idle.clone());
    snapshot.config = Some(file.config);
    snapshot.own = file.own.as_ref().map(|own| own.subnet);
    snapshot.leases = Some(file.own.into_iter().chain(file.peers).collect());
}

/// Takes out what nobody but its owner may read, whoever told it: secrets of the network config, and what somebody may
/// have written beside flannel's fields in a lease.
fn hide(snapshot: &mut Snapshot) {
    if let Some(text) = snapshot.config.take() {
        snapshot.config = without_secrets(&text);
        if snapshot.config.is_none() {
            snapshot.unseen.push("the network config is not JSON: it is left out".to_owned());
        }
    }
    for lease in snapshot.leases.iter_mut().flatten() {
        lease.attrs.unknown.retain(|(name, _)| !is_secret(name));
    }
}

/// Whether a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    Stopped,
    Gone,
}

impl Life {
    /// A zombie has ended; only its parent has not heard yet.
    fn of(pid: u32) -> Self {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return Self::Gone };
        // `PID (NAME) S …`; the name may hold anything, also a parenthesis.
        match stat.rsplit_once(')').and_then(|(_, behind)| behind.trim_start().chars().next()) {
            Some('Z' | 'X' | 'x') => Self::Gone,
            Some('T' | 't') => Self::Stopped,
            _ => Self::Running,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Gone => "gone",
        }
    }

    const fn fault(self) -> Option<&'static str> {
        match self {
            Self::Running => None,
            Self::Stopped => Some("is stopped"),
            Self::Gone => Some("is not running"),
        }
    }
}

fn from_store(look: &mut Look, near: &Near) -> Result<(), Failure> {
    let choice = store_choice(&near.store)?;
    let read = super::wait(async {
        let store = open_store(&choice).await?;
        let listing = store.list().await.map_err(super::lease::store_failure)?;
        Ok((store.describe(), listing, store.network_config().await))
    })?;
    let (whence, listing, config) = read;
    let nothing = listing.leases.is_empty() && listing.unreadable.is_empty();
    if nothing && matches!(config, Err(StoreError::NoConfig { .. })) {
        return Err(empty_store(&choice));
    }
    look.whence = whence;
    let bad = listing.unreadable.into_iter();
    look.unreadable = bad.map(|bad| format!("unreadable {}: {}", bad.key, bad.why)).collect();
    look.snapshot.leases = Some(listing.leases);
    look.snapshot.config = config.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{PathBuf, run_dirs};

    #[test]
    fn a_run_directory_that_was_named_is_the_only_one() {
        let labs = || vec![PathBuf::from("/run/flanctl-lab/x/run")];
        let of = |flag: Option<&str>, variable: Option<&str>| {
            let flag = flag.map(str::to_owned);
            let env = |key: &str| variable.filter(|_| key == "FLANCTL_RUN_DIR").map(str::to_owned);
            run_dirs(flag.as_ref(), &env, labs)
        };
        assert_eq!(of(Some("/a"), None), [PathBuf::from("/a")]);
        assert_eq!(of(None, Some("/b")), [PathBuf::from("/b")]);
        assert_eq!(of(Some("/a"), Some("/b")), [PathBuf::from("/a")]);
        assert_eq!(of(None, None), [PathBuf::from("/run/flannel"), PathBuf::from("/run/flanctl-lab/x/run")]);
    }
}
