//! Where the reading verbs look: flags, the namespace, the kernel's tables, the leases. Hands only: judges nothing.
#![expect(clippy::disallowed_methods, reason = "files, the clock and the environment are read here")]

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;

use super::netns::{Netns, live_state, netns};
use super::{Color, Global};
use crate::agent::file::{self, AgentFile};
use crate::config::{NetConf, StoreArgs, StoreChoice};
use crate::error::Failure;
use crate::lease::Lease;
use crate::net::{IfName, Subnet};
use crate::readings::{Sight, flannel_devices};
use crate::render::Source;
use crate::snapshot::Snapshot;
use crate::state::State;
use crate::store::{self, LeaseStore, StoreError};

/// Flags of `route`, `fdb` and `arp`.
#[derive(Debug, Args)]
pub struct LookArgs {
    /// Read a snapshot file instead of this node
    #[arg(long, global = true, value_name = "FILE")]
    pub snapshot: Option<PathBuf>,
    /// Show the rest of the host's rows, too
    #[arg(short, long, global = true)]
    pub all: bool,
    /// Exit 1 if anything drifts
    #[arg(long, global = true)]
    pub check: bool,
    /// The overlay device, where several agents run
    #[arg(long, global = true, value_name = "NAME")]
    pub device: Option<IfName>,
    /// Say also where the leases come from
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Only what drifts, and no remarks
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Where leases are found.
    #[command(flatten)]
    pub near: Near,
}

/// Flags that say where leases are found.
#[derive(Clone, Debug, Args)]
// `flanctl lease show X --store …`: the flags stand before or behind the second word.
#[command(mut_args(|arg| arg.global(true)))]
pub struct Near {
    /// Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]
    #[arg(long, global = true, value_name = "DIR")]
    pub run_dir: Option<String>,
    /// The lease store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Everything that a reading verb looks at.
#[derive(Debug)]
pub struct Look {
    /// Host name.
    pub host: String,
    /// When it was read.
    pub at: SystemTime,
    /// The namespace's name or inode.
    pub netns: String,
    /// Live or a file.
    pub source: Source,
    /// The kernel's tables.
    pub state: State,
    /// The leases, if any are in reach.
    pub leases: Option<Vec<Lease>>,
    /// Which is this node's, if known.
    pub own: Option<Subnet>,
    /// The network config, if known.
    pub conf: Option<NetConf>,
    /// Records of the store that are no leases: the key and why, a sentence each.
    pub unreadable: Vec<String>,
    /// Why the agent that tells of the leases is none to trust, if it does not run.
    pub idle: Option<String>,
    /// True if an agent's state file told of the leases.
    pub by_agent: bool,
    /// What could not be seen.
    pub unseen: Vec<String>,
    /// Where the leases come from, for `-v`.
    pub whence: String,
}

impl Look {
    /// As the readings take it.
    pub fn sight(&self) -> Sight<'_> {
        Sight {
            state: &self.state,
            leases: self.leases.as_deref(),
            own: self.own,
            conf: self.conf.as_ref(),
            unreadable: &self.unreadable,
        }
    }
}

/// Opens a store to read it.
pub async fn open_store(choice: &StoreChoice) -> Result<Box<dyn LeaseStore>, Failure> {
    store::open_existing(choice).await.map_err(super::lease::store_failure)
}

/// Opens a store, or makes it if it is a directory.
pub async fn make_store(choice: &StoreChoice) -> Result<Box<dyn LeaseStore>, Failure> {
    store::open(choice).await.map_err(super::lease::store_failure)
}

/// What is said of a store that holds neither a config nor a lease: most likely its name is mistyped.
pub fn empty_store(choice: &StoreChoice) -> Failure {
    match choice {
        StoreChoice::Dir(path) => Failure::unreadable(format!("no leases in directory {}", path.display()))
            .hint("name the directory that the agents use: --store dir:PATH"),
        StoreChoice::Etcd(etcd) => {
            let at = etcd.endpoints.join(",");
            Failure::unreadable(format!("nothing under prefix {} of etcd {at}", etcd.prefix))
                .hint("name the prefix that the agents use: --etcd-prefix PREFIX")
        }
    }
}

/// The store that flags and variables name, else etcd on this host.
pub fn store_choice(args: &StoreArgs) -> Result<StoreChoice, Failure> {
    StoreChoice::from_layers(args, &env).map_err(|error| {
        let hint = error.hint();
        let failure = Failure::usage("the lease store").because(error);
        Failure { hint, ..failure }
    })
}

/// True if a flag names a store.
pub fn store_flagged(args: &StoreArgs) -> bool {
    *args != StoreArgs::default()
}

/// True if a flag or a variable names a store.
pub fn store_given(args: &StoreArgs) -> bool {
    let keys = ["FLANCTL_STORE", "FLANNELD_ETCD_ENDPOINTS", "FLANNELD_ETCD_PREFIX"];
    store_flagged(args) || keys.iter().any(|key| env(key).is_some())
}

