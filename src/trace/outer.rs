//! The outer packet: its route, its size, its neighbour, and who owns the address it goes to.

use std::net::IpAddr;

use super::arrive::Outer;
use super::unpack::{Kind, Parcel};
use super::words::{answer_words, first, words};
use super::{Verdict, Walk};
use crate::finding::repair::{Obstacle, PeerRows};
use crate::finding::{lease, outer};
use crate::net::IfName;
use crate::overlay::vxlan::{OVERHEAD_V4, OVERHEAD_V6};
use crate::state::RouteKind;
use crate::state::fib::{Answer, Flow, Leg, lookup};

/// IP protocol number of UDP.
const UDP: u8 = 17;

/// What a tunnel makes of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wrap<'a> {
    /// The tunnel device.
    pub dev: IfName,
    /// Its MTU.
    pub mtu: u32,
    /// Who is at the other end, for people.
    pub peer: &'a str,
    /// Outer source; `None` where the outer route chooses it.
    pub from: Option<IpAddr>,
    /// Outer destination.
    pub to: IpAddr,
    /// Outer IP protocol.
    pub proto: u8,
    /// Outer destination port, where the protocol has ports.
    pub port: Option<u16>,
    /// Bytes that it adds.
    pub overhead: u32,
    /// Firewall mark of outer packets.
    pub mark: u32,
    /// The device that outer packets have to leave by, if that is known.
    pub bound: Option<IfName>,
    /// Which kind of tunnel takes it at the other end; `None` for one of flannel's own VXLAN devices.
    pub kind: Option<Kind>,
}

impl Walk<'_> {
    /// The tunnel's packet to the peer.
    pub(super) fn encapsulated(&mut self, peer: &PeerRows) {
        self.one_owner(peer);
        if self.end.is_some() {
            return;
        }
        let link = self.node.state.links.get(&peer.dev);
        let Some((mtu, vxlan)) = link.and_then(|link| Some((link.mtu, link.vxlan()?))) else { return };
        self.carry(&Wrap {
            dev: peer.dev,
            mtu,
            peer: &peer.node,
            from: vxlan.local,
            to: peer.public,
            proto: UDP,
            port: Some(vxlan.port),
            overhead: if peer.public.is_ipv6() { OVERHEAD_V6 } else { OVERHEAD_V4 },
            mark: self.query.mark,
            bound: self.node.uplink_to(vxlan, peer.public),
            kind: None,
        });
    }

    /// Route, firewall, size and underlay of a tunnel's packet.
    pub(super) fn carry(&mut self, wrap: &Wrap<'_>) {
        let to = wrap.to;
        let state = &self.node.state;
        let flow =
            Flow { src: wrap.from, proto: wrap.proto, dport: wrap.port, mark: wrap.mark, ..Flow::to(to) };
        let found = lookup(state, &flow);
        let by = |text: String| Obstacle::Route(text);
        let (key, place, src) = match &found.answer {
            Answer::Route { key, place, src, .. } if found.refusal(state).is_none() => (key, *place, *src),
            Answer::Route { .. } | Answer::Refused(_) => {
                let text = answer_words(state, &found);
                let obstacle = match &found.answer {
                    Answer::Refused(_) => self.rule_of(&found),
                    _ => by(text.clone()),
                };
                let finding = outer::no_route(self.host(), wrap.peer, to, Some(&obstacle), None);
                return self.fail("outer", text, finding, Verdict::Dropped);
            }
            _ => {
                let repair = state.on_link(to, wrap.dev).map(|held| held.link_route());
                let finding = outer::no_route(self.host(), wrap.peer, to, None, repair);
                return self.fail("outer", answer_words(state, &found), finding, Verdict::Dropped);
            }
        };
        let text = words(state, key, place);
        let kind = state.routes.get(key).and_then(|twins| twins.get(place)).map(|route| route.kind);
        if kind == Some(RouteKind::Local) {
            let held = state.addrs.keys().find(|held| held.net.addr() == to);
            let obstacle = held
                .map_or_else(|| by(text.clone()), |held| Obstacle::Address { net: held.net, dev: held.dev });
            let finding = outer::local(self.host(), wrap.peer, to, &obstacle);
            return self.fail("outer", text, finding, Verdict::Misdelivered);
        }
        let Some(leg) = first(&found.answer) else { return };
        if self.misled(wrap, leg, &text) {
            return;
        }
        let dev = leg.hop.dev.map(|dev| format!(" dev {dev}")).unwrap_or_default();
        let command = format!("ip route get {to}");
        let what = match wrap.port {
            Some(port) => format!("udp {port}"),
            None => super::kinds::protocol(wrap.proto).to_owned(),
        };
        self.pass("outer", format!("{to}{dev} {what}"), command).more = vec![text];
        let from = wrap.from.or(leg.src).or(src);
        match wrap.port {
            Some(port) => self.outer_firewall(from, to, port, leg.hop.dev),
            None => self.outer_pair(from, to, wrap.proto, leg.hop.dev),
        }
        if self.end.is_none() {
            self.underlay(to, wrap.peer, leg, Some((wrap.dev, wrap.mtu, wrap.overhead)));
        }
        let size = self.query.size.saturating_add(wrap.overhead);
        let outer = Outer { from, to, proto: wrap.proto, port: wrap.port, size };
        self.parcel = wrap.kind.map(|kind| Parcel { outer, kind });
    }

    /// True if the outer packet leaves by a device that it must not leave by, which ends it.
    fn misled(&mut self, wrap: &Wrap<'_>, leg: Leg, text: &str) -> bool {
        let to = wrap.to;
        let by = Obstacle::Route(text.to_owned());
        if leg.hop.dev == Some(wrap.dev) {
            let finding = outer::looped(self.host(), wrap.peer, to, wrap.dev, &by);
            self.fail("outer", text, finding, Verdict::Looped);
            return true;
        }
        let Some((have, want)) = leg.hop.dev.zip(wrap.bound).filter(|(have, want)| have != want) else {
            return false;
        };
        let near = self.node.state.on_link(to, wrap.dev).filter(|held| held.dev == want);
        let repair = near.map(|held| held.link_route());
        let finding = outer::wrong_device(self.host(), wrap.peer, to, (have, want), &by, repair);
        self.fail("outer", text, finding, Verdict::Dropped);
        true
    }

    /// The device and the neighbour on the underlay; `tunnel` is what has to fit, its MTU, and what it
    /// adds.
    pub(super) fn underlay(&mut self, to: IpAddr, peer: &str, leg: Leg, tunnel: Option<(IfName, u32, u32)>) {
        let Some(dev) = leg.hop.dev else { return };
        let link = self.node.state.links.get(&dev).map(|link| (link.up, link.lower_up, link.mtu));
        let (up, lower_up, room) = link.unwrap_or((true, true, u32::MAX));
        if !up || !lower_up {
            let finding = outer::down(self.host(), dev, up);
            return self.fail("underlay", finding.cause.clone(), finding, Verdict::Dropped);
        }
        if let Some(tunnel) = tunnel {
            self.fits(tunnel, (dev, room));
            if self.end.is_some() {
                return;
            }
        }
        self.neighbour_of("underlay", leg.hop.via.unwrap_or(to), dev, peer);
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
