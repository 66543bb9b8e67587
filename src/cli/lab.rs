//! `flanctl lab`: a cluster in network namespaces of this machine.

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::error::{Failure, exit};
use crate::lab::agents::{self, Launch};
use crate::lab::interrupt::Interrupt;
use crate::lab::layout::Shape;
use crate::lab::up::Wish;
use crate::lab::{demo, down, etcd, exec, list, rootless, up};

use super::lab_break::{self, BreakArgs};
use super::lab_text as text;

/// Flags of `lab`.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
As root a lab is a set of named namespaces (ip netns list shows them) and /run/flanctl-lab/NAME; it stays until \
lab down.

Without root demo and up re-enter themselves in a user namespace of their own, where nothing of the host can be \
touched; up then opens a shell (or runs what it reads from standard input), and the lab lives until that shell ends.

Examples:
  flanctl lab demo                            three nodes, every pod pings every pod
  flanctl lab up --nodes 3
  flanctl lab exec pod1 -- ping -c 3 10.244.2.2
  flanctl lab exec node1 -- flanctl fdb
  flanctl lab break fdb.wrong                 and then find out what is wrong
  flanctl lab heal
  flanctl lab down"
)]
pub struct LabArgs {
    #[command(subcommand)]
    verb: LabVerb,
}

/// The verbs of `lab`.
#[derive(Debug, Subcommand)]
enum LabVerb {
    /// Make a lab: nodes, pods, a switch between them, one agent a node
    #[command(after_help = "Examples:
  flanctl lab up
  flanctl lab up --name two --nodes 4 --segments 2 --ipv6
  flanctl lab up --nat --config net-conf.json
  flanctl lab up --store etcd=http://127.0.0.1:2379")]
    Up(UpArgs),
    /// Remove a lab, whole or half made
    #[command(after_help = "Examples:
  flanctl lab down
  flanctl lab down --name two")]
    Down(NameArgs),
    /// The labs of this machine: nodes, agents, subnets
    #[command(after_help = "Examples:
  flanctl lab list
  flanctl lab list -o json")]
    List,
    /// Run a command inside a node (node1), a pod (pod1), or the world outside (world)
    Exec(ExecArgs),
    /// Break a node, to see what it looks like and what finds it
    Break(BreakArgs),
    /// Take back what is broken, on every node
    #[command(after_help = "Examples:
  flanctl lab heal
  flanctl lab heal --name two")]
    Heal(NameArgs),
    /// Make a lab, ping every pod from every pod, show node1's tables, remove the lab
    #[command(after_help = "Examples:
  flanctl lab demo
  flanctl lab demo --nodes 5 --ipv6
  flanctl lab demo --nat")]
    Demo(UpArgs),
    /// Becomes an agent, inside its namespace
    #[command(hide = true)]
    Launch(LaunchArgs),
    /// Carries the nodes' connections to an etcd outside
    #[command(hide = true)]
    Relay(RelayArgs),
}

#[derive(Debug, Args)]
struct UpArgs {
    /// Name of the lab, and prefix of its namespaces
    #[arg(long, value_name = "NAME", default_value = "lab")]
    name: String,
    /// How many nodes
    #[arg(long, value_name = "N", default_value_t = 3)]
    nodes: u16,
    /// How many L2 segments the nodes alternate over; two are joined by a router
    #[arg(long, value_name = "1|2", default_value_t = 1)]
    segments: u8,
    /// Put each node behind a 1:1 NAT of its own, as most clouds do
    #[arg(long)]
    nat: bool,
    /// IPv6 beside IPv4
    #[arg(long)]
    ipv6: bool,
    /// A net-conf.json instead of the lab's own (10.244.0.0/16, vxlan)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the leases live: a directory of the lab, or an etcd outside (under a prefix of the lab's own)
    #[arg(long, value_name = "dir|etcd=URL", default_value = "dir", value_parser = store)]
    store: Store,
}

#[derive(Debug, Args)]
struct NameArgs {
    /// Name of the lab
    #[arg(long, value_name = "NAME", default_value = "lab")]
    name: String,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  flanctl lab exec pod1 -- ping -c 3 10.244.2.2
  flanctl lab exec node1 -- ip route
  flanctl lab exec node2 --name two -- tcpdump -ni eth0 udp port 8472")]
struct ExecArgs {
    /// node1, pod1, world, switch, router, nat1 …
    #[arg(value_name = "NODE|POD")]
    member: String,
    /// Name of the lab
    #[arg(long, value_name = "NAME", default_value = "lab")]
    name: String,
    /// The command and its arguments; flags of ours stand before it
    #[arg(trailing_var_arg = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

#[derive(Debug, Args)]
struct LaunchArgs {
    #[arg(long)]
    into: String,
    #[arg(long)]
    pid_file: PathBuf,
    #[arg(long)]
    die_with: Option<i32>,
    #[arg(last = true)]
    command: Vec<OsString>,
}

#[derive(Debug, Args)]
struct RelayArgs {
    #[arg(long)]
    into: String,
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long)]
    to: String,
    #[arg(long)]
    pid_file: PathBuf,
}

/// `--store` of a lab.
#[derive(Clone, Debug)]
enum Store {
    Dir,
    Etcd(String),
}

fn store(text: &str) -> Result<Store, String> {
    match text.split_once('=') {
        None if text == "dir" => Ok(Store::Dir),
        Some(("etcd", url)) => {
            etcd::authority(url).map(|_| Store::Etcd(url.to_owned())).map_err(|e| e.chain())
        }
        _ => Err("dir, or etcd=http://HOST:PORT".to_owned()),
    }
}

