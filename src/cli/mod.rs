//! The command line: one file a verb, each `args -> gather -> read -> render`.
//! Here is the tree of verbs and what they share. Decides nothing about networks.

mod ask;
mod ask_store;
pub mod capture;
mod deepen;
pub mod docs;
pub mod doctor;
mod doctor_fix;
mod doctor_peers;
pub mod gather;
pub mod lab;
mod lab_break;
mod lab_text;
pub mod lease;
mod lease_config;
mod lease_kept;
mod lease_named;
mod lease_watch;
pub mod look;
pub mod netns;
mod peer;
pub mod pod;
mod ports;
pub mod run;
pub mod snapshot;
pub mod tables;
mod trace;

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::go_style;
use crate::error::{Failure, exit};
use crate::render::Out;

/// A flannel implementation exposed as subcommands, and its own debugger.
#[derive(Debug, Parser)]
#[command(
    name = "flanctl",
    version,
    propagate_version = true,
    max_term_width = 100,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    after_help = "Examples:
  flanctl lab demo                                 a three-node cluster on this machine, in a minute
  flanctl run --iface eth0 --etcd-endpoints http://10.0.0.1:2379
  flanctl fdb                                      the forwarding table, each row beside its lease"
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// Flags that every verb takes, before or after its name.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// How to write the answer; wide has every column, json is one document (or one a line where records stream);
    /// trace draws its path with dot and svg
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        value_name = "text|wide|json|dot|svg",
        hide_possible_values = true
    )]
    #[arg(default_value_t)]
    pub output: Output,
    /// When to colour the text; NO_COLOR is honoured
    #[arg(long, global = true, value_enum, value_name = "auto|always|never", hide_possible_values = true)]
    #[arg(default_value_t)]
    pub color: Color,
    /// Look into, or run in, this network namespace: a name, a path or a process id
    #[arg(long, global = true, value_name = "NAME|PATH|PID")]
    pub netns: Option<String>,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// A table
    #[default]
    Text,
    /// A table with every column
    Wide,
    /// One JSON document, or one a line where records stream
    #[value(alias = "ndjson")]
    Json,
    /// A path in graphviz's language
    Dot,
    /// A path as a picture
    Svg,
}

impl Output {
    /// True for a form that only a path has.
    fn drawing(self) -> bool {
        matches!(self, Self::Dot | Self::Svg)
    }
}

/// When text is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The end of `run --help`.
const RUN_NOTES: &str =
    "Every flag of flanneld is taken, also in Go's spelling; FLANNELD_* variables stand in for flags.

Examples:
  flanctl run --etcd-endpoints http://10.0.0.1:2379 --iface eth0 --ip-masq
  flanctl run -etcd-endpoints=http://10.0.0.1:2379 -etcd-prefix=/coreos.com/network -iface=eth0
  flanctl run --store dir:/var/lib/flanctl --dry-run     print what would be done, do nothing";

/// The flags of `run` that `run -h` shows.
const COMMON: &[&str] = &[
    "store",
    "etcd_endpoints",
    "etcd_prefix",
    "iface",
    "public_ip",
    "subnet_file",
    "ip_masq",
    "verbosity",
    "run_dir",
    "dry_run",
    "once",
    "takeover",
];

fn short_flags(arg: clap::Arg) -> clap::Arg {
    let common = COMMON.contains(&arg.get_id().as_str());
    arg.hide_short_help(!common)
}

/// The verbs.
#[derive(Debug, Subcommand)]
enum Verb {
    /// The node agent: takes a lease and keeps the kernel as the leases say
    #[command(
        mut_args(short_flags),
        after_help = "These are the flags that most nodes need; flanctl run --help has all of them.

Examples:
  flanctl run --etcd-endpoints http://10.0.0.1:2379 --iface eth0 --ip-masq
  flanctl run --store dir:/var/lib/flanctl --dry-run     print what would be done, do nothing",
        after_long_help = RUN_NOTES
    )]
    Run(Box<run::Run>),
    /// Packets, decoded as tcpdump does, that know the overlay
    #[command(
        disable_version_flag = true,
        override_usage = "flanctl capture [OPTIONS] [EXPRESSION]...",
        after_help = capture::EXAMPLES,
        after_long_help = capture::NOTES
    )]
    Capture(capture::CaptureArgs),
    /// A whole cluster in network namespaces on this machine
    Lab(lab::LabArgs),
    #[command(flatten)]
    Read(Box<Reader>),
}

/// The verbs that write one answer.
#[derive(Debug, Subcommand)]
enum Reader {
    /// The leases and the network config in the store
    Lease(lease::LeaseArgs),
    /// The overlay's routes, each beside its lease
    Route(tables::RouteArgs),
    /// The overlay's device and forwarding entries, each beside its lease
    Fdb(tables::FdbArgs),
    /// The overlay's neighbours, each beside its lease
    Arp(tables::ArpArgs),
    /// Follows one packet: rules, routes, firewall, tunnel, underlay, the other node
    Trace(trace::TraceArgs),
    /// This node's tables, leases and facts in one file, to look at elsewhere
    Snapshot(snapshot::SnapshotArgs),
    /// What is wrong with this node, and the command that mends it
    Doctor(doctor::DoctorArgs),
    /// Writes the man pages and the shell completions
    Docs(docs::DocsArgs),
}

