//! Reads the firewall of the calling thread's namespace through its own tools: nft for tables and hooks, iptables-save
//! for what iptables-nft wrote, the legacy tools for the kernel's old tables. Never fails: what could not be seen is
//! told, a sentence each. Never makes a table: a tool that would is not started.
#![expect(clippy::disallowed_methods, reason = "the kernel tells in a file which old tables there are")]

use std::fs;
use std::io;
use std::thread;

use crate::firewall::{Awake, Owner, Ruleset, Table, iptables, join, may_be_iptables, nft};
use crate::kernel::exec::{ExecError, run};
use crate::kernel::nftgen;

/// A family of iptables.
struct Family {
    /// nft's word for it.
    name: &'static str,
    /// `iptables`, `ip6tables`.
    tool: &'static str,
    /// Names of the old tables that are loaded, in the namespace of the thread that reads it.
    loaded: &'static str,
}

const FAMILIES: [Family; 2] = [
    Family { name: "ip", tool: "iptables", loaded: "/proc/thread-self/net/ip_tables_names" },
    Family { name: "ip6", tool: "ip6tables", loaded: "/proc/thread-self/net/ip6_tables_names" },
];

/// What was read, and what could not be.
#[derive(Default)]
struct Seen {
    tables: Vec<Table>,
    unseen: Vec<String>,
}

/// All rules of the calling thread's namespace.
pub fn read() -> Ruleset {
    let mut unseen = Vec::new();
    let listed = list(&mut unseen);
    let wanted = |family: &Family| match &listed {
        Some(tables) => tables.iter().any(|table| table.family == family.name && may_be_iptables(table)),
        // Without nft, iptables may know.
        None => true,
    };
    // Each takes a millisecond or two, most of it waiting: side by side.
    let (saved, legacy): (Vec<Seen>, Vec<Seen>) = thread::scope(|scope| {
        let saves = FAMILIES
            .iter()
            .filter(|family| wanted(family))
            .map(|family| scope.spawn(|| saved(family, listed.as_deref())));
        let legacies = FAMILIES.iter().map(|family| scope.spawn(|| legacy(family)));
        let (saves, legacies): (Vec<_>, Vec<_>) = (saves.collect(), legacies.collect());
        let wait = |threads: Vec<thread::ScopedJoinHandle<'_, Seen>>| {
            threads.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
        };
        (wait(saves), wait(legacies))
    });
    let take = |seen: Vec<Seen>, unseen: &mut Vec<String>| {
        let all = seen.into_iter().flat_map(|Seen { tables, unseen: not }| {
            unseen.extend(not);
            tables
        });
        all.collect::<Vec<Table>>()
    };
    let mut tables = join(listed.unwrap_or_default(), take(saved, &mut unseen));
    tables.extend(take(legacy, &mut unseen));
    Ruleset { tables, unseen }
}

