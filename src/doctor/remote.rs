//! The far side: what the snapshots of peers say of the way there and back.

use super::Outcome;
use super::ground::{Device, Ground, nth};
use super::{device, words};
use crate::finding::repair::PeerRows;
use crate::finding::{Finding, remote, rule};
use crate::net::IfName;
use crate::snapshot::Snapshot;
use crate::state::Link;
use crate::state::fib::{Answer, Flow, lookup};

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
    let found = lookup(&other.state, &Flow::to(src));
    let out = match &found.answer {
        Answer::Route { legs, .. } if found.refusal(&other.state).is_none() => {
            legs.first().and_then(|leg| leg.hop.dev)
        }
        _ => None,
    };
    let far = Ground::of(other, &[]);
    let leads = |dev: IfName| {
        let peer = far.peers().iter().find(|peer| peer.net == own);
        peer.is_none_or(|peer| dev == peer.dev || far.is_direct(peer))
    };
    if out.is_some_and(leads) {
        return None;
    }
    let fix = far.peers().iter().find(|peer| peer.net == own).map(|peer| far.rows(peer).set_route());
    Some(remote::no_return(node, src, &words::answer(&other.state, &found), fix))
}
