//! TCP as a bystander sees it: what is sent again, what comes out of order, acknowledgements that say nothing new,
//! and how long an answer takes.
//!
//! A segment is timed from its passing to the first acknowledgement of its end, one at a time; none that was sent
//! again, and none behind it until that is repaired (Karn). So each direction's time is the way from here to the
//! receiver and back. A keep-alive repeats an acknowledged byte, or none, and is neither data nor a retransmission.

use super::rtt::Rtt;
use crate::capture::inner::Tcp;

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// Old bytes that come sooner than this after those behind them were overtaken, where no round trip is known.
const OVERTAKEN: i64 = 3_000_000;

/// Gaps that are remembered.
const HOLES: usize = 4;

/// Bytes that were passed over.
#[derive(Clone, Copy, Debug, Default)]
struct Hole {
    from: u32,
    to: u32,
    at: i64,
}

/// What one end sends.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// Segments whose bytes were seen before.
    pub retransmits: u64,
    /// Segments that others overtook.
    pub out_of_order: u64,
    /// Acknowledgements that say nothing new while something is outstanding.
    pub dups: u64,
    /// From here to the receiver and back.
    pub rtt: Rtt,
    first: Option<u32>,
    /// Behind the highest byte.
    next: Option<u32>,
    /// What this end acknowledged last.
    ack: Option<u32>,
    win: u16,
    /// The end of the segment that is timed, and since when.
    timed: Option<(u32, i64)>,
    /// Nothing is timed before this is acknowledged.
    repaired: Option<u32>,
    holes: [Hole; HOLES],
}

/// How far `a` is behind `b`, on the circle of sequence numbers.
fn past(a: u32, b: u32) -> i32 {
    a.wrapping_sub(b).cast_signed()
}

/// A segment from `me` to `peer` with so many bytes of payload.
pub fn segment(me: &mut Stream, peer: &mut Stream, head: &Tcp, payload: u32, now: i64) {
    let has = |flag: u8| head.flags & flag != 0;
    if has(SYN) && me.first != Some(head.seq) {
        me.begin(head.seq);
        if !has(ACK) {
            peer.restart();
        }
    }
    let marks = u32::from(has(SYN)) + u32::from(has(FIN));
    if payload + marks > 0 {
        me.sends(peer, head.seq, payload, marks, now);
    }
    if has(ACK) {
        let bare = payload + marks == 0 && !has(RST);
        me.acknowledges(peer, head, bare, now);
    }
}

impl Stream {
    /// A connection begins, maybe on ports that another had.
    fn begin(&mut self, seq: u32) {
        self.restart();
        self.first = Some(seq);
    }

    /// Forgets numbers, keeps counts.
    fn restart(&mut self) {
        let Self { retransmits, out_of_order, dups, rtt, .. } = *self;
        *self = Self { retransmits, out_of_order, dups, rtt, ..Self::default() };
    }

    fn sends(&mut self, peer: &Self, seq: u32, payload: u32, marks: u32, now: i64) {
        let end = seq.wrapping_add(payload + marks);
        let next = *self.next.get_or_insert(seq);
        let ahead = past(seq, next);
        if payload == 1 && marks == 0 {
            let asks = ahead == 0 && peer.win == 0 && peer.ack == Some(next);
            let keeps = ahead == -1 && peer.ack == Some(next);
            if asks || keeps {
                return;
            }
        }
        if ahead >= 0 {
            if ahead > 0 {
                self.passed_over(Hole { from: next, to: seq, at: now });
            }
            self.next = Some(end);
            let repaired = self.repaired.is_none_or(|to| peer.ack.is_some_and(|ack| past(ack, to) >= 0));
            if repaired {
                self.repaired = None;
                self.timed.get_or_insert((end, now));
            }
            return;
        }
        if past(end, next) > 0 {
            self.next = Some(end);
        }
        if self.fills(seq, end).is_some_and(|at| now.saturating_sub(at) < self.reorders(peer)) {
            self.out_of_order += 1;
            return;
        }
        self.retransmits += 1;
        self.timed = None;
        self.repaired = self.next;
    }

    /// A round trip, or what is taken for one.
    fn reorders(&self, peer: &Self) -> i64 {
        match (self.rtt.min(), peer.rtt.min()) {
            (Some(there), Some(here)) => there.saturating_add(here),
            _ => OVERTAKEN,
        }
    }

    /// The oldest of the gaps makes room.
    fn passed_over(&mut self, hole: Hole) {
        if let Some(oldest) = self.holes.iter_mut().min_by_key(|hole| hole.at) {
            *oldest = hole;
        }
    }

    /// Since when the bytes are missing, if they are.
    fn fills(&mut self, from: u32, to: u32) -> Option<i64> {
        let within =
            |hole: &&mut Hole| hole.from != hole.to && past(from, hole.from) >= 0 && past(hole.to, to) >= 0;
        let hole = self.holes.iter_mut().find(within)?;
        let Hole { from: start, to: stop, at } = *hole;
        // What is left of it on either side; a second rest takes another's place.
        *hole = if from == start { Hole { from: to, ..*hole } } else { Hole { to: from, ..*hole } };
        if from != start && to != stop {
            self.passed_over(Hole { from: to, to: stop, at });
        }
        Some(at)
    }

    fn acknowledges(&mut self, peer: &mut Self, head: &Tcp, bare: bool, now: i64) {
        let outstanding = peer.next.is_some_and(|next| past(next, head.ack) > 0);
        if bare && outstanding && self.ack == Some(head.ack) && self.win == head.win {
            self.dups += 1;
        }
        if let Some((_, since)) = peer.timed.take_if(|(end, _)| past(head.ack, *end) >= 0) {
            peer.rtt.add(now.saturating_sub(since));
        }
        if self.ack.is_none_or(|ack| past(head.ack, ack) > 0) {
            self.ack = Some(head.ack);
        }
        self.win = head.win;
    }
}
