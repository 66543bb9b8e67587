//! A packet's way as text: one line a stage, the first failure in full.

use std::fmt::Write as _;
use std::net::IpAddr;

use owo_colors::OwoColorize;

use super::parts::finding_lines;
use super::table::clean;
use crate::finding::Level;
use crate::trace::{Far, Handed, Live, Mark, Path, Query, Spot, Step, Verdict};

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Verdict and codes.
    Minimal,
    /// A line a stage.
    Plain,
    /// What almost matched, too, and what was asked.
    Verbose,
}

/// The columns of a stage's name, of its object, and of what the lease says.
const NAME: usize = 14;
const OBJECT: usize = 62;

/// The lines of a path; `head` says where it was looked at.
pub fn path_lines(path: &Path, head: &str, detail: Detail, colour: bool) -> Vec<String> {
    if detail == Detail::Minimal {
        return vec![minimal(path)];
    }
    let start = || path.query.pod.as_deref().map_or_else(|| "this host".to_owned(), clean);
    let src = path.src.map_or_else(start, |ip| ip.to_string());
    let mut lines = vec![format!("{src} -> {}   {}, {head}", path.query.dst, protocol(&path.query))];
    let mut on = path.steps.first().map(|step| step.node.as_str());
    for step in &path.steps {
        if on != Some(&step.node) {
            on = Some(&step.node);
            lines.push(format!("on {}", clean(&step.node)));
        }
        stage(step, detail, colour, &mut lines);
    }
    for branch in &path.branches {
        let unseen = not_seen(branch.far.as_ref(), branch.handed.as_ref(), None).unwrap_or_default();
        let unseen = if delivered(&branch.verdict) { unseen } else { String::new() };
        lines.push(format!("to {}: {}{unseen}", clean(&branch.to), branch.verdict.word()));
        if detail == Detail::Verbose || branch.verdict != Verdict::Delivered {
            branched(&branch.stages, detail, colour, &mut lines);
        }
    }
    for steps in path.back.chunk_by(|a, b| a.node == b.node) {
        let Some(first) = steps.first() else { continue };
        let on = format!("the answer, on {}", clean(&first.node));
        // An answer that nothing stops is worth one line.
        if detail == Detail::Plain && steps.iter().all(|step| step.mark == Mark::Ok) {
            let names: Vec<&str> = steps.iter().map(bare).collect();
            lines.push(format!("{}  {on}: {}", tinted(" ok", colour), names.join(", ")));
            continue;
        }
        lines.push(on);
        for step in steps {
            stage(step, detail, colour, &mut lines);
        }
    }
    lines.extend(path.live.iter().flat_map(|one| live(one, detail)));
    lines.push(verdict(path));
    let told = path.findings.iter().filter(|f| f.level != Level::Info || detail == Detail::Verbose);
    // Whoever reads stands on the node that the way begins on.
    let here = path.steps.first().map_or("", |step| step.node.as_str());
    lines.extend(told.flat_map(|finding| finding_lines(finding, here)));
    lines
}

/// A server's stages; where they are another node's, or the answer's, a line says so.
fn branched(steps: &[Step], detail: Detail, colour: bool, lines: &mut Vec<String>) {
    let answers = |step: &Step| step.id.starts_with("back-");
    let parts = steps.chunk_by(|a, b| a.node == b.node && answers(a) == answers(b));
    for (at, part) in parts.enumerate() {
        if let Some(first) = part.first().filter(|_| at > 0) {
            let what = if answers(first) { "the answer, on" } else { "on" };
            lines.push(format!("{what} {}", clean(&first.node)));
        }
        part.iter().for_each(|step| stage(step, detail, colour, lines));
    }
}

/// The name of a stage without what stands before it for the far side and the answer.
fn bare(step: &Step) -> &str {
    step.id.strip_prefix("far-").or(step.id.strip_prefix("back-")).unwrap_or(&step.id)
}

/// One stage; what stands before its name for the far side and the answer is said by the line above them.
fn stage(step: &Step, detail: Detail, colour: bool, lines: &mut Vec<String>) {
    let sign = match step.mark {
        Mark::Ok => " ok",
        Mark::Bad => " !!",
        Mark::Unseen => "  ?",
    };
    let lease = step.lease.as_deref().unwrap_or("");
    let bare = bare(step);
    let mut line = format!("{}  {bare:NAME$} {:OBJECT$} {lease}", tinted(sign, colour), clean(&step.object));
    line.truncate(line.trim_end().len());
    lines.push(line);
    if detail == Detail::Verbose {
        lines.push(format!("{:20}$ {}", "", clean(&step.command)));
        lines.extend(step.more.iter().map(|more| format!("{:20}{}", "", clean(more))));
    }
}

