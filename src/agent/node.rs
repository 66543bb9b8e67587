//! This node's kernel beside this node's world: folds notices, plans, applies, and remembers what was refused.
//! Level-triggered: whatever moved, the decision is the plan's.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use crate::kernel::{Kernel, KernelError, Refusal};
use crate::net::IfName;
use crate::overlay::World;
use crate::plan::{Op, plan, plan_keys, summary};
use crate::state::{Folded, Key, RouteKey, State, table};

/// Operations sent between two looks at the notices they cause: few enough that the notices fit the socket's buffer.
const CHUNK: usize = 1_024;
/// More lines than this of one kind become one.
const FEW: usize = 12;
/// A row set this often within [`FIGHT_WINDOW`] is fought over.
const FIGHT_COUNT: u32 = 3;
/// See [`FIGHT_COUNT`].
const FIGHT_WINDOW: Duration = Duration::from_secs(60);

/// What may differ from the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// These rows.
    Keys(BTreeSet<Key>),
    /// Anything: read and plan everything.
    Everything,
}

impl Touched {
    /// Nothing at all.
    pub fn nothing() -> Self {
        Self::Keys(BTreeSet::new())
    }

    /// True if there is nothing to look at.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Keys(keys) if keys.is_empty())
    }

    /// Adds one row.
    pub fn add(&mut self, key: Key) {
        if let Self::Keys(keys) = self {
            keys.insert(key);
        }
    }

    /// Adds what another one holds.
    pub fn merge(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Keys(mine), Self::Keys(more)) => mine.extend(more),
            _ => *self = Self::Everything,
        }
    }
}

/// What one settling did.
#[derive(Debug, Default)]
pub struct Report {
    /// Operations the kernel took.
    pub applied: Vec<Op>,
    /// Operations it refused, with its words.
    pub refused: Vec<(Op, Refusal)>,
    /// What was announced last and not looked at any more.
    pub left: bool,
}

/// The kernel, what we know of it, and what should be.
pub struct Node {
    kernel: Box<dyn Kernel>,
    /// The kernel's tables as of the last notice.
    pub have: State,
    /// What should be.
    pub world: World,
    fights: HashMap<Key, (u32, SystemTime)>,
    /// Sysctls that cannot be written here (/proc/sys is read-only in many a container), with their wanted values.
    unwritable: BTreeMap<String, String>,
}

impl Node {
    /// Starts from a full reading.
    pub fn new(kernel: Box<dyn Kernel>, have: State, world: World) -> Self {
        Self { kernel, have, world, fights: HashMap::new(), unwritable: BTreeMap::new() }
    }

    /// Takes in what the kernel announced.
    pub fn drain(&mut self) -> Result<Touched, KernelError> {
        let mut touched = Touched::nothing();
        for change in self.kernel.changes()? {
            match self.have.fold(change) {
                Folded::Row(Key::Route(key)) if self.moves_underlay(key) => touched = Touched::Everything,
                Folded::Row(key) => touched.add(key),
                Folded::Rows(keys) => keys.into_iter().for_each(|key| touched.add(key)),
                Folded::Device(dev) if self.matters(dev) => touched = Touched::Everything,
                Folded::Device(_) | Folded::Nothing => {}
                Folded::Everything => touched = Touched::Everything,
            }
        }
        Ok(touched)
    }

    /// Links and addresses of other devices (every pod's veth) move none of our rows.
    fn matters(&self, dev: IfName) -> bool {
        let direct =
            self.world.direct_routing() && self.have.addrs_of(dev).any(|(net, _)| net.addr().is_ipv4());
        dev == self.world.uplink.dev || direct || self.world.ours().devices.contains(&dev)
    }

    /// With direct routing a route outside our networks may decide which peers are on-link.
    fn moves_underlay(&self, key: RouteKey) -> bool {
        self.world.direct_routing()
            && key.table == table::MAIN
            && !self.world.networks().iter().any(|n| n.contains(&key.dst))
    }

    /// Plans what was touched and applies it; what that moves in turn is looked at again, a few times at most (a
    /// program that undoes our rows must not keep us here for ever).
    pub fn settle(&mut self, mut touched: Touched) -> Result<Report, KernelError> {
        let mut report = Report::default();
        for _ in 0..4 {
            if touched.is_nothing() {
                break;
            }
            let mut ops = self.plan(&touched)?;
            touched = Touched::nothing();
            let mut taken = Vec::with_capacity(ops.len());
            for chunk in ops.chunks(CHUNK) {
                for (op, answer) in chunk.iter().zip(self.kernel.apply(chunk)) {
                    taken.push(answer.is_ok());
                    match (op, answer) {
                        (_, Ok(())) => {}
                        (Op::SetSysctl { key, value }, Err(refusal)) => {
                            tracing::warn!("cannot set {key} to {value}: {refusal}; going on without");
                            self.unwritable.insert(key.clone(), value.clone());
                            self.pretend_written();
                        }
                        (_, Err(refusal)) => report.refused.push((op.clone(), refusal)),
                    }
                }
                touched.merge(self.drain()?);
            }
            let mut taken = taken.into_iter();
            ops.retain(|_| taken.next().unwrap_or(false));
            if report.applied.is_empty() {
                report.applied = ops
            } else {
                report.applied.extend(ops)
            }
            if !report.refused.is_empty() {
                break;
            }
        }
        report.left = !touched.is_nothing();
        Ok(report)
    }

