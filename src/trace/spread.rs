//! A service: what goes to its address goes to one of several servers, drawn anew for each connection. Each of them is
//! listed, and followed as if it had been drawn. IPVS, and rules that draw a new destination.

use std::net::IpAddr;

use serde::Serialize;

use super::far::{Reach, reach};
use super::{Far, Handed, Mark, Query, Role, Step, Verdict, Walk};
use crate::finding::{Finding, tunnel};
use crate::firewall::{Hook, Packet, Verdict as Fate, Way, walk};
use crate::net::IfName;
use crate::state::fib::{Answer, lookup};
use crate::state::ipvs::{Matches, Server, Service};

/// Most servers that are followed one by one.
const MOST: usize = 64;

/// One server's way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Branch {
    /// The server, and what the service says of it.
    pub to: String,
    /// What becomes of the packet if it is drawn; a word, as that of the whole path.
    #[serde(serialize_with = "word")]
    pub verdict: Verdict,
    /// Stages from the draw on.
    pub stages: Vec<Step>,
    /// The node that it goes to then, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub far: Option<Far>,
    /// The last host that was seen to take it, where it leaves this node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handed: Option<Handed>,
}

fn word<S: serde::Serializer>(verdict: &Verdict, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(verdict.word())
}

impl Verdict {
    fn arrives(&self) -> bool {
        matches!(self, Self::Delivered | Self::DeliveredIf)
    }
}

impl<'a> Walk<'a> {
    /// Marks and new destinations that the packet gets before it is routed. True if that is the end of it, or it was
    /// followed to each of several servers.
    pub(super) fn rewritten(&mut self, iif: Option<IfName>) -> bool {
        if self.drawn(iif) {
            return true;
        }
        match iif {
            Some(_) => self.prerouting(iif),
            None => self.rerouted(),
        }
        self.end.is_some() || self.balanced()
    }

    /// Rules that draw the destination from several. True if the packet was followed from there on.
    fn drawn(&mut self, iif: Option<IfName>) -> bool {
        let node = self.node;
        let Some(rules) = &node.state.firewall else { return false };
        let (hook, packet) = match (iif, self.src) {
            (Some(_), Some(src)) => (Hook::Prerouting, Some(self.packet(src, iif, None))),
            (Some(_), None) => return false,
            (None, _) => (Hook::Output, self.outgoing()),
        };
        let Some(packet) = packet else { return false };
        let outcome = walk(rules, hook, &packet);
        let mut ways: Vec<&Way> = Vec::new();
        for way in &outcome.ways {
            let key = |way: &Way| (way.packet.dst, way.packet.dport, way.packet.mark);
            if !ways.iter().any(|known| key(known) == key(way)) {
                ways.push(way);
            }
        }
        let ends = outcome.ways.iter().all(|way| way.verdict == Fate::Accept);
        let servers = ways.iter().map(|way| (way.packet.dst, way.packet.dport));
        let several = servers.collect::<std::collections::BTreeSet<_>>().len() > 1;
        if !ends || !several || ways.len() > MOST {
            return false;
        }
        let mut branches = Vec::new();
        for way in &ways {
            let Packet { src, dst, dport, mark, .. } = way.packet;
            let query = Query { dst, dport, mark, from: Some(src), iif, pod: None, ..self.query.clone() };
            let other = Self { tracked: Some(way.packet.conn.clone()), ..self.turned(query, Some(src)) };
            let port = dport.map(|port| format!(" port {port}")).unwrap_or_default();
            branches.push(self.followed(format!("{dst}{port}"), other));
        }
        let by =
            outcome.nat.as_ref().map_or_else(String::new, |by| format!(", by {} {}", by.table, by.chain));
        self.fork(format!("one of {} servers{by}", branches.len()), "nft list ruleset", branches);
        true
    }

    /// A packet of this host as OUTPUT sees it first.
    fn outgoing(&self) -> Option<Packet> {
        let found = lookup(&self.node.state, &self.flow(None));
        let Answer::Route { legs, src, .. } = &found.answer else { return None };
        let oif = legs.first().and_then(|leg| leg.hop.dev);
        Some(self.packet(self.src.or(*src)?, None, oif))
    }

