//! Chains, rules and their steps. A step that cannot be evaluated splits the way in two.

use super::ask::{Hits, Truth, ask, lookup};
use super::nat::rewrite;
use super::read::{Seen, value};
use super::world::{Flow, Hit, World, join};
use super::{At, MOST, Tracking};
use crate::firewall::Verdict;
use crate::firewall::model::{Chain, Rule};
use crate::firewall::packet::Ct;
use crate::firewall::says::{Data, Expr, Say, Slot, Step, Value};

/// The kernel refuses more jumps inside each other (NFT_JUMP_STACK_SIZE, and iptables' own loop check).
const DEEPEST: usize = 64;

pub(super) type Ways<'a> = Vec<(Flow, World<'a>)>;

/// What a base chain does with who gets to its end.
pub(super) fn policy(policy: &Say) -> Verdict {
    if *policy == Say::Drop { Verdict::Drop } else { Verdict::Accept }
}

/// All rules of a chain in order.
pub(super) fn chain<'a>(at: &At<'a>, chain: &'a Chain, worlds: Vec<World<'a>>, depth: usize) -> Ways<'a> {
    let (mut open, mut ended): (Vec<World<'a>>, Ways<'a>) = (worlds, Vec::new());
    if depth > DEEPEST {
        let verdict = Verdict::Unsure(vec![format!("jumps to {} without end", chain.name)]);
        return open.into_iter().map(|world| (Flow::Ends(verdict.clone()), world)).collect();
    }
    for rule in &chain.rules {
        let mut next = Vec::new();
        let hit = Hit { table: at.table, chain, rule: Some(rule) };
        for (flow, world) in open.drain(..).flat_map(|world| one(at, hit, rule, world, depth)) {
            match flow {
                Flow::Next => join(&mut next, world),
                flow => end(&mut ended, flow, world),
            }
        }
        open = next;
        if open.len() > MOST {
            let lost = open.drain(..).map(|world| (Flow::Ends(Verdict::Unsure(world.why.clone())), world));
            ended.extend(lost);
        }
        if open.is_empty() {
            break;
        }
    }
    ended.extend(open.into_iter().map(|world| (Flow::Leaves, world)));
    ended
}

/// Keeps one way of each kind.
fn end<'a>(ended: &mut Ways<'a>, flow: Flow, world: World<'a>) {
    match ended.iter_mut().find(|(known, of)| *known == flow && of.same(&world)) {
        Some((_, known)) => known.because(&world.why),
        None => ended.push((flow, world)),
    }
}

/// One rule. Where splitting made no difference, the way does not depend on what split it.
fn one<'a>(at: &At<'a>, hit: Hit<'a>, rule: &'a Rule, world: World<'a>, depth: usize) -> Ways<'a> {
    let before = world.why.clone();
    let mut ways = steps(at, hit, &rule.steps, world, depth);
    let alike = |first: &(Flow, World<'a>)| ways.iter().all(|(f, w)| *f == first.0 && w.same(&first.1));
    if ways.len() > 1 && ways.first().is_some_and(alike) {
        ways.truncate(1);
        ways.iter_mut().for_each(|(_, world)| world.why.clone_from(&before));
    }
    ways
}

fn steps<'a>(
    at: &At<'a>,
    hit: Hit<'a>,
    mut todo: &'a [Step],
    mut world: World<'a>,
    depth: usize,
) -> Ways<'a> {
    while let Some((step, rest)) = todo.split_first() {
        match step {
            Step::If { text, test } => match ask(at, test, &world) {
                Truth::Yes => {}
                Truth::No | Truth::Broken => return vec![(Flow::Next, world)],
                // A condition behind it that fails settles the rule.
                Truth::Unsure if fails(at, rest, &world) => return vec![(Flow::Next, world)],
                Truth::Unsure => {
                    world.because(std::slice::from_ref(text));
                    let mut ways = vec![(Flow::Next, world.clone())];
                    ways.extend(steps(at, hit, rest, world, depth));
                    return ways;
                }
            },
            Step::Offload(text) if world.packet.ct == Ct::Established => {
                let mut past = world.clone();
                past.because(std::slice::from_ref(text));
                past.past = true;
                let mut ways = vec![(Flow::Ends(Verdict::Accept), past)];
                ways.extend(steps(at, hit, rest, world, depth));
                return ways;
            }
            Step::Aside | Step::Offload(_) => {}
            Step::Choose { text, key, among } => {
                let hits = lookup(at, key, among, &world);
                return choose(at, hit, text, &hits, rest, world, depth);
            }
            Step::Say(say) => return speak(at, hit, say, rest, world, depth),
            Step::Write { text, what, to } => {
                // What has no value (no connection, no entry in the map) ends the rule.
                if !write(at, *what, to, text, &mut world) {
                    return vec![(Flow::Next, world)];
                }
            }
            Step::Nat(nat) => {
                world.matched.push(hit);
                return rewrite(at, hit, nat, world);
            }
            Step::Notrack => match at.tracking {
                Tracking::Before => world.packet.ct = Ct::Untracked,
                Tracking::Beside => {
                    return vec![(
                        Flow::Ends(Verdict::Unsure(vec!["notrack beside conntrack".into()])),
                        world,
                    )];
                }
                Tracking::After => {}
            },
            Step::Edit { set } => {
                world.edited.insert((&at.table.family, &at.table.name, set));
            }
            Step::Other(text) => return vec![(Flow::Ends(Verdict::Unsure(vec![text.clone()])), world)],
        }
        todo = rest;
    }
    world.matched.push(hit);
    vec![(Flow::Next, world)]
}

