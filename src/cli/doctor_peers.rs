//! `doctor --peers`: a ping to every node's device through the tunnel, and how large a packet gets there whole.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::net::IpAddr;

use serde::Serialize;

use super::Global;
use super::doctor::Examined;
use super::netns::netns;
use crate::doctor::{Ground, Known, silent, unexplained};
use crate::error::Failure;
use crate::finding::{Finding, Level, mtu};
use crate::kernel::echo::{Echo, LEAST, SMALL, Target, echo};
use crate::overlay::vxlan::{OVERHEAD_V4, OVERHEAD_V6};
use crate::readings::Peer;
use crate::render::{Grid, shortened};
use crate::snapshot::Snapshot;
use crate::state::{Neigh, nud};

/// A peer as it answered.
#[derive(Debug, Serialize)]
pub struct Row {
    /// `ok`, `narrow`, `silent` or `refused`.
    state: &'static str,
    node: String,
    subnet: String,
    /// The address that was pinged: the peer's end of the tunnel.
    vtep: IpAddr,
    public_ip: IpAddr,
    /// By a plain route instead of the tunnel.
    direct: bool,
    /// Milliseconds of the fastest answer.
    rtt_ms: Option<f64>,
    /// The largest packet that passed whole.
    mtu: Option<u32>,
    /// The device's MTU: what should pass.
    most: u32,
    reason: Option<String>,
}

/// The peers and what came of the pings.
pub(super) struct Pinged(Vec<(Peer, bool, u32, Echo)>);

/// Asks those who were silent once more: what the kernel remembers of them may be long over. True if somebody was
/// asked.
pub(super) fn ask_again(node: &Snapshot, global: &Global) -> bool {
    // As a rule nobody was silent, and no way need be found out.
    let quiet = |entry: &Neigh| entry.state & (nud::FAILED | nud::INCOMPLETE) != 0;
    node.state.neighs.values().any(quiet) && ask(&silent(&Ground::of(node, &[])), global)
}

/// Asks these, so that the kernel knows them, or that they are silent. True if somebody was asked.
pub(super) fn ask(whom: &[IpAddr], global: &Global) -> bool {
    let targets: Vec<Target> = whom.iter().map(|ip| Target { ip: *ip, most: SMALL }).collect();
    if targets.is_empty() {
        return false;
    }
    // Without the rights to ask, what the kernel remembers has to do.
    let asked = netns(global).and_then(|netns| {
        let _inside = netns.enter()?;
        echo(&targets, &mut |_| {}).map_err(|e| Failure::unreadable("an ICMP socket").because(e))
    });
    asked.is_ok()
}

/// Pings every peer.
pub(super) fn ping(seen: &Examined, global: &Global) -> Result<Pinged, Failure> {
    let node = &seen.look.snapshot;
    let ground = Ground::of(node, &[]);
    if ground.drift.is_none() {
        return Err(Failure::unreadable("the peers").hint("name a store with --store or --etcd-endpoints"));
    }
    let mtu = |peer: &Peer, direct: bool| {
        let dev = if direct { ground.uplink } else { Some(peer.dev) };
        dev.and_then(|dev| node.state.links.get(&dev)).map_or(1500, |link| link.mtu)
    };
    let peers = ground.peers().iter().map(|peer| {
        let direct = ground.is_direct(peer);
        (peer.clone(), direct, mtu(peer, direct))
    });
    let peers: Vec<(Peer, bool, u32)> = peers.collect();
    let targets: Vec<Target> =
        peers.iter().map(|(peer, _, most)| Target { ip: peer.gateway(), most: *most }).collect();
    let netns = netns(global)?;
    let _inside = netns.enter()?;
    let watched = std::io::stderr().is_terminal();
    let all = targets.len();
    let mut told = |done: usize| progress(watched, done, all);
    let echoes = echo(&targets, &mut told).map_err(|e| {
        Failure::unreadable("an ICMP socket")
            .because(e)
            .hint("it needs root, or your group inside the sysctl net.ipv4.ping_group_range")
    })?;
    progress(watched, usize::MAX, all);
    let joined = peers.into_iter().zip(echoes).map(|((peer, direct, most), echo)| (peer, direct, most, echo));
    Ok(Pinged(joined.collect()))
}

/// One line that is written over; nothing where nobody watches.
fn progress(watched: bool, done: usize, all: usize) {
    if watched {
        let mut err = std::io::stderr();
        // Nothing can be done about a closed stderr.
        let _ = if done == usize::MAX {
            write!(err, "\r\x1b[K")
        } else {
            write!(err, "\r\x1b[K{done} of {all} peers")
        };
    }
}

