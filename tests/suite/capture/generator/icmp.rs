//! ICMP: every type, with what it quotes.

use super::net::{self, four};
use super::{Dice, sum};

/// The packet that an error is about, as much of it as the host sends back.
fn quoted(dice: &mut Dice) -> Vec<u8> {
    let (kind, mut packet) = net::ip(dice, net_depth());
    while kind != net::IP4 && packet.first().is_some_and(|first| first >> 4 == 6) {
        packet = net::ip(dice, net_depth()).1;
    }
    if dice.one_in(2) {
        packet.truncate(28);
    }
    packet
}

/// A quoted packet carries no tunnel.
const fn net_depth() -> u8 {
    3
}

pub fn message(dice: &mut Dice) -> Vec<u8> {
    let kind = match dice.roll(3) {
        0 => dice.of(&[8u8, 0]),
        1 => dice.of(&[3, 3, 3, 11, 5, 12, 4]),
        _ => dice.of(&[9, 10, 13, 14, 15, 16, 17, 18, 42, 43, 1, 30, 255]),
    };
    let code = match kind {
        3 => dice.roll(17) as u8,
        5 => dice.roll(5) as u8,
        11 => dice.roll(3) as u8,
        _ => dice.of(&[0, 0, 0, 1]),
    };
    let mut made = vec![kind, code, 0, 0];
    match kind {
        3 | 4 | 11 | 12 => {
            made.extend([0, 0, dice.of(&[0, 5]), dice.of(&[0, 0x78])]);
            made.extend(quoted(dice));
            if dice.one_in(4) {
                made.extend(extensions(dice, made.len()));
            }
        }
        5 => {
            made.extend(four(dice));
            made.extend(quoted(dice));
        }
        9 => {
            let count = dice.of(&[1u8, 2]);
            made.extend([count, dice.of(&[2, 2, 1]), 7, dice.byte()]);
            for _ in 0..count {
                made.extend(four(dice));
                made.extend(dice.of(&[[0; 4], [0x80, 0, 0, 0], [0, 0, 0, 9]]));
            }
        }
        13 | 14 => {
            made.extend(dice.exactly(4));
            for _ in 0..3 {
                made.extend((dice.roll(86_400_000) as u32).to_be_bytes());
            }
        }
        17 | 18 => made.extend([0, 7, 0, 1, 255, 255, dice.of(&[255, 0]), 0]),
        42 | 43 => {
            made.extend(dice.exactly(4));
            made.extend(dice.bytes(20));
        }
        _ => {
            made.extend(dice.exactly(4));
            made.extend(dice.bytes(56));
        }
    }
    dice.spoil(&mut made, 4..8);
    if !dice.one_in(8) {
        let sum = sum(&[&made]);
        made[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    made
}

/// Objects behind the quoted packet, which is filled up to 128 bytes.
fn extensions(dice: &mut Dice, len: usize) -> Vec<u8> {
    let mut made = vec![0; 136usize.saturating_sub(len)];
    let mut objects = Vec::new();
    for _ in 0..=dice.roll(2) {
        let (class, kind) = dice.of(&[(1u8, 1u8), (1, 1), (2, 0x0f), (2, 0x4b), (3, 1), (9, 9)]);
        let body = match class {
            1 => dice.exactly(4),
            2 => [&[0, 0, 0, 7, 0, 1, 0, 0, 10, 0, 0, 1, 8][..], b"eth0\0\0\0", &[0, 0, 5, 0xdc]].concat(),
            _ => dice.exactly(4),
        };
        objects.extend(((4 + body.len()) as u16).to_be_bytes());
        objects.extend([class, kind]);
        objects.extend(body);
    }
    let mut head = vec![0x20, 0, 0, 0];
    let found = sum(&[&head, &objects]);
    head[2..4].copy_from_slice(&dice.of(&[found, found, 0]).to_be_bytes());
    made.extend(head);
    made.extend(objects);
    made
}
