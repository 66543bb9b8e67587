//! Devices and addresses, and what goes with them (drivers/net/vxlan/vxlan_core.c, net/ipv4/devinet.c,
//! net/ipv4/fib_frontend.c).

use std::net::IpAddr;

use ipnet::IpNet;
use nix::errno::Errno;

use super::{Answer, Replay, vxlan_is_v6};
use crate::net::{IfName, Mac};
use crate::state::{Addr, AddrKey, Encap, Hops, Link, LinkKind, Vxlan, WantLink};

/// Outer IP, UDP, VXLAN and Ethernet headers.
fn overhead(vxlan: &Vxlan) -> u32 {
    if vxlan_is_v6(vxlan) { 70 } else { 50 }
}

impl Replay {
    pub(super) fn link(&mut self, dev: IfName) -> Result<&mut Link, Errno> {
        self.state.links.get_mut(&dev).ok_or(Errno::ENODEV)
    }

    /// The largest MTU that the lower device leaves room for.
    fn room(&self, vxlan: &Vxlan) -> Option<u32> {
        let lower = self.state.links.get(&vxlan.lower?)?;
        Some(lower.mtu.saturating_sub(overhead(vxlan)))
    }

    pub(super) fn add_link(&mut self, dev: IfName, want: &WantLink) -> Answer {
        if want.vxlan.lower.is_some_and(|lower| !self.state.links.contains_key(&lower)) {
            return Err(Errno::ENODEV);
        }
        if self.state.links.contains_key(&dev) {
            return Err(Errno::EEXIST);
        }
        if want.mac.is_zero() || want.mac.is_multicast() {
            return Err(Errno::EADDRNOTAVAIL);
        }
        self.taken(dev, &want.vxlan)?;
        // On creation the MTU is cut down without a word (`vxlan_config_apply`).
        let mtu = self.room(&want.vxlan).map_or(want.mtu, |room| want.mtu.min(room));
        let index = self.state.links.values().map(|l| l.index).max().unwrap_or(0) + 1;
        let kind = LinkKind::Vxlan(want.vxlan.clone());
        let link = Link {
            index,
            mac: Some(want.mac),
            mtu,
            up: false,
            lower_up: false,
            kind,
            encap: Some(Encap::default()),
            ..Link::default()
        };
        self.state.links.insert(dev, link);
        Ok(())
    }

    /// One VNI stands once on a port and family (`vxlan_config_validate`).
    fn taken(&self, dev: IfName, vxlan: &Vxlan) -> Answer {
        let twin = self.state.links.iter().filter(|(name, _)| **name != dev).filter_map(|(_, l)| l.vxlan());
        let taken = twin
            .into_iter()
            .any(|v| v.vni == vxlan.vni && v.port == vxlan.port && vxlan_is_v6(v) == vxlan_is_v6(vxlan));
        if taken { Err(Errno::EEXIST) } else { Ok(()) }
    }

    /// Tunnels that are up share the socket of a port, if they read packets alike (`vxlan_find_sock`).
    pub(super) fn set_up(&mut self, dev: IfName) -> Answer {
        let link = self.link(dev)?;
        if let (false, LinkKind::Vxlan(vxlan)) = (link.up, link.kind.clone()) {
            let mut open = self.state.links.values().filter(|l| l.up).filter_map(Link::vxlan);
            let socket = |v: &Vxlan| (v.port, vxlan_is_v6(v));
            if open.any(|v| socket(v) == socket(&vxlan) && v.gbp != vxlan.gbp) {
                return Err(Errno::EADDRINUSE);
            }
        }
        let link = self.link(dev)?;
        (link.up, link.lower_up) = (true, true);
        Ok(())
    }

    pub(super) fn set_vxlan(&mut self, dev: IfName, want: &WantLink) -> Answer {
        if want.vxlan.lower.is_some_and(|lower| !self.state.links.contains_key(&lower)) {
            return Err(Errno::ENODEV);
        }
        let link = self.link(dev)?;
        let LinkKind::Vxlan(have) = &mut link.kind else { return Err(Errno::EOPNOTSUPP) };
        let family = want.vxlan.local.is_some_and(|ip| ip.is_ipv6() != vxlan_is_v6(have));
        if have.vni != want.vxlan.vni || family {
            return Err(Errno::EOPNOTSUPP);
        }
        let Vxlan { local, lower, learning, ttl, .. } = &want.vxlan;
        have.local = local.or(have.local);
        // Index 0 is not "none": the lower device stays (`vxlan_config_apply`).
        have.lower = lower.or(have.lower);
        (have.learning, have.ttl) = (*learning, *ttl);
        // The room is that of the device as it now stands: what is not named keeps its value, its family too.
        let device = have.clone();
        let room = self.room(&device).unwrap_or(u32::MAX);
        let link = self.link(dev)?;
        link.mtu = link.mtu.min(room);
        Ok(())
    }

