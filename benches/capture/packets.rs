//! The traffic that is measured: the same numbers make the same bytes. VXLAN to port 8472 over IPv4 between nodes,
//! frames of 300 to 360 bytes, but those that begin a connection. Inside, of ten packets: seven TCP to 443, 3306, 5432, 6443, 8443, 9090 or 10250 and
//! back, two UDP to 5001, 8125 or 9125 and back, one ICMP echo or its reply. Clients' ports are 32768 and above. No
//! port stands for a protocol that either program reads. Every checksum is right but the outer UDP one, which is 0.

use super::dice::Dice;

const TCP_PORTS: [u16; 7] = [443, 3306, 5432, 6443, 8443, 9090, 10_250];
const UDP_PORTS: [u16; 3] = [5001, 8125, 9125];
/// The time of the first packet.
const START: u64 = 1_700_000_000_000_000;

/// How many talk to each other.
#[derive(Clone, Copy)]
pub struct Crowd {
    /// Nodes, each with a /24 of pods.
    pub nodes: u8,
    /// Pods of each.
    pub pods: u8,
    /// TCP connections between pods of different nodes.
    pub connections: usize,
}

/// An inner address.
type Ip = [u8; 4];

/// A TCP connection: its ends, client first, and what each has sent.
#[derive(Clone, Copy)]
struct Connection {
    ends: [(Ip, u16); 2],
    sent: [u32; 2],
    begun: u8,
}

/// Packets one after another.
pub struct Traffic {
    dice: Dice,
    crowd: Crowd,
    connections: Vec<Connection>,
    micros: u64,
    id: u16,
    /// The shortest frame, and how many sizes there are.
    sizes: (usize, u64),
}

impl Traffic {
    /// The traffic of a crowd.
    pub fn new(crowd: Crowd) -> Self {
        let (dice, connections, sizes) = (Dice(8472), Vec::new(), (300, 61));
        let mut traffic = Self { dice, crowd, connections, micros: START, id: 1, sizes };
        for _ in 0..crowd.connections {
            let [client, server] = traffic.two();
            let port = traffic.dice.of(&TCP_PORTS);
            let ends = [(client, traffic.high_port()), (server, port)];
            let sent = [traffic.dice.roll(1 << 32) as u32, traffic.dice.roll(1 << 32) as u32];
            traffic.connections.push(Connection { ends, sent, begun: 0 });
        }
        traffic
    }

    /// The same, all frames of one size.
    pub fn of_size(self, size: usize) -> Self {
        Self { sizes: (size, 1), ..self }
    }

    /// The head of a pcap file.
    pub fn head() -> [u8; 24] {
        let mut head = [0; 24];
        head[..4].copy_from_slice(&0xa1b2_c3d4_u32.to_le_bytes());
        (head[4], head[6]) = (2, 4);
        head[16..20].copy_from_slice(&262_144_u32.to_le_bytes());
        head[20] = 1;
        head
    }

    /// Writes the next packet with the header that a pcap file puts before it.
    pub fn record(&mut self, to: &mut Vec<u8>) {
        let at = to.len();
        to.extend([0; 16]);
        self.frame(to);
        self.micros += 1 + self.dice.roll(20);
        let len = (to.len() - at - 16) as u32;
        let words = [(self.micros / 1_000_000) as u32, (self.micros % 1_000_000) as u32, len, len];
        for (slot, word) in to[at..at + 16].chunks_exact_mut(4).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
    }

    fn high_port(&mut self) -> u16 {
        32_768 + self.dice.roll(16_000) as u16
    }

    fn pod(&mut self, node: u8) -> Ip {
        [10, 244, node, 2 + self.dice.roll(self.crowd.pods.into()) as u8]
    }

    /// Pods of two nodes.
    fn two(&mut self) -> [Ip; 2] {
        let one = self.dice.roll(self.crowd.nodes.into()) as u8;
        let step = 1 + self.dice.roll(u64::from(self.crowd.nodes) - 1) as u8;
        let other = (one + step) % self.crowd.nodes;
        [self.pod(one), self.pod(other)]
    }

    /// A whole frame as it is on the underlay.
    fn frame(&mut self, to: &mut Vec<u8>) {
        let at = to.len();
        let end = at + self.sizes.0 + self.dice.roll(self.sizes.1) as usize;
        to.resize(at + OUTER + 34, 0);
        let (src, dst, proto) = match self.dice.roll(10) {
            0..=6 => self.tcp(to, end),
            7 | 8 => self.udp(to, end),
            _ => self.icmp(to, end),
        };
        let frame = &mut to[at..];
        let (outer, inner) = frame.split_at_mut(OUTER);
        let (one, other) = (src[2], dst[2]);
        ethernet(inner, [2, 0, 0, 0, 1, one], [2, 0, 0, 0, 1, other]);
        self.id = self.id.wrapping_add(1);
        ip(&mut inner[14..], self.id, proto, src, dst);
        close(&mut inner[34..], proto, src, dst);
        ethernet(outer, [2, 0, 0, 0, 0, one], [2, 0, 0, 0, 0, other]);
        outer[34..36].copy_from_slice(&(32_768 + u16::from(src[3]) * 61 + u16::from(dst[3])).to_be_bytes());
        outer[36..38].copy_from_slice(&8472_u16.to_be_bytes());
        outer[42..50].copy_from_slice(&[8, 0, 0, 0, 0, 0, 1, 0]);
        let (src, dst) = ([192, 168, 50, 10 + one], [192, 168, 50, 10 + other]);
        let datagram = (frame.len() - 34) as u16;
        frame[38..40].copy_from_slice(&datagram.to_be_bytes());
        ip(&mut frame[14..], self.id, 17, src, dst);
    }

