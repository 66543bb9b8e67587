//! A packet under way: where it was seen, and how much of it.

use super::key::Seen;
use super::order::Sighting;
use super::record::At;
use super::scope::Course;

/// Pieces that lie apart, of one packet at one point; beyond that it counts as whole.
const PIECES: usize = 64;

/// How much of a packet a sighting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cover {
    /// All of it, and nothing else.
    Whole,
    /// All of it, within something larger.
    Within,
    /// These bytes, counted from behind the IP header.
    Part(u32, u32),
    /// The beginning of a datagram that was cut into several: no more of it can be known again.
    Begun,
    /// It once more, to somewhere else.
    Copy,
}

/// What a point saw of a packet.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) at: At,
    /// Bytes that were there, in pieces that do not touch.
    pieces: Vec<(u32, u32)>,
}

/// A packet under way.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// What it was known by at first, and what NAT made of it.
    pub(super) seens: Vec<Seen>,
    pub(super) course: Course,
    pub(super) first: i64,
    /// When it arrived.
    pub(super) done: Option<i64>,
    /// It was told as lost.
    pub(super) told: bool,
    pub(super) points: Vec<Held>,
    /// Bytes behind its IP header.
    pub(super) size: u32,
    pub(super) bytes: Box<[u8]>,
    pub(super) len: u32,
}

impl Item {
    pub(super) fn new(sighting: Sighting, course: Course) -> Self {
        let Sighting { at, point, seen, outer, bytes, len, .. } = sighting;
        let size = seen.range.len;
        let held = Held { at: At { point, at, outer, ends: None, parts: 1 }, pieces: vec![(0, size)] };
        Self {
            seens: vec![seen],
            course,
            first: at,
            done: None,
            told: false,
            points: vec![held],
            size,
            bytes,
            len,
        }
    }

    fn held(&self, point: usize) -> Option<&Held> {
        self.points.iter().find(|held| held.at.point == point)
    }

    /// How many bytes a point saw, if it saw any.
    pub(super) fn got(&self, point: usize) -> Option<u32> {
        let held = self.held(point)?;
        Some(held.pieces.iter().map(|(from, to)| to - from).sum())
    }

    /// True if what becomes of it is still to be told.
    pub(super) fn is_open(&self) -> bool {
        self.course.known && self.done.is_none() && !self.told
    }

    /// True if a point saw all of it.
    pub(super) fn is_whole_at(&self, point: usize) -> bool {
        self.got(point).is_some_and(|got| got >= self.size)
    }

    /// Notes a sighting; true if the packet has other addresses there than it ever had.
    pub(super) fn add(&mut self, sighting: &Sighting, cover: Cover) -> bool {
        let Sighting { at, point, seen, outer, .. } = sighting;
        self.first = self.first.min(*at);
        let strange = self.seens.iter().all(|known| known.ends != seen.ends) && !seen.fragment;
        let renamed = |first: &&Seen| (first.ends.src, first.ends.dst) != (seen.ends.src, seen.ends.dst);
        let now = self.seens.first().filter(renamed).map(|_| seen.ends);
        let whole = (0, self.size);
        let (piece, parts) = match cover {
            Cover::Whole | Cover::Copy => (whole, 1),
            Cover::Within => (whole, 0),
            Cover::Begun => (whole, 2),
            Cover::Part(from, to) => ((from, to), 1),
        };
        let held = self.points.iter_mut().find(|held| held.at.point == *point && cover != Cover::Copy);
        match held {
            Some(held) => {
                held.at.at = held.at.at.min(*at);
                held.at.parts = held.at.parts.saturating_add(parts);
                join(&mut held.pieces, piece, self.size);
            }
            None => {
                let at = At { point: *point, at: *at, outer: *outer, ends: now, parts };
                self.points.push(Held { at, pieces: vec![piece] });
            }
        }
        if strange {
            self.seens.push(*seen);
        }
        strange
    }

    /// True if it has just arrived: the last point of its way saw all of it.
    pub(super) fn arrives(&mut self, at: i64) -> bool {
        let last = self.course.steps.iter().rfind(|step| step.needed);
        let arrived =
            self.course.known && self.done.is_none() && last.is_none_or(|last| self.is_whole_at(last.point));
        if arrived {
            self.done = Some(at);
        }
        arrived
    }
}

/// Adds a piece to pieces that are in order and do not touch.
fn join(pieces: &mut Vec<(u32, u32)>, (mut from, mut to): (u32, u32), size: u32) {
    pieces.retain(|(start, end)| {
        let apart = *end < from || *start > to;
        if !apart {
            from = from.min(*start);
            to = to.max(*end);
        }
        apart
    });
    pieces.push((from, to));
    if pieces.len() > PIECES {
        *pieces = vec![(0, size)];
    }
}