/// Moves an ordinary user's `up` or `demo` into namespaces of its own. To be called before any thread starts;
/// comes back only if there is no need to move.
pub fn reenter_if_needed(args: &LabArgs) -> Result<(), Failure> {
    match &args.verb {
        LabVerb::Up(up) | LabVerb::Demo(up)
            if !rootless::privileged() && matches!(up.store, Store::Etcd(_)) =>
        {
            Err(Failure::usage("an ordinary user's lab cannot reach an etcd outside")
                .hint("sudo, or --store dir"))
        }
        LabVerb::Up(_) | LabVerb::Demo(_) => rootless::reenter_if_needed(),
        LabVerb::Down(_)
        | LabVerb::List
        | LabVerb::Exec(_)
        | LabVerb::Break(_)
        | LabVerb::Heal(_)
        | LabVerb::Launch(_)
        | LabVerb::Relay(_) => Ok(()),
    }
}

/// Runs a lab verb; answers the exit code. Must be called before any thread starts.
pub fn run(args: LabArgs, json: bool, out: &mut dyn Write) -> Result<u8, Failure> {
    reenter_if_needed(&args)?;
    match args.verb {
        LabVerb::Up(args) => run_up(args, out),
        LabVerb::Demo(args) => run_demo(args, out),
        LabVerb::Down(NameArgs { name }) => {
            let removed = down::down(&name)?;
            said(text::removed(out, &name, removed.as_ref()))
        }
        LabVerb::List => {
            let labs = list::labs();
            said(if json { text::labs_json(out, &labs) } else { text::labs(out, &labs) })
        }
        LabVerb::Break(args) => lab_break::run_break(args, json, out),
        LabVerb::Heal(NameArgs { name }) => lab_break::run_heal(&name, out),
        LabVerb::Exec(ExecArgs { member, name, command }) => Err(exec::exec(&name, &member, &command)),
        LabVerb::Launch(LaunchArgs { into, pid_file, die_with, command }) => {
            Err(agents::launch(&Launch { netns: &into, pid_file: &pid_file, die_with, command: &command }))
        }
        LabVerb::Relay(RelayArgs { into, listen, to, pid_file }) => {
            let ended = etcd::relay(&into, listen, &to, &pid_file);
            ended
                .map(|()| exit::FINE)
                .map_err(|e| Failure::unreadable(format!("relaying {listen} to {to}")).because(e))
        }
    }
}

impl UpArgs {
    fn wish(self) -> Wish {
        let Self { name, nodes, segments, nat, ipv6, config, store } = self;
        let etcd = match store {
            Store::Dir => None,
            Store::Etcd(url) => Some(url),
        };
        Wish { shape: Shape { name, nodes, segments, nat, ipv6 }, config, etcd }
    }
}

fn run_up(args: UpArgs, out: &mut dyn Write) -> Result<u8, Failure> {
    let interrupt = hold()?;
    rootless::settle()?;
    let wish = args.wish();
    let name = &wish.shape.name;
    let lab = up::up(&wish, &interrupt)?;
    if !rootless::inside() {
        return said(text::made(out, name, &lab).and_then(|()| text::how_to_go_on(out, name, &lab)));
    }
    let told = text::made(out, name, &lab)
        .and_then(|()| text::how_to_go_on(out, name, &lab))
        .and_then(|()| {
            writeln!(out, "\nThis lab lives in namespaces of this process: it goes when this shell ends.")
        })
        .and_then(|()| out.flush());
    let ended = told.map_err(broken).and_then(|()| exec::shell(name, &interrupt));
    let removed = down::down(name);
    let code = ended?.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(exit::FOUND);
    removed.map(|_| code)
}

fn run_demo(args: UpArgs, out: &mut dyn Write) -> Result<u8, Failure> {
    let interrupt = hold()?;
    rootless::settle()?;
    let wish = args.wish();
    let name = wish.shape.name.clone();
    let shown = up::up(&wish, &interrupt).map(|lab| (show(&wish, &lab, &interrupt, out), lab));
    let (shown, _lab) = shown?;
    // Whatever happened, the lab goes; what happened is told after.
    let removed = down::down(&name);
    let fine = shown?;
    let removed = removed?;
    said(text::removed(out, &name, removed.as_ref()))?;
    Ok(if fine { exit::FINE } else { exit::FOUND })
}

/// Everything the demo shows; false if something of it is not as it should be.
fn show(
    wish: &Wish,
    lab: &crate::lab::up::Lab,
    interrupt: &Interrupt,
    out: &mut dyn Write,
) -> Result<bool, Failure> {
    text::made(out, &wish.shape.name, lab).map_err(broken)?;
    let mut fine = true;
    for v6 in if wish.shape.ipv6 { &[false, true][..] } else { &[false][..] } {
        let cells = demo::matrix(lab, *v6, interrupt)?;
        fine &= text::matrix(out, lab, *v6, &cells).map_err(broken)?;
        interrupt.check()?;
        let sights = demo::sights(lab, *v6);
        fine &= text::sights(out, &sights).map_err(broken)?;
    }
    for verb in ["route", "fdb", "arp"] {
        interrupt.check()?;
        let (table, well) = demo::table(lab, verb)?;
        fine &= well;
        writeln!(out, "\nnode1$ flanctl {verb} show\n{}", table.trim_end()).map_err(broken)?;
    }
    writeln!(out).map_err(broken)?;
    Ok(fine)
}

fn hold() -> Result<Interrupt, Failure> {
    Interrupt::hold().map_err(|e| Failure::unreadable("holding signals back").because(e))
}

fn said(written: io::Result<()>) -> Result<u8, Failure> {
    written.map(|()| exit::FINE).map_err(broken)
}

fn broken(error: io::Error) -> Failure {
    Failure::unreadable("writing").because(error)
}
