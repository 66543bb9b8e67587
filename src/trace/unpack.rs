//! Arrival through tunnels of other kinds than flannel's own VXLAN: which device takes the outer packet, and whether
//! it takes what is inside.

use super::arrive::{Outer, Wrapped};
use super::{Verdict, Walk};
use crate::finding::tunnel;
use crate::net::{IfName, Mac};
use crate::state::{IpTunnel, Link, LinkKind};

/// What wrapped a packet, for who unwraps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A VXLAN device of which no lease speaks: its name, its VNI, and the MAC inside.
    Vxlan { dev: IfName, vni: u32, mac: Mac },
    /// IP in IP.
    Ip,
    /// WireGuard.
    Wireguard,
    /// A process that reads a tun device.
    Process,
}

/// A packet around another one, as it leaves its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parcel {
    pub outer: Outer,
    pub kind: Kind,
}

impl Walk<'_> {
    /// Takes a tunnel's packet off the underlay, and goes on with what is in it.
    pub(super) fn unpack(&mut self, parcel: &Parcel) {
        let Parcel { outer, kind } = *parcel;
        let Outer { from, to, size, .. } = outer;
        if let (Kind::Vxlan { dev, vni, mac }, Some(port)) = (kind, outer.port) {
            return self.receive(&Wrapped { from, to, port, vni, mac, dev, size });
        }
        self.outer_arrival(&outer, None);
        if self.end.is_some() {
            return;
        }
        let dev = match kind {
            Kind::Ip | Kind::Vxlan { .. } => self.ip_device(&outer),
            Kind::Wireguard => self.wireguard_device(&outer),
            Kind::Process => self.process_device(),
        };
        if let Some(dev) = dev {
            self.enter(dev);
        }
    }

    /// The devices of a kind.
    fn of_kind(&self, kind: &str) -> Vec<(IfName, &Link)> {
        let is = |link: &Link| matches!(&link.kind, LinkKind::Other(name) if name == kind);
        self.node.state.links.iter().filter(|(_, link)| is(link)).map(|(dev, link)| (*dev, link)).collect()
    }

    /// The device that a packet of IP in IP is for (`ip_tunnel_lookup`): the one that names both ends before those that
    /// name one; those that are down do not count.
    fn ip_device(&mut self, outer: &Outer) -> Option<IfName> {
        let Outer { from, to, proto, .. } = *outer;
        let kind = match (to.is_ipv6(), proto) {
            (true, _) => "ip6tnl",
            (false, 4) => "ipip",
            (false, _) => "sit",
        };
        // Behind NAT the address that the sender uses is nobody's here.
        let here = self.node.state.owner_of(to).is_some();
        let fits = |tunnel: &IpTunnel| {
            tunnel.local.is_none_or(|local| local == to || !here)
                && tunnel.remote.is_none_or(|remote| Some(remote) == from)
        };
        let mut fit = self.of_kind(kind);
        fit.retain(|(_, link)| link.tunnel.as_deref().is_some_and(fits));
        let rank = |(_, link): &&(IfName, &Link)| {
            let tunnel = link.tunnel.as_deref();
            tunnel.map(|t| (t.remote.is_some(), t.local.is_some(), t.metadata))
        };
        let best = fit.iter().filter(|(_, link)| link.up).max_by_key(rank).copied();
        let down = fit.first().map(|(dev, _)| *dev);
        let by = from.map_or_else(String::new, |ip| format!(" from {ip}"));
        let Some((dev, link)) = best else {
            self.no_taker(
                down,
                &format!("{} packets{by}", outer.what()),
                &format!("ip -d link show type {kind}"),
            );
            return None;
        };
        let object = format!("{dev} takes {}{by}, mtu {}", outer.what(), link.mtu);
        self.pass("tunnel", object, format!("ip -d link show {dev}"));
        Some(dev)
    }

    /// The WireGuard device that listens on the port, if it lets the sender's packet in.
    fn wireguard_device(&mut self, outer: &Outer) -> Option<IfName> {
        let node = self.node;
        let all: Vec<(IfName, bool)> =
            self.of_kind("wireguard").into_iter().map(|(dev, link)| (dev, link.up)).collect();
        let read = &node.state.wireguard;
        let listens = |dev: IfName| read.get(&dev).is_some_and(|device| Some(device.port) == outer.port);
        let Some((dev, up)) = all.iter().find(|(dev, _)| listens(*dev)).copied() else {
            if let Some((dev, _)) = all.iter().find(|(dev, _)| !read.contains_key(dev)).copied() {
                let why = format!("the peers of {dev} could not be read: that needs root");
                self.unseen("tunnel", &why, &format!("wg show {dev}"));
                return Some(dev);
            }
            self.no_taker(None, &format!("WireGuard's packets to {}", outer.what()), "wg show");
            return None;
        };
        if !up {
            self.no_taker(Some(dev), "", "");
            return None;
        }
        let src = self.query.from;
        let from = src.and_then(|src| read.get(&dev)?.peer(src));
        if let (None, Some(src)) = (from, src) {
            let finding = tunnel::stranger(self.host(), dev, src);
            self.fail("tunnel", format!("no peer for {src}"), finding, Verdict::Dropped);
            return None;
        }
        let net = from.map_or_else(|| "anybody".to_owned(), |(net, _)| net.to_string());
        self.pass("tunnel", format!("{dev} takes it from its peer for {net}"), format!("wg show {dev}"));
        Some(dev)
    }

    /// The tun device into which a process writes what it was sent.
    fn process_device(&mut self) -> Option<IfName> {
        let node = self.node;
        let first = self.of_kind("tun").first().map(|(dev, link)| (*dev, link.lower_up));
        let Some((dev, read)) = first else {
            self.no_taker(None, "the udp backend's packets", "ip -d link show type tun");
            return None;
        };
        if !read {
            let finding = tunnel::unread(self.host(), dev);
            self.fail("tunnel", format!("no process reads {dev}"), finding, Verdict::Dropped);
            return None;
        }
        let command = format!("ip -d link show {dev}");
        match node.state.fact(&format!("tun:{dev}")) {
            Some(process) => {
                self.pass("tunnel", format!("{dev} written by {process}"), command);
            }
            None => {
                let why = format!("which process reads {dev} was not seen: that needs root");
                self.unseen("tunnel", &why, &command);
            }
        }
        Some(dev)
    }

    /// Nobody takes the outer packet: the device that would is `down`, or there is none.
    fn no_taker(&mut self, down: Option<IfName>, what: &str, see: &str) {
        let finding = match down {
            Some(dev) => tunnel::down(self.host(), dev),
            None => tunnel::missing(self.host(), what, see),
        };
        self.fail("tunnel", finding.cause.clone(), finding, Verdict::Dropped);
    }
}