/// A network config; `None` if it is another backend's or unreadable.
fn net_conf(text: &str) -> Option<NetConf> {
    NetConf::parse(text).ok()
}

/// A variable of the environment.
pub fn env(key: &str) -> Option<String> {
    std::env::var(key).ok().filter(|value| !value.is_empty())
}

/// This moment.
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// Whether standard output takes colour, and its width if it is a terminal.
pub fn terminal(color: Color) -> (bool, Option<u16>) {
    let tty = std::io::stdout().is_terminal();
    let colour = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => tty && env("NO_COLOR").is_none() && env("TERM").as_deref() != Some("dumb"),
    };
    let told = || terminal_size::terminal_size().map(|(width, _)| width.0);
    // Some terminals (a serial line, a container's) do not tell their size.
    let said = || env("COLUMNS").and_then(|text| text.parse::<u16>().ok()).filter(|width| *width > 0);
    (colour, tty.then(|| told().or_else(said).unwrap_or(80)))
}

/// The host's name.
pub fn host() -> String {
    nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_else(|| "?".to_owned())
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

/// Everything, from the snapshot file or from this node.
pub fn look(global: &Global, args: &LookArgs) -> Result<Look, Failure> {
    let look = match &args.snapshot {
        Some(path) => from_file(path)?,
        None => from_here(global, args)?,
    };
    match args.device {
        // A device that an agent tells of may well be gone: that is what the tables are to show.
        Some(name) if !look.state.links.contains_key(&name) && !look.by_agent => {
            Err(no_device(name, &look.state))
        }
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

fn from_file(path: &Path) -> Result<Look, Failure> {
    let what = || format!("snapshot {}", path.display());
    let bytes = std::fs::read(path).map_err(|e| Failure::unreadable(what()).because(e))?;
    let snapshot = Snapshot::decode(&bytes).map_err(|e| Failure::unreadable(what()).because(e))?;
    let Snapshot { host, at, netns, state, leases, own, config, unseen, .. } = snapshot;
    let conf = config.as_deref().and_then(net_conf);
    let whence = what();
    let source = Source::Snapshot;
    let (unreadable, idle, by_agent) = (Vec::new(), None, false);
    Ok(Look { host, at, netns, source, state, leases, own, conf, unreadable, idle, by_agent, unseen, whence })
}

fn from_here(global: &Global, args: &LookArgs) -> Result<Look, Failure> {
    let netns = netns(global)?;
    let state = live_state(&netns)?;
    let mut look = Look {
        host: host(),
        at: now(),
        netns: netns.label.clone(),
        source: Source::Live,
        state,
        leases: None,
        own: None,
        conf: None,
        unreadable: Vec::new(),
        idle: None,
        by_agent: false,
        unseen: Vec::new(),
        whence: "no leases".to_owned(),
    };
    // A flag names a store because the user means that one; else the agent knows best.
    if store_flagged(&args.near.store) {
        from_store(&mut look, &args.near)?;
        return Ok(look);
    }
    // A file that cannot be read is no reason to show nothing.
    match agent_file(&args.near, &netns, args.device) {
        Ok(Some(file)) => from_agent(&mut look, file),
        Ok(None) if store_given(&args.near.store) => from_store(&mut look, &args.near)?,
        Ok(None) => {}
        Err(failure) => look.unseen.push(failure.chain()),
    }
    Ok(look)
}

fn from_agent(look: &mut Look, file: AgentFile) {
    let written = crate::clock::rfc3339(file.written_at);
    look.whence = format!("agent {} ({}), written {written}", file.pid, file.device);
    look.idle =
        idle(file.pid).map(|how| format!("agent {} {how}: the leases are those of {written}", file.pid));
    look.unseen.extend(look.idle.clone());
    look.by_agent = true;
    look.host = file.host;
    look.conf = net_conf(&file.config);
    look.own = file.own.as_ref().map(|own| own.subnet);
    look.leases = Some(file.own.into_iter().chain(file.peers).collect());
}

/// How a process does not run, or `None` if it does. A zombie has ended; only its parent has not heard yet.
fn idle(pid: u32) -> Option<&'static str> {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return Some("is not running");
    };
    // `PID (NAME) S …`; the name may hold anything, also a parenthesis.
    let (_, behind) = stat.rsplit_once(')')?;
    match behind.trim_start().chars().next()? {
        'Z' | 'X' | 'x' => Some("is not running"),
        'T' | 't' => Some("is stopped"),
        _ => None,
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
    look.leases = Some(listing.leases);
    look.conf = config.ok().as_deref().and_then(net_conf);
    Ok(())
}

/// The text of a file that the user named.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|e| Failure::unreadable(path.display().to_string()).because(e))
}

/// All of standard input.
pub fn read_stdin() -> Result<String, Failure> {
    std::io::read_to_string(std::io::stdin()).map_err(|e| Failure::unreadable("standard input").because(e))
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
