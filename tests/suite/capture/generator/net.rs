//! IPv4 and IPv6, and what they carry.

use super::{Dice, app, icmp, icmp6, igmp, options, sum, tcp, tunnel};

pub const IP4: u16 = 0x0800;
pub const IP6: u16 = 0x86dd;
const ARP: u16 = 0x0806;

/// Packets within packets at most.
const DEEPEST: u8 = 3;

/// Both addresses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    V4([u8; 4], [u8; 4]),
    V6([u8; 16], [u8; 16]),
}

impl Ends {
    pub fn any(dice: &mut Dice) -> Self {
        if dice.one_in(3) { Self::V6(six(dice), six(dice)) } else { Self::V4(four(dice), four(dice)) }
    }

    pub fn is_six(&self) -> bool {
        matches!(self, Self::V6(..))
    }

    pub fn back(self) -> Self {
        match self {
            Self::V4(src, dst) => Self::V4(dst, src),
            Self::V6(src, dst) => Self::V6(dst, src),
        }
    }

    /// Puts the checksum of a whole segment, its field 0 yet, at `at`; now and then another.
    pub fn seal(&self, dice: &mut Dice, proto: u8, segment: &mut [u8], at: usize) {
        let len = (segment.len() as u32).to_be_bytes();
        let found = match self {
            Self::V4(src, dst) => sum(&[src, dst, &[0, proto], &len[2..], segment]),
            Self::V6(src, dst) => sum(&[src, dst, &len, &[0, 0, 0, proto], segment]),
        };
        let told = match dice.roll(8) {
            0 => dice.word(),
            1 => 0,
            _ => found,
        };
        segment[at..at + 2].copy_from_slice(&told.to_be_bytes());
    }
}

pub fn four(dice: &mut Dice) -> [u8; 4] {
    match dice.roll(16) {
        0 => [224, 0, 0, dice.of(&[1, 2, 22])],
        1 => [192, 168, 50, dice.of(&[11, 12, 255])],
        2 => [255; 4],
        _ => [10, 244, dice.of(&[1, 2, 3]), dice.of(&[0, 1, 8, 77])],
    }
}

pub fn six(dice: &mut Dice) -> [u8; 16] {
    let mut addr = [0; 16];
    match dice.roll(8) {
        0 => addr[..2].copy_from_slice(&[0xff, 2]),
        1 => addr[..2].copy_from_slice(&[0xfe, 0x80]),
        2 => addr[10..12].copy_from_slice(&[0xff, 0xff]),
        _ => addr[..2].copy_from_slice(&[0xfd, 0]),
    }
    addr[7] = dice.of(&[0, 0, 1, 2]);
    addr[15] = dice.of(&[0, 1, 2, 0x16, 0xfb]);
    addr
}

/// A packet as pods and nodes send it: its Ethernet type, and its bytes.
pub fn packet(dice: &mut Dice, depth: u8) -> (u16, Vec<u8>) {
    match dice.roll(24) {
        0 => (ARP, arp(dice)),
        1 => (0x8035, arp(dice)),
        _ => ip(dice, depth),
    }
}

/// An IP packet.
pub fn ip(dice: &mut Dice, depth: u8) -> (u16, Vec<u8>) {
    let ends = Ends::any(dice);
    let (ends, proto, body) = payload(dice, ends, depth);
    match ends {
        Ends::V4(src, dst) => (IP4, ip4(dice, proto, (src, dst), &body)),
        Ends::V6(src, dst) => (IP6, ip6(dice, proto, (src, dst), &body)),
    }
}

/// What a packet between these ends carries; a conversation has ends of its own.
fn payload(dice: &mut Dice, ends: Ends, depth: u8) -> (Ends, u8, Vec<u8>) {
    let (proto, body) = match dice.roll(20) {
        0..=4 => {
            let (ends, segment) = tcp::segment(dice);
            return (ends, 6, segment);
        }
        5..=7 => (17, app::datagram(dice, ends)),
        8..=11 if depth < DEEPEST => (17, tunnel::datagram(dice, ends, depth)),
        12 | 13 if ends.is_six() => (58, icmp6::message(dice, ends)),
        12 | 13 => (1, icmp::message(dice)),
        14 if !ends.is_six() => (2, igmp::message(dice)),
        14 | 15 if depth < DEEPEST => tunnel::bare(dice, depth),
        16 => (50, esp(dice)),
        17 => {
            let (ends, next, body) = payload(dice, ends, depth + 1);
            return (ends, 51, authenticated(dice, next, &body));
        }
        18 => (dice.of(&[253, 99, 59, 144, 255]), dice.bytes(40)),
        _ => (17, app::datagram(dice, ends)),
    };
    (ends, proto, body)
}

