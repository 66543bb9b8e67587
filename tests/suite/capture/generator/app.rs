//! UDP, and what runs over it.

use super::Dice;
use super::net::{Ends, four, six};

/// A datagram, its checksum right, wrong or not there.
pub fn udp(dice: &mut Dice, ends: Ends, dport: u16, body: &[u8]) -> Vec<u8> {
    let mut ports = [32_768 + dice.roll(16_000) as u16, dport];
    if dice.one_in(6) {
        ports.reverse();
    }
    let mut made = ports.map(u16::to_be_bytes).concat();
    made.extend(((8 + body.len()) as u16).to_be_bytes());
    made.extend([0, 0]);
    made.extend(body);
    dice.spoil(&mut made, 4..6);
    ends.seal(dice, 17, &mut made, 6);
    made
}

pub fn datagram(dice: &mut Dice, ends: Ends) -> Vec<u8> {
    let (port, body) = match dice.roll(8) {
        0..=2 => (dice.of(&[53, 53, 5353]), dns(dice)),
        3 | 4 => (dice.of(&[67, 68]), dhcp(dice)),
        5 => (123, ntp(dice)),
        _ => (dice.of(&[9000, 443, 51820, 8285]), dice.bytes(60)),
    };
    udp(dice, ends, port, &body)
}

const NAMES: &[&[u8]] = &[
    b"\x03web\x07default\x03svc\x07cluster\x05local\0",
    b"\x01a\x01b\0",
    b"\0",
    b"\x04_dns\x04_udp\xc0\x0c",
    b"\xc0\x0c",
    b"\x02a.\x01\xff\0",
    b"\x40x\0",
];

fn name(dice: &mut Dice) -> &'static [u8] {
    let plain = !dice.one_in(6);
    if plain { NAMES[dice.roll(3) as usize] } else { dice.of(NAMES) }
}

/// A query or an answer with records of many types.
pub fn dns(dice: &mut Dice) -> Vec<u8> {
    let reply = dice.one_in(2);
    let mut made = dice.word().to_be_bytes().to_vec();
    made.push(if reply { 0x80 } else { 0 } | dice.of(&[1, 0, 4, 5, 2, 7, 0x11, 0x21, 0x28]));
    made.push(dice.of(&[0, 0x80, 0x20, 0x10, 0x30, 0x83, 0x82, 5, 0x40, 3]));
    let counts = [1, if reply { dice.roll(3) } else { 0 }, dice.roll(6) / 4, dice.roll(3) / 2];
    for count in counts {
        made.extend([0, count as u8]);
    }
    made.extend(name(dice));
    made.extend([0, dice.of(&[1, 28, 5, 12, 15, 16, 33, 255, 65, 252, 2, 6, 99])]);
    made.extend([dice.of(&[0, 0, 0, 0x80]), dice.of(&[1, 1, 1, 3, 255])]);
    for _ in 0..counts[1] + counts[2] {
        made.extend(record(dice));
    }
    for _ in 0..counts[3] {
        made.extend(if dice.one_in(3) { record(dice) } else { edns(dice) });
    }
    let all = 12..made.len();
    dice.spoil(&mut made, all);
    made
}

fn record(dice: &mut Dice) -> Vec<u8> {
    let (kind, data): (u16, Vec<u8>) = match dice.roll(14) {
        0..=2 => (1, four(dice).to_vec()),
        3 => (28, six(dice).to_vec()),
        4 => (dice.of(&[2, 5, 12, 39]), name(dice).to_vec()),
        5 => (15, [&[0, 10][..], name(dice)].concat()),
        6 => (16, dice.of(&[&b"\x05hello\x02ab"[..], b"\0", b"\x09x"]).to_vec()),
        7 => (33, [&[0, 1, 0, 2, 0x1f, 0x90][..], name(dice)].concat()),
        8 => (6, [name(dice), name(dice), &dice.exactly(20)].concat()),
        9 => (dice.of(&[64, 65]), [&[0, 1][..], name(dice), &[0, 1, 0, 3, 2, b'h', b'2']].concat()),
        10 => (256, [&[0, 1, 0, 2][..], b"https://a/"].concat()),
        11 => (dice.of(&[13, 29, 43, 46, 47, 48, 50, 257]), dice.bytes(30)),
        12 => (dice.of(&[17, 18, 249, 250]), [name(dice), name(dice), &dice.exactly(12)].concat()),
        _ => (dice.of(&[99, 10, 11, 38, 42]), dice.bytes(20)),
    };
    let mut made = name(dice).to_vec();
    made.extend(kind.to_be_bytes());
    made.extend([dice.of(&[0, 0, 0, 0x80]), dice.of(&[1, 1, 1, 4])]);
    made.extend(dice.of(&[[0, 0, 0, 30], [0, 1, 0x51, 0x80], [0, 0, 0, 0], [0xff, 0xff, 0, 1]]));
    made.extend((data.len() as u16).to_be_bytes());
    made.extend(data);
    made
}

