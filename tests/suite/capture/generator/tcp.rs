//! TCP: conversations whose numbers go on, options of every kind, what stands in the first bytes of a port's payload.

use super::Dice;
use super::net::Ends;

/// A conversation.
pub struct Stream {
    ends: Ends,
    ports: [u16; 2],
    /// What each end sends next.
    next: [u32; 2],
}

/// Conversations at a time.
const STREAMS: usize = 24;

/// Ports whose payload is told, and others.
const PORTS: &[u16] = &[443, 9000, 80, 8080, 22, 25, 21, 43, 554, 6379, 53, 10250];

impl Stream {
    fn new(dice: &mut Dice) -> Self {
        Self {
            ends: Ends::any(dice),
            ports: [32_768 + dice.roll(16_000) as u16, dice.of(PORTS)],
            next: [dice.long(), dice.long()],
        }
    }
}

/// A segment of one of them: its ends, and its bytes.
pub fn segment(dice: &mut Dice) -> (Ends, Vec<u8>) {
    let at = dice.roll(STREAMS as u64) as usize;
    if at >= dice.streams.len() || dice.one_in(40) {
        let fresh = Stream::new(dice);
        if at < dice.streams.len() {
            dice.streams[at] = fresh;
        } else {
            dice.streams.push(fresh);
        }
    }
    let at = at.min(dice.streams.len() - 1);
    let Stream { ends, ports, next } = dice.streams[at];
    let from = dice.roll(2) as usize;
    let ends = if from == 0 { ends } else { ends.back() };
    let flags = match dice.roll(12) {
        0 => 0x02,
        1 => 0x12,
        2 => 0x11,
        3 => 0x04,
        4 => 0x14,
        5 => dice.byte(),
        6 | 7 => 0x10,
        _ => 0x18,
    };
    let quiet = matches!(flags, 0x02 | 0x10) && !dice.one_in(12);
    let body = if quiet { Vec::new() } else { payload(dice, ports[1]) };
    let mut seq = next[from];
    if dice.one_in(8) {
        seq = seq.wrapping_sub(dice.roll(3000) as u32);
    }
    let ack = if flags & 0x10 > 0 { next[1 - from] } else { dice.of(&[0, 0, 7]) };
    let grown = body.len() as u32 + u32::from(flags & 3 > 0);
    dice.streams[at].next[from] = next[from].wrapping_add(grown);
    let mut options = if dice.one_in(2) { list(dice, seq, ack) } else { Vec::new() };
    options.resize(options.len().next_multiple_of(4).min(40), dice.of(&[0, 1, 1]));
    let mut made = ports[from].to_be_bytes().to_vec();
    made.extend(ports[1 - from].to_be_bytes());
    made.extend(seq.to_be_bytes());
    made.extend(ack.to_be_bytes());
    made.extend([(5 + options.len() as u8 / 4) << 4 | dice.of(&[0, 0, 0, 1]), flags]);
    made.extend(dice.word().to_be_bytes());
    made.extend([0, 0, 0, dice.of(&[0, 0, 5])]);
    made.extend(options);
    made.extend(body);
    dice.spoil(&mut made, 12..13);
    ends.seal(dice, 6, &mut made, 16);
    (ends, made)
}

fn list(dice: &mut Dice, seq: u32, ack: u32) -> Vec<u8> {
    let mut made = Vec::new();
    for _ in 0..=dice.roll(3) {
        let one = option(dice, seq, ack);
        if made.len() + one.len() > 40 {
            break;
        }
        made.extend(one);
    }
    if dice.one_in(3) {
        let all = 0..made.len();
        dice.spoil(&mut made, all);
    }
    made
}

