//! The firewall rules in iptables' language: what one `iptables-restore --noflush` has to say to put right what
//! `iptables-save` shows. Text in, text out; starts no program and never says a word about a chain that is not ours.

pub mod saved;

use std::fmt::Write as _;

use crate::overlay::masq::{self, KUBE_MARK, Ruleset, Side, Verdict, When};
use saved::{Rule, Saved, Table};

/// A chain of ours, the built-in chain that leads to it, and what `want` puts there.
struct Part {
    table: &'static str,
    parent: &'static str,
    chain: &'static str,
    comment: &'static str,
    /// True if the place of the jump matters: other programs end the parent with a refusal.
    placed: bool,
}

const NAT: Part = Part {
    table: "nat",
    parent: "POSTROUTING",
    chain: "FLANNEL-POSTRTG",
    comment: "flanneld masq",
    placed: false,
};

const FILTER: Part = Part {
    table: "filter",
    parent: "FORWARD",
    chain: "FLANNEL-FWD",
    comment: "flanneld forward",
    placed: true,
};

/// One transaction and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The input of `iptables-restore --noflush`.
    pub text: String,
    /// What was found to be off, one line a finding.
    pub found: Vec<String>,
}

/// What puts right what is wrong; nothing if all is as wanted. A chain changes whole: declaring it empties it, and
/// the kernel takes the table as one.
pub fn repair(saved: &Saved, want: &Ruleset) -> Option<Repair> {
    let (mut text, mut found) = (String::new(), Vec::new());
    for (part, rules) in [(&NAT, &want.masquerade), (&FILTER, &want.forward)] {
        let table = saved.table(part.table);
        if rules.is_empty() {
            if let Some(lines) = part.remove(&table) {
                found.push(format!("chain {} is not wanted any more", part.chain));
                part.transaction(&mut text, &lines);
            }
            continue;
        }
        let rules: Vec<String> = rules.iter().map(|r| part.spell(r)).collect();
        let chain = part.chain_fault(&table, &rules);
        let jump = part.jump_fault(&table);
        if chain.is_none() && jump.is_none() {
            continue;
        }
        part.transaction(&mut text, &part.rewrite(&table, &rules, jump.is_some()));
        found.extend(chain.into_iter().chain(jump));
    }
    (!text.is_empty()).then_some(Repair { text, found })
}

/// What takes all of ours away, one delete for each rule that is there, jumps before chains; nothing if there is
/// nothing.
pub fn teardown(saved: &Saved) -> Option<String> {
    let mut text = String::new();
    for part in [&NAT, &FILTER] {
        if let Some(lines) = part.remove(&saved.table(part.table)) {
            part.transaction(&mut text, &lines);
        }
    }
    (!text.is_empty()).then_some(text)
}

impl Part {
    fn transaction(&self, text: &mut String, lines: &str) {
        let _ = write!(text, "*{}\n{lines}COMMIT\n", self.table);
    }

    fn note(&self) -> String {
        format!("-m comment --comment \"{}\"", self.comment)
    }

    fn jump(&self) -> String {
        format!("{} -j {}", self.note(), self.chain)
    }

    fn spell(&self, rule: &masq::Rule) -> String {
        let side = |flag: &str, side: Option<Side>| match side {
            None => String::new(),
            Some(Side { not, net }) => format!("{}{flag} {net} ", if not { "! " } else { "" }),
        };
        let when = match rule.when {
            // kube-proxy's own bit; the other bits of a mark may belong to anybody.
            When::KubeMark => format!("-m mark --mark {KUBE_MARK:#x}/{KUBE_MARK:#x} "),
            When::Nets { src, dst } => side("-s", src) + &side("-d", dst),
        };
        let then = match rule.then {
            Verdict::Return => "RETURN",
            Verdict::Accept => "ACCEPT",
            Verdict::Masquerade { fully_random: false } => "MASQUERADE",
            Verdict::Masquerade { fully_random: true } => "MASQUERADE --random-fully",
        };
        format!("{when}{} -j {then}", self.note())
    }

