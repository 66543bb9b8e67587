//! Which packets go on: the filter, what lies inside a tunnel, `--skip` and `-c`.

use super::flags::Flags;
use crate::capture::bpf::Program;
use crate::capture::ctx::Tunnels;
use crate::capture::inner;
use crate::capture::nodes::Nodes;
use crate::capture::packet::Packet;
use crate::capture::select::{self, Held, Select, Unread};
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
    inner: Option<String>,
    optimize: bool,
    program: Program,
    outer: Option<Select>,
    within: Option<Select>,
    tunnels: Tunnels,
    nodes: Nodes,
}

impl Gate {
    /// As the flags say; `expr` is what this process, not the kernel, has to look at.
    pub fn new(flags: &Flags, expr: &str, nodes: &Nodes) -> Self {
        let last = flags.count.map_or(u64::MAX, |count| count.saturating_add(flags.skip));
        Self {
            seen: 0,
            skip: flags.skip,
            last,
            expr: expr.to_owned(),
            inner: flags.inner.clone(),
            optimize: flags.optimize,
            program: Program::default(),
            outer: None,
            within: None,
            tunnels: flags.print.tunnels.clone(),
            nodes: nodes.clone(),
        }
    }

    /// How many packets matched, the present one included: its number.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// A file with this link type follows; `told` are the nodes that it tells of itself.
    pub fn open(&mut self, link: u32, told: Nodes) -> Result<(), Failure> {
        if !told.0.is_empty() {
            self.nodes = told;
        }
        let optimize = self.optimize;
        let words = |text: &str, link| filter::compile(text, link, optimize).map_err(Wrong);
        if select::is_ours(&self.expr) {
            let compile = |text: &str| Ok((words(text, link)?, words(text, RAW)?));
            self.outer = Some(Select::read(&self.expr, &self.nodes, &compile).map_err(|Wrong(f)| f)?);
        } else {
            self.program = filter::compile(&self.expr, link, optimize)?;
        }
        if let Some(expr) = &self.inner {
            let compile = |text: &str| Ok((words(text, ETHERNET)?, words(text, RAW)?));
            self.within = Some(Select::read(expr, &self.nodes, &compile).map_err(|Wrong(f)| f)?);
        }
        Ok(())
    }

    /// What becomes of this packet.
    #[inline]
    pub fn judge(&mut self, packet: &Packet<'_>) -> Verdict {
        if !self.program.matches(packet.data, packet.len) || !self.selected(packet) {
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

    #[inline]
    fn selected(&self, packet: &Packet<'_>) -> bool {
        if self.outer.is_none() && self.within.is_none() {
            return true;
        }
        let tunnel = inner::find(packet, &self.tunnels);
        let outer = self.outer.as_ref().is_none_or(|outer| outer.takes(&Held::outer(packet, tunnel)));
        outer
            && self
                .within
                .as_ref()
                .is_none_or(|within| tunnel.is_some_and(|tunnel| within.takes(&Held::inner(tunnel))))
    }
}

const ETHERNET: u32 = 1;
const RAW: u32 = 101;

/// A failure, from the filter compiler or from our own reading.
struct Wrong(Failure);

impl From<Unread> for Wrong {
    fn from(unread: Unread) -> Self {
        Self(Failure::found("can't parse filter expression").because(unread))
    }
}
