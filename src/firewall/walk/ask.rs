//! Conditions, three-valued: no beats unsure beats yes.

use super::At;
use super::read::{Seen, values};
use super::world::World;
use crate::firewall::says::{Among, Element, Expr, Op, Span, Test, Value};

/// The answer to a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    /// The packet has no such field: the rule does not match, negated or not.
    Broken,
    Unsure,
}

/// What a map may hold for a key.
pub(super) struct Hits<'a> {
    /// Every element that may be it.
    pub(super) found: Vec<&'a Element>,
    /// True if there may be none.
    pub(super) miss: bool,
    /// True if it cannot be told what is in it.
    pub(super) lost: bool,
}

/// Whether a condition holds.
pub(super) fn ask<'a>(at: &At<'a>, test: &'a Test, world: &World<'a>) -> Truth {
    match test {
        Test::Unknown => Truth::Unsure,
        Test::Not(inner) => match ask(at, inner, world) {
            Truth::Yes => Truth::No,
            Truth::No => Truth::Yes,
            other => other,
        },
        Test::Either(tests) => {
            let answers: Vec<Truth> = tests.iter().map(|test| ask(at, test, world)).collect();
            let any = |truth| answers.contains(&truth);
            match () {
                () if any(Truth::Yes) => Truth::Yes,
                () if any(Truth::Unsure) => Truth::Unsure,
                () if any(Truth::No) || answers.is_empty() => Truth::No,
                () => Truth::Broken,
            }
        }
        Test::Compare { left, op, right } => compare(at, left, *op, right, world),
    }
}

fn compare<'a>(at: &At<'a>, left: &'a Expr, op: Op, right: &'a Among, world: &World<'a>) -> Truth {
    let seen = values(at, left, world);
    if seen.contains(&Seen::Absent) {
        return Truth::Broken;
    }
    if let Among::Value(expr) = right {
        let (Some(Seen::Is(a)), Some(Seen::Is(b))) =
            (seen.first(), values(at, expr, world).into_iter().next())
        else {
            return Truth::Unsure;
        };
        return relate(a, op, &b);
    }
    match op {
        Op::Is | Op::IsNot => {
            let hits = lookup_values(at, &seen, right, world);
            let truth = match () {
                () if hits.lost => Truth::Unsure,
                () if !hits.miss => Truth::Yes,
                () if hits.found.is_empty() => Truth::No,
                () => Truth::Unsure,
            };
            match (truth, op) {
                (Truth::Yes, Op::IsNot) => Truth::No,
                (Truth::No, Op::IsNot) => Truth::Yes,
                (truth, _) => truth,
            }
        }
        _ => match (seen.first(), single(right)) {
            (Some(Seen::Is(value)), Some(bound)) => relate(value, op, bound),
            (Some(Seen::Bits { known, value }), Some(Value::Num(mask))) => {
                some_bits(*known, *value, op, *mask)
            }
            _ => Truth::Unsure,
        },
    }
}

/// Flags of which only some are known.
fn some_bits(known: u64, value: u64, op: Op, mask: u64) -> Truth {
    let has = match () {
        () if value & known & mask != 0 => Truth::Yes,
        () if mask & !known == 0 => Truth::No,
        () => return Truth::Unsure,
    };
    match (op, has) {
        (Op::Has, has) => has,
        (Op::Lacks, Truth::Yes) => Truth::No,
        (Op::Lacks, _) => Truth::Yes,
        _ => Truth::Unsure,
    }
}

/// The only value of a set that has one.
fn single(right: &Among) -> Option<&Value> {
    match right {
        Among::These(elements) => match elements.first()?.key.first()? {
            Span::Is(value) if elements.len() == 1 => Some(value),
            _ => None,
        },
        _ => None,
    }
}

fn relate(a: &Value, op: Op, b: &Value) -> Truth {
    let holds = match (op, a, b) {
        (Op::Is, a, b) => a == b,
        (Op::IsNot, a, b) => a != b,
        (Op::Has, Value::Num(a), Value::Num(b)) => a & b != 0,
        (Op::Lacks, Value::Num(a), Value::Num(b)) => a & b == 0,
        (Op::Below, Value::Num(a), Value::Num(b)) => a < b,
        (Op::Above, Value::Num(a), Value::Num(b)) => a > b,
        (Op::AtMost, Value::Num(a), Value::Num(b)) => a <= b,
        (Op::AtLeast, Value::Num(a), Value::Num(b)) => a >= b,
        _ => return Truth::Unsure,
    };
    if holds { Truth::Yes } else { Truth::No }
}

