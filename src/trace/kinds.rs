//! Ways that no vxlan lease speaks of: the kind of the device decides the stages. A vxlan device without leases, IP in
//! IP, WireGuard, the udp backend's tun device, and host-gw, which has no device at all.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

use super::outer::Wrap;
use super::remotes::{How, Remote, remotes};
use super::unpack::Kind;
use super::words::words;
use super::{Mark, Verdict, Walk};
use crate::finding::filter::{At, Traffic};
use crate::finding::{Finding, tunnel};
use crate::firewall::{AddrType, Hook, Packet};
use crate::net::{IfName, Mac};
use crate::overlay::vxlan::{OVERHEAD_V4, OVERHEAD_V6};
use crate::readings::{neigh_state, own_lease};
use crate::state::fib::{Answer, Leg, lookup};
use crate::state::{IpTunnel, Link, LinkKind, NeighKey, RouteKey, nud};

const UDP: u8 = 17;
/// Outer protocols: IPv4 in IP, IPv6 in IP.
const IPIP: u8 = 4;
const IPV6: u8 = 41;
/// Bytes that each kind adds over IPv4 and over IPv6: headers of IP, of UDP, of WireGuard and its tag.
const IP_IN_IP: (u32, u32) = (20, 40);
const IP_IN_UDP: (u32, u32) = (28, 48);
const WIREGUARD: (u32, u32) = (60, 80);
/// The udp backend's port, unless the config has another.
const UDP_PORT: u16 = 8285;

/// Another backend's lease that covers the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owner {
    node: String,
    net: IpNet,
    public: IpAddr,
    backend: String,
}

/// Outer protocols by name.
pub(super) fn protocol(number: u8) -> &'static str {
    match number {
        IPIP => "ipip",
        IPV6 => "ipv6 in ip",
        UDP => "udp",
        _ => "ip",
    }
}

fn of(pair: (u32, u32), to: IpAddr) -> u32 {
    if to.is_ipv6() { pair.1 } else { pair.0 }
}

