//! Match modules as conditions.

use std::net::IpAddr;

use ipnet::IpNet;

use super::options::{Match, Opt};
use crate::firewall::says::{Among, BitOp, Element, Expr, Field, Op, Span, Step, Test, Value};
use crate::firewall::words::{Kind, number};

/// The conditions of a rule.
pub(super) fn steps(matches: &[Match]) -> Vec<Step> {
    matches.iter().flat_map(conditions).collect()
}

fn conditions(found: &Match) -> Vec<Step> {
    let unknown = |text| Step::If { text, test: Test::Unknown };
    match found.module.as_str() {
        "comment" => Vec::new(),
        "rpfilter" => vec![Step::If { text: found.text(), test: rpfilter(found) }],
        // A type asked of one device only is another question, which no listing answers.
        "addrtype" if found.options.iter().any(|o| o.name.starts_with("--limit-iface")) => {
            vec![unknown(found.text())]
        }
        "" | "tcp" | "udp" | "sctp" | "dccp" | "udplite" | "icmp" | "icmp6" | "multiport" | "mark"
        | "connmark" | "conntrack" | "state" | "addrtype" | "iprange" | "mac" | "physdev" | "pkttype"
        | "length" | "dscp" | "tos" | "ttl" | "hl" => {
            let module = found.module.as_str();
            let prefix = if module.is_empty() { String::new() } else { format!("-m {module} ") };
            let step = |option: &Opt| {
                let test = test(module, option).unwrap_or(Test::Unknown);
                let test = match (test, option.not) {
                    (Test::Unknown, _) => Test::Unknown,
                    (test, true) => Test::Not(Box::new(test)),
                    (test, false) => test,
                };
                Step::If { text: format!("{prefix}{}", option.text()), test }
            };
            found.options.iter().map(step).collect()
        }
        _ => vec![unknown(found.text())],
    }
}

/// What an option asks, before any `!`.
fn test(module: &str, option: &Opt) -> Option<Test> {
    let arg = option.arg();
    let is = |field, spans| Some(compare(Expr::Field(field), Op::Is, spans));
    match option.name.as_str() {
        "-s" | "--source" | "--src" => network(Field::Source, arg),
        "-d" | "--destination" | "--dst" => network(Field::Destination, arg),
        "-i" => is(Field::InDevice, vec![device(arg)]),
        "-o" => is(Field::OutDevice, vec![device(arg)]),
        "-p" if matches!(arg, "all" | "0") => Some(Test::Not(Box::new(Test::Either(Vec::new())))),
        "-p" => is(Field::Protocol, vec![one(Kind::Protocol.number(arg)?)]),
        // Later fragments only; a packet that is traced is whole.
        "-f" => Some(Test::Either(Vec::new())),
        "--sport" | "--source-port" => {
            is(Field::SourcePort(ported(module)), vec![range(arg, ':', u64::MAX)?])
        }
        "--dport" | "--destination-port" => {
            is(Field::DestinationPort(ported(module)), vec![range(arg, ':', u64::MAX)?])
        }
        "--sports" | "--source-ports" => is(Field::SourcePort(None), ranges(arg)?),
        "--dports" | "--destination-ports" => is(Field::DestinationPort(None), ranges(arg)?),
        "--ports" => Some(Test::Either(vec![
            compare(Expr::Field(Field::SourcePort(None)), Op::Is, ranges(arg)?),
            compare(Expr::Field(Field::DestinationPort(None)), Op::Is, ranges(arg)?),
        ])),
        "--tcp-flags" => tcp_flags(arg, option.args.get(1)?),
        "--mark" if module == "mark" => masked(Field::Mark, arg),
        "--mark" => masked(Field::CtMark, arg),
        "--ctstate" | "--state" => ct_state(arg),
        "--ctstatus" | "--ctproto" | "--ctdir" | "--ctorigsrc" | "--ctorigdst" | "--ctorigsrcport"
        | "--ctorigdstport" => conntrack(option),
        "--src-type" => is(Field::SourceType, list(arg, Kind::AddrType)?),
        "--dst-type" => is(Field::DestinationType, list(arg, Kind::AddrType)?),
        "--src-range" => is(Field::Source, vec![addresses(arg)?]),
        "--dst-range" => is(Field::Destination, vec![addresses(arg)?]),
        "--mac-source" => is(Field::SourceMac, vec![Span::Is(Value::Name(arg.to_ascii_lowercase()))]),
        "--physdev-is-bridged" => is(Field::Bridged, vec![one(1)]),
        "--icmp-type" => icmp(1, arg, Kind::IcmpType),
        "--icmpv6-type" => icmp(58, arg, Kind::Icmp6Type),
        "--pkt-type" => is(Field::PacketType, vec![one(Kind::PacketType.number(arg)?)]),
        "--length" => is(Field::Length, vec![range(arg, ':', u64::MAX)?]),
        "--dscp" => Some(Test::Either(vec![
            compare(Expr::Field(Field::V4Dscp), Op::Is, vec![one(number(arg)?)]),
            compare(Expr::Field(Field::V6Dscp), Op::Is, vec![one(number(arg)?)]),
        ])),
        "--ttl-eq" => is(Field::V4Ttl, vec![one(number(arg)?)]),
        "--ttl-lt" => Some(compare(Expr::Field(Field::V4Ttl), Op::Below, vec![one(number(arg)?)])),
        "--ttl-gt" => Some(compare(Expr::Field(Field::V4Ttl), Op::Above, vec![one(number(arg)?)])),
        "--hl-eq" => is(Field::V6HopLimit, vec![one(number(arg)?)]),
        "--hl-lt" => Some(compare(Expr::Field(Field::V6HopLimit), Op::Below, vec![one(number(arg)?)])),
        "--hl-gt" => Some(compare(Expr::Field(Field::V6HopLimit), Op::Above, vec![one(number(arg)?)])),
        _ => None,
    }
}

