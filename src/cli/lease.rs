//! `flanctl lease`: the leases and the network config in the store.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, Subcommand};

use super::gather::{agent_file, read_snapshot};
use super::lease_kept::Kept;
use super::lease_named::{answers_to, key_answers_to, subnet_of};
use super::look::{Near, empty_store, env, host, make_store, now, open_store, store_choice, store_given};
use super::netns::netns;
use super::{Global, Output, lease_config, lease_watch};
use crate::clock;
use crate::config::{NetConf, StoreChoice};
use crate::error::{Failure, exit};
use crate::lease::{Expiry, Lease, TTL_SECS};
use crate::net::Subnet;
use crate::readings::{LeaseRow, Sight, lease_rows, own_lease};
use crate::render::{Listing as Document, Out, Source, lease_table};
use crate::state::State;
use crate::store::{LeaseStore, Listing, StoreError};

/// A live node renews an hour before the end; with more than that left, nobody can tell whether it lives.
const RENEW_MARGIN_SECS: u64 = 3_600;

/// Flags of `lease`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  flanctl lease                          every lease, this node's marked
  flanctl lease show 10.5.34.7           whose address is this?
  flanctl lease config set '{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}'")]
pub struct LeaseArgs {
    #[command(subcommand)]
    verb: Option<Verb>,
    // First: it makes the flags global that are there already.
    #[command(flatten)]
    near: Near,
    /// Read a snapshot file instead of a store
    #[arg(long, global = true, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    #[command(flatten)]
    told: Told,
}

/// How much a listing tells beside its rows.
#[derive(Clone, Copy, Debug, Args)]
struct Told {
    /// Say also where the leases come from
    #[arg(short, long)]
    verbose: bool,
    /// No remarks
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Every lease; this is what happens without a word, too
    #[command(after_help = "Examples:
  flanctl lease list -o wide
  flanctl lease list --etcd-endpoints http://10.0.0.1:2379 --etcd-prefix /flannel/network")]
    List(Told),
    /// One lease: by its subnet, by any address in it, by its node's address or name
    #[command(after_help = "Examples:
  flanctl lease show 10.5.34.7           whose pod is this?
  flanctl lease show 192.168.50.12       which subnet has that node?")]
    Show {
        /// 10.5.34.0/24, 10.5.34.0-24, 10.5.34.7, 192.168.50.12 or a node's name
        what: String,
    },
    /// Tells of leases as they come and go, until interrupted
    #[command(after_help = "Examples:
  flanctl lease watch
  flanctl lease watch -o json | jq -r 'select(.event == \"removed\").node'")]
    Watch,
    /// Gives a lease back, for a node that is gone
    ///
    /// A live node renews its lease an hour before the end. With more than that left the node may be alive: then
    /// --yes is asked for.
    #[command(after_help = "Examples:
  flanctl lease release 10.5.34.0/24
  flanctl lease release 10.5.34.0/24 --yes      node-34 was reinstalled under another name")]
    Release {
        /// 10.5.34.0/24 or 10.5.34.0-24
        subnet: String,
        /// Although the node may be alive (its lease has more than an hour left)
        #[arg(long)]
        yes: bool,
    },
    /// The network config
    #[command(after_help = "Examples:
  flanctl lease config get
  flanctl lease config set net-conf.json")]
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigVerb {
    /// Prints it as it stands in the store
    #[command(after_help = "Examples:
  flanctl lease config get
  flanctl lease config get --store dir:/var/lib/flanctl > net-conf.json")]
    Get,
    /// Checks it, then writes it
    #[command(after_help = "Examples:
  flanctl lease config set net-conf.json
  flanctl lease config set '{\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}'
  flanctl lease config get --store dir:/old | flanctl lease config set -")]
    Set {
        /// A file, - for standard input, or the JSON itself
        #[arg(value_name = "FILE|-|JSON")]
        config: String,
        /// Although leases that exist do not fit it
        #[arg(long)]
        yes: bool,
    },
}

/// What every sub-verb works with.
struct Desk<'a, 'o> {
    store: &'a dyn LeaseStore,
    choice: &'a StoreChoice,
    own: Option<Subnet>,
    global: &'a Global,
    seen: Seen,
    out: &'a mut Out<'o>,
}

/// Where and when the leases were seen.
struct Seen {
    host: String,
    netns: String,
    at: SystemTime,
    source: Source,
}

/// Runs `lease`.
pub fn run(args: LeaseArgs, global: &Global, out: &mut Out<'_>) -> Result<u8, Failure> {
    if let Some(path) = args.snapshot {
        let snapshot = read_snapshot(&path)?;
        let seen = Seen {
            host: snapshot.host.clone(),
            netns: snapshot.netns.clone(),
            at: snapshot.at,
            source: Source::Snapshot,
        };
        let (own, choice) = (snapshot.own, StoreChoice::Dir(path.clone()));
        let store = Kept { path, snapshot };
        let mut desk = Desk { store: &store, choice: &choice, own, global, seen, out };
        return super::wait(desk.does(args.verb.unwrap_or(Verb::List(args.told))));
    }
    let netns = netns(global)?;
    let agent = agent_file(&args.near, &netns, None).ok().flatten();
    let choice: StoreChoice = match &agent {
        Some(agent) if !store_given(&args.near.store) => agent.store.choice(env("FLANNELD_ETCD_PASSWORD")),
        _ => store_choice(&args.near.store)?,
    };
    let own = agent.and_then(|agent| agent.own).map(|own| own.subnet);
    super::wait(async {
        let verb = args.verb.unwrap_or(Verb::List(args.told));
        let writes = matches!(verb, Verb::Config { verb: ConfigVerb::Set { .. } });
        let store = if writes { make_store(&choice).await? } else { open_store(&choice).await? };
        let seen = Seen { host: host(), netns: netns.label.clone(), at: now(), source: Source::Live };
        Desk { store: store.as_ref(), choice: &choice, own, global, seen, out }.does(verb).await
    })
}

impl Desk<'_, '_> {
    async fn does(&mut self, verb: Verb) -> Result<u8, Failure> {
        match verb {
            Verb::List(told) => self.list(told).await,
            Verb::Show { what } => self.show(&what).await,
            Verb::Watch => {
                let json = self.global.output == Output::Json;
                lease_watch::watch(self.store, json, &self.seen.netns, self.out).await
            }
            Verb::Release { subnet, yes } => self.release(&subnet, yes).await,
            Verb::Config { verb: ConfigVerb::Get } => self.config_get().await,
            Verb::Config { verb: ConfigVerb::Set { config, yes } } => self.config_set(&config, yes).await,
        }
    }

