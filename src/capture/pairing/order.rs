//! Sightings in the order of their stamps. Each device has a buffer of its own and is read in its turn; what was read
//! waits until every device was read beyond its stamp.
//!
//! The kernel stamps a packet when it comes in and keeps that stamp until it is forwarded: bridge and tunnel bear the
//! stamp of the port and of the uplink, and segments that were put together that of the first of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Stage;
use super::key::Seen;
use super::record::Outer;

/// A packet at a device.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// When, in nanoseconds since 1970.
    pub at: i64,
    /// Which of the points.
    pub point: usize,
    /// What it is known by.
    pub seen: Seen,
    /// The packet around it.
    pub outer: Option<Outer>,
    /// Its first bytes, from the IP header on.
    pub bytes: Box<[u8]>,
    /// Its length from there.
    pub len: u32,
    /// True if the filter takes it.
    pub wanted: bool,
}

/// Orders sightings.
#[derive(Debug, Default)]
pub struct Order {
    waiting: BinaryHeap<Reverse<Next>>,
    taken: u64,
}

/// How long what comes in by a tunnel waits for the segments that it is made of.
const TOGETHER: i64 = 1_000_000;

/// What is next: by stamp; of one stamp, where a packet comes in before where its stamp is handed on; else in the
/// order in which they came.
#[derive(Debug)]
struct Next {
    turn: (i64, u8, u64),
    sighting: Sighting,
}

impl PartialEq for Next {
    fn eq(&self, other: &Self) -> bool {
        self.turn == other.turn
    }
}

impl Eq for Next {}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Next {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.turn.cmp(&other.turn)
    }
}

impl Order {
    /// Takes a sighting at a device of this stage; `inward` if it is for this node.
    pub fn push(&mut self, sighting: Sighting, stage: Stage, inward: bool) {
        self.taken += 1;
        let (handed_on, wait) = match stage {
            Stage::Pod | Stage::Uplink => (0, 0),
            Stage::Tunnel if inward => (1, TOGETHER),
            Stage::Bridge | Stage::Tunnel => (1, 0),
        };
        let turn = (sighting.at.saturating_add(wait), handed_on, self.taken);
        self.waiting.push(Reverse(Next { turn, sighting }));
    }

    /// The next of those before `upto`.
    pub fn next(&mut self, upto: i64) -> Option<Sighting> {
        let Reverse(first) = self.waiting.peek()?;
        if first.turn.0 >= upto {
            return None;
        }
        self.waiting.pop().map(|Reverse(next)| next.sighting)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// True if none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
