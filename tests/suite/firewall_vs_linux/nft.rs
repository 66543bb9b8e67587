//! Random tables of nft for one packet: families, priorities, sets, maps, verdicts, rewriting.

mod conds;

use std::fmt::Write as _;

use rand::Rng;
use rand::rngs::StdRng;

pub(super) use conds::conds;

use super::dice::{Case, percent, pick};
use super::packets::TCP;

/// Everything that can stand in a table of nft, by name; a case has a favourite among them.
pub(super) const STATEMENTS: &[&str] = &[
    "accept",
    "drop",
    "reject",
    "jump",
    "goto",
    "return",
    "mark",
    "mark or",
    "mark map",
    "ct mark",
    "vmap",
    "state vmap",
    "named vmap",
    "concat vmap",
    "notrack",
    "dscp",
    "snat",
    "dnat",
    "masquerade",
    "redirect",
    "dnat map",
    "policy",
    "priority",
    "reset",
    "numgen",
    "limit",
    "quota",
];

/// A table set of its own for this packet.
pub(super) fn tables(dice: &mut StdRng, case: &Case, star: &str) -> String {
    let mut text = String::new();
    for number in 0..pick(dice, &[1, 1, 2]) {
        let family = match (percent(dice, 50), case.v6()) {
            (true, _) => "inet",
            (false, true) => "ip6",
            (false, false) => "ip",
        };
        let mut table = Table::new(dice, case, family, star);
        let _ = writeln!(text, "table {family} t{number} {{\n{}{}}}", table.sets(), table.chains());
    }
    text
}

pub(super) struct Table<'a> {
    dice: &'a mut StdRng,
    case: &'a Case,
    family: &'static str,
    star: &'a str,
    jumps: usize,
}

/// Where a base chain hooks in.
struct Base {
    hook: &'static str,
    kind: &'static str,
    priority: i32,
}

impl<'a> Table<'a> {
    pub(super) fn new(dice: &'a mut StdRng, case: &'a Case, family: &'static str, star: &'a str) -> Self {
        Self { dice, case, family, star, jumps: 0 }
    }