/// One row a peer; what a row brings to light joins the findings.
pub(super) fn explain(pinged: Pinged, seen: &mut Examined, others: &[Snapshot]) -> Vec<Row> {
    let Examined { look, report } = seen;
    let ground = Ground::of(&look.snapshot, &[]);
    let known = Known::of(&report.findings);
    let codes: BTreeSet<&str> = report.findings.iter().map(|finding| finding.code).collect();
    let mut more = Vec::new();
    let mut rows = Vec::with_capacity(pinged.0.len());
    for (peer, direct, most, echo) in pinged.0 {
        let mut reason = None;
        let state = match (&echo.refused, echo.rtt, echo.mtu) {
            (Some(said), _, _) => {
                reason = Some(explained(&known, &peer, others).unwrap_or_else(|| said.clone()));
                "refused"
            }
            (None, None, _) => {
                reason = explained(&known, &peer, others);
                if reason.is_none() {
                    let looked_at = others.iter().any(|other| other.host == peer.node);
                    let (lost, told) = unexplained(&ground, report, &peer, looked_at);
                    more.push(lost);
                    reason = Some(told);
                }
                "silent"
            }
            (None, Some(_), Some(mtu)) if mtu >= most => "ok",
            (None, Some(_), passed) => {
                let told = passed.map_or_else(|| format!("less than {LEAST}"), |mtu| mtu.to_string());
                reason = Some(format!("{told} of {most} bytes pass"));
                let narrow = (!direct).then(|| narrow(ground.node(), &peer, most, passed)).flatten();
                // The host's own figures may have told already.
                more.extend(narrow.filter(|finding| !codes.contains(finding.code)));
                "narrow"
            }
        };
        rows.push(Row {
            state,
            subnet: peer.net.to_string(),
            vtep: peer.gateway(),
            public_ip: peer.public,
            node: peer.node,
            direct,
            rtt_ms: echo.rtt.map(|rtt| (rtt.as_secs_f64() * 1e6).round() / 1e3),
            mtu: echo.mtu,
            most,
            reason,
        });
    }
    report.findings.extend(more);
    report.findings.sort_by_key(|finding| finding.level);
    rows
}

/// What is known already that keeps this peer from answering: by this node's tables, else by the peer's own snapshot.
fn explained(known: &Known<'_>, peer: &Peer, others: &[Snapshot]) -> Option<String> {
    let here = known.why(peer).map(|finding| format!("{}: {}", finding.code, finding.cause));
    here.or_else(|| {
        let far = others.iter().find(|other| other.host == peer.node)?;
        let far = crate::doctor::examine(far, &[]);
        let worst = far.findings.into_iter().find(|finding| finding.level == Level::Error)?;
        Some(format!("{} on {}: {}", worst.code, peer.node, worst.cause))
    })
}

/// The way to a peer carries less than the tunnel.
fn narrow(node: &str, peer: &Peer, most: u32, passed: Option<u32>) -> Option<Finding> {
    let overhead = if peer.public.is_ipv6() { OVERHEAD_V6 } else { OVERHEAD_V4 };
    let by = format!("the way to {}", peer.node);
    let room = passed?.saturating_add(overhead);
    let what = mtu::Outer { tunnel: peer.dev, mtu: most, overhead, by: &by, room };
    Some(mtu::outer(node, what))
}

/// Columns of a row, and the fewest that a reason gets.
const WIDTH: usize = 100;
const LEAST_TOLD: usize = 32;

/// The rows as a table. A reason says what there is room for: the findings below say all of it.
pub(super) fn grid(rows: &[Row]) -> Grid {
    const HEADS: [&str; 7] = ["STATE", "NODE", "SUBNET", "VTEP", "RTT", "MTU", "REASON"];
    let cells = |row: &Row| {
        [
            row.state.to_owned(),
            row.node.clone(),
            row.subnet.clone(),
            row.vtep.to_string(),
            row.rtt_ms.map(|ms| format!("{ms:.3} ms")).unwrap_or_default(),
            row.mtu.map(|mtu| mtu.to_string()).unwrap_or_default(),
        ]
    };
    let all: Vec<[String; 6]> = rows.iter().map(cells).collect();
    let widest = |at: usize| {
        let of = all.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0);
        // A column without any content is left out.
        if of == 0 { 0 } else { of.max(HEADS.get(at).map_or(0, |head| head.len())) + 2 }
    };
    let room = WIDTH.saturating_sub((0..6).map(widest).sum()).max(LEAST_TOLD);
    let mut grid = Grid::new(&HEADS);
    for (row, cells) in rows.iter().zip(all) {
        let way = if row.direct { "direct" } else { "" };
        let reason = row.reason.as_deref().map_or_else(|| way.to_owned(), |reason| shortened(reason, room));
        grid.row(cells.into_iter().chain([reason]).collect());
    }
    grid
}

#[cfg(test)]
mod tests {
    use super::{Row, WIDTH, grid};

    fn row(reason: Option<&str>) -> Row {
        Row {
            state: if reason.is_some() { "silent" } else { "ok" },
            node: "worker-17".to_owned(),
            subnet: "10.244.117.0/24".to_owned(),
            vtep: "10.244.117.0".parse().unwrap(),
            public_ip: "192.168.50.117".parse().unwrap(),
            direct: false,
            rtt_ms: reason.is_none().then_some(0.123),
            mtu: reason.is_none().then_some(1450),
            most: 1450,
            reason: reason.map(str::to_owned),
        }
    }

    #[test]
    fn a_peer_is_a_line_of_at_most_a_hundred_columns() {
        let why = "fdb.wrong: frames for worker-17 are sent to 192.168.50.99, which is not worker-17, as its lease says";
        let lines = grid(&[row(None), row(Some(why))]).lines(None);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:#?}");
        assert!(lines[2].contains("fdb.wrong: frames for") && lines[2].ends_with(" …"), "{lines:#?}");
    }
}
