//! Nexthop objects and routes (net/ipv4/nexthop.c, fib_semantics.c, fib_trie.c; net/ipv6/route.c).

use std::net::IpAddr;

use nix::errno::Errno;

use super::{Answer, Replay};
use crate::net::IfName;
use crate::state::{Hop, Hops, Nexthop, Route, RouteKey, RouteKind, proto, table};

/// IPv6 fills in a metric where none is given (`IP6_RT_PRIO_USER`).
const METRIC6: u32 = 1024;

impl Replay {
    /// A hop as the kernel takes it: device found and up, gateway in reach.
    fn hop(&mut self, hop: &Hop) -> Result<Hop, Errno> {
        let dev = match (hop.dev, hop.via) {
            (Some(dev), _) => dev,
            (None, Some(via)) => self.connected(via, None).ok_or(unreachable_to(via))?,
            (None, None) => return Err(Errno::EINVAL),
        };
        if !self.link(dev)?.up {
            return Err(Errno::ENETDOWN);
        }
        let Some(via) = hop.via else { return Ok(Hop { dev: Some(dev), ..*hop }) };
        // Not an address of this host, be it of another device; only an IPv4 gateway off the link is looked up in
        // the main table alone, which holds none (`fib_check_nh_v4_gw`, `ip6_validate_gw`).
        let looked = hop.onlink || via.is_ipv6();
        if looked && self.state.owner_of(via).is_some() {
            return Err(Errno::EINVAL);
        }
        if hop.onlink && via.is_ipv6() && self.leads_elsewhere(via, dev) {
            return Err(Errno::EINVAL);
        }
        if !hop.onlink && self.connected(via, Some(dev)).is_none() {
            return Err(unreachable_to(via));
        }
        Ok(Hop { dev: Some(dev), ..*hop })
    }

    /// The device with a net that holds this address.
    fn connected(&self, ip: IpAddr, on: Option<IfName>) -> Option<IfName> {
        let up = |dev: &IfName| self.state.links.get(dev).is_some_and(|l| l.up);
        let mut nets = self.state.addrs.keys().filter(|k| on.is_none_or(|d| d == k.dev) && up(&k.dev));
        nets.find(|k| k.net.prefix_len() < k.net.max_prefix_len() && k.net.contains(&ip)).map(|k| k.dev)
    }

    /// An onlink IPv6 gateway must not have a better-known way: the longest prefix that holds it, the default
    /// route aside, has to leave by the same device (`ip6_route_check_nh_onlink`).
    fn leads_elsewhere(&self, via: IpAddr, dev: IfName) -> bool {
        let up = |dev: &IfName| self.state.links.get(dev).is_some_and(|l| l.up);
        let nets = self.state.addrs.keys().filter(|k| up(&k.dev)).map(|k| (k.net.trunc(), Some(k.dev)));
        let routes = self.state.routes.iter().filter(|(key, _)| key.table == table::MAIN);
        let routes = routes.flat_map(|(key, twins)| twins.iter().map(|r| (key.dst, self.leaves_by(&r.hops))));
        let known: Vec<_> =
            nets.chain(routes).filter(|(net, _)| net.contains(&via) && net.prefix_len() > 0).collect();
        let Some(longest) = known.iter().map(|(net, _)| net.prefix_len()).max() else { return false };
        !known.iter().any(|(net, by)| net.prefix_len() == longest && *by == Some(dev))
    }

    fn leaves_by(&self, hops: &Hops) -> Option<IfName> {
        match hops {
            Hops::Object(id) => self.state.nexthops.get(id).and_then(|n| n.hop.dev),
            other => super::super::devices(other).next(),
        }
    }

    pub(super) fn set_nexthop(&mut self, id: u32, via: IpAddr, dev: IfName) -> Answer {
        let hop = self.hop(&Hop::onlink(via, dev))?;
        let used6 =
            self.state.routes.iter().any(|(key, twins)| {
                key.dst.addr().is_ipv6() && twins.iter().any(|r| r.hops == Hops::Object(id))
            });
        if used6 && via.is_ipv4() {
            return Err(Errno::EINVAL);
        }
        let row = Nexthop { proto: proto::FLANCTL, hop, blackhole: false, group: Vec::new(), fdb: false };
        self.state.nexthops.insert(id, row);
        Ok(())
    }