    fn ip(&self) -> &'static str {
        if self.case.v6() { "ip6" } else { "ip" }
    }

    pub(super) fn sets(&mut self) -> String {
        let (case, of) = (self.case, if self.case.v6() { "ipv6_addr" } else { "ipv4_addr" });
        let (yes, dport) = (case.net(case.src_net()), case.shot.dport);
        let (other, port) = (case.net(7), dport + 1);
        let (chain, iif) = (pick(self.dice, &["h0", "h1"]), case.iif());
        format!(
            "set in {{ type {of}; flags interval; elements = {{ {yes}, {other} }}; }}\n\
             set out {{ type {of}; flags interval; elements = {{ {other} }}; }}\n\
             set pairs {{ type {of} . inet_service; flags interval; elements = {{ {yes} . {dport}-{port} }}; }}\n\
             set names {{ type ifname; elements = {{ \"{iif}\", \"zz\" }}; }}\n\
             map ports {{ type inet_service : verdict; elements = {{ {dport} : drop, 7 : accept }}; }}\n\
             map hosts {{ type {of} : verdict; flags interval; elements = {{ {yes} : jump {chain}, {other} : drop }}; }}\n\
             map marks {{ type inet_service : mark; elements = {{ {dport} : 0x31, 7 : 0x32 }}; }}\n"
        )
    }

    fn chains(&mut self) -> String {
        let mut text = String::new();
        // h1 may be entered from h0, and both from every base chain: declared first, filled in order.
        for name in ["h1", "h0"] {
            let _ = writeln!(text, "chain {name} {{");
            self.jumps = usize::from(name == "h0");
            for _ in 0..self.dice.random_range(1..3) {
                let rule = self.rule(&Base { hook: "", kind: "", priority: 0 });
                let _ = writeln!(text, "{rule}");
            }
            text.push_str("}\n");
        }
        self.jumps = 2;
        for number in 0..pick(self.dice, &[1, 2, 2, 3]) {
            let base = self.base(number);
            let drops = if self.star == "policy" { 60 } else { 12 };
            let policy = if base.kind == "filter" && percent(self.dice, drops) { "drop" } else { "accept" };
            let Base { hook, kind, priority } = base;
            let _ = writeln!(
                text,
                "chain c{number} {{ type {kind} hook {hook} priority {priority}; policy {policy};"
            );
            for _ in 0..self.dice.random_range(1..4) {
                let rule = self.rule(&base);
                let _ = writeln!(text, "{rule}");
            }
            text.push_str("}\n");
        }
        text
    }

    fn base(&mut self, number: i32) -> Base {
        let mut hook = pick(self.dice, &self.case.hooks);
        let nats = ["snat", "dnat", "masquerade", "redirect", "dnat map"].contains(&self.star);
        if nats {
            let early = matches!(self.star, "dnat" | "redirect" | "dnat map");
            hook = if early { self.case.hooks[0] } else { self.case.hooks[self.case.hooks.len() - 1] };
        }
        let nat = hook != "forward" && percent(self.dice, if nats { 60 } else { 15 });
        let early = matches!(hook, "prerouting" | "output");
        if nat {
            let usual = if early { -100 } else { 100 };
            return Base { hook, kind: "nat", priority: usual + pick(self.dice, &[0, 0, 5, -90]) };
        }
        let raw = early && percent(self.dice, if self.star == "notrack" { 70 } else { 10 });
        let kind = if hook == "output" && percent(self.dice, 20) { "route" } else { "filter" };
        // The same priority twice is rare: the kernel does not tell who comes first.
        let spread = if percent(self.dice, 5) { 0 } else { number * 7 };
        let priority = if raw { -300 } else { pick(self.dice, &[-150, -120, -20, 0, 0, 20, 120]) } + spread;
        Base { hook, kind, priority }
    }

    fn rule(&mut self, base: &Base) -> String {
        let conds = conds(self.case, base.hook, self.family);
        let mut words = Vec::new();
        let favourite = conds.iter().find(|cond| cond.name == self.star).cloned();
        for number in 0..pick(self.dice, &[0, 1, 1, 2]) {
            let cond = match &favourite {
                Some(cond) if number == 0 && percent(self.dice, 70) => cond.clone(),
                _ => pick(self.dice, &conds),
            };
            words.push(if percent(self.dice, 70) { cond.yes } else { cond.no });
        }
        let mut what = pick(self.dice, STATEMENTS);
        if STATEMENTS.contains(&self.star) && percent(self.dice, 50) {
            what = STATEMENTS.iter().find(|s| **s == self.star).unwrap();
        }
        words.push(self.statement(what, base));
        words.join(" ")
    }

    fn chain(&mut self) -> &'static str {
        if self.jumps == 2 { pick(self.dice, &["h0", "h1"]) } else { "h1" }
    }

    /// One statement; where it may not stand, something simple.
    fn statement(&mut self, what: &str, base: &Base) -> String {
        let refuses = matches!(base.hook, "input" | "forward" | "output");
        let simple = if percent(self.dice, 55) { "accept" } else { "counter drop" }.to_owned();
        let ported = self.case.ported();
        match what {
            "accept" | "drop" | "return" => what.to_owned(),
            "reject" if refuses => self.refusal(),
            "reset" if refuses && self.case.shot.proto == TCP => "reject with tcp reset".to_owned(),
            "jump" | "goto" if self.jumps > 0 => format!("{what} {}", self.chain()),
            "mark" => pick(self.dice, &["meta mark set 0x7", "meta mark set 0x10 accept"]).to_owned(),
            "mark or" => "meta mark set meta mark | 0x20".to_owned(),
            "mark map" if ported.is_some() => {
                format!("meta mark set {} dport map @marks", ported.unwrap_or_default())
            }
            "ct mark" => pick(self.dice, &["ct mark set 0x5", "meta mark set ct mark"]).to_owned(),
            "vmap" | "state vmap" => self.choice(what),
            "named vmap" if self.jumps == 2 => self.choice(what),
            "concat vmap" if ported.is_some() => self.choice(what),
            "limit" if percent(self.dice, 25) => format!("limit rate 5/second {simple}"),
            "quota" if percent(self.dice, 25) => format!("quota over 1 mbytes {simple}"),
            "notrack" if base.priority < -200 => "notrack".to_owned(),
            "dscp" => format!("{} dscp set {}", self.ip(), pick(self.dice, &["cs1", "ef", "af11"])),
            "numgen" if percent(self.dice, 40) => {
                "numgen random mod 2 vmap { 0 : accept, 1 : drop }".to_owned()
            }
            _ if base.kind == "nat" => self.nat(what, base.hook),
            _ => simple,
        }
    }

    /// A verdict map.
    pub(super) fn choice(&mut self, what: &str) -> String {
        let (ip, ported, dport) = (self.ip(), self.case.ported(), self.case.shot.dport);
        let (yes, no) = pick(
            self.dice,
            &[
                ("drop", "accept"),
                ("drop", "continue"),
                ("drop", "accept"),
                ("accept", "drop"),
                ("continue", "drop"),
            ],
        );
        match (what, ported) {
            ("state vmap", _) if self.case.established => {
                format!("ct state vmap {{ new : {no}, established : {yes}, invalid : continue }}")
            }
            ("state vmap", _) => {
                format!("ct state vmap {{ new : {yes}, established : {no}, invalid : continue }}")
            }
            ("vmap", Some(proto)) => format!("{proto} dport vmap {{ {dport} : {yes}, 1-9 : accept }}"),
            ("vmap", None) => format!("{ip} saddr vmap {{ {} : {yes} }}", self.case.shot.src),
            ("concat vmap", Some(proto)) => {
                let net = self.case.net(self.case.src_net());
                format!("{ip} saddr . {proto} dport vmap {{ {net} . 1-9000 : {yes} }}")
            }
            (_, Some(proto)) if percent(self.dice, 50) => format!("{proto} dport vmap @ports"),
            _ => format!("{ip} saddr vmap @hosts"),
        }
    }

    pub(super) fn refusal(&mut self) -> String {
        let codes = ["port-unreachable", "admin-prohibited", "host-unreachable", "no-route"];
        let code = pick(self.dice, &codes);
        match (self.family, percent(self.dice, 40)) {
            ("inet", true) => format!("reject with icmpx {code}"),
            (_, true) if self.case.v6() => {
                format!(
                    "reject with icmpv6 {}",
                    if code == "host-unreachable" { "addr-unreachable" } else { code }
                )
            }
            (_, true) => {
                format!("reject with icmp {}", if code == "no-route" { "net-unreachable" } else { code })
            }
            _ => "reject".to_owned(),
        }
    }

    pub(super) fn nat(&mut self, what: &str, hook: &str) -> String {
        let (case, ip) = (self.case, self.ip());
        let early = matches!(hook, "prerouting" | "output");
        let family = if self.family == "inet" { format!("{ip} ") } else { String::new() };
        let host =
            |host: u8| if case.v6() { format!("[{}]", case.addr(2, host)) } else { case.addr(2, host) };
        match (what, early) {
            ("masquerade", false) if hook == "postrouting" => {
                pick(self.dice, &["masquerade", "masquerade random", "masquerade fully-random"]).to_owned()
            }
            ("redirect", true) if hook == "prerouting" => match case.ported() {
                Some(proto) => format!("{proto} dport 1-9999 redirect to :99"),
                None => "redirect".to_owned(),
            },
            ("dnat map", true) => {
                let map = format!(
                    "{{ {} : {}, {} : {} }}",
                    case.shot.dst,
                    case.addr(2, 4),
                    case.addr(7, 7),
                    case.addr(2, 3)
                );
                format!("dnat {family}to {ip} daddr map {map}")
            }
            (_, true) => match (case.ported(), percent(self.dice, 50)) {
                (Some(proto), true) => format!("meta l4proto {proto} dnat {family}to {}:4321", host(3)),
                _ => format!("dnat {family}to {}", case.addr(2, 3)),
            },
            (_, false) => format!("snat {family}to {}", case.addr(2, 50)),
        }
    }
}
