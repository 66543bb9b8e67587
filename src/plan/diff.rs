//! `plan(have, want, ours)`: the operations that make ours what is wanted, in an order that keeps traffic flowing.
//!
//! The order, and why:
//! 1. routes that are to go: a route must not outlive its neighbour;
//! 2. devices (delete, create, alter), their sysctls, their addresses, up: everything hangs on them. An address is
//!    added before another is removed, because with its last IPv4 address a device loses its plain routes; and it is
//!    removed before routes are written, because a gateway that is an address of this host is refused;
//! 3. neighbours, forwarding entries, nexthop objects;
//! 4. routes: a route without its neighbour would make the kernel ask into the tunnel, where nobody answers;
//! 5. nexthop objects, neighbours and forwarding entries that are to go: nothing leads to them any more.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::Op;
use super::same::{first_dev, hop_is, keeps, leads_to, route_is};
use crate::net::{IfName, Mac};
use crate::state::{
    AddrKey, Fdb, FdbKey, Hop, Hops, Key, LinkKind, Neigh, NeighKey, Nexthop, Ours, Route, RouteKey,
    RouteKind, State, Want, WantLink, nud, proto, table,
};

/// Everything that differs.
pub fn plan(have: &State, want: &Want, ours: &Ours) -> Vec<Op> {
    let ground = Ground::of(have, want, ours);
    let mut phases = Phases::default();
    ground.devices(&mut phases);
    let keys = ground.own_keys();
    for key in &keys {
        ground.row(key, &mut phases);
    }
    phases.in_order()
}

/// [`plan`] restricted to some rows; `want` needs to hold only those, and the devices. `None` if a device is not as
/// it should be: then only the full plan is right.
pub fn plan_keys(have: &State, want: &Want, ours: &Ours, keys: &BTreeSet<Key>) -> Option<Vec<Op>> {
    let ground = Ground::of(have, want, ours);
    let mut phases = Phases::default();
    ground.devices(&mut phases);
    if !phases.devices.is_empty() {
        return None;
    }
    for key in keys.iter().filter(|k| ground.may_touch(k)) {
        ground.row(key, &mut phases);
    }
    Some(phases.in_order())
}

/// Wanted devices whose name belongs to something that is no VXLAN device: nothing is done there.
pub fn blocked(have: &State, want: &Want) -> Vec<(IfName, String)> {
    let kind = |name: &IfName| match &have.links.get(name)?.kind {
        LinkKind::Vxlan(_) => None,
        LinkKind::Bridge => Some("bridge".to_owned()),
        LinkKind::Veth { .. } => Some("veth".to_owned()),
        LinkKind::Loopback => Some("loopback device".to_owned()),
        LinkKind::Plain => Some("network card".to_owned()),
        LinkKind::Other(kind) => Some(format!("{kind} device")),
    };
    want.links.keys().filter_map(|name| kind(name).map(|k| (*name, k))).collect()
}

#[derive(Default)]
struct Phases {
    del_routes: Vec<Op>,
    devices: Vec<Op>,
    set: Vec<Op>,
    routes: Vec<Op>,
    del: Vec<Op>,
}

impl Phases {
    fn in_order(self) -> Vec<Op> {
        let Self { del_routes, devices, set, routes, del } = self;
        let mut ops = del_routes;
        for more in [devices, set, routes, del] {
            // Moved, not copied; the first list that holds anything is taken as it is.
            if ops.is_empty() { ops = more } else { ops.extend(more) }
        }
        ops
    }
}

/// What a row's plan depends on besides the row itself.
struct Ground<'a> {
    have: &'a State,
    want: &'a Want,
    ours: &'a Ours,
    /// Devices that will be made (anew): whatever hung on them counts as gone.
    made: BTreeSet<IfName>,
    /// Devices whose MAC will be set: the kernel drops their neighbours.
    remacked: BTreeSet<IfName>,
    /// Names that belong to another kind of device: hands off.
    blocked: BTreeSet<IfName>,
}

impl<'a> Ground<'a> {
    fn of(have: &'a State, want: &'a Want, ours: &'a Ours) -> Self {
        let blocked: BTreeSet<IfName> = blocked(have, want).into_iter().map(|(name, _)| name).collect();
        let mut made = BTreeSet::new();
        let mut remacked = BTreeSet::new();
        for (name, wanted) in want.links.iter().filter(|(n, _)| !blocked.contains(*n)) {
            match have.links.get(name) {
                Some(link) if keeps(link, wanted) => {
                    if link.mac != Some(wanted.mac) {
                        remacked.insert(*name);
                    }
                }
                _ => {
                    made.insert(*name);
                }
            }
        }
        Self { have, want, ours, made, remacked, blocked }
    }

