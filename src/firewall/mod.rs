//! The firewall's rules as values, and what they do with a packet: what nft and iptables print becomes a [`Ruleset`],
//! [`walk()`] takes a packet through one hook. Pure; `kernel::rules` runs the tools. Three-valued: a rule that cannot be
//! evaluated makes the answer unsure, with the expression quoted, unless a surer one makes it irrelevant.

pub mod iptables;
pub mod nft;

mod join;
mod model;
mod packet;
mod says;
mod walk;
mod words;

use serde::{Deserialize, Serialize};

pub use join::{join, may_be_iptables};
pub use model::{Awake, Base, Chain, Counter, Edge, Owner, Rule, Ruleset, Set, Table};
pub use packet::{AddrType, Conn, Ct, Packet};
pub use says::{
    Among, BitOp, Data, Element, Expr, Field, Nat, NatKind, Op, Say, Slot, Span, Step, Test, To, Value,
};
pub use walk::walk;

/// Where in the kernel's way rules are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hook {
    /// Before the routing decision.
    Prerouting,
    /// For this host.
    Input,
    /// Through this host.
    Forward,
    /// From this host.
    Output,
    /// About to leave.
    Postrouting,
}

impl Hook {
    /// By the name that nft and iptables' chains give it (`prerouting`, `PREROUTING`).
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "prerouting" => Self::Prerouting,
            "input" => Self::Input,
            "forward" => Self::Forward,
            "output" => Self::Output,
            "postrouting" => Self::Postrouting,
            _ => return None,
        })
    }
}

/// What the hook does with the packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Goes on.
    Accept,
    /// Gone without a word.
    Drop,
    /// Refused with this answer (`icmp-port-unreachable`, `tcp-reset`, …).
    Reject(String),
    /// Depends on what could not be evaluated: the expressions, quoted.
    Unsure(Vec<String>),
}

/// A rule or policy that decided, or was passed with an effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleRef {
    /// Whose table.
    pub owner: Owner,
    /// `ip filter`, `inet firewalld`, …
    pub table: String,
    /// Chain.
    pub chain: String,
    /// nft's handle, or the place (from 1) in an iptables chain; `None` for a policy.
    pub handle: Option<u64>,
    /// The rule as its tool prints it; `policy drop` for a policy.
    pub text: String,
}

/// What became of a packet in one hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Its fate here.
    pub verdict: Verdict,
    /// The packet as it leaves the hook: marks set, addresses rewritten.
    pub packet: Packet,
    /// The rule or policy that decided against it, or that accepted it last.
    pub by: Option<RuleRef>,
    /// Rules that matched on the way, in order.
    pub matched: Vec<RuleRef>,
    /// The rule that rewrote an address.
    pub nat: Option<RuleRef>,
    /// How it rewrote it.
    pub rewrite: Option<Rewrite>,
    /// Every way that it may end, where the verdict is unsure; empty where it is sure.
    pub ways: Vec<Way>,
}

/// How an address was rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Rewrite {
    /// The source became the output device's address: [`Packet::own`] if that was told, else the packet shows the old one.
    Masquerade,
    /// The destination became the input device's address ([`Packet::own`]; in `output` the loopback address).
    Redirect,
    /// Another source.
    Source,
    /// Another destination.
    Destination,
}

/// One way that a packet of unsure fate may end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Way {
    /// Its fate then; never unsure, unless the rules say something that cannot be followed at all.
    pub verdict: Verdict,
    /// The packet as it leaves then.
    pub packet: Packet,
    /// The rule or policy that decides then.
    pub by: Option<RuleRef>,
}
