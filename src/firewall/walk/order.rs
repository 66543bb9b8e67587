//! In which order the base chains of a hook are asked. Two of the same priority are asked in the order in which they
//! were registered, newest first, which no listing tells.

use std::net::IpAddr;

use super::super::Hook;
use super::super::Verdict;
use super::super::model::{Awake, Base, Chain, Edge, Ruleset, Table};
use super::super::packet::Packet;
use super::{MOST, Place, Stop, World};

/// Chains of one priority whose orders are all tried; with more, only those whose order cannot matter are followed.
const TRIED: usize = 4;

/// What is asked at one priority: base chains, one by one; all nat chains count as one.
pub(super) struct Turn<'a> {
    priority: i32,
    parts: Vec<Part<'a>>,
}

enum Part<'a> {
    Chain(Stop<'a>),
    /// Nat chains run inside the kernel's one nat hook, whatever their own priority, until one of them decides.
    Nat(Vec<Turn<'a>>),
}

/// The turns of a hook, in order.
pub(super) fn turns<'a>(rules: &'a Ruleset, hook: Hook, packet: &Packet) -> Vec<Turn<'a>> {
    let family = match packet.dst {
        IpAddr::V4(_) => "ip",
        IpAddr::V6(_) => "ip6",
    };
    let stops = bases(rules).filter(|(table, _, base)| {
        base.hook == Some(hook) && (table.family == family || table.family == "inet")
    });
    let stops =
        stops.map(|(table, chain, base)| Stop { table, chain, base, place: Place::Ip, perhaps: None });
    let (nat, plain): (Vec<_>, Vec<_>) = stops.partition(|stop| stop.base.kind == "nat");
    let mut parts: Vec<(i32, Part<'a>)> =
        plain.into_iter().map(|s| (s.base.priority, Part::Chain(s))).collect();
    if !nat.is_empty() {
        let nat = nat.into_iter().map(|stop| (stop.base.priority, Part::Chain(stop))).collect();
        parts.push((nat_priority(hook), Part::Nat(gather(nat))));
    }
    let mut turns = gather(parts);
    match hook {
        Hook::Prerouting => {
            let mut first = gather(edge(rules, Edge::Ingress, packet.iif.as_deref()));
            first.extend(gather(frames(rules, Hook::Prerouting, packet)));
            first.extend(gather(frames(rules, Hook::Input, packet)));
            first.append(&mut turns);
            return first;
        }
        Hook::Postrouting => {
            turns.extend(gather(frames(rules, Hook::Output, packet)));
            turns.extend(gather(frames(rules, Hook::Postrouting, packet)));
            turns.extend(gather(edge(rules, Edge::Egress, packet.oif.as_deref())));
        }
        Hook::Forward if packet.bridged => turns.extend(gather(frames(rules, hook, packet))),
        Hook::Forward | Hook::Input | Hook::Output => {}
    }
    turns
}

/// Every base chain that is awake.
fn bases(rules: &Ruleset) -> impl Iterator<Item = (&Table, &Chain, &Base)> {
    let tables = rules.tables.iter().filter(|table| table.awake != Awake::No);
    let chains = tables.flat_map(|table| table.chains.iter().map(move |chain| (table, chain)));
    chains.filter_map(|(table, chain)| Some((table, chain, chain.base.as_ref()?)))
}

type Parts<'a> = Vec<(i32, Part<'a>)>;

/// The chains at one end of a device.
fn edge<'a>(rules: &'a Ruleset, end: Edge, device: Option<&str>) -> Parts<'a> {
    let here = bases(rules).filter(|(_, _, base)| {
        let named =
            base.devices.is_empty() || device.is_some_and(|d| base.devices.iter().any(|name| name == d));
        base.edge == Some(end) && named
    });
    let stops = here.map(|(table, chain, base)| {
        let perhaps = base.devices.is_empty().then_some("may be another device's");
        Stop { table, chain, base, place: Place::Device, perhaps }
    });
    stops.map(|stop| (stop.base.priority, Part::Chain(stop))).collect()
}

/// The chains of the bridge family: whether a bridge carried the packet here, or carries it on, is not known.
fn frames<'a>(rules: &'a Ruleset, hook: Hook, packet: &Packet) -> Parts<'a> {
    let perhaps = (!packet.bridged).then_some("is asked of what a bridge carries");
    let here = bases(rules).filter(|(table, _, base)| table.family == "bridge" && base.hook == Some(hook));
    let stops = here.map(|(table, chain, base)| Stop { table, chain, base, place: Place::Frame, perhaps });
    stops.map(|stop| (stop.base.priority, Part::Chain(stop))).collect()
}

/// NF_IP_PRI_NAT_DST and NF_IP_PRI_NAT_SRC
fn nat_priority(hook: Hook) -> i32 {
    match hook {
        Hook::Prerouting | Hook::Output => -100,
        Hook::Input | Hook::Postrouting | Hook::Forward => 100,
    }
}

