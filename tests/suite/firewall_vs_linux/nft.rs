//! Random tables of nft for one packet: families, priorities, sets, maps, verdicts, rewriting.

use std::fmt::Write as _;

use rand::Rng;
use rand::rngs::StdRng;

use super::dice::{Case, Cond, cond, percent, pick};
use super::packets::{ICMP, TCP};

/// Everything that can stand in a table of nft, by name; a case has a favourite among them.
pub(super) const STATEMENTS: &[&str] = &[
    "accept", "drop", "reject", "jump", "goto", "return", "mark", "mark or", "mark map", "ct mark", "vmap", "state vmap",
    "named vmap", "concat vmap", "notrack", "dscp", "snat", "dnat", "masquerade", "redirect", "dnat map", "policy",
    "priority", "reset", "numgen",
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
        let mut table = Table { dice, case, family, star, jumps: 0 };
        let _ = writeln!(text, "table {family} t{number} {{\n{}{}}}", table.sets(), table.chains());
    }
    text
}

struct Table<'a> {
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

impl Table<'_> {
    fn ip(&self) -> &'static str {
        if self.case.v6() { "ip6" } else { "ip" }
    }

    fn sets(&mut self) -> String {
        let (case, of) = (self.case, if self.case.v6() { "ipv6_addr" } else { "ipv4_addr" });
        let (yes, dport) = (case.net(case.src_net()), case.shot.dport);
        let (other, port) = (case.net(7), dport + 1);
        let chain = pick(self.dice, &["h0", "h1"]);
        format!(
            "set in {{ type {of}; flags interval; elements = {{ {yes}, {other} }}; }}\n\
             set out {{ type {of}; flags interval; elements = {{ {other} }}; }}\n\
             set pairs {{ type {of} . inet_service; flags interval; elements = {{ {yes} . {dport}-{port} }}; }}\n\
             set names {{ type ifname; elements = {{ \"a0\", \"zz\" }}; }}\n\
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
        let dport = self.case.shot.dport;
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
            "state vmap" => {
                let (new, old) = if percent(self.dice, 50) { ("accept", "drop") } else { ("drop", "accept") };
                format!("ct state vmap {{ new : {new}, established : {old}, invalid : continue }}")
            }
            "vmap" => match ported {
                Some(proto) => {
                    format!("{proto} dport vmap {{ {dport} : {}, 1-9 : accept }}", pick(self.dice, &["drop", "accept", "continue"]))
                }
                None => format!("{} saddr vmap {{ {} : drop }}", self.ip(), self.case.shot.src),
            },
            "named vmap" if self.jumps == 2 => match (ported, percent(self.dice, 50)) {
                (Some(proto), true) => format!("{proto} dport vmap @ports"),
                _ => format!("{} saddr vmap @hosts", self.ip()),
            },
            "concat vmap" if ported.is_some() => {
                let (ip, net) = (self.ip(), self.case.net(self.case.src_net()));
                let verdict = pick(self.dice, &["drop", "accept"]);
                format!("{ip} saddr . {} dport vmap {{ {net} . 1-9000 : {verdict} }}", ported.unwrap_or_default())
            }
            "notrack" if base.priority < -200 => "notrack".to_owned(),
            "dscp" => format!("{} dscp set {}", self.ip(), pick(self.dice, &["cs1", "ef", "af11"])),
            "numgen" if percent(self.dice, 40) => "numgen random mod 2 vmap { 0 : accept, 1 : drop }".to_owned(),
            _ if base.kind == "nat" => self.nat(what, base),
            _ => simple,
        }
    }

    fn refusal(&mut self) -> String {
        let codes = ["port-unreachable", "admin-prohibited", "host-unreachable", "no-route"];
        let code = pick(self.dice, &codes);
        match (self.family, percent(self.dice, 40)) {
            ("inet", true) => format!("reject with icmpx {code}"),
            (_, true) if self.case.v6() => {
                format!("reject with icmpv6 {}", if code == "host-unreachable" { "addr-unreachable" } else { code })
            }
            (_, true) => {
                format!("reject with icmp {}", if code == "no-route" { "net-unreachable" } else { code })
            }
            _ => "reject".to_owned(),
        }
    }

    fn nat(&mut self, what: &str, base: &Base) -> String {
        let (case, ip) = (self.case, self.ip());
        let early = matches!(base.hook, "prerouting" | "output");
        let family = if self.family == "inet" { format!("{ip} ") } else { String::new() };
        let host = |host: u8| if case.v6() { format!("[{}]", case.addr(2, host)) } else { case.addr(2, host) };
        match (what, early) {
            ("masquerade", false) if base.hook == "postrouting" => {
                pick(self.dice, &["masquerade", "masquerade random", "masquerade fully-random"]).to_owned()
            }
            ("redirect", true) if base.hook == "prerouting" => match case.ported() {
                Some(proto) => format!("{proto} dport 1-9999 redirect to :99"),
                None => "redirect".to_owned(),
            },
            ("dnat map", true) => {
                let map = format!("{{ {} : {}, {} : {} }}", case.shot.dst, case.addr(2, 4), case.addr(7, 7), case.addr(2, 3));
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

/// Conditions that may stand in a chain of this hook (empty: in any).
pub(super) fn conds(case: &Case, hook: &str, family: &str) -> Vec<Cond> {
    let (ip, of) = if case.v6() { ("ip6", "ipv6") } else { ("ip", "ipv4") };
    let (src, dst) = (case.net(case.src_net()), case.shot.dst);
    let (far, range) = (case.net(7), format!("{}-{}", case.addr(case.dst_net(), 1), case.addr(case.dst_net(), 9)));
    let proto = case.shot.proto;
    let ttl = if case.v6() { "ip6 hoplimit" } else { "ip ttl" };
    let (mask, bits) = if case.v6() { ("::ffff", format!("::{:x}", last(case))) } else { ("0.0.0.255", format!("0.0.0.{}", last(case))) };
    let len = case.shot.len();
    let mut all = vec![
        cond("saddr", format!("{ip} saddr {src}"), format!("{ip} saddr {far}")),
        cond("range", format!("{ip} daddr {range}"), format!("{ip} daddr != {range}")),
        cond("negation", format!("{ip} saddr != {far}"), format!("{ip} saddr != {src}")),
        cond("bitmask", format!("{ip} daddr & {mask} == {bits}"), format!("{ip} daddr & {mask} == {}", if case.v6() { "::99" } else { "0.0.0.99" })),
        cond("set", format!("{ip} saddr {{ {src}, {far} }}"), format!("{ip} daddr {{ {far}, {} }}", case.addr(7, 9).replace('7', "6"))),
        cond("named set", format!("{ip} saddr @in"), format!("{ip} saddr @out")),
        cond("l4proto", format!("meta l4proto {proto}"), format!("meta l4proto {{ 33, 132 }}")),
        cond("ct state", if case.established { "ct state established,related" } else { "ct state new" }, "ct state invalid,untracked"),
        cond("ct state set", "ct state { new, established }", "ct state != { new, established }"),
        cond("ct direction", "ct direction original", "ct direction reply"),
        cond("ct status", "ct status ! dnat", "ct status dnat"),
        cond("ct mark", "ct mark 0", "ct mark 5"),
        cond("mark", "meta mark 0", "meta mark 0x7"),
        cond("mark mask", "meta mark & 0xf0 == 0x0", "meta mark & 0x30 != 0x0"),
        cond("length", format!("meta length {len}"), format!("meta length > {len}")),
        cond("dscp", format!("{ip} dscp {}", case.shot.dscp), format!("{ip} dscp {{ 12, 14 }}")),
        cond("ttl", format!("{ttl} > 5"), format!("{ttl} < 6")),
        cond("fib type", "fib daddr type { local, unicast }", "fib daddr type broadcast"),
        cond("fib source", format!("fib saddr type {}", if case.hooks[0] == "output" { "local" } else { "unicast" }), "fib saddr type blackhole"),
        cond("ct original", format!("ct original {ip} daddr {dst}"), format!("ct original {ip} saddr {far}")),
    ];
    if !case.v6() {
        all.push(cond("fragment", "ip frag-off & 0x1fff == 0", "ip frag-off & 0x3fff != 0"));
    }
    if family == "inet" {
        all.push(cond("nfproto", format!("meta nfproto {of}"), format!("meta nfproto {}", if case.v6() { "ipv4" } else { "ipv6" })));
    }
    if matches!(hook, "prerouting" | "input" | "forward") {
        all.push(cond("iif", "iifname \"a0\"", "iifname { \"b0\", \"lo\" }"));
        all.push(cond("wildcard", "iifname \"a*\"", "iifname \"eth*\""));
        all.push(cond("named names", "iifname @names", "iifname != @names"));
        all.push(cond("pkttype", "meta pkttype host", "meta pkttype { broadcast, multicast }"));
        all.push(cond("ether", "ether saddr 02:00:00:00:00:0a", "ether saddr 02:00:00:00:00:0b"));
        let back = if case.src_net() == 1 { ("exists", "missing") } else { ("missing", "exists") };
        all.push(cond("fib back", format!("fib saddr . iif oif {}", back.0), format!("fib saddr . iif oif {}", back.1)));
    }
    if matches!(hook, "forward" | "output" | "postrouting") {
        all.push(cond("oif", "oifname \"b0\"", "oifname != \"b*\""));
    }
    if hook == "forward" {
        all.push(cond("two devices", "iifname . oifname { \"a0\" . \"b0\", \"b0\" . \"a0\" }", "iifname . oifname { \"b0\" . \"a0\" }"));
    }
    all.extend(ports(case, ip, &src));
    all
}

fn last(case: &Case) -> u16 {
    let text = case.shot.dst.to_string();
    text.rsplit(['.', ':']).next().unwrap().parse().unwrap()
}

/// Conditions on what is behind the IP header.
fn ports(case: &Case, ip: &str, src: &str) -> Vec<Cond> {
    let dport = case.shot.dport;
    let Some(proto) = case.ported() else {
        return if case.shot.proto == ICMP {
            vec![cond("icmp", "icmp type echo-request", "icmp type { echo-reply, destination-unreachable }")]
        } else {
            vec![cond("icmp", "icmpv6 type echo-request", "icmpv6 type { echo-reply, nd-redirect }")]
        };
    };
    let mut all = vec![
        cond("port", format!("{proto} dport {dport}"), format!("{proto} dport != 1-9999")),
        cond("port set", format!("{proto} dport {{ 7, {dport}-{} }}", dport + 2), format!("{proto} sport {{ 7, 8 }}")),
        cond("th port", format!("meta l4proto {{ tcp, udp }} th dport {dport}"), "meta l4proto { tcp, udp } th sport 7"),
        cond("concat", format!("{ip} saddr . {proto} dport @pairs"), format!("{ip} daddr . {proto} sport @pairs")),
        cond("concat set", format!("{ip} saddr . {proto} dport {{ {src} . 1-9000 }}"), format!("{ip} saddr . {proto} dport {{ {src} . 1-7 }}")),
    ];
    if case.shot.proto == TCP {
        all.push(cond("tcp flags", "tcp flags & (fin | syn | rst | ack) == syn", "tcp flags & (fin | ack) != 0"));
        all.push(cond("tcp flag", "tcp flags syn", "tcp flags ack,rst"));
    }
    all
}
