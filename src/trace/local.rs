//! Delivery on this node: the neighbour on the bridge, the port behind which its MAC is, the veth pair, the pod.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Exit, Mark, Verdict, Walk};
use crate::finding::Finding;
use crate::finding::pod::{self as word, Port};
use crate::net::{IfName, Mac};
use crate::readings::neigh_state;
use crate::state::{FdbKey, Hops, Link, LinkKind, NeighKey, Pod, nud};

/// States in which a neighbour entry is used.
pub(super) const KNOWN: u16 =
    nud::PERMANENT | nud::NOARP | nud::REACHABLE | nud::STALE | nud::DELAY | nud::PROBE;

/// A pod's interface, and the end of its pair on the node.
#[derive(Clone, Copy, Debug)]
pub(super) struct End<'a> {
    /// The pod's place among the node's.
    pub place: usize,
    /// The pod.
    pub pod: &'a Pod,
    /// The interface inside.
    pub dev: IfName,
    /// That interface.
    pub inner: &'a Link,
    /// The node's end.
    pub port: IfName,
    /// The node's end.
    pub outer: &'a Link,
}

impl End<'_> {
    /// The pod and its interface, for a line.
    pub fn shown(&self) -> String {
        format!("{}/{}", self.pod.name, self.dev)
    }

    /// What runs a command inside.
    pub fn how(&self) -> Option<String> {
        word::inside(&self.pod.name, &self.pod.aliases)
    }

    /// What a person would type to see something inside.
    pub fn inside(&self, command: &str) -> String {
        self.how().map_or_else(|| command.to_owned(), |how| format!("{how} {command}"))
    }
}

