//! Folds what the kernel announces into the tables. Notices carry rows, never instructions:
//! folding only records, deciding is `plan`'s.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{
    Addr, AddrKey, Fdb, FdbKey, Hops, Key, Link, Neigh, NeighKey, Nexthop, Route, RouteKey, Rule, State,
    proto, table,
};
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
    /// These rows may differ from before: a nexthop object of ours and the route that went with it.
    Rows([Key; 2]),
    /// A device or an address on it: the kernel removes routes and neighbours with them without announcing each
    /// (measured on 6.18), so if anything of interest hangs there, everything must be read again.
    Device(IfName),
    /// Notices are not enough: read everything again.
    Everything,
    /// Nothing that a plan looks at.
    Nothing,
}

impl State {
    /// Records one notice and answers what it touched.
    pub fn fold(&mut self, change: Change) -> Folded {
        match change {
            Change::Overrun | Change::Unknown => Folded::Everything,
            Change::New(row) => self.put(row),
            Change::Gone(row) => self.take(row),
        }
    }

    fn put(&mut self, row: Row) -> Folded {
        match row {
            Row::Link(name, link) if self.renamed(name, link.index) => {
                self.links.insert(name, link);
                Folded::Everything
            }
            Row::Link(name, link) => match self.links.insert(name, link.clone()) {
                // Statistics and the like make a notice, too: only a difference moves anything.
                Some(old) if old == link => Folded::Nothing,
                _ => Folded::Device(name),
            },
            Row::Addr(key, addr) => {
                let old = self.addrs.get(&key).copied();
                self.put_addr(key, addr);
                if old == self.addrs.get(&key).copied() { Folded::Nothing } else { Folded::Device(key.dev) }
            }
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

    /// A known device under a new name: forgets the old one.
    fn renamed(&mut self, name: IfName, index: u32) -> bool {
        let old = self.links.iter().find(|(n, l)| l.index == index && **n != name).map(|(n, _)| *n);
        old.is_some_and(|old| self.links.remove(&old).is_some())
    }

    fn take(&mut self, row: Row) -> Folded {
        match row {
            Row::Link(name, link) => {
                // A renamed or re-created device keeps its row: the notice is about another number.
                if self.links.get(&name).is_some_and(|l| l.index == link.index) {
                    self.links.remove(&name);
                }
                Folded::Device(name)
            }
            Row::Addr(key, _) => {
                self.addrs.remove(&key);
                Folded::Device(key.dev)
            }
            Row::Rule(_) => Folded::Nothing,
            Row::Nexthop(id, _) => self.take_nexthop(id),
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

    /// The kernel removes every route through a nexthop with it, silently. Ours carry one route each, which begins at
    /// the gateway; for any other the tables must be read again.
    fn take_nexthop(&mut self, id: u32) -> Folded {
        let Some(old) = self.nexthops.remove(&id) else { return Folded::Row(Key::Nexthop(id)) };
        let Some(via @ IpAddr::V4(_)) = old.hop.via.filter(|_| old.proto == proto::FLANCTL) else {
            return Folded::Everything;
        };
        let at =
            |len| IpNet::new(via, len).map(|dst| RouteKey { table: table::MAIN, dst, tos: 0, metric: 0 });
        let (Ok(first), Ok(last)) = (at(0), at(32)) else { return Folded::Everything };
        let through = |r: &Route| r.hops == Hops::Object(id);
        let found =
            self.routes.range(first..=last).find(|(_, twins)| twins.iter().any(through)).map(|(k, _)| *k);
        let Some(key) = found else { return Folded::Row(Key::Nexthop(id)) };
        if let Some(twins) = self.routes.get_mut(&key) {
            twins.retain(|r| !through(r));
            if twins.is_empty() {
                self.routes.remove(&key);
            }
        }
        Folded::Rows([Key::Nexthop(id), Key::Route(key)])
    }

    /// A notice does not tell a replaced row from an appended one; the same row again is neither. With one row
    /// in place the newcomer takes its place: a twin is found by the next full read.
    fn put_route(&mut self, key: RouteKey, route: Route) {
        match self.routes.get_mut(&key) {
            Some(twins) if twins.contains(&route) => {}
            Some(twins) => match twins.first_mut() {
                Some(first) => *first = route,
                None => twins.push(route),
            },
            // Room for exactly one: a pushed-to list makes room for four.
            None => drop(self.routes.insert(key, vec![route])),
        }
    }

    /// Records a route behind its twins.
    pub fn append_route(&mut self, key: RouteKey, route: Route) {
        match self.routes.get_mut(&key) {
            Some(twins) => twins.push(route),
            None => drop(self.routes.insert(key, vec![route])),
        }
    }

    /// Records an address behind those that are there; one that is there keeps its place.
    pub fn put_addr(&mut self, key: AddrKey, addr: Addr) {
        let place = self.addrs.get(&key).map(|old| old.order);
        let next = || self.addrs.values().map(|a| a.order + 1).max().unwrap_or_default();
        let order = place.unwrap_or_else(next);
        self.addrs.insert(key, Addr { order, ..addr });
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