fn edns(dice: &mut Dice) -> Vec<u8> {
    let mut options = Vec::new();
    for _ in 0..dice.roll(3) {
        let code = dice.of(&[1u8, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 20, 77]);
        let data = match code {
            8 => dice
                .of(&[&[0, 1, 24, 0, 10, 244, 1][..], &[0, 2, 32, 0, 0xfd, 0, 0, 1], &[0, 9, 8, 0, 1]])
                .to_vec(),
            9 => dice.of(&[&[][..], &[0, 0, 0, 9]]).to_vec(),
            11 => dice.of(&[&[][..], &[0, 99]]).to_vec(),
            13 => name(dice).to_vec(),
            14 => vec![0x4f, 0x66, 0x12, 0x34],
            15 => [&[0, dice.of(&[1, 9, 22, 99])][..], b"why"].concat(),
            5..=7 => dice.bytes(5),
            _ => dice.bytes(12),
        };
        options.extend([0, code, 0, data.len() as u8]);
        options.extend(data);
    }
    let mut made = vec![0, 0, 41, 4, 0xd0, dice.of(&[0, 0, 1]), dice.of(&[0, 0, 1]), dice.of(&[0, 0x80]), 0];
    made.extend((options.len() as u16).to_be_bytes());
    made.extend(options);
    made
}

fn dhcp(dice: &mut Dice) -> Vec<u8> {
    let mut made = vec![dice.of(&[1, 1, 2, 2, 3]), dice.of(&[1, 1, 1, 6]), 6, dice.of(&[0, 0, 3])];
    made.extend(dice.long().to_be_bytes());
    made.extend([0, dice.of(&[0, 0, 9]), dice.of(&[0, 0x80, 1]), 0]);
    for _ in 0..4 {
        made.extend(dice.of(&[[0; 4], [0; 4], [10, 0, 2, 15]]));
    }
    made.extend([2, 0, 0, 0, 0, dice.byte()]);
    made.extend([0; 10]);
    for (width, text) in [(64, &b"boot.example"[..]), (128, b"pxelinux.0")] {
        let text = if dice.one_in(4) { text } else { b"" };
        made.extend([text, &vec![0; width - text.len()]].concat());
    }
    if dice.one_in(8) {
        made.extend(dice.bytes(64));
    } else {
        made.extend([0x63, 0x82, 0x53, 0x63, 53, 1, dice.of(&[1, 2, 3, 5, 6, 8, 13, 14])]);
        for _ in 0..dice.roll(9) {
            made.extend(dhcp_option(dice));
        }
        made.push(255);
        made.extend(dice.of(&[&[][..], &[0, 0, 0, 0]]));
    }
    let all = 236..made.len();
    dice.spoil(&mut made, all);
    made
}

fn dhcp_option(dice: &mut Dice) -> Vec<u8> {
    let code = match dice.roll(3) {
        0 => dice.of(&[1u8, 3, 6, 12, 15, 26, 28, 33, 42, 43, 44, 50, 51, 54, 55, 57, 58, 59, 60, 61]),
        1 => dice.of(&[
            2, 19, 36, 46, 52, 66, 67, 77, 80, 81, 82, 90, 93, 94, 97, 108, 114, 116, 118, 119, 120, 121, 124,
        ]),
        _ => dice.byte().clamp(1, 254),
    };
    let data = match code {
        1 | 28 | 50 | 54 | 3 | 6 | 42 | 44 => (0..=dice.roll(2)).flat_map(|_| [10, 0, 2, 1]).collect(),
        51 | 58 | 59 | 2 => vec![0, 0, 0x0e, 0x10],
        26 | 57 | 93 => vec![5, 0xdc],
        12 | 15 | 60 | 66 | 67 => b"node-a".to_vec(),
        33 => vec![10, 1, 0, 0, 10, 0, 2, 1],
        61 => vec![dice.of(&[1, 0, 255]), 2, 0, 0, 0, 0, 9],
        81 => [&[dice.of(&[0, 1, 5]), 0, 0][..], b"node.local"].concat(),
        82 => vec![1, 4, 0, 1, 0, 2, 2, 3, b'a', b'b', b'c'],
        121 => vec![24, 10, 1, 2, 10, 0, 2, 1, 0, 10, 0, 2, 2],
        119 => b"\x03svc\x05local\0".to_vec(),
        _ => dice.bytes(12),
    };
    [&[code, data.len() as u8][..], &data].concat()
}

fn ntp(dice: &mut Dice) -> Vec<u8> {
    let mode = dice.of(&[3, 4, 1, 5, 6, 7, 0]);
    let mut made = vec![dice.of(&[0, 0x40, 0x80, 0xc0]) | dice.of(&[0x20, 0x18, 8]) | mode];
    made.extend([dice.of(&[0, 1, 2, 16, 99]), 6, 0xec]);
    made.extend(dice.exactly(8));
    made.extend(dice.of(&[*b"GPS\0", [10, 0, 0, 1], [0; 4], *b"LOCL"]));
    for _ in 0..4 {
        let stamp = dice.of(&[[0; 4], [0xe5, 1, 2, 3], [0xe5, 1, 2, 4]]);
        made.extend(stamp);
        made.extend(if stamp == [0; 4] { [0; 4] } else { dice.long().to_be_bytes() });
    }
    made.extend(dice.of(&[&[][..], &[], &[0, 0, 0, 1], &[7; 20], &[7; 24]]));
    made
}
