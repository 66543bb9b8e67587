//! The other node's side, by its own snapshot: the packet's arrival there, the answer's way back over it, and the
//! answer's arrival on the node that asked. Without a snapshot of that node its lease is all that is known of it.

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use super::cross::arrives;
use super::{Exit, Query, Role, Step, Verdict, Walk};
use crate::config::NetConf;
use crate::finding::repair::PeerRows;
use crate::finding::{Finding, Level, lease, mtu, remote};
use crate::net::IfName;
use crate::readings::{Sight, ending, own_lease};
use crate::snapshot::Snapshot;

/// The node that the packet goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Far {
    /// Its name.
    pub node: String,
    /// Its snapshot was there: its side and the way back were walked.
    pub seen: bool,
}

/// The last host that was seen to take the packet off the wire, or the one around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Handed {
    /// Its address: the destination's own, a peer's or a gateway's.
    pub to: IpAddr,
    /// The device that the packet leaves by.
    pub dev: IfName,
    /// What comes behind it was seen, too.
    pub seen: bool,
}

/// Where a packet gets to.
pub(super) struct Reach {
    pub beyond: Beyond,
    pub far: Option<Far>,
    pub handed: Option<Handed>,
}

/// Follows what left `near` to the node among `peers` that it goes to, and the answer back.
pub(super) fn reach(near: &Walk<'_>, peers: &[Snapshot]) -> Reach {
    let other = chosen(near, peers);
    let beyond = match other {
        Some(other) if near.end.is_none() => beyond(near, other),
        _ => near.back().map(Beyond::near_alone).unwrap_or_default(),
    };
    let owner = near.promised.owner(near.query.dst).map(|peer| peer.node.clone());
    let node = other.map(|other| other.host.clone()).or(owner).or_else(|| near.owner_by_name());
    let seen = other.is_some();
    let left = near.handed.filter(|_| near.end.is_none());
    Reach {
        beyond,
        far: node.map(|node| Far { node, seen }),
        handed: left.map(|(to, dev)| Handed { to, dev, seen }),
    }
}

/// What the walk beyond the near node brings.
#[derive(Default)]
pub(super) struct Beyond {
    /// Stages of the request there.
    pub there: Vec<Step>,
    /// Stages of the answer, on both nodes.
    pub back: Vec<Step>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Where it ends, if it does.
    pub end: Option<Verdict>,
}

impl Beyond {
    /// The answer's stages as far as the near node alone tells.
    pub fn near_alone(back: Walk<'_>) -> Self {
        let Walk { steps, findings, end, .. } = back;
        Self { there: Vec::new(), back: steps, findings, end }
    }
}

/// The snapshot, of those given, of the node that `walk`'s packet goes to. Of two of one node the younger counts.
pub(super) fn chosen<'a>(walk: &Walk<'_>, peers: &'a [Snapshot]) -> Option<&'a Snapshot> {
    let dst = walk.query.dst;
    let others = peers.iter().filter(|other| !walk.node.same_node(other));
    others.filter(|other| holds(other, dst)).max_by_key(|other| other.at)
}

/// Two snapshots so far apart may be of two states of the cluster.
const APART: Duration = Duration::from_secs(300);

/// What is to be said of the snapshots themselves.
pub(super) fn notes(walk: &Walk<'_>, peers: &[Snapshot]) -> Vec<String> {
    let mut notes = unused(walk, peers);
    if let Some(far) = chosen(walk, peers) {
        let (early, late) = (far.at.min(walk.node.at), far.at.max(walk.node.at));
        let apart = late.duration_since(early).unwrap_or_default();
        if apart > APART {
            let (near, far) = (&walk.node.host, &far.host);
            let minutes = apart.as_secs() / 60;
            notes.push(format!(
                "{near} and {far} were looked at {minutes} minutes apart: much may have changed between"
            ));
        }
    }
    notes
}

/// One sentence for each snapshot that has no part in this.
fn unused(walk: &Walk<'_>, peers: &[Snapshot]) -> Vec<String> {
    let used = chosen(walk, peers);
    let dst = walk.query.dst;
    let owner = walk.promised.owner(dst).map(|peer| peer.node.clone()).or(used.map(|far| far.host.clone()));
    let goes = owner.map_or_else(String::new, |node| format!(", the packet goes to {node}"));
    let idle = peers.iter().filter(|other| used.is_none_or(|used| !std::ptr::eq(used, *other)));
    let served = |other: &&Snapshot| {
        let mut by = walk.branches.iter().filter_map(|branch| branch.far.as_ref());
        by.any(|far| far.seen && far.node == other.host)
    };
    idle.filter(|other| !served(other))
        .map(|other| {
            let host = &other.host;
            if walk.node.same_node(other) {
                format!("the peer's snapshot of {host} is of the node itself, not of one that it sends to")
            } else if used.is_some_and(|used| used.host == *host) {
                format!("of the snapshots of {host} only the youngest was used")
            } else {
                format!("the snapshot of {host} is of no node on this way{goes}")
            }
        })
        .collect()
}

/// True if the address is in the node's own lease, is its own, or one of its pods'.
fn holds(node: &Snapshot, dst: IpAddr) -> bool {
    let conf = node.conf();
    let sight = sight(node, conf.as_ref());
    own_lease(&sight).is_some_and(|own| own.subnet.nets().any(|net| net.contains(&dst)))
        || node.state.owner_of(dst).is_some()
        || node.pods.iter().any(|pod| pod.state.owner_of(dst).is_some())
}

