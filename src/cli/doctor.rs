//! `flanctl doctor`: what is wrong with this node, on what evidence, and the command that mends it.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::ask_store::AHEAD;
use super::gather::{Depth, Look, gather};
use super::look::LookArgs;
use super::peer::peers;
use super::{Global, Output, doctor_fix, doctor_peers};
use crate::clock;
use crate::doctor::repair::here;
use crate::doctor::{Answer, Ground, Report, Word, examine, silent};
use crate::error::{Failure, exit};
use crate::finding::{Finding, Level, about};
use crate::readings::NO_LEASES;
use crate::render::{Out, Source, own_form, report_lines};
use crate::schema;
use crate::snapshot::{Snapshot, tell_apart};

/// So long a running agent may take to follow the store.
const FOLLOWS: Duration = Duration::from_millis(500);

/// Flags of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudo flanctl doctor                          everything that can be seen on this node
  flanctl doctor --snapshot node7.json -v      a sick node, at home: every check and its answer
  sudo flanctl doctor --fix                    mends flannel's own rows, and looks again
  sudo flanctl doctor --fix --only forward.off mends that, though it is not flannel's
  sudo flanctl doctor --peers                  pings every node through the tunnel

--fix alone touches nothing but flannel's own device, routes, neighbours and forwarding entries, and what stands in
their place. A sysctl, a rule, a route or a firewall of somebody else's is touched only if --only names its code.

Exit codes:
  0  nothing is wrong (notes do not count); with --fix --only: that code is gone
  1  something is wrong, or is left after --fix
  2  the command line is wrong
  3  the kernel, the store or a file could not be read")]
pub struct DoctorArgs {
    // First: what it flattens makes the arguments before it global.
    #[command(flatten)]
    pub(super) look: LookArgs,
    /// Mend what is flannel's own, show each operation, and look again
    #[arg(long, conflicts_with = "snapshot")]
    fix: bool,
    /// Mend this code alone, whoever's it is (may be given again)
    #[arg(long, value_name = "CODE", requires = "fix", value_parser = code)]
    only: Vec<String>,
    /// Ping every node through the tunnel, and measure the largest packet that passes
    #[arg(long, conflicts_with = "snapshot")]
    peers: bool,
    /// Another node, whose side is then seen too: its snapshot as a file, ssh:HOST, or a lab node's namespace (may be
    /// given again)
    #[arg(long, value_name = "FILE|ssh:HOST|NETNS")]
    peer: Vec<String>,
    /// Say every check's question and answer, and every finding in full
    #[arg(short, long)]
    verbose: bool,
    /// Codes and causes alone, nothing where nothing is wrong
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
}

fn code(text: &str) -> Result<String, String> {
    match about(text) {
        Some(row) => Ok(row.code.to_owned()),
        None => Err("no such code; doctor prints the codes that it finds".to_owned()),
    }
}

/// A node examined: what was looked at, and what came out.
pub(super) struct Examined {
    pub(super) look: Look,
    pub(super) report: Report,
}

/// `flanctl.doctor/1`.
#[derive(Serialize)]
struct Document<'a> {
    schema: String,
    at: String,
    host: &'a str,
    netns: &'a str,
    source: Source,
    unseen: &'a [String],
    findings: Vec<Told<'a>>,
    checks: &'a [Answer],
    #[serde(skip_serializing_if = "Option::is_none")]
    peers: Option<&'a [doctor_peers::Row]>,
    /// With `--fix`: what was found before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Vec<Told<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<&'a [doctor_fix::Done]>,
}

/// A finding with flanctl's own form of its repair.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    #[serde(skip_serializing_if = "Option::is_none")]
    flanctl_fix: Option<String>,
}

/// Runs `doctor`.
pub fn run(args: &DoctorArgs, global: &Global, out: &mut Out<'_>) -> Result<u8, Failure> {
    let mut others = Others { all: peers(&args.peer, &args.look, global)?, notes: Vec::new() };
    if !args.only.is_empty() && !args.fix {
        // clap lets this pass beside --snapshot, which --fix does not go with.
        return Err(Failure::usage("--only says what --fix mends").hint("flanctl doctor --fix --only CODE"));
    }
    let text = global.output != Output::Json;
    let mut seen = examined(args, global, &mut others)?;
    let (mut done, mut before) = (None, None);
    let named = args.named(&seen);
    if args.fix {
        before = Some(seen.report.findings.clone());
        let steps = doctor_fix::mend(&seen, &named, global)?;
        if text {
            doctor_fix::tell(&steps, &seen, &args.only, out)?;
            out.flush()?;
        }
        done = Some(steps);
        // An entry that was taken away proves nothing: who was silent is asked anew.
        let quiet = silent(&Ground::of(&seen.look.snapshot, &[]));
        doctor_peers::ask(&quiet, global);
        seen = examined(args, global, &mut others)?;
    }
    let mut rows = None;
    if args.peers {
        let pinged = doctor_peers::ping(&seen, global)?;
        // What the pings brought up on the way: neighbours that do not answer.
        seen = examined(args, global, &mut others)?;
        rows = Some(doctor_peers::explain(pinged, &mut seen, &others.all));
    }
    if text {
        say(args, global.output == Output::Wide, &seen, rows.as_deref(), out)?;
    } else {
        let before = before.as_deref();
        out.json(&Document {
            before: before.map(told),
            ..document(&seen, rows.as_deref(), done.as_deref())
        })?;
    }
    Ok(verdict(&named, &seen.report, done.as_deref().unwrap_or_default()))
}

