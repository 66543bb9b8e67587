//! Values, sets and expressions as nft's JSON writes them.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value as Json;

use super::field::field;
use super::{spell, text};
use crate::firewall::says::{Among, BitOp, Data, Element, Expr, Say, Span, Value};
use crate::firewall::words::Kind;

/// What the left side of a comparison yields, and the kind of each of its parts.
pub(super) fn left(json: &Json) -> (Expr, Vec<Kind>) {
    if let Some((field, kind)) = field(json) {
        return (Expr::Field(field), vec![kind]);
    }
    let other = || (Expr::Other(spell::expression(json)), vec![Kind::Number]);
    let Some((what, object)) = json.as_object().and_then(|o| o.iter().next()) else { return other() };
    match (what.as_str(), object) {
        ("concat", Json::Array(parts)) => {
            let (parts, kinds): (Vec<Expr>, Vec<Vec<Kind>>) = parts.iter().map(left).unzip();
            (Expr::Row(parts), kinds.into_iter().flatten().collect())
        }
        ("&" | "|" | "^" | "<<" | ">>", Json::Array(parts)) => {
            let Some((first, rest)) = parts.split_first() else { return other() };
            let (mut of, kinds) = left(first);
            let kind = kinds.first().copied().unwrap_or(Kind::Number);
            for part in rest {
                let Some(with) = expression(part, kind) else { return other() };
                of = bits(of, what, with);
            }
            (of, kinds)
        }
        ("numgen" | "jhash" | "symhash", _) => {
            let number = |key| object.get(key).and_then(Json::as_u64);
            let Some(count) = number("mod") else { return other() };
            (Expr::Dice { first: number("offset").unwrap_or(0), count }, vec![Kind::Number])
        }
        _ => other(),
    }
}

fn bits(of: Expr, op: &str, with: Expr) -> Expr {
    let op = match op {
        "&" => BitOp::And,
        "|" => BitOp::Or,
        "^" => BitOp::Xor,
        "<<" => BitOp::Left,
        _ => BitOp::Right,
    };
    Expr::Bits { of: Box::new(of), op, with: Box::new(with) }
}

/// What is written or computed: a value of this kind, a field, bits of them, or a map. Nothing if not understood.
pub(super) fn expression(json: &Json, kind: Kind) -> Option<Expr> {
    if let Some(value) = value(json, kind) {
        return Some(Expr::Is(value));
    }
    if let Some(map) = json.get("map") {
        let (key, kinds) = left(map.get("key")?);
        let mapped =
            |json: &Json| Some(Data::Values(row(json, |part| span(part, kind).or_else(|| loose(part)))?));
        return Some(Expr::Look {
            key: Box::new(key),
            among: among(map.get("data")?, &kinds, true, mapped)?,
        });
    }
    match left(json).0 {
        Expr::Other(_) => None,
        known => Some(known),
    }
}

/// The right side: `@set`, `{"set": […]}`, or one element.
pub(super) fn among(
    json: &Json,
    kinds: &[Kind],
    mapped: bool,
    data: impl Fn(&Json) -> Option<Data> + Copy,
) -> Option<Among> {
    if let Some(name) = json.as_str().and_then(|word| word.strip_prefix('@')) {
        return Some(Among::Set(name.to_owned()));
    }
    let elements = match json.get("set") {
        Some(Json::Array(list)) => {
            list.iter().map(|e| element(e, kinds, mapped, data)).collect::<Option<_>>()?
        }
        Some(one) => vec![element(one, kinds, mapped, data)?],
        None => vec![element(json, kinds, mapped, data)?],
    };
    Some(Among::These(elements))
}