impl<'a> Walk<'a> {
    /// Every interface of a pod whose pair ends on this node.
    pub(super) fn ends(&self, place: usize) -> Vec<End<'a>> {
        let Some(pod) = self.node.pods.get(place) else { return Vec::new() };
        let inner = pod.state.links.iter();
        let end = |(dev, inner): (&IfName, &'a Link)| {
            let leads = |link: &Link| match link.kind {
                // The pair's ends name each other; the namespace's id tells pods with equal numbers apart.
                LinkKind::Veth { peer, netns } => {
                    peer == Some(inner.index) && netns.is_some() && netns == pod.nsid
                }
                _ => false,
            };
            let (port, outer) = self.node.state.links.iter().find(|(_, link)| leads(link))?;
            Some(End { place, pod, dev: *dev, inner, port: *port, outer })
        };
        inner.filter_map(end).collect()
    }

    /// The pod interface that has this address.
    pub(super) fn end_with(&self, ip: IpAddr) -> Option<End<'a>> {
        let holds = |end: &End<'_>| end.pod.state.addrs_of(end.dev).any(|(net, _)| net.addr() == ip);
        let pods = self.node.pods.iter().enumerate();
        let held = pods.filter(|(_, pod)| pod.state.owner_of(ip).is_some());
        held.flat_map(|(place, _)| self.ends(place)).find(holds)
    }

    /// True if what leaves by this device ends on this node: a bridge that is not the uplink, a pod's own veth.
    pub(super) fn carries_pods(&self, dev: IfName) -> bool {
        let links = &self.node.state.links;
        let Some(link) = links.get(&dev) else { return false };
        let pods = link.kind == LinkKind::Bridge || Pod::behind(&self.node.pods, link).is_some();
        pods && !self.node.ways_out().contains(&dev)
    }

    /// To `ask`, which is reached by `dev` without another host between.
    pub(super) fn deliver(&mut self, ask: IpAddr, dev: IfName) {
        let Some(link) = self.node.state.links.get(&dev) else { return };
        if !link.up {
            let finding = match Pod::behind(&self.node.pods, link) {
                Some(pod) => word::veth_down(self.host(), &pod.name, dev),
                None => word::bridge_down(self.host(), dev),
            };
            return self.fail("port", format!("{dev} is down"), finding, Verdict::Dropped);
        }
        let Some(end) = self.end_with(ask) else { return self.deliver_unknown(ask, dev) };
        // What is wrong with the wire makes the neighbour fail: it is looked at before.
        if let Some((object, finding)) = self.wire_fault(&end, Some(dev)) {
            return self.fail("port", object, finding, Verdict::Dropped);
        }
        let command = format!("ip neigh show {ask} dev {dev}");
        let have = self.node.state.neighs.get(&NeighKey { dev, ip: ask }).copied();
        let known = have.filter(|have| have.state & KNOWN != 0).and_then(|have| have.mac);
        match (known, end.inner.mac) {
            (Some(mac), Some(real)) if mac != real => {
                let finding = word::node_neigh(self.host(), &end.shown(), (ask, dev), mac, real);
                return self.fail("neighbour", format!("{ask} = {mac}"), finding, Verdict::Dropped);
            }
            (Some(mac), _) => {
                let state = have.map(|have| neigh_state(have.state)).unwrap_or_default();
                self.pass("neighbour", format!("{ask} = {mac} dev {dev} {state}"), command);
            }
            (None, _) => {
                self.pass("neighbour", format!("{ask} dev {dev}: asked when it is sent"), command);
            }
        }
        self.by_port(&end, dev);
    }

    /// From the bridge through the port to the pod; or by a pair that is in no bridge.
    pub(super) fn by_port(&mut self, end: &End<'_>, dev: IfName) {
        let (host, port) = (self.node.host.as_str(), end.port);
        if let Some(mac) = end.inner.mac.filter(|_| dev != port)
            && let Some(to) = self.astray(mac, port, dev)
        {
            let finding = word::bridge_port(host, &end.pod.name, port, dev, Port::Astray { mac, to });
            return self.fail("port", format!("{mac} -> {to}"), finding, Verdict::Dropped);
        }
        let bridge = self.node.state.links.get(&dev).map_or(u32::MAX, |link| link.mtu);
        self.pair_fits(end, bridge, true);
        if self.end.is_some() {
            return;
        }
        let object =
            if dev == port { format!("{port}, a pair of its own") } else { self.port_line(end, dev) };
        self.pass("port", object, format!("flanctl fdb show --dev {dev}"));
        self.pod_takes(end);
        if self.end.is_some() {
            return;
        }
        let held: Vec<IpNet> = end.pod.state.addrs_of(end.dev).map(|(net, _)| net).collect();
        let net = held.iter().find(|net| net.addr() == self.query.dst).map(IpNet::to_string);
        let object = format!("{} {} up", end.shown(), net.unwrap_or_default());
        let command = end.inside(&format!("ip addr show dev {}", end.dev));
        self.pass("delivery", object, command);
        self.exit = Some(Exit::Pod(end.place));
    }

    /// A port as a line: `veth0 on cni0, forwarding; behind it pod1/eth0`.
    pub(super) fn port_line(&self, end: &End<'_>, bridge: IfName) -> String {
        let state = end.outer.port.as_ref().map_or("", |port| port.word());
        let state = if state.is_empty() { String::new() } else { format!(", {state}") };
        format!("{} on {bridge}{state}; behind it {}", end.port, end.shown())
    }

    /// The port that the bridge sends a MAC to, if that is another one.
    fn astray(&self, mac: Mac, port: IfName, bridge: IfName) -> Option<IfName> {
        let links = &self.node.state.links;
        let on = |dev: IfName| links.get(&dev).is_some_and(|link| link.master == Some(bridge));
        let mut ports = self.node.state.fdb.keys().filter(|key| key.mac == mac && key.master && on(key.dev));
        if ports.clone().any(|FdbKey { dev, .. }| *dev == port) {
            return None;
        }
        ports.next().map(|key| key.dev)
    }

    /// What keeps frames between the pod and the node from passing: the pair, or the bridge's port. `bridge` is the
    /// device that the node reaches it by, where a route says.
    pub(super) fn wire_fault(&self, end: &End<'_>, bridge: Option<IfName>) -> Option<(String, Finding)> {
        let (host, name) = (self.host(), end.pod.name.as_str());
        let (port, state) = (end.port, &self.node.state);
        if !end.outer.up {
            return Some((format!("{port} is down"), word::veth_down(host, name, port)));
        }
        if !end.inner.up {
            let inside = end.how();
            let finding = word::eth_down(host, name, end.dev, &self.dressed(end), inside.as_deref());
            return Some((format!("{} is down", end.shown()), finding));
        }
        let Some(master) = end.outer.master else {
            let bridge = bridge.or_else(|| self.bridge_of(end)).filter(|bridge| *bridge != port)?;
            let finding = word::bridge_port(host, name, port, bridge, Port::Loose);
            return (!self.is_routed(end)).then(|| (format!("{port} is no port of {bridge}"), finding));
        };
        if let Some(bridge) = bridge.filter(|bridge| *bridge != master && *bridge != port) {
            let finding = word::bridge_port(host, name, port, bridge, Port::Loose);
            return Some((format!("{port} is a port of {master}, not of {bridge}"), finding));
        }
        let over = state.links.get(&master)?;
        if !over.up {
            return Some((format!("{master} is down"), word::bridge_down(host, master)));
        }
        let says = end.outer.port.as_ref()?;
        let why = if !says.forwards() {
            Some(Port::State(says.state))
        } else if over.vlan_filtering && !says.vlans.iter().any(|(.., untagged)| *untagged) {
            Some(Port::Vlan(over.port.as_ref().and_then(|own| own.vlans.first()).map_or(1, |vlan| vlan.0)))
        } else {
            None
        }?;
        let finding = word::bridge_port(host, name, port, master, why);
        Some((self.port_line(end, master), finding))
    }

    /// Some plugins route to a pod by its veth, without a bridge. Every device has a route to link-local addresses.
    fn is_routed(&self, end: &End<'_>) -> bool {
        let held = |net: IpNet| {
            let mut nets = end.pod.state.addrs_of(end.dev).map(|(net, _)| net.addr());
            net.prefix_len() > 0 && nets.any(|ip| !is_link_local(ip) && net.contains(&ip))
        };
        let mut routes = self.node.state.routes.iter().filter(|(key, _)| held(key.dst));
        routes.any(|(_, twins)| {
            twins.iter().any(|route| matches!(route.hops, Hops::One(hop) if hop.dev == Some(end.port)))
        })
    }

    /// The bridge with an address in the pod's net.
    pub(super) fn bridge_of(&self, end: &End<'_>) -> Option<IfName> {
        let nets: Vec<IpNet> = end.pod.state.addrs_of(end.dev).map(|(net, _)| net).collect();
        let state = &self.node.state;
        let bridge = |dev: IfName| state.links.get(&dev).is_some_and(|link| link.kind == LinkKind::Bridge);
        let mut held = state.addrs.keys().filter(|held| bridge(held.dev));
        held.find(|held| nets.iter().any(|net| net.contains(&held.net.addr()))).map(|held| held.dev)
    }

    /// What an interface that comes up again has lost: the routes by it.
    pub(super) fn dressed(&self, end: &End<'_>) -> Vec<String> {
        let state = &self.node.state;
        let nets: Vec<IpNet> = end.pod.state.addrs_of(end.dev).map(|(net, _)| net).collect();
        let gateway = |net: &IpNet| {
            let mut held = state.addrs.keys().map(|held| held.net);
            held.find(|held| net.contains(&held.addr())).map(|held| held.addr())
        };
        let via = nets.iter().filter(|net| net.addr().is_ipv4()).filter_map(gateway);
        via.map(|via| format!("ip route replace default via {via} dev {}", end.dev)).collect()
    }

    /// Nobody is known to have that address: the neighbour entry tells, if there is one.
    fn deliver_unknown(&mut self, ask: IpAddr, dev: IfName) {
        let have = self.node.state.neighs.get(&NeighKey { dev, ip: ask }).copied();
        let state = have.map_or_else(|| "no entry".to_owned(), |have| neigh_state(have.state));
        let bits = have.map_or(0, |have| have.state);
        let silent = bits & (nud::FAILED | nud::INCOMPLETE) != 0;
        // One that answered a moment ago is there, whoever it is.
        if silent || (bits & nud::REACHABLE == 0 && self.sees_all(dev)) {
            let finding = word::nobody(self.host(), dev, ask, &state);
            let object = format!("nobody behind {dev} has {ask}");
            return self.fail("delivery", object, finding, Verdict::Dropped);
        }
        let command = format!("ip neigh show {ask} dev {dev}");
        let Some(mac) = have.and_then(|have| have.mac) else {
            let why = format!("who has {ask} behind {dev} was not seen");
            return self.unseen("delivery", &why, &command);
        };
        self.step("neighbour", Mark::Ok, format!("{ask} = {mac} dev {dev} {state}"), command);
        let port = self.node.state.fdb.keys().find(|key| key.mac == mac && key.master).map(|key| key.dev);
        if let Some(port) = port {
            self.pass("port", format!("{mac} -> {port} on {dev}"), format!("flanctl fdb show --dev {dev}"));
        }
        self.exit = Some(Exit::Wire(dev));
    }

    /// A pod's frame for somebody on its own net whom no pod is known to be.
    pub(super) fn beside_unknown(&mut self, ask: IpAddr, bridge: IfName) {
        if self.sees_all(bridge) {
            let finding = word::nobody(self.host(), bridge, ask, "no pod has it");
            let object = format!("nobody behind {bridge} has {ask}");
            return self.fail("delivery", object, finding, Verdict::Dropped);
        }
        let why = format!("who has {ask} behind {bridge} was not seen");
        self.unseen("delivery", &why, &format!("flanctl fdb show --dev {bridge}"));
    }

    /// True if every port of a bridge is a pod's that was looked into: then who is not there is nowhere.
    fn sees_all(&self, bridge: IfName) -> bool {
        let links = &self.node.state.links;
        let ports = links.values().filter(|link| link.master == Some(bridge));
        let seen =
            |link: &Link| Pod::behind(&self.node.pods, link).is_some_and(|pod| !pod.state.links.is_empty());
        links.get(&bridge).is_some_and(|link| link.kind == LinkKind::Bridge) && ports.into_iter().all(seen)
    }
}

pub(super) fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}
