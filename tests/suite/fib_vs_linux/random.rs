//! Random rule sets and tables: every look-up has the kernel's answer. `FLANCTL_TEST_SEED` draws others.
//!
//! Not tried: VRF and l3mdev rules, which not every kernel has, and user ids other than root's, which a rootless
//! namespace does not map; rules by tunnel id, which `ip route get` cannot ask for; `suppress_ifgroup` in IPv6, which
//! asks the leg that a random hash chose.

use std::collections::BTreeMap;
use std::net::IpAddr;

use flanctl::kernel::LinuxKernel;
use flanctl::state::fib::{Answer, Entry, Flow, Invalid, Lookup, input, lookup};
use flanctl::state::{Hops, RouteKind, State};

use super::asked::{ask, batch, failures};
use super::generator::{DEVICES, GROUP, Generator};
use crate::support::netns::{fresh, ip};
use crate::support::seed::seed;

/// Sets, and questions to each.
const SETS: usize = 5000;
const QUESTIONS: usize = 5;

/// Namespaces that work at the same time, each with one family.
const SHARES: usize = 4;

/// What the kernel says when it refuses.
fn sentence(kind: RouteKind) -> &'static str {
    match kind {
        RouteKind::Unreachable => "No route to host",
        RouteKind::Prohibit => "Permission denied",
        _ => "Invalid argument",
    }
}

/// Every answer that agrees with the model: one a leg, or one refusal.
fn model(state: &State, flow: &Flow) -> (Vec<String>, Lookup) {
    let found = lookup(state, flow);
    let refused = |why: &str| vec![format!("refused: {why}")];
    let nowhere = || match (found.refusal(state), &found.answer) {
        // A rule says another word than a route.
        (Some(RouteKind::Unreachable), Answer::Refused(_)) => refused("Network is unreachable"),
        (Some(kind), _) => refused(sentence(kind)),
        (None, Answer::Invalid(Invalid::ForeignSource)) => refused("Network is unreachable"),
        (None, Answer::Invalid(_)) => refused("Invalid argument"),
        (None, _) => refused("Network is unreachable"),
    };
    if flow.iif.is_some() && flow.dst.is_ipv4() {
        let entry = input(state, flow).1;
        let said = match entry {
            Entry::Forwarded | Entry::Local | Entry::Broadcast => None,
            Entry::Refused => Some(nowhere()),
            Entry::ForwardingOff => Some(refused("No route to host")),
            Entry::Martian(_) | Entry::ReversePath(_) => Some(refused("Invalid argument")),
        };
        if let Some(said) = said {
            return (said, found);
        }
    }
    let word = |ip: Option<IpAddr>| ip.map_or("-".to_owned(), |ip| ip.to_string());
    let source = |src| if flow.src.is_some() { "-".to_owned() } else { word(src) };
    let said = match &found.answer {
        Answer::Route { legs, .. } if legs.is_empty() => nowhere(),
        Answer::Route { key, place, legs, .. } => {
            let local = state.routes[key][*place].kind == RouteKind::Local;
            let dev = |leg: &flanctl::state::fib::Leg| match local {
                true => "lo".to_owned(),
                false => leg.hop.dev.unwrap().to_string(),
            };
            let spelt = |leg| format!("{} {} {}", dev(leg), word(leg.hop.via), source(leg.src));
            legs.iter().map(spelt).collect()
        }
        Answer::OnLink { dev, src } => vec![format!("{dev} - {}", source(*src))],
        Answer::Refused(_) | Answer::NoRoute | Answer::Invalid(_) => nowhere(),
    };
    (said, found)
}

/// What may be said of an IPv4 packet that comes in, where the leg that a random hash chose decides whether its source
/// is believed: the answers of every leg as if it were the only one.
fn by_leg(state: &State, flow: &Flow, found: &Lookup) -> Vec<String> {
    let Answer::Route { key, place, legs, .. } = &found.answer else { return Vec::new() };
    if flow.iif.is_none() || flow.dst.is_ipv6() || legs.len() < 2 {
        return Vec::new();
    }
    let alone = |leg: &flanctl::state::fib::Leg| {
        let mut state = state.clone();
        state.routes.get_mut(key).unwrap()[*place].hops = Hops::One(leg.hop);
        let (said, found) = model(&state, flow);
        let same = matches!(&found.answer, Answer::Route { key: still, .. } if still == key);
        if same { said } else { Vec::new() }
    };
    legs.iter().flat_map(alone).collect()
}

/// The kernel's answer in the same words.
fn real(answer: &Result<serde_json::Value, String>, sourced: bool) -> String {
    let row = match answer {
        Ok(row) => row,
        Err(why) => return format!("refused: {why}"),
    };
    let text = |key: &str| row[key].as_str().unwrap_or("-").to_owned();
    let src = if sourced { "-".to_owned() } else { text("prefsrc") };
    format!("{} {} {src}", text("dev"), text("gateway"))
}

