//! Which packets go on: the filter, what lies inside a tunnel, `--skip` and `-c`.

use super::flags::Flags;
use crate::capture::bpf::{Insn, Program};
use crate::capture::ctx::Tunnels;
use crate::capture::inner;
use crate::capture::nodes::Nodes;
use crate::capture::packet::{Link, Packet};
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
    /// The expression, compiled for each link type that was opened.
    rules: Vec<(Link, Rule)>,
    within: Option<Select>,
    tunnels: Tunnels,
    nodes: Nodes,
}

/// The expression for one link type.
#[derive(Debug)]
enum Rule {
    /// Words of the filter language alone.
    Words(Program),
    /// With words of our own.
    Ours(Select),
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
            rules: Vec::new(),
            within: None,
            tunnels: flags.print.tunnels.clone(),
            nodes: nodes.clone(),
        }
    }

    /// How many packets matched, the present one included: its number.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// What a file says of its overlay.
    pub fn told(&mut self, nodes: Nodes, ports: &[u16]) {
        if !nodes.0.is_empty() {
            self.nodes = nodes;
        }
        self.tunnels.add(ports);
    }

    /// Packets of this link type follow.
    pub fn open(&mut self, link: u32) -> Result<(), Failure> {
        let optimize = self.optimize;
        let words = |text: &str, link| filter::compile(text, link, optimize).map_err(Wrong);
        let rule = if select::is_ours(&self.expr) {
            let compile = |text: &str| Ok((words(text, link)?, words(text, RAW)?));
            Rule::Ours(Select::read(&self.expr, &self.nodes, &compile).map_err(|Wrong(f)| f)?)
        } else {
            Rule::Words(filter::compile(&self.expr, link, optimize)?)
        };
        let link = Link(link as u16);
        self.rules.retain(|(known, _)| *known != link);
        self.rules.push((link, rule));
        if let Some(expr) = &self.inner {
            self.within = Some(select(expr, &self.nodes, optimize)?);
        }
        Ok(())
    }

    /// What becomes of this packet.
    #[inline]
    pub fn judge(&mut self, packet: &Packet<'_>) -> Verdict {
        self.know(packet.link);
        if !self.selected(packet) {
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

    /// An interface of a file may come late, with a link type of its own.
    #[inline]
    fn know(&mut self, link: Link) {
        if self.rules.iter().all(|(known, _)| *known != link) && self.open(link.0.into()).is_err() {
            // What the expression asks for is nothing that these packets have.
            let nothing = Program(vec![Insn { code: 6, jt: 0, jf: 0, k: 0 }]);
            self.rules.push((link, Rule::Words(nothing)));
        }
    }

    #[inline]
    fn selected(&self, packet: &Packet<'_>) -> bool {
        let rule = self.rules.iter().find(|(link, _)| *link == packet.link);
        let ours = match rule {
            Some((_, Rule::Words(program))) if !program.matches(packet.data, packet.len) => return false,
            Some((_, Rule::Ours(select))) => Some(select),
            _ => None,
        };
        if ours.is_none() && self.within.is_none() {
            return true;
        }
        let tunnel = inner::find(packet, &self.tunnels);
        let within = |within: &Select| tunnel.is_some_and(|tunnel| within.takes(&Held::inner(tunnel)));
        ours.is_none_or(|ours| ours.takes(&Held::outer(packet, tunnel)))
            && self.within.as_ref().is_none_or(within)
    }
}

/// An expression about the packet inside a tunnel: a frame or a bare IP packet.
pub fn select(expr: &str, nodes: &Nodes, optimize: bool) -> Result<Select, Failure> {
    let words = |text: &str, link| filter::compile(text, link, optimize).map_err(Wrong);
    let compile = |text: &str| Ok((words(text, ETHERNET)?, words(text, RAW)?));
    Select::read(expr, nodes, &compile).map_err(|Wrong(failure)| failure)
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
