//! One ruleset from what several tools say of the same kernel.

use super::model::{Chain, Rule, Table};
use super::nft::has_xt;
use super::says::{Among, Step, Test};

/// iptables' tables. A table of nft that is called otherwise is never its.
const NAMES: [&str; 5] = ["filter", "nat", "mangle", "raw", "security"];

/// True if the table may be iptables-nft's, so that iptables-save should be asked.
pub fn may_be_iptables(table: &Table) -> bool {
    matches!(table.family.as_str(), "ip" | "ip6") && NAMES.contains(&table.name.as_str())
}

/// Tables as nft lists them, those of iptables-nft replaced by what iptables-save says of them: nft shows its
/// extensions without content. Where and when their chains hook in, nft alone tells.
pub fn join(listed: Vec<Table>, saved: Vec<Table>) -> Vec<Table> {
    let mut saved: Vec<Option<Table>> = saved.into_iter().map(Some).collect();
    let mut tables: Vec<Table> = listed
        .into_iter()
        .map(|table| {
            let same = |s: &&mut Option<Table>| {
                s.as_ref().is_some_and(|s| s.family == table.family && s.name == table.name)
            };
            match saved.iter_mut().find(same).and_then(Option::take) {
                Some(saved) if is_iptables(&table) => hooked(saved, &table),
                _ => table,
            }
        })
        .collect();
    // Without nft's listing, the standard hooks have to do.
    tables.extend(saved.into_iter().flatten());
    tables
}

/// iptables-nft makes no sets, names its base chains in capitals, and counts in every rule.
fn is_iptables(table: &Table) -> bool {
    let shape = may_be_iptables(table) && table.sets.is_empty();
    let bases = table.chains.iter().filter(|chain| chain.base.is_some());
    let capitals = |chain: &Chain| chain.name.chars().all(|c| c.is_ascii_uppercase());
    let mut rules = table.chains.iter().flat_map(|chain| &chain.rules);
    shape && (has_xt(table) || (bases.into_iter().all(capitals) && rules.all(|rule| rule.counter.is_some())))
}

/// True for a rule that iptables cannot have written: it counts in every one and knows no sets.
fn is_foreign(rule: &Rule) -> bool {
    let several = |among: &Among| match among {
        Among::These(elements) => elements.len() > 1,
        Among::Set(_) | Among::Value(_) => true,
    };
    rule.counter.is_none()
        || rule.steps.iter().any(|step| match step {
            Step::Choose { .. } | Step::Edit { .. } => true,
            Step::If { test: Test::Compare { right, .. }, .. } => several(right),
            _ => false,
        })
}

/// iptables-save prints every built-in chain; only those that nft lists are there. Base chains that are not its own it
/// leaves out, and of rules that somebody added with nft it leaves out what it does not know.
fn hooked(mut saved: Table, listed: &Table) -> Table {
    for chain in &mut saved.chains {
        let there = listed.chains.iter().find(|there| there.name == chain.name);
        let told = there.and_then(|there| there.base.clone());
        chain.base = told.map(|mut base| {
            base.counter = chain.base.as_ref().and_then(|base| base.counter);
            base
        });
        let Some(there) = there else { continue };
        if there.rules.len() != chain.rules.len() {
            chain.rules.clone_from(&there.rules);
            continue;
        }
        for (rule, known) in chain.rules.iter_mut().zip(&there.rules).filter(|(_, known)| is_foreign(known)) {
            (rule.text, rule.steps) = (known.text.clone(), known.steps.clone());
        }
    }
    let missing = |chain: &&Chain| !saved.chains.iter().any(|known| known.name == chain.name);
    let foreign: Vec<Chain> = listed.chains.iter().filter(missing).cloned().collect();
    saved.chains.extend(foreign);
    saved.awake = listed.awake;
    saved
}
