//! From inside a pod to its node: the pair of veths, address, route, the bridge's port, the gateway's MAC. What takes
//! others along is looked at first: an interface that is down loses its routes, a port that is shut its neighbours.

use std::net::IpAddr;

use ipnet::IpNet;

use super::local::{End, KNOWN, is_link_local};
use super::words::{answer_words, first, words};
use super::{Exit, Verdict, Walk};
use crate::finding::filter::{At, Traffic};
use crate::finding::pod::{self as word, Port};
use crate::finding::{Finding, mtu};
use crate::firewall::{Hook, Packet};
use crate::net::{IfName, Mac};
use crate::readings::neigh_state;
use crate::state::fib::{Answer, Flow, Lookup, lookup};
use crate::state::{NeighKey, RouteKind};

/// Who takes the frame that leaves the pod.
#[derive(Clone, Copy)]
enum Next<'a> {
    /// The node, by this device.
    Node(IfName),
    /// Another pod behind the same bridge.
    Pod(End<'a>),
}

impl<'a> Walk<'a> {
    /// From where it starts: the pod that was named or that has the source address, else the node itself.
    pub(super) fn start(&mut self) {
        let place = match (self.query.pod.as_deref(), self.query.from) {
            (Some(name), _) => self.node.pods.iter().position(|pod| pod.name == name),
            (None, Some(from)) if self.query.iif.is_none() => self.end_with(from).map(|end| end.place),
            (None, _) => None,
        };
        self.query.pod = place.and_then(|place| self.node.pods.get(place)).map(|pod| pod.name.clone());
        match place {
            Some(place) => self.leave_pod(place),
            None => self.depart(),
        }
    }

    /// Out of the pod, and on as the node sees it.
    pub(super) fn leave_pod(&mut self, place: usize) {
        let Some(pod) = self.node.pods.get(place) else { return };
        let ends = self.ends(place);
        let Some(end) = self.leaving(&ends) else {
            let why = match pod.state.links.is_empty() {
                true => format!("the inside of {} could not be read", pod.name),
                false => format!("no veth pair of {} ends on this node", pod.name),
            };
            self.unseen("pod", &why, "ip -d link show type veth");
            match self.query.from {
                Some(_) => self.depart(),
                None => self.end = Some(Verdict::DeliveredIf),
            }
            return;
        };
        if !self.pair_up(&end) || !self.addressed(&end) {
            return;
        }
        let Some((ask, gateway)) = self.route_inside(&end) else { return };
        self.pod_sends(&end);
        if self.end.is_some() {
            return;
        }
        let Some(next) = self.onto_bridge(&end, ask, gateway) else { return };
        self.neighbour_inside(&end, ask, &next);
        if self.end.is_some() {
            return;
        }
        match next {
            Next::Pod(other) => self.bridged(&end, &other),
            Next::Node(dev) => {
                self.enter(dev);
                self.inner_size(&end);
            }
        }
    }

