//! Arrival: a tunnel's packet comes off the underlay and out of the tunnel device, and what was in it goes on. The
//! same for the request on the far node and for the answer on the near one.

use std::net::IpAddr;

use super::kinds::protocol;
use super::{Exit, Query, Role, Verdict, Walk};
use crate::finding::filter::{At, Traffic};
use crate::finding::repair::{Device, PeerRows};
use crate::finding::{Finding, remote, route, vtep};
use crate::firewall::{AddrType, Ct, Hook, Packet};
use crate::net::{IfName, Mac};
use crate::readings::wanted_device;
use crate::state::fib::{Entry, Flow, input};
use crate::state::{Link, Vxlan};

/// IP protocol number of UDP.
const UDP: u8 = 17;

/// A tunnel's packet as its sender made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wrapped {
    /// Outer source, where it is known.
    pub from: Option<IpAddr>,
    /// Outer destination: the public address of the receiver, which its own may differ from.
    pub to: IpAddr,
    /// UDP port.
    pub port: u16,
    /// Network identifier.
    pub vni: u32,
    /// Inner destination: what the sender takes for the MAC of the receiver's device.
    pub mac: Mac,
    /// Name of the device that is to take it.
    pub dev: IfName,
    /// Bytes, the outer headers counted.
    pub size: u32,
}

/// The outside of a tunnel's packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outer {
    /// Source, where it is known.
    pub from: Option<IpAddr>,
    /// Destination: the public address of the receiver, which its own may differ from.
    pub to: IpAddr,
    /// IP protocol.
    pub proto: u8,
    /// UDP port.
    pub port: Option<u16>,
    /// Bytes, the outer headers counted.
    pub size: u32,
}

impl Outer {
    /// `udp 8472`, `ipip`.
    pub fn what(&self) -> String {
        self.port.map_or_else(|| protocol(self.proto).to_owned(), |port| format!("udp {port}"))
    }
}

impl Wrapped {
    fn outer(&self) -> Outer {
        let Self { from, to, port, size, .. } = *self;
        Outer { from, to, proto: UDP, port: Some(port), size }
    }
}

