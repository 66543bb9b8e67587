//! Folds what the kernel announces into the tables. Notices carry rows, never instructions:
//! folding only records, deciding is `plan`'s.

use std::net::IpAddr;

use super::{Addr, AddrKey, Fdb, FdbKey, Key, Link, Neigh, NeighKey, Nexthop, Route, RouteKey, Rule, State};
use crate::net::IfName;

/// One row with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A device.
    Link(IfName, Link),
    /// An address.
    Addr(AddrKey, Addr),
    /// A policy rule.
    Rule(Rule),
    /// A route.
    Route(RouteKey, Route),
    /// A nexthop object.
    Nexthop(u32, Nexthop),
    /// A neighbour.
    Neigh(NeighKey, Neigh),
    /// A forwarding entry with one remote.
    Fdb(FdbKey, Fdb),
}

/// A notice of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The row is there now (new or altered).
    New(Row),
    /// The row is gone.
    Gone(Row),
    /// The row names a device that the reader does not know by number: everything must be read again.
    Unknown,
    /// Notices were lost: everything must be read again.
    Overrun,
}

/// What a fold touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folded {
    /// This row may differ from before.
    Row(Key),
    /// Something that moves other rows without a word (a link, an address, a nexthop, a rule): read everything again.
    Everything,
    /// Nothing that a plan looks at.
    Nothing,
}

impl State {
    /// Records one notice. Link, address and nexthop notices answer [`Folded::Everything`], because the kernel
    /// removes routes and neighbours with them without announcing each (measured on 6.18).
    pub fn fold(&mut self, change: Change) -> Folded {
        match change {
            Change::Overrun | Change::Unknown => Folded::Everything,
            Change::New(row) => self.put(row),
            Change::Gone(row) => self.take(row),
        }
    }

    fn put(&mut self, row: Row) -> Folded {
        match row {
            Row::Link(name, link) => match self.links.insert(name, link.clone()) {
                // Statistics and the like make a notice, too: only a difference moves anything.
                Some(old) if old == link => Folded::Nothing,
                _ => Folded::Everything,
            },
            Row::Addr(key, addr) => match self.addrs.insert(key, addr) {
                Some(old) if old == addr => Folded::Nothing,
                _ => Folded::Everything,
            },
            Row::Rule(_) => Folded::Nothing,
            Row::Nexthop(id, hop) => {
                self.nexthops.insert(id, hop);
                Folded::Row(Key::Nexthop(id))
            }
            Row::Neigh(key, neigh) => {
                self.neighs.insert(key, neigh);
                Folded::Row(Key::Neigh(key))
            }
            Row::Route(key, route) => {
                self.put_route(key, route);
                Folded::Row(Key::Route(key))
            }
            Row::Fdb(key, fdb) => {
                self.put_fdb(key, fdb);
                Folded::Row(Key::Fdb(key))
            }
        }
    }

    fn take(&mut self, row: Row) -> Folded {
        match row {
            Row::Link(name, link) => {
                // A renamed or re-created device keeps its row: the notice is about another number.
                if self.links.get(&name).is_some_and(|l| l.index == link.index) {
                    self.links.remove(&name);
                }
                Folded::Everything
            }
            Row::Addr(key, _) => {
                self.addrs.remove(&key);
                Folded::Everything
            }
            Row::Rule(_) => Folded::Nothing,
            Row::Nexthop(id, _) => {
                // Takes every route through it along, silently.
                self.nexthops.remove(&id);
                Folded::Everything
            }
            Row::Neigh(key, _) => {
                self.neighs.remove(&key);
                Folded::Row(Key::Neigh(key))
            }
            Row::Route(key, route) => {
                if let Some(twins) = self.routes.get_mut(&key) {
                    match twins.iter().position(|r| *r == route) {
                        Some(at) => drop(twins.remove(at)),
                        None if twins.len() == 1 => twins.clear(),
                        None => return Folded::Everything,
                    }
                    if twins.is_empty() {
                        self.routes.remove(&key);
                    }
                }
                Folded::Row(Key::Route(key))
            }
            Row::Fdb(key, fdb) => {
                self.take_fdb(key, fdb.dst);
                Folded::Row(Key::Fdb(key))
            }
        }
    }

    /// A notice does not tell a replaced row from an appended one; the same row again is neither. With one row
    /// in place the newcomer takes its place: a twin is found by the next full read.
    fn put_route(&mut self, key: RouteKey, route: Route) {
        let twins = self.routes.entry(key).or_default();
        if twins.contains(&route) {
            return;
        }
        match twins.first_mut() {
            Some(first) => *first = route,
            None => twins.push(route),
        }
    }

    /// Adds one remote; flood and multicast entries gather several.
    pub fn put_fdb(&mut self, key: FdbKey, fdb: Fdb) {
        let gathers = key.mac.is_zero() || key.mac.is_multicast();
        match self.fdb.get_mut(&key) {
            Some(old) if gathers && old.dst != fdb.dst => {
                if let Some(dst) = fdb.dst
                    && !old.more.contains(&dst)
                {
                    old.more.push(dst);
                }
            }
            // The same remote once more: the others stay.
            Some(old) if gathers => {
                let more = std::mem::take(&mut old.more);
                *old = Fdb { more, ..fdb };
            }
            _ => {
                self.fdb.insert(key, fdb);
            }
        }
    }

    fn take_fdb(&mut self, key: FdbKey, dst: Option<IpAddr>) {
        let Some(old) = self.fdb.get_mut(&key) else { return };
        if old.more.is_empty() {
            // A replaced entry is announced as new only; a late "gone" of another remote is about the past.
            if dst.is_none() || old.dst == dst {
                self.fdb.remove(&key);
            }
        } else if old.dst == dst {
            old.dst = Some(old.more.remove(0));
        } else {
            old.more.retain(|d| Some(*d) != dst);
        }
    }
}
