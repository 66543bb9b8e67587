//! The firewall's hooks on a packet's way, and on its outer packet's.

use std::net::IpAddr;

use super::{Mark, Query, Verdict, Walk};
use crate::finding::filter::{self, At, Traffic};
use crate::firewall::{AddrType, Hook, Outcome, Packet, RuleRef, Verdict as Fate, walk};
use crate::net::IfName;

/// An echo request, of both families.
const ECHO: u8 = 8;
const ECHO_V6: u8 = 128;

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

    /// The hooks between the routing decision and the device that the packet leaves by.
    pub(super) fn firewall(&mut self, iif: Option<IfName>, oif: Option<IfName>) {
        let Some(src) = self.src else {
            return self.unseen("firewall", "the packet's source is not known", "nft list ruleset");
        };
        let mut packet = self.packet(src, iif, oif);
        let (first, at) =
            if iif.is_some() { (Hook::Forward, At::Forward) } else { (Hook::Output, At::Output) };
        let traffic = Traffic::Pair(src, self.query.dst);
        let mut told = Vec::new();
        for hook in [first, Hook::Postrouting] {
            let Some(outcome) = self.hook("firewall", hook, &packet, (at, traffic)) else { return };
            told.extend(outcome.matched.iter().map(line));
            if hook == Hook::Postrouting && outcome.packet.src != src {
                self.masqueraded(outcome.nat.as_ref(), (src, outcome.packet.src), &mut told);
            }
            packet = outcome.packet;
        }
        let object = format!("{} and postrouting accept", word(first));
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
    fn hook(
        &mut self,
        id: &'static str,
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
            Fate::Drop => Verdict::Dropped,
            Fate::Reject(with) => Verdict::Rejected(with.clone()),
        };
        let Some(by) = outcome.by.as_ref() else { return Some(outcome) };
        let finding = filter::blocked(self.host(), at, by, traffic);
        self.fail(id, line(by), finding, verdict);
        None
    }

    fn hidden(&mut self, id: &'static str, why: &str) {
        self.step(id, Mark::Unseen, why.to_owned(), "nft list ruleset".to_owned());
        let finding = filter::hidden(self.host(), why);
        self.findings.push(finding);
    }

    /// A new source is right towards the world, and wrong between pods.
    fn masqueraded(&mut self, by: Option<&RuleRef>, (was, is): (IpAddr, IpAddr), told: &mut Vec<String>) {
        told.push(format!("the source becomes {is}"));
        let dst = self.query.dst;
        let networks = self.sight.conf.map(|conf| conf.networks()).unwrap_or_default();
        let network = networks.iter().find(|net| net.contains(&was) && net.contains(&dst)).copied();
        if let (Some(by), Some(network)) = (by, network) {
            let finding = filter::masqueraded(self.host(), by, (was, dst), Some(network));
            self.findings.push(finding);
        }
    }

    fn packet(&self, src: IpAddr, iif: Option<IfName>, oif: Option<IfName>) -> Packet {
        let query = &self.query;
        let local = |ip: IpAddr| self.node.state.owner_of(ip).is_some();
        let kind = |ip: IpAddr| if local(ip) { AddrType::Local } else { AddrType::Unicast };
        let echo = match query.proto {
            1 => Some((ECHO, 0)),
            58 => Some((ECHO_V6, 0)),
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
            ..Packet::new(src, query.dst, query.proto)
        }
    }
}

fn word(hook: Hook) -> &'static str {
    match hook {
        Hook::Prerouting => "prerouting",
        Hook::Input => "input",
        Hook::Forward => "forward",
        Hook::Output => "output",
        Hook::Postrouting => "postrouting",
    }
}

fn line(rule: &RuleRef) -> String {
    format!("{} {}: {}", rule.table, rule.chain, rule.text)
}
