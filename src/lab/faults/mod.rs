//! What can be broken in a lab, and how: a table of faults, each with the commands that inject and undo it, the probe
//! that feels it and the codes that name it. The table decides; [`inject()`] and [`heal()`] do.

mod apart;
mod before;
mod host;
mod inject;
mod journal;
mod leases;
mod near;
mod pod;
mod remote;
mod route;
mod site;
mod tunnel;
mod underlay;

pub use inject::{Broken, inject};
pub use journal::{Healed, heal, of_node};
pub use near::nearest;
pub use site::{Site, probe};

/// Every fault, by the part of the packet's way that it hits.
pub const FAULTS: &[&[Fault]] = &[
    pod::ROWS,
    route::ROWS,
    host::ROWS,
    tunnel::ROWS,
    underlay::ROWS,
    leases::ROWS,
    remote::ROWS,
    apart::ROWS,
];

/// Faults of the node's own tables that one packet's way does not show: rows that no packet uses.
const UNTRACED: &[&str] = &["route.stale", "neigh.stale", "fdb.stale"];

/// One fault. Texts may hold names in braces, which [`Site`] fills in: `{other.subnet}`, `{dev}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its name: the code that names it, with a word behind it where several faults have one code.
    pub id: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// The codes that `trace` names.
    pub trace: &'static [&'static str],
    /// The codes that `doctor` names on the broken node.
    pub doctor: &'static [&'static str],
    /// What becomes of the probe.
    pub fate: Fate,
    /// Who sends what to whom to feel it.
    pub probe: Probe,
    /// What mends it.
    pub mend: Mend,
    /// The lab must have IPv6.
    pub v6: bool,
    /// What is done, in order.
    pub lines: &'static [Line],
}

/// What becomes of a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// No answer comes.
    Dies,
    /// It is answered; what is wrong shows elsewhere.
    Lives,
    /// It is answered by somebody else.
    Misled,
}

/// A ping, and the trace that foretells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Who sends.
    pub from: At,
    /// To which address.
    pub to: &'static str,
    /// More flags of `ping`.
    pub ping: &'static str,
    /// More flags of `flanctl trace`.
    pub trace: &'static str,
}

/// What mends a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mend {
    /// The command that the finding prints, run on the finding's node.
    Printed,
    /// The same on every node: one end alone does not help.
    Everywhere,
    /// No command on these nodes, and why.
    Nothing(&'static str),
}

/// A member of the lab as a fault sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum At {
    /// The node that is broken.
    Node,
    /// Its pod.
    Pod,
    /// Another node, from which far-side faults are seen.
    Other,
    /// The other node's pod.
    OtherPod,
    /// The switch between the nodes.
    Switch,
}

/// One command and what takes it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where both run.
    pub at: At,
    /// What breaks. A line that names `{each.…}` is run once for every other node.
    pub run: &'static str,
    /// What takes it back; empty where the agent puts its own rows right.
    pub undo: &'static str,
}

/// A change to rows of the agent, which mends them itself once it runs again.
const fn own(run: &'static str) -> Line {
    Line { at: At::Node, run, undo: "" }
}

/// A change on the broken node to what is not the agent's.
const fn node(run: &'static str, undo: &'static str) -> Line {
    Line { at: At::Node, run, undo }
}

/// A change in the broken node's pod.
const fn pod(run: &'static str, undo: &'static str) -> Line {
    Line { at: At::Pod, run, undo }
}

/// A change at the switch.
const fn switch(run: &'static str, undo: &'static str) -> Line {
    Line { at: At::Switch, run, undo }
}

impl Fault {
    /// A fault of the node that the packet leaves: its pod pings the other node's.
    const fn near(
        id: &'static str,
        about: &'static str,
        codes: &'static [&'static str],
        lines: &'static [Line],
    ) -> Self {
        let probe = Probe { from: At::Pod, to: "{other.pod}", ping: "", trace: "" };
        let (fate, mend) = (Fate::Dies, Mend::Printed);
        Self { id, about, trace: codes, doctor: codes, fate, probe, mend, v6: false, lines }
    }

    /// A fault of the node that the packet arrives at: the other node's pod pings this one's.
    const fn far(
        id: &'static str,
        about: &'static str,
        trace: &'static [&'static str],
        doctor: &'static [&'static str],
        lines: &'static [Line],
    ) -> Self {
        let probe = Probe { from: At::OtherPod, to: "{pod}", ping: "", trace: "" };
        let (fate, mend) = (Fate::Dies, Mend::Printed);
        Self { id, about, trace, doctor, fate, probe, mend, v6: false, lines }
    }

    const fn lives(self) -> Self {
        Self { fate: Fate::Lives, ..self }
    }

    const fn misled(self) -> Self {
        Self { fate: Fate::Misled, ..self }
    }

    /// The codes that `trace` names, where they differ from `doctor`'s.
    const fn traced(self, codes: &'static [&'static str]) -> Self {
        Self { trace: codes, ..self }
    }

    const fn from(self, from: At) -> Self {
        Self { probe: Probe { from, ..self.probe }, ..self }
    }

    const fn to(self, to: &'static str) -> Self {
        Self { probe: Probe { to, ..self.probe }, ..self }
    }

    const fn flags(self, ping: &'static str, trace: &'static str) -> Self {
        Self { probe: Probe { ping, trace, ..self.probe }, ..self }
    }

    const fn mended(self, mend: Mend) -> Self {
        Self { mend, ..self }
    }

    const fn ipv6(self) -> Self {
        Self { v6: true, ..self }.to("{other.pod6}")
    }

    /// True if it is seen from the other node, which needs this one's snapshot for it.
    pub fn is_far(&self) -> bool {
        matches!(self.probe.from, At::Other | At::OtherPod)
    }

    /// True if `flanctl trace` names it: on the broken node, or on the other one with a look at the broken one (`--peer`).
    pub fn is_traced(&self) -> bool {
        !self.trace.is_empty() && !UNTRACED.contains(&self.id)
    }

    /// True if the pod is what it breaks: its address may be gone, and then the pod must be named.
    fn is_inside(&self) -> bool {
        self.lines.iter().any(|line| line.at == At::Pod)
    }

    /// The node that it hits if none is named: packets go from node1 to node2.
    pub fn default_node(&self) -> &'static str {
        if self.is_far() { "node2" } else { "node1" }
    }
}

/// All of them, one by one.
pub fn all() -> impl Iterator<Item = &'static Fault> {
    FAULTS.iter().copied().flatten()
}

/// The fault of that name.
pub fn find(id: &str) -> Option<&'static Fault> {
    all().find(|fault| fault.id == id)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