    fn devices(&self, phases: &mut Phases) {
        for (name, want) in self.want.links.iter().filter(|(n, _)| !self.blocked.contains(*n)) {
            self.device(*name, want, &mut phases.devices);
        }
        for key in self.own_addrs().filter(|k| !self.want.addrs.contains(k)) {
            phases.devices.push(Op::DelAddr { key });
        }
    }

    fn device(&self, dev: IfName, want: &WantLink, ops: &mut Vec<Op>) {
        let have = self.have.links.get(&dev).filter(|_| !self.made.contains(&dev));
        match have {
            None => {
                if self.have.links.contains_key(&dev) {
                    ops.push(Op::DelLink { dev });
                }
                ops.push(Op::AddLink { dev, want: want.clone() });
            }
            Some(link) => {
                if link.vxlan() != Some(&want.vxlan) {
                    ops.push(Op::SetVxlan { dev, want: want.clone() });
                }
                if link.mtu != want.mtu {
                    ops.push(Op::SetMtu { dev, mtu: want.mtu });
                }
                if link.mac != Some(want.mac) {
                    ops.push(Op::SetMac { dev, mac: want.mac });
                }
            }
        }
        self.sysctls(dev, have.is_none(), ops);
        for key in self.want.addrs.iter().filter(|k| k.dev == dev) {
            if have.is_none() || !self.have.addrs.contains_key(key) {
                ops.push(Op::AddAddr { key: *key });
            }
        }
        if have.is_none_or(|l| !l.up) {
            ops.push(Op::SetUp { dev });
        }
    }

    /// A sysctl of an existing device that cannot be seen (no IPv6 in this kernel) is left alone.
    fn sysctls(&self, dev: IfName, new: bool, ops: &mut Vec<Op>) {
        let part = format!(".{}.", dev.as_str().replace('.', "/"));
        for (key, value) in self.want.sysctls.iter().filter(|(k, _)| k.contains(&part)) {
            let have = self.have.facts.get(&format!("sysctl:{key}"));
            if new || have.is_some_and(|have| have != value) {
                ops.push(Op::SetSysctl { key: key.clone(), value: value.clone() });
            }
        }
    }

    /// flannel's rule (EnsureV4Address, EnsureV6Address): on our device, other IPv4 addresses inside the network and
    /// all other IPv6 addresses but link-local ones are ours to remove.
    fn own_addrs(&self) -> impl Iterator<Item = AddrKey> {
        let inside = |net: &IpNet| match net.addr() {
            IpAddr::V4(ip) => self.ours.networks.iter().any(|n| n.contains(&IpAddr::V4(ip))),
            IpAddr::V6(ip) => !ip.is_unicast_link_local(),
        };
        self.have.addrs.keys().filter(move |k| self.in_place(k.dev) && inside(&k.net)).copied()
    }

