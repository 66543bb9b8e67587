//! What happens to a packet between the tables: forwarding, reverse path filters, policy rules.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use super::Outcome;
use super::ground::{Ground, NO_LEASES, nth};
use super::words;
use crate::finding::repair::Obstacle;
use crate::finding::{Finding, rule};
use crate::net::{IfName, overlap};
use crate::readings::Peer;
use crate::state::fib::{Answer, Flow, Lookup, lookup, reverse};
use crate::state::{RouteKey, Rule, table};

/// Does the node forward?
pub(super) fn forwarding(ground: &Ground<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    let families = |v6: bool| match &ground.conf {
        Some(conf) => {
            if v6 {
                conf.v6.is_some()
            } else {
                conf.v4.is_some()
            }
        }
        None => ground.devices.iter().any(|dev| dev.v6 == v6),
    };
    if families(false) {
        match ground.sysctl("net.ipv4.ip_forward") {
            Some(0) => found.push(rule::forwarding_off(ground.node(), false, None, "net.ipv4.ip_forward")),
            Some(_) => {
                for dev in carriers(ground) {
                    if ground.dev_sysctl("ipv4", dev.as_str(), "forwarding") == Some(0) {
                        let key = format!("net.ipv4.conf.{}.forwarding", dev.as_str().replace('.', "/"));
                        found.push(rule::forwarding_off(ground.node(), false, Some(dev), &key));
                    }
                }
            }
            None => {}
        }
        seen |= ground.sysctl("net.ipv4.ip_forward").is_some();
    }
    if families(true) {
        let key = "net.ipv6.conf.all.forwarding";
        if ground.sysctl(key) == Some(0) {
            found.push(rule::forwarding_off(ground.node(), true, None, key));
        }
        seen |= ground.sysctl(key).is_some();
    }
    if seen { Outcome::of(found) } else { Outcome::unseen("the sysctls were not read") }
}

/// The devices by which pods' packets come in.
fn carriers(ground: &Ground<'_>) -> Vec<IfName> {
    let direct = ground.peers().iter().any(|peer| ground.is_direct(peer));
    let mut all: Vec<IfName> = ground.bridges.clone();
    all.extend(ground.devices.iter().filter(|dev| !dev.v6).map(|dev| dev.name));
    all.extend(ground.uplink.filter(|_| direct));
    all.retain(|dev| ground.state().links.contains_key(dev));
    all
}

/// Do reverse path filters let the overlay's packets in?
pub(super) fn reverse_path(ground: &Ground<'_>) -> Outcome {
    if ground.sysctl("net.ipv4.conf.all.rp_filter").is_none() {
        return Outcome::unseen("the sysctls were not read");
    }
    let Some(pod) = ground.pod_addr(false) else { return Outcome::unseen(NO_LEASES) };
    let mut arrivals: Vec<(IfName, IpAddr, IpAddr)> = Vec::new();
    for direct in [false, true] {
        let Some(peer) =
            ground.sound_peer(|peer| peer.net.addr().is_ipv4() && ground.is_direct(peer) == direct)
        else {
            continue;
        };
        let far = nth(peer.net, 2);
        arrivals.extend(ground.bridges.iter().map(|bridge| (*bridge, pod, far)));
        let by = if direct { ground.uplink } else { Some(peer.dev) };
        let Some(by) = by.filter(|dev| ground.state().links.contains_key(dev)) else { continue };
        arrivals.push((by, far, pod));
        // A program of the peer's host that is bound to its public address, through the tunnel.
        arrivals.push((by, peer.public, pod));
    }
    if arrivals.is_empty() {
        return Outcome::unseen("no peer's packets can be imagined: there are no peers");
    }
    let mut found: Vec<Finding> = Vec::new();
    let mut told: Vec<IfName> = Vec::new();
    for (dev, src, dst) in arrivals {
        if let Some(finding) = rejected(ground, dev, src, dst).filter(|_| !told.contains(&dev)) {
            told.push(dev);
            found.push(finding);
        }
    }
    Outcome::of(found)
}

/// What this peer's packets meet where they come in: a reverse path filter that drops them. The way back is mended
/// where the lease tells it.
pub(super) fn comes_in(ground: &Ground<'_>, peer: &Peer) -> Option<Finding> {
    let dev = if ground.is_direct(peer) { ground.uplink? } else { peer.dev };
    let pod = ground.pod_addr(peer.net.addr().is_ipv6())?;
    rejected(ground, dev, nth(peer.net, 2), pod).map(|finding| finding.fix(ground.rows(peer).set_route()))
}

fn rejected(ground: &Ground<'_>, dev: IfName, src: IpAddr, dst: IpAddr) -> Option<Finding> {
    let state = ground.state();
    let flow = Flow { src: Some(src), iif: Some(dev), ..Flow::to(dst) };
    let said = reverse(state, &flow, &lookup(state, &flow))?;
    if said.passes || said.martian.is_some() || said.mode == 0 {
        return None;
    }
    let back = said.back.as_ref().map(|back| words::answer(state, back));
    // A route to a part of this node's own subnet, past the bridge: that has to go, or pods hear nothing anyway.
    let own = ground.own.map(|own| own.subnet);
    let past = said.back.as_ref().and_then(|back| match &back.answer {
        Answer::Route { key, .. } => {
            own?.nets().any(|net| net.contains(&key.dst) && net != key.dst).then_some(())
        }
        _ => None,
    });
    let what = rule::Rejected {
        dev,
        value: said.mode.into(),
        src,
        back: back.as_deref(),
        obstacle: past.and(back.clone()).map(Obstacle::Route),
        repair: None,
    };
    Some(rule::rejected(ground.node(), what))
}

