//! Options of IPv4, extension headers of IPv6.

use super::Dice;
use super::net::{four, six};

/// A list that fills whole words.
pub fn of_ip4(dice: &mut Dice) -> Vec<u8> {
    let mut made = Vec::new();
    for _ in 0..=dice.roll(3) {
        match dice.roll(9) {
            0 => made.push(1),
            1 => made.extend([148, 4, 0, dice.of(&[0, 0, 1])]),
            2..=4 => {
                let slots = dice.roll(4) as u8;
                made.extend([dice.of(&[7, 131, 137]), 3 + 4 * slots, dice.of(&[4, 8, 12, 4 + 4 * slots])]);
                for _ in 0..slots {
                    made.extend(four(dice));
                }
            }
            5 => made.extend(stamps(dice)),
            6 => made.extend([&[130, 11][..], &dice.exactly(9)].concat()),
            7 => made.extend([&[82, 12][..], &dice.exactly(10)].concat()),
            _ => made.extend([&[dice.of(&[25, 94, 222]), 6][..], &dice.exactly(4)].concat()),
        }
    }
    made.truncate(40);
    let all = 0..made.len();
    dice.spoil(&mut made, all);
    while made.len() % 4 > 0 {
        made.push(dice.of(&[0, 0, 1]));
    }
    made
}

fn stamps(dice: &mut Dice) -> Vec<u8> {
    let flag = dice.of(&[0u8, 1, 3, 2]);
    let hops = dice.roll(3) as u8;
    let width = if flag == 0 { 4 } else { 8 };
    let mut made = vec![68, 4 + width * hops, dice.of(&[5, 5 + width, 5 + width * hops]), flag];
    made[3] |= dice.of(&[0, 0, 0x20]);
    for _ in 0..hops {
        if flag != 0 {
            made.extend(four(dice));
        }
        made.extend(dice.long().to_be_bytes());
    }
    made
}

/// An extension header before the chain.
pub fn of_ip6(dice: &mut Dice, next: u8, chain: &[u8]) -> (u8, Vec<u8>) {
    let (kind, head) = match dice.roll(8) {
        0 => (0, list(dice, next)),
        1 | 2 => (60, list(dice, next)),
        3 | 4 => (44, fragment(dice, next)),
        5 | 6 => (43, routing(dice, next)),
        _ => (135, mobility(dice, next)),
    };
    (kind, [&head[..], chain].concat())
}

fn list(dice: &mut Dice, next: u8) -> Vec<u8> {
    let mut made = vec![next, 0];
    for _ in 0..=dice.roll(2) {
        match dice.roll(6) {
            0 => made.push(0),
            1 => {
                let width = dice.roll(6) as u8;
                made.extend([1, width]);
                made.extend(vec![0; width.into()]);
            }
            2 => made.extend([5, 2, 0, dice.of(&[0, 1])]),
            3 => made.extend([0xc2, 4, 0, dice.of(&[0, 1]), dice.byte(), 0]),
            4 => made.extend([&[0xc9, 16][..], &six(dice)].concat()),
            _ => made.extend([0x3e, 3, 1, 2, 3]),
        }
    }
    match (8 - made.len() % 8) % 8 {
        0 => {}
        1 => made.push(0),
        more => {
            made.extend([1, more as u8 - 2]);
            made.extend(vec![0; more - 2]);
        }
    }
    made[1] = (made.len() / 8 - 1) as u8;
    let all = 2..made.len();
    dice.spoil(&mut made, all);
    made
}

fn fragment(dice: &mut Dice, next: u8) -> Vec<u8> {
    let place = dice.of(&[0u16, 1, 1, 0x0580, 0x0581, 0xfff8]);
    let mut made = vec![next, dice.of(&[0, 0, 9])];
    made.extend(place.to_be_bytes());
    made.extend(dice.long().to_be_bytes());
    made
}

fn routing(dice: &mut Dice, next: u8) -> Vec<u8> {
    let hops = dice.roll(4) as u8;
    let kind = dice.of(&[0, 2, 4, 3, 253]);
    let mut made = vec![next, 2 * hops, kind, dice.of(&[0, 1, hops])];
    match kind {
        4 => made.extend([hops.saturating_sub(1), dice.byte(), 0, dice.byte()]),
        3 => made.extend([0, 0, 0, 0]),
        _ => made.extend(dice.of(&[[0; 4], [0, 0, 0, 1]])),
    }
    for _ in 0..hops {
        made.extend(six(dice));
    }
    dice.spoil(&mut made, 2..8);
    made
}

fn mobility(dice: &mut Dice, _next: u8) -> Vec<u8> {
    let kind = dice.of(&[0u8, 1, 2, 3, 4, 5, 6, 7, 9]);
    let body = match kind {
        0 => 2,
        1 | 2 => 10,
        3 | 4 => 18,
        7 => 18,
        _ => 6,
    };
    let mut made = vec![59, 0, kind, 0];
    made.extend(dice.word().to_be_bytes());
    made.extend(dice.exactly(body));
    let options: &[u8] =
        dice.of(&[&[][..], &[1, 6, 0, 0, 0, 0, 0, 0], &[0, 0, 2, 2, 0, 9, 1, 0], &[4, 4, 0, 1, 0, 2, 1, 0]]);
    made.extend(options);
    while made.len() % 8 > 0 {
        made.push(0);
    }
    made[1] = (made.len() / 8 - 1) as u8;
    made
}
