//! Tunnels: a packet or frame within a datagram, or right behind an IP header.

use super::net::{self, Ends};
use super::{Dice, app, link};

/// A tunnel over UDP.
pub fn datagram(dice: &mut Dice, ends: Ends, depth: u8) -> Vec<u8> {
    let depth = depth + 1;
    let (port, body) = match dice.roll(12) {
        0..=5 => (dice.of(&[8472, 8472, 4789]), [vxlan(dice), link::ethernet(dice, depth)].concat()),
        6 | 7 => (6081, geneve(dice, depth)),
        8 => (4790, gpe(dice, depth)),
        9 => (8285, net::ip(dice, depth).1),
        10 => (51820, wireguard(dice)),
        _ => (8472, vxlan(dice)),
    };
    app::udp(dice, ends, port, &body)
}

/// A tunnel over IP alone: its protocol, and its bytes.
pub fn bare(dice: &mut Dice, depth: u8) -> (u8, Vec<u8>) {
    if dice.one_in(2) {
        return (47, gre(dice, depth + 1));
    }
    let (kind, packet) = net::ip(dice, depth + 1);
    (if kind == net::IP4 { 4 } else { 41 }, packet)
}

fn vxlan(dice: &mut Dice) -> Vec<u8> {
    let group = dice.of(&[[0, 0, 0], [0, 0, 100], [0, 1, 2]]);
    let mut made = vec![dice.of(&[0x08, 0x08, 0x08, 0x88, 0x00, 0xff])];
    made.extend(group);
    made.extend([0, 0, dice.byte(), dice.of(&[0, 0, 9])]);
    made
}

fn wireguard(dice: &mut Dice) -> Vec<u8> {
    let (kind, len) = dice.of(&[(1u8, 148usize), (2, 92), (3, 64), (4, 32), (4, 128), (9, 40)]);
    let mut made = vec![kind, 0, 0, 0];
    made.extend(dice.exactly(len - 4));
    made
}

fn geneve(dice: &mut Dice, depth: u8) -> Vec<u8> {
    let mut options = Vec::new();
    for _ in 0..dice.roll(3) {
        let words = dice.roll(3) as u8;
        options.extend(dice.of(&[[1, 0], [1, 1], [1, 2], [1, 3], [0, 1], [0xff, 0xf1], [1, 0x32]]));
        options.extend([dice.of(&[1, 0x80, 0x42]), words | dice.of(&[0, 0, 0xe0])]);
        options.extend(dice.exactly(usize::from(words) * 4));
    }
    let (kind, body) = match dice.roll(4) {
        0 => net::ip(dice, depth),
        1 if dice.one_in(4) => (0x1234, dice.bytes(20)),
        _ => (0x6558, link::ethernet(dice, depth)),
    };
    let mut made = vec![(options.len() / 4) as u8 | dice.of(&[0, 0, 0, 0x40, 0x80])];
    made.push(dice.of(&[0, 0, 0x40, 0x80, 0xc0, 0x3f]));
    made.extend(kind.to_be_bytes());
    made.extend([0, 0, dice.byte(), dice.of(&[0, 0, 5])]);
    made.extend(options);
    let all = 4..made.len();
    dice.spoil(&mut made, all);
    made.extend(body);
    made
}

/// What GPE and NSH say follows, and it.
fn next(dice: &mut Dice, depth: u8) -> (u8, Vec<u8>) {
    match dice.roll(5) {
        0 => (3, link::ethernet(dice, depth)),
        1 => (dice.of(&[9, 0xfe]), dice.bytes(20)),
        2 if depth < 4 => (4, nsh(dice, depth + 1)),
        _ => {
            let (kind, packet) = net::ip(dice, depth);
            (if kind == net::IP4 { 1 } else { 2 }, packet)
        }
    }
}

fn gpe(dice: &mut Dice, depth: u8) -> Vec<u8> {
    let (kind, body) = next(dice, depth);
    let mut made = vec![dice.of(&[0x0c, 0x0c, 0x04, 0x08, 0x0f, 0x2c]), 0, 0, kind, 0, 0, dice.byte(), 0];
    made.extend(body);
    made
}

fn nsh(dice: &mut Dice, depth: u8) -> Vec<u8> {
    let (kind, body) = next(dice, depth);
    let (form, more) = match dice.roll(4) {
        0 => (2, dice.roll(4) as usize),
        1 => (dice.of(&[0, 3]), dice.roll(3) as usize),
        _ => (1, 4),
    };
    let words = (2 + more) as u16;
    let first = dice.of(&[0u16, 0, 0x2000, 0x4000]) | dice.of(&[63, 1]) << 6 | words;
    let mut made = first.to_be_bytes().to_vec();
    made.extend([form, kind, 0, 0, dice.byte(), dice.of(&[255, 254])]);
    made.extend(dice.exactly(more * 4));
    made.extend(body);
    made
}

fn gre(dice: &mut Dice, depth: u8) -> Vec<u8> {
    if dice.one_in(6) {
        return pptp(dice, depth);
    }
    let flags = dice.of(&[0u16, 0, 0x2000, 0x3000, 0xb000, 0x8000, 0x1000, 0x2800]);
    let (kind, body) = match dice.roll(6) {
        0 => (0x6558, link::ethernet(dice, depth)),
        1 if dice.one_in(3) => (0x1234, dice.bytes(20)),
        _ => net::ip(dice, depth),
    };
    let mut made = flags.to_be_bytes().to_vec();
    made.extend(kind.to_be_bytes());
    if flags & 0x8000 > 0 {
        made.extend([dice.byte(), dice.byte(), 0, 0]);
    }
    for bit in [0x2000, 0x1000] {
        if flags & bit > 0 {
            made.extend(dice.long().to_be_bytes());
        }
    }
    made.extend(body);
    made
}

/// Version 1, with PPP in it.
fn pptp(dice: &mut Dice, depth: u8) -> Vec<u8> {
    let flags = dice.of(&[0x3001u16, 0x3081, 0x2081, 0x2001]);
    let body = if flags & 0x1000 > 0 {
        let (kind, packet) = net::ip(dice, depth);
        [&[0xff, 3, 0, if kind == net::IP4 { 0x21 } else { 0x57 }][..], &packet].concat()
    } else {
        Vec::new()
    };
    let mut made = flags.to_be_bytes().to_vec();
    made.extend([0x88, 0x0b]);
    made.extend((body.len() as u16).to_be_bytes());
    made.extend([0, dice.byte()]);
    for bit in [0x1000, 0x80] {
        if flags & bit > 0 {
            made.extend(dice.long().to_be_bytes());
        }
    }
    made.extend(body);
    made
}