    pub(super) fn del_nexthop(&mut self, id: u32) -> Answer {
        self.state.nexthops.remove(&id).ok_or(Errno::ENOENT)?;
        self.drop_routes(|_, route| route.hops == Hops::Object(id));
        Ok(())
    }

    /// Removes nexthop objects, and the routes through them.
    pub(super) fn drop_nexthops(&mut self, gone: impl Fn(&Hop) -> bool) {
        let ids = self.state.nexthops.iter().filter(|(_, n)| gone(&n.hop)).map(|(id, _)| *id);
        for id in ids.collect::<Vec<_>>() {
            // It is there: it was just seen.
            let _ = self.del_nexthop(id);
        }
    }

    /// Removes routes.
    pub(super) fn drop_routes(&mut self, gone: impl Fn(&RouteKey, &Route) -> bool) {
        self.state.routes.retain(|key, twins| {
            twins.retain(|route| !gone(key, route));
            !twins.is_empty()
        });
    }

    pub(super) fn set_route(&mut self, mut key: RouteKey, route: &Route) -> Answer {
        let v6 = key.dst.addr().is_ipv6();
        if v6 && key.metric == 0 {
            key.metric = METRIC6;
        }
        let hops = match &route.hops {
            Hops::None => Hops::None,
            Hops::One(hop) => Hops::One(self.hop(hop)?),
            Hops::Object(id) => {
                let object = self.state.nexthops.get(id).ok_or(Errno::EINVAL)?;
                if v6 && object.hop.via.is_some_and(|via| via.is_ipv4()) {
                    return Err(Errno::EINVAL);
                }
                Hops::Object(*id)
            }
            Hops::Multi(legs) => {
                let legs: Result<Vec<_>, _> = legs.iter().map(|(h, w)| Ok((self.hop(h)?, *w))).collect();
                Hops::Multi(legs?)
            }
        };
        if route.src.is_some_and(|src| self.state.owner_of(src).is_none()) {
            return Err(Errno::EINVAL);
        }
        let row = Route { hops, ..route.clone() };
        let twins = self.state.routes.entry(key).or_default();
        match twins.first_mut() {
            Some(first) => *first = row,
            None => twins.push(row),
        }
        Ok(())
    }

    pub(super) fn del_route(&mut self, key: &RouteKey, route: &Route) -> Answer {
        let v6 = key.dst.addr().is_ipv6();
        let any_metric = key.metric == 0;
        // A device that is not there has no number to ask with.
        if let Hops::One(hop) = &route.hops
            && let Some(dev) = hop.dev
        {
            self.link(dev)?;
        }
        let place = self.state.routes.iter().find_map(|(k, twins)| {
            let same = (k.table, k.dst, k.tos) == (key.table, key.dst, key.tos);
            let at = twins.iter().position(|row| matches(row, route, v6));
            at.filter(|_| same && (any_metric || k.metric == key.metric)).map(|at| (*k, at))
        });
        let (key, at) = place.ok_or(Errno::ESRCH)?;
        if let Some(twins) = self.state.routes.get_mut(&key) {
            twins.remove(at);
            if twins.is_empty() {
                self.state.routes.remove(&key);
            }
        }
        Ok(())
    }
}

/// Whether a delete means this row (`fib_table_delete`, `ip6_route_del`). IPv6 does not look at type and source.
fn matches(row: &Route, asked: &Route, v6: bool) -> bool {
    let hops = match (&row.hops, &asked.hops) {
        (Hops::Object(have), Hops::Object(want)) => have == want,
        (Hops::Object(_), Hops::None) | (Hops::None, Hops::None) => true,
        (Hops::Object(_), _) => v6,
        (_, Hops::None) => true,
        (Hops::One(have), Hops::One(want)) => {
            want.dev.is_none_or(|d| Some(d) == have.dev) && want.via.is_none_or(|v| Some(v) == have.via)
        }
        (have, want) => have == want,
    };
    let kind = row.kind == asked.kind || (v6 && asked.kind == RouteKind::Unicast);
    let source = v6 || asked.src.is_none() || row.src == asked.src;
    hops && kind && source && row.proto == asked.proto && (v6 || row.scope == asked.scope)
}

fn unreachable_to(via: IpAddr) -> Errno {
    if via.is_ipv4() { Errno::ENETUNREACH } else { Errno::EHOSTUNREACH }
}
