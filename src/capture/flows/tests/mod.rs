//! Flows of hand-made packets: what is counted, what is not, and whose it is.

mod quote;
mod seen;
mod tcp;
mod text;

use super::report::{Known, Report, Row};
use super::{Beat, Flows};
use crate::capture::ctx::{Compat, Tunnels};
use crate::capture::packet::{Link, Packet, Stamp};

const FIN: u8 = 1;
const SYN: u8 = 2;
const PSH: u8 = 8;
const ACK: u8 = 16;

const A: [u8; 4] = [10, 244, 1, 2];
const B: [u8; 4] = [10, 244, 2, 8];
const NODE_A: [u8; 4] = [192, 168, 50, 11];
const NODE_B: [u8; 4] = [192, 168, 50, 12];

fn cat(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

struct Four {
    src: [u8; 4],
    dst: [u8; 4],
    id: u16,
    ttl: u8,
    /// The more-fragments flag and the offset.
    part: u16,
}

impl Four {
    fn carries(&self, proto: u8, body: &[u8]) -> Vec<u8> {
        let len = (20 + body.len() as u16).to_be_bytes();
        let (id, part) = (self.id.to_be_bytes(), self.part.to_be_bytes());
        let head = [0x45, 0, len[0], len[1], id[0], id[1], part[0], part[1], self.ttl, proto, 0, 0];
        cat(&[&head, &self.src, &self.dst, body])
    }
}

fn four(src: [u8; 4], dst: [u8; 4]) -> Four {
    Four { src, dst, id: 0, ttl: 64, part: 0 }
}

fn segment(ports: (u16, u16), seq: u32, ack: u32, flags: u8, payload: usize) -> Vec<u8> {
    let (from, to) = (ports.0.to_be_bytes(), ports.1.to_be_bytes());
    let rest = [0x50, flags, 2, 0, 0, 0, 0, 0];
    cat(&[&from, &to, &seq.to_be_bytes(), &ack.to_be_bytes(), &rest, &vec![7; payload]])
}

fn datagram(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let (from, to, len) = (ports.0.to_be_bytes(), ports.1.to_be_bytes(), (8 + payload.len()) as u16);
    cat(&[&from, &to, &len.to_be_bytes(), &[0, 0], payload])
}

fn echo(kind: u8, id: u8, seq: u8) -> Vec<u8> {
    vec![kind, 0, 0, 0, 0, id, 0, seq, 1, 2, 3, 4]
}

fn ether(ip: &[u8]) -> Vec<u8> {
    let kind: [u8; 2] = if ip[0] >> 4 == 4 { [8, 0] } else { [0x86, 0xdd] };
    cat(&[&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1], &kind, ip])
}

/// The packet in a VXLAN tunnel, from the outer IP header on.
fn tunnelled(src: [u8; 4], dst: [u8; 4], ip: &[u8]) -> Vec<u8> {
    let inside = cat(&[&[8, 0, 0, 0, 0, 0, 1, 0], &ether(ip)]);
    four(src, dst).carries(17, &datagram((40_000, 8472), &inside))
}

/// An ICMP error of A's or B's node that quotes `ip`.
fn error(src: [u8; 4], dst: [u8; 4], kind: u8, code: u8, mtu: u8, ip: &[u8]) -> Vec<u8> {
    four(src, dst).carries(1, &cat(&[&[kind, code, 0, 0, 0, 0, 5, mtu], ip]))
}

struct Seat {
    flows: Flows,
    tunnels: Tunnels,
}

impl Seat {
    fn new(most: usize) -> Self {
        Self { flows: Flows::new(most, Beat::FILE, false), tunnels: Tunnels::known(Compat::Ours) }
    }

    fn sees(&mut self, interface: u32, link: Link, micros: u32, data: &[u8]) {
        let len = data.len() as u32;
        let ts = Stamp { secs: 1_700_000_000, frac: micros };
        self.sees_at(interface, link, ts, len, data);
    }

    fn sees_at(&mut self, interface: u32, link: Link, ts: Stamp, len: u32, data: &[u8]) {
        self.flows
            .packet(&Packet { ts, len, caplen: data.len() as u32, link, data, interface }, &self.tunnels);
    }

    /// An IP packet in a frame of the only interface.
    fn ip(&mut self, micros: u32, ip: &[u8]) {
        self.sees(0, Link::ETHERNET, micros, &ether(ip));
    }

    fn report(&self) -> Report {
        self.flows.report(None, &Known::default(), self.flows.now().unwrap_or(0))
    }

    fn only(&self) -> Row {
        let report = self.report();
        assert_eq!(report.flows.len(), 1, "{report:#?}");
        report.flows[0].clone()
    }
}
