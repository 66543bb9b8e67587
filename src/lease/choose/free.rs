//! Free room between what is taken, for both families: addresses as numbers.

use rand::Rng;

/// How many free subnets the dice decide among: enough that 500 nodes starting together seldom meet.
pub(super) const CANDIDATES: usize = 4_096;

/// Where subnets may begin: `first`, then every `step` up to `last`.
pub(super) struct Span {
    first: u128,
    last: u128,
    step: u128,
}

impl Span {
    /// Subnets of `2^bits` addresses that begin in `[min, max]`.
    pub(super) fn new(min: u128, max: u128, bits: u32) -> Self {
        let step = 1u128.checked_shl(bits).unwrap_or(u128::MAX);
        // A minimum inside a subnet: the next one that begins at or after it. No such: an empty span.
        let first = min.checked_next_multiple_of(step);
        match first {
            Some(first) => Self { first, last: max, step },
            None => Self { first: 1, last: 0, step },
        }
    }
}

/// Taken addresses as disjoint ranges, both ends included, in order.
pub(super) struct Taken(Vec<(u128, u128)>);

impl Taken {
    /// Sorts and joins the ranges.
    pub(super) fn of(ranges: impl Iterator<Item = (u128, u128)>) -> Self {
        let mut sorted: Vec<_> = ranges.collect();
        sorted.sort_unstable();
        let mut joined: Vec<(u128, u128)> = Vec::with_capacity(sorted.len());
        for (from, to) in sorted {
            match joined.last_mut() {
                Some((_, end)) if from <= *end => *end = to.max(*end),
                _ => joined.push((from, to)),
            }
        }
        Self(joined)
    }

    /// True if nothing of `[from, to]` is taken.
    pub(super) fn is_free(&self, from: u128, to: u128) -> bool {
        let at = self.0.partition_point(|(_, end)| *end < from);
        self.0.get(at).is_none_or(|(begin, _)| *begin > to)
    }

    /// One of the first free subnets, each as likely.
    pub(super) fn pick<R: Rng + ?Sized>(&self, span: &Span, dice: &mut R) -> Option<u128> {
        let free: Vec<u128> = self.free(span).take(CANDIDATES).collect();
        match free.len() {
            0 => None,
            n => free.get(dice.random_range(0..n)).copied(),
        }
    }

    /// The free subnets in order. One walk over both lists: what is taken is jumped over.
    fn free<'a>(&'a self, span: &'a Span) -> impl Iterator<Item = u128> + 'a {
        let mut at = Some(span.first);
        let mut ahead = self.0.as_slice();
        std::iter::from_fn(move || {
            loop {
                let begin = at.filter(|begin| *begin <= span.last)?;
                let end = begin.checked_add(span.step - 1)?;
                match ahead.split_first() {
                    Some(((_, to), rest)) if *to < begin => ahead = rest,
                    Some(((from, to), _)) if *from <= end => {
                        at = to.checked_add(1).and_then(|next| next.checked_next_multiple_of(span.step));
                    }
                    _ => {
                        at = begin.checked_add(span.step);
                        return Some(begin);
                    }
                }
            }
        })
    }
}
