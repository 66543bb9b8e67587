//! The tunnel device, and what it knows of the peer: neighbour and forwarding entry.

use std::net::IpAddr;

use super::remotes::{Remotes, remotes};
use super::{Mark, Verdict, Walk};
use crate::finding::repair::{Device, PeerRows};
use crate::finding::{Finding, fdb, manager, neigh, outer, vtep};
use crate::readings::{neigh_state, wanted_device};
use crate::state::{FdbKey, Link, NeighKey, RouteKey, State, nud, table};

impl Walk<'_> {
    /// What is wrong with the device takes its rows along: it is looked at before them.
    pub(super) fn device(&mut self, peer: &PeerRows) {
        let v6 = peer.net.addr().is_ipv6();
        let host = self.node.host.as_str();
        let peers: Vec<PeerRows> =
            self.promised.peers.iter().filter(|one| one.net.addr().is_ipv6() == v6).cloned().collect();
        let want = wanted_device(&self.sight, v6);
        let state = &self.node.state;
        let Some(link) = state.links.get(&peer.dev) else {
            let Some(want) = want else { return };
            let finding = vtep::missing(host, &with_uplink(want.clone(), self.node), &peers);
            let finding = rival(host, state, &want, finding);
            return self.fail("vtep", format!("no device {}", peer.dev), finding, Verdict::Dropped);
        };
        let lower = link.vxlan().and_then(|vxlan| vxlan.lower);
        if let Some((dev, below)) = lower.and_then(|dev| Some((dev, state.links.get(&dev)?)))
            && (!below.up || !below.lower_up)
        {
            let finding = outer::down(host, dev, below.up);
            return self.fail("outer", finding.cause.clone(), finding, Verdict::Dropped);
        }
        let Some(want) = want.map(|want| with_uplink(want, self.node)) else { return };
        let addr = want.addr.filter(|net| !v6 && !state.addrs_of(peer.dev).any(|(held, _)| held == *net));
        let finding = if !link.up {
            Some(vtep::down(host, &want, &peers))
        } else {
            differs(host, &want, link, &peers)
                // IPv4 addresses outlive a device that goes down; without its last one it loses its rows all the same.
                .or_else(|| addr.map(|net| vtep::addr(host, &want, net, &peers)))
                .or_else(|| bounced(state, &peers).then(|| vtep::bounced(host, &want, &peers)))
        };
        if link.up && link.vxlan().is_some_and(|vxlan| vxlan.gbp != want.gbp) {
            let finding = vtep::gbp(host, &want, &peers);
            self.findings.push(finding);
        }
        // A DHCP client or a network manager that gave it an address takes its routes next.
        let foreign = state.addrs_of(peer.dev).map(|(net, _)| net).find(|net| {
            Some(*net) != want.addr && !matches!(net.addr(), IpAddr::V6(ip) if ip.is_unicast_link_local())
        });
        if let Some(net) = foreign.filter(|_| finding.is_none()) {
            self.findings.push(vtep::foreign_addr(host, peer.dev, net));
        }
        if let Some(finding) = finding {
            let cause = finding.cause.clone();
            self.fail("vtep", cause, finding, Verdict::Dropped);
        }
    }

    /// Neighbour, forwarding entry, and on to the outer packet.
    pub(super) fn through(&mut self, peer: &PeerRows) {
        self.neighbour(peer);
        if self.end.is_none() {
            self.forwarding(peer);
        }
        if self.end.is_none() {
            self.encapsulated(peer);
        }
    }

    fn neighbour(&mut self, peer: &PeerRows) {
        let (dev, via) = (peer.dev, peer.gateway());
        let have = self.node.state.neighs.get(&NeighKey { dev, ip: via }).copied();
        let Some(have) = have else {
            let finding = neigh::missing(self.host(), peer);
            return self.fail("neighbour", format!("{via} dev {dev}: no entry"), finding, Verdict::Dropped);
        };
        let state = neigh_state(have.state);
        let object = match have.mac {
            Some(mac) => format!("{via} = {mac} {state}"),
            None => format!("{via} {state}"),
        };
        // An entry that never resolved was made by the packets that died of the missing one.
        let unresolved = have.state & (nud::FAILED | nud::INCOMPLETE) != 0;
        let finding = match have.mac {
            _ if unresolved => {
                Some(neigh::missing(self.host(), peer).evidence(format!("{via} dev {dev} {state}")))
            }
            None => Some(neigh::failed(self.host(), peer, &state)),
            Some(mac) if mac != peer.mac => Some(neigh::wrong(self.host(), peer, mac)),
            Some(_) => None,
        };
        if let Some(finding) = finding {
            return self.fail("neighbour", object, finding, Verdict::Dropped);
        }
        if !have.permanent() {
            let finding = neigh::not_permanent(self.host(), peer, &state);
            self.findings.push(finding);
        }
        let lease = format!("lease {} agrees", peer.node);
        self.pass("neighbour", object, format!("ip neigh show {via} dev {dev}")).lease = Some(lease);
    }

    fn forwarding(&mut self, peer: &PeerRows) {
        let (dev, mac) = (peer.dev, peer.mac);
        let table = &self.node.state.fdb;
        let entry = table.get(&FdbKey { dev, mac, vlan: 0, master: false });
        let command = format!("bridge fdb get {mac} dev {dev} self");
        if self.node.state.links.get(&dev).and_then(Link::vxlan).is_some_and(|v| v.learning)
            && self.sight.conf.is_some_and(|_| wanted_device(&self.sight, false).is_some_and(|w| !w.learning))
        {
            let finding = fdb::learned(self.host(), dev);
            self.findings.push(finding);
        }
        let found = remotes(&self.node.state, dev, mac);
        let Some(entry) = entry else {
            let all: Vec<_> = found.to.iter().map(|remote| remote.ip).collect();
            if all.is_empty() {
                let finding = fdb::missing(self.host(), peer);
                return self.fail("fdb", found.line(mac), finding, Verdict::Dropped);
            }
            let finding = fdb::flood(self.host(), peer, &all);
            if all.contains(&peer.public) {
                self.step("fdb", Mark::Ok, found.line(mac), command).more = found.each();
                return self.findings.push(finding);
            }
            return self.fail("fdb", found.line(mac), finding, Verdict::Dropped);
        };
        if let Some(id) = entry.nhid {
            return self.grouped(peer, id, &found);
        }
        let beside = entry.port.map(|port| format!("port {port}"));
        let beside = beside.or_else(|| entry.vni.map(|vni| format!("vni {vni}")));
        if let (Some(dst), Some(beside)) = (entry.dst, beside) {
            let finding = fdb::beside(self.host(), peer, dst, &beside);
            return self.fail("fdb", format!("{mac} -> {dst} {beside}"), finding, Verdict::Dropped);
        }
        match entry.dst {
            Some(dst) if dst == peer.public => {
                let lease = format!("lease {} agrees", peer.node);
                self.pass("fdb", format!("{mac} -> {dst}"), command).lease = Some(lease);
            }
            Some(dst) => {
                let finding = fdb::wrong(self.host(), peer, dst);
                self.fail("fdb", format!("{mac} -> {dst}"), finding, Verdict::Dropped);
            }
            None => {
                let finding = fdb::missing(self.host(), peer);
                self.fail("fdb", format!("{mac} has no remote"), finding, Verdict::Dropped);
            }
        }
    }

    /// An entry that names a nexthop group: each flow goes to one of its members, so that each of them must be the peer.
    fn grouped(&mut self, peer: &PeerRows, id: u32, found: &Remotes) {
        let object = found.line(peer.mac);
        let command = format!("ip nexthop show id {id}");
        let Some(stray) = found.to.iter().find(|remote| remote.ip != peer.public) else {
            if found.to.is_empty() {
                let finding = fdb::missing(self.host(), peer)
                    .evidence(format!("nexthop group {id} is empty, or not there"));
                return self.fail("fdb", object, finding, Verdict::Dropped);
            }
            self.step("fdb", Mark::Ok, object, command).lease = Some(format!("lease {} agrees", peer.node));
            return;
        };
        let all: Vec<String> = found.to.iter().map(|remote| remote.ip.to_string()).collect();
        let finding = fdb::wrong(self.host(), peer, stray.ip)
            .evidence(format!("nexthop group {id}: {}", all.join(", ")));
        self.fail("fdb", object, finding, Verdict::Dropped);
        if let Some(step) = self.steps.last_mut() {
            step.more = found.each();
        }
    }
}

