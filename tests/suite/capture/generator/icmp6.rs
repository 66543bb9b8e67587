//! ICMPv6: errors, neighbour discovery with its options, multicast listeners, and the rest.

use super::Dice;
use super::net::{self, Ends, six};

pub fn message(dice: &mut Dice, ends: Ends) -> Vec<u8> {
    let kind = match dice.roll(4) {
        0 => dice.of(&[128u8, 129, 1, 2, 3, 4]),
        1 => dice.of(&[133, 134, 135, 136, 137]),
        2 => dice.of(&[130, 131, 132, 143, 143]),
        _ => dice.of(&[141, 142, 144, 145, 146, 147, 148, 160, 161, 255, 0]),
    };
    let code = match kind {
        1 => dice.roll(8) as u8,
        3 | 4 => dice.roll(4) as u8,
        _ => dice.of(&[0, 0, 0, 1]),
    };
    let mut made = vec![kind, code, 0, 0];
    match kind {
        1..=4 => {
            made.extend([0, 0, dice.of(&[0, 5]), dice.byte()]);
            made.extend(quoted(dice));
        }
        133 => {
            made.extend([0; 4]);
            made.extend(options(dice));
        }
        134 => {
            made.extend([64, dice.byte(), dice.byte(), 8]);
            made.extend(dice.exactly(8));
            made.extend(options(dice));
        }
        135 | 136 => {
            made.extend([dice.of(&[0, 0x60, 0xe0]), 0, 0, 0]);
            made.extend(six(dice));
            made.extend(options(dice));
        }
        137 => {
            made.extend([0; 4]);
            made.extend([six(dice), six(dice)].concat());
            made.extend(options(dice));
        }
        130..=132 => {
            made.extend([dice.byte(), dice.byte(), 0, 0]);
            made.extend(six(dice));
            if kind == 130 && dice.one_in(2) {
                let sources = dice.roll(3) as u8;
                made.extend([dice.of(&[2, 10]), dice.byte(), 0, sources]);
                for _ in 0..sources {
                    made.extend(six(dice));
                }
            }
        }
        143 => listener_report(dice, &mut made),
        _ => {
            made.extend(dice.exactly(4));
            made.extend(dice.bytes(60));
        }
    }
    let all = 4..made.len().min(48);
    dice.spoil(&mut made, all);
    ends.seal(dice, 58, &mut made, 2);
    made
}

/// The packet that an error is about, as much of it as fits.
fn quoted(dice: &mut Dice) -> Vec<u8> {
    let (_, mut packet) = net::ip(dice, 3);
    if dice.one_in(2) {
        packet.truncate(48);
    }
    packet
}

fn listener_report(dice: &mut Dice, made: &mut Vec<u8>) {
    let records = dice.roll(3) as u8;
    made.extend([0, 0, 0, records]);
    for _ in 0..records {
        let sources = dice.roll(3) as u8;
        made.extend([dice.of(&[1, 2, 3, 4, 5, 6, 7]), dice.of(&[0, 0, 1]), 0, sources]);
        made.extend(six(dice));
        for _ in 0..sources {
            made.extend(six(dice));
        }
    }
}

fn options(dice: &mut Dice) -> Vec<u8> {
    let mut made = Vec::new();
    for _ in 0..dice.roll(4) {
        let (kind, body) = match dice.roll(10) {
            0 | 1 => (dice.of(&[1u8, 2]), vec![2, 0, 0, 0, 0, 9]),
            2 => {
                let mut body = vec![64, dice.of(&[0xc0, 0xe0, 0])];
                body.extend(dice.exactly(8));
                body.extend([0; 4]);
                body.extend(six(dice));
                (3, body)
            }
            3 => (5, vec![0, 0, 0, 0, 5, 0xaa]),
            4 => (7, vec![0, 0, 0, 0, 9, dice.byte()]),
            5 => (8, dice.exactly(6)),
            6 => (24, [&[48, dice.of(&[0, 8, 0x18, 0x10])][..], &dice.exactly(4), &six(dice)].concat()),
            7 => (25, [&[0, 0][..], &dice.exactly(4), &six(dice)].concat()),
            8 => (31, [&[0, 0, 0, 0, 0, 9][..], b"\x03svc\x05local\0\0\0\0\0\0\0"].concat()),
            _ => (dice.of(&[14, 38, 99, 4]), dice.exactly(14)),
        };
        made.extend([
            kind,
            body.len().div_ceil(8) as u8 + u8::from((body.len() + 2) % 8 == 0 && body.len() % 8 == 0),
        ]);
        let at = made.len() - 1;
        made[at] = (body.len() + 2).div_ceil(8) as u8;
        let filled = usize::from(made[at]) * 8 - 2;
        made.extend(&body);
        made.extend(vec![0; filled - body.len()]);
    }
    made
}
