//! Rules made so that one feature decides the fate of one packet: what is named is used, and guarded so that only this
//! packet meets it.

use std::fmt::Write as _;

use rand::rngs::StdRng;

use super::dice::{Case, percent, pick};
use super::nft::{self, Table};
use super::packets::TCP;
use super::yard::From;

/// A packet, and the feature that is to decide its fate.
pub(super) struct Aim {
    pub(super) case: Case,
    pub(super) star: &'static str,
}

/// Draws a packet that the feature can decide.
pub(super) fn case(dice: &mut StdRng, star: &str, number: u16, place: usize, v6: bool) -> Case {
    loop {
        let case = Case::draw(dice, number, place, v6);
        if suits(star, &case) {
            return case;
        }
    }
}

fn suits(star: &str, case: &Case) -> bool {
    let has = |hook: &str| case.hooks.contains(&hook);
    match star {
        "reset" | "RESET" | "tcp flags" | "tcp-flags" => case.shot.proto == TCP,
        "icmp" | "icmp-type" => case.ported().is_none(),
        "proto" | "dport" | "multiport" | "port" | "port set" | "th port" | "concat" | "concat set"
        | "mark map" | "concat vmap" => case.ported().is_some(),
        "fragment" => !case.v6(),
        // Addresses are rewritten for first packets.
        "snat" | "SNAT" | "NETMAP" => has("postrouting") && !case.established,
        "masquerade" | "MASQUERADE" => has("forward") && !case.established,
        "redirect" | "REDIRECT" => case.from == From::Sender && !case.established && case.ported().is_some(),
        "dnat" | "dnat map" | "DNAT" => !case.established,
        "oif" | "out" => has("forward") || has("output"),
        "two devices" => has("forward"),
        "route" => has("output"),
        "CONNMARK" => !has("output"),
        "iif" | "wildcard" | "named names" | "pkttype" | "ether" | "fib back" | "in" | "in like" | "mac"
        | "pkt-type" => has("prerouting"),
        _ => true,
    }
}

/// A chain and its rules, a line each.
struct Block {
    kind: &'static str,
    hook: &'static str,
    priority: i32,
    policy: &'static str,
    rules: Vec<String>,
}

/// A table of nft in which the feature decides; nothing if nft has no such feature.
pub(super) fn table(dice: &mut StdRng, aim: &Aim, place: usize) -> String {
    let ip = if aim.case.v6() { "ip6" } else { "ip" };
    let family = if aim.star == "nfproto" || percent(dice, 50) { "inet" } else { ip };
    let blocks = blocks(dice, aim, family);
    if blocks.is_empty() {
        return String::new();
    }
    let mut text = format!("table {family} s{place} {{\n{}", Table::new(dice, &aim.case, family, "").sets());
    text.push_str("chain h0 { counter drop; }\nchain h1 { counter drop; }\nchain h2 { counter; }\nchain h3 { return; drop; }\n");
    for (number, Block { kind, hook, priority, policy, rules }) in blocks.iter().enumerate() {
        let priority = priority + number as i32 * 5 + place as i32 * 17 + 1;
        let _ = writeln!(
            text,
            "chain c{number} {{ type {kind} hook {hook} priority {priority}; policy {policy};"
        );
        rules.iter().for_each(|rule| text.extend([rule, "\n"]));
        text.push_str("}\n");
    }
    text + "}\n"
}

#[expect(clippy::too_many_lines, reason = "one match, an arm a feature")]
fn blocks(dice: &mut StdRng, aim: &Aim, family: &'static str) -> Vec<Block> {
    let (case, star) = (&aim.case, aim.star);
    let guard = match case.guard() {
        // With its protocol known, nft calls a port by another name.
        _ if star == "th port" => String::new(),
        [guard, _] => guard,
    };
    let priority = pick(dice, &[-140, -40, 20, 110]);
    let block = |hook, rules: Vec<String>| Block {
        kind: "filter",
        hook,
        priority,
        policy: "accept",
        rules: rules.into_iter().map(|rule| format!("{guard} {rule}")).collect(),
    };
    let lines = |of: &[&str]| of.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    let cond = |hook: &str| nft::conds(case, hook, family).into_iter().find(|cond| cond.name == star);
    let fitting: Vec<&'static str> = case.hooks.iter().copied().filter(|hook| cond(hook).is_some()).collect();
    if !fitting.is_empty() {
        let hook = pick(dice, &fitting);
        let yes = cond(hook).unwrap().yes;
        let verdict = pick(dice, &["drop", "drop", "counter drop", "jump h0", "goto h1"]);
        return vec![block(hook, vec![format!("{yes} {verdict}")])];
    }
    let any = pick(dice, &case.hooks);
    let (first, last) = (case.hooks[0], case.hooks[case.hooks.len() - 1]);
    let refusing =
        case.hooks.iter().copied().find(|hook| matches!(*hook, "input" | "forward" | "output")).unwrap();
    let mut table = Table::new(dice, case, family, star);
    let mut nat = |hook, late: bool| {
        let priority = if late { 100 } else { -100 };
        let rule = table.nat(star, hook);
        Block { kind: "nat", priority, ..block(hook, vec![rule]) }
    };
    match star {
        "accept" => vec![block(any, lines(&["accept", "drop"]))],
        "drop" => vec![block(any, lines(&["counter drop"]))],
        "reset" => vec![block(refusing, lines(&["reject with tcp reset"]))],
        "reject" => vec![block(refusing, vec![table.refusal()])],
        "return" => vec![block(any, lines(&["jump h3", "return", "drop"]))],
        "jump" => vec![block(any, lines(&["jump h0"]))],
        "goto" => vec![block(any, lines(&["goto h2", "drop"]))],
        "mark set" => vec![block(any, lines(&["meta mark set 0x7"]))],
        "mark or" => vec![block(any, lines(&["meta mark set meta mark | 0x20"]))],
        "ct mark set" => vec![block(any, lines(&["ct mark set 0x5", "meta mark set ct mark"]))],
        "mark map" => {
            vec![block(any, vec![format!("meta mark set {} dport map @marks", case.ported().unwrap())])]
        }
        "vmap" | "state vmap" | "named vmap" | "concat vmap" => vec![block(any, vec![table.choice(star)])],
        "notrack" => vec![
            Block { priority: -320, ..block(first, lines(&["notrack"])) },
            block(last, lines(&["ct state untracked drop"])),
        ],
        "raw" => vec![Block { priority: -320, ..block(first, lines(&["drop"])) }],
        "snat" | "masquerade" => vec![nat("postrouting", true)],
        "dnat" | "dnat map" | "redirect" => vec![nat(first, false)],
        "policy" => vec![Block { policy: "drop", ..block(any, Vec::new()) }],
        "priority" => {
            let late = Block { priority: 140, ..block(any, lines(&["meta mark 0x7 drop"])) };
            vec![Block { priority: -50, ..block(any, lines(&["meta mark set 0x7"])) }, late]
        }
        "route" => vec![Block { kind: "route", ..block("output", lines(&["meta mark set 0x7"])) }],
        _ => Vec::new(),
    }
}
