//! What the firewall does to the overlay's packets: imagined ones are walked through its hooks.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::Outcome;
use super::ground::{Ground, NO_LEASES, nth};
use crate::finding::filter::{At, Traffic, blocked, hidden, inside, masqueraded};
use crate::finding::{Finding, Level, host};
use crate::firewall::{Ct, Hook, Packet, Rewrite, RuleRef, Ruleset, Verdict, walk};
use crate::net::IfName;
use crate::readings::Peer;
use crate::state::fib::Flow;

/// So many peers are tried, evenly spread: rules speak of networks, not of nodes, and a walk has its price.
pub(super) const TRIED: usize = 128;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

/// Could the firewall be read?
pub(super) fn readable(ground: &Ground<'_>) -> Outcome {
    match &ground.state().firewall {
        Some(rules) if rules.unseen.is_empty() => Outcome::Fine,
        Some(rules) => Outcome::unseen(rules.unseen.join("; ")),
        None => {
            let why = ground.near.unseen.iter().find(|line| line.contains("firewall"));
            let why = why.map_or("it was not asked for", String::as_str);
            Outcome::Found(vec![hidden(ground.node(), why)])
        }
    }
}

/// What walks through the hooks found, and what they could not decide.
struct Walks<'a> {
    ground: &'a Ground<'a>,
    rules: &'a Ruleset,
    found: BTreeMap<String, Finding>,
    unsure: Vec<String>,
}

impl<'a> Walks<'a> {
    /// `None`, and why, where nothing can be walked.
    fn over(ground: &'a Ground<'a>) -> Result<Self, Outcome> {
        let Some(rules) = &ground.state().firewall else {
            return Err(Outcome::unseen("the firewall could not be read"));
        };
        if ground.drift.is_none() {
            return Err(Outcome::unseen(NO_LEASES));
        }
        Ok(Self { ground, rules, found: BTreeMap::new(), unsure: Vec::new() })
    }

    /// One packet through one hook; a rule is found once, however many packets it drops.
    fn through(&mut self, at: At, packet: &Packet, traffic: Traffic) {
        let hook = match at {
            At::Forward => Hook::Forward,
            At::Input => Hook::Input,
            At::Output => Hook::Output,
        };
        let out = walk(self.rules, hook, packet);
        match (out.verdict, out.by) {
            (Verdict::Drop | Verdict::Reject(_), Some(rule)) => {
                let node = self.ground.node();
                self.found.entry(key(&rule, traffic)).or_insert_with(|| blocked(node, at, &rule, traffic));
            }
            (Verdict::Unsure(why), _) => self.unsure.extend(why),
            _ => {}
        }
    }

    fn end(self) -> Outcome {
        match (self.found.is_empty(), self.unsure.first()) {
            (true, Some(first)) => {
                Outcome::unseen(format!("it depends on what cannot be evaluated: {first}"))
            }
            _ => Outcome::of(self.found.into_values().collect()),
        }
    }
}

/// What is told once: a rule, and whose packets it drops.
fn key(rule: &RuleRef, traffic: Traffic) -> String {
    let who = match traffic {
        Traffic::Pair(src, _) => format!("{}", src.is_ipv6()),
        whole => format!("{whole:?}"),
    };
    format!("{:?} {} {} {:?} {} {who}", rule.owner, rule.table, rule.chain, rule.handle, rule.text)
}

/// The peers that are tried, with the device that leads to each.
fn tried<'a>(ground: &'a Ground<'_>) -> impl Iterator<Item = (&'a Peer, IfName)> {
    let step = ground.peers().len().div_ceil(TRIED).max(1);
    ground.peers().iter().step_by(step).map(|peer| {
        let direct = ground.uplink.filter(|_| ground.is_direct(peer));
        (peer, direct.unwrap_or(peer.dev))
    })
}

/// First packets between two addresses: an echo request and a connection.
fn probes(src: IpAddr, dst: IpAddr, iif: Option<IfName>, oif: Option<IfName>) -> [Packet; 2] {
    let (proto, echo) = if dst.is_ipv6() { (ICMPV6, (128, 0)) } else { (ICMP, (8, 0)) };
    let name = |dev: Option<IfName>| dev.map(|dev| dev.to_string());
    let whole = |proto| Packet { iif: name(iif), oif: name(oif), ..Packet::new(src, dst, proto) };
    let ping = Packet { icmp: Some(echo), len: 84, ..whole(proto) };
    let open = Packet { sport: Some(40_000), dport: Some(80), len: 60, tcp_flags: Some(0x02), ..whole(TCP) };
    [ping, open]
}

/// The bridge that packets of pods come in by; the name that it will have, where none is there yet.
fn bridge(ground: &Ground<'_>) -> Option<IfName> {
    ground.bridges.first().copied().or_else(|| "cni0".parse().ok())
}

/// Does it let pods' packets through, both ways?
pub(super) fn forward(ground: &Ground<'_>) -> Outcome {
    forwarded(ground, tried(ground))
}