    /// Every key of the full plan: wanted rows, and rows of ours that are there.
    fn own_keys(&self) -> Vec<Key> {
        let have = self.have;
        let routes = have.routes.keys().filter(|k| self.owns_route(k)).map(|k| Key::Route(*k));
        let neighs = have.neighs.iter().filter(|(k, n)| self.owns_neigh(k, n)).map(|(k, _)| Key::Neigh(*k));
        let fdb = have.fdb.iter().filter(|(k, f)| self.owns_fdb(k, f)).map(|(k, _)| Key::Fdb(*k));
        let hops =
            have.nexthops.iter().filter(|(_, n)| self.owns_nexthop(n)).map(|(id, _)| Key::Nexthop(*id));
        let want = self.want;
        let mut keys: Vec<Key> = routes
            .chain(neighs)
            .chain(fdb)
            .chain(hops)
            .chain(want.routes.keys().map(|k| Key::Route(*k)))
            .chain(want.neighs.keys().map(|k| Key::Neigh(*k)))
            .chain(want.fdb.keys().map(|k| Key::Fdb(*k)))
            .chain(want.nexthops.keys().map(|k| Key::Nexthop(*k)))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Whether the full plan would look at this key.
    fn may_touch(&self, key: &Key) -> bool {
        let (have, want) = (self.have, self.want);
        match key {
            Key::Link(_) | Key::Addr(_) => false,
            Key::Route(k) => want.routes.contains_key(k) || self.owns_route(k),
            Key::Neigh(k) => {
                want.neighs.contains_key(k) || have.neighs.get(k).is_some_and(|n| self.owns_neigh(k, n))
            }
            Key::Fdb(k) => want.fdb.contains_key(k) || have.fdb.get(k).is_some_and(|f| self.owns_fdb(k, f)),
            Key::Nexthop(id) => {
                want.nexthops.contains_key(id) || have.nexthops.get(id).is_some_and(|n| self.owns_nexthop(n))
            }
        }
    }

    fn row(&self, key: &Key, phases: &mut Phases) {
        match key {
            Key::Link(_) | Key::Addr(_) => {}
            Key::Nexthop(id) => self.nexthop(*id, phases),
            Key::Neigh(key) => self.neigh(*key, phases),
            Key::Fdb(key) => self.fdb(*key, phases),
            Key::Route(key) => self.route(*key, phases),
        }
    }

    fn neigh(&self, key: NeighKey, phases: &mut Phases) {
        if self.blocked.contains(&key.dev) {
            return;
        }
        let gone = self.made.contains(&key.dev) || self.remacked.contains(&key.dev);
        let have = self.have.neighs.get(&key).filter(|_| !gone);
        match (self.want.neighs.get(&key), have) {
            (Some(mac), Some(n)) if n.permanent() && n.mac == Some(*mac) => {}
            (Some(mac), _) => phases.set.push(Op::SetNeigh { key, mac: *mac }),
            (None, Some(_)) => phases.del.push(Op::DelNeigh { key }),
            (None, None) => {}
        }
    }

    fn fdb(&self, key: FdbKey, phases: &mut Phases) {
        if self.blocked.contains(&key.dev) {
            return;
        }
        let have = self.have.fdb.get(&key).filter(|_| !self.made.contains(&key.dev));
        match (self.want.fdb.get(&key), have) {
            (Some(dst), Some(f)) if leads_to(f, *dst) => {}
            (Some(dst), have) => {
                // A row with a nexthop group, or with several remotes, cannot be replaced: it goes first.
                if have.is_some_and(|f| f.nhid.is_some() || !f.more.is_empty()) {
                    phases.set.push(Op::DelFdb { key, dst: None });
                }
                phases.set.push(Op::SetFdb { key, dst: *dst });
            }
            (None, Some(f)) => {
                for dst in f.dst.into_iter().chain(f.more.iter().copied()) {
                    phases.del.push(Op::DelFdb { key, dst: Some(dst) });
                }
                if f.dst.is_none() {
                    phases.del.push(Op::DelFdb { key, dst: None });
                }
            }
            (None, None) => {}
        }
    }

    fn nexthop(&self, id: u32, phases: &mut Phases) {
        let have = self.have.nexthops.get(&id).filter(|n| !n.hop.dev.is_some_and(|d| self.made.contains(&d)));
        match (self.want.nexthops.get(&id), have) {
            (Some((_, dev)), _) if self.blocked.contains(dev) => {}
            (Some((via, dev)), Some(n)) if hop_is(&n.hop, &Hop::onlink(*via, *dev)) => {}
            (Some((via, dev)), have) if have.is_none_or(|n| self.owns_nexthop(n)) => {
                phases.set.push(Op::SetNexthop { id, via: *via, dev: *dev });
            }
            (Some(_), _) => {}
            (None, Some(_)) => phases.del.push(Op::DelNexthop { id }),
            (None, None) => {}
        }
    }

    fn route(&self, key: RouteKey, phases: &mut Phases) {
        let twins: Vec<&Route> = self
            .have
            .routes
            .get(&key)
            .into_iter()
            .flatten()
            .filter(|r| !self.leads_over(r, |dev| self.made.contains(&dev)))
            .collect();
        let Some(want) = self.want.routes.get(&key) else {
            let ours = twins.into_iter().filter(|r| self.owns(&key, r)).cloned();
            phases.del_routes.extend(ours.map(|route| Op::DelRoute { key, route }));
            return;
        };
        if self.leads_over(want, |dev| self.blocked.contains(&dev)) {
            return;
        }
        // With the wanted row among twins the others go; else the first is replaced and the rest go.
        let right = twins.iter().position(|r| route_is(r, want));
        // IPv6 refuses a gateway that the present route leads to by another device, be it the route to be replaced
        // (measured on 6.18): there the old ones go first, at the price of a moment without.
        let moves = |r: &&&Route| key.dst.addr().is_ipv6() && first_dev(r) != first_dev(want);
        let keep = right.unwrap_or(0);
        if right.is_none() {
            if let Some(first) = twins.first().filter(moves) {
                phases.routes.push(Op::DelRoute { key, route: (*first).clone() });
            }
            phases.routes.push(Op::SetRoute { key, route: want.clone() });
        }
        for (at, twin) in twins.into_iter().enumerate() {
            if at != keep {
                phases.routes.push(Op::DelRoute { key, route: twin.clone() });
            }
        }
    }

    /// One of our devices that stays: rows on it are ours.
    fn in_place(&self, dev: IfName) -> bool {
        self.ours.devices.contains(&dev) && !self.made.contains(&dev) && !self.blocked.contains(&dev)
    }

    /// Only permanent ones: what the kernel resolves by itself is its own.
    fn owns_neigh(&self, key: &NeighKey, neigh: &Neigh) -> bool {
        self.in_place(key.dev) && neigh.permanent()
    }

    fn owns_fdb(&self, key: &FdbKey, fdb: &Fdb) -> bool {
        self.in_place(key.dev) && !key.master && fdb.state & (nud::PERMANENT | nud::NOARP) != 0
    }

    fn owns_nexthop(&self, nexthop: &Nexthop) -> bool {
        nexthop.proto == proto::FLANCTL
            && nexthop.hop.dev.map_or(nexthop.blackhole, |d| self.ours.devices.contains(&d))
    }

    fn owns_route(&self, key: &RouteKey) -> bool {
        self.have.routes.get(key).is_some_and(|twins| twins.iter().any(|r| self.owns(key, r)))
    }

    /// On our device: every route of the main table that the kernel did not make itself. Elsewhere: our own protocol
    /// number inside our network.
    fn owns(&self, key: &RouteKey, route: &Route) -> bool {
        if key.table != table::MAIN || route.kind != RouteKind::Unicast {
            return false;
        }
        if self.leads_over(route, |dev| self.in_place(dev)) {
            return route.proto != proto::KERNEL;
        }
        route.proto == proto::FLANCTL
            && self.ours.networks.iter().any(|n| n.contains(&key.dst))
            && !self.leads_over(route, |dev| self.made.contains(&dev) || self.blocked.contains(&dev))
    }

    fn leads_over(&self, route: &Route, test: impl Fn(IfName) -> bool) -> bool {
        match &route.hops {
            Hops::None => false,
            Hops::One(hop) => hop.dev.is_some_and(test),
            Hops::Object(id) => {
                let have = self.have.nexthops.get(id).and_then(|n| n.hop.dev);
                have.or(self.want.nexthops.get(id).map(|(_, dev)| *dev)).is_some_and(test)
            }
            Hops::Multi(legs) => legs.iter().filter_map(|(hop, _)| hop.dev).any(test),
        }
    }
}

/// Operations by what they touch, for a log line: `3 routes, 3 neighbours, 3 fdb entries`.
pub fn summary(ops: &[Op]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for op in ops {
        let what = match op {
            Op::DelLink { .. } | Op::AddLink { .. } | Op::SetVxlan { .. } | Op::SetUp { .. } => "device",
            Op::SetMac { .. } | Op::SetMtu { .. } | Op::SetSysctl { .. } => "device",
            Op::AddAddr { .. } | Op::DelAddr { .. } => "address",
            Op::SetNeigh { .. } | Op::DelNeigh { .. } => "neighbour",
            Op::SetFdb { .. } | Op::DelFdb { .. } => "fdb",
            Op::SetNexthop { .. } | Op::DelNexthop { .. } => "nexthop",
            Op::SetRoute { .. } | Op::DelRoute { .. } => "route",
        };
        *counts.entry(what).or_default() += 1;
    }
    counts.into_iter().map(|(what, n)| format!("{n} {what}")).collect::<Vec<_>>().join(", ")
}

/// A device's MAC as the kernel has it, if it is a VXLAN device that can stay.
pub fn kept_mac(have: &State, dev: IfName, vni: u32) -> Option<Mac> {
    let link = have.links.get(&dev)?;
    link.vxlan().filter(|v| v.vni == vni).and(link.mac)
}