pub fn ip4(dice: &mut Dice, proto: u8, (src, dst): ([u8; 4], [u8; 4]), body: &[u8]) -> Vec<u8> {
    let options = if dice.one_in(8) { options::of_ip4(dice) } else { Vec::new() };
    let len = (20 + options.len() + body.len()) as u16;
    let mut flags = dice.of(&[0u16, 0x4000, 0x4000, 0x4000, 0x8000, 0xe000]);
    if dice.one_in(12) {
        flags = dice.of(&[0x2000, 0x2010, 0x0010, 0x1fff]);
    }
    let mut head = vec![0x45 + options.len() as u8 / 4, dice.of(&[0, 0, 0, 0x10, 1, 2, 3])];
    head.extend(len.to_be_bytes());
    head.extend(dice.word().to_be_bytes());
    head.extend(flags.to_be_bytes());
    head.extend([dice.of(&[64, 63, 1, 0]), proto, 0, 0]);
    head.extend([src, dst].concat());
    head.extend(options);
    // The length of the packet, or the version and the header's length, may be another.
    dice.spoil(&mut head, 2..4);
    if dice.one_in(256) {
        // Not a longer header: behind it would stand the ports of anybody.
        head[0] = dice.of(&[0x44, 0x40, 0x65, 0x55, 0xf5, 0]);
    }
    if !dice.one_in(8) {
        let sum = sum(&[&head]);
        head[10..12].copy_from_slice(&sum.to_be_bytes());
    }
    head.extend(body);
    if dice.one_in(24) {
        let padding = dice.bytes(12);
        head.extend(padding);
    }
    head
}

pub fn ip6(dice: &mut Dice, proto: u8, (src, dst): ([u8; 16], [u8; 16]), body: &[u8]) -> Vec<u8> {
    let (mut next, mut chain) = (proto, body.to_vec());
    while dice.one_in(6) {
        (next, chain) = options::of_ip6(dice, next, &chain);
    }
    let mut head = vec![0x60 | dice.of(&[0, 0, 2]), dice.of(&[0, 0, 0x12]), 0, dice.of(&[0, 7])];
    head.extend((chain.len() as u16).to_be_bytes());
    head.extend([next, dice.of(&[64, 1, 255, 0])]);
    head.extend([src, dst].concat());
    dice.spoil(&mut head, 4..6);
    if dice.one_in(256) {
        head[0] = dice.of(&[0x40, 0x70, 0xf0, 0]);
    }
    head.extend(chain);
    if dice.one_in(24) {
        let padding = dice.bytes(12);
        head.extend(padding);
    }
    head
}

fn arp(dice: &mut Dice) -> Vec<u8> {
    let mut made = vec![0, dice.of(&[1, 1, 1, 6]), 8, 0, 6, 4, 0, dice.of(&[1, 1, 2, 2, 3, 4, 8, 9, 10])];
    let macs = [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], [0; 6], [0xff; 6]];
    for _ in 0..2 {
        made.extend(dice.of(&macs));
        made.extend(dice.of(&[[0; 4], [10, 244, 1, 8], [10, 244, 2, 8], [192, 168, 50, 11]]));
    }
    dice.spoil(&mut made, 0..8);
    if dice.one_in(3) {
        made.extend([0; 18]);
    }
    made
}

fn esp(dice: &mut Dice) -> Vec<u8> {
    let mut made = dice.long().to_be_bytes().to_vec();
    made.extend([0, 0, 0, dice.byte()]);
    made.extend(dice.bytes(60));
    made
}

fn authenticated(dice: &mut Dice, next: u8, body: &[u8]) -> Vec<u8> {
    let check = dice.of(&[12usize, 12, 16]);
    let mut made = vec![next, (check / 4 + 1) as u8, 0, 0];
    made.extend(dice.long().to_be_bytes());
    made.extend([0, 0, 0, dice.byte()]);
    made.extend(dice.exactly(check));
    made.extend(body);
    made
}