/// What it drops of the packets between this node and the peer that holds `net`.
pub(super) fn towards(ground: &Ground<'_>, net: IpNet) -> Vec<Finding> {
    let Some(peer) = ground.peer(net) else { return Vec::new() };
    let dev = if ground.is_direct(peer) { ground.uplink } else { Some(peer.dev) };
    let Some(dev) = dev else { return Vec::new() };
    let one = || std::iter::once((peer, dev));
    let both = [forwarded(ground, one()), tunnelled(ground, one())];
    both.into_iter()
        .flat_map(|outcome| if let Outcome::Found(found) = outcome { found } else { Vec::new() })
        .collect()
}

fn forwarded<'a>(ground: &'a Ground<'_>, tried: impl Iterator<Item = (&'a Peer, IfName)>) -> Outcome {
    let mut walks = match Walks::over(ground) {
        Ok(walks) => walks,
        Err(why) => return why,
    };
    for (peer, dev) in tried {
        let Some(pod) = ground.pod_addr(peer.net.addr().is_ipv6()) else { continue };
        let far = nth(peer.net, 2);
        let network = ground.networks().into_iter().find(|net| net.contains(&far));
        let traffic = network.map_or(Traffic::Pair(pod, far), Traffic::Network);
        let out = probes(pod, far, bridge(ground), Some(dev));
        let back = probes(far, pod, Some(dev), bridge(ground));
        for packet in out.iter().chain(&back) {
            walks.through(At::Forward, packet, traffic);
        }
    }
    walks.end()
}

/// Does it let pods speak to their own node? A host may well shut itself off: a warning.
pub(super) fn input(ground: &Ground<'_>) -> Outcome {
    let mut walks = match Walks::over(ground) {
        Ok(walks) => walks,
        Err(why) => return why,
    };
    for bridge in &ground.bridges {
        for (gateway, _) in ground.state().addrs_of(*bridge) {
            let Some(pod) = ground.pod_addr(gateway.addr().is_ipv6()).filter(|pod| gateway.contains(pod))
            else {
                continue;
            };
            let [ping, _] = probes(pod, gateway.addr(), Some(*bridge), None);
            walks.through(At::Input, &ping, Traffic::Network(gateway.trunc()));
        }
    }
    match walks.end() {
        Outcome::Found(found) => {
            Outcome::Found(found.into_iter().map(|one| Finding { level: Level::Warn, ..one }).collect())
        }
        other => other,
    }
}

/// Does it let the node itself speak to pods elsewhere, and hear their answers?
pub(super) fn output(ground: &Ground<'_>) -> Outcome {
    let mut walks = match Walks::over(ground) {
        Ok(walks) => walks,
        Err(why) => return why,
    };
    for (peer, dev) in tried(ground) {
        let own = ground.devices.iter().find(|own| own.name == peer.dev).and_then(|own| own.subnet);
        let Some(src) = own.map(|net| net.network()) else { continue };
        let far = nth(peer.net, 2);
        let network = ground.networks().into_iter().find(|net| net.contains(&far));
        let traffic = network.map_or(Traffic::Pair(src, far), Traffic::Network);
        for packet in &probes(src, far, None, Some(dev)) {
            walks.through(At::Output, packet, traffic);
        }
        let (proto, echo) = if src.is_ipv6() { (ICMPV6, 129) } else { (ICMP, 0) };
        let answer = Packet {
            iif: Some(dev.to_string()),
            icmp: Some((echo, 0)),
            len: 84,
            ct: Ct::Established,
            ..Packet::new(far, src, proto)
        };
        walks.through(At::Input, &answer, traffic);
    }
    walks.end()
}

/// Does it let the tunnel's own packets out and in?
pub(super) fn tunnel(ground: &Ground<'_>) -> Outcome {
    tunnelled(ground, tried(ground))
}

fn tunnelled<'a>(ground: &'a Ground<'_>, tried: impl Iterator<Item = (&'a Peer, IfName)>) -> Outcome {
    let mut walks = match Walks::over(ground) {
        Ok(walks) => walks,
        Err(why) => return why,
    };
    let Some(conf) = ground.vxlan() else { return Outcome::unseen(super::ground::NO_CONF) };
    let uplink = ground.uplink.map(|dev| dev.to_string());
    for (peer, _) in tried.filter(|(peer, _)| !ground.is_direct(peer)) {
        let device = ground.there().find(|(dev, _)| dev.name == peer.dev);
        let Some(local) = device.and_then(|(_, link)| link.vxlan()?.local) else { continue };
        let udp = |src, dst| Packet { dport: Some(conf.port), len: 134, ..Packet::new(src, dst, UDP) };
        let out = Packet { oif: uplink.clone(), ..udp(local, peer.public) };
        let back = Packet { iif: uplink.clone(), ..udp(peer.public, local) };
        walks.through(At::Output, &out, Traffic::Tunnel(conf.port));
        walks.through(At::Input, &back, Traffic::Tunnel(conf.port));
    }
    walks.end()
}

