//! Random tables of iptables for one packet, as iptables-restore reads them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rand::Rng;
use rand::rngs::StdRng;

use super::dice::{Case, Cond, cond, percent, pick};
use super::packets::{ICMP, TCP};

/// Everything that can stand after `-j`, by name.
pub(super) const TARGETS: &[&str] = &[
    "ACCEPT", "DROP", "REJECT", "RESET", "RETURN", "-j", "-g", "MARK", "CONNMARK", "RESTORE", "NOTRACK", "DSCP", "LOG",
    "SNAT", "DNAT", "MASQUERADE", "REDIRECT", "NETMAP", "POLICY", "statistic",
];

const TABLES: [(&str, &[&str]); 4] = [
    ("raw", &["prerouting", "output"]),
    ("mangle", &["prerouting", "input", "forward", "output", "postrouting"]),
    ("nat", &["prerouting", "input", "output", "postrouting"]),
    ("filter", &["input", "forward", "output"]),
];

/// A text that leaves the old tables as if nobody had ever asked for them.
pub(super) fn blank() -> String {
    let mut text = String::new();
    for (table, hooks) in TABLES {
        let _ = writeln!(text, "*{table}");
        for hook in hooks {
            let _ = writeln!(text, ":{} ACCEPT [0:0]", hook.to_uppercase());
        }
        text.push_str("COMMIT\n");
    }
    text
}

/// Tables of its own for this packet. Those without a rule are left out, unless all are asked for.
pub(super) fn tables(dice: &mut StdRng, case: &Case, star: &str, all: bool) -> String {
    let mut drawn = Drawn { dice, case, star, rules: BTreeMap::new() };
    for _ in 0..drawn.dice.random_range(2..6) {
        drawn.rule();
    }
    let (mut text, rules) = (String::new(), std::mem::take(&mut drawn.rules));
    for (table, hooks) in TABLES {
        let Some(lines) = rules.get(table).cloned().or(all.then(Vec::new)) else { continue };
        let _ = writeln!(text, "*{table}");
        for hook in hooks {
            let drops = percent(drawn.dice, if star == "POLICY" { 60 } else { 8 });
            let policy = if table == "filter" && !rules.is_empty() && drops { "DROP" } else { "ACCEPT" };
            let _ = writeln!(text, ":{} {policy} [0:0]", hook.to_uppercase());
        }
        if !lines.is_empty() {
            text.push_str(":H0 - [0:0]\n:H1 - [0:0]\n");
            let _ = writeln!(text, "{}", drawn.helpers(table));
        }
        for line in lines {
            let _ = writeln!(text, "{line}");
        }
        text.push_str("COMMIT\n");
    }
    text
}

struct Drawn<'a> {
    dice: &'a mut StdRng,
    case: &'a Case,
    star: &'a str,
    rules: BTreeMap<&'static str, Vec<String>>,
}

