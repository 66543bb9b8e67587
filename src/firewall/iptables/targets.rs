//! Targets as what is done.

use super::options::{Opt, Sorted};
use crate::firewall::says::{BitOp, Expr, Field, Nat, NatKind, Say, Slot, Span, Step, To, Value};
use crate::firewall::words::number;

/// What a rule does with who fits. `known` tells which chains the table has.
pub(super) fn steps(rule: &Sorted, family: &str, known: impl Fn(&str) -> bool) -> Option<Step> {
    let target = rule.target.as_deref()?;
    let options: Vec<String> = rule.options.iter().map(Opt::text).collect();
    let text = format!("-j {target} {}", options.join(" ")).trim().to_owned();
    Some(match target {
        chain if known(chain) && rule.goto => Step::Say(Say::Goto(chain.to_owned())),
        chain if known(chain) => Step::Say(Say::Jump(chain.to_owned())),
        "ACCEPT" => Step::Say(Say::Accept),
        "DROP" => Step::Say(Say::Drop),
        "RETURN" => Step::Say(Say::Return),
        "REJECT" => Step::Say(Say::Reject(reject(rule, family))),
        "QUEUE" | "NFQUEUE" => Step::Say(Say::Queue),
        "MARK" | "CONNMARK" => mark(target, rule, text),
        "HMARK" => Step::Write { what: Slot::Mark, to: Expr::Other(text.clone()), text },
        "DSCP" | "TOS" => dscp(rule, text),
        "TTL" | "HL" => ttl(rule, text),
        "MASQUERADE" => nat(NatKind::Masquerade, rule, text),
        "REDIRECT" => nat(NatKind::Redirect, rule, text),
        "SNAT" => nat(NatKind::Source, rule, text),
        "DNAT" => nat(NatKind::Destination, rule, text),
        "NETMAP" => nat(NatKind::Network, rule, text),
        "NOTRACK" => Step::Notrack,
        "CT" if rule.options.iter().any(|option| option.name == "--notrack") => Step::Notrack,
        "CT" | "LOG" | "NFLOG" | "ULOG" | "TCPMSS" | "TCPOPTSTRIP" | "CHECKSUM" | "TRACE" | "TEE" | "SET"
        | "CLASSIFY" | "AUDIT" | "SECMARK" | "CONNSECMARK" | "RATEEST" | "IDLETIMER" | "LED" | "ECN" => {
            Step::Aside
        }
        _ => Step::Other(text),
    })
}

fn option<'a>(rule: &'a Sorted, name: &str) -> Option<&'a Opt> {
    rule.options.iter().find(|option| option.name == name)
}

fn reject(rule: &Sorted, family: &str) -> String {
    let usual = if family == "ip6" { "icmp6-port-unreachable" } else { "icmp-port-unreachable" };
    let with = option(rule, "--reject-with").map_or(usual, Opt::arg);
    // iptables' short forms.
    match with {
        "icmp-port-unreach" | "port-unreach" => "icmp-port-unreachable".to_owned(),
        "tcp-rst" => "tcp-reset".to_owned(),
        other => other.to_owned(),
    }
}

fn num(value: u64) -> Expr {
    Expr::Is(Value::Num(value))
}

fn bits(of: Expr, op: BitOp, with: u64) -> Expr {
    Expr::Bits { of: Box::new(of), op, with: Box::new(num(with)) }
}

/// A mark has 32 bits.
fn not(mask: u64) -> u64 {
    !mask & 0xffff_ffff
}

/// `value/mask`; all bits without a mask.
fn masked(text: &str) -> Option<(u64, u64)> {
    match text.split_once('/') {
        Some((value, mask)) => Some((number(value)?, number(mask)?)),
        None => Some((number(text)?, 0xffff_ffff)),
    }
}