/// Do pods' own firewalls let them speak? What a pod offers to others is its own matter; one that can send nothing, or
/// hears no answer, is cut off.
pub(super) fn inside_pods(ground: &Ground<'_>) -> Outcome {
    let mut seen = false;
    let mut found = Vec::new();
    for view in ground.pods() {
        let Some(rules) = &view.pod.state.firewall else { continue };
        seen = true;
        let pod = view.addr.addr();
        let Some(peer) = ground.sound_peer(|peer| peer.net.addr().is_ipv6() == pod.is_ipv6()) else {
            continue;
        };
        let far = nth(peer.net, 2);
        let network = ground.networks().into_iter().find(|net| net.contains(&far));
        let traffic = network.map_or(Traffic::Pair(pod, far), Traffic::Network);
        let answer =
            |packet: Packet| Packet { ct: Ct::Established, icmp: packet.icmp.map(answered), ..packet };
        let out = probes(pod, far, None, Some(view.dev));
        let back = probes(far, pod, Some(view.dev), None).map(answer);
        for (at, hook, packets) in [(At::Output, Hook::Output, out), (At::Input, Hook::Input, back)] {
            let all = packets.iter().map(|packet| walk(rules, hook, packet));
            let stopped: Vec<_> = all.filter(|out| out.verdict.stops()).collect();
            if let (true, Some(by)) =
                (stopped.len() == packets.len(), stopped.iter().find_map(|out| out.by.as_ref()))
            {
                let how = crate::finding::pod::inside(&view.pod.name, &view.pod.aliases);
                found.push(inside(ground.node(), &view.pod.name, (at, traffic), by, how.as_deref()));
            }
        }
    }
    if seen { Outcome::of(found) } else { Outcome::unseen("no pod's own firewall was read") }
}

/// The answer to an echo request.
fn answered((kind, code): (u8, u8)) -> (u8, u8) {
    (if kind == 128 { 129 } else { 0 }, code)
}

/// Does traffic between pods keep its addresses?
pub(super) fn masquerade(ground: &Ground<'_>) -> Outcome {
    let mut walks = match Walks::over(ground) {
        Ok(walks) => walks,
        Err(why) => return why,
    };
    for (peer, dev) in tried(ground) {
        let Some(pod) = ground.pod_addr(peer.net.addr().is_ipv6()) else { continue };
        let far = nth(peer.net, 2);
        let network = ground.networks().into_iter().find(|net| net.contains(&far));
        for (src, dst, oif) in [(pod, far, Some(dev)), (far, pod, bridge(ground))] {
            for packet in &probes(src, dst, None, oif) {
                let out = walk(walks.rules, Hook::Postrouting, packet);
                let source = matches!(out.rewrite, Some(Rewrite::Masquerade | Rewrite::Source));
                if let Some(rule) = out.nat.filter(|_| source) {
                    let finding = || masqueraded(ground.node(), &rule, (src, dst), network);
                    let traffic = network.map_or(Traffic::Pair(src, dst), Traffic::Network);
                    walks.found.entry(key(&rule, traffic)).or_insert_with(finding);
                }
            }
        }
    }
    walks.end()
}

/// An address that is nobody's here (RFC 5737): the world.
const WORLD: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// Do pods reach the world under the node's address, where subnet.env says so?
pub(super) fn promised(ground: &Ground<'_>) -> Outcome {
    let Some(rules) = &ground.state().firewall else {
        return Outcome::unseen("the firewall could not be read");
    };
    match ground.subnet_env().and_then(|env| env.ip_masq) {
        Some(true) => {}
        Some(false) => return Outcome::Fine,
        None => return Outcome::unseen("subnet.env was not seen"),
    }
    let network = ground.networks().into_iter().find(|net| net.addr().is_ipv4());
    let (Some(pod), Some(network)) = (ground.pod_addr(false), network) else {
        return Outcome::unseen(NO_LEASES);
    };
    let [ping, _] = probes(pod, WORLD, None, ground.uplink);
    let out = walk(rules, Hook::Postrouting, &ping);
    match (out.nat, out.verdict) {
        (Some(_), _) => Outcome::Fine,
        (None, Verdict::Unsure(why)) => Outcome::unseen(why.join("; ")),
        (None, _) => Outcome::Found(vec![host::masq_missing(ground.node(), network)]),
    }
}

/// The mark that the firewall gives a pod's packet before the routing decision.
pub(super) fn mark(ground: &Ground<'_>, flow: &Flow) -> u32 {
    let (Some(rules), Some(src)) = (&ground.state().firewall, flow.src) else { return 0 };
    let [ping, _] = probes(src, flow.dst, flow.iif, None);
    walk(rules, Hook::Prerouting, &ping).packet.mark
}
