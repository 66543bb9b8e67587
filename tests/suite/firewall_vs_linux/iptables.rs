//! Random tables of iptables for one packet, as iptables-restore reads them.

mod conds;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rand::Rng;
use rand::rngs::StdRng;

use conds::conds;

use super::aims::Aim;
use super::dice::{Case, Cond, percent, pick};

/// Everything that can stand after `-j`, by name.
pub(super) const TARGETS: &[&str] = &[
    "ACCEPT",
    "DROP",
    "REJECT",
    "RESET",
    "RETURN",
    "-j",
    "-g",
    "MARK",
    "CONNMARK",
    "RESTORE",
    "NOTRACK",
    "DSCP",
    "LOG",
    "SNAT",
    "DNAT",
    "MASQUERADE",
    "REDIRECT",
    "NETMAP",
    "POLICY",
    "statistic",
    "limit",
    "physdev",
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

/// Tables of its own: for each of these packets rules that make its feature decide, and some that only stand about.
/// Those without a rule are left out, unless all are asked for.
pub(super) fn tables(dice: &mut StdRng, aims: &[(usize, &Aim)], about: Option<&Aim>, all: bool) -> String {
    let Some((_, first)) = aims.first() else { return String::new() };
    let mut drawn = Drawn { dice, case: &first.case, star: "", rules: BTreeMap::new(), dropping: None };
    if let Some(Aim { case, star }) = about {
        (drawn.case, drawn.star) = (case, star);
        for _ in 0..drawn.dice.random_range(1..5) {
            drawn.rule();
        }
    }
    for (place, Aim { case, star }) in aims {
        (drawn.case, drawn.star) = (case, star);
        drawn.aim(*place);
    }
    drawn.text(about.is_some(), all)
}

struct Drawn<'a> {
    dice: &'a mut StdRng,
    case: &'a Case,
    star: &'a str,
    rules: BTreeMap<&'static str, Vec<String>>,
    /// The chain of the filter table whose policy is DROP.
    dropping: Option<&'static str>,
}