fn compare(left: Expr, op: Op, spans: Vec<Span>) -> Test {
    let elements = spans.into_iter().map(|span| Element { key: vec![span], data: None });
    Test::Compare { left, op, right: Among::These(elements.collect()) }
}

fn one(number: u64) -> Span {
    Span::Is(Value::Num(number))
}

/// The protocol whose ports a module reads.
fn ported(module: &str) -> Option<u8> {
    Kind::Protocol.number(module).and_then(|number| u8::try_from(number).ok())
}

/// `10.0.0.0/8`, `10.0.0.1`, and masks with holes (`10.0.0.1/255.0.0.255`).
fn network(field: Field, text: &str) -> Option<Test> {
    if let Ok(net) = text.parse::<IpNet>() {
        return Some(compare(Expr::Field(field), Op::Is, vec![Span::Net(net)]));
    }
    let (addr, mask) = text.split_once('/').map_or((text, None), |(addr, mask)| (addr, Some(mask)));
    let addr = Span::Is(Value::Ip(addr.parse::<IpAddr>().ok()?));
    let Some(mask) = mask else { return Some(compare(Expr::Field(field), Op::Is, vec![addr])) };
    let mask = Expr::Is(Value::Ip(mask.parse().ok()?));
    Some(compare(and(Expr::Field(field), mask), Op::Is, vec![addr]))
}

fn and(of: Expr, with: Expr) -> Expr {
    Expr::Bits { of: Box::new(of), op: BitOp::And, with: Box::new(with) }
}

/// `eth0`, `veth+`.
fn device(name: &str) -> Span {
    match name.strip_suffix('+') {
        Some(head) => Span::Like(head.to_owned()),
        None => Span::Is(Value::Name(name.to_owned())),
    }
}

/// `80`, `1000:2000`, `1000:`.
fn range(text: &str, between: char, top: u64) -> Option<Span> {
    let Some((from, to)) = text.split_once(between) else { return number(text).map(one) };
    let from = if from.is_empty() { 0 } else { number(from)? };
    let to = if to.is_empty() { top } else { number(to)? };
    Some(Span::From(Value::Num(from), Value::Num(to)))
}

fn ranges(text: &str) -> Option<Vec<Span>> {
    text.split(',').map(|part| range(part, ':', u64::MAX)).collect()
}

/// `10.0.0.1-10.0.0.9`
fn addresses(text: &str) -> Option<Span> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    Some(Span::From(Value::Ip(from.parse().ok()?), Value::Ip(to.parse().ok()?)))
}

fn list(text: &str, kind: Kind) -> Option<Vec<Span>> {
    text.split(',').map(|word| kind.number(word).map(one)).collect()
}

