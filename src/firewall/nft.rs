//! Reads what `nft -j list ruleset` prints. What it does not understand it keeps as text: a condition becomes one
//! that nobody can answer, a statement one that may do anything.

mod field;
mod spell;
mod statement;
mod value;

use std::collections::HashMap;

use serde_json::Value as Json;

use super::Hook;
use super::model::{Awake, Base, Chain, Counter, Edge, Owner, Rule, Set, Table};
use super::says::Say;
use field::kinds_of_type;
use value::{data, element};

/// The tables of a listing, in its order. Tables of iptables-nft are among them; `xt` expressions have no content here.
pub fn parse(listing: &str) -> Result<Vec<Table>, serde_json::Error> {
    let root: Json = serde_json::from_str(listing)?;
    let mut read = Read::default();
    for object in root.get("nftables").and_then(Json::as_array).into_iter().flatten() {
        let Some((kind, object)) = object.as_object().and_then(|o| o.iter().next()) else { continue };
        match kind.as_str() {
            "table" => read.table(object),
            "chain" => read.chain(object),
            "rule" => read.rule(object),
            "set" | "map" => read.set(object),
            "element" => read.elements(object),
            _ => {}
        }
    }
    Ok(read.tables)
}

/// True if a rule of the table is iptables' and only iptables-save can tell what it says.
pub fn has_xt(table: &Table) -> bool {
    let mut rules = table.chains.iter().flat_map(|chain| &chain.rules);
    rules.any(|rule| rule.text.split(' ').any(|word| word == "xt"))
}

#[derive(Default)]
struct Read {
    tables: Vec<Table>,
    at: HashMap<(String, String), usize>,
    chains: HashMap<(usize, String), usize>,
}

impl Read {
    fn table(&mut self, object: &Json) {
        let (family, name) = (text(object, "family").to_owned(), text(object, "name").to_owned());
        self.at.insert((family.clone(), name.clone()), self.tables.len());
        self.tables.push(Table {
            family,
            name,
            owner: Owner::Nft,
            awake: awake(object.get("flags")),
            chains: Vec::new(),
            sets: Vec::new(),
        });
    }

    /// The table that an object names, and its number.
    fn home(&mut self, object: &Json) -> Option<(usize, &mut Table)> {
        let at = *self.at.get(&(text(object, "family").to_owned(), text(object, "table").to_owned()))?;
        Some((at, self.tables.get_mut(at)?))
    }

    fn chain(&mut self, object: &Json) {
        let Some((at, table)) = self.home(object) else { return };
        let name = text(object, "name").to_owned();
        let number = table.chains.len();
        table.chains.push(Chain { name: name.clone(), base: base(object), rules: Vec::new() });
        self.chains.insert((at, name), number);
    }

    fn rule(&mut self, object: &Json) {
        let Some((at, _)) = self.home(object) else { return };
        let Some(number) = self.chains.get(&(at, text(object, "chain").to_owned())).copied() else { return };
        let chain = self.tables.get_mut(at).and_then(|table| table.chains.get_mut(number));
        if let Some(chain) = chain {
            chain.rules.push(rule(object));
        }
    }

    fn set(&mut self, object: &Json) {
        let kinds = kinds_of_type(object.get("type"));
        // A set without elements is listed without them.
        let elements = object.get("elem").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        let mapped = object.get("map").is_some();
        let read =
            kinds.and_then(|kinds| elements.iter().map(|e| element(e, &kinds, mapped, data)).collect());
        if let Some((_, table)) = self.home(object) {
            table.sets.push(Set { name: text(object, "name").to_owned(), elements: read });
        }
    }

    /// Some versions list a set's elements apart from it; whose they are is told by name, of what kind is not.
    fn elements(&mut self, object: &Json) {
        let name = text(object, "name").to_owned();
        if let Some((_, table)) = self.home(object)
            && let Some(set) = table.sets.iter_mut().find(|set| set.name == name)
        {
            set.elements = None;
        }
    }
}

/// Flags of a table: one word or several. nft 1.0.6 prints the table's name in place of the word.
fn awake(flags: Option<&Json>) -> Awake {
    let words: Vec<&str> = match flags {
        None => return Awake::Yes,
        Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).collect(),
        Some(one) => one.as_str().into_iter().collect(),
    };
    if words.contains(&"dormant") {
        Awake::No
    } else if words.iter().all(|word| matches!(*word, "owner" | "persist")) {
        Awake::Yes
    } else {
        Awake::Unclear
    }
}

fn base(object: &Json) -> Option<Base> {
    let hook = object.get("hook")?.as_str()?;
    Some(Base {
        kind: text(object, "type").to_owned(),
        hook: Hook::from_name(hook),
        edge: match hook {
            "ingress" => Some(Edge::Ingress),
            "egress" => Some(Edge::Egress),
            _ => None,
        },
        devices: match object.get("dev") {
            Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            one => one.and_then(Json::as_str).into_iter().map(str::to_owned).collect(),
        },
        priority: priority(object.get("prio")?)?,
        policy: if text(object, "policy") == "drop" { Say::Drop } else { Say::Accept },
        counter: None,
    })
}

/// Tells the devices of a table's chains from its listing as text; the JSON of some versions leaves them out.
pub fn name_devices(table: &mut Table, listing: &str) {
    let mut name = "";
    for line in listing.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("chain ") {
            name = rest.split(' ').next().unwrap_or_default();
        }
        let Some((_, devices)) = line.split_once(" device").filter(|_| line.starts_with("type ")) else {
            continue;
        };
        let devices =
            devices.split(" priority").next().unwrap_or_default().trim_start_matches(['s', ' ', '=']);
        let words = devices.split([' ', ',', '{', '}', '"']).filter(|word| !word.is_empty());
        if let Some(base) = table.chains.iter_mut().find(|c| c.name == name).and_then(|c| c.base.as_mut()) {
            base.devices = words.map(str::to_owned).collect();
        }
    }
}

/// A number, or one of nft's words for it.
fn priority(prio: &Json) -> Option<i32> {
    let word = match prio {
        Json::String(word) => word.as_str(),
        other => return i32::try_from(other.as_i64()?).ok(),
    };
    let named =
        [("raw", -300), ("mangle", -150), ("dstnat", -100), ("filter", 0), ("security", 50), ("srcnat", 100)];
    named.iter().find(|(name, _)| *name == word).map(|(_, number)| *number).or_else(|| word.parse().ok())
}

fn rule(object: &Json) -> Rule {
    let parts = object.get("expr").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let counter = parts.iter().filter_map(|part| part.get("counter")).find_map(counter);
    let mut words: Vec<String> = parts.iter().map(spell::statement).collect();
    if let Some(comment) = object.get("comment").and_then(Json::as_str) {
        words.push(format!("comment \"{comment}\""));
    }
    Rule {
        handle: object.get("handle").and_then(Json::as_u64),
        text: words.join(" "),
        counter,
        steps: parts.iter().flat_map(statement::steps).collect(),
    }
}

fn counter(counter: &Json) -> Option<Counter> {
    Some(Counter { packets: counter.get("packets")?.as_u64()?, bytes: counter.get("bytes")?.as_u64()? })
}

/// A string of an object; empty if there is none.
fn text<'a>(object: &'a Json, key: &str) -> &'a str {
    object.get(key).and_then(Json::as_str).unwrap_or_default()
}
