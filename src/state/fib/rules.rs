//! The walk over the policy rules: which match, what they do, and what they pass on.

use super::hops;
use super::table::At;
use super::{Answer, Leg, Lookup, Query};
use crate::net::IfName;
use crate::state::{RouteKey, RouteKind, Rule, State, table as number};

/// Runners-up that are kept.
const FEW: usize = 4;

/// What a table says.
#[derive(Clone, Debug)]
pub(super) enum Hit<'a> {
    /// A route, and the leg that the lookup itself fell on.
    Route { at: At<'a>, leg: Option<Leg> },
    /// A route that refuses.
    Refusing(At<'a>),
    /// A route that sends on to the next rule.
    Throw(At<'a>),
    /// Nothing.
    Miss,
}

/// One table, or the two that are one tree.
pub(super) type Tables<'t> = &'t [u32];

/// How a family looks into its tables.
pub(super) trait Family {
    /// The kernel's look into one table.
    fn find<'a>(&self, query: &Query<'a>, tables: Tables<'_>) -> Hit<'a>;
    /// Any route of a table that would do.
    fn others<'a>(&self, query: &Query<'a>, tables: Tables<'_>) -> Vec<At<'a>>;
}

/// What the walk brought.
#[derive(Debug)]
pub(super) struct Walked<'a> {
    pub(super) rule: Option<usize>,
    /// The route, or a rule's own refusal, or nothing.
    pub(super) end: End<'a>,
    pub(super) runners_up: Vec<(RouteKey, usize)>,
    pub(super) passed: Vec<(usize, String)>,
}

#[derive(Clone, Debug)]
pub(super) enum End<'a> {
    Hit(Hit<'a>),
    Refused(RouteKind),
    Nothing,
}

impl Walked<'_> {
    pub(super) fn into_lookup(self, answer: Answer) -> Lookup {
        Lookup { rule: self.rule, answer, runners_up: self.runners_up, passed: self.passed }
    }
}

/// `FR_ACT_*`, include/uapi/linux/fib_rules.h.
mod act {
    pub(super) const LOOKUP: u8 = 1;
    pub(super) const GOTO: u8 = 2;
    pub(super) const NOP: u8 = 3;
    pub(super) const UNREACHABLE: u8 = 7;
    pub(super) const PROHIBIT: u8 = 8;
}

/// The table that the kernel asks last.
const DEFAULT: u32 = 253;

/// Walks the rules of the query's family.
pub(super) fn walk<'a>(query: &Query<'a>, family: &impl Family) -> Walked<'a> {
    let mut walked = Walked { rule: None, end: End::Nothing, runners_up: Vec::new(), passed: Vec::new() };
    let rules = of_family(query);
    let mut at = 0;
    while let Some((place, rule)) = rules.get(at) {
        at += 1;
        if !matches(rule, query) {
            continue;
        }
        match rule.action {
            act::GOTO => {
                // Only forwards: the kernel takes no other, and a walk has to end.
                let target = rule.goto.and_then(|to| rules.iter().position(|(_, r)| r.priority == to));
                match target.filter(|target| *target >= at) {
                    Some(target) => at = target,
                    None => walked.passed.push((*place, "leads to a rule that is not there".to_owned())),
                }
                continue;
            }
            act::NOP => continue,
            act::LOOKUP => {}
            refusing => {
                if walked.rule.is_none() {
                    (walked.rule, walked.end) = (Some(*place), End::Refused(refused(refusing)));
                }
                return walked;
            }
        }
        let Some(table) = table_of(rule, query) else { continue };
        if walked.rule.is_some() {
            walked.follow(query, family, &[table]);
            continue;
        }
        match family.find(query, &[table]) {
            Hit::Miss => walked.passed.push((*place, format!("no route in table {}", word(table)))),
            Hit::Throw(at) => {
                walked.passed.push((*place, format!("throw {} in table {}", at.key.dst, word(table))))
            }
            hit => match suppressed(rule, &hit, query.state) {
                Some(why) => walked.passed.push((*place, why)),
                None => {
                    (walked.rule, walked.end) = (Some(*place), End::Hit(hit));
                    walked.follow(query, family, &[table]);
                }
            },
        }
    }
    walked
}

impl<'a> Walked<'a> {
    /// Adds what else these tables know.
    pub(super) fn follow(&mut self, query: &Query<'a>, family: &impl Family, tables: Tables<'_>) {
        if self.runners_up.len() >= FEW {
            return;
        }
        let answer = match &self.end {
            End::Hit(Hit::Route { at, .. } | Hit::Refusing(at)) => Some((*at.key, at.place)),
            _ => None,
        };
        for at in family.others(query, tables) {
            let name = (*at.key, at.place);
            if Some(name) != answer && !self.runners_up.contains(&name) && self.runners_up.len() < FEW {
                self.runners_up.push(name);
            }
        }
    }
}

/// The rules of one family with their places. A state without any rule at all was not read from a kernel: it gets
/// the three that every namespace is born with.
fn of_family<'a>(query: &Query<'a>) -> Vec<(usize, std::borrow::Cow<'a, Rule>)> {
    use std::borrow::Cow;
    let state: &'a State = query.state;
    let v6 = query.v6();
    if state.rules.is_empty() {
        let born = [(0, number::LOCAL), (32766, number::MAIN), (32767, DEFAULT)];
        let rule = |(priority, table)| Rule { priority, table, v6, action: act::LOOKUP, ..Rule::default() };
        return born.into_iter().enumerate().map(|(place, one)| (place, Cow::Owned(rule(one)))).collect();
    }
    let own = state.rules.iter().enumerate().filter(|(_, rule)| rule.v6 == v6);
    own.map(|(place, rule)| (place, Cow::Borrowed(rule))).collect()
}

