//! One possible way of the packet so far.

use std::collections::{BTreeMap, BTreeSet};

use crate::firewall::model::{Chain, Rule, Table};
use crate::firewall::packet::{Ct, Packet};
use crate::firewall::says::{Say, Slot};
use crate::firewall::{Outcome, Rewrite, RuleRef, Verdict, Way};

/// Where a packet goes after a rule or a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// On with the next rule.
    Next,
    /// Out of the chain.
    Leaves,
    /// Its fate in this base chain is known.
    Ends(Verdict),
}

/// A rule, or the policy of a base chain.
#[derive(Clone, Copy)]
pub(super) struct Hit<'a> {
    pub(super) table: &'a Table,
    pub(super) chain: &'a Chain,
    pub(super) rule: Option<&'a Rule>,
}

/// The packet as it is on this way, and what the way depends on.
#[derive(Clone)]
pub(super) struct World<'a> {
    pub(super) packet: Packet,
    /// What could not be evaluated and was answered one way or the other to get here.
    pub(super) why: Vec<String>,
    /// What was written without its value being known.
    pub(super) blurred: BTreeMap<Slot, String>,
    /// Sets that were changed on the way.
    pub(super) edited: BTreeSet<(&'a str, &'a str, &'a str)>,
    /// No rule is asked any more.
    pub(super) past: bool,
    pub(super) matched: Vec<Hit<'a>>,
    pub(super) nat: Option<(Hit<'a>, Rewrite)>,
    /// The last rule that accepted, or else the last policy.
    last: Option<Hit<'a>>,
}

impl<'a> World<'a> {
    pub(super) fn new(packet: &Packet) -> Self {
        Self {
            packet: packet.clone(),
            why: Vec::new(),
            blurred: BTreeMap::new(),
            edited: BTreeSet::new(),
            past: false,
            matched: Vec::new(),
            nat: None,
            last: None,
        }
    }

    /// True if nothing that a later rule could ask tells the two apart.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.packet == other.packet
            && self.nat.map(|(_, how)| how) == other.nat.map(|(_, how)| how)
            && self.blurred == other.blurred
            && self.edited == other.edited
            && self.past == other.past
    }

    pub(super) fn because(&mut self, why: &[String]) {
        for text in why {
            if !self.why.contains(text) {
                self.why.push(text.clone());
            }
        }
    }

    /// A rule decided.
    pub(super) fn decided(&mut self, hit: Hit<'a>) {
        self.last = Some(hit);
    }

    /// Nothing in the chain decided.
    pub(super) fn policy(&mut self, table: &'a Table, chain: &'a Chain) {
        let hit = Hit { table, chain, rule: None };
        let drops = chain.base.as_ref().is_some_and(|base| base.policy == Say::Drop);
        if drops || self.last.is_none_or(|last| last.rule.is_none()) {
            self.last = Some(hit);
        }
    }

    /// Who decided.
    pub(super) fn by(&self) -> Option<RuleRef> {
        self.last.map(Hit::told)
    }

    pub(super) fn told(&self, verdict: Verdict, ways: Vec<Way>) -> Outcome {
        Outcome {
            by: self.by(),
            verdict,
            packet: self.packet.clone(),
            matched: self.matched.iter().map(|hit| hit.told()).collect(),
            nat: self.nat.map(|(hit, _)| hit.told()),
            rewrite: self.nat.map(|(_, how)| how),
            ways,
        }
    }
}

impl Hit<'_> {
    pub(super) fn told(self) -> RuleRef {
        let Self { table, chain, rule } = self;
        let drops = chain.base.as_ref().is_some_and(|base| base.policy == Say::Drop);
        RuleRef {
            owner: table.owner,
            table: format!("{} {}", table.family, table.name),
            chain: chain.name.clone(),
            handle: rule.and_then(|rule| rule.handle),
            text: match rule {
                Some(rule) => rule.text.clone(),
                None => format!("policy {}", if drops { "drop" } else { "accept" }),
            },
        }
    }
}

/// Adds a way, unless one like it is there: then what both depend on does not matter alone.
pub(super) fn join<'a>(worlds: &mut Vec<World<'a>>, world: World<'a>) {
    match worlds.iter_mut().find(|known| known.same(&world)) {
        Some(known) => known.because(&world.why),
        None => worlds.push(world),
    }
}

/// Whether a value that is not known makes the answer unsure: marks choose routes. A connection's mark that was not
/// known before is no news.
pub(super) fn matters(slot: Slot, ct: Ct) -> bool {
    match slot {
        Slot::Mark => true,
        Slot::CtMark => ct == Ct::New,
        Slot::Dscp | Slot::Ttl => false,
    }
}
