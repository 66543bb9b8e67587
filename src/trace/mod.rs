//! One packet's way through a node's tables, as far as the tables and the leases tell: rule, route, reverse path
//! filter, forwarding, tunnel device, neighbour, forwarding entry, outer route, underlay neighbour. The lease is the
//! intent, the kernel is the fact; each step names both. Pure: a live node and a snapshot look the same from here.

mod here;
mod outer;
mod tunnel;
mod walls;
mod words;

use std::net::IpAddr;

use serde::Serialize;

use crate::finding::{Finding, Level, model};
use crate::net::IfName;
use crate::readings::{Promises, Sight, promises};
use crate::snapshot::Snapshot;
use crate::state::fib::Flow;

/// The packet that is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Query {
    /// Where to.
    pub dst: IpAddr,
    /// Where from; `None` for a packet of this host with the source that the kernel chooses.
    pub from: Option<IpAddr>,
    /// The device that it comes in by; where only a foreign source is given, the one that leads back to it.
    pub iif: Option<IfName>,
    /// IP protocol number.
    pub proto: u8,
    /// Source port.
    pub sport: Option<u16>,
    /// Destination port.
    pub dport: Option<u16>,
    /// Bytes of the IP packet.
    pub size: u32,
    /// Firewall mark.
    pub mark: u32,
}

impl Query {
    /// An echo request of 84 bytes from this host, as ping sends it.
    pub fn to(dst: IpAddr) -> Self {
        let proto = if dst.is_ipv6() { 58 } else { 1 };
        Self { dst, from: None, iif: None, proto, sport: None, dport: None, size: 84, mark: 0 }
    }
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// The packet passes here.
    Ok,
    /// It dies here, or goes wrong.
    Bad,
    /// Not seen: the verdict depends on it.
    Unseen,
}

/// One stage of the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Stable name of the stage.
    pub id: &'static str,
    /// How it stands.
    pub mark: Mark,
    /// The row that the packet uses, in iproute2's words.
    pub object: String,
    /// What the lease says to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// What a person would type to see the same.
    pub command: String,
    /// What almost matched, and other details.
    pub more: Vec<String>,
}

/// What becomes of the packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It arrives, as far as this node decides.
    Delivered,
    /// It arrives unless a stage that was not seen stops it.
    DeliveredIf,
    /// It is gone, and nobody is told.
    Dropped,
    /// It is refused; what the sender is told.
    Rejected(String),
    /// It ends at another host than the lease says.
    Misdelivered,
    /// It comes back to where it was.
    Looped,
}

impl Verdict {
    /// The word that people and `--expect` use.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::DeliveredIf => "delivered-if",
            Self::Dropped => "dropped",
            Self::Rejected(_) => "rejected",
            Self::Misdelivered => "misdelivered",
            Self::Looped => "looped",
        }
    }
}

/// The whole way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Path {
    /// The packet.
    pub query: Query,
    /// Its source, as chosen.
    pub src: Option<IpAddr>,
    /// Stages in the order of the packet.
    pub steps: Vec<Step>,
    /// What is wrong; the first error is where it dies.
    pub findings: Vec<Finding>,
    /// What becomes of it.
    pub verdict: Verdict,
}

impl Path {
    /// True if something of level error was found.
    pub fn broken(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Error)
    }
}

/// Follows the packet.
pub fn trace(node: &Snapshot, query: &Query) -> Path {
    let conf = node.conf();
    let sight = Sight {
        state: &node.state,
        leases: node.leases.as_deref(),
        own: node.own,
        conf: conf.as_ref(),
        unreadable: &[],
    };
    let promised = promises(&sight).unwrap_or_default();
    let mut walk = Walk {
        node,
        sight,
        promised,
        query: query.clone(),
        src: query.from,
        steps: Vec::new(),
        findings: Vec::new(),
        end: None,
    };
    walk.depart();
    let Walk { src, steps, findings, end, .. } = walk;
    let unseen = steps.iter().any(|step| step.mark == Mark::Unseen);
    let arrived = if unseen { Verdict::DeliveredIf } else { Verdict::Delivered };
    Path { query: query.clone(), src, steps, findings, verdict: end.unwrap_or(arrived) }
}

/// A walk under way.
struct Walk<'a> {
    node: &'a Snapshot,
    sight: Sight<'a>,
    promised: Promises,
    /// As it is by now: a firewall may mark it, or send it elsewhere.
    query: Query,
    src: Option<IpAddr>,
    steps: Vec<Step>,
    findings: Vec<Finding>,
    /// Set once the packet's fate is sealed.
    end: Option<Verdict>,
}

impl Walk<'_> {
    fn host(&self) -> &str {
        &self.node.host
    }

    /// A stage that the packet passes.
    fn pass(&mut self, id: &'static str, object: impl Into<String>, command: impl Into<String>) -> &mut Step {
        self.step(id, Mark::Ok, object.into(), command.into())
    }

    /// A stage at which it ends.
    fn fail(&mut self, id: &'static str, object: impl Into<String>, finding: Finding, verdict: Verdict) {
        let command = finding.see.clone();
        self.step(id, Mark::Bad, object.into(), command);
        self.findings.push(finding);
        self.end = Some(verdict);
    }

    /// A stage that was not looked at.
    fn unseen(&mut self, id: &'static str, why: &str, command: &str) {
        self.step(id, Mark::Unseen, why.to_owned(), command.to_owned());
        let finding = model::unseen(self.host(), id, why);
        self.findings.push(finding);
    }

    fn step(&mut self, id: &'static str, mark: Mark, object: String, command: String) -> &mut Step {
        self.steps.push_mut(Step { id, mark, object, lease: None, command, more: Vec::new() })
    }

    /// The packet as the routing tables see it.
    fn flow(&self, iif: Option<IfName>) -> Flow {
        let Query { dst, from, proto, sport, dport, mark, .. } = self.query;
        Flow { src: from, iif, mark, proto, sport, dport, ..Flow::to(dst) }
    }
}

#[cfg(test)]
mod tests;
