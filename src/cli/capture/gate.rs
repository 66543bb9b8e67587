//! Which packets go on: the filter, `--skip` and `-c`.

use super::flags::Flags;
use crate::capture::bpf::Program;
use crate::capture::packet::Packet;
use crate::error::Failure;
use crate::tap::filter;

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
    expr: String,
    optimize: bool,
    program: Program,
}

impl Gate {
    /// As the flags say; `expr` is what this process, not the kernel, has to look at.
    pub fn new(flags: &Flags, expr: &str) -> Self {
        let last = flags.count.map_or(u64::MAX, |count| count.saturating_add(flags.skip));
        let (expr, optimize) = (expr.to_owned(), flags.optimize);
        Self { seen: 0, skip: flags.skip, last, expr, optimize, program: Program::default() }
    }

    /// How many packets matched, the present one included: its number.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// A file with this link type follows.
    pub fn open(&mut self, link: u32) -> Result<(), Failure> {
        self.program = filter::compile(&self.expr, link, self.optimize)?;
        Ok(())
    }

    /// What becomes of this packet.
    #[inline]
    pub fn judge(&mut self, packet: &Packet<'_>) -> Verdict {
        if !self.program.matches(packet.data, packet.len) {
            return Verdict::Pass;
        }
        self.seen += 1;
        if self.seen <= self.skip {
            Verdict::Pass
        } else if self.seen >= self.last {
            Verdict::Last
        } else {
            Verdict::Take
        }
    }
}
