//! Fragments of IPv6. Whoever puts a packet together and cuts it again, as a firewall does that looks at connections,
//! gives the fragments another number, and what is whole has none: they are known by how the packet begins.

use std::collections::HashMap;

use super::key::{Ends, Seen, Whole};

/// What is not larger is never cut: the least MTU of IPv6, without its header.
const NEVER_CUT: u32 = 1240;

/// How a packet begins: the same of the whole and of its first fragment.
type Start = (Ends, u8, [u32; 3], u64);

/// A packet and all that is cut from it.
#[derive(Debug, Default)]
struct Family {
    members: Vec<u64>,
    numbers: Vec<Whole>,
    starts: Vec<Start>,
}

/// Which packets under way are of one packet.
#[derive(Debug, Default)]
pub(super) struct Families {
    all: HashMap<u64, Family>,
    of: HashMap<u64, u64>,
    by_number: HashMap<Whole, u64>,
    /// The families that begin so, the newest last: a packet may be sent twice.
    by_start: HashMap<Start, Vec<u64>>,
}

impl Families {
    /// A packet begins.
    pub(super) fn insert(&mut self, id: u64, seen: &Seen) {
        if !concerns(seen) {
            return;
        }
        let known = self.by_number.get(&seen.whole()).copied().filter(|_| seen.fragment);
        let head = known.unwrap_or(id);
        let family = self.all.entry(head).or_default();
        family.members.push(id);
        self.of.insert(id, head);
        if seen.fragment && known.is_none() {
            family.numbers.push(seen.whole());
            self.by_number.insert(seen.whole(), head);
        }
        if let Some(start) = start(seen) {
            family.starts.push(start);
            self.by_start.entry(start).or_default().push(head);
        }
    }

    /// A packet is told of.
    pub(super) fn remove(&mut self, id: u64) {
        let Some(head) = self.of.remove(&id) else { return };
        let Some(family) = self.all.get_mut(&head) else { return };
        family.members.retain(|member| *member != id);
        if !family.members.is_empty() {
            return;
        }
        let Family { numbers, starts, .. } = self.all.remove(&head).unwrap_or_default();
        for number in numbers {
            self.by_number.remove(&number);
        }
        for start in starts {
            if let Some(heads) = self.by_start.get_mut(&start) {
                heads.retain(|known| *known != head);
                if heads.is_empty() {
                    self.by_start.remove(&start);
                }
            }
        }
    }

    /// The packets that this one may be of or may hold, by its number or by how it begins; `open` says of which of
    /// several that begin alike there is something missing.
    pub(super) fn find(&mut self, seen: &Seen, open: impl Fn(u64) -> bool) -> Vec<u64> {
        if !concerns(seen) {
            return Vec::new();
        }
        let numbered = self.by_number.get(&seen.whole()).copied().filter(|_| seen.fragment);
        let Some(head) = numbered.or_else(|| self.begun(seen, open)) else { return Vec::new() };
        let Some(family) = self.all.get_mut(&head) else { return Vec::new() };
        if seen.fragment && numbered.is_none() {
            // What follows this first fragment bears its number alone.
            family.numbers.push(seen.whole());
            self.by_number.insert(seen.whole(), head);
        }
        family.members.clone()
    }

    fn begun(&self, seen: &Seen, open: impl Fn(u64) -> bool) -> Option<u64> {
        let heads = self.by_start.get(&start(seen)?)?;
        let misses =
            |head: &&u64| self.all.get(head).is_some_and(|family| family.members.iter().any(|id| open(*id)));
        heads.iter().rev().find(misses).copied()
    }
}

fn concerns(seen: &Seen) -> bool {
    seen.six() && (seen.fragment || seen.range.len > NEVER_CUT)
}

fn start(seen: &Seen) -> Option<Start> {
    (seen.range.from == 0).then(|| (seen.ends, seen.mark.proto(), seen.mark.words(), seen.mark.head()))
}