    async fn listing(&self) -> Result<Listing, Failure> {
        let mut listing = self.store.list().await.map_err(store_failure)?;
        let nothing = listing.leases.is_empty() && listing.unreadable.is_empty();
        if nothing && matches!(self.store.network_config().await, Err(StoreError::NoConfig { .. })) {
            return Err(empty_store(self.choice));
        }
        listing.leases.sort_by_key(|lease| lease.subnet);
        self.store.fill_expiries(&mut listing.leases).await.map_err(store_failure)?;
        Ok(listing)
    }

    /// The agent's word, else the lease whose public address this host has.
    fn own_of(&self, leases: &[Lease]) -> Option<Subnet> {
        let live = self.own.is_none() && self.seen.source == Source::Live;
        let state = if live { super::netns::own_addresses() } else { State::default() };
        let sight = Sight { state: &state, leases: Some(leases), own: self.own, conf: None, unreadable: &[] };
        own_lease(&sight).map(|lease| lease.subnet)
    }

    fn document(&self, listing: &Listing, rows: Vec<LeaseRow>) -> Document<LeaseRow> {
        let Seen { host, netns, at, source } = &self.seen;
        let mut document = Document::new("lease", clock::rfc3339(*at), host.clone(), netns.clone(), *source);
        document.unseen =
            listing.unreadable.iter().map(|bad| format!("unreadable {}: {}", bad.key, bad.why)).collect();
        document.rows = rows;
        document
    }

    async fn list(&mut self, told: Told) -> Result<u8, Failure> {
        let listing = self.listing().await?;
        let rows = lease_rows(&listing.leases, self.own_of(&listing.leases), self.seen.at);
        let document = self.document(&listing, rows);
        if self.global.output == Output::Json {
            self.out.json(&document)?;
            return Ok(exit::FINE);
        }
        self.out.grid(&lease_table(&document.rows, self.global.output == Output::Wide))?;
        if !told.quiet {
            if document.rows.is_empty() {
                self.out.prose(&format!("# no leases in {}", self.store.describe()))?;
            }
            for remark in &document.unseen {
                self.out.prose(&format!("# {remark}"))?;
            }
        }
        if told.verbose {
            self.out.prose(&format!("# leases: {}", self.store.describe()))?;
        }
        Ok(exit::FINE)
    }

    async fn show(&mut self, what: &str) -> Result<u8, Failure> {
        let mut listing = self.listing().await?;
        let own = self.own_of(&listing.leases);
        listing.leases.retain(|lease| answers_to(lease, what));
        if listing.leases.is_empty() {
            return Err(self.none_has(what, &listing));
        }
        let rows = lease_rows(&listing.leases, own, self.seen.at);
        let document = self.document(&listing, rows);
        if self.global.output == Output::Json {
            self.out.json(&document)?;
            return Ok(exit::FINE);
        }
        for (row, lease) in document.rows.iter().zip(&listing.leases) {
            for (name, value) in facts(row, lease) {
                self.out.line(&format!("{name:<12} {}", crate::render::clean(&value)))?;
            }
        }
        Ok(exit::FINE)
    }