impl Walk<'_> {
    /// What `peer` gets of a packet that leaves this node through the tunnel to it.
    pub(super) fn wrapped(&self, peer: &PeerRows, overhead: u32) -> Option<Wrapped> {
        let vxlan = self.node.state.links.get(&peer.dev)?.vxlan()?;
        Some(Wrapped {
            from: vxlan.local,
            to: peer.public,
            port: vxlan.port,
            vni: vxlan.vni,
            mac: peer.mac,
            dev: peer.dev,
            size: self.query.size.saturating_add(overhead),
        })
    }

    /// Takes a tunnel's packet off the underlay, and goes on with what is in it.
    pub(super) fn receive(&mut self, outer: &Wrapped) {
        let local = self.tunnel_for(outer).and_then(|(.., vxlan)| vxlan.local);
        self.outer_arrival(&outer.outer(), local);
        if self.end.is_none() {
            self.unwrap_by_device(outer);
        }
        if self.end.is_none() {
            self.enter(self.tunnel_for(outer).map_or(outer.dev, |(dev, ..)| dev));
        }
    }

    /// A packet that comes in by a device: to a pod, to this node, or on.
    pub(super) fn enter(&mut self, dev: IfName) {
        self.query.iif = Some(dev);
        self.depart();
    }

    /// The answer's way, as far as it goes over this node: by the device that the packet left by, out of the pod that
    /// it went to, or from the node itself. `None` where the packet does not get so far.
    pub(super) fn back(&self) -> Option<Self> {
        let src = self.src.filter(|_| self.end.is_none())?;
        let Query { dst, sport, dport, .. } = self.query;
        let query = Query {
            dst: src,
            from: Some(dst),
            iif: None,
            sport: dport,
            dport: sport,
            mark: 0,
            pod: None,
            ..self.query.clone()
        };
        let mut walk = self.again(query, Role { prefix: "back-", reply: true, ..self.role });
        match self.exit.as_ref()? {
            Exit::Tunnel(peer) => walk.receive(&self.answer_of(peer)?),
            Exit::Wire(dev) => walk.enter(*dev),
            Exit::Pod(place) => walk.leave_pod(*place),
            // Who sends to itself has the answer already, unless a rule has something against answers.
            Exit::Here if self.node.state.owner_of(src).is_some() => {
                walk.depart();
                return walk.end.is_some().then_some(walk);
            }
            Exit::Here => walk.depart(),
        }
        Some(walk)
    }

    /// The tunnel's packet that a peer in order answers with.
    pub(super) fn answer_of(&self, peer: &PeerRows) -> Option<Wrapped> {
        let link = self.node.state.links.get(&peer.dev)?;
        let Vxlan { port, vni, local, .. } = *link.vxlan()?;
        let own = wanted_device(&self.sight, peer.net.addr().is_ipv6()).and_then(|want| want.mac);
        Some(Wrapped {
            from: Some(peer.public),
            to: local?,
            port,
            vni,
            mac: own.or(link.mac)?,
            dev: peer.dev,
            size: self.query.size,
        })
    }

    /// Routing and firewall of the outer packet; `local` is the tunnel's own address.
    pub(super) fn outer_arrival(&mut self, outer: &Outer, local: Option<IpAddr>) {
        let state = &self.node.state;
        let v6 = outer.to.is_ipv6();
        let uplink = self.node.uplink.as_ref();
        // Behind NAT the address that the sender uses is not the one that arrives.
        let behind = || uplink.and_then(|up| if v6 { up.v6.map(IpAddr::V6) } else { up.v4.map(IpAddr::V4) });
        let to = if state.owner_of(outer.to).is_some() { Some(outer.to) } else { behind().or(local) };
        let dev = uplink.map(|up| up.dev).or_else(|| to.and_then(|ip| state.owner_of(ip)));
        let (Some(to), Some(dev)) = (to, dev) else {
            let why = format!("which device of {} has {} is not known", self.node.host, outer.to);
            return self.unseen("outer", &why, "ip addr");
        };
        if let Some(from) = outer.from {
            let (proto, dport) = (outer.proto, outer.port);
            let flow = Flow { src: Some(from), iif: Some(dev), proto, dport, ..Flow::to(to) };
            let (found, entry) = input(state, &flow);
            match entry {
                Entry::Local => {}
                Entry::ReversePath(_) | Entry::Martian(_) => {
                    self.let_in(&flow, &entry);
                    return;
                }
                Entry::Forwarded | Entry::ForwardingOff | Entry::Broadcast | Entry::Refused => {
                    let object = super::words::answer_words(state, &found);
                    let finding = route::nowhere(self.host(), to)
                        .evidence(format!("{to} is no address of {}: {object}", self.node.host));
                    return self.fail("outer", object, finding, Verdict::Dropped);
                }
            }
        }
        let object = format!("{to} dev {dev} {}", outer.what());
        self.pass("outer", object, format!("ip addr show dev {dev}"));
        self.outer_hooks(outer, to, dev);
    }

    /// PREROUTING and INPUT of the outer packet.
    fn outer_hooks(&mut self, outer: &Outer, to: IpAddr, dev: IfName) {
        let from = outer.from.unwrap_or(match to {
            IpAddr::V4(_) => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
        });
        let traffic = outer.port.map_or(Traffic::Pair(from, to), Traffic::Tunnel);
        let packet = Packet {
            dport: outer.port,
            iif: Some(dev.to_string()),
            src_type: Some(AddrType::Unicast),
            dst_type: Some(AddrType::Local),
            len: outer.size,
            // Source ports are drawn by the inner packet, so that each way is a connection of its own; the kernel
            // tracks none where nothing asks it to.
            ct: Ct::New,
            ..Packet::new(from, to, outer.proto)
        };
        for hook in [Hook::Prerouting, Hook::Input] {
            if self.hook("outer-firewall", hook, &packet, (At::Input, traffic)).is_none() {
                return;
            }
        }
        let object = format!("prerouting and input accept {}", outer.what());
        self.pass("outer-firewall", object, "nft list ruleset");
    }

    /// The device of this node that stands for the sender's: that of the same name, else one of the same VNI.
    fn tunnel_for(&self, outer: &Wrapped) -> Option<(IfName, &Link, &Vxlan)> {
        let of = |dev: IfName| {
            let link = self.node.state.links.get(&dev)?;
            Some((dev, link, link.vxlan()?))
        };
        let same = |(_, link): &(&IfName, &Link)| link.vxlan().is_some_and(|vxlan| vxlan.vni == outer.vni);
        of(outer.dev).or_else(|| of(*self.node.state.links.iter().find(same).map(|(dev, _)| dev)?))
    }

    /// Whether the tunnel device takes the packet: up, on its port, with its VNI, for its MAC.
    fn unwrap_by_device(&mut self, outer: &Wrapped) {
        let v6 = outer.to.is_ipv6();
        let host = self.node.host.as_str();
        let far = self.role.far;
        let promised = wanted_device(&self.sight, v6).map(|want| super::tunnel::with_uplink(want, self.node));
        let peers: Vec<PeerRows> =
            self.promised.peers.iter().filter(|one| one.net.addr().is_ipv6() == v6).cloned().collect();
        let Some((dev, link, vxlan)) = self.tunnel_for(outer) else {
            let want = promised.unwrap_or_else(|| asked(outer, None));
            let finding = vtep::missing(host, &want, &peers);
            return self.fail("vtep", format!("no device {}", outer.dev), finding, Verdict::Dropped);
        };
        let want = promised.unwrap_or_else(|| asked(outer, Some((dev, link, vxlan))));
        // What comes in is as the sender's device is; what is wanted here is what it should have been.
        let finding = if !link.up {
            Some(vtep::down(host, &want, &peers))
        } else if vxlan.port != outer.port {
            let want = Device { port: outer.port, ..want };
            Some(if far { remote::port } else { vtep::port }(host, &want, vxlan.port, &peers))
        } else if vxlan.vni != outer.vni {
            let want = Device { vni: outer.vni, ..want };
            Some(if far { remote::vni } else { vtep::vni }(host, &want, vxlan.vni, &peers))
        } else {
            link.mac
                .filter(|have| *have != outer.mac)
                .map(|have| if far { remote::mac } else { vtep::mac }(host, &want, have, outer.mac, &peers))
        };
        if let Some(finding) = finding {
            let cause = finding.cause.clone();
            return self.fail("vtep", cause, finding, Verdict::Dropped);
        }
        let object = format!("{dev} {} vni {} udp {}", outer.mac, vxlan.vni, vxlan.port);
        self.pass("vtep", object, format!("ip -d link show {dev}"));
    }
}