    /// An IPVS service's address. True if the packet was followed from there on.
    fn balanced(&mut self) -> bool {
        let (node, Query { dst, proto, dport, mark, .. }) = (self.node, self.query.clone());
        let takes = |service: &&'a Service| match service.matches {
            Matches::Mark(number) => mark == number && mark != 0,
            Matches::Address { proto: of, .. } => {
                service.takes(dst, proto, dport) || (dport.is_none() && of == proto && service.is_at(dst))
            }
        };
        let services: Vec<&Service> = node.state.ipvs.iter().filter(takes).collect();
        let command = "ipvsadm -Ln";
        if services.is_empty() {
            let known: Vec<String> = node.state.ipvs.iter().filter(|s| s.is_at(dst)).map(named).collect();
            if !known.is_empty() {
                let object =
                    format!("{dst} is a service's address: {}; this is for none of them", known.join(", "));
                self.pass("service", object, command);
            }
            return false;
        }
        let all =
            services.iter().flat_map(|service| service.servers.iter().map(move |server| (*service, server)));
        let alive: Vec<(&Service, &Server)> =
            all.filter(|(_, server)| server.weight > 0).take(MOST).collect();
        let names: Vec<String> = services.iter().map(|service| named(service)).collect();
        if alive.is_empty() {
            let finding = tunnel::no_server(self.host(), &names.join(", "));
            let told = Verdict::Rejected("port unreachable".to_owned());
            self.fail("service", format!("{} has no server", names.join(", ")), finding, told);
            return true;
        }
        let mut branches = Vec::new();
        for (service, server) in alive {
            branches.push(self.served(server, services.len() > 1, service));
        }
        self.fork(format!("{} -> {} servers (IPVS)", names.join(", "), branches.len()), command, branches);
        true
    }

    fn served(&self, server: &Server, shown: bool, service: &Service) -> (Branch, Vec<Finding>) {
        let Server { ip, port, forward, weight } = server;
        let head = if shown { format!("{}: ", named(service)) } else { String::new() };
        let to = format!("{head}{ip} port {port} {forward} weight {weight}");
        // Sent on by this host, with the source that it has: the rules of OUTPUT see it, those of FORWARD do not.
        let query = Query {
            dst: *ip,
            dport: if *port == 0 { self.query.dport } else { Some(*port) },
            from: None,
            iif: None,
            pod: None,
            ..self.query.clone()
        };
        if matches!(forward.as_str(), "Masq" | "Local") {
            return self.followed(to, self.turned(query, self.src));
        }
        let why = format!("{to}: a server that is reached that way is not followed");
        let mut other = self.turned(query, self.src);
        other.unseen("service", &why, "ipvsadm -Ln");
        other.end = Some(Verdict::DeliveredIf);
        self.told(to, other)
    }

    /// The same packet with its new destination; what chooses one is behind it.
    fn turned(&self, query: Query, src: Option<IpAddr>) -> Self {
        Self { src, settled: true, ..self.again(query, self.role) }
    }

    fn followed(&self, to: String, mut other: Self) -> (Branch, Vec<Finding>) {
        other.depart();
        self.told(to, other)
    }

    fn told(&self, to: String, other: Self) -> (Branch, Vec<Finding>) {
        // A server's node is looked at by the packet that asked, not by its answer.
        let peers = if other.role == Role::NEAR { other.others } else { &[] };
        let Reach { beyond, far, handed } = reach(&other, peers);
        let Walk { mut steps, mut findings, end, .. } = other;
        let end = end.or(beyond.end);
        steps.extend(beyond.there);
        steps.extend(beyond.back);
        findings.extend(beyond.findings);
        let unseen = steps.iter().any(|step| step.mark == Mark::Unseen);
        let arrived = if unseen { Verdict::DeliveredIf } else { Verdict::Delivered };
        (Branch { to, verdict: end.unwrap_or(arrived), stages: steps, far, handed }, findings)
    }

    /// The stage at which one of several is drawn: it holds if all arrive, and is the end if none does.
    fn fork(&mut self, object: String, command: &str, branches: Vec<(Branch, Vec<Finding>)>) {
        let (branches, findings): (Vec<Branch>, Vec<Vec<Finding>>) = branches.into_iter().unzip();
        let mark = match branches.iter().filter(|branch| branch.verdict.arrives()).count() {
            0 => Mark::Bad,
            _ if branches.iter().all(|branch| branch.verdict == Verdict::Delivered) => Mark::Ok,
            _ => Mark::Unseen,
        };
        let lines = branches.iter().map(|branch| format!("{}: {}", branch.to, branch.verdict.word()));
        self.step("service", mark, object, command.to_owned()).more = lines.collect();
        for finding in findings.into_iter().flatten() {
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
        if mark == Mark::Bad {
            self.end = branches.first().map(|branch| branch.verdict.clone());
        }
        self.branches = branches;
    }
}

/// `10.96.0.10 udp 53`.
fn named(service: &Service) -> String {
    match service.matches {
        Matches::Address { proto, ip, port } => {
            let proto = match proto {
                6 => "tcp",
                17 => "udp",
                _ => "sctp",
            };
            format!("{ip} {proto} {port}")
        }
        Matches::Mark(mark) => format!("mark {mark}"),
    }
}