/// Runs what `args` (program name first) ask for; `cni` says that CNI_COMMAND is set. Answers the exit code.
pub fn main(args: Vec<OsString>, cni: bool) -> Result<u8, Failure> {
    let name =
        args.first().map(Path::new).and_then(Path::file_name).and_then(OsStr::to_str).unwrap_or("flanctl");
    if cni || name == "flannel" {
        return Err(Failure::usage("the CNI plugin is not part of this version").hint(
            "unset CNI_COMMAND, and start it as flanctl; keep flannel's own plugin in /opt/cni/bin for now",
        ));
    }
    let args = if name == "flanneld" { as_flanneld(args) } else { go_spelling(args) };
    let (args, tcpdump_words) = behind_capture(args);
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        // Whatever the verb and the name it was started by.
        Err(error) if error.kind() == ErrorKind::DisplayVersion => {
            let told = writeln!(std::io::stdout(), "flanctl {}", env!("CARGO_PKG_VERSION"));
            return told.map(|()| exit::FINE).map_err(|e| Failure::unreadable("writing").because(e));
        }
        Err(error) => {
            // Help and version are answers, not errors; a closed pipe is nobody's fault.
            let _ = error.print();
            return Ok(if error.use_stderr() { exit::USAGE } else { exit::FINE });
        }
    };
    let global = &cli.global;
    let draws = matches!(&cli.verb, Verb::Read(verb) if matches!(**verb, Reader::Trace(_)));
    if global.output.drawing() && !draws {
        return Err(Failure::usage("-o dot and -o svg draw a packet's path: trace alone has one"));
    }
    match cli.verb {
        // These two live long and write for themselves.
        Verb::Run(args) => run::run(*args, global),
        Verb::Capture(_) => match capture::run(&tcpdump_words, global)? {
            capture::Done::Code(code) => Ok(code),
            capture::Done::Help(flag) => main(vec!["flanctl".into(), "capture".into(), flag.into()], false),
        },
        Verb::Lab(args) => lab::run(args, global.output == Output::Json, &mut std::io::stdout()),
        Verb::Read(verb) => answer(*verb, global),
    }
}

/// Runs a verb that writes one answer to standard output.
fn answer(verb: Reader, global: &Global) -> Result<u8, Failure> {
    let (colour, width) = look::terminal(global.color);
    let mut buffer = std::io::BufWriter::new(std::io::stdout().lock());
    let mut out = Out::new(
        &mut buffer,
        colour && !matches!(global.output, Output::Json | Output::Dot | Output::Svg),
        width,
    );
    let code = match verb {
        Reader::Lease(args) => lease::run(args, global, &mut out),
        Reader::Route(args) => tables::route(args, global, &mut out),
        Reader::Fdb(args) => tables::fdb(args, global, &mut out),
        Reader::Arp(args) => tables::arp(args, global, &mut out),
        Reader::Trace(args) => trace::run(&args, global, &mut out),
        Reader::Snapshot(args) => snapshot::run(&args, global, &mut out),
        Reader::Doctor(args) => doctor::run(&args, global, &mut out),
        Reader::Docs(args) => docs::run(args, &mut out),
    };
    // What was written before a failure is an answer, too.
    out.flush()?;
    code
}

/// One line on standard error: the answer stands, but not all of it is to be trusted.
fn warn(text: &str) {
    // Nothing can be done about a closed stderr.
    let _ = writeln!(std::io::stderr(), "flanctl: {text}");
}

/// Runs one future to its end on this thread.
fn wait<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| Failure::unreadable("starting the I/O runtime").because(e))?.block_on(work)
}

/// `flanneld ARGS` is `flanctl run ARGS`.
fn as_flanneld(args: Vec<OsString>) -> Vec<OsString> {
    let mut all: Vec<OsString> = vec!["flanctl".into(), "run".into()];
    all.extend(go_style(args.into_iter().skip(1).collect()));
    all
}

/// `run` takes Go's spelling of flags, whatever of ours stands before the verb.
fn go_spelling(mut args: Vec<OsString>) -> Vec<OsString> {
    match verb_at(&args) {
        Some(at) if args.get(at).is_some_and(|verb| verb == "run") => {
            let rest = args.split_off(at + 1);
            // Go has one help; `flanctl run -h` is clap's short one.
            if rest.iter().take_while(|word| *word != "--").any(|word| word == "-h") {
                args.push("-h".into());
                return args;
            }
            args.extend(go_style(rest));
            args
        }
        _ => args,
    }
}

/// `capture` reads its own words, as tcpdump does; clap sees only that they ask for help.
fn behind_capture(mut args: Vec<OsString>) -> (Vec<OsString>, Vec<OsString>) {
    match verb_at(&args) {
        Some(at) if args.get(at).is_some_and(|verb| verb == "capture") => {
            let words = args.split_off(at + 1);
            match words.as_slice() {
                [only] if only == "-h" || only == "--help" => {
                    args.extend(words);
                    (args, Vec::new())
                }
                _ => (args, words),
            }
        }
        _ => (args, Vec::new()),
    }
}

/// Where the verb stands: the first word that is neither a flag nor the value of a global one.
fn verb_at(args: &[OsString]) -> Option<usize> {
    let mut words = args.iter().enumerate().skip(1);
    while let Some((at, word)) = words.next() {
        match word.to_str() {
            Some("-o" | "--output" | "--color" | "--netns") => {
                words.next();
            }
            Some(flag) if flag.starts_with('-') => {}
            _ => return Some(at),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{Cli, verb_at};

    #[test]
    fn the_clap_tree_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_verb_is_found_behind_global_flags() {
        for (line, want) in [
            ("flanctl run -v 3", Some(1)),
            ("flanctl --netns run run", Some(3)),
            ("flanctl --netns=run -o json run", Some(4)),
            ("flanctl --help", None),
        ] {
            let args: Vec<_> = line.split(' ').map(Into::into).collect();
            assert_eq!(verb_at(&args), want, "{line}");
        }
    }
}