/// True while nobody has written an IPv4 rule: then the kernel does not walk rules at all, and the local and main
/// tables are one tree (`fib_has_custom_rules`).
pub(super) fn untouched(state: &State) -> bool {
    const KERNEL: u8 = crate::state::proto::KERNEL;
    let plain =
        |(priority, table)| Rule { priority, table, action: act::LOOKUP, proto: KERNEL, ..Rule::default() };
    let born = [(0, number::LOCAL), (32766, number::MAIN), (32767, DEFAULT)].map(plain);
    let mut rules = state.rules.iter().filter(|rule| !rule.v6).peekable();
    state.rules.is_empty() || (rules.peek().is_some() && rules.eq(born.iter()))
}

/// A rule that refuses by itself; numbers that nobody knows discard.
fn refused(action: u8) -> RouteKind {
    match action {
        act::UNREACHABLE => RouteKind::Unreachable,
        act::PROHIBIT => RouteKind::Prohibit,
        _ => RouteKind::Blackhole,
    }
}

fn table_of(rule: &Rule, query: &Query<'_>) -> Option<u32> {
    if !rule.l3mdev {
        return Some(rule.table);
    }
    query.vrf.and_then(|vrf| query.state.links.get(&vrf)?.vrf)
}

/// The rule would rather not have this answer.
fn suppressed(rule: &Rule, hit: &Hit<'_>, state: &State) -> Option<String> {
    let Hit::Route { at, leg } = hit else { return None };
    let len = u32::from(at.key.dst.prefix_len());
    if rule.suppress_prefixlength.is_some_and(|most| len <= most) {
        return Some(format!(
            "suppressed: {} is no longer than /{}",
            at.key.dst, rule.suppress_prefixlength?
        ));
    }
    // IPv4 asks the first leg, whichever it will take (`fib4_rule_suppress`).
    let first = || hops::all(state, at.route).into_iter().next();
    let asked = if at.key.dst.addr().is_ipv4() { first() } else { *leg };
    let dev = asked.and_then(|leg| leg.hop.dev)?;
    let group = state.links.get(&dev)?.group;
    (rule.suppress_ifgroup == Some(group)).then(|| format!("suppressed: {dev} is in group {group}"))
}

/// The name of a table that has one.
fn word(table: u32) -> String {
    match table {
        number::LOCAL => "local".to_owned(),
        number::MAIN => "main".to_owned(),
        DEFAULT => "default".to_owned(),
        other => other.to_string(),
    }
}

fn matches(rule: &Rule, query: &Query<'_>) -> bool {
    selects(rule, query) != rule.not
}

/// The selectors, all of them (`fib_rule_match`, `fib4_rule_match`, `fib6_rule_match`).
fn selects(rule: &Rule, query: &Query<'_>) -> bool {
    let flow = &query.flow;
    let device = |name: &Option<String>, dev: Option<IfName>| match name {
        None => true,
        // A VRF as the rule's device stands for everything inside it.
        Some(name) => {
            dev.is_some_and(|dev| dev.as_str() == name) || query.vrf.is_some_and(|vrf| vrf.as_str() == name)
        }
    };
    let prefix = |net: &Option<ipnet::IpNet>, ip| net.as_ref().is_none_or(|net| net.contains(&ip));
    // Without a source the kernel skips IPv6 rules that ask for one, and reads zero in IPv4.
    let unsourced = query.v6() && rule.from.is_some() && query.src().is_unspecified();
    device(&rule.iif, query.iif)
        && device(&rule.oif, flow.oif)
        && rule.fwmark.is_none_or(|(mark, mask)| (mark ^ flow.mark) & mask == 0)
        // The packets that are traced here come out of no tunnel with metadata.
        && rule.tun_id.is_none_or(|id| id == 0)
        && (!rule.l3mdev || table_of(rule, query).is_some())
        && rule.uidrange.is_none_or(|(first, last)| (first..=last).contains(&flow.uid))
        && !unsourced
        && prefix(&rule.from, query.src())
        && prefix(&rule.to, flow.dst)
        && service(rule, query)
        && rule.flowlabel.is_none_or(|(label, mask)| label & mask == 0)
        && rule.ipproto.is_none_or(|proto| proto == 0 || proto == flow.proto)
        && port(rule.sport, rule.port_masks.0, flow.sport)
        && port(rule.dport, rule.port_masks.1, flow.dport)
}

/// TOS: IPv4 compares three bits of it, IPv6 the whole DSCP; the newer attribute all six in both.
fn service(rule: &Rule, query: &Query<'_>) -> bool {
    let seen = if query.v6() { query.flow.tos & 0xfc } else { query.flow.tos & 0x1c };
    match rule.dscp {
        Some((dscp, mask)) => (dscp ^ query.flow.tos) & mask & 0xfc == 0,
        None => rule.tos == 0 || rule.tos == seen,
    }
}

/// A port that is not known is zero, as in the kernel.
fn port(range: Option<(u16, u16)>, mask: Option<u16>, port: Option<u16>) -> bool {
    let port = port.unwrap_or(0);
    match (range, mask.filter(|mask| *mask != 0)) {
        (None, _) => true,
        (Some((first, _)), Some(mask)) => (first ^ port) & mask == 0,
        (Some((first, last)), None) => (first..=last).contains(&port),
    }
}
