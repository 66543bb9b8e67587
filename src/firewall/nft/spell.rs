//! nft's JSON as nft's language, near enough that a person finds the rule again.

use serde_json::Value as Json;

use super::text;

/// One statement.
pub(super) fn statement(json: &Json) -> String {
    let Some((word, object)) = json.as_object().and_then(|o| o.iter().next()) else {
        return expression(json);
    };
    let part = |key: &str| object.get(key).map(expression).unwrap_or_default();
    match word.as_str() {
        "match" => {
            let op = match text(object, "op") {
                "==" | "in" => String::new(),
                op => format!("{op} "),
            };
            format!("{} {op}{}", part("left"), part("right"))
        }
        "vmap" => format!("{} vmap {}", part("key"), part("data")),
        "mangle" => format!("{} set {}", part("key"), part("value")),
        "jump" | "goto" => format!("{word} {}", text(object, "target")),
        "counter" => match (object.get("packets"), object.get("bytes")) {
            (Some(packets), Some(bytes)) => format!("counter packets {packets} bytes {bytes}"),
            _ => format!("counter name {}", expression(object)),
        },
        "log" => match object.get("prefix") {
            Some(prefix) => format!("log prefix {prefix}"),
            None => "log".to_owned(),
        },
        "limit" => {
            let over = if object.get("inv").is_some() { "over " } else { "" };
            format!("limit rate {over}{}/{}", part("rate"), text(object, "per"))
        }
        "ct count" => {
            format!("ct count {}{}", if object.get("inv").is_some() { "over " } else { "" }, part("val"))
        }
        "quota" => format!("quota {} {}", part("val"), text(object, "val_unit")),
        "reject" => match (text(object, "type"), object.get("expr")) {
            ("", _) => "reject".to_owned(),
            (how, None) => format!("reject with {how}"),
            (how, Some(code)) => format!("reject with {how} {}", expression(code)),
        },
        "snat" | "dnat" | "masquerade" | "redirect" => nat(word, object),
        "xt" => format!("xt {} {}", text(object, "type"), text(object, "name")),
        "flow" => format!("flow {} {}", text(object, "op"), text(object, "flowtable")),
        "set" | "map" => format!("{} {} {{ {} }}", text(object, "op"), text(object, "set"), part("elem")),
        _ if object.is_null() => word.clone(),
        _ => format!("{word} {}", expression(object)),
    }
}

fn nat(word: &str, object: &Json) -> String {
    let mut line = word.to_owned();
    if let Some(addr) = object.get("addr") {
        let family = text(object, "family");
        let family = if family.is_empty() { String::new() } else { format!("{family} ") };
        line += &format!(" {family}to {}", expression(addr));
    }
    if let Some(port) = object.get("port") {
        let to = if object.get("addr").is_some() { "" } else { " to " };
        line += &format!("{to}:{}", expression(port));
    }
    if let Some(flags) = object.get("flags") {
        line += &format!(" {}", expression(flags));
    }
    line
}

/// One expression.
pub(super) fn expression(json: &Json) -> String {
    let joined = |list: &[Json], between: &str| list.iter().map(expression).collect::<Vec<_>>().join(between);
    let (word, object) = match json {
        Json::String(word) => return word.clone(),
        Json::Array(list) => return joined(list, ","),
        Json::Object(map) => match map.iter().next() {
            Some((word, object)) if map.len() == 1 => (word.as_str(), object),
            _ => return json.to_string(),
        },
        other => return other.to_string(),
    };
    let part = |key: &str| object.get(key).map(expression).unwrap_or_default();
    match (word, object) {
        ("payload", _) => format!("{} {}", part("protocol"), part("field")).trim().to_owned(),
        ("meta", _) => match text(object, "key") {
            name @ ("iifname" | "oifname") => name.to_owned(),
            other => format!("meta {other}"),
        },
        ("ct", _) => format!("ct {} {}", part("dir"), part("key")).replace("  ", " "),
        ("fib", _) => match object.get("flags") {
            Some(Json::Array(flags)) => format!("fib {} {}", joined(flags, " . "), part("result")),
            _ => format!("fib {} {}", part("flags"), part("result")),
        },
        ("prefix", _) => format!("{}/{}", part("addr"), part("len")),
        ("range", Json::Array(ends)) => joined(ends, "-"),
        ("concat", Json::Array(parts)) => joined(parts, " . "),
        ("set", Json::Array(elements)) => {
            let words: Vec<String> = elements.iter().map(entry).collect();
            format!("{{ {} }}", words.join(", "))
        }
        ("map", _) => format!("{} map {}", part("key"), part("data")),
        ("elem", _) => part("val"),
        ("&" | "|" | "^" | "<<" | ">>", Json::Array(parts)) => joined(parts, &format!(" {word} ")),
        ("numgen", _) => format!("numgen {} mod {}", part("mode"), part("mod")),
        ("jhash", _) => format!("jhash {} mod {}", part("expr"), part("mod")),
        ("jump" | "goto", _) => format!("{word} {}", text(object, "target")),
        (_, Json::Null) => word.to_owned(),
        _ => json.to_string(),
    }
}

/// An element of a set, or `key : data` of a map.
fn entry(json: &Json) -> String {
    match json.as_array().map(Vec::as_slice) {
        Some([key, data]) => format!("{} : {}", expression(key), expression(data)),
        _ => expression(json),
    }
}
