//! The firewall's rules: what they compare with, and what they say.

use std::net::IpAddr;

use super::Redactor;
use crate::firewall::{
    Among, Base, BitOp, Chain, Data, Element, Expr, Nat, Rule, Ruleset, Set, Span, Step, Table, Test, To,
    Value,
};

impl Redactor {
    /// All rules.
    pub(super) fn ruleset(&self, rules: Ruleset) -> Ruleset {
        let Ruleset { tables, unseen } = rules;
        Ruleset {
            tables: tables.into_iter().map(|table| self.table(table)).collect(),
            unseen: self.texts(unseen),
        }
    }

    fn table(&self, table: Table) -> Table {
        let Table { family, name, owner, awake, chains, sets } = table;
        let chains = chains.into_iter().map(|Chain { name, base, rules }| Chain {
            name,
            base: base.map(|base| Base {
                devices: base.devices.iter().map(|device| self.device(device)).collect(),
                ..base
            }),
            rules: rules.into_iter().map(|rule| self.rule_row(rule)).collect(),
        });
        let sets = sets.into_iter().map(|Set { name, elements }| Set {
            name,
            elements: elements.map(|all| self.elements(all, None)),
        });
        Table { family, name, owner, awake, chains: chains.collect(), sets: sets.collect() }
    }

    fn rule_row(&self, rule: Rule) -> Rule {
        let Rule { handle, text, counter, steps } = rule;
        // The steps know names that the text alone does not show.
        let steps = steps.into_iter().map(|step| self.step(step)).collect();
        Rule { handle, text: self.text(&text), counter, steps }
    }

    fn step(&self, step: Step) -> Step {
        match step {
            Step::If { text, test } => {
                let test = self.test(test);
                Step::If { text: self.text(&text), test }
            }
            Step::Choose { text, key, among } => {
                let (key, among) = (self.expr(key), self.among(among, None));
                Step::Choose { text: self.text(&text), key, among }
            }
            Step::Write { text, what, to } => Step::Write { text: self.text(&text), what, to: self.expr(to) },
            Step::Nat(Nat { text, kind, addr, port, random }) => {
                let (addr, port) = (addr.map(|to| self.to(to)), port.map(|to| self.to(to)));
                Step::Nat(Nat { text: self.text(&text), kind, addr, port, random })
            }
            Step::Offload(table) => Step::Offload(self.text(&table)),
            Step::Other(text) => Step::Other(self.text(&text)),
            Step::Say(_) | Step::Notrack | Step::Edit { .. } | Step::Aside => step,
        }
    }

    fn test(&self, test: Test) -> Test {
        match test {
            Test::Compare { left, op, right } => {
                let mask = match &left {
                    Expr::Bits { op: BitOp::And, with, .. } => match **with {
                        Expr::Is(Value::Ip(mask)) => Some(mask),
                        _ => None,
                    },
                    _ => None,
                };
                Test::Compare { left: self.expr(left), op, right: self.among(right, mask) }
            }
            Test::Either(tests) => Test::Either(tests.into_iter().map(|test| self.test(test)).collect()),
            Test::Not(test) => Test::Not(Box::new(self.test(*test))),
            Test::Unknown => Test::Unknown,
        }
    }

    fn among(&self, among: Among, mask: Option<IpAddr>) -> Among {
        match among {
            Among::These(elements) => Among::These(self.elements(elements, mask)),
            Among::Value(expr) => Among::Value(Box::new(self.expr(*expr))),
            Among::Set(name) => Among::Set(name),
        }
    }

    /// Elements; one can become several.
    fn elements(&self, elements: Vec<Element>, mask: Option<IpAddr>) -> Vec<Element> {
        let spread = |Element { key, data }: Element| {
            let data = data.map(|data| match data {
                Data::Values(spans) => Data::Values(spans.into_iter().map(|span| self.only(span)).collect()),
                Data::Say(say) => Data::Say(say),
            });
            let keys = key.into_iter().fold(vec![Vec::new()], |keys: Vec<Vec<Span>>, span| {
                let parts = self.spans(span, mask);
                let with = |key: &Vec<Span>| {
                    let key = key.clone();
                    parts
                        .iter()
                        .map(move |part| key.iter().cloned().chain([part.clone()]).collect())
                        .collect::<Vec<_>>()
                };
                keys.iter().flat_map(with).collect()
            });
            keys.into_iter().map(move |key| Element { key, data: data.clone() })
        };
        elements.into_iter().flat_map(spread).collect()
    }

