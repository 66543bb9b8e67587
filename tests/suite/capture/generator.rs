//! Overlay packets at random: well-formed, then cut anywhere. The same seed makes the same file.

use super::dice::Dice;

fn sum(parts: &[&[u8]]) -> u16 {
    let all = parts.concat();
    let mut sum: u32 =
        all.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn ethernet(dice: &mut Dice, kind: u16, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, dice.byte(), 2, 0, 0, 0, 0, dice.byte()];
    if dice.roll(8) == 0 {
        frame.extend([0x81, 0, dice.byte(), dice.byte()]);
    }
    frame.extend(kind.to_be_bytes());
    frame.extend(body);
    frame
}

fn ip4(dice: &mut Dice, proto: u8, body: &[u8]) -> Vec<u8> {
    let len = (20 + body.len()) as u16;
    let flags = dice.of(&[0u16, 0x4000, 0x4000, 0x2000]);
    let mut head = vec![0x45, dice.of(&[0, 0, 0x10, 3])];
    head.extend(len.to_be_bytes());
    head.extend((dice.roll(65_536) as u16).to_be_bytes());
    head.extend(flags.to_be_bytes());
    head.extend([dice.of(&[64, 63, 1, 0]), proto, 0, 0, 10, 244, dice.byte() % 4, dice.byte()]);
    head.extend([10, 244, dice.byte() % 4, dice.byte()]);
    if dice.roll(8) > 0 {
        let sum = sum(&[&head]);
        head[10..12].copy_from_slice(&sum.to_be_bytes());
    }
    head.extend(body);
    head
}

fn ip6(dice: &mut Dice, proto: u8, body: &[u8]) -> Vec<u8> {
    let mut head = vec![0x60 | dice.of(&[0, 0, 2]), dice.of(&[0, 0, 0x12]), 0, dice.of(&[0, 7])];
    head.extend((body.len() as u16).to_be_bytes());
    head.extend([proto, 64]);
    for _ in 0..2 {
        head.extend([0xfd, 0, 0, 0, 0, 0, 0, dice.byte() % 3, 0, 0, 0, 0, 0, 0, 0, dice.byte() % 5]);
    }
    head.extend(body);
    head
}

fn udp(dice: &mut Dice, dport: u16, body: &[u8]) -> Vec<u8> {
    let mut made = (32_768 + dice.roll(16_000) as u16).to_be_bytes().to_vec();
    made.extend(dport.to_be_bytes());
    made.extend(((8 + body.len()) as u16).to_be_bytes());
    made.extend(dice.of(&[0u16, 0, 0x1234]).to_be_bytes());
    made.extend(body);
    made
}

fn tcp(dice: &mut Dice) -> Vec<u8> {
    let flags = dice.of(&[0x02u8, 0x12, 0x10, 0x18, 0x11, 0x04, 0x00, 0xd8, 0x30]);
    let mut options = Vec::new();
    match dice.roll(5) {
        0 => options.extend([2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7]),
        1 => options.extend([1, 1, 8, 10, 0, 0, 1, dice.byte(), 0, 0, 2, dice.byte()]),
        2 => options.extend([1, 1, 5, 10, 0, 0, 0, 9, 0, 0, 0, 19]),
        3 => options.extend([30, 12, 0x20, 0x05, 0, 0, 0, 1, 0, 0, 0, 2, 254, 4, 1, 2]),
        _ => {}
    }
    let mut made = dice.of(&[40_000u16, 40_001, 50_000]).to_be_bytes().to_vec();
    made.extend(dice.of(&[443u16, 9000, 80, 22]).to_be_bytes());
    made.extend((dice.roll(1 << 32) as u32).to_be_bytes());
    made.extend((dice.roll(1 << 32) as u32).to_be_bytes());
    made.extend([(5 + options.len() as u8 / 4) << 4, flags, 1, 0xf5, 0, 0, 0, dice.of(&[0, 0, 5])]);
    made.extend(options);
    if flags & 4 == 0 {
        let text: &[u8] =
            dice.of(&[b"", b"", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"SSH-2.0-x\r\n", b"\x16\x03\x01"]);
        made.extend(text);
    }
    made
}

fn icmp(dice: &mut Dice) -> Vec<u8> {
    let quoted = {
        let body = udp(dice, 53, &[]);
        ip4(dice, 17, &body)
    };
    let (kind, code) =
        dice.of(&[(8u8, 0u8), (0, 0), (3, 1), (3, 3), (3, 4), (11, 0), (11, 1), (5, 1), (12, 0), (13, 0)]);
    let mut made = vec![kind, code, 0, 0, 0, dice.byte(), 5, 0x78];
    if matches!(kind, 3 | 5 | 11 | 12) {
        made.extend(quoted);
    } else {
        made.extend([0; 24]);
    }
    let sum = sum(&[&made]);
    made[2..4].copy_from_slice(&sum.to_be_bytes());
    made
}

