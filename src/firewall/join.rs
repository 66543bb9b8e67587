//! One ruleset from what several tools say of the same kernel.

use super::model::{Chain, Table};
use super::nft::has_xt;

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

/// iptables-save prints every built-in chain; only those that nft lists are there.
fn hooked(mut saved: Table, listed: &Table) -> Table {
    for chain in &mut saved.chains {
        let there = listed.chains.iter().find(|there| there.name == chain.name);
        let told = there.and_then(|there| there.base.clone());
        chain.base = told.map(|mut base| {
            base.counter = chain.base.as_ref().and_then(|base| base.counter);
            base
        });
    }
    saved.awake = listed.awake;
    saved
}
