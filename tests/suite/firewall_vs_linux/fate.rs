//! What the walk foretells of a packet: hook after hook, with the routing of the yard between them; and whether that
//! is what was observed.

use std::net::IpAddr;

use flanctl::firewall::{AddrType, Ct, Hook, Outcome, Packet, Ruleset, Verdict, walk};

use super::dice::Case;
use super::packets::{Caught, ICMP, ICMP6, TCP};
use super::yard::{From, Observed};

/// What is foretold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It leaves towards the receiver.
    Passes(Box<Packet>),
    /// It comes to the router itself.
    Stays(Box<Packet>),
    /// Gone without an answer.
    Gone,
    /// Refused with this answer.
    Refused(String),
    /// Not told, because of these.
    Unsure(Vec<String>),
}

/// A fate and the texts of the rules that had a part in it.
pub(super) struct Foretold {
    pub(super) fate: Fate,
    pub(super) trail: Vec<String>,
}

fn here(addr: IpAddr) -> bool {
    ["10.1.0.1", "10.2.0.1", "fd01::1", "fd02::1", "127.0.0.1", "::1"]
        .iter()
        .any(|own| addr == own.parse::<IpAddr>().unwrap())
}

/// The yard's routes: everything that is not the router's own goes out of `b`, but for the sender's network.
fn device(addr: IpAddr) -> &'static str {
    let text = addr.to_string();
    match text {
        _ if here(addr) => "lo",
        text if text.starts_with("10.1.") || text.starts_with("fd01:") => "a0",
        _ => "b0",
    }
}

fn own(device: &str, v6: bool) -> Option<IpAddr> {
    let addr = match (device, v6) {
        ("a0", false) => "10.1.0.1",
        ("b0", false) => "10.2.0.1",
        ("a0", true) => "fd01::1",
        ("b0", true) => "fd02::1",
        _ => return None,
    };
    Some(addr.parse().unwrap())
}

fn kind(addr: IpAddr) -> AddrType {
    if here(addr) { AddrType::Local } else { AddrType::Unicast }
}

/// The packet as the router's first hook meets it.
pub(super) fn packet(case: &Case) -> Packet {
    let shot = &case.shot;
    let mut packet = Packet::new(shot.src, shot.dst, shot.proto);
    let icmp = matches!(shot.proto, ICMP | ICMP6);
    packet.icmp = icmp.then_some((if shot.proto == ICMP { 8 } else { 128 }, 0));
    packet.sport = (!icmp).then_some(shot.sport);
    packet.dport = (!icmp).then_some(shot.dport);
    packet.len = u32::try_from(shot.len()).unwrap();
    packet.dscp = Some(shot.dscp);
    packet.ttl = Some(shot.ttl);
    packet.tcp_flags = (shot.proto == TCP).then_some(2);
    if case.established {
        let first = if case.back { shot.reversed() } else { shot.clone() };
        packet.ct = Ct::Established;
        packet.conn.reply = Some(case.back);
        packet.conn.from = Some((first.src, Some(first.sport)));
        packet.conn.to = Some((first.dst, Some(first.dport)));
    }
    if case.from != From::Router {
        let mac = if case.back { "02:00:00:00:00:0d" } else { "02:00:00:00:00:0a" };
        packet.iif = Some(case.iif().into());
        packet.src_mac = Some(mac.parse().unwrap());
        packet.reverse = Some(device(shot.src) == case.iif());
    }
    packet
}

struct Way<'a> {
    rules: &'a Ruleset,
    packet: Packet,
    trail: Vec<String>,
}

