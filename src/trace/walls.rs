//! The firewall's hooks on a packet's way, and on its outer packet's.

use std::net::IpAddr;

use super::{Mark, Query, Verdict, Walk};
use crate::finding::filter::{self, At, Traffic};
use crate::firewall::{
    AddrType, Conn, Ct, Hook, Outcome, Owner, Packet, RuleRef, Ruleset, Verdict as Fate, walk,
};
use crate::net::IfName;
use crate::state::fib::{Answer, lookup};

/// An echo request, of both families.
const ECHO: u8 = 8;
const ECHO_V6: u8 = 128;
/// And the answers.
const ECHO_REPLY: u8 = 0;
const ECHO_REPLY_V6: u8 = 129;

impl Walk<'_> {
    /// Marks and new destinations that the packet gets before it is routed.
    pub(super) fn prerouting(&mut self, iif: Option<IfName>) {
        let (Some(src), Some(rules)) = (self.src, &self.node.state.firewall) else { return };
        let packet = self.packet(src, iif, None);
        let outcome = walk(rules, Hook::Prerouting, &packet);
        let now = &outcome.packet;
        if now.mark == packet.mark && now.dst == packet.dst && outcome.verdict == Fate::Accept {
            return;
        }
        let traffic = Traffic::Pair(src, self.query.dst);
        let Some(outcome) = self.hook("prerouting", Hook::Prerouting, &packet, (At::Forward, traffic)) else {
            return;
        };
        let (mark, dst) = (outcome.packet.mark, outcome.packet.dst);
        let object = format!("mark {mark:#x}, to {dst}");
        self.pass("prerouting", object, "nft list ruleset").more = outcome.matched.iter().map(line).collect();
        self.query = Query { mark, dst, dport: outcome.packet.dport, ..self.query.clone() };
    }

    /// What OUTPUT does to a packet of this host before it is under way: a mark or a new destination makes the kernel
    /// look up its route again.
    pub(super) fn rerouted(&mut self) {
        let state = &self.node.state;
        let Some(rules) = &state.firewall else { return };
        let found = lookup(state, &self.flow(None));
        let Answer::Route { legs, src, .. } = &found.answer else { return };
        let Some(src) = self.src.or(*src) else { return };
        let oif = legs.first().and_then(|leg| leg.hop.dev);
        let packet = self.packet(src, None, oif);
        let outcome = walk(rules, Hook::Output, &packet);
        let Packet { mark, dst, dport, .. } = outcome.packet;
        let elsewhere = dst != packet.dst;
        if outcome.verdict.stops() || !(elsewhere || (mark != packet.mark && reroutes(rules, &outcome))) {
            return;
        }
        let object = if elsewhere { format!("to {dst}") } else { format!("mark {mark:#x}") };
        let step = self.pass("output", format!("{object}: looked up again"), "nft list ruleset");
        step.more = outcome.matched.iter().map(line).collect();
        self.sent = Some(packet);
        self.query = Query { mark, dst, dport, ..self.query.clone() };
    }

    /// The hooks between the routing decision and the device that the packet leaves by.
    pub(super) fn firewall(&mut self, iif: Option<IfName>, oif: Option<IfName>) {
        let Some(src) = self.src else {
            return self.unseen("firewall", "the packet's source is not known", "nft list ruleset");
        };
        let (first, at) =
            if iif.is_some() { (Hook::Forward, At::Forward) } else { (Hook::Output, At::Output) };
        let traffic = Traffic::Pair(src, self.query.dst);
        let packet = self.sent.take().unwrap_or_else(|| self.packet(src, iif, oif));
        let Some(outcome) = self.hook("firewall", first, &packet, (at, traffic)) else { return };
        let mut told: Vec<String> = outcome.matched.iter().map(line).collect();
        let Packet { oif, own, .. } = self.packet(src, iif, oif);
        let packet = Packet { oif, own, ..outcome.packet };
        let Some(outcome) = self.hook("firewall", Hook::Postrouting, &packet, (at, traffic)) else { return };
        told.extend(outcome.matched.iter().map(line));
        let object = format!("{} and postrouting accept", word(first));
        self.pass("firewall", object, "nft list ruleset").more = told;
        // The tunnel's packet bears the mark that its content has by now.
        self.query.mark = outcome.packet.mark;
        if outcome.packet.src != src {
            self.masqueraded(outcome.nat.as_ref(), (src, outcome.packet.src));
        }
    }

    /// The hooks on the way into this node itself.
    pub(super) fn input_firewall(&mut self, iif: Option<IfName>) {
        let Some(src) = self.src else {
            return self.unseen("firewall", "the packet's source is not known", "nft list ruleset");
        };
        let traffic = Traffic::Pair(src, self.query.dst);
        let mut packet = self.packet(src, iif, None);
        let mut told = Vec::new();
        let hooks: &[(Hook, At)] = match iif {
            Some(_) => &[(Hook::Input, At::Input)],
            None => &[
                (Hook::Output, At::Output),
                (Hook::Postrouting, At::Output),
                (Hook::Prerouting, At::Input),
                (Hook::Input, At::Input),
            ],
        };
        for (hook, at) in hooks {
            if iif.is_none() {
                let lo = Some("lo".to_owned());
                let comes = matches!(hook, Hook::Prerouting | Hook::Input);
                (packet.iif, packet.oif) = if comes { (lo, None) } else { (None, lo) };
            }
            let Some(outcome) = self.hook("firewall", *hook, &packet, (*at, traffic)) else { return };
            told.extend(outcome.matched.iter().map(line));
            packet = outcome.packet;
        }
        let object = if iif.is_some() { "input accepts" } else { "output and input accept" };
        self.pass("firewall", object, "nft list ruleset").more = told;
    }

    /// OUTPUT and POSTROUTING of the tunnel's own packet.
    pub(super) fn outer_firewall(&mut self, src: Option<IpAddr>, to: IpAddr, port: u16, oif: Option<IfName>) {
        let Some(src) = src else { return };
        let packet = Packet {
            dport: Some(port),
            oif: oif.map(|dev| dev.to_string()),
            src_type: Some(AddrType::Local),
            dst_type: Some(AddrType::Unicast),
            len: self.query.size,
            mark: self.query.mark,
            ..Packet::new(src, to, 17)
        };
        for hook in [Hook::Output, Hook::Postrouting] {
            let at = (At::Output, Traffic::Tunnel(port));
            if self.hook("outer-firewall", hook, &packet, at).is_none() {
                return;
            }
        }
        let object = format!("output and postrouting accept udp {port}");
        self.pass("outer-firewall", object, "nft list ruleset");
    }

    /// One hook; `None` if it ends the way or cannot be judged, which is said.
    pub(super) fn hook(
        &mut self,
        id: &str,
        hook: Hook,
        packet: &Packet,
        (at, traffic): (At, Traffic),
    ) -> Option<Outcome> {
        let Some(rules) = &self.node.state.firewall else {
            self.hidden(id, "it was not read");
            return None;
        };
        let outcome = walk(rules, hook, packet);
        let verdict = match &outcome.verdict {
            Fate::Accept if rules.unseen.is_empty() => return Some(outcome),
            Fate::Accept => {
                let why = rules.unseen.join("; ");
                self.hidden(id, &why);
                return None;
            }
            Fate::Unsure(what) => {
                let why = format!("{} depends on {}", word(hook), what.join(", "));
                self.unseen(id, &why, "nft list ruleset");
                return None;
            }
            stopped => fate(stopped),
        };
        let Some(by) = outcome.by.as_ref() else { return Some(outcome) };
        let finding = filter::blocked(self.host(), at, by, traffic);
        self.fail(id, line(by), finding, verdict);
        None
    }

    fn hidden(&mut self, id: &str, why: &str) {
        self.step(id, Mark::Unseen, why.to_owned(), "nft list ruleset".to_owned());
        let finding = filter::hidden(self.host(), why);
        self.findings.push(finding);
    }

    /// A new source is right towards the world, and wrong between pods.
    fn masqueraded(&mut self, by: Option<&RuleRef>, (was, is): (IpAddr, IpAddr)) {
        self.masked = Some(is);
        let step = self.pass("postrouting", format!("the source becomes {is}"), "nft list ruleset");
        step.more = by.map(line).into_iter().collect();
        let dst = self.query.dst;
        let networks = self.sight.conf.map(|conf| conf.networks()).unwrap_or_default();
        let network = networks.iter().find(|net| net.contains(&was) && net.contains(&dst)).copied();
        if let (Some(by), Some(network)) = (by, network) {
            let finding = filter::masqueraded(self.host(), by, (was, dst), Some(network));
            self.findings.push(finding);
        }
    }

    pub(super) fn packet(&self, src: IpAddr, iif: Option<IfName>, oif: Option<IfName>) -> Packet {
        let query = &self.query;
        let local = |ip: IpAddr| self.node.state.owner_of(ip).is_some();
        let kind = |ip: IpAddr| if local(ip) { AddrType::Local } else { AddrType::Unicast };
        let reply = self.role.reply;
        let echo = match query.proto {
            1 => Some((if reply { ECHO_REPLY } else { ECHO }, 0)),
            58 => Some((if reply { ECHO_REPLY_V6 } else { ECHO_V6 }, 0)),
            _ => None,
        };
        let same = |dev: &IfName| {
            let mine = self.node.state.addrs_of(*dev).map(|(net, _)| net.addr());
            mine.into_iter().find(|ip| ip.is_ipv4() == query.dst.is_ipv4())
        };
        Packet {
            sport: query.sport,
            dport: query.dport,
            icmp: echo,
            iif: iif.map(|dev| dev.to_string()),
            oif: oif.map(|dev| dev.to_string()),
            mark: query.mark,
            len: query.size,
            src_type: Some(kind(src)),
            dst_type: Some(kind(query.dst)),
            own: oif.as_ref().and_then(same),
            ct: if reply { Ct::Established } else { Ct::New },
            conn: self.tracked.clone().unwrap_or(Conn { reply: Some(reply), ..Conn::default() }),
            ..Packet::new(src, query.dst, query.proto)
        }
    }
}

