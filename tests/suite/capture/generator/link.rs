//! Link layers.

use super::Dice;
use super::net::{self, IP4, IP6};

pub const ETHERNET: u32 = 1;
pub const SLL: u32 = 113;
pub const SLL2: u32 = 276;
/// Every link type that is made.
pub const LINKS: &[u32] = &[0, ETHERNET, 9, 50, 101, 108, SLL, 228, 229, SLL2];

/// A frame as it is captured on such a link.
pub fn frame(dice: &mut Dice, link: u32) -> Vec<u8> {
    match link {
        ETHERNET => ethernet(dice, 0),
        SLL | SLL2 => cooked(dice, link),
        9 | 50 => ppp(dice, link),
        0 | 108 => loopback(dice, link),
        _ => net::ip(dice, 0).1,
    }
}

fn mac(dice: &mut Dice) -> [u8; 6] {
    match dice.roll(12) {
        0 => [0xff; 6],
        1 => [1, 0, 0x5e, 0, 0, 0x16],
        2 => [0, 0x50, 0x56, 1, 2, dice.byte()],
        _ => [2, 0, 0, 0, 0, dice.byte() % 4],
    }
}

fn tag(dice: &mut Dice) -> u16 {
    dice.of(&[0u16, 1, 100, 4095]) | dice.of(&[0, 0, 0x1000, 0xa000, 0xf000])
}

/// A frame with a packet that lies `depth` deep.
pub fn ethernet(dice: &mut Dice, depth: u8) -> Vec<u8> {
    let (kind, packet) = net::packet(dice, depth);
    around(dice, kind, &packet)
}

pub fn around(dice: &mut Dice, kind: u16, packet: &[u8]) -> Vec<u8> {
    let mut frame = [mac(dice), mac(dice)].concat();
    let tags: &[u16] = match dice.roll(24) {
        0 | 1 => &[0x8100],
        2 => &[0x88a8, 0x8100],
        3 => &[0x9100, 0x8100],
        _ => &[],
    };
    for kind in tags {
        frame.extend(kind.to_be_bytes());
        frame.extend(tag(dice).to_be_bytes());
    }
    match dice.roll(48) {
        // Nobody's.
        0 => frame.extend([&[0x12, 0x34][..], &dice.bytes(40)].concat()),
        1 => frame.extend(snap(kind, packet)),
        _ => frame.extend([&kind.to_be_bytes()[..], packet].concat()),
    }
    frame
}

/// 802.3 with a SNAP header before the packet.
fn snap(kind: u16, packet: &[u8]) -> Vec<u8> {
    let mut body = vec![0xaa, 0xaa, 3, 0, 0, 0];
    body.extend(kind.to_be_bytes());
    body.extend(packet);
    let mut made = (body.len().min(1500) as u16).to_be_bytes().to_vec();
    made.extend(body);
    made
}

fn cooked(dice: &mut Dice, link: u32) -> Vec<u8> {
    let (mut kind, mut packet) = net::packet(dice, 0);
    if dice.one_in(12) {
        let tci = tag(dice).to_be_bytes();
        packet = [&tci[..], &kind.to_be_bytes(), &packet].concat();
        kind = 0x8100;
    } else if dice.one_in(24) {
        kind = dice.of(&[0x1234, 3]);
    }
    let way = dice.of(&[0u8, 1, 2, 3, 4, 5]);
    let width = dice.of(&[6u8, 6, 6, 0]);
    let addr = [&mac(dice)[..], &[0, 0]].concat();
    let kind = kind.to_be_bytes();
    let hardware = dice.of(&[[0, 1], [0, 1], [3, 4]]);
    let head = if link == SLL {
        [&[0, way][..], &hardware, &[0, width], &addr, &kind].concat()
    } else {
        [&kind[..], &[0, 0, 0, 0, 0, dice.of(&[0, 1, 99])], &hardware, &[way, width], &addr].concat()
    };
    [head, packet].concat()
}

fn ppp(dice: &mut Dice, link: u32) -> Vec<u8> {
    let (kind, packet) = net::ip(dice, 0);
    let mut made = match dice.roll(4) {
        0 if link == 9 => Vec::new(),
        1 if link == 9 => dice.of(&[[0, 3], [1, 3]]).to_vec(),
        _ => vec![0xff, 3],
    };
    let proto: &[u8] = if kind == IP4 { &[0, 0x21] } else { &[0, 0x57] };
    made.extend(if dice.one_in(6) { &proto[1..] } else { proto });
    made.extend(packet);
    made
}

fn loopback(dice: &mut Dice, link: u32) -> Vec<u8> {
    let (kind, packet) = net::ip(dice, 0);
    let family = match kind {
        IP6 => dice.of(&[24u32, 28, 30]),
        _ => 2,
    };
    let family = if dice.one_in(24) { dice.of(&[99, 10]) } else { family };
    let head = if link == 108 || dice.one_in(4) { family.to_be_bytes() } else { family.to_le_bytes() };
    [&head[..], &packet].concat()
}