/// Table and prefix of the route that `fibmatch` shows.
fn matched(row: &serde_json::Value, v6: bool) -> String {
    let dst = match (row["dst"].as_str().unwrap(), v6) {
        ("default", false) => "0.0.0.0/0".to_owned(),
        ("default", true) => "::/0".to_owned(),
        (dst, _) if dst.contains('/') => dst.to_owned(),
        (dst, v6) => format!("{dst}/{}", if v6 { 128 } else { 32 }),
    };
    format!("{dst} in {}", row["table"].as_str().unwrap_or("main"))
}

/// What decided: the rows that would have to go for another answer.
fn features(state: &State, flow: &Flow, found: &Lookup) -> Vec<&'static str> {
    let mut seen = vec![if flow.dst.is_ipv6() { "IPv6" } else { "IPv4" }];
    let mut put = |when: bool, name| {
        if when {
            seen.push(name)
        }
    };
    put(flow.iif.is_some(), "come in");
    put(found.passed.iter().any(|(_, why)| why.starts_with("throw")), "throw");
    put(found.passed.iter().any(|(_, why)| why.contains("is no longer than")), "suppress_prefixlength");
    put(found.passed.iter().any(|(_, why)| why.contains("is in group")), "suppress_ifgroup");
    if let Answer::Route { key, place, .. } = &found.answer {
        let same = || found.runners_up.iter().filter(|(k, _)| k.table == key.table).map(|(k, _)| k);
        put(same().any(|k| k.dst.prefix_len() < key.dst.prefix_len()), "prefix length");
        put(same().any(|k| k.dst == key.dst && k.tos == key.tos && k.metric != key.metric), "metric");
        put(key.tos != 0, "tos of a route");
        let route = &state.routes[key][*place];
        put(route.from.is_some(), "source prefix");
        put(matches!(&route.hops, Hops::One(hop) if hop.onlink), "onlink");
        match (&route.hops, route.kind) {
            (_, RouteKind::Blackhole) => put(true, "blackhole"),
            (_, RouteKind::Unreachable) => put(true, "unreachable"),
            (_, RouteKind::Prohibit) => put(true, "prohibit"),
            (_, RouteKind::Local) => put(true, "local"),
            (Hops::Multi(_), _) => put(true, "legs"),
            (Hops::Object(id), _) => {
                put(state.nexthops[id].group.is_empty(), "nexthop object");
                put(!state.nexthops[id].group.is_empty(), "nexthop group");
            }
            _ => {}
        }
    }
    if let Some(rule) = found.rule.map(|place| &state.rules[place]) {
        put(rule.action > 5, "refusing rule");
        put(rule.from.is_some(), "rule from");
        put(rule.to.is_some(), "rule to");
        put(rule.iif.is_some(), "rule iif");
        put(rule.fwmark.is_some(), "rule fwmark");
        put(rule.ipproto.is_some(), "rule ipproto");
        put(rule.sport.is_some() || rule.dport.is_some(), "rule ports");
        put(rule.tos != 0 || rule.dscp.is_some(), "rule tos");
        put(rule.uidrange.is_some(), "rule uidrange");
        put(rule.not, "rule not");
    }
    if state.rules.iter().any(|rule| rule.goto.is_some() && rule.v6 == flow.dst.is_ipv6()) {
        let mut straight = state.clone();
        straight.rules.retain(|rule| rule.goto.is_none());
        put(lookup(&straight, flow).answer != found.answer, "goto");
    }
    seen
}

/// Devices, addresses, neighbours: what stays.
fn ground() {
    ip("link set lo up");
    for (at, dev) in DEVICES.iter().enumerate() {
        ip(&format!("link add {dev} type veth peer name p{at}"));
        ip(&format!("link set {dev} up"));
        ip(&format!("addr add 10.0.{at}.1/24 dev {dev}"));
        ip(&format!("addr add fd0{at}::1/64 dev {dev} nodad"));
        ip(&format!("neigh add 10.0.{at}.5 dev {dev} lladdr 02:00:00:00:00:05"));
        ip(&format!("neigh add 10.0.{at}.6 dev {dev} nud noarp lladdr 02:00:00:00:00:06"));
    }
    ip(&format!("link set e1 group {GROUP}"));
    (0..3).for_each(|at| drop(ip(&format!("link set p{at} up"))));
    switch("ipv4/conf/all/forwarding", "1");
    switch("ipv6/conf/all/forwarding", "1");
}

fn switch(name: &str, value: &str) {
    std::fs::write(format!("/proc/sys/net/{name}"), value).unwrap();
}

/// What there was to compare, and what differed.
#[derive(Default)]
struct Tally {
    asked: usize,
    lines: usize,
    refused_lines: usize,
    features: BTreeMap<&'static str, usize>,
    wrong: Vec<String>,
}