    fn chain_fault(&self, table: &Table, rules: &[String]) -> Option<String> {
        if !table.has_chain(self.chain) {
            return Some(format!("chain {} is missing", self.chain));
        }
        let have: Vec<&Rule> = table.rules(self.chain).collect();
        if have.len() != rules.len() {
            return Some(format!("chain {} has {} rules, not {}", self.chain, have.len(), rules.len()));
        }
        let at = have.iter().zip(rules).position(|(have, want)| {
            Rule::parse(&format!("-A {} {want}", self.chain)).is_none_or(|want| !have.same(&want))
        })?;
        Some(format!("rule {} of chain {} is another", at + 1, self.chain))
    }

    fn jump_fault(&self, table: &Table) -> Option<String> {
        let ours = Rule::parse(&format!("-A {} {}", self.parent, self.jump()));
        let jumps: Vec<&Rule> = table.rules(self.parent).filter(|r| r.target() == Some(self.chain)).collect();
        match jumps.as_slice() {
            [] => Some(format!("{} does not lead to {}", self.parent, self.chain)),
            [one] if ours.is_none_or(|ours| !ours.same(one)) => {
                Some(format!("the jump from {} to {} has another condition", self.parent, self.chain))
            }
            [_] if self.placed => misplaced(table, self.parent, self.chain),
            [_] => None,
            more => Some(format!("{} leads to {} {} times", self.parent, self.chain, more.len())),
        }
    }

    fn rewrite(&self, table: &Table, rules: &[String], jump: bool) -> String {
        let mut lines = format!(":{} - [0:0]\n", self.chain);
        if jump {
            for old in table.rules(self.parent).filter(|r| r.target() == Some(self.chain)) {
                let _ = writeln!(lines, "-D {} {}", self.parent, old.spec);
            }
        }
        for rule in rules {
            let _ = writeln!(lines, "-A {} {rule}", self.chain);
        }
        if jump {
            let place = if self.placed { place(table, self.parent, self.chain) } else { None };
            let _ = match place {
                Some(number) => writeln!(lines, "-I {} {number} {}", self.parent, self.jump()),
                None => writeln!(lines, "-A {} {}", self.parent, self.jump()),
            };
        }
        lines
    }

    fn remove(&self, table: &Table) -> Option<String> {
        let mut lines = String::new();
        // The kernel refuses to delete a chain that a rule still leads to.
        for rule in table.jumps_to(self.chain).chain(table.rules(self.chain)) {
            let _ = writeln!(lines, "-D {} {}", rule.chain, rule.spec);
        }
        if table.has_chain(self.chain) {
            let _ = writeln!(lines, "-X {}", self.chain);
        }
        (!lines.is_empty()).then_some(lines)
    }
}

/// The number (from 1) that our jump gets among the rules of others: just before the first one that refuses
/// everything, so that what comes before keeps its word. Nothing means at the end.
fn place(table: &Table, parent: &str, chain: &str) -> Option<usize> {
    table
        .rules(parent)
        .filter(|r| r.target() != Some(chain))
        .position(|r| table.refuses_all(r, chain))
        .map(|before| before + 1)
}

/// Why our jump stands in the wrong place, if it does: behind a rule that refuses everything, or before a jump of
/// kube-proxy or docker that could stand before ours. Other programs' jumps may follow; a fight for the last place
/// has no winner.
fn misplaced(table: &Table, parent: &str, chain: &str) -> Option<String> {
    let rules: Vec<&Rule> = table.rules(parent).collect();
    let ours = rules.iter().position(|r| r.target() == Some(chain))?;
    let wall = rules.iter().position(|r| table.refuses_all(r, chain)).unwrap_or(rules.len());
    if wall < ours {
        return Some(format!("rule {} of {parent} refuses everything before the jump to {chain}", wall + 1));
    }
    let late = rules
        .get(ours..wall)?
        .iter()
        .find_map(|r| r.target().filter(|t| t.starts_with("KUBE-") || t.starts_with("DOCKER")))?;
    Some(format!("the jump to {chain} stands before the one to {late}"))
}

#[cfg(test)]
mod tests;
