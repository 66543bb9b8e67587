//! The node's own decisions: rules, routes, reverse path filter, forwarding.

use std::net::IpAddr;

use ipnet::IpNet;

use super::words::{answer_words, asked, diversion, first, proto, refusal, runners_up, told, words};
use super::{Exit, Mark, Verdict, Walk};
use crate::finding::repair::{Obstacle, PeerRows};
use crate::finding::{lease, outer, route, rule};
use crate::net::IfName;
use crate::plan::rule_selectors;
use crate::state::fib::{Answer, Entry, Flow, Leg, Lookup, input, lookup};
use crate::state::{RouteKey, RouteKind, table};

/// The priority of the rule that asks the main table.
const MAIN: u32 = 32766;

/// What the tables do with the packet.
enum Way {
    /// It leaves by this leg of this route.
    Out(Leg, RouteKey),
    /// It is for this node: the route in words.
    Here(String),
}

impl Walk<'_> {
    /// From the first look-up to the device that the packet leaves by.
    pub(super) fn depart(&mut self) {
        let iif = self.input_device();
        if !self.settled && self.rewritten(iif) {
            return;
        }
        let peer = self.promised.owner(self.query.dst).cloned().or_else(|| self.shared());
        if let Some(peer) = peer.as_ref().filter(|peer| !peer.direct) {
            self.device(peer);
            if self.end.is_some() {
                return;
            }
        } else if peer.is_none() && self.owned_by_nobody() {
            return;
        }
        let flow = self.flow(iif);
        self.asked.get_or_insert_with(|| flow.clone());
        let (found, entry) = match iif {
            Some(_) => {
                let (found, entry) = input(&self.node.state, &flow);
                (found, Some(entry))
            }
            None => (lookup(&self.node.state, &flow), None),
        };
        let Some(way) = self.route(&flow, &found, peer.as_ref()) else { return };
        if let Some(entry) = entry {
            self.let_in(&flow, &entry);
        }
        if self.end.is_some() {
            return;
        }
        match way {
            Way::Here(object) => self.stays(iif, &object),
            Way::Out(leg, key) => {
                self.firewall(iif, leg.hop.dev);
                if self.end.is_none() {
                    self.leave(leg, key, peer);
                }
            }
        }
    }

    /// It ends on this node.
    fn stays(&mut self, iif: Option<IfName>, object: &str) {
        self.input_firewall(iif);
        if self.end.is_none() {
            let dst = self.query.dst;
            self.pass("delivery", format!("this node itself: {object}"), format!("ip route get {dst}"));
            self.exit = Some(Exit::Here);
        }
    }

    /// A packet with a source that is not this host's comes in by the device that leads back to it.
    fn input_device(&self) -> Option<IfName> {
        let from = self.query.from?;
        self.query.iif.or_else(|| {
            let state = &self.node.state;
            let foreign = state.owner_of(from).is_none();
            // From a net of this host it comes there, wherever the way back leads: that is what the filter is for.
            let on = |net: &IpNet| net.contains(&from) && net.prefix_len() < net.max_prefix_len();
            let near = state.addrs.keys().filter(|held| on(&held.net));
            let near = near.max_by_key(|held| held.net.prefix_len()).map(|held| held.dev);
            let back = || first(&lookup(state, &Flow::to(from)).answer)?.hop.dev;
            foreign.then(|| near.or_else(back)).flatten()
        })
    }

    /// True if the destination lies in the network and no lease covers it: then nothing of what follows matters.
    fn owned_by_nobody(&mut self) -> bool {
        let dst = self.query.dst;
        let networks = self.sight.conf.map(|conf| conf.networks()).unwrap_or_default();
        let Some(net) = networks.iter().find(|net| net.contains(&dst)) else { return false };
        if self.sight.leases.is_none() || self.promised.own.iter().any(|own| own.contains(&dst)) {
            return false;
        }
        let refused = self.promised.refused.iter().find(|(net, ..)| net.contains(&dst));
        let finding = match refused {
            Some((_, owner, why)) => lease::refused(self.host(), owner, why),
            None => lease::none(self.host(), dst, None, Some(&net.to_string())),
        };
        let cause = finding.cause.clone();
        self.fail("lease", cause, finding, Verdict::Dropped);
        true
    }

    /// Rule and route; the leg that the packet takes, unless it ends here.
    fn route(&mut self, flow: &Flow, found: &Lookup, peer: Option<&PeerRows>) -> Option<Way> {
        let command = asked(flow);
        self.rule_step(found);
        match &found.answer {
            Answer::Route { key, place, src, .. } => {
                self.src = self.src.or(*src);
                let words = words(&self.node.state, key, *place);
                if let Some(kind) = found.refusal(&self.node.state) {
                    self.refused(kind, &words, proto(&self.node.state, key, *place), peer);
                    return None;
                }
                if self.is_own(key, *place) {
                    return self.kept(&words, peer);
                }
                let leg = first(&found.answer)?;
                if let Some(peer) = peer {
                    self.held_against(peer, found, (key, *place), &words);
                }
                if self.end.is_some() {
                    return None;
                }
                let more = runners_up(&self.node.state, found);
                let agrees = peer.map(|peer| format!("lease {}", peer.node));
                let step = self.pass("route", words, command);
                (step.lease, step.more) = (agrees, more);
                Some(Way::Out(leg, *key))
            }
            Answer::Refused(kind) => {
                let (obstacle, how) = (self.rule_of(found), refusal(*kind));
                let finding = rule::prohibits(self.host(), &obstacle, how);
                self.fail("rule", obstacle.to_string(), finding, told(how));
                None
            }
            Answer::NoRoute => {
                let finding = match peer {
                    Some(peer) => route::missing(self.host(), peer),
                    None => self.unrouted().unwrap_or_else(|| route::nowhere(self.host(), self.query.dst)),
                };
                self.fail(
                    "route",
                    "no route",
                    finding,
                    Verdict::Rejected("network is unreachable".to_owned()),
                );
                None
            }
            Answer::OnLink { .. } | Answer::Invalid(_) => {
                let finding = route::nowhere(self.host(), self.query.dst)
                    .evidence(format!("the kernel's answer: {:?}", found.answer));
                self.fail(
                    "route",
                    "the kernel does not send this",
                    finding,
                    Verdict::Rejected("invalid argument".to_owned()),
                );
                None
            }
        }
    }

    fn rule_step(&mut self, found: &Lookup) {
        let text = found.rule.map(|_| self.rule_of(found).to_string());
        let passed = found.passed.iter().map(|(place, why)| format!("rule {}: {why}", self.pref(*place)));
        let more: Vec<String> = passed.collect();
        if let (Some(text), false) = (text, matches!(found.answer, Answer::Refused(_))) {
            self.pass("rule", text, "ip rule").more = more;
        }
    }

    fn pref(&self, place: usize) -> u32 {
        self.node.state.rules.get(place).map_or(0, |rule| rule.priority)
    }

    pub(super) fn rule_of(&self, found: &Lookup) -> Obstacle {
        let rule = found.rule.and_then(|place| self.node.state.rules.get(place));
        let pref = rule.map_or(MAIN, |rule| rule.priority);
        let table = rule.map_or(table::MAIN, |rule| rule.table);
        let to = match table {
            table::MAIN => "lookup main".to_owned(),
            table::LOCAL => "lookup local".to_owned(),
            other => format!("lookup {other}"),
        };
        let text = match &found.answer {
            Answer::Refused(kind) => format!("{pref}: {}", kind.word()),
            _ => format!("{pref}: {to}"),
        };
        let v6 = rule.map_or(self.query.dst.is_ipv6(), |rule| rule.v6);
        let among = found.rule.and_then(|place| rule_selectors(&self.node.state.rules, place));
        Obstacle::Rule { pref, v6, text, among }
    }

    fn refused(&mut self, kind: RouteKind, words: &str, by: String, peer: Option<&PeerRows>) {
        let how = refusal(kind);
        let own = peer.filter(|peer| words.split(' ').nth(1) == Some(&peer.net.to_string()));
        let finding = route::refused(self.host(), how, self.query.dst, words, &by, own);
        self.fail("route", words, finding, told(how));
    }

    /// True if the route leads to this host itself.
    fn is_own(&self, key: &RouteKey, place: usize) -> bool {
        let kind = self.node.state.routes.get(key).and_then(|twins| twins.get(place)).map(|route| route.kind);
        matches!(kind, Some(RouteKind::Local | RouteKind::Anycast | RouteKind::Broadcast))
    }

    /// A destination that is this host's own: right, unless it is in a peer's subnet.
    fn kept(&mut self, words: &str, peer: Option<&PeerRows>) -> Option<Way> {
        let dst = self.query.dst;
        let Some(peer) = peer else {
            self.pass("route", words, format!("ip route get {dst}"));
            return Some(Way::Here(words.to_owned()));
        };
        let held = self.node.state.addrs.keys().find(|held| held.net.addr() == dst);
        let by = match held {
            Some(held) => Obstacle::Address { net: held.net, dev: held.dev },
            None => Obstacle::Route(words.to_owned()),
        };
        let finding = route::local(self.host(), dst, &by, peer);
        self.fail("route", words, finding, Verdict::Misdelivered);
        None
    }

    /// The route beside the one that the lease asks for.
    fn held_against(
        &mut self,
        peer: &PeerRows,
        found: &Lookup,
        (key, place): (&RouteKey, usize),
        words: &str,
    ) {
        let Answer::Route { legs, .. } = &found.answer else { return };
        let via = if peer.direct { peer.public } else { peer.gateway() };
        let right = |leg: &Leg| leg.hop.via == Some(via) && (peer.direct || leg.hop.dev == Some(peer.dev));
        let arrives = legs.iter().all(|leg| self.arrives_beside(peer, leg));
        if legs.iter().all(right) || (arrives && self.role.far && self.role.reply) {
            return;
        }
        let (state, host) = (&self.node.state, self.host());
        let by = proto(state, key, place);
        let pref = found.rule.map_or(MAIN, |place| self.pref(place));
        let finding = match legs.iter().find(|leg| !right(leg)) {
            Some(leg) if legs.iter().any(right) => {
                let text = leg.hop.via.map_or_else(String::new, |via| format!("via {via}"));
                let why = format!("{} does not own {}", text, peer.net);
                let instead = key.dst == peer.net;
                let repair = || Obstacle::Route(words.to_owned()).remove();
                let repair = if instead { peer.set_route() } else { repair() };
                route::dead_leg(host, self.query.dst, words, &text, &why, repair)
            }
            _ if pref != MAIN && !matches!(key.table, table::MAIN | table::LOCAL) => {
                rule::diverts(host, &self.rule_of(found), words, &peer.route())
            }
            _ if key.dst == peer.net && !found.runners_up.iter().any(|(other, _)| other.dst == peer.net) => {
                route::wrong(host, peer, words)
            }
            _ if key.dst.prefix_len() < peer.net.prefix_len() => {
                route::missing(host, peer).evidence(format!("so it takes {words}"))
            }
            _ => route::shadowed(host, peer, words, &by),
        };
        if arrives {
            return self.findings.push(finding);
        }
        self.fail("route", words, finding, Verdict::Dropped);
    }

    /// Reverse path filter and forwarding, as the kernel's input path decides them.
    pub(super) fn let_in(&mut self, flow: &Flow, entry: &Entry) {
        let (Some(dev), Some(src)) = (flow.iif, flow.src) else { return };
        let v6 = flow.dst.is_ipv6();
        let key = format!("net.ipv{}.conf.{dev}.forwarding", if v6 { 6 } else { 4 });
        match entry {
            Entry::Forwarded => {
                self.pass("forward", format!("{key} = 1"), format!("sysctl {key}"));
            }
            Entry::Local | Entry::Broadcast => {}
            Entry::ForwardingOff => {
                let spelt = dev.as_str().replace('.', "/");
                let one = format!("net.ipv{}.conf.{spelt}.forwarding", if v6 { 6 } else { 4 });
                let off = self.node.state.fact("sysctl:net.ipv4.ip_forward") == Some("0");
                let all = if v6 { "net.ipv6.conf.all.forwarding" } else { "net.ipv4.ip_forward" };
                let key = if v6 || off { all } else { &one };
                let finding = rule::forwarding_off(self.host(), v6, Some(dev), key);
                self.fail("forward", format!("{key} = 0"), finding, Verdict::Dropped);
            }
            Entry::ReversePath(reverse) => {
                let back = reverse.back.as_ref().map(|back| answer_words(&self.node.state, back));
                let instead = reverse.back.as_ref().and_then(|back| self.promised_instead(src, dev, back));
                let obstacle = reverse.back.as_ref().and_then(|back| diversion(&self.node.state, back));
                let what = rule::Rejected {
                    dev,
                    value: u32::from(reverse.mode),
                    src,
                    back: back.as_deref(),
                    obstacle: obstacle.filter(|_| instead.is_none()),
                    repair: instead,
                };
                let finding = rule::rejected(self.host(), what);
                self.fail("rpfilter", format!("rp_filter = {}", reverse.mode), finding, Verdict::Dropped);
            }
            Entry::Martian(_) | Entry::Refused => {
                let finding = route::nowhere(self.host(), self.query.dst)
                    .evidence(format!("the kernel takes {src} on {dev} for a martian: {entry:?}"));
                self.fail("rpfilter", format!("{src} on {dev}"), finding, Verdict::Dropped);
            }
        }
    }

    /// The promised route to a peer's pod, where what stands in its place is what leads away from `dev`.
    fn promised_instead(&self, src: IpAddr, dev: IfName, back: &Lookup) -> Option<String> {
        let peer = self.promised.owner(src).filter(|peer| peer.dev == dev)?;
        let stands = match &back.answer {
            Answer::Route { key, .. } => key.dst == peer.net || key.dst.prefix_len() < peer.net.prefix_len(),
            _ => true,
        };
        stands.then(|| peer.set_route())
    }

    /// Out by a device: the tunnel for a peer's pod, else whatever the route says.
    fn leave(&mut self, leg: Leg, key: RouteKey, peer: Option<PeerRows>) {
        match peer {
            Some(peer) if leg.hop.dev != Some(peer.dev) => {
                let to = leg.hop.via.map_or(self.query.dst, |_| peer.public);
                self.underlay(if peer.direct { peer.public } else { to }, &peer.node, leg, None);
                self.exit = leg.hop.dev.map(Exit::Wire);
            }
            Some(peer) => {
                self.through(&peer);
                self.exit = Some(Exit::Tunnel(peer));
            }
            None => self.plain(leg, key),
        }
    }

    /// A route that is no overlay's.
    fn plain(&mut self, leg: Leg, key: RouteKey) {
        let Some(dev) = leg.hop.dev else { return };
        let ask = leg.hop.via.unwrap_or(self.query.dst);
        if self.carries_pods(dev) {
            return self.deliver(ask, dev);
        }
        self.strays(dev, &key);
        if self.end.is_some() {
            return;
        }
        self.exit = Some(Exit::Wire(dev));
        if self.by_kind(leg, &key) {
            return;
        }
        let (up, lower_up) = self.node.state.links.get(&dev).map_or((true, true), |l| (l.up, l.lower_up));
        if !up || !lower_up {
            let finding = outer::down(self.host(), dev, up);
            return self.fail("outer", finding.cause.clone(), finding, Verdict::Dropped);
        }
        self.neighbour_of("neighbour", ask, dev, &key.dst.to_string());
    }

    /// The neighbour of a plain hop; failed ones end the packet.
    pub(super) fn neighbour_of(&mut self, id: &str, ask: IpAddr, dev: IfName, name: &str) {
        let key = crate::state::NeighKey { dev, ip: ask };
        let command = format!("ip neigh show {ask} dev {dev}");
        let Some(have) = self.node.state.neighs.get(&key) else {
            self.handed = Some((ask, dev));
            let object = format!("{ask} dev {dev}: not resolved yet, the kernel asks when it sends");
            self.pass(id, object, command);
            return;
        };
        let state = crate::readings::neigh_state(have.state);
        use crate::state::nud::{FAILED, INCOMPLETE};
        if have.state & (FAILED | INCOMPLETE) != 0 {
            let what = outer::Silent { peer: name, to: ask, ask, dev, state: &state };
            let finding = outer::neigh(self.host(), what);
            return self.fail(id, format!("{ask} dev {dev} {state}"), finding, Verdict::Dropped);
        }
        let mac = have.mac.map(|mac| format!(" = {mac}")).unwrap_or_default();
        self.handed = Some((ask, dev));
        self.step(id, Mark::Ok, format!("{ask}{mac} dev {dev} {state}"), command);
    }
}