/// What a map or set holds for what `key` yields.
pub(super) fn lookup<'a>(at: &At<'a>, key: &'a Expr, among: &'a Among, world: &World<'a>) -> Hits<'a> {
    if let Expr::Dice { first, count } = key {
        return dice(*first, *count, elements(at, among, world));
    }
    let seen = values(at, key, world);
    if seen.contains(&Seen::Absent) {
        return Hits { found: Vec::new(), miss: true, lost: false };
    }
    lookup_values(at, &seen, among, world)
}

/// Every number of the dice may come.
fn dice<'a>(first: u64, count: u64, elements: Option<&'a [Element]>) -> Hits<'a> {
    let Some(elements) = elements else { return Hits { found: Vec::new(), miss: true, lost: true } };
    let thrown = |number: u64| {
        elements.iter().position(|element| match element.key.first() {
            Some(Span::Any) => true,
            Some(span) => contains(span, &Value::Num(number)) == Some(true),
            None => false,
        })
    };
    let places: Vec<Option<usize>> = (first..first.saturating_add(count.min(1024))).map(thrown).collect();
    let mut places_hit: Vec<usize> = places.iter().flatten().copied().collect();
    places_hit.sort_unstable();
    places_hit.dedup();
    Hits {
        found: places_hit.into_iter().filter_map(|place| elements.get(place)).collect(),
        miss: places.contains(&None),
        lost: count > 1024,
    }
}

/// The elements of a set that is certain.
fn elements<'a>(at: &At<'a>, among: &'a Among, world: &World<'a>) -> Option<&'a [Element]> {
    match among {
        Among::These(elements) => Some(elements),
        Among::Set(name) => {
            let table = at.table;
            if world.edited.contains(&(&table.family, &table.name, name)) {
                return None;
            }
            table.sets.iter().find(|set| set.name == *name)?.elements.as_deref()
        }
        Among::Value(_) => None,
    }
}

fn lookup_values<'a>(at: &At<'a>, seen: &[Seen], among: &'a Among, world: &World<'a>) -> Hits<'a> {
    let Some(elements) = elements(at, among, world) else {
        return Hits { found: Vec::new(), miss: true, lost: true };
    };
    let mut hits = Hits { found: Vec::new(), miss: true, lost: false };
    // What fits everything comes last, whatever its place.
    let (any, named): (Vec<&Element>, Vec<&Element>) =
        elements.iter().partition(|element| element.key.iter().all(|span| *span == Span::Any));
    for element in named.into_iter().chain(any) {
        match fits(&element.key, seen) {
            Truth::Yes => {
                hits.found.push(element);
                hits.miss = false;
                break;
            }
            Truth::Unsure => hits.found.push(element),
            Truth::No | Truth::Broken => {}
        }
    }
    hits
}

fn fits(key: &[Span], seen: &[Seen]) -> Truth {
    if key.len() != seen.len() {
        return Truth::Unsure;
    }
    let parts = key.iter().zip(seen).map(|(span, seen)| match (span, seen) {
        (Span::Any, _) => Truth::Yes,
        (_, Seen::Unknown | Seen::Bits { .. }) => Truth::Unsure,
        (_, Seen::Absent) => Truth::No,
        (span, Seen::Is(value)) => match contains(span, value) {
            Some(true) => Truth::Yes,
            Some(false) => Truth::No,
            None => Truth::Unsure,
        },
    });
    parts.fold(Truth::Yes, |all, part| match (all, part) {
        (Truth::No, _) | (_, Truth::No) => Truth::No,
        (Truth::Unsure, _) | (_, Truth::Unsure) => Truth::Unsure,
        _ => Truth::Yes,
    })
}

/// Whether a span holds a value; nothing if they are of kinds that have nothing to do with each other.
pub(super) fn contains(span: &Span, value: &Value) -> Option<bool> {
    let alike = |a: &Value| std::mem::discriminant(a) == std::mem::discriminant(value);
    match span {
        Span::Any => Some(true),
        Span::Is(one) => alike(one).then(|| one == value),
        // An IPv4 address sorts before every IPv6 address, so a range holds its own family alone.
        Span::From(from, to) => (alike(from) && alike(to)).then(|| from <= value && value <= to),
        Span::Net(net) => match value {
            Value::Ip(ip) => Some(net.contains(ip)),
            _ => None,
        },
        Span::Like(head) => match value {
            Value::Name(name) => Some(name.starts_with(head.as_str())),
            _ => None,
        },
    }
}