fn option(dice: &mut Dice, seq: u32, ack: u32) -> Vec<u8> {
    let with = |kind: u8, body: Vec<u8>| [&[kind, 2 + body.len() as u8][..], &body].concat();
    match dice.roll(22) {
        0 | 1 => with(2, vec![5, dice.byte()]),
        2 => with(3, vec![dice.of(&[7, 0, 14])]),
        3 => vec![4, 2],
        4..=6 => with(8, dice.exactly(8)),
        7 | 8 => {
            let ends = (0..=dice.roll(3)).map(|n| [ack.wrapping_add(9 + n as u32), ack.wrapping_add(19)]);
            with(5, ends.flatten().flat_map(u32::to_be_bytes).collect())
        }
        9 => vec![1, 1],
        10 => vec![1],
        11 => vec![0],
        12 => with(19, dice.exactly(16)),
        13 => {
            let cookie = dice.of(&[0usize, 4, 8, 16, 3]);
            with(34, dice.exactly(cookie))
        }
        14 => with(254, [&dice.of(&[[0xf9, 0x89], [0x12, 0x34]])[..], &dice.of(&[[0; 4], [1; 4]])].concat()),
        15 => with(28, dice.exactly(2)),
        16 => with(29, [&[1, 2][..], &dice.exactly(12)].concat()),
        17 => with(dice.of(&[6, 7, 11, 12, 13]), seq.to_be_bytes().to_vec()),
        18 => with(20, vec![dice.byte(), dice.byte()]),
        19 => with(dice.of(&[172, 174, 99, 253]), dice.exactly(4)),
        _ => multipath(dice),
    }
}

/// MPTCP's options, each as long as one of its forms is.
fn multipath(dice: &mut Dice) -> Vec<u8> {
    let (kind, len) = dice.of(&[
        (0u8, 4u8),
        (0, 12),
        (0, 20),
        (0, 22),
        (0, 24),
        (1, 12),
        (1, 16),
        (1, 24),
        (2, 8),
        (2, 16),
        (2, 20),
        (2, 26),
        (2, 28),
        (3, 8),
        (3, 10),
        (3, 16),
        (3, 18),
        (3, 20),
        (3, 30),
        (4, 4),
        (4, 6),
        (5, 3),
        (5, 4),
        (6, 12),
        (7, 12),
        (8, 4),
        (8, 12),
        (9, 8),
    ]);
    let mut made = vec![30, len];
    made.extend(dice.exactly(usize::from(len) - 2));
    made[2] = kind << 4 | dice.of(&[0, 1, 4, 5, made[2] & 15]);
    made
}

fn payload(dice: &mut Dice, port: u16) -> Vec<u8> {
    let texts: &[&[u8]] = match port {
        80 | 8080 => &[
            b"GET /x/y?z HTTP/1.1\r\nHost: a.b\r\nAccept: */*\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nServer: s\r\n\r\n<html>\n</html>",
            b"POST / HTTP/1.0\r\n\r\n",
            b"CONNECT a:1",
        ],
        22 => &[b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n", b"SSH-1.99-x", b"\0\0\x05\xdc\x06\x14abc"],
        25 => {
            &[b"220 mail ESMTP\r\n", b"EHLO a\r\n", b"MAIL FROM:<a@b>\r\n", b".\r\n", b"250-x\r\n250 y\r\n"]
        }
        21 => &[b"220 ready\r\n", b"USER a\r\n", b"RETR f\r\n", b"226-done\r\n"],
        43 => &[b"example.org\r\n", b"% no match\r\nx\r\n"],
        554 => &[b"OPTIONS rtsp://a RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"],
        6379 => &[
            b"*2\r\n$4\r\nLLEN\r\n$6\r\nmylist\r\n",
            b"+OK\r\n",
            b":42\r\n",
            b"-ERR unknown\r\n",
            b"$-1\r\n",
            b"*-1\r\n",
            b"$5\r\nabc",
            b"*3\r\n:1\r\n:2\r\n",
            b"PING\r\n",
        ],
        53 => return [&[0, 60][..], &super::app::dns(dice)].concat(),
        _ => &[b"", b"hello", b"\x16\x03\x01\x02\x00\x01"],
    };
    let mut text = if dice.one_in(4) { dice.bytes(50) } else { dice.of(texts).to_vec() };
    let all = 0..text.len();
    dice.spoil(&mut text, all);
    text
}
