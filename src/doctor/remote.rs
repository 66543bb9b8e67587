//! The far side: what the snapshots of peers say of the way there and back.

use super::Outcome;
use super::ground::{Device, Ground, NO_LEASES, nth};
use super::{device, firewall, ways, words};
use crate::finding::repair::{Obstacle, PeerRows};
use crate::finding::{Finding, remote, rule};
use crate::net::IfName;
use crate::readings::{Row, Standing};
use crate::snapshot::Snapshot;
use crate::state::fib::{Answer, Flow, lookup};
use crate::state::{Link, table};

/// Why nothing is said.
const NO_PEERS: &str = "no snapshot of a peer (--peer FILE)";

/// Do the peers' devices fit ours and their leases?
pub(super) fn devices(ground: &Ground<'_>) -> Outcome {
    if ground.others.is_empty() {
        return Outcome::unseen(NO_PEERS);
    }
    let mut found = Vec::new();
    for other in ground.others {
        let far = Ground::of(other, &[]);
        for dev in &far.devices {
            found.extend(device(ground, &far, dev));
        }
    }
    Outcome::of(found)
}

fn device(near: &Ground<'_>, far: &Ground<'_>, dev: &Device) -> Option<Finding> {
    let node = far.node();
    let peers: Vec<PeerRows> =
        far.peers().iter().filter(|peer| peer.dev == dev.name).map(|peer| far.rows(peer)).collect();
    let want = device::wanted(far, dev);
    let Some(link) = far.state().links.get(&dev.name) else {
        let missing = crate::finding::vtep::missing(node, &want, &peers);
        return Some(remote::no_device(node, dev.name, missing));
    };
    let have = link.vxlan()?;
    // What packets come with is what our own device sends.
    let ours = near.there().find(|(own, _)| own.v6 == dev.v6).and_then(|(_, link)| Link::vxlan(link));
    let (vni, port) = ours.map_or((want.vni, want.port), |ours| (ours.vni, ours.port));
    let want = crate::finding::repair::Device { vni, port, ..want };
    if have.vni != vni {
        return Some(remote::vni(node, &want, have.vni, &peers));
    }
    if have.port != port {
        return Some(remote::port(node, &want, have.port, &peers));
    }
    // The lease as this node knows it: that is what frames are addressed to.
    let lease = near.peers().iter().find(|peer| Some(peer.net) == dev.subnet).map(|peer| peer.mac)?;
    let mac = link.mac?;
    (mac != lease).then(|| remote::mac(node, &want, mac, lease, &peers))
}

/// Do the peers forward, and find the way back?
pub(super) fn returns(ground: &Ground<'_>) -> Outcome {
    if ground.others.is_empty() {
        return Outcome::unseen(NO_PEERS);
    }
    let found = ground.others.iter().filter_map(|other| way_back(ground, other));
    Outcome::of(found.collect())
}

fn way_back(ground: &Ground<'_>, other: &Snapshot) -> Option<Finding> {
    let own = ground.own?.subnet.nets().next()?;
    let src = nth(own, 2);
    let node = other.host.as_str();
    if own.addr().is_ipv4() && other.state.fact("sysctl:net.ipv4.ip_forward") == Some("0") {
        let off = rule::forwarding_off(node, false, None, "net.ipv4.ip_forward");
        return Some(remote::renamed("remote.forward", off));
    }
    let far = Ground::of(other, &[]);
    let peer = far.peers().iter().find(|peer| peer.net == own);
    if let Some(rejected) = peer.and_then(|peer| ways::comes_in(&far, peer)) {
        return Some(remote::renamed("remote.rpfilter", rejected));
    }
    let found = lookup(&other.state, &Flow::to(src));
    let out = match &found.answer {
        Answer::Route { legs, .. } if found.refusal(&other.state).is_none() => {
            legs.first().and_then(|leg| leg.hop.dev)
        }
        _ => None,
    };
    let leads = |dev: IfName| peer.is_none_or(|peer| dev == peer.dev || far.is_direct(peer));
    let rows = peer.map(|peer| far.rows(peer));
    if out.is_some_and(leads) {
        // The way is there: does it end at this node?
        let (why, fix) = lost_row(&far, &rows?)?;
        return Some(remote::no_return(node, src, why, Some(fix)));
    }
    let via = match &found.answer {
        Answer::Route { legs, .. } => legs.first().and_then(|leg| leg.hop.via),
        _ => None,
    };
    // By the wire alone, and it arrives: only those who look at the way mind.
    if let (Some(peer), Some(dev)) = (peer.filter(|peer| via == Some(peer.public)), out) {
        let (there, back) = (format!("through {}", peer.dev), format!("by {dev}"));
        let fix = rows.map(|rows| rows.set_route());
        return Some(remote::asymmetric(node, node, src, (&there, &back), fix));
    }
    let strange = |place: &usize| {
        let rule = other.state.rules.get(*place);
        rule.is_some_and(|rule| rule.table != table::MAIN && !ways::is_default(rule))
    };
    let held = other.state.addrs.keys().find(|held| held.net.addr() == src);
    // Whatever the main table says, a rule before it has to go; and an address of the host's own is before any.
    let obstacle = match (found.rule.filter(strange), held) {
        (Some(place), _) => words::obstacle(&other.state, place),
        (None, held) => held.map(|held| Obstacle::Address { net: held.net, dev: held.dev }),
    };
    let fix = obstacle.map(|obstacle| obstacle.remove()).or(rows.map(|rows| rows.set_route()));
    Some(remote::no_return(node, src, &words::answer(&other.state, &found), fix))
}

/// The row of ours that a peer lacks or has wrong on its tunnel device, and what writes it.
fn lost_row(far: &Ground<'_>, rows: &PeerRows) -> Option<(&'static str, String)> {
    let drift = far.drift.as_ref().filter(|_| !rows.direct)?;
    let off = |all: &[Row]| {
        all.iter().any(|row| {
            matches!(row.state, Standing::Missing | Standing::Wrong)
                && row.lease.as_ref().is_some_and(|promise| promise.subnet == rows.net)
        })
    };
    if off(&drift.neighs) {
        return Some(("its neighbour entry for this node is missing or wrong", rows.set_neigh()));
    }
    off(&drift.fdb).then(|| ("its forwarding entry for this node is missing or wrong", rows.set_fdb()))
}

/// Do the peers' firewalls let this node's packets in, and theirs out?
pub(super) fn firewalls(ground: &Ground<'_>) -> Outcome {
    if ground.others.is_empty() {
        return Outcome::unseen(NO_PEERS);
    }
    let Some(own) = ground.own.and_then(|own| own.subnet.nets().next()) else {
        return Outcome::unseen(NO_LEASES);
    };
    if ground.others.iter().all(|other| other.state.firewall.is_none()) {
        return Outcome::unseen("no peer's firewall was read");
    }
    let found = ground.others.iter().flat_map(|other| {
        let dropped = firewall::towards(&Ground::of(other, &[]), own);
        dropped.into_iter().map(|finding| remote::renamed("remote.filter", finding))
    });
    Outcome::of(found.collect())
}