/// Reads everything and examines it.
fn examined(args: &DoctorArgs, global: &Global, others: &mut Others) -> Result<Examined, Failure> {
    let mut look = gather(global, &args.look, Depth::WHOLE)?;
    if look.snapshot.state.fact(AHEAD).is_some() {
        // The agent may just be about to follow.
        std::thread::sleep(FOLLOWS);
        look = gather(global, &args.look, Depth::WHOLE)?;
    }
    if look.source == Source::Live && doctor_peers::ask_again(&look.snapshot, global) {
        look = gather(global, &args.look, Depth::WHOLE)?;
    }
    others.beside(&look.snapshot);
    look.snapshot.unseen.extend(others.notes.iter().cloned());
    let report = examine(&look.snapshot, &others.all);
    Ok(Examined { look, report })
}

/// Snapshots of other nodes, and what is to be said of them.
struct Others {
    all: Vec<Snapshot>,
    notes: Vec<String>,
}

impl Others {
    /// Nothing of theirs may be taken for this node's: one that is this node is left out, one that has its name gets
    /// another.
    fn beside(&mut self, near: &Snapshot) {
        let notes = &mut self.notes;
        self.all.retain(|other| {
            let own = other.same_node(near);
            if own {
                notes.push(format!(
                    "the peer's snapshot of {} is of this node itself: it is left out",
                    other.host
                ));
            }
            !own
        });
        self.notes.extend(tell_apart(near, &mut self.all));
    }
}

impl DoctorArgs {
    /// The codes of `--only`, and what those of a far node's are called here; unless it is another node that has them.
    fn named(&self, seen: &Examined) -> Vec<String> {
        let host = &seen.look.snapshot.host;
        let elsewhere =
            |code: &&String| !seen.report.findings.iter().any(|f| f.code == **code && f.node != *host);
        let here =
            self.only.iter().filter(elsewhere).flat_map(|code| here(code)).map(|code| (*code).to_owned());
        self.only.iter().cloned().chain(here).collect()
    }
}

fn verdict(named: &[String], report: &Report, done: &[doctor_fix::Done]) -> u8 {
    let left = |code: &String| report.findings.iter().any(|finding| finding.code == *code);
    let wrong = match named.is_empty() {
        true => report.found(),
        false => named.iter().any(left) || done.iter().any(|step| step.refused.is_some()),
    };
    if wrong { exit::FOUND } else { exit::FINE }
}

fn document<'a>(
    seen: &'a Examined,
    peers: Option<&'a [doctor_peers::Row]>,
    done: Option<&'a [doctor_fix::Done]>,
) -> Document<'a> {
    let node = &seen.look.snapshot;
    Document {
        schema: schema::name("doctor", 1),
        at: clock::rfc3339(node.at),
        host: &node.host,
        netns: &node.netns,
        source: seen.look.source,
        unseen: &node.unseen,
        findings: told(&seen.report.findings),
        checks: &seen.report.answers,
        peers,
        before: None,
        done,
    }
}

fn told(findings: &[Finding]) -> Vec<Told<'_>> {
    findings.iter().map(|finding| Told { finding, flanctl_fix: own_form(finding) }).collect()
}

fn say(
    args: &DoctorArgs,
    wide: bool,
    seen: &Examined,
    peers: Option<&[doctor_peers::Row]>,
    out: &mut Out<'_>,
) -> Result<(), Failure> {
    if let Some(rows) = peers {
        out.grid(&doctor_peers::grid(rows))?;
    }
    let report = &seen.report;
    if peers.is_some() && (!args.quiet || report.found()) {
        out.line("")?;
    }
    if args.quiet {
        for finding in report.findings.iter().filter(|finding| finding.level != Level::Info) {
            out.prose(&format!("{}  {}", finding.code, finding.cause))?;
        }
        return Ok(());
    }
    for line in report_lines(&report.findings, &seen.look.snapshot.host, args.verbose || wide) {
        out.line(&line)?;
    }
    if args.verbose {
        for answer in &report.answers {
            for line in answer_lines(answer) {
                out.prose(&line)?;
            }
        }
        out.line("")?;
    }
    out.prose(&summary(seen))?;
    for line in &seen.look.snapshot.unseen {
        out.prose(&format!("# {line}"))?;
    }
    if seen.look.snapshot.leases.is_none() {
        out.prose(&format!("# {NO_LEASES}"))?;
    }
    if args.verbose {
        out.prose(&format!("# leases: {}", seen.look.whence))?;
    }
    Ok(())
}

fn answer_lines(answer: &Answer) -> Vec<String> {
    let Answer { id, question, answer: word, reason, codes } = answer;
    let said = match word {
        Word::Fine => "fine".to_owned(),
        Word::Found => format!("found {}", codes.join(", ")),
        Word::CannotTell => format!("cannot tell: {}", reason.as_deref().unwrap_or("")),
    };
    vec![format!("{id:<18} {question} {said}")]
}

/// `node1: 1 error, 1 warning; 38 checks fine, 9 cannot tell`.
fn summary(seen: &Examined) -> String {
    let report = &seen.report;
    let many = |level: Level, one: &str| {
        let count = report.findings.iter().filter(|finding| finding.level == level).count();
        (count > 0).then(|| format!("{count} {one}{}", if count == 1 { "" } else { "s" }))
    };
    let levels = [(Level::Error, "error"), (Level::Warn, "warning"), (Level::Info, "note")];
    let wrong: Vec<String> = levels.into_iter().filter_map(|(level, one)| many(level, one)).collect();
    let wrong = if wrong.is_empty() { "nothing found".to_owned() } else { wrong.join(", ") };
    let (fine, cannot) = (report.count(Word::Fine), report.count(Word::CannotTell));
    let why = if cannot > 0 { " (-v says why)" } else { "" };
    format!("{}: {wrong}; {fine} checks fine, {cannot} cannot tell{why}", seen.look.snapshot.host)
}