/// Do policy rules leave the overlay's packets alone?
pub(super) fn rules(ground: &Ground<'_>) -> Outcome {
    let state = ground.state();
    if ground.drift.is_none() {
        return Outcome::unseen(NO_LEASES);
    }
    if state.rules.is_empty() {
        return Outcome::unseen("no policy rules were read");
    }
    let strange = state.rules.iter().enumerate().filter(|(_, rule)| !is_default(rule));
    let found = strange.filter_map(|(place, strange)| caught(ground, place, strange));
    Outcome::of(found.collect())
}

/// So many rows of a rule's table say where it aims, and so many peers among those are tried.
const AIMS: usize = 64;
const FEW: usize = 8;

/// The first of all destinations.
const DEFAULT: IpNet = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0));

/// What a rule does with packets of the overlay, if it takes any.
fn caught(ground: &Ground<'_>, place: usize, strange: &Rule) -> Option<Finding> {
    let state = ground.state();
    for (peer, flow) in flows(ground, strange) {
        let found = lookup(state, &flow);
        if found.rule != Some(place) || leads_right(&found, peer, ground) {
            continue;
        }
        let obstacle = words::obstacle(state, place)?;
        if let Some(how) = found.refusal(state).and_then(words::refusal) {
            return Some(rule::prohibits(ground.node(), &obstacle, how));
        }
        let expected = ground.rows(peer).route();
        return Some(rule::diverts(ground.node(), &obstacle, &words::answer(state, &found), &expected));
    }
    None
}

fn leads_right(found: &Lookup, peer: &Peer, ground: &Ground<'_>) -> bool {
    let Answer::Route { key, legs, .. } = &found.answer else { return false };
    let ours = |dev: Option<IfName>, via: Option<IpAddr>| {
        (dev == Some(peer.dev) && via == Some(peer.gateway()))
            || (via == Some(peer.public) && ground.is_direct(peer))
    };
    // What the main table answers is the tables' matter, whoever led there.
    key.table == table::MAIN || (!legs.is_empty() && legs.iter().all(|leg| ours(leg.hop.dev, leg.hop.via)))
}

/// Packets of the overlay that such a rule might take: of a pod, and of the node itself, to a few peers.
fn flows<'a>(ground: &'a Ground<'_>, strange: &Rule) -> Vec<(&'a Peer, Flow)> {
    let fits = |peer: &&Peer| {
        let v6 = peer.net.addr().is_ipv6();
        v6 == strange.v6 && strange.to.is_none_or(|to| overlap(&to, &peer.net) != strange.not)
    };
    // A table of its own may lead to some peers only; to those that it does not know the walk goes on.
    let from = RouteKey { table: strange.table, dst: DEFAULT, tos: 0, metric: 0 };
    let rows = ground.state().routes.range(from..).take_while(|(key, _)| key.table == strange.table);
    let aims: Vec<IpNet> = rows.map(|(key, _)| key.dst).take(AIMS).collect();
    let aimed = |peer: &&Peer| aims.iter().any(|aim| overlap(aim, &peer.net));
    let all = || ground.peers().iter().filter(fits);
    let few = all().filter(aimed).take(FEW).chain(all().take(1));
    few.flat_map(|peer| flows_to(ground, strange, peer)).collect()
}

fn flows_to<'a>(ground: &Ground<'_>, strange: &Rule, peer: &'a Peer) -> Vec<(&'a Peer, Flow)> {
    let inside = strange.to.filter(|to| !strange.not && to.prefix_len() > peer.net.prefix_len());
    let dst = match inside {
        Some(to) if to.prefix_len() == to.max_prefix_len() => to.addr(),
        Some(to) => nth(to, 1),
        None => nth(peer.net, 2),
    };
    let whole = Flow {
        proto: strange.ipproto.unwrap_or(1),
        sport: strange.sport.map(|(low, _)| low),
        dport: strange.dport.map(|(low, _)| low),
        tos: strange.tos,
        ..Flow::to(dst)
    };
    let mut all = Vec::new();
    if let Some(pod) = ground.pod_addr(strange.v6) {
        let own = ground.own.map(|own| own.subnet);
        let from = strange.from.filter(|from| own.is_some_and(|own| own.contains(from.addr())));
        let src = match from {
            Some(from) if from.prefix_len() == from.max_prefix_len() => from.addr(),
            _ => pod,
        };
        let iif = ground.bridges.first().copied();
        let flow = Flow { src: Some(src), iif, ..whole.clone() };
        let mark = super::firewall::mark(ground, &flow);
        all.push((peer, Flow { mark, ..flow }));
    }
    all.push((peer, whole));
    all
}

/// The three rules that every namespace begins with (IPv6: the first two).
pub(super) fn is_default(rule: &Rule) -> bool {
    let known = [(0, table::LOCAL), (32_766, table::MAIN), (32_767, 253)];
    let bare = Rule {
        priority: rule.priority,
        table: rule.table,
        v6: rule.v6,
        proto: rule.proto,
        action: 1,
        ..Rule::default()
    };
    known.contains(&(rule.priority, rule.table))
        && Rule { from: rule.from.filter(|net| net.prefix_len() != 0), ..rule.clone() } == bare
}