/// The first attribute of the device that is not as config and own lease ask.
fn differs(host: &str, want: &Device, link: &Link, peers: &[PeerRows]) -> Option<Finding> {
    let vxlan = link.vxlan()?;
    if vxlan.vni != want.vni {
        return Some(vtep::vni(host, want, vxlan.vni, peers));
    }
    if vxlan.port != want.port {
        return Some(vtep::port(host, want, vxlan.port, peers));
    }
    if want.local.is_some() && vxlan.local != want.local {
        return Some(vtep::local(host, want, vxlan.local, peers));
    }
    let (have, lease) = (link.mac?, want.mac?);
    (have != lease).then(|| vtep::mac(host, want, have, lease, peers))
}

/// A device that is missing cannot be made beside another one with its port and VNI: that one is what is wrong then.
fn rival(host: &str, state: &State, want: &Device, missing: Finding) -> Finding {
    let meets =
        |link: &Link| link.vxlan().is_some_and(|vxlan| (vxlan.port, vxlan.vni) == (want.port, want.vni));
    let v6 = |link: &Link| link.vxlan().and_then(|vxlan| vxlan.local).is_some_and(|ip| ip.is_ipv6());
    let six = want.local.is_some_and(|ip| ip.is_ipv6());
    let Some((name, _)) = state.links.iter().find(|(_, link)| meets(link) && v6(link) == six) else {
        return missing;
    };
    let evidence = format!("{name}: vxlan id {} dstport {}", want.vni, want.port);
    let again = missing.fix.as_ref().map(|fix| fix.command.as_str());
    manager::rival_device(host, want.dev.as_str(), name.as_str(), &evidence, again)
}

