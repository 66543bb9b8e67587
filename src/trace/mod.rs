//! One packet's way through a node's tables, as far as the tables and the leases tell: rule, route, reverse path
//! filter, forwarding, tunnel device, neighbour, forwarding entry, outer route, underlay neighbour; and the answer's way
//! in again. The lease is the intent, the kernel is the fact; each step names both. Pure: a live node and a snapshot
//! look the same from here.

mod agree;
mod arrive;
mod cross;
mod far;
mod here;
mod kinds;
mod live;
mod local;
mod outer;
mod pod;
mod podwall;
mod remotes;
mod shared;
mod size;
mod spread;
mod stray;
mod tunnel;
mod unpack;
mod walls;
mod words;

use std::net::IpAddr;
use std::rc::Rc;

use serde::Serialize;

pub use agree::disagreement;
pub use far::{Far, Handed};
pub use live::{Live, Spot, confirm};
pub use spread::Branch;

use unpack::Parcel;

use crate::config::NetConf;
use crate::finding::repair::PeerRows;
use crate::finding::{Finding, Level, model};
use crate::firewall::{Conn, Packet};
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
    /// It must not be fragmented (DF), as where the kernel finds out the path's MTU by it.
    pub df: bool,
    /// Firewall mark.
    pub mark: u32,
    /// The pod of this node that it starts in, by its name in the snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
}

impl Query {
    /// An echo request of 84 bytes from this host, as ping sends it: not to be fragmented.
    pub fn to(dst: IpAddr) -> Self {
        let proto = if dst.is_ipv6() { 58 } else { 1 };
        Self {
            dst,
            from: None,
            iif: None,
            proto,
            sport: None,
            dport: None,
            size: 84,
            df: true,
            mark: 0,
            pod: None,
        }
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
    /// The node whose tables decide here.
    pub node: String,
    /// Stable name of the stage; `far-` stands before those of the other node, `back-` before those of the answer.
    pub id: String,
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
    /// Every word of [`Self::word`].
    pub const WORDS: [&str; 6] =
        ["delivered", "delivered-if", "dropped", "rejected", "misdelivered", "looped"];

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
    /// The pod of this node that it starts in, by name or by its address.
    pub pod: Option<String>,
    /// Stages in the order of the packet.
    pub steps: Vec<Step>,
    /// Where it goes to one of several: each of them.
    pub branches: Vec<Branch>,
    /// The answer's stages, where the packet itself arrives.
    pub back: Vec<Step>,
    /// The node that it goes to, where that is another one.
    pub far: Option<Far>,
    /// The last host that was seen to take it, where it left this node.
    pub handed: Option<Handed>,
    /// What else is to be said, a sentence each.
    pub notes: Vec<String>,
    /// What is wrong; the first error is where it dies.
    pub findings: Vec<Finding>,
    /// What becomes of it.
    pub verdict: Verdict,
    /// What became of a real probe, if one was sent.
    pub live: Option<Live>,
    /// The first question that this node's routing tables were asked.
    #[serde(skip)]
    pub asked: Option<Flow>,
}

impl Path {
    /// True if something of level error was found.
    pub fn broken(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == Level::Error)
    }
}

/// Follows the packet, and the answer to it where it comes over this node again: the other end is as its lease says.
pub fn trace(node: &Snapshot, query: &Query) -> Path {
    trace_among(node, query, &[])
}

/// Follows the packet to the node among `peers` that it goes to, over that node's own tables, and the answer back. It
/// counts as delivered only if the answer comes.
pub fn trace_among(node: &Snapshot, query: &Query, peers: &[Snapshot]) -> Path {
    let conf = node.conf();
    let mut near = Walk::on(node, conf.as_ref(), query, Role::NEAR);
    near.others = peers;
    near.start();
    let notes = far::notes(&near, peers);
    let expires = far::runs_out(&near);
    let far::Reach { beyond, far, handed } = far::reach(&near, peers);
    let pod = near.query.pod.take();
    let Walk { src, mut steps, mut findings, end, branches, asked, .. } = near;
    steps.extend(beyond.there);
    findings.extend(expires);
    for finding in beyond.findings {
        // What is hidden on one node is hidden both ways.
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    let unseen = steps.iter().chain(&beyond.back).any(|step| step.mark == Mark::Unseen);
    let arrived = if unseen { Verdict::DeliveredIf } else { Verdict::Delivered };
    let verdict = end.or(beyond.end).unwrap_or(arrived);
    let query = query.clone();
    let (back, live) = (beyond.back, None);
    Path { query, src, pod, steps, branches, back, far, handed, notes, findings, verdict, live, asked }
}

/// Which part of the way a walk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Role {
    /// Stands before the names of the stages.
    prefix: &'static str,
    /// The node is the one at the other end.
    far: bool,
    /// What walks is the answer.
    reply: bool,
}