    fn tcp(&mut self, to: &mut Vec<u8>, end: usize) -> (Ip, Ip, u8) {
        let which = self.dice.roll(self.connections.len() as u64) as usize;
        let Connection { ends, sent, begun } = self.connections[which];
        let first = begun < 2;
        let from = if first { usize::from(begun) } else { self.dice.roll(2) as usize };
        let (one, other) = (ends[from], ends[1 - from]);
        to.extend(one.1.to_be_bytes());
        to.extend(other.1.to_be_bytes());
        to.extend(sent[from].to_be_bytes());
        to.extend(if begun == 0 { [0; 4] } else { sent[1 - from].to_be_bytes() });
        let stamp = (self.micros as u32).to_be_bytes();
        if first {
            to.extend([0xa0, if begun == 0 { 2 } else { 0x12 }, 0xfa, 0xf0, 0, 0, 0, 0]);
            to.extend([2, 4, 5, 0x82, 4, 2, 8, 10]);
            to.extend(stamp);
            to.extend([0, 0, 0, 0, 1, 3, 3, 7]);
        } else {
            to.extend([0x80, self.dice.of(&[0x10, 0x10, 0x18, 0x18, 0x18, 0x11]), 1, 0xf5, 0, 0, 0, 0]);
            to.extend([1, 1, 8, 10]);
            to.extend(stamp);
            to.extend((self.micros as u32 ^ 0x0055_aa00).to_be_bytes());
        }
        // What begins a connection carries nothing.
        let body = if first { 0 } else { end - to.len() };
        let end = to.len() + body;
        self.fill(to, end);
        let connection = &mut self.connections[which];
        connection.begun = (begun + 1).min(2);
        connection.sent[from] = sent[from].wrapping_add(body as u32 + u32::from(first));
        (one.0, other.0, 6)
    }

    fn udp(&mut self, to: &mut Vec<u8>, end: usize) -> (Ip, Ip, u8) {
        let [src, dst] = self.two();
        let mut ports = [self.high_port(), self.dice.of(&UDP_PORTS)];
        if self.dice.roll(2) == 0 {
            ports.reverse();
        }
        let len = (end - to.len()) as u16;
        for word in [ports[0], ports[1], len, 0] {
            to.extend(word.to_be_bytes());
        }
        self.fill(to, end);
        (src, dst, 17)
    }

    fn icmp(&mut self, to: &mut Vec<u8>, end: usize) -> (Ip, Ip, u8) {
        let [src, dst] = self.two();
        to.extend([self.dice.of(&[0, 8]), 0, 0, 0, src[3], dst[3]]);
        to.extend((self.micros as u16).to_be_bytes());
        self.fill(to, end);
        (src, dst, 1)
    }

    /// Payload up to `end`.
    fn fill(&mut self, to: &mut Vec<u8>, end: usize) {
        while to.len() < end {
            let word = self.dice.roll(u64::MAX).to_be_bytes();
            to.extend(&word[..word.len().min(end - to.len())]);
        }
    }
}

/// Ethernet, IPv4, UDP and VXLAN before the inner frame.
const OUTER: usize = 50;

fn ethernet(frame: &mut [u8], src: [u8; 6], dst: [u8; 6]) {
    frame[..6].copy_from_slice(&dst);
    frame[6..12].copy_from_slice(&src);
    frame[12] = 8;
}

fn ip(packet: &mut [u8], id: u16, proto: u8, src: Ip, dst: Ip) {
    let len = packet.len() as u16;
    packet[0] = 0x45;
    packet[2..4].copy_from_slice(&len.to_be_bytes());
    packet[4..6].copy_from_slice(&id.to_be_bytes());
    packet[6..10].copy_from_slice(&[0x40, 0, 64, proto]);
    packet[12..16].copy_from_slice(&src);
    packet[16..20].copy_from_slice(&dst);
    let sum = sum(&[&packet[..20]]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// Puts the checksum into what an IPv4 packet carries.
fn close(body: &mut [u8], proto: u8, src: Ip, dst: Ip) {
    let len = (body.len() as u16).to_be_bytes();
    let (at, pseudo): (usize, &[u8]) = match proto {
        6 => (16, &[0, 6]),
        17 => (6, &[0, 17]),
        _ => (2, &[]),
    };
    let sum = if proto == 1 { sum(&[body]) } else { sum(&[&src, &dst, pseudo, &len, body]) };
    body[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

/// The Internet checksum; only the last part may be odd.
fn sum(parts: &[&[u8]]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    let mut sum: u32 = parts.iter().flat_map(|part| part.chunks(2)).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
