//! Where the reading verbs look: flags, the store, the terminal, the clock. Hands only: judges nothing.
#![expect(clippy::disallowed_methods, reason = "files, the clock and the environment are read here")]

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;

use super::Color;
use crate::config::{StoreArgs, StoreChoice};
use crate::error::Failure;
use crate::net::IfName;
use crate::store::{self, LeaseStore};

/// Flags that say where a reading verb looks.
#[derive(Clone, Debug, Args)]
pub struct LookArgs {
    /// Read a snapshot file instead of this node
    #[arg(long, global = true, value_name = "FILE")]
    pub snapshot: Option<PathBuf>,
    /// The overlay device, where several agents run
    #[arg(long, global = true, value_name = "NAME")]
    pub device: Option<IfName>,
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

/// The text of a file that the user named.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|e| Failure::unreadable(path.display().to_string()).because(e))
}

/// All of standard input.
pub fn read_stdin() -> Result<String, Failure> {
    std::io::read_to_string(std::io::stdin()).map_err(|e| Failure::unreadable("standard input").because(e))
}