/// True if a condition that follows at once fails for certain.
fn fails<'a>(at: &At<'a>, todo: &'a [Step], world: &World<'a>) -> bool {
    let conditions = todo.iter().map_while(|step| match step {
        Step::If { test, .. } => Some(Some(test)),
        Step::Aside => Some(None),
        _ => None,
    });
    conditions.flatten().any(|test| matches!(ask(at, test, world), Truth::No | Truth::Broken))
}

fn choose<'a>(
    at: &At<'a>,
    hit: Hit<'a>,
    text: &'a str,
    hits: &Hits<'a>,
    rest: &'a [Step],
    mut world: World<'a>,
    depth: usize,
) -> Ways<'a> {
    if hits.lost || hits.found.len() > MOST {
        return vec![(Flow::Ends(Verdict::Unsure(vec![text.to_owned()])), world)];
    }
    if hits.found.len() + usize::from(hits.miss) > 1 {
        world.because(&[text.to_owned()]);
    }
    let mut ways = Vec::new();
    for element in &hits.found {
        match &element.data {
            Some(Data::Say(say)) => ways.extend(speak(at, hit, say, rest, world.clone(), depth)),
            _ => ways.push((Flow::Ends(Verdict::Unsure(vec![text.to_owned()])), world.clone())),
        }
    }
    if hits.miss {
        ways.push((Flow::Next, world));
    }
    ways
}

/// A verdict, said by a rule or by a map.
fn speak<'a>(
    at: &At<'a>,
    hit: Hit<'a>,
    say: &'a Say,
    rest: &'a [Step],
    mut world: World<'a>,
    depth: usize,
) -> Ways<'a> {
    let verdict = match say {
        // TCP alone is reset; nft asks for that without saying so.
        Say::Reject(with) if with == "tcp-reset" && world.packet.proto != 6 => {
            return vec![(Flow::Next, world)];
        }
        Say::Continue => return steps(at, hit, rest, world, depth),
        Say::Jump(name) | Say::Goto(name) => {
            world.matched.push(hit);
            let Some(into) = at.table.chains.iter().find(|chain| chain.name == *name) else {
                return vec![(
                    Flow::Ends(Verdict::Unsure(vec![format!("chain {name} is not listed")])),
                    world,
                )];
            };
            let back = if matches!(say, Say::Jump(_)) { Flow::Next } else { Flow::Leaves };
            let ways = chain(at, into, vec![world], depth + 1).into_iter();
            return ways
                .map(|(flow, w)| (if flow == Flow::Leaves { back.clone() } else { flow }, w))
                .collect();
        }
        Say::Return => {
            world.matched.push(hit);
            return vec![(Flow::Leaves, world)];
        }
        Say::Accept => Verdict::Accept,
        Say::Drop => Verdict::Drop,
        Say::Reject(with) => Verdict::Reject(answer(with, world.packet.dst.is_ipv6())),
        Say::Queue => Verdict::Unsure(vec![hit.told().text]),
    };
    world.matched.push(hit);
    world.decided(hit);
    vec![(Flow::Ends(verdict), world)]
}

/// nft's answers for both families, in the words of one (net/netfilter/nft_reject.c).
fn answer(with: &str, v6: bool) -> String {
    let Some(code) = with.strip_prefix("icmpx-") else { return with.to_owned() };
    let code = match (code, v6) {
        ("no-route" | "0", false) => "net-unreachable",
        ("no-route" | "0", true) => "no-route",
        ("port-unreachable" | "1", _) => "port-unreachable",
        ("host-unreachable" | "2", false) => "host-unreachable",
        ("host-unreachable" | "2", true) => "addr-unreachable",
        ("admin-prohibited" | "3", false) => "admin-prohibited",
        ("admin-prohibited" | "3", true) => "adm-prohibited",
        (other, _) => other,
    };
    format!("{}-{code}", if v6 { "icmp6" } else { "icmp" })
}

/// False if there is nothing to write.
fn write<'a>(at: &At<'a>, what: Slot, to: &'a Expr, text: &str, world: &mut World<'a>) -> bool {
    let seen = match value(at, to, world) {
        Seen::Absent => return false,
        seen => seen,
    };
    if what == Slot::CtMark && (at.tracking != Tracking::After || world.packet.ct == Ct::Untracked) {
        return true;
    }
    let number = match seen {
        Seen::Is(Value::Num(number)) => Some(number),
        _ => None,
    };
    match number {
        Some(_) => drop(world.blurred.remove(&what)),
        None => drop(world.blurred.insert(what, text.to_owned())),
    }
    let byte = number.and_then(|number| u8::try_from(number).ok());
    match what {
        // A mark that is not known keeps its old value here; that it is not known stands in `blurred`.
        Slot::Mark => world.packet.mark = number.map_or(world.packet.mark, low32),
        Slot::CtMark => world.packet.conn.mark = number.map(low32),
        Slot::Dscp => world.packet.dscp = byte,
        Slot::Ttl => world.packet.ttl = byte,
    }
    true
}

fn low32(number: u64) -> u32 {
    (number & 0xffff_ffff) as u32
}