impl Tally {
    fn set(&mut self, kernel: &mut LinuxKernel, dice: &mut Generator, number: usize, rules: bool, v6: bool) {
        let flag = if v6 { "-6" } else { "-4" };
        dice.switches().into_iter().for_each(|(name, value)| switch(name, value));
        let mut lines = dice.clear();
        if number % 25 == 0 {
            batch(&[flag], &lines);
            // A group is of no family.
            batch(&[], &dice.nexthops());
        }
        if rules {
            lines.extend((100..106).map(|pref| format!("rule del pref {pref}")));
        }
        let fixed = lines.len();
        if rules {
            lines.extend((100..106).map(|pref| dice.rule(pref)));
        }
        lines.extend((0..16).map(|_| dice.route()));
        let (_, said) = batch(&[flag], &lines);
        self.lines += lines.len() - fixed;
        self.refused_lines += failures(&said).keys().filter(|at| **at >= fixed).count();
        let state = kernel.look().unwrap();
        let questions: Vec<_> = (0..QUESTIONS).map(|_| dice.question()).collect();
        let asked = questions
            .iter()
            .flat_map(|q| [format!("route get {}", q.words), format!("route get fibmatch {}", q.words)]);
        let answers = ask(flag, &asked.collect::<Vec<_>>());
        for (question, answer) in questions.iter().zip(answers.chunks(2)) {
            let (said, found) = model(&state, &question.flow);
            for feature in features(&state, &question.flow, &found) {
                *self.features.entry(feature).or_default() += 1;
            }
            self.asked += 1;
            let plain = real(&answer[0], question.flow.src.is_some());
            let shown = answer[1].as_ref().map(|row| matched(row, v6));
            let named = match &found.answer {
                // Local and main are one tree until there is a rule, and IPv6 shows any route of an object's.
                Answer::Route { key, .. } if key.table == 255 && !rules => None,
                Answer::Route { key, place, .. }
                    if v6 && matches!(state.routes[key][*place].hops, Hops::Object(_)) =>
                {
                    None
                }
                Answer::Route { key, .. } => Some(format!("{} in {}", key.dst, table(key.table))),
                _ => None,
            };
            let elsewhere = answer[0].is_ok()
                && shown.as_ref().ok().zip(named.as_ref()).is_some_and(|(shown, named)| shown != named);
            let fits = said.contains(&plain) || by_leg(&state, &question.flow, &found).contains(&plain);
            if !fits || elsewhere {
                self.wrong.push(format!(
                    "set {number}: {}\n  linux {plain} ({shown:?})\n  here {said:?} {named:?} {found:?}\n{}",
                    question.words,
                    if self.wrong.len() < 3 { lines.join("\n") } else { String::new() },
                ));
            }
        }
    }
}

fn table(number: u32) -> String {
    match number {
        254 => "main".to_owned(),
        255 => "local".to_owned(),
        other => other.to_string(),
    }
}

/// One namespace's share of the sets.
fn share(number: usize, seed: u64) -> Tally {
    ground();
    let mut kernel = LinuxKernel::open().unwrap();
    let mut tally = Tally::default();
    let v6 = number % 2 == 1;
    let mut dice = Generator::new(seed + number as u64, v6);
    for at in 0..SETS / SHARES {
        // The kernel never forgets that there was a rule: the sets without come first.
        tally.set(&mut kernel, &mut dice, at, at >= SETS / SHARES / 5, v6);
    }
    tally
}

#[test]
fn random_tables_have_the_kernels_answers() {
    let seed = seed(4);
    let shares: Vec<_> =
        (0..SHARES).map(|number| std::thread::spawn(move || fresh(move || share(number, seed)))).collect();
    let mut tally = Tally::default();
    for share in shares {
        let share = share.join().unwrap();
        tally.asked += share.asked;
        tally.lines += share.lines;
        tally.refused_lines += share.refused_lines;
        tally.wrong.extend(share.wrong);
        share
            .features
            .into_iter()
            .for_each(|(name, count)| *tally.features.entry(name).or_default() += count);
    }
    println!("{} questions, {} of {} lines refused", tally.asked, tally.refused_lines, tally.lines);
    tally.features.iter().for_each(|(name, count)| println!("{count:6} {name}"));
    let (count, few) = (tally.wrong.len(), tally.wrong.iter().take(12).map(String::as_str));
    assert!(count == 0, "FLANCTL_TEST_SEED={seed}: {count} differ\n{}", few.collect::<Vec<_>>().join("\n"));
    assert!(tally.refused_lines * 4 < tally.lines, "most lines should be taken");
    let rare: Vec<_> = tally.features.iter().filter(|(_, count)| **count * 100 < tally.asked).collect();
    assert!(rare.is_empty() && tally.features.len() == 29, "{rare:?} of {}", tally.features.len());
}