impl Way<'_> {
    /// One hook; the packet's fate if it does not get through.
    fn hook(&mut self, hook: Hook) -> Option<Fate> {
        let packet = &mut self.packet;
        packet.src_type = Some(kind(packet.src));
        packet.dst_type = Some(kind(packet.dst));
        let device = match hook {
            Hook::Prerouting | Hook::Input => packet.iif.as_deref(),
            _ => packet.oif.as_deref(),
        };
        packet.own = device.and_then(|device| own(device, packet.src.is_ipv6()));
        let Outcome { verdict, packet, by, matched, .. } = walk(self.rules, hook, packet);
        self.packet = packet;
        self.trail.push(format!("{hook:?}: {verdict:?}"));
        self.trail
            .extend(matched.into_iter().chain(by).map(|r| format!("  {} {}: {}", r.table, r.chain, r.text)));
        match verdict {
            Verdict::Accept => None,
            Verdict::Drop => Some(Fate::Gone),
            Verdict::Reject(with) => Some(Fate::Refused(with)),
            Verdict::Unsure(why) => Some(Fate::Unsure(why)),
        }
    }

    fn routed(&mut self) {
        self.packet.oif = Some(device(self.packet.dst).to_owned());
    }

    fn arrive(&mut self) -> Fate {
        if let Some(fate) = self.hook(Hook::Prerouting) {
            return fate;
        }
        if here(self.packet.dst) {
            return self.hook(Hook::Input).unwrap_or_else(|| Fate::Stays(Box::new(self.packet.clone())));
        }
        self.routed();
        self.packet.ttl = self.packet.ttl.map(|ttl| ttl - 1);
        self.hook(Hook::Forward).unwrap_or_else(|| self.depart())
    }

    fn depart(&mut self) -> Fate {
        if let Some(fate) = self.hook(Hook::Postrouting) {
            return fate;
        }
        if self.packet.oif.as_deref() != Some("lo") {
            return Fate::Passes(Box::new(self.packet.clone()));
        }
        // To itself: once more from the start, over lo.
        (self.packet.iif, self.packet.oif) = (Some("lo".into()), None);
        self.packet.src_mac = None;
        self.arrive()
    }
}

/// What the rules do with the packet.
pub(super) fn foretell(rules: &Ruleset, start: &Packet) -> Foretold {
    let mut way = Way { rules, packet: start.clone(), trail: Vec::new() };
    let fate = if start.iif.is_some() {
        way.arrive()
    } else {
        way.routed();
        way.hook(Hook::Output).unwrap_or_else(|| {
            way.routed();
            way.depart()
        })
    };
    Foretold { fate, trail: way.trail }
}

/// ICMP type and code of an answer; none for a TCP reset.
fn answer(with: &str) -> Option<(u8, u8)> {
    Some(match with {
        "icmp-net-unreachable" => (3, 0),
        "icmp-host-unreachable" => (3, 1),
        "icmp-proto-unreachable" => (3, 2),
        "icmp-port-unreachable" => (3, 3),
        "icmp-net-prohibited" => (3, 9),
        "icmp-host-prohibited" => (3, 10),
        "icmp-admin-prohibited" => (3, 13),
        "icmp6-no-route" => (1, 0),
        "icmp6-adm-prohibited" => (1, 1),
        "icmp6-addr-unreachable" => (1, 3),
        "icmp6-port-unreachable" => (1, 4),
        "tcp-reset" => return None,
        other => panic!("an answer that no rule was made to give: {other}"),
    })
}

/// Why what was observed is not what was foretold; nothing if it is. Answers are held against the foretold only where
/// no rule of the router meets them on their way (`answers_pass`).
pub(super) fn differs(fate: &Fate, seen: &Observed, answers_pass: bool) -> Option<String> {
    let arrived = seen.caught.iter().find(|caught| matches!(caught, Caught::Arrived { .. }));
    let refused = seen.caught.iter().find(|caught| matches!(caught, Caught::Refused(_)));
    let here = seen.here.iter().next();
    let nowhere = || match (arrived, here) {
        (None, None) => None,
        _ => Some("it got through".to_owned()),
    };
    match fate {
        Fate::Unsure(_) => None,
        Fate::Gone => nowhere().or_else(|| refused.map(|one| format!("it was refused: {one:?}"))),
        Fate::Refused(with) => nowhere().or_else(|| match refused {
            Some(Caught::Refused(how)) if *how == answer(with) => None,
            None if !answers_pass => None,
            other => Some(format!("the answer was {other:?}")),
        }),
        Fate::Stays(packet) => match here {
            Some((src, dst, mark)) if (*src, *dst, *mark) == (packet.src, packet.dst, packet.mark) => None,
            other => Some(format!("at the router: {other:?}")),
        },
        Fate::Passes(packet) => {
            let Some(Caught::Arrived { src, dst, sport, dport, dscp }) = arrived else {
                return Some("it did not arrive".to_owned());
            };
            let ports = [(packet.sport, *sport), (packet.dport, *dport)];
            let ports = ports.iter().all(|(told, seen)| told.is_none_or(|told| told == *seen));
            let note = (packet.src, packet.dst, packet.mark);
            let dscp_is = packet.dscp.is_none_or(|told| told == *dscp);
            let same = (*src, *dst) == (packet.src, packet.dst) && ports && dscp_is;
            match (same, seen.left.contains(&note)) {
                (true, true) => None,
                (false, _) => Some(format!("it arrived as {arrived:?}")),
                (true, false) => Some(format!("it left as {:?}", seen.left)),
            }
        }
    }
}
