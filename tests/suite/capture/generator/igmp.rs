//! IGMP, its three versions.

use super::net::four;
use super::{Dice, sum};

pub fn message(dice: &mut Dice) -> Vec<u8> {
    let group = if dice.one_in(3) { [0; 4] } else { [239, 1, 2, dice.byte()] };
    let mut made = vec![dice.of(&[0x11, 0x11, 0x12, 0x16, 0x17, 0x22, 0x22, 0x99]), dice.byte(), 0, 0];
    match made[0] {
        0x22 => {
            let records = dice.roll(3) as u8;
            made.extend([0, 0, 0, records]);
            for _ in 0..records {
                let sources = dice.roll(3) as u8;
                made.extend([dice.of(&[1, 2, 3, 4, 5, 6, 7]), dice.of(&[0, 0, 1]), 0, sources]);
                made.extend([239, 1, 2, dice.byte()]);
                for _ in 0..sources {
                    made.extend(four(dice));
                }
            }
        }
        0x11 if dice.one_in(2) => {
            let sources = dice.roll(3) as u8;
            made.extend(group);
            made.extend([dice.of(&[2, 10, 0]), dice.of(&[125, 0xff, 0x80]), 0, sources]);
            for _ in 0..sources {
                made.extend(four(dice));
            }
        }
        _ => made.extend(group),
    }
    dice.spoil(&mut made, 1..8);
    if !dice.one_in(8) {
        let sum = sum(&[&made]);
        made[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    made
}
