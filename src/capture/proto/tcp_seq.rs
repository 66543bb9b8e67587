//! The first sequence numbers of TCP connections, so that the others can be told relative to them.
//! Bounded: past [`MOST`] connections the oldest is forgotten.

/// How many connections of one IP version are remembered.
const MOST: usize = 65_536;
const BUCKETS: usize = 32_768;
const NONE: u32 = u32::MAX;

/// One connection: both ends in a fixed order, so that both directions find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair<const N: usize> {
    /// The end that sorts first, and the other.
    pub ends: [[u8; N]; 2],
    /// Their ports.
    pub ports: [u16; 2],
}

#[derive(Debug, Clone)]
struct Entry<const N: usize> {
    pair: Pair<N>,
    start: Start,
    next: u32,
}

/// The numbers that are told as 0: of the end that sorts first, and of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Start {
    /// Subtracted from what the first end counts.
    pub seq: u32,
    /// Subtracted from what the other counts.
    pub ack: u32,
}

/// Connections of one IP version.
#[derive(Debug)]
pub struct Table<const N: usize> {
    heads: Vec<u32>,
    entries: Vec<Entry<N>>,
    oldest: usize,
}

impl<const N: usize> Default for Table<N> {
    fn default() -> Self {
        Self { heads: Vec::new(), entries: Vec::new(), oldest: 0 }
    }
}

/// Connections whose first sequence numbers are known.
#[derive(Debug, Default)]
pub struct Connections {
    /// Over IPv4.
    pub v4: Table<4>,
    /// Over IPv6.
    pub v6: Table<16>,
}

impl<const N: usize> Pair<N> {
    fn bucket(&self) -> usize {
        const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut hash = u64::from(self.ports[0]) << 16 | u64::from(self.ports[1]);
        for end in &self.ends {
            for word in end.chunks_exact(4) {
                let word = <[u8; 4]>::try_from(word).map_or(0, u32::from_ne_bytes);
                hash = (hash.rotate_left(5) ^ u64::from(word)).wrapping_mul(MIX);
            }
        }
        (hash >> 49) as usize
    }
}

impl<const N: usize> Table<N> {
    /// The connection's start, if it is known and this segment does not begin it anew (`fresh` says how).
    /// What is not known is recorded. The flag says whether it was known.
    #[inline]
    pub fn find(&mut self, pair: &Pair<N>, anew: bool, fresh: Start) -> (Start, bool) {
        if self.heads.is_empty() {
            self.heads = vec![NONE; BUCKETS];
        }
        let bucket = pair.bucket();
        let mut at = self.heads.get(bucket).copied().unwrap_or(NONE);
        while let Some(entry) = self.entries.get_mut(at as usize) {
            if entry.pair == *pair {
                if anew {
                    entry.start = fresh;
                }
                return (entry.start, !anew);
            }
            at = entry.next;
        }
        self.insert(bucket, Entry { pair: *pair, start: fresh, next: NONE });
        (fresh, false)
    }

    #[cold]
    fn insert(&mut self, bucket: usize, mut entry: Entry<N>) {
        entry.next = self.heads.get(bucket).copied().unwrap_or(NONE);
        let slot = if self.entries.len() < MOST { self.entries.len() } else { self.oldest };
        if slot < self.entries.len() {
            self.forget(slot);
            entry.next = self.heads.get(bucket).copied().unwrap_or(NONE);
            self.oldest = (self.oldest + 1) % MOST;
            if let Some(place) = self.entries.get_mut(slot) {
                *place = entry;
            }
        } else {
            self.entries.push(entry);
        }
        if let Some(head) = self.heads.get_mut(bucket) {
            *head = slot as u32;
        }
    }

    /// Takes an entry out of its chain.
    fn forget(&mut self, slot: usize) {
        let Some((bucket, after)) = self.entries.get(slot).map(|e| (e.pair.bucket(), e.next)) else { return };
        let mut at = self.heads.get(bucket).copied().unwrap_or(NONE);
        if at as usize == slot {
            if let Some(head) = self.heads.get_mut(bucket) {
                *head = after;
            }
            return;
        }
        while let Some(entry) = self.entries.get_mut(at as usize) {
            if entry.next as usize == slot {
                entry.next = after;
                return;
            }
            at = entry.next;
        }
    }
}
