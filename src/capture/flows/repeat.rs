//! The same packet again: a duplicate made on the way, or one packet captured twice. Told by a mark of its bytes.

use std::hash::Hasher;

/// Packets of one direction that are remembered.
const KEPT: usize = 8;

/// Bytes of a packet's payload that its mark is made of.
const MARKED: usize = 96;

/// What a packet is known by: its identification, length and bytes, without what changes from hop to hop.
pub fn mark(id: u16, len: u32, checksum: usize, payload: &[u8]) -> u32 {
    // Known keys: who makes two marks equal deceives nobody but himself.
    let mut hash = std::hash::DefaultHasher::new();
    hash.write_u16(id);
    hash.write_u32(len);
    let shown = payload.get(..MARKED).unwrap_or(payload);
    // A network card fills the checksum between one place and the next.
    let (before, from) = shown.split_at(checksum.min(shown.len()));
    hash.write(before);
    hash.write(from.get(2..).unwrap_or_default());
    hash.finish() as u32
}

/// A packet that was seen.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    mark: u32,
    /// In microseconds, on a circle of 71 minutes.
    at: u32,
    ttl: u8,
    set: bool,
}

/// The latest packets of one direction.
#[derive(Clone, Debug, Default)]
pub struct Latest {
    marks: [Mark; KEPT],
    oldest: usize,
}

/// How a packet is like one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It is not.
    No,
    /// It is, so many microseconds later.
    After(u32),
    /// It is the same on its next hop, with another TTL.
    Routed,
}

impl Latest {
    /// Whether such a packet was seen lately; remembers it.
    pub fn again(&mut self, mark: u32, ttl: u8, now: i64) -> Again {
        let at = (now / 1000) as u32;
        if let Some(known) = self.marks.iter().find(|known| known.set && known.mark == mark) {
            return if known.ttl == ttl { Again::After(at.wrapping_sub(known.at)) } else { Again::Routed };
        }
        if let Some(slot) = self.marks.get_mut(self.oldest) {
            *slot = Mark { mark, at, ttl, set: true };
        }
        self.oldest = (self.oldest + 1) % KEPT;
        Again::No
    }
}
