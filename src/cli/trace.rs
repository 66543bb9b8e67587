//! `flanctl trace`: where one packet goes, or where it dies, on what evidence, and the command that mends it.

use std::net::IpAddr;

use clap::Args;
use serde::Serialize;

use super::ask::{destination, held_against_kernel, probe};
use super::doctor_peers::ask_again;
use super::gather::{Depth, Look, gather};
use super::look::LookArgs;
use super::netns::netns;
use super::peer::peers;
use super::{Global, Output};
use crate::clock;
use crate::error::{Failure, exit};
use crate::finding::about;
use crate::net::IfName;
use crate::readings::NO_LEASES;
use crate::render::{Detail, Out, Source, dot_lines, path_lines, svg_lines};
use crate::schema;
use crate::snapshot::tell_apart;
use crate::trace::{Far, Handed, Path, Query, Verdict, confirm, trace_among};

/// Flags of `trace`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  flanctl trace 10.244.1.8                          from this host to a pod of another node
  flanctl trace 10.244.1.8 --from 10.244.2.3 -v     as a pod's packet, and what almost matched
  flanctl trace 10.244.1.8 --pod web-0 -v           the same, from inside that pod
  flanctl trace 10.244.1.8 --snapshot node7.json    on a sick node, at home
  flanctl trace 10.244.1.8 -o svg > path.svg        the path as a picture, the failing step in red
  flanctl trace 10.244.1.8 --peer ssh:node7         the other node's side and the way back, too
  flanctl trace 10.244.1.8 --live                   and a real probe, seen stage by stage
  flanctl trace 10.244.1.8 --expect fdb.missing     as a test: 0 if that is what is found

Exit codes:
  0  it arrives; with --expect: as expected
  1  it does not, or something on its way is wrong; with --strict: a stage was not seen
  2  the command line is wrong
  3  the kernel, the store or a file could not be read")]
pub struct TraceArgs {
    // First: what it flattens makes the arguments before it global.
    #[command(flatten)]
    look: LookArgs,
    /// Where the packet goes: an address, or with --resolve a name
    #[arg(value_name = "DST")]
    dst: String,
    /// Ask the resolver for DST where it is a name
    #[arg(long)]
    resolve: bool,
    /// The pod that it starts in: a process, a namespace, a container or sandbox, a lab's pod
    #[arg(long, value_name = "PID|NETNS|NAME", conflicts_with = "iif")]
    pod: Option<String>,
    /// Its source: a pod's starts in that pod, another that is not this host's comes in from outside [default: as the
    /// kernel chooses]
    #[arg(long, value_name = "IP")]
    from: Option<IpAddr>,
    /// The device that it comes in by [default: the one that leads back to the source]
    #[arg(long, value_name = "DEV", requires = "from")]
    iif: Option<IfName>,
    /// icmp, tcp, udp or a number [default: icmp; tcp if a port is given]
    #[arg(long, value_name = "PROTO", value_parser = proto)]
    proto: Option<u8>,
    /// Source port
    #[arg(long, value_name = "PORT")]
    sport: Option<u16>,
    /// Destination port
    #[arg(long, value_name = "PORT")]
    dport: Option<u16>,
    /// Bytes of the IP packet
    #[arg(long, value_name = "BYTES", default_value_t = 84)]
    size: u32,
    /// The packet must not be fragmented: the default, as where the kernel finds out the path's MTU
    #[arg(long, overrides_with = "no_df")]
    df: bool,
    /// The packet may be fragmented, as where the path's MTU is not looked for (ping -M dont)
    #[arg(long)]
    no_df: bool,
    /// Firewall mark
    #[arg(long, value_name = "NUMBER", default_value_t = 0, value_parser = mark)]
    mark: u32,
    /// The other node's side and the way back, too: its snapshot as a file, ssh:HOST, or a lab node's namespace (may be
    /// given again)
    #[arg(long, value_name = "FILE|ssh:HOST|NETNS")]
    peer: Vec<String>,
    /// Send one real echo request, and say where the kernel was seen to pass or drop it (tracefs; needs root); from a
    /// pod with --pod, not with --from
    #[arg(long, conflicts_with_all = ["from", "iif", "snapshot"])]
    live: bool,
    /// Exit 1 also if a stage was not seen
    #[arg(long)]
    strict: bool,
    /// Exit 0 if this code or verdict (or verdict:code) comes out, else 1
    #[arg(long, value_name = "CODE", conflicts_with = "strict", value_parser = wanted)]
    expect: Option<String>,
    /// Verdict and codes alone, on one line
    #[arg(long, conflicts_with = "verbose")]
    minimal: bool,
    /// Say also what almost matched, and what to type to see it
    #[arg(short, long)]
    verbose: bool,
}

