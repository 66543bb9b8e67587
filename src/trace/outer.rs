//! The outer packet: its route, its size, its neighbour, and who owns the address it goes to.

use std::net::IpAddr;

use super::words::{answer_words, first, words};
use super::{Verdict, Walk};
use crate::finding::repair::{Obstacle, PeerRows};
use crate::finding::{lease, mtu, outer};
use crate::net::IfName;
use crate::overlay::vxlan::{OVERHEAD_V4, OVERHEAD_V6};
use crate::state::RouteKind;
use crate::state::fib::{Answer, Flow, Leg, lookup};

/// IP protocol number of UDP.
const UDP: u8 = 17;

impl Walk<'_> {
    /// The tunnel's packet to the peer.
    pub(super) fn encapsulated(&mut self, peer: &PeerRows) {
        self.one_owner(peer);
        if self.end.is_some() {
            return;
        }
        let link = self.node.state.links.get(&peer.dev);
        let Some((tunnel_mtu, vxlan)) = link.and_then(|link| Some((link.mtu, link.vxlan()?))) else { return };
        let (port, local) = (vxlan.port, vxlan.local);
        let to = peer.public;
        let state = &self.node.state;
        let flow = Flow { src: local, proto: UDP, dport: Some(port), ..Flow::to(to) };
        let found = lookup(state, &flow);
        let by = |text: String| Obstacle::Route(text);
        let (key, place) = match &found.answer {
            Answer::Route { key, place, .. } if found.refusal(state).is_none() => (key, *place),
            Answer::Route { .. } | Answer::Refused(_) => {
                let text = answer_words(state, &found);
                let finding = outer::no_route(self.host(), &peer.node, to, Some(&by(text.clone())), None);
                return self.fail("outer", text, finding, Verdict::Dropped);
            }
            _ => {
                let near = state.addrs.keys().find(|held| held.dev != peer.dev && held.net.contains(&to));
                let repair = near.map(|held| {
                    format!("ip route replace {} dev {} src {}", held.net.trunc(), held.dev, held.net.addr())
                });
                let finding = outer::no_route(self.host(), &peer.node, to, None, repair);
                return self.fail("outer", answer_words(state, &found), finding, Verdict::Dropped);
            }
        };
        let text = words(state, key, place);
        let kind = state.routes.get(key).and_then(|twins| twins.get(place)).map(|route| route.kind);
        if kind == Some(RouteKind::Local) {
            let held = state.addrs.keys().find(|held| held.net.addr() == to);
            let obstacle = held
                .map_or_else(|| by(text.clone()), |held| Obstacle::Address { net: held.net, dev: held.dev });
            let finding = outer::local(self.host(), &peer.node, to, &obstacle);
            return self.fail("outer", text, finding, Verdict::Misdelivered);
        }
        let Some(leg) = first(&found.answer) else { return };
        if leg.hop.dev == Some(peer.dev) {
            let finding = outer::looped(self.host(), &peer.node, to, peer.dev, &by(text.clone()));
            return self.fail("outer", text, finding, Verdict::Looped);
        }
        let bound = self.node.uplink.as_ref().map(|uplink| uplink.dev);
        if let (Some(have), Some(want)) = (leg.hop.dev, bound.filter(|want| leg.hop.dev != Some(*want))) {
            let finding = outer::wrong_device(self.host(), &peer.node, to, (have, want), &by(text.clone()));
            return self.fail("outer", text, finding, Verdict::Dropped);
        }
        let dev = leg.hop.dev.map(|dev| format!(" dev {dev}")).unwrap_or_default();
        let command = format!("ip route get {to}");
        self.pass("outer", format!("{to}{dev} udp {port}"), command).more = vec![text];
        self.outer_firewall(local, to, port, leg.hop.dev);
        if self.end.is_none() {
            self.underlay(to, &peer.node, leg, Some((peer.dev, tunnel_mtu)));
        }
    }

    /// The device and the neighbour on the underlay; `tunnel` is what has to fit, and its MTU.
    pub(super) fn underlay(&mut self, to: IpAddr, peer: &str, leg: Leg, tunnel: Option<(IfName, u32)>) {
        let Some(dev) = leg.hop.dev else { return };
        let link = self.node.state.links.get(&dev).map(|link| (link.up, link.lower_up, link.mtu));
        let (up, lower_up, room) = link.unwrap_or((true, true, u32::MAX));
        if !up || !lower_up {
            let finding = outer::down(self.host(), dev, up);
            return self.fail("underlay", format!("{dev} is down"), finding, Verdict::Dropped);
        }
        if let Some((tunnel, mtu)) = tunnel {
            self.fits((tunnel, mtu), to.is_ipv6(), (dev, room));
            if self.end.is_some() {
                return;
            }
        }
        self.neighbour_of("underlay", leg.hop.via.unwrap_or(to), dev, peer);
    }

    /// The packet in the tunnel, and the tunnel in the underlay.
    fn fits(&mut self, (tunnel, mtu): (IfName, u32), v6: bool, (dev, room): (IfName, u32)) {
        let overhead = if v6 { OVERHEAD_V6 } else { OVERHEAD_V4 };
        let size = self.query.size;
        let command = format!("ip link show {tunnel}; ip link show {dev}");
        if mtu.saturating_add(overhead) > room {
            let by = dev.to_string();
            let what = mtu::Outer { tunnel, mtu, overhead, by: &by, room };
            let finding = mtu::outer(self.host(), what);
            if size.saturating_add(overhead) > room {
                return self.fail(
                    "mtu",
                    format!("{size} + {overhead} > {dev} {room}"),
                    finding,
                    Verdict::Dropped,
                );
            }
            self.findings.push(finding);
        }
        if size > mtu {
            let told = format!("fragmentation needed, mtu {mtu}, if it must not be fragmented");
            self.pass("mtu", format!("{size} > {tunnel} {mtu}: {told}"), command);
            return;
        }
        self.pass("mtu", format!("{size} <= {tunnel} {mtu}, {mtu} + {overhead} <= {dev} {room}"), command);
    }

    /// Two leases with one public address: whichever node answers there gets the packets of both.
    fn one_owner(&mut self, peer: &PeerRows) {
        let same = self.promised.peers.iter().filter(|one| one.public == peer.public);
        let mut owners: Vec<String> = same.map(|one| one.node.clone()).collect();
        owners.sort();
        owners.dedup();
        if owners.len() > 1 {
            let finding = lease::duplicate(self.host(), peer.public, &owners);
            let cause = finding.cause.clone();
            self.fail("lease", cause, finding, Verdict::Misdelivered);
        }
    }
}