/// What became of a probe: a line, and one a place where it was seen.
fn live(live: &Live, detail: Detail) -> Vec<String> {
    let fate = match (live.rtt_us, &live.refused) {
        (Some(rtt), _) => format!("answered after {}.{:03} ms", rtt / 1000, rtt % 1000),
        (None, Some(why)) => format!("not sent: {}", clean(why)),
        (None, None) => "no answer".to_owned(),
    };
    let mut lines = vec![format!("live: {} bytes, {fate} ({})", live.size, clean(&live.source))];
    let line = |spot: &Spot| format!("{:>6} us  {:8} {}", spot.after_us, spot.event, clean(&spot.text));
    match detail {
        Detail::Verbose => lines.extend(live.seen.iter().map(line)),
        _ => lines.extend(live.stations().map(line)),
    }
    lines
}

/// `dropped fdb.missing`; stable.
fn minimal(path: &Path) -> String {
    let codes = path.findings.iter().filter(|f| f.level != Level::Info).map(|f| f.code);
    codes.fold(path.verdict.word().to_owned(), |line, code| line + " " + code)
}

fn verdict(path: &Path) -> String {
    let mut line = path.verdict.word().to_owned();
    if let Verdict::Rejected(told) = &path.verdict {
        let _ = write!(line, " ({told})");
    }
    let all = || path.steps.iter().chain(&path.back);
    let unseen: Vec<&str> = all().filter(|s| s.mark == Mark::Unseen).map(|s| s.id.as_str()).collect();
    if path.verdict == Verdict::DeliveredIf {
        let _ = write!(line, ": if {} lets it pass", unseen.join(" and "));
    }
    if let Some(step) = all().find(|step| step.mark == Mark::Bad) {
        let _ = write!(line, " at {}", step.id);
    }
    if delivered(&path.verdict) {
        line.extend(not_seen(path.far.as_ref(), path.handed.as_ref(), Some(path.query.dst)));
    }
    line
}

/// What lies beyond the last table that was looked at.
fn not_seen(far: Option<&Far>, handed: Option<&Handed>, dst: Option<IpAddr>) -> Option<String> {
    match (far, handed) {
        (Some(far), _) if !far.seen => {
            Some(format!("; {} itself was not looked at (--peer)", clean(&far.node)))
        }
        (None, Some(Handed { to, dev, seen: false })) if Some(*to) == dst => {
            Some(format!("; handed to {to} on {dev}, which was not looked at"))
        }
        (None, Some(Handed { to, dev, seen: false })) => {
            Some(format!("; handed to {to} on {dev}; nothing behind it was seen"))
        }
        _ => None,
    }
}

fn delivered(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Delivered | Verdict::DeliveredIf)
}

fn tinted(sign: &str, colour: bool) -> String {
    match (colour, sign.trim()) {
        (true, "ok") => sign.green().to_string(),
        (true, "!!") => sign.red().to_string(),
        (true, "?") => sign.yellow().to_string(),
        _ => sign.to_owned(),
    }
}

/// `icmp`, `tcp 80`.
pub(super) fn protocol(query: &Query) -> String {
    let name = match query.proto {
        1 => "icmp".to_owned(),
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        58 => "icmp6".to_owned(),
        other => format!("protocol {other}"),
    };
    query.dport.map_or_else(|| name.clone(), |port| format!("{name} {port}"))
}

#[cfg(test)]
mod tests {
    use super::{Detail, path_lines};
    use crate::snapshot::Snapshot;
    use crate::trace::{Handed, Path, Query, trace};

    fn path(dst: &str) -> Path {
        let node = Snapshot::decode(include_bytes!("../../fixtures/readers/path.json")).unwrap();
        trace(&node, &Query::to(dst.parse().unwrap()))
    }

    fn verdict(path: &Path) -> String {
        let lines = path_lines(path, "", Detail::Plain, false);
        lines.into_iter().find(|line| line.starts_with("delivered")).unwrap()
    }

    #[test]
    fn a_verdict_says_how_far_the_way_was_seen() {
        let (to, dev) = ("192.168.50.1".parse().unwrap(), "eth0".parse().unwrap());
        let beyond = |handed| Path { far: None, handed, ..path("10.5.2.3") };
        let gate = verdict(&beyond(Some(Handed { to, dev, seen: false })));
        assert_eq!(gate, "delivered; handed to 192.168.50.1 on eth0; nothing behind it was seen");
        assert_eq!(verdict(&beyond(Some(Handed { to, dev, seen: true }))), "delivered");
        let itself = verdict(&path("192.168.50.12"));
        assert_eq!(itself, "delivered; handed to 192.168.50.12 on eth0, which was not looked at");
        assert_eq!(verdict(&path("10.5.2.3")), "delivered; node-b itself was not looked at (--peer)");
        assert_eq!(verdict(&path("192.168.50.11")), "delivered");
    }
}
