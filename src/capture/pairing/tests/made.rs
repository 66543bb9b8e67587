//! Packets, from the IP header on.

use std::net::IpAddr;

use super::ip;

/// An IPv4 packet; `flags` is the word of flags and fragment offset.
pub(super) fn ip4(proto: u8, id: u16, flags: u16, (src, dst): (&str, &str), body: &[u8]) -> Vec<u8> {
    let (IpAddr::V4(src), IpAddr::V4(dst)) = (ip(src), ip(dst)) else { panic!("{src} {dst}") };
    let len = (20 + body.len()) as u16;
    let mut all = vec![0x45, 0];
    all.extend(len.to_be_bytes());
    all.extend(id.to_be_bytes());
    all.extend(flags.to_be_bytes());
    all.extend([64, proto, 0, 0]);
    all.extend(src.octets());
    all.extend(dst.octets());
    all.extend(body);
    all
}

pub(super) fn ip6(proto: u8, (src, dst): (&str, &str), body: &[u8]) -> Vec<u8> {
    let (IpAddr::V6(src), IpAddr::V6(dst)) = (ip(src), ip(dst)) else { panic!("{src} {dst}") };
    let mut all = vec![0x60, 0, 0, 0];
    all.extend((body.len() as u16).to_be_bytes());
    all.extend([proto, 64]);
    all.extend(src.octets());
    all.extend(dst.octets());
    all.extend(body);
    all
}

/// A TTL less, as behind a router.
pub(super) fn hop(packet: &[u8]) -> Vec<u8> {
    let mut packet = packet.to_vec();
    packet[8] -= 1;
    packet
}

pub(super) fn ping(id: u16, seq: u16, ends: (&str, &str)) -> Vec<u8> {
    ip4(1, 0x1000 + seq, 0x4000, ends, &echo(8, id, seq))
}

pub(super) fn echo(kind: u8, id: u16, seq: u16) -> Vec<u8> {
    [&[kind, 0, 0, 0][..], &id.to_be_bytes(), &seq.to_be_bytes(), &[7; 56]].concat()
}

pub(super) fn udp(id: u16, ends: (&str, &str), ports: (u16, u16), data: &[u8]) -> Vec<u8> {
    ip4(17, id, 0, ends, &datagram(ports, data))
}

pub(super) fn datagram((sport, dport): (u16, u16), data: &[u8]) -> Vec<u8> {
    let len = (8 + data.len()) as u16;
    [&sport.to_be_bytes()[..], &dport.to_be_bytes(), &len.to_be_bytes(), &[0, 0], data].concat()
}

/// A segment of a stream whose byte N is N modulo 251.
pub(super) fn tcp(id: u16, ends: (&str, &str), (from, to): (u32, u32)) -> Vec<u8> {
    ip4(6, id, 0x4000, ends, &segment(from, to))
}

pub(super) fn segment(from: u32, to: u32) -> Vec<u8> {
    let len = to.wrapping_sub(from);
    let data = (0..len).map(|n| (from.wrapping_add(n) % 251) as u8);
    let mut all =
        [&[0x10, 0, 0, 80][..], &from.to_be_bytes(), &[0, 0, 0, 9, 0x50, 0x10, 1, 0, 0, 0, 0, 0]].concat();
    all.extend(data);
    all
}

/// A part of an IPv6 packet's payload, with a number.
pub(super) fn fragment6(whole: &[u8], number: u32, from: usize, to: usize) -> Vec<u8> {
    let body = &whole[40..];
    let off = (from as u16) | u16::from(to < body.len());
    let mut head = whole[..40].to_vec();
    head[4..6].copy_from_slice(&((8 + to - from) as u16).to_be_bytes());
    head[6] = 44;
    let more = [&[whole[6], 0][..], &off.to_be_bytes(), &number.to_be_bytes()].concat();
    [&head, &more, &body[from..to]].concat()
}

/// A part of an IPv4 packet's payload.
pub(super) fn fragment(whole: &[u8], from: usize, to: usize) -> Vec<u8> {
    let body = &whole[20..];
    let more = if to < body.len() { 0x2000 } else { 0 };
    let mut head = whole[..20].to_vec();
    head[2..4].copy_from_slice(&((20 + to - from) as u16).to_be_bytes());
    head[6..8].copy_from_slice(&(more | (from / 8) as u16).to_be_bytes());
    [&head, &body[from..to]].concat()
}