    /// What stands for a span that a value is held against.
    fn spans(&self, span: Span, mask: Option<IpAddr>) -> Vec<Span> {
        match span {
            Span::From(Value::Ip(from), Value::Ip(to)) if !self.keeps_order(from, to) => {
                self.space.range(from, to).into_iter().map(Span::Net).collect()
            }
            Span::Like(head) => self.like(&head),
            Span::Is(Value::Ip(ip)) => vec![Span::Is(Value::Ip(masked(self.ip(ip), mask)))],
            other => vec![self.only(other)],
        }
    }

    /// The same where it must stay one: an address to put in, of which no verdict knows more than the first.
    fn only(&self, span: Span) -> Span {
        match span {
            Span::Is(value) => Span::Is(self.value(value)),
            Span::From(from, to) => {
                let (from, to) = (self.value(from), self.value(to));
                if from <= to { Span::From(from, to) } else { Span::From(to, from) }
            }
            Span::Net(net) => Span::Net(self.net(net)),
            Span::Like(head) => Span::Like(self.device(&head)),
            Span::Any => Span::Any,
        }
    }

    /// Within one block of host parts, which stay, a range stays one.
    fn keeps_order(&self, from: IpAddr, to: IpAddr) -> bool {
        match (from, to) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                (u32::from(a) ^ u32::from(b)).leading_zeros() >= self.space.cut.v4.into()
            }
            _ => false,
        }
    }

    /// The devices whose names begin so: afterwards they no longer do.
    fn like(&self, head: &str) -> Vec<Span> {
        let new = self.device(head);
        let hits = self.devices.iter().filter(|dev| dev.starts_with(head)).map(|dev| self.device(dev));
        let mut spans: Vec<Span> = hits.map(|dev| Span::Is(Value::Name(dev))).collect();
        spans.push(if new == head { Span::Like(new) } else { Span::Is(Value::Name(new)) });
        spans
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::Ip(ip) => Value::Ip(self.ip(ip)),
            Value::Name(name) => Value::Name(match name.parse() {
                Ok(mac) => self.mac(mac).to_string(),
                Err(_) => self.device(&name),
            }),
            Value::Num(number) => Value::Num(number),
        }
    }

    fn to(&self, to: To) -> To {
        match to {
            To::Span(span) => To::Span(self.only(span)),
            To::Expr(expr) => To::Expr(self.expr(expr)),
        }
    }

    fn expr(&self, expr: Expr) -> Expr {
        match expr {
            Expr::Is(value) => Expr::Is(self.value(value)),
            // What a mask lets through is counted from the left, as before.
            Expr::Bits { of, op: BitOp::And, with } => {
                Expr::Bits { of: Box::new(self.expr(*of)), op: BitOp::And, with }
            }
            Expr::Bits { of, op, with } => {
                Expr::Bits { of: Box::new(self.expr(*of)), op, with: Box::new(self.expr(*with)) }
            }
            Expr::Row(parts) => Expr::Row(parts.into_iter().map(|part| self.expr(part)).collect()),
            Expr::Look { key, among } => {
                Expr::Look { key: Box::new(self.expr(*key)), among: self.among(among, None) }
            }
            Expr::Other(text) => Expr::Other(self.text(&text)),
            Expr::Field(_) | Expr::Dice { .. } => expr,
        }
    }
}

fn masked(ip: IpAddr, mask: Option<IpAddr>) -> IpAddr {
    match (ip, mask) {
        (IpAddr::V4(ip), Some(IpAddr::V4(mask))) => IpAddr::V4(ip & mask),
        (IpAddr::V6(ip), Some(IpAddr::V6(mask))) => IpAddr::V6(ip & mask),
        (ip, _) => ip,
    }
}