/// `flanctl.trace/1`.
#[derive(Serialize)]
struct Document<'a> {
    schema: String,
    at: String,
    host: &'a str,
    source: Source,
    query: &'a Query,
    src: Option<IpAddr>,
    stages: &'a [crate::trace::Step],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    branches: &'a [crate::trace::Branch],
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<&'a crate::trace::Live>,
    back: &'a [crate::trace::Step],
    #[serde(skip_serializing_if = "Option::is_none")]
    far: Option<&'a Far>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handed: Option<&'a Handed>,
    notes: &'a [String],
    findings: &'a [crate::finding::Finding],
    verdict: &'static str,
    unseen: &'a [String],
}

const TCP: u8 = 6;

/// TCP, UDP, DCCP, SCTP, UDP-Lite.
const WITH_PORTS: [u8; 5] = [TCP, 17, 33, 132, 136];

/// Runs `trace`.
pub fn run(args: &TraceArgs, global: &Global, out: &mut Out<'_>) -> Result<u8, Failure> {
    let mut query = args.query()?;
    let mut peers = peers(&args.peer, &args.look, global)?;
    let depth = Depth { firewall: true, pods: true, ..Depth::TABLES };
    let mut look = gather(global, &args.look, depth)?;
    if let Some(name) = &args.pod {
        query.pod = Some(pod(name, &look, global)?);
    }
    let named = tell_apart(&look.snapshot, &mut peers);
    let mut path = trace_among(&look.snapshot, &query, &peers);
    // A silence that the kernel remembers may be long over: the next packet asks again, and so does this.
    let silent = look.source == Source::Live && path.findings.iter().any(|found| found.code == "outer.neigh");
    if silent && ask_again(&look.snapshot, global) {
        look = gather(global, &args.look, depth)?;
        path = trace_among(&look.snapshot, &query, &peers);
    }
    path.notes.extend(named);
    if look.source == Source::Live {
        path.findings.extend(held_against_kernel(&look, &path, global));
    }
    if args.live {
        let probe = probe(&look, &query, global)?;
        confirm(&mut path, &look.snapshot.host, &probe);
    }
    match global.output {
        Output::Json => out.json(&document(&look, &path))?,
        Output::Dot => lines(&dot_lines(&path), out)?,
        Output::Svg => lines(&svg_lines(&path), out)?,
        Output::Text | Output::Wide => text(args, &look, &path, out)?,
    }
    Ok(args.code(&path))
}

impl TraceArgs {
    fn query(&self) -> Result<Query, Failure> {
        let Self { from, iif, proto, sport, dport, size, mark, no_df, .. } = *self;
        let dst = destination(&self.dst, self.resolve, from)?;
        if let Some(from) = from.filter(|from| from.is_ipv4() != dst.is_ipv4()) {
            return Err(Failure::usage(format!("--from {from} and {dst} are of two address families")));
        }
        let query = Query::to(dst);
        let proto = match proto {
            // ping picks its protocol by the address, too.
            Some(1) if dst.is_ipv6() => query.proto,
            None if sport.or(dport).is_some() => TCP,
            given => given.unwrap_or(query.proto),
        };
        if sport.or(dport).is_some() && !WITH_PORTS.contains(&proto) {
            return Err(Failure::usage(format!("protocol {proto} has no ports"))
                .hint("--sport and --dport go with tcp, udp and sctp"));
        }
        let least = if dst.is_ipv4() { 20 } else { 40 };
        if size < least {
            return Err(Failure::usage(format!("--size {size}: the IP header alone has {least} bytes")));
        }
        Ok(Query { from, iif, proto, sport, dport, size, df: !no_df, mark, ..query })
    }