fn bits(text: &str, kind: Kind) -> Option<u64> {
    text.split(',').try_fold(0, |all, word| Some(all | kind.number(word)?))
}

/// Which of the flags are looked at, and which of them are set.
fn tcp_flags(mask: &str, set: &str) -> Option<Test> {
    let read = |text: &str| match text {
        "ALL" => Some(0x3f),
        "NONE" => Some(0),
        flags => bits(flags, Kind::TcpFlags),
    };
    let masked = and(Expr::Field(Field::TcpFlags), Expr::Is(Value::Num(read(mask)?)));
    Some(compare(masked, Op::Is, vec![one(read(set)?)]))
}

/// `0x1`, `0x1/0xff`.
fn masked(field: Field, text: &str) -> Option<Test> {
    let Some((value, mask)) = text.split_once('/') else {
        return Some(compare(Expr::Field(field), Op::Is, vec![one(number(text)?)]));
    };
    let masked = and(Expr::Field(field), Expr::Is(Value::Num(number(mask)?)));
    Some(compare(masked, Op::Is, vec![one(number(value)?)]))
}

/// States, among which iptables counts two bits of the status.
fn ct_state(text: &str) -> Option<Test> {
    let (status, state): (Vec<&str>, Vec<&str>) =
        text.split(',').partition(|w| matches!(*w, "SNAT" | "DNAT"));
    let has = |field, words: Vec<&str>, kind| {
        let bits = bits(&words.join(","), kind)?;
        Some(compare(Expr::Field(field), Op::Has, vec![one(bits)]))
    };
    let mut tests = Vec::new();
    if !state.is_empty() {
        tests.push(has(Field::CtState, state, Kind::CtState)?);
    }
    if !status.is_empty() {
        tests.push(has(Field::CtStatus, status, Kind::CtStatus)?);
    }
    match (tests.pop(), tests.is_empty()) {
        (Some(only), true) => Some(only),
        (Some(last), false) => Some(Test::Either(tests.into_iter().chain([last]).collect())),
        (None, _) => None,
    }
}

fn conntrack(option: &Opt) -> Option<Test> {
    let arg = option.arg();
    let is = |field, span| Some(compare(Expr::Field(field), Op::Is, vec![span]));
    match option.name.as_str() {
        "--ctstatus" => {
            let bits = bits(&arg.replace('_', "-"), Kind::CtStatus)?;
            Some(compare(Expr::Field(Field::CtStatus), Op::Has, vec![one(bits)]))
        }
        "--ctproto" => is(Field::CtProtocol, one(Kind::Protocol.number(arg)?)),
        "--ctdir" => is(Field::CtDirection, one(Kind::CtDirection.number(arg)?)),
        "--ctorigsrc" => network(Field::CtSource, arg),
        "--ctorigdst" => network(Field::CtDestination, arg),
        "--ctorigsrcport" => is(Field::CtSourcePort, range(arg, ':', u64::MAX)?),
        "--ctorigdstport" => is(Field::CtDestinationPort, range(arg, ':', u64::MAX)?),
        _ => None,
    }
}

/// `8`, `3/1`, `any`.
fn icmp(proto: u8, text: &str, kind: Kind) -> Option<Test> {
    if matches!(text, "any" | "255") {
        return Some(compare(Expr::Field(Field::Protocol), Op::Is, vec![one(u64::from(proto))]));
    }
    let (word, code) = text.split_once('/').map_or((text, None), |(word, code)| (word, Some(code)));
    let left = Expr::Row(vec![Expr::Field(Field::IcmpType(proto)), Expr::Field(Field::IcmpCode(proto))]);
    let code = match code {
        Some(code) => one(number(code)?),
        None => Span::Any,
    };
    let element = Element { key: vec![one(kind.number(word)?), code], data: None };
    Some(Test::Compare { left, op: Op::Is, right: Among::These(vec![element]) })
}

fn rpfilter(found: &Match) -> Test {
    let has = |name: &str| found.options.iter().any(|option| option.name == name);
    if has("--loose") || has("--accept-local") {
        return Test::Unknown;
    }
    let back = compare(Expr::Field(Field::Reverse), Op::Is, vec![one(1)]);
    if has("--invert") { Test::Not(Box::new(back)) } else { back }
}