/// The signature of a device that was down: every forwarding entry stands, no route and no neighbour does.
fn bounced(state: &State, peers: &[PeerRows]) -> bool {
    let mut behind = peers.iter().filter(|peer| !peer.direct).peekable();
    let has_route = |peer: &PeerRows| {
        let key = RouteKey { table: table::MAIN, dst: peer.net, tos: 0, metric: metric(peer) };
        state.routes.contains_key(&key)
    };
    behind.peek().is_some()
        && behind.all(|peer| {
            let (dev, mac) = (peer.dev, peer.mac);
            let neigh = state.neighs.get(&NeighKey { dev, ip: peer.gateway() });
            state.fdb.contains_key(&FdbKey { dev, mac, vlan: 0, master: false })
                && neigh.is_none_or(|neigh| !neigh.permanent())
                && !has_route(peer)
        })
}

/// The kernel gives IPv6 routes a metric of their own.
fn metric(peer: &PeerRows) -> u32 {
    if peer.net.addr().is_ipv6() { 1024 } else { 0 }
}

/// What a device says of its uplink may be what is wrong with it: the agent knows better.
pub(super) fn with_uplink(mut want: Device, node: &crate::snapshot::Snapshot) -> Device {
    if let Some(uplink) = &node.uplink {
        want.lower = Some(uplink.dev);
        let v6 = want.addr.is_some_and(|net| net.addr().is_ipv6());
        want.local = if v6 { uplink.v6.map(Into::into) } else { uplink.v4.map(Into::into) };
    }
    want
}