fn icmp6(dice: &mut Dice) -> Vec<u8> {
    let addr = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, dice.byte()];
    let mac = [1, 1, 2, 0, 0, 0, 0, 9];
    match dice.roll(5) {
        0 => [&[128, 0, 0, 0, 0, 7, 0, 1][..], &[0; 16]].concat(),
        1 => [&[135, 0, 0, 0, 0, 0, 0, 0][..], &addr, &mac].concat(),
        2 => [&[136, 0, 0, 0, 0x60, 0, 0, 0][..], &addr].concat(),
        3 => [&[133, 0, 0, 0, 0, 0, 0, 0][..], &mac].concat(),
        _ => [&[143, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0][..], &addr].concat(),
    }
}

fn dns(dice: &mut Dice) -> Vec<u8> {
    let reply = dice.roll(2) == 1;
    let mut made = vec![dice.byte(), dice.byte(), if reply { 0x85 } else { 1 }, if reply { 0x80 } else { 0 }];
    made.extend([0, 1, 0, u8::from(reply), 0, 0, 0, 0]);
    made.extend(b"\x03web\x07default\x03svc\x00\x00\x01\x00\x01");
    if reply {
        made.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 10, 96, 0, dice.byte()]);
    }
    made
}

fn arp(dice: &mut Dice) -> Vec<u8> {
    let mut made = vec![0, 1, 8, 0, 6, 4, 0, dice.of(&[1, 2])];
    made.extend([2, 0, 0, 0, 0, 1, 10, 244, 1, dice.byte(), 0, 0, 0, 0, 0, 0, 10, 244, 2, dice.byte()]);
    made
}

/// A packet as pods send it.
fn inner(dice: &mut Dice) -> (u16, Vec<u8>) {
    if dice.roll(12) == 0 {
        return (0x0806, arp(dice));
    }
    let six = dice.roll(3) == 0;
    let (proto, body) = match dice.roll(6) {
        0 | 1 => (6, tcp(dice)),
        2 if six => (58, icmp6(dice)),
        2 => (1, icmp(dice)),
        3 => {
            let message = dns(dice);
            (17, udp(dice, 53, &message))
        }
        4 => (dice.of(&[132, 253, 99]), dice.bytes(40)),
        _ => {
            let body = dice.bytes(60);
            (17, udp(dice, 9000, &body))
        }
    };
    // What tcpdump reads in a way of its own is not made here.
    let proto = if proto == 132 { 253 } else { proto };
    if six { (0x86dd, ip6(dice, proto, &body)) } else { (0x0800, ip4(dice, proto, &body)) }
}

/// A frame on the underlay: mostly a tunnel's.
pub fn frame(dice: &mut Dice) -> Vec<u8> {
    let (kind, packet) = inner(dice);
    let tunnelled = dice.roll(8);
    if tunnelled == 0 {
        return ethernet(dice, kind, &packet);
    }
    let flags = dice.of(&[0x08, 0x08, 0x88, 0x00]);
    let head = [flags, 0, 0, dice.byte(), 0, 0, dice.byte(), 0];
    let (dport, body) = match tunnelled {
        1 => (6081, [&[0, 0, (kind >> 8) as u8, kind as u8, 0, 0, 5, 0][..], &packet].concat()),
        2 => (4789, [&head[..], &ethernet(dice, kind, &packet)].concat()),
        _ => (8472, [&head[..], &ethernet(dice, kind, &packet)].concat()),
    };
    // Geneve carries an ARP packet only within a frame.
    let (dport, body) = if tunnelled == 1 && kind == 0x0806 { (9001, vec![1, 2, 3]) } else { (dport, body) };
    let datagram = udp(dice, dport, &body);
    let six = dice.roll(6) == 0;
    let packet = if six { ip6(dice, 17, &datagram) } else { ip4(dice, 17, &datagram) };
    ethernet(dice, if six { 0x86dd } else { 0x0800 }, &packet)
}

/// A pcap file of `count` frames, every third cut somewhere.
pub fn file(dice: &mut Dice, count: u32) -> Vec<u8> {
    let mut made = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    made.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
    for n in 0..count {
        let whole = frame(dice);
        let cut = if dice.roll(3) == 0 { 1 + dice.roll(whole.len() as u64) as usize } else { whole.len() };
        for word in [1_795_225_352 + n / 100, n % 100 * 7001, cut as u32, whole.len() as u32] {
            made.extend(word.to_le_bytes());
        }
        made.extend(&whole[..cut]);
    }
    made
}