/// One element of a set, or `[key, data]` of a map.
pub(super) fn element(
    json: &Json,
    kinds: &[Kind],
    mapped: bool,
    data: impl Fn(&Json) -> Option<Data>,
) -> Option<Element> {
    let (key, data) = match (mapped, json) {
        (true, Json::Array(pair)) => match pair.as_slice() {
            [key, value] => (key, Some(data(value)?)),
            _ => return None,
        },
        (true, _) => return None,
        (false, key) => (key, None),
    };
    // Timeouts, counters and comments of an element stand beside it.
    let key = key.get("elem").and_then(|elem| elem.get("val")).unwrap_or(key);
    let key = match key.get("concat").and_then(Json::as_array) {
        Some(parts) if parts.len() == kinds.len() => {
            parts.iter().zip(kinds).map(|(part, kind)| span(part, *kind)).collect::<Option<_>>()?
        }
        None if key == "*" => kinds.iter().map(|_| Span::Any).collect(),
        None => vec![span(key, *kinds.first().filter(|_| kinds.len() == 1)?)?],
        Some(_) => return None,
    };
    Some(Element { key, data })
}

/// What a named map holds: a verdict, or values whose kind shows by itself.
pub(super) fn data(json: &Json) -> Option<Data> {
    match say(json) {
        Some(say) => Some(Data::Say(say)),
        None => row(json, loose).map(Data::Values),
    }
}

/// The parts of a concatenation, or the one thing that is none.
fn row(json: &Json, one: impl Fn(&Json) -> Option<Span>) -> Option<Vec<Span>> {
    match json.get("concat").and_then(Json::as_array) {
        Some(parts) => parts.iter().map(one).collect(),
        None => Some(vec![one(json)?]),
    }
}

/// A value that is an address or a number, whatever it is for.
fn loose(json: &Json) -> Option<Span> {
    span(json, Kind::Address).or_else(|| span(json, Kind::Number))
}

/// A verdict: `{"accept": null}`, `{"jump": {"target": …}}`.
pub(super) fn say(json: &Json) -> Option<Say> {
    let (word, object) = json.as_object()?.iter().next()?;
    Some(match word.as_str() {
        "accept" => Say::Accept,
        "drop" => Say::Drop,
        "return" => Say::Return,
        "continue" => Say::Continue,
        "jump" => Say::Jump(text(object, "target").to_owned()),
        "goto" => Say::Goto(text(object, "target").to_owned()),
        "queue" => Say::Queue,
        _ => return None,
    })
}

/// One value, a range, or a network.
pub(super) fn span(json: &Json, kind: Kind) -> Option<Span> {
    if let Some(prefix) = json.get("prefix") {
        let len = u8::try_from(prefix.get("len")?.as_u64()?).ok()?;
        return Some(Span::Net(IpNet::new(text(prefix, "addr").parse().ok()?, len).ok()?));
    }
    if let Some([from, to]) = json.get("range").and_then(Json::as_array).map(Vec::as_slice) {
        return Some(Span::From(value(from, kind)?, value(to, kind)?));
    }
    if let (Kind::Name, Some(word)) = (kind, json.as_str()) {
        // A backslash before the star means the star itself.
        return Some(match word.strip_suffix('*').filter(|head| !head.ends_with('\\')) {
            Some(head) => Span::Like(head.to_owned()),
            None => Span::Is(Value::Name(word.replace("\\*", "*"))),
        });
    }
    value(json, kind).map(Span::Is)
}

/// A single value. A list, or an `or` of constants, is that many flags at once.
pub(super) fn value(json: &Json, kind: Kind) -> Option<Value> {
    let flags = |list: &Vec<Json>| {
        list.iter().try_fold(0, |all, one| match value(one, kind)? {
            Value::Num(bit) => Some(all | bit),
            _ => None,
        })
    };
    match json {
        Json::Number(number) if !matches!(kind, Kind::Name | Kind::Address) => {
            number.as_u64().map(Value::Num)
        }
        Json::Bool(yes) if kind == Kind::Boolean => Some(Value::Num(u64::from(*yes))),
        Json::String(word) => match kind {
            Kind::Address => word.parse::<IpAddr>().ok().map(Value::Ip),
            Kind::Name => Some(Value::Name(word.clone())),
            // A port's or a mark's number may be written as text.
            _ => kind.number(word).map(Value::Num),
        },
        Json::Array(list) => flags(list).map(Value::Num),
        Json::Object(_) => json.get("|").and_then(Json::as_array).and_then(flags).map(Value::Num),
        _ => None,
    }
}
