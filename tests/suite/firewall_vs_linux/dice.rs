//! What all generators of rules share: the packet they are made for, and the dice.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::packets::{ICMP, ICMP6, Shot, TCP, UDP};
use super::yard::From;

/// A packet, where it starts, and the hooks that it will meet.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) shot: Shot,
    pub(super) from: From,
    /// It follows packets that went both ways before there were rules.
    pub(super) established: bool,
    /// It goes the way back.
    pub(super) back: bool,
    pub(super) hooks: Vec<&'static str>,
}

/// A condition, and what must be in a rule's text to tell that it is there.
#[derive(Clone, Debug)]
pub(super) struct Cond {
    /// What it exercises.
    pub(super) name: &'static str,
    /// A text that fits the packet as it starts.
    pub(super) yes: String,
    /// One that does not.
    pub(super) no: String,
}

pub(super) fn cond(name: &'static str, yes: impl Into<String>, no: impl Into<String>) -> Cond {
    Cond { name, yes: yes.into(), no: no.into() }
}

pub(super) fn pick<T: Clone>(dice: &mut StdRng, from: &[T]) -> T {
    from.choose(dice).unwrap().clone()
}

/// True in so many of a hundred.
pub(super) fn percent(dice: &mut StdRng, of: u32) -> bool {
    dice.random_range(0..100) < of
}

impl Case {
    /// A packet that no other of its namespaces is mistaken for: by its `number`, and within its set by its `place`.
    pub(super) fn draw(dice: &mut StdRng, number: u16, place: usize, v6: bool) -> Self {
        let from = if percent(dice, 20) { From::Router } else { From::Sender };
        let to_router = from == From::Sender && percent(dice, 25);
        let established = from == From::Sender && !to_router && percent(dice, 15);
        let back = established && percent(dice, 40);
        let proto = match dice.random_range(0..10) {
            _ if established => UDP,
            0..4 => UDP,
            4..8 => TCP,
            _ if v6 => ICMP6,
            _ => ICMP,
        };
        // Now and then the sender pretends to be somebody else.
        let spoofed = from == From::Sender && !established && percent(dice, 8);
        let (src, dst) = match (from, to_router) {
            (From::Router, _) => ("2.1", "2.2"),
            (_, true) => ("1.2", "1.1"),
            _ if spoofed => ("2.77", "2.2"),
            _ => ("1.2", "2.2"),
        };
        let addr = |short: &str| {
            let (net, host) = short.split_once('.').unwrap();
            if v6 { format!("fd0{net}::{host}") } else { format!("10.{net}.0.{host}") }.parse().unwrap()
        };
        let hooks = match (from, to_router) {
            (From::Router, _) => vec!["output", "postrouting"],
            (_, true) => vec!["prerouting", "input"],
            _ => vec!["prerouting", "forward", "postrouting"],
        };
        let shot = Shot {
            src: addr(src),
            dst: addr(dst),
            proto,
            sport: 20_000 + number,
            dport: pick(dice, &[53, 80, 443, 8080]),
            dscp: pick(dice, &[0, 0, 8, 46]),
            ttl: pick(dice, &[64, 64, 9]),
            payload: [16, 200, 400][place],
            tag: 0x7a67_0000 + u32::from(number),
        };
        let (shot, from) = if back { (shot.reversed(), From::Receiver) } else { (shot, from) };
        Self { shot, from, established, back, hooks }
    }

    /// The device it comes in by.
    pub(super) fn iif(&self) -> &'static str {
        if self.back { "b0" } else { "a0" }
    }

    /// The device it leaves by.
    pub(super) fn oif(&self) -> &'static str {
        if self.back { "a0" } else { "b0" }
    }

    /// True if a route to its source leads back to where it came from.
    pub(super) fn honest(&self) -> bool {
        self.back || self.src_net() == 1
    }

    /// What only this packet of its set is: in nft's words, and in iptables'.
    pub(super) fn guard(&self) -> [String; 2] {
        match (self.ported(), self.v6()) {
            (Some(proto), _) => [
                format!("{proto} sport {}", self.shot.sport),
                format!("-p {proto} --sport {}", self.shot.sport),
            ],
            (None, false) => ["meta l4proto icmp".into(), "-p icmp".into()],
            (None, true) => ["meta l4proto ipv6-icmp".into(), "-p ipv6-icmp".into()],
        }
    }

    pub(super) fn v6(&self) -> bool {
        self.shot.src.is_ipv6()
    }

    /// `10.2.0.9`, or `fd02::9`.
    pub(super) fn addr(&self, net: u8, host: u8) -> String {
        if self.v6() { format!("fd0{net}::{host}") } else { format!("10.{net}.0.{host}") }
    }

    /// `10.2.0.0/24`, or `fd02::/64`.
    pub(super) fn net(&self, net: u8) -> String {
        if self.v6() { format!("fd0{net}::/64") } else { format!("10.{net}.0.0/24") }
    }

    /// The network of the source, by its number.
    pub(super) fn src_net(&self) -> u8 {
        if self.shot.src.to_string().replace("fd0", "10.").starts_with("10.1") { 1 } else { 2 }
    }

    /// The network of the destination.
    pub(super) fn dst_net(&self) -> u8 {
        if self.back || self.hooks.contains(&"input") { 1 } else { 2 }
    }

    /// `tcp`, `udp`; nothing for ICMP.
    pub(super) fn ported(&self) -> Option<&'static str> {
        match self.shot.proto {
            TCP => Some("tcp"),
            UDP => Some("udp"),
            _ => None,
        }
    }
}