    /// The interface that the packet leaves the pod by.
    fn leaving(&self, ends: &[End<'a>]) -> Option<End<'a>> {
        let has =
            |end: &End<'_>, ip: IpAddr| end.pod.state.addrs_of(end.dev).any(|(net, _)| net.addr() == ip);
        let by_addr = || self.query.from.and_then(|from| ends.iter().find(|end| has(end, from)));
        let by_route = || {
            let state = &ends.first()?.pod.state;
            let dev = first(&lookup(state, &Flow::to(self.query.dst)).answer)?.hop.dev?;
            ends.iter().find(|end| end.dev == dev)
        };
        by_addr().or_else(by_route).or(ends.first()).copied()
    }

    /// Both ends of the pair.
    fn pair_up(&mut self, end: &End<'a>) -> bool {
        let down = !end.outer.up || !end.inner.up;
        if let Some((object, finding)) = self.wire_fault(end, None).filter(|_| down) {
            self.fail("veth", object, finding, Verdict::Dropped);
        }
        self.end.is_none()
    }

    /// The address that it is to be sent from, or any of the family.
    fn addressed(&mut self, end: &End<'a>) -> bool {
        let (state, v6) = (&end.pod.state, self.query.dst.is_ipv6());
        let fits = |net: &IpNet| net.addr().is_ipv6() == v6 && !is_link_local(net.addr());
        let held = match self.query.from {
            Some(from) => state.addrs_of(end.dev).map(|(net, _)| net).find(|net| net.addr() == from),
            None => state.addrs_of(end.dev).map(|(net, _)| net).find(fits),
        };
        if let Some(net) = held {
            let object = format!("{} {net} up, mtu {}", end.shown(), end.inner.mtu);
            self.pass("pod", object, end.inside(&format!("ip addr show dev {}", end.dev)));
            return true;
        }
        let from = self.query.from;
        let gateway = self.gateway(end, from);
        let net = from.map(|ip| {
            let len = gateway.map(|net| net.prefix_len());
            len.and_then(|len| IpNet::new(ip, len).ok()).unwrap_or_else(|| IpNet::from(ip))
        });
        let again: Vec<String> = gateway
            .map(|net| format!("ip route replace default via {} dev {}", net.addr(), end.dev))
            .into_iter()
            .collect();
        let how = end.how();
        let finding = word::no_addr(self.host(), &end.pod.name, net, Some(end.dev), &again, how.as_deref());
        let object = from.map_or_else(|| "no address".to_owned(), |ip| format!("no address {ip}"));
        self.fail("pod", format!("{}: {object}", end.shown()), finding, Verdict::Dropped);
        false
    }

    /// The node's address among the pods of that bridge: in the net of `near`, else in the pod's own, else any.
    fn gateway(&self, end: &End<'_>, near: Option<IpAddr>) -> Option<IpNet> {
        let v6 = self.query.dst.is_ipv6();
        let dev = end.outer.master.unwrap_or(end.port);
        let on = self.node.state.addrs_of(dev).map(|(net, _)| net);
        let on: Vec<IpNet> =
            on.filter(|net| net.addr().is_ipv6() == v6 && !is_link_local(net.addr())).collect();
        let own: Vec<IpNet> = end.pod.state.addrs_of(end.dev).map(|(net, _)| net).collect();
        let by_near = || on.iter().find(|net| near.is_some_and(|ip| net.contains(&ip)));
        let by_own = || on.iter().find(|net| own.iter().any(|held| net.contains(&held.addr())));
        by_near().or_else(by_own).or(on.first()).copied()
    }

    /// Whom the pod's route asks for, and whether that is a gateway.
    fn route_inside(&mut self, end: &End<'a>) -> Option<(IpAddr, bool)> {
        let (state, dst) = (&end.pod.state, self.query.dst);
        let (proto, sport, dport) = (self.query.proto, self.query.sport, self.query.dport);
        let flow = Flow { src: self.query.from, proto, sport, dport, ..Flow::to(dst) };
        let found = lookup(state, &flow);
        let command = end.inside(&format!("ip route get {dst}"));
        let Answer::Route { key, place, src, .. } = &found.answer else {
            self.no_way(end, &found);
            return None;
        };
        self.src = self.query.from.or(*src);
        self.query.from = self.src;
        let text = words(state, key, *place);
        let kind = state.routes.get(key).and_then(|twins| twins.get(*place)).map(|route| route.kind);
        if matches!(kind, Some(RouteKind::Local | RouteKind::Broadcast | RouteKind::Anycast)) {
            self.pass("pod-route", format!("{text}: the pod itself"), command);
            return None;
        }
        let leg = first(&found.answer).filter(|leg| leg.hop.dev == Some(end.dev));
        let Some(leg) = leg.filter(|_| found.refusal(state).is_none()) else {
            self.no_way(end, &found);
            return None;
        };
        self.pass("pod-route", text, command);
        Some((leg.hop.via.unwrap_or(dst), leg.hop.via.is_some()))
    }

    /// The pod's tables do not lead to its node.
    fn no_way(&mut self, end: &End<'_>, found: &Lookup) {
        let text = answer_words(&end.pod.state, found);
        let have = match found.answer {
            Answer::NoRoute => None,
            _ => Some(text.as_str()),
        };
        let repair = self.gateway(end, None).map(|net| (net.addr(), end.dev));
        let how = end.how();
        let finding =
            word::no_route(self.host(), &end.pod.name, self.query.dst, have, repair, how.as_deref());
        let told = Verdict::Rejected("network is unreachable".to_owned());
        self.fail("pod-route", text, finding, told);
    }

    /// Through the pair and the bridge's port to whoever has `ask`.
    fn onto_bridge(&mut self, end: &End<'a>, ask: IpAddr, gateway: bool) -> Option<Next<'a>> {
        self.pair_fits(end, end.inner.mtu, false);
        if self.end.is_some() {
            return None;
        }
        let object = format!("{} = {}, both up", end.shown(), end.port);
        self.pass("veth", object, format!("ip -d link show dev {}", end.port));
        if let Some((object, finding)) = self.wire_fault(end, None) {
            self.fail("bridge", object, finding, Verdict::Dropped);
            return None;
        }
        let Some(bridge) = end.outer.master else {
            self.pass(
                "bridge",
                format!("{} is in no bridge", end.port),
                format!("ip link show {}", end.port),
            );
            return Some(Next::Node(end.port));
        };
        if self.node.state.owner_of(ask).is_none() && gateway {
            let finding = self.without_gateway(end, bridge, ask);
            self.fail("bridge", format!("{ask} is not on {bridge}"), finding, Verdict::Dropped);
            return None;
        }
        let line = self.port_line(end, bridge);
        self.pass("bridge", line, format!("flanctl fdb show --dev {bridge}"));
        if self.node.state.owner_of(ask).is_some() {
            return Some(Next::Node(bridge));
        }
        let other = self.end_with(ask);
        if other.is_none() {
            self.beside_unknown(ask, bridge);
        }
        other.map(Next::Pod)
    }

    /// The pods' gateway is nobody's: the bridge has kept another subnet, or none.
    fn without_gateway(&self, end: &End<'_>, bridge: IfName, ask: IpAddr) -> Finding {
        let own = end.pod.state.addrs_of(end.dev).map(|(net, _)| net).find(|net| net.contains(&ask));
        let want = own.and_then(|net| IpNet::new(ask, net.prefix_len()).ok()).unwrap_or(IpNet::from(ask));
        let networks = self.sight.conf.map(|conf| conf.networks()).unwrap_or_default();
        let mut have = self.node.state.addrs_of(bridge).map(|(net, _)| net);
        let stale = have.find(|net| networks.iter().any(|all| all.contains(net)));
        match stale {
            Some(have) => word::bridge_stale(self.host(), bridge, have, want),
            None => word::bridge_bare(self.host(), bridge, want),
        }
    }

    /// What the pod takes for the MAC of the next one.
    fn neighbour_inside(&mut self, end: &End<'_>, ask: IpAddr, next: &Next<'_>) {
        let real: Option<Mac> = match next {
            Next::Node(dev) => self.node.state.links.get(dev).and_then(|link| link.mac),
            Next::Pod(other) => other.inner.mac,
        };
        let have = end.pod.state.neighs.get(&NeighKey { dev: end.dev, ip: ask });
        let command = end.inside(&format!("ip neigh show {ask} dev {}", end.dev));
        let known =
            have.filter(|have| have.state & KNOWN != 0).and_then(|have| Some((have.mac?, have.state)));
        let Some((mac, state)) = known else {
            let object = format!("{ask} dev {}: asked when it is sent", end.dev);
            self.pass("pod-neighbour", object, command);
            return;
        };
        if let Some(real) = real.filter(|real| *real != mac) {
            let have = format!("{ask} dev {} lladdr {mac}", end.dev);
            let how = end.how();
            let name = &end.pod.name;
            let finding = word::neigh(self.host(), name, ask, end.dev, &have, Some(real), how.as_deref());
            return self.fail("pod-neighbour", have, finding, Verdict::Dropped);
        }
        let object = format!("{ask} = {mac} {}", neigh_state(state));
        self.pass("pod-neighbour", object, command);
    }

    /// From port to port, past the node's own routing.
    fn bridged(&mut self, end: &End<'_>, other: &End<'_>) {
        let Some(bridge) = end.outer.master else { return };
        if let Some((object, finding)) = self.wire_fault(other, Some(bridge)) {
            return self.fail("port", object, finding, Verdict::Dropped);
        }
        let shut = |end: &End<'_>| end.outer.port.as_ref().is_some_and(|port| port.isolated);
        if shut(end) && shut(other) {
            let finding = word::bridge_port(self.host(), &end.pod.name, end.port, bridge, Port::Isolated);
            return self.fail("port", self.port_line(other, bridge), finding, Verdict::Dropped);
        }
        self.bridge_firewall(bridge);
        if self.end.is_none() {
            self.by_port(other, bridge);
        }
    }

    /// With br_netfilter the rules for forwarded packets see what a bridge carries.
    fn bridge_firewall(&mut self, bridge: IfName) {
        let Some(src) = self.src else { return };
        let tables = if src.is_ipv6() { "ip6tables" } else { "iptables" };
        let key = format!("net.bridge.bridge-nf-call-{tables}");
        if self.node.state.fact(&format!("sysctl:{key}")) != Some("1") {
            return;
        }
        let packet = Packet { bridged: true, ..self.packet(src, Some(bridge), Some(bridge)) };
        let traffic = Traffic::Pair(src, self.query.dst);
        if self.hook("firewall", Hook::Forward, &packet, (At::Forward, traffic)).is_some() {
            self.pass("firewall", "forward accepts what the bridge carries", "nft list ruleset");
        }
    }

    /// A pod sends larger packets than the tunnel that it goes through takes.
    fn inner_size(&mut self, end: &End<'_>) {
        let Some(Exit::Tunnel(peer)) = &self.exit else { return };
        let tunnel = peer.dev;
        let room = self.node.state.links.get(&tunnel).map_or(u32::MAX, |link| link.mtu);
        if !self.role.reply && end.inner.mtu > room {
            let how = end.how();
            let wide = (end.dev, end.inner.mtu);
            let finding = mtu::inner(self.host(), &end.pod.name, wide, (tunnel, room), how.as_deref());
            self.findings.push(finding);
        }
    }
}