    /// The operations of one look; a full look reads the kernel anew.
    pub fn plan(&mut self, touched: &Touched) -> Result<Vec<Op>, KernelError> {
        let ours = self.world.ours();
        if let Touched::Keys(keys) = touched {
            let want = self.world.desired_of(keys, &self.have);
            if let Some(ops) = plan_keys(&self.have, &want, &ours, keys) {
                return Ok(ops);
            }
        }
        self.have = self.kernel.observe()?;
        self.pretend_written();
        Ok(plan(&self.have, &self.world.desired(&self.have), &ours))
    }

    /// What cannot be written is not asked for again: every plan would fail over it.
    fn pretend_written(&mut self) {
        for (key, value) in &self.unwritable {
            self.have.facts.insert(format!("sysctl:{key}"), value.clone());
        }
    }

    /// Counts repairs and names a fight when one row had to be set again and again.
    pub fn note_repairs(&mut self, ops: &[Op], now: SystemTime) -> Vec<String> {
        let mut fights = Vec::new();
        self.fights.retain(|_, (_, since)| now.duration_since(*since).is_ok_and(|age| age < FIGHT_WINDOW));
        for op in ops {
            let Some(key) = row_of(op) else { continue };
            let (count, since) = self.fights.entry(key).or_insert((0, now));
            *count += 1;
            if *count == FIGHT_COUNT {
                fights.push((op.clone(), now.duration_since(*since).unwrap_or_default().as_secs()));
            }
        }
        let often = |secs| format!("({FIGHT_COUNT} times in {secs}s)");
        match fights.first() {
            Some((first, secs)) if fights.len() > FEW => {
                let ops: Vec<Op> = fights.iter().map(|(op, _)| op.clone()).collect();
                vec![format!(
                    "another program keeps undoing many rows {}: {}, the first: {first}",
                    often(*secs),
                    summary(&ops)
                )]
            }
            _ => fights
                .iter()
                .map(|(op, secs)| format!("another program keeps undoing this row {}: {op}", often(*secs)))
                .collect(),
        }
    }
}

/// The row that an operation sets, if it sets one.
fn row_of(op: &Op) -> Option<Key> {
    match op {
        Op::SetNeigh { key, .. } => Some(Key::Neigh(*key)),
        Op::SetFdb { key, .. } => Some(Key::Fdb(*key)),
        Op::SetRoute { key, .. } => Some(Key::Route(*key)),
        Op::SetNexthop { id, .. } => Some(Key::Nexthop(*id)),
        Op::AddAddr { key } => Some(Key::Addr(*key)),
        Op::AddLink { dev, .. }
        | Op::SetVxlan { dev, .. }
        | Op::SetMac { dev, .. }
        | Op::SetMtu { dev, .. }
        | Op::SetUp { dev } => Some(Key::Link(*dev)),
        Op::DelLink { .. }
        | Op::SetSysctl { .. }
        | Op::DelAddr { .. }
        | Op::DelNeigh { .. }
        | Op::DelFdb { .. }
        | Op::DelNexthop { .. }
        | Op::DelRoute { .. } => None,
    }
}

/// Log lines for repairs: each op while they are few, a summary where they are many.
pub fn repair_lines(ops: &[Op]) -> Vec<String> {
    if ops.len() <= FEW {
        ops.iter().map(|op| format!("Repaired: {op}")).collect()
    } else {
        vec![format!("Repaired: {}", summary(ops))]
    }
}

/// Log lines for refusals, likewise: with a device all that hangs on it is refused, thousands of rows.
pub fn refusal_lines(refused: &[&(Op, Refusal)]) -> Vec<String> {
    let line = |(op, why): &(Op, Refusal)| format!("the kernel refused `{op}`: {why}; trying again");
    match refused.first() {
        Some(first) if refused.len() > FEW => {
            let ops: Vec<Op> = refused.iter().map(|(op, _)| op.clone()).collect();
            vec![format!("{}; refused in all: {}", line(first), summary(&ops))]
        }
        _ => refused.iter().map(|one| line(one)).collect(),
    }
}
