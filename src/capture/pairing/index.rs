//! Finds the packets under way that a sighting is of.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::Hash;

use super::key::{Ends, Mark, Range, Seen, Whole};
use super::order::Sighting;
use super::six::Families;
use super::way::{Cover, Item};

/// Packets that look alike, or datagrams of one flow, that are looked at: the newest.
const LOOKS: usize = 1024;

/// Nanoseconds within which the same packet to another tunnel end is a copy of it.
const COPIES: i64 = 10_000_000;

/// Ids of packets by what they are known by.
#[derive(Debug, Default)]
pub(super) struct Index {
    marks: HashMap<Mark, VecDeque<u64>>,
    /// By where in its stream a packet begins; 0 of a datagram.
    flows: HashMap<Ends, BTreeSet<(u32, u64)>>,
    /// The most bytes of a stream that one packet brought.
    longest: u32,
    wholes: HashMap<Whole, VecDeque<u64>>,
    six: Families,
}

fn put<K: Hash + Eq>(map: &mut HashMap<K, VecDeque<u64>>, key: K, id: u64) {
    map.entry(key).or_default().push_back(id);
}

fn take_out<K: Hash + Eq>(map: &mut HashMap<K, VecDeque<u64>>, key: K, id: u64) {
    if let Entry::Occupied(mut ids) = map.entry(key) {
        let at = ids.get().iter().position(|one| *one == id);
        at.and_then(|at| ids.get_mut().remove(at));
        if ids.get().is_empty() {
            ids.remove();
        }
    }
}

/// Where a packet stands in its flow.
fn place(seen: &Seen) -> Option<u32> {
    seen.stream.map(|stream| stream.from).or(seen.datagram.map(|_| 0))
}

/// The newest first, not more than are worth looking at.
fn newest<'a, K: Hash + Eq>(
    map: &'a HashMap<K, VecDeque<u64>>,
    key: &K,
) -> impl Iterator<Item = u64> + use<'a, K> {
    map.get(key).into_iter().flat_map(|ids| ids.iter().rev().copied()).take(LOOKS)
}

impl Index {
    /// A packet begins.
    pub(super) fn insert(&mut self, id: u64, seen: &Seen) {
        put(&mut self.marks, seen.mark, id);
        self.six.insert(id, seen);
        self.alias(id, seen);
    }

    /// A packet has other addresses from here on.
    pub(super) fn alias(&mut self, id: u64, seen: &Seen) {
        if let Some(from) = place(seen) {
            self.flows.entry(seen.ends).or_default().insert((from, id));
            self.longest = self.longest.max(seen.stream.map_or(0, |stream| stream.len));
        }
        if !seen.six() {
            put(&mut self.wholes, seen.whole(), id);
        }
    }

    /// A packet is told of.
    pub(super) fn remove(&mut self, id: u64, seen: &Seen) {
        take_out(&mut self.marks, seen.mark, id);
        if let (Some(from), Entry::Occupied(mut flow)) = (place(seen), self.flows.entry(seen.ends)) {
            flow.get_mut().remove(&(from, id));
            if flow.get().is_empty() {
                flow.remove();
            }
        }
        take_out(&mut self.wholes, seen.whole(), id);
        self.six.remove(id);
    }

    /// The packets that a sighting is of, and how much of each it is.
    /// `nat` says whether NAT makes the first of two the second.
    pub(super) fn find(
        &mut self,
        items: &HashMap<u64, Item>,
        sighting: &Sighting,
        nat: &dyn Fn(&Seen, &Seen) -> bool,
    ) -> Vec<(u64, Cover)> {
        let seen = &sighting.seen;
        let has = |item: &Item| item.seens.iter().any(|known| known.ends == seen.ends);
        let same = newest(&self.marks, &seen.mark).filter_map(|id| Some((id, items.get(&id)?)));
        let mut copy = None;
        let mut other = None;
        for (id, item) in same {
            let open = !item.is_whole_at(sighting.point);
            if has(item) {
                if open {
                    return vec![(id, Cover::Whole)];
                }
                copy = copy.or_else(|| is_copy(item, sighting).then_some(id));
            } else if open && seen.telling() && item.seens.iter().any(|known| nat(known, seen)) {
                // The oldest: NAT does not reorder, and its packets are not sent twice at once.
                other = Some(id);
            }
        }
        if let Some(id) = copy {
            return vec![(id, Cover::Copy)];
        }
        let parts = self.parts(items, sighting);
        if parts.is_empty() { other.map(|id| (id, Cover::Whole)).into_iter().collect() } else { parts }
    }

    fn parts(&mut self, items: &HashMap<u64, Item>, sighting: &Sighting) -> Vec<(u64, Cover)> {
        let seen = &sighting.seen;
        let by_range = self.fragments(items, sighting);
        if !by_range.is_empty() {
            return by_range;
        }
        match (seen.stream, seen.datagram) {
            (Some(stream), _) => self.segments(items, sighting, stream),
            (_, Some(len)) => self.datagrams(items, sighting, len),
            _ => Vec::new(),
        }
    }