fn gather(mut parts: Vec<(i32, Part<'_>)>) -> Vec<Turn<'_>> {
    parts.sort_by_key(|(priority, _)| *priority);
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for (priority, part) in parts {
        match turns.last_mut() {
            Some(turn) if turn.priority == priority => turn.parts.push(part),
            _ => turns.push(Turn { priority, parts: vec![part] }),
        }
    }
    turns
}

impl<'a> Part<'a> {
    fn run(&self, hook: Hook, world: World<'a>) -> Vec<(Verdict, World<'a>)> {
        let turns = match self {
            Self::Chain(stop) => return stop.run(hook, world),
            Self::Nat(turns) => turns,
        };
        if !world.packet.settles_addresses(hook) {
            return vec![(Verdict::Accept, world)];
        }
        let (mut open, mut ended) = (vec![world], Vec::new());
        for turn in turns {
            let asked: Vec<_> = open.drain(..).flat_map(|world| run(hook, turn, world)).collect();
            let (on, end) = asked.into_iter().partition(|(v, w)| *v == Verdict::Accept && w.nat.is_none());
            let on: Vec<(Verdict, World<'a>)> = on;
            open.extend(on.into_iter().map(|(_, world)| world));
            let end: Vec<(Verdict, World<'a>)> = end;
            ended.extend(end);
        }
        ended.extend(open.into_iter().map(|world| (Verdict::Accept, world)));
        ended
    }

    fn names(&self) -> Vec<String> {
        match self {
            Self::Chain(Stop { table, chain, .. }) => {
                vec![format!("{} {} {}", table.family, table.name, chain.name)]
            }
            Self::Nat(turns) => {
                turns.iter().flat_map(|turn| turn.parts.iter().flat_map(Part::names)).collect()
            }
        }
    }
}

type Ends<'a> = Vec<(Verdict, World<'a>)>;

/// All that one turn may do with a packet.
pub(super) fn run<'a>(hook: Hook, turn: &Turn<'a>, world: World<'a>) -> Ends<'a> {
    let given: Vec<&Part<'a>> = turn.parts.iter().collect();
    if given.len() < 2 || commute(hook, &given, &world) {
        return sequence(hook, &given, world);
    }
    let names: Vec<String> = given.iter().flat_map(|part| part.names()).collect();
    let why = format!("which comes first at priority {}: {}", turn.priority, names.join(", "));
    if given.len() > TRIED {
        return vec![(Verdict::Unsure(vec![why]), world)];
    }
    let tried: Vec<Ends<'a>> =
        orders(&given).iter().map(|order| sequence(hook, order, world.clone())).collect();
    let mut all: Ends<'a> = Vec::new();
    for (verdict, mut world) in tried.iter().flatten().cloned() {
        if !tried.iter().all(|ends| has(ends, &verdict, &world)) {
            world.because(std::slice::from_ref(&why));
        }
        if !has(&all, &verdict, &world) {
            all.push((verdict, world));
        }
    }
    all
}

fn has(ends: &Ends<'_>, verdict: &Verdict, world: &World<'_>) -> bool {
    ends.iter().any(|(v, w)| v == verdict && (verdict.stops() || w.same(world)))
}

/// One after the other; a packet that is stopped, or whose address a nat chain settled, meets no more of them.
fn sequence<'a>(hook: Hook, parts: &[&Part<'a>], world: World<'a>) -> Ends<'a> {
    let (mut open, mut ended) = (vec![world], Vec::new());
    for part in parts {
        let asked = open.drain(..).flat_map(|world| {
            // A nat chain that comes after the one that decided is not asked any more.
            match part {
                Part::Chain(stop) if stop.base.kind == "nat" && world.nat.is_some() => {
                    vec![(Verdict::Accept, world)]
                }
                _ => part.run(hook, world),
            }
        });
        let asked: Ends<'a> = asked.collect();
        for (verdict, world) in asked {
            if verdict == Verdict::Accept && open.len() < MOST {
                open.push(world)
            } else {
                ended.push((verdict, world))
            }
        }
    }
    ended.extend(open.into_iter().map(|world| (Verdict::Accept, world)));
    ended
}

/// True if no order can make a difference: all leave the packet as it is, and those that stop it do it in one way.
fn commute<'a>(hook: Hook, parts: &[&Part<'a>], world: &World<'a>) -> bool {
    let mut against: Option<Verdict> = None;
    for (verdict, after) in parts.iter().flat_map(|part| part.run(hook, world.clone())) {
        let one = against.as_ref().is_none_or(|first| *first == verdict);
        match verdict {
            Verdict::Accept if after.same(world) => {}
            Verdict::Drop | Verdict::Reject(_) if one => against = Some(verdict),
            _ => return false,
        }
    }
    true
}

/// Every order of these few.
fn orders<'p, T>(parts: &[&'p T]) -> Vec<Vec<&'p T>> {
    let Some((first, rest)) = parts.split_first() else { return vec![Vec::new()] };
    let insert = |order: &Vec<&'p T>, at: usize| {
        let mut order = order.clone();
        order.insert(at, *first);
        order
    };
    orders(rest)
        .iter()
        .flat_map(|order| (0..=order.len()).map(|at| insert(order, at)).collect::<Vec<_>>())
        .collect()
}
