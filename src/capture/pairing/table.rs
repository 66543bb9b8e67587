//! The packets that are under way. Each sighting belongs to one of them, or to several if it is a part of one or
//! holds several, or begins one. A packet is told of once its last point saw it, or once its time is over.

use std::collections::{HashMap, HashSet, VecDeque};

use super::Point;
use super::index::Index;
use super::key::Seen;
use super::order::Sighting;
use super::record::{Fate, Gap, Record};
use super::scope::Scope;
use super::way::Item;

/// How long a packet is kept that arrived: copies of it may follow, and the order of stamps is not that of reading.
const LINGER: i64 = 10_000_000;

/// How many timeouts a packet that was told as lost may take until it is forgotten.
const LATE: i64 = 4;

/// How long a packet is kept that may turn out to be none of the overlay's.
const TENTATIVE: i64 = 200_000_000;

/// A table of packets under way.
#[derive(Debug)]
pub struct Table {
    points: Vec<Point>,
    scope: Scope,
    timeout: i64,
    most: usize,
    items: HashMap<u64, Item>,
    index: Index,
    next: u64,
    /// Packets in the order in which they began, and when their time is over.
    due: VecDeque<(i64, u64)>,
    /// Packets that arrived, and when.
    done: VecDeque<(i64, u64)>,
    /// Packets that were told as lost, and when they are forgotten.
    late: VecDeque<(i64, u64)>,
    gone: HashSet<usize>,
    /// When a point last missed packets itself.
    missed: HashMap<usize, i64>,
    forgotten: u64,
}

impl Table {
    /// An empty table. A packet is lost after `timeout` nanoseconds; at most `most` are under way.
    pub fn new(points: Vec<Point>, scope: Scope, timeout: i64, most: usize) -> Self {
        Self {
            points,
            scope,
            timeout,
            most,
            items: HashMap::new(),
            index: Index::default(),
            next: 0,
            due: VecDeque::new(),
            done: VecDeque::new(),
            late: VecDeque::new(),
            gone: HashSet::new(),
            missed: HashMap::new(),
            forgotten: 0,
        }
    }

    /// The points, by number.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// What is known of the node.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Packets under way whose fate is not known.
    pub fn under_way(&self) -> usize {
        self.items.values().filter(|item| item.is_open()).count()
    }

    /// Packets that are kept.
    pub fn size(&self) -> usize {
        self.items.len()
    }

    /// Packets that were given up for want of room.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// A device is there no more: nothing is expected of it.
    pub fn gone(&mut self, point: usize) {
        self.gone.insert(point);
    }

    /// Until `at`, a point may have missed packets.
    pub fn missed(&mut self, point: usize, at: i64) {
        self.missed.insert(point, at);
    }

    /// Takes a sighting.
    pub fn take(&mut self, sighting: Sighting) {
        let nat = |known: &Seen, seen: &Seen| self.scope.rewrites(known, seen);
        let mut found = self.index.find(&self.items, &sighting, &nat);
        // What arrives at once is told in the order in which it began.
        found.sort_unstable_by_key(|(id, _)| *id);
        if found.is_empty() {
            return self.begin(sighting);
        }
        for (id, cover) in found {
            let Some(item) = self.items.get_mut(&id) else { continue };
            if item.add(&sighting, cover) {
                self.index.alias(id, &sighting.seen);
                let ends = (sighting.seen.ends.src, sighting.seen.ends.dst);
                let point = (sighting.point, sighting.outer.is_some());
                // A service's address became a pod's: now it is known where the packet goes.
                let course = self.scope.rerouted(ends, &self.points, point);
                if let Some(course) = course.filter(|course| course.known && !item.course.known) {
                    item.course = course;
                    self.due.push_back((item.first.saturating_add(self.timeout), id));
                }
            }
            if item.arrives(sighting.at) {
                self.done.push_back((sighting.at, id));
            }
        }
    }

    fn begin(&mut self, sighting: Sighting) {
        let ends = (sighting.seen.ends.src, sighting.seen.ends.dst);
        let course = self.scope.course(ends, &self.points, (sighting.point, sighting.outer.is_some()));
        let follows = sighting.wanted && !sighting.seen.for_neighbours();
        let Some(course) = course.filter(|_| follows) else { return };
        if self.items.len() >= self.most {
            self.give_up();
        }
        self.next += 1;
        let id = self.next;
        let time = if course.known { self.timeout } else { TENTATIVE.min(self.timeout) };
        self.due.push_back((sighting.at.saturating_add(time), id));
        self.index.insert(id, &sighting.seen);
        let at = sighting.at;
        let mut item = Item::new(sighting, course);
        if item.arrives(at) {
            self.done.push_back((at, id));
        }
        self.items.insert(id, item);
    }