    /// Fragments of a packet, or a packet of fragments.
    fn fragments(&mut self, items: &HashMap<u64, Item>, sighting: &Sighting) -> Vec<(u64, Cover)> {
        let seen = &sighting.seen;
        let open = |id: &u64| items.get(id).is_some_and(|item| !item.is_whole_at(sighting.point));
        let ids: Vec<u64> = if seen.six() {
            self.six.find(seen, |id| open(&id))
        } else {
            newest(&self.wholes, &seen.whole()).collect()
        };
        let parts = ids.into_iter().filter(open).filter_map(|id| {
            let first = items.get(&id)?.seens.first()?;
            // Two whole packets are one only if they are the same.
            let part = (seen.fragment || first.fragment).then(|| first.range.meets(seen.range)).flatten()?;
            Some((id, cover(part, first.range, seen.range, 0)))
        });
        parts.collect()
    }

    /// Segments of a TCP stream: cut smaller by the sender's card, or put together by the receiver's.
    fn segments(&self, items: &HashMap<u64, Item>, sighting: &Sighting, stream: Range) -> Vec<(u64, Cover)> {
        let (mut found, mut left) = (Vec::new(), stream.len);
        for id in self.near(&sighting.seen.ends, stream) {
            let Some((item, first)) = items.get(&id).and_then(|item| Some((item, item.seens.first()?)))
            else {
                continue;
            };
            let part = first.stream.and_then(|own| Some((own, own.meets(stream)?)));
            let Some((own, part)) = part.filter(|_| !item.is_whole_at(sighting.point)) else { continue };
            // The header goes with the first byte.
            let header = item.size.saturating_sub(own.len);
            found.push((id, cover(part, own, stream, header)));
            left = left.saturating_sub(part.1 - part.0);
            if left == 0 {
                break;
            }
        }
        found
    }

    /// Packets of a stream that may have bytes of this range, the newest first.
    fn near(&self, ends: &Ends, stream: Range) -> Vec<u64> {
        let Some(flow) = self.flows.get(ends) else { return Vec::new() };
        let (low, high) = (stream.from.wrapping_sub(self.longest), stream.from.wrapping_add(stream.len));
        // Sequence numbers wrap.
        let mut ids: Vec<u64> = if low < high {
            flow.range((low, 0)..(high, 0)).map(|(_, id)| *id).collect()
        } else {
            flow.range((low, 0)..).chain(flow.range(..(high, 0))).map(|(_, id)| *id).collect()
        };
        ids.sort_unstable_by(|one, other| other.cmp(one));
        ids
    }

    /// Datagrams that travel as one: the first is known by its bytes, the rest by following it.
    fn datagrams(&self, items: &HashMap<u64, Item>, sighting: &Sighting, len: u32) -> Vec<(u64, Cover)> {
        let flow = self.flows.get(&sighting.seen.ends);
        let mut ids: Vec<u64> =
            flow.into_iter().flat_map(|flow| flow.iter().rev().take(LOOKS)).map(|(_, id)| *id).collect();
        ids.reverse();
        let open = |id: u64| items.get(&id).filter(|item| !item.is_whole_at(sighting.point));
        let lens = ids.into_iter().filter_map(|id| {
            let first = open(id)?.seens.first()?;
            Some((id, first, first.datagram?))
        });
        let mut from_first = lens.skip_while(|(_, first, _)| !first.begins_as(&sighting.seen)).peekable();
        match from_first.peek() {
            Some((id, _, own)) if *own > len => vec![(*id, Cover::Begun)],
            Some((_, _, own)) if *own < len => {
                let mut left = len;
                let held = from_first.take_while(|(_, _, own)| {
                    let fits = left >= *own && left > 0;
                    left = left.saturating_sub(*own);
                    fits
                });
                held.map(|(id, ..)| (id, Cover::Within)).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// `part` of a packet with the bytes `own`, in a sighting with the bytes `there`.
fn cover(part: (u32, u32), own: Range, there: Range, header: u32) -> Cover {
    match part {
        (0, to) if to == own.len && there.len > own.len => Cover::Within,
        (0, to) if to == own.len => Cover::Whole,
        (from, to) => Cover::Part(if from == 0 { 0 } else { from + header }, to + header),
    }
}

/// One more of the same, in the tunnel to somewhere else: a forwarding entry with several ends.
fn is_copy(item: &Item, sighting: &Sighting) -> bool {
    let mut here = item.points.iter().map(|held| held.at).filter(|at| at.point == sighting.point).peekable();
    let Some(to) = sighting.outer.map(|outer| outer.dst) else { return false };
    here.peek().is_some_and(|at| sighting.at.abs_diff(at.at) < COPIES.unsigned_abs())
        && here.all(|at| at.outer.is_some_and(|outer| outer.dst != to))
}
