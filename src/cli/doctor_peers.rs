//! `doctor --peers`: a ping to every node's device through the tunnel, and how large a packet gets there whole.

use std::io::{IsTerminal, Write};
use std::net::IpAddr;

use serde::Serialize;

use super::Global;
use super::doctor::Examined;
use super::netns::netns;
use crate::doctor::{Ground, silent};
use crate::error::Failure;
use crate::finding::{Finding, Level, filter, mtu};
use crate::kernel::echo::{Echo, LEAST, SMALL, Target, echo};
use crate::overlay::vxlan::{OVERHEAD_V4, OVERHEAD_V6};
use crate::readings::Peer;
use crate::render::Grid;
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
    let node = seen.look.snapshot.host.clone();
    let port = Ground::of(&seen.look.snapshot, &[]).vxlan().map_or(8472, |conf| conf.port);
    let before = seen.report.findings.clone();
    let mut rows = Vec::with_capacity(pinged.0.len());
    for (peer, direct, most, echo) in pinged.0 {
        let mut reason = None;
        let state = match (&echo.refused, echo.rtt, echo.mtu) {
            (Some(said), _, _) => {
                reason = Some(known(&before, &peer, others).unwrap_or_else(|| said.clone()));
                "refused"
            }
            (None, None, _) => {
                reason = known(&before, &peer, others);
                if reason.is_none() && !direct {
                    let looked_at = others.iter().any(|other| other.host == peer.node);
                    let lost = filter::between(&node, &peer.node, peer.public, port, looked_at);
                    seen.report.findings.push(lost);
                    reason =
                        Some(format!("outer.filtered: UDP {port} does not come back; a security group?"));
                } else if reason.is_none() {
                    reason = Some("no answer by the direct route".to_owned());
                }
                "silent"
            }
            (None, Some(_), Some(mtu)) if mtu >= most => "ok",
            (None, Some(_), passed) => {
                let told = passed.map_or_else(|| format!("less than {LEAST}"), |mtu| mtu.to_string());
                reason = Some(format!("{told} of {most} bytes pass"));
                let narrow = (!direct).then(|| narrow(&node, &peer, most, passed)).flatten();
                // The host's own figures may have told already.
                let new = |finding: &Finding| !before.iter().any(|old| old.code == finding.code);
                seen.report.findings.extend(narrow.filter(new));
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
    seen.report.findings.sort_by_key(|finding| finding.level);
    rows
}

/// What is known already that keeps this peer from answering: a finding that names it, else the worst one of this node,
/// else what the peer's own snapshot says.
fn known(before: &[Finding], peer: &Peer, others: &[Snapshot]) -> Option<String> {
    let errors = || before.iter().filter(|finding| finding.level == Level::Error);
    let names = [peer.node.clone(), peer.net.to_string(), peer.public.to_string()];
    let speaks = |text: &str| {
        let word = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | ':' | '/');
        text.split(|c: char| !word(c))
            .any(|part| names.iter().any(|name| part.trim_end_matches("'s") == name))
    };
    let names_it = |finding: &&Finding| {
        speaks(&finding.cause)
            || finding.node == peer.node
            || finding.evidence.iter().any(|line| speaks(line))
    };
    // Codes that are about one peer at a time say nothing of the others.
    let one_peer = ["route.", "neigh.", "fdb.", "peer.", "outer.", "lease.", "remote."];
    let of_node = |finding: &&Finding| {
        !one_peer.iter().any(|family| finding.code.starts_with(family))
            || matches!(finding.code, "outer.down" | "outer.filtered")
    };
    let found = errors().find(names_it).or_else(|| errors().find(of_node));
    found.map(|finding| format!("{}: {}", finding.code, finding.cause)).or_else(|| {
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

/// The rows as a table.
pub(super) fn grid(rows: &[Row]) -> Grid {
    let mut grid = Grid::new(&["STATE", "NODE", "SUBNET", "VTEP", "RTT", "MTU", "REASON"]);
    for row in rows {
        let Row { state, node, subnet, vtep, direct, rtt_ms, mtu, reason, .. } = row;
        let way = if *direct { "direct" } else { "" };
        grid.row(vec![
            (*state).to_owned(),
            node.clone(),
            subnet.clone(),
            vtep.to_string(),
            rtt_ms.map(|ms| format!("{ms:.3} ms")).unwrap_or_default(),
            mtu.map(|mtu| mtu.to_string()).unwrap_or_default(),
            reason.clone().unwrap_or_else(|| way.to_owned()),
        ]);
    }
    grid
}