fn sight<'a>(node: &'a Snapshot, conf: Option<&'a NetConf>) -> Sight<'a> {
    Sight { state: &node.state, leases: node.leases.as_deref(), own: node.own, conf, unreadable: &[] }
}

/// The far side and the way back, for a packet that left `near` in order.
pub(super) fn beyond(near: &Walk<'_>, node: &Snapshot) -> Beyond {
    let mut all = Beyond::default();
    let conf = node.conf();
    let query = Query { from: near.masked.or(near.src), iif: None, mark: 0, pod: None, ..near.query.clone() };
    let mut far = Walk::on(node, conf.as_ref(), &query, Role { prefix: "far-", far: true, reply: false });
    if !arrives(near, &mut far) {
        return all;
    }
    let back = far.end.is_none().then(|| answer(&far)).flatten();
    let warned = uneven(near, &far);
    let Walk { steps, findings, end, exit, .. } = far;
    (all.there, all.end) = (steps, end);
    all.findings.extend(findings.into_iter().filter(beside));
    all.findings.extend(warned);
    if let (Some(back), Some(_)) = (back, exit) {
        returned(near, back, &mut all);
    }
    all
}

/// The answer's start on the far node: out of the pod that the request went to, or from the node itself.
fn answer<'a>(far: &Walk<'a>) -> Option<Walk<'a>> {
    let Query { dst, from, sport, dport, .. } = far.query;
    let pod = match far.exit.as_ref()? {
        Exit::Pod(place) => far.node.pods.get(*place).map(|pod| pod.name.clone()),
        Exit::Here | Exit::Wire(_) => None,
        Exit::Tunnel(_) => return None,
    };
    let iif = match far.exit {
        Some(Exit::Wire(dev)) => Some(dev),
        _ => None,
    };
    let query = Query {
        dst: from?,
        from: Some(dst),
        iif,
        sport: dport,
        dport: sport,
        mark: 0,
        pod,
        ..far.query.clone()
    };
    let mut back = far.again(query, Role { prefix: "back-", far: true, reply: true });
    back.start();
    Some(back)
}

/// The answer's second half: from where it left the far node to who asked.
fn returned(near: &Walk<'_>, back: Walk<'_>, all: &mut Beyond) {
    let arrival = if back.end.is_none() { home(near, &back) } else { None };
    let other_way = detour(near, &back);
    let Walk { steps, findings, end, .. } = back;
    all.back = steps;
    all.end = end;
    all.findings.extend(findings.into_iter().filter(beside));
    if all.end.is_none() {
        all.findings.extend(other_way);
    }
    if let Some(arrival) = arrival {
        all.back.extend(arrival.steps);
        all.findings.extend(arrival.findings.into_iter().filter(beside));
        all.end = arrival.end;
    }
}

/// The answer's arrival on the near node.
fn home<'a>(near: &Walk<'a>, back: &Walk<'_>) -> Option<Walk<'a>> {
    let Query { dst, sport, dport, .. } = near.query;
    // Conntrack has given the source its own address again before anything is looked up.
    let query = Query {
        dst: near.src?,
        from: Some(dst),
        iif: None,
        sport: dport,
        dport: sport,
        mark: 0,
        pod: None,
        ..near.query.clone()
    };
    let mut walk = near.again(query, Role { prefix: "back-", far: false, reply: true });
    arrives(back, &mut walk).then_some(walk)
}

/// The answer goes past the tunnel that the packet took, or through one that it did not.
fn detour(near: &Walk<'_>, back: &Walk<'_>) -> Option<Finding> {
    let words = |exit: &Exit| match exit {
        Exit::Tunnel(peer) => format!("through {}", peer.dev),
        Exit::Wire(dev) => format!("by {dev}"),
        Exit::Pod(_) | Exit::Here => "nowhere".to_owned(),
    };
    let peer = near.promised.owner(near.query.dst)?;
    let (there, here) = (near.exit.as_ref()?, back.exit.as_ref()?);
    let same = matches!((there, here), (Exit::Tunnel(_), Exit::Tunnel(_)) | (Exit::Wire(_), Exit::Wire(_)));
    let to = back.query.dst;
    let fix = back.promised.owner(to).map(PeerRows::set_route);
    let (there, here) = (words(there), words(here));
    (!same).then(|| remote::asymmetric(back.host(), &peer.node, to, (&there, &here), fix))
}

/// The two ends of the tunnel take packets of different sizes.
fn uneven(near: &Walk<'_>, far: &Walk<'_>) -> Option<Finding> {
    let Some(Exit::Tunnel(peer)) = near.exit.as_ref() else { return None };
    let mtu = |walk: &Walk<'_>| walk.node.state.links.get(&peer.dev).map(|link| link.mtu);
    let (here, there) = (mtu(near)?, mtu(far)?);
    (here != there).then(|| mtu::asymmetric(near.host(), peer.dev, here, far.host(), there))
}

/// What is only odd on the way back is a matter of that node's own trace.
fn beside(finding: &Finding) -> bool {
    finding.level != Level::Warn
}

/// The lease that the packet goes by runs out.
pub(super) fn runs_out(near: &Walk<'_>) -> Option<Finding> {
    let peer = near.promised.owner(near.query.dst)?;
    let leases = near.node.leases.as_deref()?;
    let held = leases.iter().find(|held| held.subnet.nets().any(|net| net == peer.net))?;
    let when = ending(held, near.node.at)?;
    Some(lease::expired(near.host(), &peer.node, &when))
}
