//! Packets at random: every protocol that an overlay's wires see, well-formed for the most part, now and then with a
//! byte that is wrong, then cut anywhere. The same seed makes the same file.
//! What tcpdump reads and flanctl does not (routing protocols and the like) is not made here.

mod app;
mod icmp;
mod icmp6;
mod igmp;
mod link;
mod net;
mod options;
mod tcp;
mod tunnel;

use std::ops::{Deref, DerefMut, Range};

use tcp::Stream;

use super::dice;

/// Dice, and the conversations that they keep up.
pub struct Dice {
    throws: dice::Dice,
    streams: Vec<Stream>,
}

impl Deref for Dice {
    type Target = dice::Dice;

    fn deref(&self) -> &dice::Dice {
        &self.throws
    }
}

impl DerefMut for Dice {
    fn deref_mut(&mut self) -> &mut dice::Dice {
        &mut self.throws
    }
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self { throws: dice::Dice(seed), streams: Vec::new() }
    }

    /// True once in so many times.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.roll(times) == 0
    }

    pub fn word(&mut self) -> u16 {
        self.roll(1 << 16) as u16
    }

    pub fn long(&mut self) -> u32 {
        self.roll(1 << 32) as u32
    }

    /// So many bytes.
    pub fn exactly(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    /// One byte of `range` is another now and then; not where it would name a protocol that is not ours.
    pub fn spoil(&mut self, bytes: &mut [u8], range: Range<usize>) {
        if self.one_in(16) && range.start < range.end.min(bytes.len()) {
            let width = (range.end.min(bytes.len()) - range.start) as u64;
            let at = range.start + self.roll(width) as usize;
            bytes[at] = match self.roll(4) {
                0 => 0,
                1 => bytes[at].wrapping_add(1),
                2 => 0xff,
                _ => self.byte(),
            };
        }
    }
}

/// The Internet checksum.
fn sum(parts: &[&[u8]]) -> u16 {
    let all = parts.concat();
    let mut sum: u32 =
        all.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// A pcap file of `count` frames of one link type, every fourth cut somewhere.
pub fn file(dice: &mut Dice, link: u32, count: u32) -> Vec<u8> {
    let mut made = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    made.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0]);
    made.extend(link.to_le_bytes());
    let mut at = 1_795_225_352_000_000_u64;
    for _ in 0..count {
        let whole = link::frame(dice, link);
        let cut = if dice.one_in(4) { 1 + dice.roll(whole.len() as u64) as usize } else { whole.len() };
        at += dice.roll(3) * dice.roll(900_000);
        for word in [(at / 1_000_000) as u32, (at % 1_000_000) as u32, cut as u32, whole.len() as u32] {
            made.extend(word.to_le_bytes());
        }
        made.extend(&whole[..cut]);
    }
    made
}

/// Options of the command line that change text.
pub fn options(dice: &mut Dice) -> Vec<&'static str> {
    let mut all = Vec::new();
    all.extend((!dice.one_in(8)).then_some("-n"));
    all.extend(dice.of(&[None, Some("-v"), Some("-vv"), Some("-vvv"), Some("-vvvv")]));
    let times = ["-t", "-tt", "-ttt", "-tttt", "-ttttt", "--nano"].map(Some);
    all.extend(dice.of(&[&times[..], &[None; 2]].concat()));
    all.extend(dice.one_in(3).then_some("-e"));
    all.extend(dice.one_in(8).then(|| dice.of(&["-q", "-q", "-qq"])));
    all.extend(dice.one_in(4).then_some("-S"));
    all.extend(dice.one_in(4).then_some("-#"));
    all.extend(dice.one_in(16).then_some("-N"));
    all.extend(dice.one_in(8).then_some("-K"));
    all.extend(dice.one_in(16).then_some("-u"));
    let dumps = ["-x", "-xx", "-X", "-XX", "-A", "-AA", "-xA", "-xX"].map(Some);
    all.extend(dice.of(&[&dumps[..], &[None; 10]].concat()));
    all
}

/// A link type: Ethernet mostly.
pub fn link(dice: &mut Dice) -> u32 {
    if dice.one_in(2) { link::ETHERNET } else { dice.of(link::LINKS) }
}
