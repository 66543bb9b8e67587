//! The statements of a rule.

use serde_json::Value as Json;

use super::value::{among, data, expression, left, say, span};
use super::{spell, text};
use crate::firewall::says::{Expr, Nat, NatKind, Op, Say, Slot, Span, Step, Test, To};
use crate::firewall::words::Kind;

/// What one statement says; several steps where it both asks and does.
pub(super) fn steps(json: &Json) -> Vec<Step> {
    let printed = || spell::statement(json);
    let Some((word, object)) = json.as_object().and_then(|o| o.iter().next()) else {
        return vec![Step::Other(printed())];
    };
    if let Some(say) = say(json) {
        return vec![Step::Say(say)];
    }
    vec![match word.as_str() {
        "match" => Step::If { text: printed(), test: comparison(object) },
        "vmap" => return vmap(object, printed()),
        "reject" => return reject(object),
        "mangle" => mangle(object, printed()),
        "snat" => nat(NatKind::Source, object, printed()),
        "dnat" => nat(NatKind::Destination, object, printed()),
        "masquerade" => nat(NatKind::Masquerade, object, printed()),
        "redirect" => nat(NatKind::Redirect, object, printed()),
        "notrack" => Step::Notrack,
        "set" | "map" => return edit(object, printed()),
        "limit" | "quota" | "ct count" | "meter" => Step::If { text: printed(), test: Test::Unknown },
        "counter" | "log" | "last" | "dup" | "secmark" | "ct helper" | "ct timeout" | "ct expectation" => {
            Step::Aside
        }
        "flow" => Step::Offload(printed()),
        "xt" => xt(object, printed()),
        _ => Step::Other(printed()),
    }]
}

fn comparison(object: &Json) -> Test {
    let (Some(from), Some(to)) = (object.get("left"), object.get("right")) else { return Test::Unknown };
    let op = match text(object, "op") {
        "==" => Op::Is,
        "!=" => Op::IsNot,
        "<" => Op::Below,
        ">" => Op::Above,
        "<=" => Op::AtMost,
        ">=" => Op::AtLeast,
        "in" => Op::Has,
        "!" => Op::Lacks,
        _ => return Test::Unknown,
    };
    let (left, kinds) = left(from);
    match among(to, &kinds, false, data) {
        Some(right) => Test::Compare { left, op, right },
        None => Test::Unknown,
    }
}

fn vmap(object: &Json, text: String) -> Vec<Step> {
    let read = || {
        let (key, kinds) = left(object.get("key")?);
        let among = among(object.get("data")?, &kinds, true, data)?;
        Some(Step::Choose { text: text.clone(), key, among })
    };
    vec![read().unwrap_or(Step::Other(text.clone()))]
}

/// The names are iptables', which both tools' users know.
fn reject(object: &Json) -> Vec<Step> {
    let code = object.get("expr").map(spell::expression).unwrap_or_default();
    let how = match text(object, "type") {
        "icmp" if code == "prot-unreachable" => "icmp-proto-unreachable".to_owned(),
        "icmpv6" if code == "admin-prohibited" => "icmp6-adm-prohibited".to_owned(),
        // A reset answers TCP alone; nft asks for that and does not print it.
        "tcp reset" => return vec![Step::Say(Say::Reject("tcp-reset".into()))],
        "icmp" => format!("icmp-{code}"),
        "icmpv6" => format!("icmp6-{code}"),
        "icmpx" => format!("icmpx-{code}"),
        _ => "icmpx-port-unreachable".to_owned(),
    };
    vec![Step::Say(Say::Reject(how))]
}

fn mangle(object: &Json, text: String) -> Step {
    let (Some(key), Some(value)) = (object.get("key"), object.get("value")) else { return Step::Other(text) };
    let part = |kind: &str, name: &str| key.get(kind).map(|key| super::text(key, name));
    let (what, kind) = match (part("meta", "key"), part("ct", "key"), part("payload", "field")) {
        (Some("mark"), ..) => (Slot::Mark, Kind::Number),
        (_, Some("mark"), _) => (Slot::CtMark, Kind::Number),
        (.., Some("dscp")) => (Slot::Dscp, Kind::Dscp),
        (.., Some("ttl" | "hoplimit")) => (Slot::Ttl, Kind::Number),
        // Who sends it on, how it is counted or queued, and what only TCP's ends read.
        (Some("priority" | "nftrace" | "secmark"), ..) | (_, Some(_), _) => return Step::Aside,
        _ if key.get("tcp option").is_some() || key.get("exthdr").is_some() => return Step::Aside,
        _ => return Step::Other(text),
    };
    let to = expression(value, kind).unwrap_or_else(|| Expr::Other(spell::expression(value)));
    Step::Write { text, what, to }
}

fn nat(kind: NatKind, object: &Json, text: String) -> Step {
    let words: Vec<&str> = match object.get("flags") {
        Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).collect(),
        Some(one) => one.as_str().into_iter().collect(),
        None => Vec::new(),
    };
    let to = |key: &str, kind: Kind| {
        object.get(key).map(|json| match span(json, kind) {
            Some(span) => To::Span(span),
            None => To::Expr(expression(json, kind).unwrap_or_else(|| Expr::Other(spell::expression(json)))),
        })
    };
    // `netmap` rewrites the network and keeps the host.
    let prefix = super::text(object, "type_flags") == "prefix" || words.contains(&"netmap");
    let (addr, port) = (to("addr", Kind::Address), to("port", Kind::Number));
    match (&addr, prefix) {
        (Some(To::Span(Span::Net(_))) | None, true) => {}
        (_, true) => return Step::Other(text),
        (_, false) => {}
    }
    Step::Nat(Nat {
        text,
        kind: if prefix { NatKind::Network } else { kind },
        addr,
        port,
        random: words.iter().any(|word| matches!(*word, "random" | "fully-random")),
    })
}

/// `add @set { … limit rate … }`: the edit, and whether the statements on the element let the rule go on.
fn edit(object: &Json, text: String) -> Vec<Step> {
    let set = super::text(object, "set").trim_start_matches('@').to_owned();
    let statements = object.get("stmt").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let asks = statements.iter().any(|s| s.get("counter").is_none() && s.get("last").is_none());
    let mut steps = vec![Step::Edit { set }];
    if asks {
        steps.push(Step::If { text, test: Test::Unknown });
    }
    steps
}

/// An extension of iptables in a table that iptables-save cannot show: only its name is known.
fn xt(object: &Json, text: String) -> Step {
    match (super::text(object, "type"), super::text(object, "name")) {
        ("match", "comment") => Step::Aside,
        ("match", _) => Step::If { text, test: Test::Unknown },
        ("target", "LOG" | "NFLOG" | "TCPMSS" | "CHECKSUM" | "TRACE" | "AUDIT" | "CLASSIFY") => Step::Aside,
        _ => Step::Other(text),
    }
}