impl Drawn<'_> {
    fn rule(&mut self) {
        let fits: Vec<(&'static str, &'static str)> = TABLES
            .iter()
            .flat_map(|(table, hooks)| hooks.iter().map(move |hook| (*table, *hook)))
            .filter(|(_, hook)| self.case.hooks.contains(hook))
            .collect();
        let wants = match self.star {
            "NOTRACK" => "raw",
            "SNAT" | "DNAT" | "MASQUERADE" | "REDIRECT" | "NETMAP" => "nat",
            "MARK" | "CONNMARK" | "RESTORE" | "DSCP" => "mangle",
            "REJECT" | "RESET" | "DROP" => "filter",
            _ => "",
        };
        let favourites: Vec<_> = fits.iter().filter(|(table, _)| *table == wants).copied().collect();
        let from = if !favourites.is_empty() && percent(self.dice, 60) { favourites } else { fits };
        let (table, hook) = pick(self.dice, &from);
        let line = self.line(table, hook, &hook.to_uppercase(), true);
        self.rules.entry(table).or_default().push(line);
    }

    fn helpers(&mut self, table: &'static str) -> String {
        // A chain may be entered from any hook of its table: only what fits all of them stands in it.
        let lines: Vec<String> = ["H0", "H1"].iter().map(|chain| self.line(table, "", chain, *chain == "H0")).collect();
        lines.join("\n")
    }

    fn line(&mut self, table: &str, hook: &str, chain: &str, jumps: bool) -> String {
        let conds = conds(self.case, hook);
        let favourite = conds.iter().find(|cond| cond.name == self.star).cloned();
        let mut words = vec![format!("-A {chain}")];
        // iptables takes each option once.
        let mut used: Vec<&str> = Vec::new();
        for number in 0..pick(self.dice, &[0, 1, 1, 2]) {
            let cond = match &favourite {
                Some(cond) if number == 0 && percent(self.dice, 70) => cond.clone(),
                _ => pick(self.dice, &conds),
            };
            let key = if cond.yes.contains("-p ") { "-p" } else if cond.name.starts_with("source") { "-s" } else { cond.name };
            if !used.contains(&key) {
                words.push(if percent(self.dice, 70) { cond.yes } else { cond.no });
                used.push(key);
            }
        }
        let mut what = pick(self.dice, TARGETS);
        if TARGETS.contains(&self.star) && percent(self.dice, 55) {
            what = TARGETS.iter().find(|t| **t == self.star).unwrap();
        }
        let tcp = !used.contains(&"-p");
        words.push(self.target(what, table, hook, chain, jumps, tcp));
        words.join(" ")
    }

    fn target(&mut self, what: &str, table: &str, hook: &str, chain: &str, jumps: bool, free: bool) -> String {
        // iptables' nat table is no place to drop.
        let accepts = table == "nat" || percent(self.dice, 55);
        let simple = if accepts { "-j ACCEPT" } else { "-j DROP" }.to_owned();
        let into = if chain == "H0" { "H1" } else { pick(self.dice, &["H0", "H1"]) };
        let (case, v6) = (self.case, self.case.v6());
        let early = matches!(hook, "prerouting" | "output");
        match what {
            "ACCEPT" | "RETURN" => format!("-j {what}"),
            "DROP" if table != "nat" => "-j DROP".to_owned(),
            "REJECT" if table == "filter" => {
                let with: &[&str] = if v6 {
                    &["", " --reject-with icmp6-adm-prohibited", " --reject-with icmp6-no-route"]
                } else {
                    &["", " --reject-with icmp-admin-prohibited", " --reject-with icmp-host-unreachable"]
                };
                format!("-j REJECT{}", pick(self.dice, with))
            }
            "RESET" if table == "filter" && free => "-p tcp -j REJECT --reject-with tcp-reset".to_owned(),
            "-j" | "-g" if jumps => format!("{what} {into}"),
            "MARK" if table == "mangle" => {
                format!("-j MARK {}", pick(self.dice, &["--set-xmark 0x7/0xff", "--set-mark 0x10", "--or-mark 0x20"]))
            }
            "CONNMARK" if table == "mangle" => {
                format!("-j CONNMARK {}", pick(self.dice, &["--set-mark 0x5", "--save-mark --nfmask 0xff --ctmask 0xff"]))
            }
            "RESTORE" if table == "mangle" => "-j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xf".to_owned(),
            "NOTRACK" if table == "raw" => pick(self.dice, &["-j CT --notrack", "-j NOTRACK"]).to_owned(),
            "DSCP" if table == "mangle" => "-j DSCP --set-dscp 0x0c".to_owned(),
            "LOG" => "-m comment --comment \"only a word, -j DROP\"".to_owned(),
            "statistic" if percent(self.dice, 30) => format!("-m statistic --mode random --probability 0.5 {simple}"),
            "SNAT" if table == "nat" && hook == "postrouting" => format!("-j SNAT --to-source {}", case.addr(2, 50)),
            "NETMAP" if table == "nat" && hook == "postrouting" => {
                let net = if v6 { "fd02:0:0:0:1::/80" } else { "10.2.0.128/25" };
                format!("-j NETMAP --to {net}")
            }
            "MASQUERADE" if table == "nat" && hook == "postrouting" => {
                pick(self.dice, &["-j MASQUERADE", "-j MASQUERADE --random-fully"]).to_owned()
            }
            "REDIRECT" if table == "nat" && hook == "prerouting" && free => match case.ported() {
                Some(proto) => format!("-p {proto} -j REDIRECT --to-ports 99"),
                None => "-j REDIRECT".to_owned(),
            },
            "DNAT" if table == "nat" && early => match case.ported() {
                Some(proto) if free => {
                    let host = if v6 { format!("[{}]", case.addr(2, 3)) } else { case.addr(2, 3) };
                    format!("-p {proto} -j DNAT --to-destination {host}:4321")
                }
                _ => format!("-j DNAT --to-destination {}", case.addr(2, 4)),
            },
            _ => simple,
        }
    }
}

