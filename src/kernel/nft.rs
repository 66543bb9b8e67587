//! The firewall rules in nft's language: one transaction that replaces our table whole, and what
//! `nft -j list table` says, read back into the same values. Starts no program.

use std::fmt::Write as _;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;

use crate::overlay::masq::{Family, KUBE_MARK, Rule, Ruleset, Side, Verdict, When};

/// What `nft -j list table` says about our table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Exactly as wanted, rule by rule.
    Same,
    /// Not there.
    Absent,
    /// There, but not as wanted; the text says what is off.
    Differs(String),
}

/// A base chain of ours, and where it hooks in.
struct Base {
    name: &'static str,
    comment: &'static str,
    kind: &'static str,
    hook: &'static str,
    priority: (&'static str, i64),
}

const FORWARD: Base = Base {
    name: "forward",
    comment: "chain to accept flannel traffic",
    kind: "filter",
    hook: "forward",
    priority: ("filter", 0),
};

const POSTRTG: Base = Base {
    name: "postrtg",
    comment: "chain to manage traffic masquerading by flannel",
    kind: "nat",
    hook: "postrouting",
    priority: ("srcnat", 100),
};

/// Our table: nft's family word and the name that flannel gave it.
pub fn table(family: Family) -> (&'static str, &'static str) {
    match family {
        Family::V4 => ("ip", "flannel-ipv4"),
        Family::V6 => ("ip6", "flannel-ipv6"),
    }
}

/// One `nft -f -` transaction after which our table holds `want` and nothing else. The kernel swaps it in at once:
/// no packet meets half a table.
pub fn replace(want: &Ruleset) -> String {
    let mut text = remove(want.family);
    if want.is_empty() {
        return text;
    }
    let (family, name) = table(want.family);
    let _ = writeln!(text, "table {family} {name} {{\n\tcomment \"rules for {name}\"");
    for (base, rules) in chains(want) {
        let Base { name, comment, kind, hook, priority } = base;
        let _ = writeln!(text, "\tchain {name} {{\n\t\tcomment \"{comment}\"");
        let _ = writeln!(text, "\t\ttype {kind} hook {hook} priority {}; policy accept;", priority.0);
        for rule in rules {
            let _ = writeln!(text, "\t\t{}", spell(family, rule));
        }
        text.push_str("\t}\n");
    }
    text.push_str("}\n");
    text
}

/// A transaction that removes our table, whether it is there or not (`add` first, so that `delete` finds it).
pub fn remove(family: Family) -> String {
    let (family, name) = table(family);
    format!("add table {family} {name}\ndelete table {family} {name}\n")
}

/// The chains that `want` asks for, in nft's listing order.
fn chains(want: &Ruleset) -> Vec<(&'static Base, &[Rule])> {
    [(&FORWARD, want.forward.as_slice()), (&POSTRTG, want.masquerade.as_slice())]
        .into_iter()
        .filter(|(_, rules)| !rules.is_empty())
        .collect()
}

fn spell(family: &str, rule: &Rule) -> String {
    let side = |field: &str, side: Option<Side>| match side {
        None => String::new(),
        Some(Side { not, net }) => {
            format!("{family} {field} {}{} ", if not { "!= " } else { "" }, short(net))
        }
    };
    let when = match rule.when {
        When::KubeMark => format!("meta mark {KUBE_MARK:#010x} "),
        When::Nets { src, dst } => side("saddr", src) + &side("daddr", dst),
    };
    let then = match rule.then {
        Verdict::Return => "return",
        Verdict::Accept => "accept",
        Verdict::Masquerade { fully_random: false } => "masquerade",
        Verdict::Masquerade { fully_random: true } => "masquerade fully-random",
    };
    when + then
}

/// nft lists a host without its prefix length.
fn short(net: IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
}

/// The names of those tables of ours that `nft -j list tables` shows.
pub fn ours_among(json: &str) -> Result<Vec<Family>, serde_json::Error> {
    let root: Value = serde_json::from_str(json)?;
    let shown = |wanted: (&str, &str)| {
        objects(&root, "table").any(|t| (text(t, "family"), text(t, "name")) == (wanted.0, wanted.1))
    };
    Ok([Family::V4, Family::V6].into_iter().filter(|f| shown(table(*f))).collect())
}

/// Whether the listing of our table is what `want` asks for. Comments are not compared: nft 1.0.6 leaves them out of
/// its JSON. Everything unknown counts as a difference.
pub fn present(json: &str, want: &Ruleset) -> Result<Presence, serde_json::Error> {
    let root: Value = serde_json::from_str(json)?;
    if objects(&root, "table").next().is_none() {
        return Ok(Presence::Absent);
    }
    Ok(difference(&root, want).map_or(Presence::Same, Presence::Differs))
}

fn difference(root: &Value, want: &Ruleset) -> Option<String> {
    let wanted = chains(want);
    if let Some(extra) =
        objects(root, "chain").find(|c| !wanted.iter().any(|(base, _)| base.name == text(c, "name")))
    {
        return Some(format!("chain {} is not ours", text(extra, "name")));
    }
    for (base, rules) in wanted {
        let Some(chain) = objects(root, "chain").find(|c| text(c, "name") == base.name) else {
            return Some(format!("chain {} is missing", base.name));
        };
        if !hooked(chain, base) {
            return Some(format!("chain {} hooks in elsewhere", base.name));
        }
        let have: Vec<_> =
            objects(root, "rule").filter(|r| text(r, "chain") == base.name).map(read).collect();
        if have.len() != rules.len() {
            return Some(format!("chain {} has {} rules, not {}", base.name, have.len(), rules.len()));
        }
        if let Some(at) = have.iter().zip(rules).position(|(have, want)| have.as_ref() != Some(want)) {
            return Some(format!("rule {} of chain {} is another", at + 1, base.name));
        }
    }
    None
}

fn hooked(chain: &Value, base: &Base) -> bool {
    let priority = chain
        .get("prio")
        .is_some_and(|p| p.as_i64() == Some(base.priority.1) || p.as_str() == Some(base.priority.0));
    let policy = chain.get("policy").and_then(Value::as_str).unwrap_or("accept");
    priority && policy == "accept" && text(chain, "type") == base.kind && text(chain, "hook") == base.hook
}

/// The objects of one kind in a listing, in order.
fn objects<'a>(root: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    root.get("nftables").and_then(Value::as_array).into_iter().flatten().filter_map(move |o| o.get(kind))
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// One listed rule as a value; nothing if it says more than ours ever do.
fn read(rule: &Value) -> Option<Rule> {
    let (last, matches) = rule.get("expr")?.as_array()?.split_last()?;
    let (mut mark, mut src, mut dst) = (false, None, None);
    for one in matches {
        let one = one.get("match")?;
        let not = match text(one, "op") {
            "==" => false,
            "!=" => true,
            _ => return None,
        };
        let (left, right) = (one.get("left")?, one.get("right")?);
        if let Some(payload) = left.get("payload") {
            let slot = match text(payload, "field") {
                "saddr" => &mut src,
                "daddr" => &mut dst,
                _ => return None,
            };
            if slot.replace(Side { not, net: net(right)? }).is_some() {
                return None;
            }
        } else {
            let is_mark = left.get("meta").is_some_and(|m| text(m, "key") == "mark");
            mark = !mark && !not && is_mark && right.as_u64() == Some(u64::from(KUBE_MARK));
            if !mark {
                return None;
            }
        }
    }
    let when = match (mark, src, dst) {
        (true, None, None) => When::KubeMark,
        (false, None, None) | (true, ..) => return None,
        (false, src, dst) => When::Nets { src, dst },
    };
    Some(Rule { when, then: verdict(last)? })
}

fn verdict(last: &Value) -> Option<Verdict> {
    let (word, options) = last.as_object().filter(|o| o.len() == 1)?.iter().next()?;
    match (word.as_str(), options) {
        ("return", Value::Null) => Some(Verdict::Return),
        ("accept", Value::Null) => Some(Verdict::Accept),
        ("masquerade", Value::Null) => Some(Verdict::Masquerade { fully_random: false }),
        ("masquerade", Value::Object(options)) if options.len() == 1 => {
            // One flag is a bare word in nft 1.0.6 and a list of one elsewhere.
            let flag = match options.get("flags")? {
                Value::Array(flags) if flags.len() == 1 => flags.first()?,
                other => other,
            };
            (flag == "fully-random").then_some(Verdict::Masquerade { fully_random: true })
        }
        _ => None,
    }
}

fn net(right: &Value) -> Option<IpNet> {
    if let Some(host) = right.as_str() {
        return host.parse::<IpAddr>().ok().map(IpNet::from);
    }
    let prefix = right.get("prefix")?;
    let len = u8::try_from(prefix.get("len")?.as_u64()?).ok()?;
    IpNet::new(text(prefix, "addr").parse().ok()?, len).ok()
}

#[cfg(test)]
mod tests;