    fn code(&self, path: &Path) -> u8 {
        let fine = match &self.expect {
            Some(wanted) => expected(wanted, path),
            None => match path.verdict {
                Verdict::Delivered => !path.broken(),
                Verdict::DeliveredIf => !self.strict && !path.broken(),
                _ => false,
            },
        };
        if fine { exit::FINE } else { exit::FOUND }
    }
}

/// A test that waits for a word that never comes would fail without saying why.
fn wanted(text: &str) -> Result<String, String> {
    let verdict = |word: &str| Verdict::WORDS.contains(&word);
    let known = match text.split_once(':') {
        Some((word, code)) => verdict(word) && about(code).is_some(),
        None => verdict(text) || about(text).is_some(),
    };
    let words = || format!("neither a code nor a verdict ({})", Verdict::WORDS.join(", "));
    known.then(|| text.to_owned()).ok_or_else(words)
}

/// `fdb.missing`, `dropped`, or `dropped:fdb.missing`.
fn expected(wanted: &str, path: &Path) -> bool {
    let has = |code: &str| path.findings.iter().any(|finding| finding.code == code);
    match wanted.split_once(':') {
        Some((verdict, code)) => path.verdict.word() == verdict && has(code),
        None => path.verdict.word() == wanted || has(wanted),
    }
}

fn document<'a>(look: &'a Look, path: &'a Path) -> Document<'a> {
    Document {
        schema: schema::name("trace", 1),
        at: clock::rfc3339(look.snapshot.at),
        host: &look.snapshot.host,
        source: look.source,
        query: &path.query,
        src: path.src,
        stages: &path.steps,
        branches: &path.branches,
        live: path.live.as_ref(),
        back: &path.back,
        far: path.far.as_ref(),
        handed: path.handed.as_ref(),
        notes: &path.notes,
        findings: &path.findings,
        verdict: path.verdict.word(),
        unseen: &look.snapshot.unseen,
    }
}

fn lines(all: &[String], out: &mut Out<'_>) -> Result<(), Failure> {
    all.iter().try_for_each(|line| out.line(line))
}

fn text(args: &TraceArgs, look: &Look, path: &Path, out: &mut Out<'_>) -> Result<(), Failure> {
    let detail = match (args.minimal, args.verbose) {
        (true, _) => Detail::Minimal,
        (_, true) => Detail::Verbose,
        _ => Detail::Plain,
    };
    let source = match look.source {
        Source::Live => "live",
        Source::Snapshot => "from a snapshot",
    };
    let head = format!("as seen on {} ({source})", look.snapshot.host);
    for line in path_lines(path, &head, detail, out.colour) {
        out.line(&line)?;
    }
    if detail != Detail::Minimal {
        let unseen = path.notes.iter().chain(&look.snapshot.unseen);
        let none = look.snapshot.leases.is_none().then(|| NO_LEASES.to_owned());
        for line in unseen.cloned().chain(none) {
            out.prose(&format!("note: {line}"))?;
        }
        if let Some(wanted) = args.expect.as_ref().filter(|wanted| !expected(wanted, path)) {
            out.prose(&format!("note: {wanted} was expected, and did not come out"))?;
        }
    }
    Ok(())
}

/// The pod's name in the snapshot.
fn pod(name: &str, look: &Look, global: &Global) -> Result<String, Failure> {
    let live = match look.source {
        Source::Live => Some(netns(global)?.inode),
        Source::Snapshot => None,
    };
    super::pod::resolve(&look.snapshot.pods, name, live).map(|pod| pod.name.clone())
}

fn proto(text: &str) -> Result<u8, String> {
    match text {
        "icmp" => Ok(1),
        "tcp" => Ok(6),
        "udp" => Ok(17),
        number => number.parse().map_err(|_| "icmp, tcp, udp or a number up to 255".to_owned()),
    }
}

/// Decimal, or hexadecimal behind 0x, as `ip` takes it.
fn mark(text: &str) -> Result<u32, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| "a number up to 0xffffffff".to_owned())
}
