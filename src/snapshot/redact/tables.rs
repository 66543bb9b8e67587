//! The kernel's tables, row by row. Rows are taken apart whole: a field that is new is one to decide about.

use std::collections::BTreeMap;

use super::Redactor;
use crate::state::ipvs::{Matches, Server, Service};
use crate::state::{
    Addr, AddrKey, Fdb, FdbKey, Hop, Hops, IpTunnel, Link, LinkKind, Neigh, NeighKey, Nexthop, Route,
    RouteKey, Rule, State, Vxlan, WgPeer, Wireguard,
};

/// Facts whose value is a number or one word of ours.
const PLAIN: &[&str] = &[
    "sysctl:",
    "offload:",
    "driver:",
    "module:",
    "nexthop:",
    "conntrack:",
    "snmp:",
    "snmp6:",
    "stat:",
    "unit:",
    "clock:",
    "netns:",
    "agent:pid",
    "agent:state",
];

impl Redactor {
    /// Everything of one namespace.
    pub(super) fn state(&self, state: State) -> State {
        let State { links, addrs, rules, routes, nexthops, neighs, fdb, facts, firewall, ipvs, wireguard } =
            state;
        State {
            links: links.into_iter().map(|(dev, link)| (self.dev(dev), self.link(link))).collect(),
            addrs: addrs.into_iter().map(|(key, addr)| self.addr(key, addr)).collect(),
            rules: rules.into_iter().map(|rule| self.policy(rule)).collect(),
            routes: routes.into_iter().map(|(key, twins)| self.routes(key, twins)).collect(),
            nexthops: nexthops.into_iter().map(|(id, nexthop)| (id, self.nexthop(nexthop))).collect(),
            neighs: neighs.into_iter().map(|(key, row)| self.neigh(key, row)).collect(),
            fdb: fdb.into_iter().map(|(key, row)| self.entry(key, row)).collect(),
            facts: self.facts(facts),
            firewall: firewall.map(|rules| self.ruleset(rules)),
            ipvs: ipvs.into_iter().map(|service| self.service(service)).collect(),
            wireguard: wireguard
                .into_iter()
                .map(|(dev, device)| (self.dev(dev), self.wireguard(device)))
                .collect(),
        }
    }

    fn link(&self, link: Link) -> Link {
        let Link {
            index,
            mac,
            mtu,
            up,
            lower_up,
            master,
            kind,
            group,
            vlan_filtering,
            vrf,
            encap,
            tunnel,
            port,
        } = link;
        let tunnel = tunnel.map(|tunnel| Box::new(self.ip_tunnel(*tunnel)));
        let kind = match kind {
            LinkKind::Vxlan(Vxlan { vni, port, local, lower, learning, gbp, ttl, group, l2miss, l3miss }) => {
                let (local, lower) = (local.map(|ip| self.ip(ip)), lower.map(|dev| self.dev(dev)));
                let group = group.map(|ip| self.ip(ip));
                LinkKind::Vxlan(Vxlan { vni, port, local, lower, learning, gbp, ttl, group, l2miss, l3miss })
            }
            LinkKind::Bridge
            | LinkKind::Veth { .. }
            | LinkKind::Loopback
            | LinkKind::Plain
            | LinkKind::Other(_) => kind,
        };
        let (mac, master) = (mac.map(|mac| self.mac(mac)), master.map(|dev| self.dev(dev)));
        Link { index, mac, mtu, up, lower_up, master, kind, group, vlan_filtering, vrf, encap, tunnel, port }
    }

    fn ip_tunnel(&self, tunnel: IpTunnel) -> IpTunnel {
        let IpTunnel { local, remote, lower, ttl, pmtudisc, metadata } = tunnel;
        let (local, remote) = (local.map(|ip| self.ip(ip)), remote.map(|ip| self.ip(ip)));
        IpTunnel { local, remote, lower: lower.map(|dev| self.dev(dev)), ttl, pmtudisc, metadata }
    }

    fn wireguard(&self, device: Wireguard) -> Wireguard {
        let Wireguard { port, mark, peers } = device;
        let peer = |WgPeer { allowed, endpoint, handshake }: WgPeer| WgPeer {
            allowed: allowed.into_iter().map(|net| self.net(net)).collect(),
            endpoint: endpoint.map(|at| (self.ip(at.ip()), at.port()).into()),
            handshake,
        };
        Wireguard { port, mark, peers: peers.into_iter().map(peer).collect() }
    }

    fn addr(&self, AddrKey { dev, net }: AddrKey, addr: Addr) -> (AddrKey, Addr) {
        let Addr { scope, flags, peer, order } = addr;
        let key = AddrKey { dev: self.dev(dev), net: self.held(net) };
        (key, Addr { scope, flags, peer: peer.map(|ip| self.ip(ip)), order })
    }