fn mark(target: &str, rule: &Sorted, text: String) -> Step {
    let (slot, field) =
        if target == "MARK" { (Slot::Mark, Field::Mark) } else { (Slot::CtMark, Field::CtMark) };
    let read = || {
        let first = rule.options.first()?;
        let own = || Expr::Field(field);
        Some(match first.name.as_str() {
            "--set-xmark" => {
                let (value, mask) = masked(first.arg())?;
                (slot, bits(bits(own(), BitOp::And, not(mask)), BitOp::Xor, value))
            }
            "--set-mark" => {
                let (value, mask) = masked(first.arg())?;
                (slot, bits(bits(own(), BitOp::And, not(mask | value)), BitOp::Xor, value))
            }
            "--and-mark" => (slot, bits(own(), BitOp::And, number(first.arg())?)),
            "--or-mark" => (slot, bits(own(), BitOp::Or, number(first.arg())?)),
            "--xor-mark" => (slot, bits(own(), BitOp::Xor, number(first.arg())?)),
            "--save-mark" => (Slot::CtMark, copy(rule, Field::Mark, "--nfmask", Field::CtMark, "--ctmask")?),
            "--restore-mark" => (Slot::Mark, copy(rule, Field::CtMark, "--ctmask", Field::Mark, "--nfmask")?),
            _ => return None,
        })
    };
    let (what, to) = read().unwrap_or_else(|| (slot, Expr::Other(text.clone())));
    Step::Write { text, what, to }
}

/// Bits of one mark into the other: `(to & ~mask) ^ (from & mask)`, each with its own mask.
fn copy(rule: &Sorted, from: Field, from_mask: &str, to: Field, to_mask: &str) -> Option<Expr> {
    let mask = |name: &str| match option(rule, name).or_else(|| option(rule, "--mask")) {
        Some(option) => number(option.arg()),
        None => Some(0xffff_ffff),
    };
    let kept = bits(Expr::Field(to), BitOp::And, not(mask(to_mask)?));
    let taken = bits(Expr::Field(from), BitOp::And, mask(from_mask)?);
    Some(Expr::Bits { of: Box::new(kept), op: BitOp::Xor, with: Box::new(taken) })
}

fn dscp(rule: &Sorted, text: String) -> Step {
    let value = option(rule, "--set-dscp").and_then(|option| number(option.arg()));
    let to = value.map_or_else(|| Expr::Other(text.clone()), num);
    Step::Write { text, what: Slot::Dscp, to }
}

fn ttl(rule: &Sorted, text: String) -> Step {
    let value = option(rule, "--ttl-set").or_else(|| option(rule, "--hl-set"));
    let to = value.and_then(|option| number(option.arg())).map_or_else(|| Expr::Other(text.clone()), num);
    Step::Write { text, what: Slot::Ttl, to }
}

fn nat(kind: NatKind, rule: &Sorted, text: String) -> Step {
    let random = rule.options.iter().any(|option| option.name.starts_with("--random"));
    let names = ["--to-source", "--to-destination", "--to-ports", "--to"];
    let to: Vec<&Opt> = rule.options.iter().filter(|o| names.contains(&o.name.as_str())).collect();
    let parsed = match (kind, to.as_slice()) {
        (_, []) => Some((None, None)),
        (NatKind::Masquerade | NatKind::Redirect, [ports]) => {
            span_of_ports(ports.arg()).map(|p| (None, Some(p)))
        }
        (NatKind::Network, [net]) => net.arg().parse().ok().map(|net| (Some(Span::Net(net)), None)),
        (_, [to]) => address_and_ports(to.arg()),
        _ => None,
    };
    let Some((addr, port)) = parsed else { return Step::Other(text) };
    Step::Nat(Nat { text, kind, addr: addr.map(To::Span), port: port.map(To::Span), random })
}

fn span_of_ports(text: &str) -> Option<Span> {
    // `1000-2000/1500` tells where to begin.
    let text = text.split('/').next().unwrap_or(text);
    Some(match text.split_once('-') {
        Some((from, to)) => Span::From(Value::Num(number(from)?), Value::Num(number(to)?)),
        None => Span::Is(Value::Num(number(text)?)),
    })
}

/// `10.0.0.1`, `10.0.0.1-10.0.0.9:1000-2000`, `[fd00::1]:80`, `:80`.
fn address_and_ports(text: &str) -> Option<(Option<Span>, Option<Span>)> {
    let (addr, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (addr, port) = rest.split_once(']')?;
            (addr, port.strip_prefix(':'))
        }
        // More than one colon is an IPv6 address without a port.
        None => match text.split_once(':') {
            Some((addr, port)) if !port.contains(':') => (addr, Some(port)),
            _ => (text, None),
        },
    };
    let addr = match addr.split_once('-') {
        Some((from, to)) => Some(Span::From(Value::Ip(from.parse().ok()?), Value::Ip(to.parse().ok()?))),
        None if addr.is_empty() => None,
        None => Some(Span::Is(Value::Ip(addr.parse().ok()?))),
    };
    let port = match port {
        Some(port) => Some(span_of_ports(port)?),
        None => None,
    };
    Some((addr, port))
}
