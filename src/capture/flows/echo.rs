//! Echoes: which requests wait for their reply.

use super::rtt::Rtt;

/// Requests that are remembered.
const KEPT: usize = 16;

/// Requests of one direction, and the time that their replies took.
#[derive(Clone, Debug, Default)]
pub struct Echoes {
    asked: [Option<(u16, i64)>; KEPT],
    oldest: usize,
}

impl Echoes {
    /// A request passes.
    pub fn request(&mut self, seq: u16, now: i64) {
        if let Some(slot) = self.asked.get_mut(self.oldest) {
            *slot = Some((seq, now));
        }
        self.oldest = (self.oldest + 1) % KEPT;
    }

    /// A request passes again: which of both a reply answers cannot be told.
    pub fn repeated(&mut self, seq: u16) {
        self.take(seq);
    }

    /// A reply passes.
    pub fn reply(&mut self, seq: u16, now: i64, rtt: &mut Rtt) {
        if let Some(since) = self.take(seq) {
            rtt.add(now.saturating_sub(since));
        }
    }

    fn take(&mut self, seq: u16) -> Option<i64> {
        let slot = self.asked.iter_mut().find(|slot| slot.is_some_and(|(asked, _)| asked == seq))?;
        slot.take().map(|(_, since)| since)
    }
}