    fn policy(&self, rule: Rule) -> Rule {
        let net = |net: Option<_>| net.map(|net| self.net(net));
        let dev = |dev: Option<String>| dev.map(|dev| self.device(&dev));
        let Rule { from, to, iif, oif, .. } = rule.clone();
        Rule { from: net(from), to: net(to), iif: dev(iif), oif: dev(oif), ..rule }
    }

    fn routes(&self, key: RouteKey, twins: Vec<Route>) -> (RouteKey, Vec<Route>) {
        let key = RouteKey { dst: self.net(key.dst), ..key };
        let route = |route: Route| {
            let Route { kind, proto, scope, src, hops, metrics, mtu, mtu_lock, from, pref } = route;
            let hops = match hops {
                Hops::One(hop) => Hops::One(self.hop(hop)),
                Hops::Multi(legs) => {
                    Hops::Multi(legs.into_iter().map(|(hop, weight)| (self.hop(hop), weight)).collect())
                }
                Hops::None | Hops::Object(_) => hops,
            };
            let (src, from) = (src.map(|ip| self.ip(ip)), from.map(|net| self.net(net)));
            Route { kind, proto, scope, src, hops, metrics, mtu, mtu_lock, from, pref }
        };
        (key, twins.into_iter().map(route).collect())
    }

    fn hop(&self, hop: Hop) -> Hop {
        let Hop { via, dev, onlink, dead, linkdown } = hop;
        let (via, dev) = (via.map(|ip| self.ip(ip)), dev.map(|dev| self.dev(dev)));
        Hop { via, dev, onlink, dead, linkdown }
    }

    fn nexthop(&self, nexthop: Nexthop) -> Nexthop {
        let Nexthop { proto, hop, blackhole, group, fdb } = nexthop;
        Nexthop { proto, hop: self.hop(hop), blackhole, group, fdb }
    }

    fn neigh(&self, NeighKey { dev, ip }: NeighKey, row: Neigh) -> (NeighKey, Neigh) {
        let Neigh { mac, state, flags } = row;
        let key = NeighKey { dev: self.dev(dev), ip: self.ip(ip) };
        (key, Neigh { mac: mac.map(|mac| self.mac(mac)), state, flags })
    }

    fn entry(&self, FdbKey { dev, mac, vlan, master }: FdbKey, row: Fdb) -> (FdbKey, Fdb) {
        let Fdb { dst, more, state, flags, port, vni, nhid, via } = row;
        let key = FdbKey { dev: self.dev(dev), mac: self.mac(mac), vlan, master };
        let more = more.into_iter().map(|ip| self.ip(ip)).collect();
        (key, Fdb { dst: dst.map(|ip| self.ip(ip)), more, state, flags, port, vni, nhid, via })
    }

    fn service(&self, service: Service) -> Service {
        let Service { matches, scheduler, servers } = service;
        let matches = match matches {
            Matches::Address { proto, ip, port } => Matches::Address { proto, ip: self.ip(ip), port },
            Matches::Mark(mark) => Matches::Mark(mark),
        };
        let server = |Server { ip, port, forward, weight }| Server { ip: self.ip(ip), port, forward, weight };
        Service { matches, scheduler, servers: servers.into_iter().map(server).collect() }
    }

    fn facts(&self, facts: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let one = |(key, value): (String, String)| {
            let plain = PLAIN.iter().any(|head| key.starts_with(head));
            (self.fact(&key), if plain { value } else { self.text(&value) })
        };
        facts.into_iter().map(one).collect()
    }

    /// A key: only where a device stands in it is one replaced.
    fn fact(&self, key: &str) -> String {
        let (kind, rest) = key.split_once(':').unwrap_or((key, ""));
        match kind {
            "sysctl" => {
                let mut words: Vec<String> = rest.split('.').map(str::to_owned).collect();
                if let [_, _, group, dev, _] = words.as_mut_slice()
                    && matches!(group.as_str(), "conf" | "neigh")
                {
                    // The dot of `eth0.100` is a slash there.
                    *dev = self.device(&dev.replace('/', ".")).replace('.', "/");
                }
                format!("{kind}:{}", words.join("."))
            }
            "offload" | "stat" => match rest.split_once('/') {
                Some((dev, what)) => format!("{kind}:{}/{what}", self.device(dev)),
                None => key.to_owned(),
            },
            "driver" | "tun" => format!("{kind}:{}", self.device(rest)),
            "managed" => match rest.split_once('/') {
                Some((who, dev)) => format!("{kind}:{who}/{}", self.device(dev)),
                None => key.to_owned(),
            },
            _ => key.to_owned(),
        }
    }
}
