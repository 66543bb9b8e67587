//! Which packets go on: the filters, `--skip` and `-c`.

use super::flags::Flags;
use crate::capture::packet::Packet;
use crate::capture::source::Head;
use crate::error::Failure;

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Pass,
    /// It goes on.
    Take,
    /// It goes on, and no other.
    Last,
}

/// Decides about packets, one after the other.
#[derive(Debug)]
pub struct Gate {
    seen: u64,
    skip: u64,
    last: u64,
}

impl Gate {
    /// As the flags say.
    pub fn new(flags: &Flags) -> Self {
        let last = flags.count.map_or(u64::MAX, |count| count.saturating_add(flags.skip));
        Self { seen: 0, skip: flags.skip, last }
    }

    /// How many packets matched, the present one included: its number.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// A file or interface with this link type follows.
    pub fn open(&mut self, _head: Head) -> Result<(), Failure> {
        Ok(())
    }

    /// What becomes of this packet.
    #[inline]
    pub fn judge(&mut self, _packet: &Packet<'_>) -> Result<Verdict, Failure> {
        self.seen += 1;
        Ok(if self.seen <= self.skip {
            Verdict::Pass
        } else if self.seen >= self.last {
            Verdict::Last
        } else {
            Verdict::Take
        })
    }
}