/// The device as the sender needs it, where no lease tells.
fn asked(outer: &Wrapped, have: Option<(IfName, &Link, &Vxlan)>) -> Device {
    Device {
        dev: have.map_or(outer.dev, |(dev, ..)| dev),
        vni: outer.vni,
        port: outer.port,
        local: have.and_then(|(.., vxlan)| vxlan.local),
        lower: have.and_then(|(.., vxlan)| vxlan.lower),
        learning: false,
        gbp: have.is_some_and(|(.., vxlan)| vxlan.gbp),
        mac: Some(outer.mac),
        mtu: have.map(|(_, link, _)| link.mtu),
        addr: None,
    }
}

/// A finding of the far node under the code that one sees it by from here.
pub(super) fn from_afar(finding: Finding, reply: bool) -> Finding {
    let code = match finding.code.split_once('.') {
        Some(("rpfilter", _)) => "remote.rpfilter",
        Some(("forward", _)) => "remote.forward",
        Some(("filter", "hidden")) => return finding,
        Some(("filter", _) | ("pod", "filter")) => "remote.filter",
        Some(("outer", "filtered")) if !reply => "remote.filter",
        Some(("vtep", "vni")) => "remote.vni",
        Some(("vtep", "mac")) => "remote.mac",
        Some(("vtep", _)) if !reply => "remote.port",
        Some(("pod" | "veth" | "bridge", _)) => "remote.podgone",
        Some(("route" | "rule", _)) if !reply => "remote.podgone",
        Some(("route" | "rule" | "lease" | "neigh" | "fdb" | "vtep" | "tunnel" | "outer" | "mtu", _))
            if reply =>
        {
            "remote.noreturn"
        }
        Some(("tunnel", _)) => "remote.tunnel",
        _ => return finding,
    };
    let finding = remote::renamed(code, finding);
    if code == "remote.noreturn" {
        let cause = format!("{} cannot answer: {}", finding.node, finding.cause);
        return Finding { cause, ..finding };
    }
    finding
}