    /// Room is made by the packet that is longest under way.
    fn give_up(&mut self) {
        let queues = [&mut self.late, &mut self.due, &mut self.done];
        let oldest = queues.into_iter().find_map(|queue| {
            // Some of them were told of since.
            while let Some((_, id)) = queue.pop_front() {
                if self.items.contains_key(&id) {
                    return Some(id);
                }
            }
            None
        });
        let item = oldest.and_then(|id| self.remove(id));
        self.forgotten += u64::from(item.is_some_and(|item| item.is_open()));
    }

    fn remove(&mut self, id: u64) -> Option<Item> {
        let item = self.items.remove(&id)?;
        for seen in &item.seens {
            self.index.remove(id, seen);
        }
        Some(item)
    }

    /// Everything before `now` was read: what is known by then is told.
    pub fn tick(&mut self, now: i64, mut tell: impl FnMut(Record)) {
        while let Some((at, id)) = self.done.front().copied() {
            if at.saturating_add(LINGER) > now {
                break;
            }
            self.done.pop_front();
            if let Some(item) = self.remove(id) {
                tell(self.record(&item, Fate::Through));
            }
        }
        while let Some((at, id)) = self.due.front().copied() {
            if at > now {
                break;
            }
            self.due.pop_front();
            // What arrived waits for its copies; what got a later time has a second place here.
            let open = self.items.get(&id).filter(|item| item.done.is_none());
            let Some(item) = open else { continue };
            if item.course.known && item.first.saturating_add(self.timeout) > now {
                continue;
            }
            match self.fate(item) {
                Some(fate @ Fate::Lost(_)) => {
                    tell(self.record(item, fate));
                    self.late.push_back((item.first.saturating_add(self.timeout.saturating_mul(LATE)), id));
                    if let Some(item) = self.items.get_mut(&id) {
                        item.told = true;
                    }
                }
                fate => {
                    let item = self.remove(id);
                    item.zip(fate).into_iter().for_each(|(item, fate)| tell(self.record(&item, fate)));
                }
            }
        }
        while let Some((_, id)) = self.late.pop_front_if(|(at, _)| *at <= now) {
            if self.items.get(&id).is_some_and(|item| item.done.is_none()) {
                self.remove(id);
            }
        }
    }

    /// What is to be said of a packet whose time is over.
    fn fate(&self, item: &Item) -> Option<Fate> {
        if !item.course.known {
            return None;
        }
        let steps = &item.course.steps;
        let reached = steps.iter().rposition(|step| item.is_whole_at(step.point))?;
        let mut left = steps.get(reached + 1..).unwrap_or_default().iter();
        let Some(missing) = left.find(|step| step.needed && !self.gone.contains(&step.point)) else {
            return Some(Fate::Through);
        };
        let from = steps.get(reached)?.point;
        let part = item.got(missing.point).map(|got| (got, item.size));
        let gap = Gap { from, to: missing.point, part, moved: Vec::new(), after: self.timeout };
        let blind = |point: &usize| self.missed.get(point).is_some_and(|at| *at >= item.first);
        let later = steps.get(reached + 1..).unwrap_or_default();
        let unsure = later.iter().any(|step| blind(&step.point));
        Some(if unsure { Fate::Unsure(gap) } else { Fate::Lost(gap) })
    }

    fn record(&self, item: &Item, fate: Fate) -> Record {
        let six = item.seens.first().is_some_and(Seen::six);
        let mut points: Vec<_> = item.points.iter().map(|held| held.at).collect();
        let place = |point: usize| {
            let step = item.course.steps.iter().position(|step| step.point == point);
            let stage = self.points.get(point).map(|point| point.stage as usize).unwrap_or_default();
            (step.unwrap_or(usize::MAX), if item.course.inward { 9 - stage } else { stage })
        };
        // Where the kernel hands a stamp on, the way tells the order.
        points.sort_by_key(|at| (at.at, place(at.point)));
        let late = item.told && fate == Fate::Through;
        let inward = item.course.inward;
        Record { bytes: item.bytes.clone(), len: item.len, six, inward, points, fate, late }
    }
}