impl Drawn<'_> {
    fn text(mut self, about: bool, all: bool) -> String {
        let (mut text, rules) = (String::new(), std::mem::take(&mut self.rules));
        for (table, hooks) in TABLES {
            let Some(lines) = rules.get(table).cloned().or(all.then(Vec::new)) else { continue };
            let _ = writeln!(text, "*{table}");
            for hook in hooks {
                let drops = table == "filter"
                    && !rules.is_empty()
                    && (self.dropping == Some(*hook) || about && percent(self.dice, 5));
                let _ = writeln!(
                    text,
                    ":{} {} [0:0]",
                    hook.to_uppercase(),
                    if drops { "DROP" } else { "ACCEPT" }
                );
            }
            if !lines.is_empty() {
                text.push_str(":H0 - [0:0]\n:H1 - [0:0]\n");
                text.push_str(":H2 - [0:0]\n:H3 - [0:0]\n-A H2 -j RETURN\n");
                // iptables' nat table is no place to drop.
                text.push_str(if table == "nat" { "" } else { "-A H3 -j DROP\n" });
                let _ = writeln!(text, "{}", self.helpers(table));
            }
            for line in lines {
                let _ = writeln!(text, "{line}");
            }
            text.push_str("COMMIT\n");
        }
        text
    }

    /// Rules of which the feature alone decides what becomes of the packet.
    #[expect(clippy::too_many_lines, reason = "one match, an arm a feature")]
    fn aim(&mut self, place: usize) {
        let (case, star) = (self.case, self.star);
        let hooks = case.hooks.clone();
        let (first, last) = (hooks[0], hooks[hooks.len() - 1]);
        let refusing = *hooks.iter().find(|hook| matches!(**hook, "input" | "forward" | "output")).unwrap();
        let any = pick(self.dice, &hooks);
        // Where anything may be dropped: a table for every hook.
        let table = match any {
            "prerouting" => pick(self.dice, &["raw", "mangle"]),
            "postrouting" => "mangle",
            "output" => pick(self.dice, &["raw", "mangle", "filter"]),
            _ => pick(self.dice, &["mangle", "filter"]),
        };
        let mut put = |table: &'static str, hook: &str, what: &str| {
            let guard = &case.guard()[1];
            // iptables takes `-p` once.
            let what = what.strip_prefix(guard.split(" --").next().unwrap()).unwrap_or(what);
            self.rules.entry(table).or_default().push(format!("-A {} {guard} {what}", hook.to_uppercase()));
        };
        let late = if table == "raw" { "mangle" } else { table };
        let fitting: Vec<(&str, Cond)> = hooks
            .iter()
            .flat_map(|hook| conds(case, hook).into_iter().map(move |cond| (*hook, cond)))
            .filter(|(_, cond)| cond.name == star)
            .collect();
        if let Some((hook, cond)) = fitting.get(place % fitting.len().max(1)) {
            let table =
                if matches!(*hook, "prerouting" | "postrouting") || place == 1 { "mangle" } else { "filter" };
            return put(table, hook, &format!("{} -j DROP", cond.yes));
        }
        match star {
            "DROP" => put(table, any, "-j DROP"),
            "table raw" => put("raw", first, "-j DROP"),
            "table mangle" => put("mangle", any, "-j DROP"),
            "table filter" => put("filter", refusing, "-j DROP"),
            "-j" => put(table, any, "-j H3"),
            "-g" | "ACCEPT" | "RETURN" => {
                put(
                    table,
                    any,
                    if star == "-g" { "-g H2".to_owned() } else { format!("-j {star}") }.as_str(),
                );
                put(table, any, "-j DROP");
            }
            "CONNMARK" => {
                put("mangle", first, "-j CONNMARK --set-mark 0x5");
                put("mangle", first, "-j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xf");
            }
            "NOTRACK" => {
                put("raw", first, "-j CT --notrack");
                put("mangle", last, "-m conntrack --ctstate UNTRACKED -j DROP");
            }
            "POLICY" => {
                self.dropping = Some(refusing);
                put("filter", refusing, "-m comment --comment \"to the policy\"");
            }
            "REJECT" | "RESET" => {
                let target = self.target(star, "filter", refusing, "", true, true);
                self.put_plain("filter", refusing, &target);
            }
            "MARK" | "DSCP" => {
                let target = self.target(star, "mangle", any, "", true, true);
                self.put_plain("mangle", any, &target);
            }
            "SNAT" | "MASQUERADE" | "NETMAP" | "DNAT" | "REDIRECT" => {
                let hook = if matches!(star, "DNAT" | "REDIRECT") { first } else { last };
                let target = self.target(star, "nat", hook, "", true, true);
                self.put_plain("nat", hook, &target);
            }
            _ => put(late, any, "-j DROP"),
        }
    }

    /// A target that may name its protocol itself.
    fn put_plain(&mut self, table: &'static str, hook: &str, target: &str) {
        let [_, guard] = self.case.guard();
        let target = target.strip_prefix(guard.split(" --").next().unwrap()).unwrap_or(target);
        let line = format!("-A {} {guard} {target}", hook.to_uppercase());
        self.rules.entry(table).or_default().push(line);
    }

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
        let lines: Vec<String> =
            ["H0", "H1"].iter().map(|chain| self.line(table, "", chain, *chain == "H0")).collect();
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
            let key = if cond.yes.contains("-p ") {
                "-p"
            } else if cond.name.starts_with("source") {
                "-s"
            } else {
                cond.name
            };
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

    #[expect(clippy::too_many_lines, reason = "one match, an arm a target")]
    fn target(
        &mut self,
        what: &str,
        table: &str,
        hook: &str,
        chain: &str,
        jumps: bool,
        free: bool,
    ) -> String {
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
                format!(
                    "-j MARK {}",
                    pick(self.dice, &["--set-xmark 0x7/0xff", "--set-mark 0x10", "--or-mark 0x20"])
                )
            }
            "CONNMARK" if table == "mangle" => {
                format!(
                    "-j CONNMARK {}",
                    pick(self.dice, &["--set-mark 0x5", "--save-mark --nfmask 0xff --ctmask 0xff"])
                )
            }
            "RESTORE" if table == "mangle" => {
                "-j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xf".to_owned()
            }
            "NOTRACK" if table == "raw" => pick(self.dice, &["-j CT --notrack", "-j NOTRACK"]).to_owned(),
            "DSCP" if table == "mangle" => "-j DSCP --set-dscp 0x0c".to_owned(),
            "LOG" => "-m comment --comment \"only a word, -j DROP\"".to_owned(),
            "limit" if percent(self.dice, 25) => format!("-m limit --limit 5/sec {simple}"),
            "physdev" if percent(self.dice, 25) => format!("-m physdev --physdev-in p0 {simple}"),
            "statistic" if percent(self.dice, 30) => {
                format!("-m statistic --mode random --probability 0.5 {simple}")
            }
            "SNAT" if table == "nat" && hook == "postrouting" => {
                format!("-j SNAT --to-source {}", case.addr(2, 50))
            }
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
