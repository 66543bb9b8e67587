//! Reads what iptables-save and ip6tables-save print, of either variant. An extension that it does not know is kept as
//! text: as a match nobody can answer it, as a target it may do anything.

mod matches;
mod options;
mod targets;

use super::Hook;
use super::model::{Awake, Base, Chain, Counter, Owner, Rule, Table};
use super::says::Say;
pub use options::words;

/// The tables of a saved text. `family` is `ip` or `ip6`; chains hook in where the kernel's own tables do.
pub fn parse(text: &str, family: &str, owner: Owner) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            tables.push(Table {
                family: family.to_owned(),
                name: name.trim().to_owned(),
                owner,
                awake: Awake::Yes,
                chains: Vec::new(),
                sets: Vec::new(),
            });
        }
        let Some(table) = tables.last_mut() else { continue };
        if let Some(declared) = line.strip_prefix(':') {
            table.chains.extend(chain(&table.name, declared));
        } else if let Some((counter, name, spec)) = appended(line) {
            add(table, counter, name, spec);
        }
    }
    tables
}

/// The tables that iptables-nft says it cannot show: somebody wrote into them with nft. Foreign base chains are not
/// shown either, but leave the rest readable.
pub fn incompatible(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| line.contains("is incompatible"));
    lines.filter_map(|line| line.split_once('`')?.1.split_once('\'')).map(|(name, _)| name).collect()
}

/// `FORWARD ACCEPT [3:180]`, `KUBE-FORWARD - [0:0]`.
fn chain(table: &str, declared: &str) -> Option<Chain> {
    let mut words = declared.split_whitespace();
    let (name, policy) = (words.next()?, words.next()?);
    let hook = Hook::from_name(name).filter(|_| policy != "-");
    let base = hook.map(|hook| Base {
        kind: if table == "nat" { "nat" } else { "filter" }.to_owned(),
        hook: Some(hook),
        priority: priority(table, hook),
        policy: if policy == "DROP" { Say::Drop } else { Say::Accept },
        edge: None,
        devices: Vec::new(),
        counter: words.next().and_then(counter),
    });
    Some(Chain { name: name.to_owned(), base, rules: Vec::new() })
}

/// NF_IP_PRI_…
fn priority(table: &str, hook: Hook) -> i32 {
    match (table, hook) {
        ("raw", _) => -300,
        ("mangle", _) => -150,
        ("nat", Hook::Prerouting | Hook::Output) => -100,
        ("nat", _) => 100,
        ("security", _) => 50,
        _ => 0,
    }
}

/// `[packets:bytes]`
fn counter(text: &str) -> Option<Counter> {
    let (packets, bytes) = text.strip_prefix('[')?.strip_suffix(']')?.split_once(':')?;
    Some(Counter { packets: packets.parse().ok()?, bytes: bytes.parse().ok()? })
}

/// Counter, chain and the rest of an `-A` line.
fn appended(line: &str) -> Option<(Option<Counter>, &str, &str)> {
    let (counted, rest) = match line.split_once("] ").filter(|_| line.starts_with('[')) {
        Some((numbers, rest)) => (counter(&format!("{numbers}]")), rest),
        None => (None, line),
    };
    let rest = rest.strip_prefix("-A ")?;
    let (chain, spec) = rest.split_once(' ').unwrap_or((rest, ""));
    Some((counted, chain, spec.trim()))
}

fn add(table: &mut Table, counter: Option<Counter>, name: &str, spec: &str) {
    let Some(at) = table.chains.iter().rposition(|chain| chain.name == name) else { return };
    let parsed = options::split(&words(spec));
    let mut steps = matches::steps(&parsed.matches);
    steps
        .extend(targets::steps(&parsed, &table.family, |chain| table.chains.iter().any(|c| c.name == chain)));
    let Some(chain) = table.chains.get_mut(at) else { return };
    chain.rules.push(Rule {
        handle: Some(chain.rules.len() as u64 + 1),
        text: format!("-A {name} {spec}").trim_end().to_owned(),
        counter,
        steps,
    });
}