impl Walk<'_> {
    /// By the device that the route names. False if it is an ordinary one and no lease says more of the way.
    pub(super) fn by_kind(&mut self, leg: Leg, key: &RouteKey) -> bool {
        let node = self.node;
        let Some((dev, link)) = leg.hop.dev.and_then(|dev| Some((dev, node.state.links.get(&dev)?))) else {
            return false;
        };
        let owner = self.owner_elsewhere();
        let LinkKind::Other(kind) = &link.kind else {
            if link.vxlan().is_some() {
                self.by_vxlan((dev, link), leg, key);
                return true;
            }
            return owner.is_some_and(|owner| self.by_peer(&owner, leg, key));
        };
        let wraps = matches!(kind.as_str(), "wireguard" | "tun") || link.tunnel.is_some();
        if !wraps {
            return owner.is_some_and(|owner| self.by_peer(&owner, leg, key));
        }
        if !link.up {
            let finding = tunnel::down(self.host(), dev);
            self.fail("tunnel", format!("{dev} is down"), finding, Verdict::Dropped);
            return true;
        }
        match (kind.as_str(), link.tunnel.as_deref()) {
            ("wireguard", _) => self.by_wireguard(dev, link),
            ("tun", _) => self.by_process(dev, link, owner.as_ref()),
            (_, Some(tunnel)) => self.by_ip((dev, link, tunnel), leg, (key, owner.as_ref())),
            _ => {}
        }
        true
    }

    /// The lease of another backend that covers the destination. Where the config is vxlan's, such leases are refused.
    fn owner_elsewhere(&self) -> Option<Owner> {
        let dst = self.query.dst;
        let own = own_lease(&self.sight).map(|lease| lease.subnet);
        let leases = self.sight.leases.filter(|_| self.sight.conf.is_none())?;
        let others = leases.iter().filter(|lease| Some(lease.subnet) != own);
        let mut others = others.filter(|lease| &*lease.attrs.backend_type != "vxlan");
        others.find_map(|lease| {
            let net = lease.subnet.nets().find(|net| net.contains(&dst))?;
            let attrs = &lease.attrs;
            let public = match dst {
                IpAddr::V4(_) => attrs.public_ip.map(IpAddr::V4),
                IpAddr::V6(_) => attrs.public_ipv6.map(IpAddr::V6),
            };
            let backend = match &*attrs.backend_type {
                "" => "udp".to_owned(),
                kind => kind.to_owned(),
            };
            Some(Owner { node: attrs.name(), net, public: public?, backend })
        })
    }

    /// Whose lease it is, if another backend's covers the destination.
    pub(super) fn owner_by_name(&self) -> Option<String> {
        self.owner_elsewhere().map(|owner| owner.node)
    }

    /// A lease covers the destination, and no route leads there.
    pub(super) fn unrouted(&self) -> Option<Finding> {
        let owner = self.owner_elsewhere()?;
        let wanted = self.promised_route(&owner)?;
        Some(tunnel::route(self.host(), &owner.node, &wanted, None))
    }

    /// The route that the backend of a lease writes, where it writes one a peer.
    fn promised_route(&self, owner: &Owner) -> Option<String> {
        let Owner { net, public, .. } = owner;
        match owner.backend.as_str() {
            "host-gw" => Some(format!("{net} via {public}")),
            "ipip" => Some(format!("{net} via {public} dev flannel.ipip onlink")),
            _ => None,
        }
    }

    /// True if the route's gateway is not the one that the lease asks for: then that is the end of it.
    fn led_astray(&mut self, owner: &Owner, leg: Leg, key: &RouteKey) -> bool {
        let Some(wanted) = self.promised_route(owner).filter(|_| leg.hop.via != Some(owner.public)) else {
            return false;
        };
        let state = &self.node.state;
        let place = match lookup(state, &self.flow(self.query.iif)).answer {
            Answer::Route { key: found, place, .. } if found == *key => place,
            _ => 0,
        };
        let have = words(state, key, place);
        let finding = tunnel::route(self.host(), &owner.node, &wanted, Some(&have));
        self.fail("tunnel", have, finding, Verdict::Dropped);
        true
    }

    /// host-gw: the peer itself is the gateway, on a net of this host.
    fn by_peer(&mut self, owner: &Owner, leg: Leg, key: &RouteKey) -> bool {
        if owner.backend != "host-gw" {
            return false;
        }
        if !self.led_astray(owner, leg, key) {
            self.underlay(owner.public, &owner.node, leg, None);
        }
        true
    }

    /// `ipip` and its kin: the device names the far end, or the route's gateway is it.
    fn by_ip(
        &mut self,
        (dev, link, tunnel): (IfName, &Link, &IpTunnel),
        leg: Leg,
        (key, owner): (&RouteKey, Option<&Owner>),
    ) {
        if owner.is_some_and(|owner| tunnel.remote.is_none() && self.led_astray(owner, leg, key)) {
            return;
        }
        let command = format!("ip -d link show {dev}");
        if tunnel.metadata {
            let why = format!("{dev} takes the far end from each packet (external)");
            return self.unseen("tunnel", &why, &command);
        }
        let to = tunnel.remote.or(leg.hop.via).unwrap_or(self.query.dst);
        let from = tunnel.local.map_or_else(|| "any".to_owned(), |ip| ip.to_string());
        let ttl = if tunnel.ttl == 0 { "inherit".to_owned() } else { tunnel.ttl.to_string() };
        let by = if tunnel.remote.is_some() { "" } else { " (the gateway)" };
        let object = format!("{dev} {from} -> {to}{by} ttl {ttl} mtu {}", link.mtu);
        let lease =
            owner.filter(|owner| owner.public == to).map(|owner| format!("lease {} agrees", owner.node));
        let step = self.pass("tunnel", object, command);
        step.lease = lease;
        if tunnel.pmtudisc {
            step.more.push("outer packets must not be fragmented".to_owned());
        }
        let peer = owner.map_or_else(|| to.to_string(), |owner| owner.node.clone());
        self.carry(&Wrap {
            dev,
            mtu: link.mtu,
            peer: &peer,
            from: tunnel.local,
            to,
            proto: if self.query.dst.is_ipv6() { IPV6 } else { IPIP },
            port: None,
            overhead: of(IP_IN_IP, to),
            mark: 0,
            bound: tunnel.lower,
            kind: Some(Kind::Ip),
        });
    }

    /// WireGuard: the peer whose allowed networks cover the destination.
    fn by_wireguard(&mut self, dev: IfName, link: &Link) {
        let (node, dst) = (self.node, self.query.dst);
        let command = format!("wg show {dev}");
        let Some(device) = node.state.wireguard.get(&dev) else {
            let why = format!("the peers of {dev} could not be read: that needs root");
            return self.unseen("tunnel", &why, &command);
        };
        let Some((net, peer)) = device.peer(dst) else {
            let finding = tunnel::no_peer(self.host(), dev, dst);
            let told = "required key not available".to_owned();
            return self.fail("tunnel", format!("no peer for {dst}"), finding, Verdict::Rejected(told));
        };
        let Some(endpoint) = peer.endpoint else {
            let finding = tunnel::no_endpoint(self.host(), dev, dst);
            let told = "destination address required".to_owned();
            return self.fail("tunnel", format!("{net}: no end point"), finding, Verdict::Rejected(told));
        };
        let at = node.at.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let object = format!("{net} -> {endpoint}");
        match peer.handshake {
            Some(last) => {
                let ago = at.saturating_sub(last);
                self.pass("tunnel", format!("{object}, handshake {ago} s ago, mtu {}", link.mtu), command);
            }
            None => {
                let why = format!("{object}: no handshake yet, so whether it answers is not known");
                self.unseen("tunnel", &why, &command);
            }
        }
        let to = endpoint.ip();
        self.carry(&Wrap {
            dev,
            mtu: link.mtu,
            peer: &to.to_string(),
            from: None,
            to,
            proto: UDP,
            port: Some(endpoint.port()),
            overhead: of(WIREGUARD, to),
            mark: device.mark,
            bound: None,
            kind: Some(Kind::Wireguard),
        });
    }

    /// The udp backend: a process reads the tun device and sends what it reads to the lease's owner.
    fn by_process(&mut self, dev: IfName, link: &Link, owner: Option<&Owner>) {
        let node = self.node;
        if !link.lower_up {
            let finding = tunnel::unread(self.host(), dev);
            return self.fail("tunnel", format!("no process reads {dev}"), finding, Verdict::Dropped);
        }
        let command = format!("ip -d link show {dev}");
        let Some(process) = node.state.fact(&format!("tun:{dev}")) else {
            let why = format!("which process reads {dev} was not seen: that needs root");
            return self.unseen("tunnel", &why, &command);
        };
        let Some(owner) = owner.filter(|owner| owner.backend == "udp") else {
            let why = format!(
                "{process} reads {dev} and sends it where it likes: no lease of the udp backend says more"
            );
            return self.unseen("tunnel", &why, &command);
        };
        let port = node.config.as_deref().and_then(udp_port).unwrap_or(UDP_PORT);
        let lease = format!("lease {}", owner.node);
        self.pass("tunnel", format!("{dev} read by {process}, mtu {}", link.mtu), command).lease =
            Some(lease);
        let own = own_lease(&self.sight).and_then(|lease| lease.attrs.public_ip).map(IpAddr::V4);
        self.carry(&Wrap {
            dev,
            mtu: link.mtu,
            peer: &owner.node,
            from: own.filter(|ip| node.state.owner_of(*ip).is_some()),
            to: owner.public,
            proto: UDP,
            port: Some(port),
            overhead: of(IP_IN_UDP, owner.public),
            mark: 0,
            bound: None,
            kind: Some(Kind::Process),
        });
    }

    /// A vxlan device where no lease is in reach: the kernel's rows alone.
    fn by_vxlan(&mut self, (dev, link): (IfName, &Link), leg: Leg, key: &RouteKey) {
        let (node, ask) = (self.node, leg.hop.via.unwrap_or(self.query.dst));
        if !link.up {
            let finding = tunnel::down(self.host(), dev);
            return self.fail("vtep", format!("{dev} is down"), finding, Verdict::Dropped);
        }
        let have = node.state.neighs.get(&NeighKey { dev, ip: ask });
        let state = have.map_or_else(|| "no entry".to_owned(), |have| neigh_state(have.state));
        let known = have.filter(|have| have.state & (nud::FAILED | nud::INCOMPLETE) == 0);
        let Some(mac) = known.and_then(|have| have.mac) else {
            let finding = tunnel::unknown_neighbour(self.host(), dev, ask, &state);
            return self.fail("neighbour", format!("{ask} dev {dev}: {state}"), finding, Verdict::Dropped);
        };
        self.pass("neighbour", format!("{ask} = {mac} {state}"), format!("ip neigh show {ask} dev {dev}"));
        let found = remotes(&node.state, dev, mac);
        let command = format!("bridge fdb get {mac} dev {dev} self");
        if found.to.is_empty() {
            let finding = tunnel::unknown_remote(self.host(), dev, mac);
            return self.fail("fdb", found.line(mac), finding, Verdict::Dropped);
        }
        self.step("fdb", Mark::Ok, found.line(mac), command).more = found.each();
        let shown = found.to.len() > 1 || found.how != How::Entry;
        for remote in &found.to {
            let name = if shown { remote.ip.to_string() } else { format!("the end point of {}", key.dst) };
            self.towards((dev, link, mac), *remote, &name);
            if self.end.is_some() {
                return;
            }
        }
    }

    fn towards(&mut self, (dev, link, mac): (IfName, &Link, Mac), remote: Remote, peer: &str) {
        let Some(vxlan) = link.vxlan() else { return };
        self.carry(&Wrap {
            dev,
            mtu: link.mtu,
            peer,
            from: vxlan.local,
            to: remote.ip,
            proto: UDP,
            port: Some(remote.port.unwrap_or(vxlan.port)),
            overhead: of((OVERHEAD_V4, OVERHEAD_V6), remote.ip),
            mark: 0,
            bound: vxlan.lower,
            kind: Some(Kind::Vxlan { dev, vni: remote.vni.unwrap_or(vxlan.vni), mac }),
        });
    }

    /// OUTPUT and POSTROUTING of an outer packet without ports.
    pub(super) fn outer_pair(&mut self, src: Option<IpAddr>, to: IpAddr, proto: u8, oif: Option<IfName>) {
        let Some(src) = src else { return };
        let packet = Packet {
            oif: oif.map(|dev| dev.to_string()),
            src_type: Some(AddrType::Local),
            dst_type: Some(AddrType::Unicast),
            len: self.query.size,
            ..Packet::new(src, to, proto)
        };
        for hook in [Hook::Output, Hook::Postrouting] {
            if self.hook("outer-firewall", hook, &packet, (At::Output, Traffic::Pair(src, to))).is_none() {
                return;
            }
        }
        let object = format!("output and postrouting accept {}", protocol(proto));
        self.pass("outer-firewall", object, "nft list ruleset");
    }
}

/// The port of a udp network config.
fn udp_port(config: &str) -> Option<u16> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(rename = "Backend")]
        backend: Backend,
    }
    #[derive(Deserialize)]
    struct Backend {
        #[serde(rename = "Port")]
        port: Option<u16>,
    }
    serde_json::from_str::<Wire>(config).ok()?.backend.port.filter(|port| *port != 0)
}