impl Role {
    /// The packet on the node that is looked at.
    const NEAR: Self = Self { prefix: "", far: false, reply: false };
}

/// How a packet that nothing stopped left the tables that a walk looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exit {
    /// Through the tunnel, to this peer.
    Tunnel(PeerRows),
    /// By a device, towards another host.
    Wire(IfName),
    /// Into a pod of this node, by its place among them.
    Pod(usize),
    /// It ends on the node itself.
    Here,
}

/// A walk under way.
struct Walk<'a> {
    node: &'a Snapshot,
    sight: Sight<'a>,
    promised: Rc<Promises>,
    role: Role,
    /// As it is by now: a firewall may mark it, or send it elsewhere.
    query: Query,
    src: Option<IpAddr>,
    /// Its source behind a masquerade rule.
    masked: Option<IpAddr>,
    /// As it was before the rules of OUTPUT sent it elsewhere.
    sent: Option<Packet>,
    /// Its destination was drawn from several, and is not drawn again.
    settled: bool,
    /// What conntrack knows of it since.
    tracked: Option<Conn>,
    /// The servers that it may go to.
    branches: Vec<Branch>,
    /// The first look-up.
    asked: Option<Flow>,
    steps: Vec<Step>,
    findings: Vec<Finding>,
    /// Set once the packet's fate is sealed.
    end: Option<Verdict>,
    /// Set once it has left, or arrived.
    exit: Option<Exit>,
    /// Who takes it, or the packet around it, from the wire, and on which device.
    handed: Option<(IpAddr, IfName)>,
    /// The packet around it, where a tunnel of another kind than flannel's VXLAN put it into one.
    parcel: Option<Parcel>,
    /// Snapshots of other nodes, to one of which it may go.
    others: &'a [Snapshot],
}

impl<'a> Walk<'a> {
    /// A walk of `query` on this node, not begun. `conf` is the node's own.
    fn on(node: &'a Snapshot, conf: Option<&'a NetConf>, query: &Query, role: Role) -> Self {
        let sight = Sight {
            state: &node.state,
            leases: node.leases.as_deref(),
            own: node.own,
            conf,
            unreadable: &[],
        };
        let promised = Rc::new(promises(&sight).unwrap_or_default());
        Self::begun(node, sight, promised, query.clone(), role)
    }

    /// Another walk on the same node.
    fn again(&self, query: Query, role: Role) -> Self {
        let walk = Self::begun(self.node, self.sight, Rc::clone(&self.promised), query, role);
        Self { others: self.others, ..walk }
    }

    fn begun(node: &'a Snapshot, sight: Sight<'a>, promised: Rc<Promises>, query: Query, role: Role) -> Self {
        let src = query.from;
        let (steps, findings) = (Vec::new(), Vec::new());
        let (masked, sent, end, exit) = (None, None, None, None);
        let (settled, tracked, branches, asked, handed) = (false, None, Vec::new(), None, None);
        Self {
            node,
            sight,
            promised,
            role,
            query,
            src,
            masked,
            sent,
            settled,
            tracked,
            branches,
            asked,
            steps,
            findings,
            end,
            exit,
            handed,
            parcel: None,
            others: &[],
        }
    }
}

impl Walk<'_> {
    fn host(&self) -> &str {
        &self.node.host
    }

    /// A stage that the packet passes.
    fn pass(&mut self, id: &str, object: impl Into<String>, command: impl Into<String>) -> &mut Step {
        self.step(id, Mark::Ok, object.into(), command.into())
    }

    /// A stage at which it ends.
    fn fail(&mut self, id: &str, object: impl Into<String>, finding: Finding, verdict: Verdict) {
        let finding = if self.role.far { arrive::from_afar(finding, self.role.reply) } else { finding };
        let command = finding.see.clone();
        self.step(id, Mark::Bad, object.into(), command);
        self.findings.push(finding);
        self.end = Some(verdict);
    }

    /// A stage that was not looked at.
    fn unseen(&mut self, id: &str, why: &str, command: &str) {
        self.step(id, Mark::Unseen, why.to_owned(), command.to_owned());
        let finding = model::unseen(self.host(), &format!("{}{id}", self.role.prefix), why);
        self.findings.push(finding);
    }

    fn step(&mut self, id: &str, mark: Mark, object: String, command: String) -> &mut Step {
        let id = format!("{}{id}", self.role.prefix);
        let node = self.node.host.clone();
        self.steps.push_mut(Step { node, id, mark, object, lease: None, command, more: Vec::new() })
    }

    /// The packet as the routing tables see it.
    fn flow(&self, iif: Option<IfName>) -> Flow {
        let Query { dst, from, proto, sport, dport, mark, .. } = self.query;
        Flow { src: from, iif, mark, proto, sport, dport, ..Flow::to(dst) }
    }
}

#[cfg(test)]
mod tests;
