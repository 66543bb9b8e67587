//! `flanctl route`, `fdb` and `arp`: the three tables of the overlay, each row beside the lease it should agree with.

use clap::{Args, Subcommand};

use super::gather::{Depth, gather};
use super::look::LookArgs;
use super::{Global, Output};
use crate::clock;
use crate::error::{Failure, exit};
use crate::net::IfName;
use crate::readings::{Kernel, Reading, Sight, Standing, arp_rows, fdb_rows, flannel_devices, route_rows};
use crate::render::{Listing, Out, drift_table};

/// Which table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The routing table.
    Route,
    /// The forwarding table.
    Fdb,
    /// The neighbours.
    Arp,
}

/// The end of `--help`: what the words and the exit codes mean, then the examples that `-h` shows alone.
macro_rules! long_help {
    ($examples:literal) => {
        concat!(
            "States:
  ok       as the lease asks; without leases: nothing speaks against it
  missing  a lease asks for it, the kernel has it not
  wrong    another value, or it takes traffic that a lease sends elsewhere
  stale    on flannel's device, and no lease asks for it
  stale?   without leases: no other table uses it
  broken   without leases: it leads nowhere, another table lacks its part
  refused  the lease cannot be honoured; nothing of it is in the kernel
  foreign  somebody else's, left alone (shown with --all)

Exit codes:
  0  the table was read; with --check: nothing drifts
  1  with --check: something is missing, wrong, stale, broken or refused,
     or there was nothing to check;
     without a lease in reach also without --check: something is broken
  2  the command line is wrong
  3  the kernel, the store or a file could not be read

",
            $examples
        )
    };
}

/// Flags of `route`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  flanctl route                          the own subnet, one row a peer, the uplink
  flanctl route --check -q               silent and 0 if every peer has its route
  flanctl route --netns lab-node1 -o json | jq '.rows[] | select(.state != \"ok\")'", after_long_help = long_help!("Examples:
  flanctl route                          the own subnet, one row a peer, the uplink
  flanctl route --check -q               silent and 0 if every peer has its route
  flanctl route --netns lab-node1 -o json | jq '.rows[] | select(.state != \"ok\")'"))]
pub struct RouteArgs {
    #[command(flatten)]
    table: TableArgs,
}

/// Flags of `fdb`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  flanctl fdb                            the device, then where each node's MAC is sent
  flanctl fdb -o wide --store etcd --etcd-endpoints http://10.0.0.1:2379
  flanctl fdb --dev cni0                 the bridge's ports, and the pod behind each
  flanctl fdb --snapshot node7.json      the same of a sick node, at home", after_long_help = long_help!("Examples:
  flanctl fdb                            the device, then where each node's MAC is sent
  flanctl fdb -o wide --store etcd --etcd-endpoints http://10.0.0.1:2379
  flanctl fdb --dev cni0                 the bridge's ports, and the pod behind each
  flanctl fdb --snapshot node7.json      the same of a sick node, at home"))]
pub struct FdbArgs {
    #[command(flatten)]
    table: TableArgs,
    /// The ports of this bridge, and the pod behind each, instead of the overlay's device
    #[arg(long, global = true, value_name = "BRIDGE")]
    dev: Option<IfName>,
}

/// Flags of `arp`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  flanctl arp                            the MAC of each node's flannel device
  flanctl arp --all                      with the neighbours of every other device
  flanctl arp --check && echo fine", after_long_help = long_help!("Examples:
  flanctl arp                            the MAC of each node's flannel device
  flanctl arp --all                      with the neighbours of every other device
  flanctl arp --check && echo fine"))]
pub struct ArpArgs {
    #[command(flatten)]
    table: TableArgs,
}

#[derive(Debug, Args)]
struct TableArgs {
    #[command(subcommand)]
    _show: Option<Show>,
    #[command(flatten)]
    look: LookArgs,
    /// Show the rest of the host's rows, too
    #[arg(short, long, global = true)]
    all: bool,
    /// Exit 1 if anything drifts
    #[arg(long, global = true)]
    check: bool,
    /// Say also where the leases come from
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Only what drifts, and no remarks
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Show {
    /// Shows the table; this is what happens without a word, too
    #[command(after_help = "Examples:
  flanctl route show --all
  flanctl fdb show -o json")]
    Show,
}

/// Runs `route`.
pub fn route(args: RouteArgs, global: &Global, out: &mut Out<'_>) -> Result<u8, Failure> {
    show(Which::Route, &args.table, global, out)
}

/// Runs `fdb`.
pub fn fdb(args: FdbArgs, global: &Global, out: &mut Out<'_>) -> Result<u8, Failure> {
    match args.dev {
        Some(bridge) => super::ports::show(bridge, &args.table.look, args.table.quiet, global, out),
        None => show(Which::Fdb, &args.table, global, out),
    }
}

/// Runs `arp`.
pub fn arp(args: ArpArgs, global: &Global, out: &mut Out<'_>) -> Result<u8, Failure> {
    show(Which::Arp, &args.table, global, out)
}

/// Reads a table of a sight; also what `lab demo` shows.
pub fn read(which: Which, sight: &Sight<'_>, all: bool) -> Reading {
    match which {
        Which::Route => route_rows(sight, all),
        Which::Fdb => fdb_rows(sight, all),
        Which::Arp => arp_rows(sight, all),
    }
}

impl Which {
    fn verb(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Fdb => "fdb",
            Self::Arp => "arp",
        }
    }
}

fn show(which: Which, args: &TableArgs, global: &Global, out: &mut Out<'_>) -> Result<u8, Failure> {
    let look = gather(global, &args.look, Depth::TABLES)?;
    let node = &look.snapshot;
    let mut reading = read(which, &look.sight(), args.all);
    // Without leases only what leads nowhere is a finding; with them, drift is one for who asks.
    let found = if node.leases.is_none() {
        reading.broken()
    } else {
        args.check && (reading.drift() || reading.refused())
    };
    let nothing = node.leases.as_ref().is_none_or(Vec::is_empty) && flannel_devices(&node.state).is_empty();
    if args.quiet {
        reading.rows.retain(|row| !matches!(row.state, Standing::Ok | Standing::Foreign));
    }
    let unseen: Vec<String> = node.unseen.iter().chain(&reading.unseen).cloned().collect();
    match global.output {
        Output::Json => {
            let at = clock::rfc3339(node.at);
            let mut listing =
                Listing::new(which.verb(), at, node.host.clone(), node.netns.clone(), look.source);
            listing.unseen = unseen;
            listing.rows = reading.rows;
            out.json(&listing)?;
        }
        form => {
            let (devices, rows): (Vec<_>, Vec<_>) =
                reading.rows.into_iter().partition(|row| matches!(row.kernel, Some(Kernel::Link(_))));
            out.grid(&drift_table(&devices, form == Output::Wide))?;
            if !devices.is_empty() && !rows.is_empty() {
                out.line("")?;
            }
            out.grid(&drift_table(&rows, form == Output::Wide))?;
            let said = if args.quiet { Vec::new() } else { unseen };
            for remark in &said {
                out.prose(&format!("# {remark}"))?;
            }
            if args.verbose {
                out.prose(&format!("# leases: {}", look.whence))?;
            }
        }
    }
    if args.check {
        if let Some(idle) = &look.idle {
            super::warn(idle);
        }
        if nothing {
            return Err(Failure::found("nothing to check: no flannel device and no leases")
                .hint("name a store with --store or --etcd-endpoints, a namespace with --netns"));
        }
    }
    Ok(if found { exit::FOUND } else { exit::FINE })
}