/// The same, where somebody ever wrote a rule: of a namespace that nobody touched the kernel says so by itself, which
/// costs less than to ask the tools.
pub fn read_written() -> Ruleset {
    let bare = |family: &Family| match fs::read_to_string(family.loaded) {
        Ok(names) => names.trim().is_empty(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    // The first change makes it 2.
    let untouched = nftgen::generation().is_some_and(|number| number <= 1);
    if untouched && FAMILIES.iter().all(bare) { Ruleset::default() } else { read() }
}

/// What nft lists; nothing if it cannot.
fn list(unseen: &mut Vec<String>) -> Option<Vec<Table>> {
    let text = match tool("nft", &["-j", "list", "ruleset"]) {
        Ok(text) => text,
        Err(why) => {
            unseen.push(format!("the tables of nft are not seen: {why}"));
            return None;
        }
    };
    let mut tables = match nft::parse(&text) {
        Ok(tables) => tables,
        Err(error) => {
            unseen.push(format!("the tables of nft are not seen: its listing makes no sense: {error}"));
            return None;
        }
    };
    for table in tables.iter_mut().filter(|table| table.awake == Awake::Unclear) {
        // The text names the flag that the JSON of some versions garbles.
        if let Ok(text) = tool("nft", &["-t", "list", "table", &table.family, &table.name]) {
            let flags = text.lines().filter_map(|line| line.trim().strip_prefix("flags "));
            let dormant =
                flags.take(1).any(|flags| flags.split([',', ' ', ';']).any(|flag| flag == "dormant"));
            table.awake = if dormant { Awake::No } else { Awake::Yes };
        }
    }
    for table in tables.iter_mut().filter(|table| lacks_devices(table)) {
        if let Ok(text) = tool("nft", &["-t", "list", "table", &table.family, &table.name]) {
            nft::name_devices(table, &text);
        }
    }
    Some(tables)
}

/// True if a chain hooks in at devices that are not told.
fn lacks_devices(table: &Table) -> bool {
    let mut bases = table.chains.iter().filter_map(|chain| chain.base.as_ref());
    bases.any(|base| base.edge.is_some() && base.devices.is_empty())
}

/// What iptables-nft wrote. Of a table that it calls incompatible nft shows all but iptables' extensions.
fn saved(family: &Family, listed: Option<&[Table]>) -> Seen {
    let text = save(family, "-nft", |text| {
        // Of tables that are all incompatible nothing else is said.
        text.contains("(nf_tables)") || !iptables::incompatible(text).is_empty()
    });
    let mut seen = Seen::default();
    match text {
        // Without the tool, the extensions that nft cannot name are what is not known; each is quoted where it matters.
        Err(None) => {}
        Err(Some(why)) => {
            seen.unseen.push(format!("the rules of {}-nft are not seen: {why}", family.tool));
        }
        Ok(text) => {
            seen.tables = iptables::parse(&text, family.name, Owner::IptablesNft);
            let hides = |name: &str| {
                listed.is_none_or(|tables| {
                    tables.iter().any(|t| t.family == family.name && t.name == name && nft::has_xt(t))
                })
            };
            let hidden = iptables::incompatible(&text).into_iter().filter(|name| hides(name));
            seen.unseen.extend(hidden.map(|name| {
                format!(
                    "extensions of iptables in table {} {name} are not seen: {}-nft-save calls it incompatible, \
                     and nft shows no more than their names",
                    family.name, family.tool
                )
            }));
        }
    }
    seen
}

/// The kernel's old tables, if there are any. Asking for one that is not there would make it.
fn legacy(family: &Family) -> Seen {
    let mut seen = Seen::default();
    let not = |why: &str| format!("the rules of {}-legacy are not seen: {why}", family.tool);
    match fs::read_to_string(family.loaded) {
        Ok(names) if names.trim().is_empty() => return seen,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return seen,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            seen.unseen.push(not("that needs root"));
            return seen;
        }
        Err(_) | Ok(_) => {}
    }
    match save(family, "-legacy", |text| !text.contains("(nf_tables)")) {
        Ok(text) => seen.tables = iptables::parse(&text, family.name, Owner::IptablesLegacy),
        Err(None) => seen.unseen.push(not(&format!("{}-legacy-save is not installed", family.tool))),
        Err(Some(why)) => seen.unseen.push(not(&why)),
    }
    seen
}

/// What `iptables-nft-save` or `iptables-legacy-save` prints; where that name is not there, `iptables-save` if it is
/// that variant. `Err(None)` if neither is.
fn save(family: &Family, variant: &str, is_it: impl Fn(&str) -> bool) -> Result<String, Option<String>> {
    for name in [format!("{}{variant}-save", family.tool), format!("{}-save", family.tool)] {
        match run(&name, &["-c"], "") {
            Err(ExecError::Missing { .. }) => {}
            Err(error) => return Err(Some(error.to_string())),
            Ok(left) if !left.fine => return Err(Some(why(&left.err))),
            Ok(left) if left.out.is_empty() || is_it(&left.out) => return Ok(left.out),
            Ok(_) => {}
        }
    }
    Err(None)
}

fn tool(program: &str, args: &[&str]) -> Result<String, String> {
    match run(program, args, "") {
        Ok(left) if left.fine => Ok(left.out),
        Ok(left) => Err(why(&left.err)),
        Err(error) => Err(error.to_string()),
    }
}

/// A tool's complaint in one line.
fn why(said: &str) -> String {
    if ["ermission denied", "not permitted", "must be root"].iter().any(|word| said.contains(word)) {
        return "that needs root".to_owned();
    }
    said.lines().next().unwrap_or("it said nothing").to_owned()
}