    /// Takes every neighbour along, also if the address stays the same (`neigh_changeaddr`).
    pub(super) fn set_mac(&mut self, dev: IfName, mac: Mac) -> Answer {
        let link = self.link(dev)?;
        if mac.is_zero() || mac.is_multicast() {
            return Err(Errno::EADDRNOTAVAIL);
        }
        link.mac = Some(mac);
        self.state.neighs.retain(|key, _| key.dev != dev);
        Ok(())
    }

    /// Above the lower device's room it is refused, not cut (`vxlan_change_mtu`).
    pub(super) fn set_mtu(&mut self, dev: IfName, mtu: u32) -> Answer {
        let room = self.link(dev)?.vxlan().cloned().and_then(|vxlan| self.room(&vxlan));
        if mtu < 68 || room.is_some_and(|room| mtu > room) {
            return Err(Errno::EINVAL);
        }
        self.link(dev)?.mtu = mtu;
        Ok(())
    }

    /// Takes everything that hangs on the device, and the tunnels that leave by it.
    pub(super) fn del_link(&mut self, dev: IfName) -> Answer {
        self.state.links.remove(&dev).ok_or(Errno::ENODEV)?;
        let lost: Vec<_> = self.state.addrs.keys().filter(|k| k.dev == dev).map(|k| k.net.addr()).collect();
        self.state.addrs.retain(|key, _| key.dev != dev);
        self.state.neighs.retain(|key, _| key.dev != dev);
        self.state.fdb.retain(|key, _| key.dev != dev);
        self.drop_nexthops(|hop| hop.dev == Some(dev));
        self.drop_routes(|_, route| super::super::devices(&route.hops).any(|d| d == dev));
        // IPv6 routes elsewhere keep a preferred source that went with a device (`addrconf_ifdown`).
        for ip in lost.into_iter().filter(IpAddr::is_ipv4) {
            self.source_lost(ip);
        }
        let above = self.state.links.iter();
        let above = above.filter(|(_, l)| l.vxlan().is_some_and(|v| v.lower == Some(dev))).map(|(n, _)| *n);
        for tunnel in above.collect::<Vec<_>>() {
            self.del_link(tunnel)?;
        }
        Ok(())
    }

    pub(super) fn add_addr(&mut self, key: AddrKey) -> Answer {
        self.link(key.dev)?;
        let same_dev = self.state.addrs.keys().filter(|k| k.dev == key.dev);
        let taken = same_dev.clone().any(|k| match key.net {
            IpNet::V4(_) => k.net == key.net,
            // IPv6 keys by address alone (`ipv6_add_addr`).
            IpNet::V6(_) => k.net.addr() == key.net.addr(),
        });
        if taken {
            return Err(Errno::EEXIST);
        }
        let second = key.net.addr().is_ipv4() && same_dev.clone().any(|k| k.net.trunc() == key.net.trunc());
        let flags = if second { Addr::TEMPORARY } else { 0 };
        let scope = if key.net.addr().is_loopback() { 254 } else { 0 };
        self.state.addrs.insert(key, Addr { scope, flags, peer: None, order: 0 });
        Ok(())
    }

    pub(super) fn del_addr(&mut self, key: AddrKey) -> Answer {
        let gone = self.state.addrs.remove(&key).ok_or(Errno::EADDRNOTAVAIL)?;
        let ip = key.net.addr();
        if ip.is_ipv6() {
            self.source6_lost(ip);
            return Ok(());
        }
        if gone.flags & Addr::TEMPORARY == 0 {
            // A primary address takes its secondaries along (`promote_secondaries` is off by default).
            let seconds = self.state.addrs.keys().copied();
            let seconds = seconds.filter(|k| k.dev == key.dev && k.net.trunc() == key.net.trunc());
            for second in seconds.collect::<Vec<_>>() {
                self.state.addrs.remove(&second);
                self.source_lost(second.net.addr());
            }
        }
        self.source_lost(ip);
        let dev = key.dev;
        if !self.state.addrs.keys().any(|k| k.dev == dev && k.net.addr().is_ipv4()) {
            // The last one: IPv4 is switched off on the device (`fib_disable_ip`). Routes through nexthop objects
            // stay; plain ones and every neighbour go.
            self.drop_routes(|key, route| {
                key.dst.addr().is_ipv4() && matches!(&route.hops, Hops::One(hop) if hop.dev == Some(dev))
            });
            self.state.neighs.retain(|k, _| k.dev != dev || k.ip.is_ipv6());
        }
        Ok(())
    }

    /// IPv4 routes that prefer a source which is no longer here go with it (`fib_sync_down_addr`).
    fn source_lost(&mut self, ip: IpAddr) {
        if self.state.owner_of(ip).is_none() {
            self.drop_routes(|_, route| route.src == Some(ip));
        }
    }

    /// IPv6 routes stay, without the source; those through a nexthop object keep even that
    /// (`fib6_remove_prefsrc`).
    fn source6_lost(&mut self, ip: IpAddr) {
        if self.state.owner_of(ip).is_some() {
            return;
        }
        for route in self.state.routes.values_mut().flatten().filter(|r| r.src == Some(ip)) {
            if !matches!(&route.hops, Hops::Object(_)) {
                route.src = None;
            }
        }
    }
}