/// True if a chain whose marks are looked at again set one: nft's of type route, iptables' mangle.
fn reroutes(rules: &Ruleset, outcome: &Outcome) -> bool {
    outcome.matched.iter().any(|rule| match rule.owner {
        Owner::IptablesNft | Owner::IptablesLegacy => rule.table.ends_with(" mangle"),
        Owner::Nft => rules.tables.iter().any(|table| {
            let bases = || table.chains.iter().filter_map(|chain| chain.base.as_ref());
            rule.table == format!("{} {}", table.family, table.name)
                && bases().any(|base| base.kind == "route" && base.hook == Some(Hook::Output))
        }),
    })
}

pub(super) fn word(hook: Hook) -> &'static str {
    match hook {
        Hook::Prerouting => "prerouting",
        Hook::Input => "input",
        Hook::Forward => "forward",
        Hook::Output => "output",
        Hook::Postrouting => "postrouting",
    }
}

/// What refuses a packet, as the end of its way.
pub(super) fn fate(verdict: &Fate) -> Verdict {
    match verdict {
        Fate::Reject(with) => Verdict::Rejected(with.clone()),
        _ => Verdict::Dropped,
    }
}

pub(super) fn line(rule: &RuleRef) -> String {
    format!("{} {}: {}", rule.table, rule.chain, rule.text)
}
