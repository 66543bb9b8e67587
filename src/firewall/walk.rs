//! Takes a packet through one hook: its base chains in the order of their priorities, over all tables of its family.
//! Where the kernel does not tell an order or a rule cannot be evaluated, every possibility is walked; the answer is
//! unsure only if they end differently.

mod ask;
mod nat;
mod order;
mod read;
mod rules;
mod world;

use super::model::{Awake, Base, Chain, Edge, Ruleset, Table};
use super::packet::{Ct, Packet};
use super::{Hook, Outcome, Verdict, Way};
use world::{Flow, World};

/// Possibilities that are kept apart at most; more are not followed.
const MOST: usize = 24;

/// Where a base chain is asked: what every question about the packet depends on beside the packet.
#[derive(Clone, Copy)]
struct At<'a> {
    hook: Hook,
    table: &'a Table,
    tracking: Tracking,
    /// True in a nat chain, the only place where addresses are rewritten.
    nat: bool,
}

/// Where conntrack stands: its own hook runs at priority -200 in prerouting and output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tracking {
    /// Not asked yet: a packet has no connection.
    Before,
    /// At the same priority: before or after, the kernel does not tell.
    Beside,
    /// Asked.
    After,
}

/// A base chain and where it is asked.
#[derive(Clone, Copy)]
struct Stop<'a> {
    table: &'a Table,
    chain: &'a Chain,
    base: &'a Base,
    place: Place,
    /// Why it may not be asked at all.
    perhaps: Option<&'static str>,
}

/// Whose hook it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Ip,
    /// The end of a device.
    Device,
    /// A bridge's.
    Frame,
}

/// What the rules of `hook` do with the packet.
pub fn walk(rules: &Ruleset, hook: Hook, packet: &Packet) -> Outcome {
    let mut open = vec![World::new(packet)];
    let mut ended: Vec<(Verdict, World<'_>)> = Vec::new();
    for turn in order::turns(rules, hook, packet) {
        let mut next = Vec::new();
        for (verdict, world) in open.into_iter().flat_map(|world| order::run(hook, &turn, world)) {
            match verdict {
                Verdict::Accept => world::join(&mut next, world),
                against => ended.push((against, world)),
            }
        }
        open = next;
        if open.len() > MOST {
            ended.extend(open.drain(..).map(|world| (Verdict::Unsure(world.why.clone()), world)));
        }
    }
    ended.extend(open.into_iter().map(|world| (accepted(rules, packet, &world), world)));
    // From here on it is the same whether rules were asked.
    ended.iter_mut().for_each(|(_, world)| world.past = false);
    outcome(ended, packet)
}

/// A packet that nothing stopped: accepted, unless something was not seen or a mark is not known.
fn accepted(rules: &Ruleset, packet: &Packet, world: &World<'_>) -> Verdict {
    let mut open: Vec<String> = rules.unseen.clone();
    let blurred = world.blurred.iter().filter(|(slot, _)| world::matters(**slot, packet.ct));
    open.extend(blurred.map(|(_, text)| text.clone()));
    if open.is_empty() { Verdict::Accept } else { Verdict::Unsure(open) }
}

/// One answer from all ways that the packet may have gone.
fn outcome(mut ended: Vec<(Verdict, World<'_>)>, packet: &Packet) -> Outcome {
    // The way that depends on least speaks for those that end like it.
    ended.sort_by_key(|(_, world)| world.why.len());
    let mut ways: Vec<(Verdict, World<'_>)> = Vec::new();
    for (verdict, world) in ended {
        let told = ways.iter_mut().find(|(v, w)| *v == verdict && (verdict.stops() || w.same(&world)));
        match told {
            Some((_, first)) => first.because(&world.why),
            None => ways.push((verdict, world)),
        }
    }
    let Some((verdict, world)) = ways.first() else {
        return World::new(packet).told(Verdict::Accept, Vec::new());
    };
    if ways.len() == 1 {
        return world.told(verdict.clone(), Vec::new());
    }
    let mut why = Vec::new();
    for (verdict, world) in &ways {
        let more: &[String] = if let Verdict::Unsure(more) = verdict { more } else { &[] };
        for text in world.why.iter().chain(more).filter(|text| !why.contains(*text)).collect::<Vec<_>>() {
            why.push(text.clone());
        }
    }
    let spread = ways.iter().map(|(verdict, world)| Way {
        verdict: verdict.clone(),
        packet: world.packet.clone(),
        by: world.by(),
    });
    // What a person wants to see of an unsure fate is the packet if it gets through.
    let through =
        ways.iter().find(|(verdict, _)| *verdict == Verdict::Accept).map_or(world, |(_, world)| world);
    through.told(Verdict::Unsure(why), spread.collect())
}

impl Verdict {
    /// True if the packet is gone.
    pub fn stops(&self) -> bool {
        matches!(self, Self::Drop | Self::Reject(_))
    }
}

impl<'a> Stop<'a> {
    /// What becomes of the packet in this base chain; accepted ones go on to the next.
    fn run(&self, hook: Hook, world: World<'a>) -> Vec<(Verdict, World<'a>)> {
        let at = At {
            hook,
            table: self.table,
            tracking: self.tracking(hook, &world),
            nat: self.base.kind == "nat",
        };
        let mut skipped = None;
        let mut world = world;
        if world.past {
            return vec![(Verdict::Accept, world)];
        }
        let Table { family, name, .. } = self.table;
        let unclear = (self.table.awake == Awake::Unclear).then(|| format!("flags of table {family} {name}"));
        let perhaps = self.perhaps.map(|why| format!("table {family} {name} {why}"));
        if let Some(why) = unclear.or(perhaps) {
            world.because(&[why]);
            skipped = Some((Verdict::Accept, world.clone()));
        }
        let ends =
            rules::chain(&at, self.chain, vec![world], 0).into_iter().map(|(flow, mut world)| match flow {
                Flow::Ends(verdict) => (verdict, world),
                Flow::Leaves | Flow::Next => {
                    world.policy(self.table, self.chain);
                    (rules::policy(&self.base.policy), world)
                }
            });
        let told = |(verdict, mut world): (Verdict, World<'a>)| {
            // What may be asked is quoted where it would stop the packet.
            if let Some(by) = world.by().filter(|_| self.perhaps.is_some() && verdict.stops()) {
                world.because(&[by.text]);
            }
            (verdict, world)
        };
        ends.map(told).chain(skipped).collect()
    }

    fn tracking(&self, hook: Hook, world: &World<'_>) -> Tracking {
        // What came over lo was tracked when it was sent.
        let early = matches!(hook, Hook::Prerouting | Hook::Output) && !world.packet.came_over_lo(hook);
        match self.base.priority {
            _ if self.place == Place::Frame => Tracking::Beside,
            _ if self.base.edge == Some(Edge::Ingress) => Tracking::Before,
            priority if early && priority < -200 => Tracking::Before,
            -200 if early => Tracking::Beside,
            _ => Tracking::After,
        }
    }
}

impl Packet {
    /// That it was sent by this host to itself: its addresses were settled when it was sent.
    fn came_over_lo(&self, hook: Hook) -> bool {
        let here = matches!(hook, Hook::Prerouting | Hook::Input);
        here && self.iif.as_deref() == Some("lo")
    }

    /// Whether nat chains are asked about it.
    fn settles_addresses(&self, hook: Hook) -> bool {
        self.ct == Ct::New && !self.came_over_lo(hook)
    }
}