/// Conditions that may stand in a chain of this hook (empty: in any).
pub(super) fn conds(case: &Case, hook: &str) -> Vec<Cond> {
    let (src, far) = (case.net(case.src_net()), case.net(7));
    let range = format!("{}-{}", case.addr(case.dst_net(), 1), case.addr(case.dst_net(), 9));
    let apart = format!("{}-{}", case.addr(7, 1), case.addr(7, 9));
    let state = if case.established { "ESTABLISHED,RELATED" } else { "NEW" };
    let local = if case.hooks[0] == "output" { "LOCAL" } else { "UNICAST" };
    let there = if case.hooks.contains(&"input") { "LOCAL" } else { "UNICAST" };
    let (len, dscp) = (case.shot.len(), case.shot.dscp);
    let hops = if case.v6() { "-m hl --hl" } else { "-m ttl --ttl" };
    let mut all = vec![
        cond("source", format!("-s {src}"), format!("-s {far}")),
        cond("source not", format!("! -s {far}"), format!("! -s {src}")),
        cond("destination", format!("-d {}", case.shot.dst), format!("-d {far}")),
        cond("ctstate", format!("-m conntrack --ctstate {state}"), "-m conntrack --ctstate INVALID"),
        cond("ctstate not", "-m conntrack ! --ctstate INVALID,DNAT", format!("-m conntrack ! --ctstate {state}")),
        cond("ctstate nat", format!("-m conntrack --ctstate DNAT,{state}"), "-m conntrack --ctstate DNAT,SNAT"),
        cond("mark match", "-m mark --mark 0x0/0xff", "-m mark --mark 0x7/0xf"),
        cond("connmark", "-m connmark --mark 0x0", "-m connmark --mark 0x5"),
        cond("dst-type", format!("-m addrtype --dst-type {there}"), "-m addrtype --dst-type ANYCAST,MULTICAST"),
        cond("src-type", format!("-m addrtype --src-type {local}"), format!("-m addrtype ! --src-type {local}")),
        cond("iprange", format!("-m iprange --dst-range {range}"), format!("-m iprange --src-range {apart}")),
        cond("length match", format!("-m length --length {len}"), format!("-m length --length 0:{}", len - 1)),
        cond("dscp match", format!("-m dscp --dscp {dscp}"), "-m dscp --dscp 13"),
        cond("hops", format!("{hops}-gt 5"), format!("{hops}-lt 6")),
        cond("origdst", format!("-m conntrack --ctorigdst {}", case.shot.dst), format!("-m conntrack --ctorigdst {far}")),
        cond("ctdir", "-m conntrack --ctdir ORIGINAL", "-m conntrack --ctdir REPLY"),
    ];
    if matches!(hook, "prerouting" | "input" | "forward") {
        all.push(cond("in", "-i a0", "! -i a0"));
        all.push(cond("in like", "-i a+", "-i eth+"));
        all.push(cond("mac", "-m mac --mac-source 02:00:00:00:00:0a", "-m mac --mac-source 02:00:00:00:00:0b"));
        all.push(cond("pkt-type", "-m pkttype --pkt-type unicast", "-m pkttype --pkt-type broadcast"));
    }
    if matches!(hook, "forward" | "output" | "postrouting") {
        all.push(cond("out", "-o b0", "! -o b+"));
    }
    all.extend(transport(case));
    all
}

/// Conditions on what is behind the IP header; each begins with its protocol.
fn transport(case: &Case) -> Vec<Cond> {
    let dport = case.shot.dport;
    let Some(proto) = case.ported() else {
        return if case.shot.proto == ICMP {
            vec![cond("icmp-type", "-p icmp -m icmp --icmp-type 8", "-p icmp -m icmp --icmp-type 0/0")]
        } else {
            vec![cond("icmp-type", "-p ipv6-icmp -m icmp6 --icmpv6-type 128", "-p ipv6-icmp -m icmp6 --icmpv6-type 1/4")]
        };
    };
    let p = format!("-p {proto}");
    let mut all = vec![
        cond("proto", p.clone(), format!("! {p}")),
        cond("dport", format!("{p} --dport {dport}"), format!("{p} ! --dport {dport}")),
        cond("port range", format!("{p} --dport 1:9999"), format!("{p} --sport 1:9")),
        cond("multiport", format!("{p} -m multiport --dports 7,{dport},9000:9009"), format!("{p} -m multiport --ports 7,8")),
    ];
    if case.shot.proto == TCP {
        all.push(cond("tcp-flags", format!("{p} --syn"), format!("{p} --tcp-flags SYN,ACK ACK")));
    }
    all
}