    /// No readable lease answers; perhaps a record that cannot be read would.
    fn none_has(&self, what: &str, listing: &Listing) -> Failure {
        match listing.unreadable.iter().find(|bad| key_answers_to(&bad.key, what)) {
            Some(bad) => Failure::found(format!("the record {} has {what}, and cannot be read", bad.key))
                .because(bad.why.clone())
                .hint(format!("see what is written in {}", self.store.describe())),
            None => {
                Failure::found(format!("no lease has {what}")).hint("`flanctl lease list` shows all of them")
            }
        }
    }

    async fn release(&mut self, what: &str, yes: bool) -> Result<u8, Failure> {
        let mut listing = self.listing().await?;
        let subnet = subnet_of(what)?;
        listing.leases.retain(|lease| lease.subnet == subnet || lease.subnet.nets().eq(subnet.nets()));
        let Some(lease) = listing.leases.first() else {
            return Err(Failure::found(format!("no lease of {}", subnet.cidrs()))
                .hint("`flanctl lease list` shows all of them"));
        };
        let (age, alive) = age(lease);
        let named = format!("{} of node {} ({age})", lease.subnet.cidrs(), lease.attrs.name());
        if alive && !yes {
            return Err(Failure::found(format!("not released: {named}; the node may be alive"))
                .hint("stop its agent first, or repeat with --yes"));
        }
        self.store.release(lease).await.map_err(store_failure)?;
        self.out.line(&format!("released {}", crate::render::clean(&named)))?;
        Ok(exit::FINE)
    }

    async fn config_get(&mut self) -> Result<u8, Failure> {
        let text = self.store.network_config().await.map_err(store_failure)?;
        self.out.line(text.trim_end_matches('\n'))?;
        Ok(exit::FINE)
    }

    async fn config_set(&mut self, given: &str, yes: bool) -> Result<u8, Failure> {
        let text = match given.trim_start() {
            json if json.starts_with('{') => given.to_owned(),
            "-" => super::look::read_stdin()?,
            _ => super::look::read_text(&PathBuf::from(given))?,
        };
        let conf = NetConf::parse(&text).map_err(|error| {
            let hint = error.hint();
            Failure { hint, ..Failure::usage("not written").because(error) }
        })?;
        for unknown in lease_config::unknown_keys(&text) {
            super::warn(&format!("{unknown}: ignored"));
        }
        if !yes {
            let listing = self.store.list().await.map_err(store_failure)?;
            if let Some(misfits) = lease_config::misfits(&conf, &listing.leases) {
                return Err(Failure::found(format!("not written: {misfits}"))
                    .hint("agents would leave their subnets, and pods lose the network; repeat with --yes"));
            }
        }
        self.store.put_config(&text).await.map_err(store_failure)?;
        self.out.line(&format!("config written to {}", self.store.describe()))?;
        self.out.line("agents take it at SIGHUP or at their next start")?;
        Ok(exit::FINE)
    }
}

/// The lease's age in words, and whether its node may be alive.
fn age(lease: &Lease) -> (String, bool) {
    match lease.expires {
        Expiry::Unknown => ("age not known".to_owned(), true),
        Expiry::Never => ("a reservation, it never ends".to_owned(), true),
        Expiry::At(end) => match end.duration_since(now()) {
            Err(_) => ("its time is over".to_owned(), false),
            Ok(left) => {
                let since = std::time::Duration::from_secs(TTL_SECS).saturating_sub(left);
                (format!("renewed {} ago", clock::span(since)), left.as_secs() > RENEW_MARGIN_SECS)
            }
        },
    }
}

/// `lease show` in text: name and value, a line each.
fn facts(row: &LeaseRow, lease: &Lease) -> Vec<(&'static str, String)> {
    let half = &row.lease;
    let mut facts = vec![("subnet", half.subnet.clone()), ("node", row.node.clone())];
    let mut add =
        |name, value: Option<String>| facts.extend(value.filter(|v| !v.is_empty()).map(|v| (name, v)));
    add("this node", half.this_node.then(|| "yes".to_owned()));
    add("public ip", half.public_ip.map(|ip| ip.to_string()));
    add("public ipv6", half.public_ipv6.map(|ip| ip.to_string()));
    add("backend", Some(half.backend.clone()));
    add("data", lease.attrs.backend_data.as_deref().map(str::to_owned));
    add("v6 data", lease.attrs.backend_v6_data.as_deref().map(str::to_owned));
    add("expires", half.expires.clone());
    add("left", half.left.clone());
    facts
}

/// A store's error in words, with the fix where one is known.
pub fn store_failure(error: StoreError) -> Failure {
    let (told, hint) = (error.hint(), "name the store with --store dir:PATH or --etcd-endpoints URLS");
    let failure = match &error {
        StoreError::Taken(_) | StoreError::Changed { .. } => Failure::found("the lease store"),
        StoreError::NoConfig { .. }
        | StoreError::Setup { .. }
        | StoreError::Unreachable { .. }
        | StoreError::Lost(_) => Failure::unreadable("the lease store"),
    };
    let unreachable = matches!(error, StoreError::Unreachable { .. });
    let hint = told.or_else(|| unreachable.then(|| hint.to_owned()));
    failure.because(error).hinted(hint)
}
