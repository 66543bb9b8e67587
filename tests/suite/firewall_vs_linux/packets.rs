//! Packets as bytes: built whole, with a tag by which they are found again, and read back where they arrive.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMP6: u8 = 58;

/// What is sent.
#[derive(Clone, Debug)]
pub(super) struct Shot {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) proto: u8,
    pub(super) sport: u16,
    pub(super) dport: u16,
    pub(super) dscp: u8,
    pub(super) ttl: u8,
    /// Bytes behind the transport header, the tag included.
    pub(super) payload: usize,
    pub(super) tag: u32,
}

/// What was seen at an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caught {
    /// The packet itself.
    Arrived { src: IpAddr, dst: IpAddr, sport: u16, dport: u16, dscp: u8 },
    /// An answer that refuses: ICMP type and code; a TCP reset has none.
    Refused(Option<(u8, u8)>),
}

impl Shot {
    /// Bytes of the IP packet.
    pub(super) fn len(&self) -> usize {
        let header = if self.src.is_ipv4() { 20 } else { 40 };
        header + if self.proto == TCP { 20 } else { 8 } + self.payload
    }

    /// The same the other way.
    pub(super) fn reversed(&self) -> Self {
        let Self { src, dst, sport, dport, .. } = *self;
        Self { src: dst, dst: src, sport: dport, dport: sport, ..self.clone() }
    }

    /// The packet from its IP header on.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let body = self.transport();
        let mut bytes = Vec::new();
        let word = |n: usize| u16::try_from(n).unwrap().to_be_bytes();
        match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                bytes.extend([0x45, self.dscp << 2]);
                bytes.extend(word(20 + body.len()));
                // Not fragmented, may be; the kernel fills in the header's checksum.
                bytes.extend([0, 1, 0, 0, self.ttl, self.proto, 0, 0]);
                bytes.extend(src.octets());
                bytes.extend(dst.octets());
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                bytes.extend([0x60 | self.dscp >> 2, self.dscp << 6, 0, 0]);
                bytes.extend(word(body.len()));
                bytes.extend([self.proto, self.ttl]);
                bytes.extend(src.octets());
                bytes.extend(dst.octets());
            }
            _ => panic!("{self:?} is of two families"),
        }
        bytes.extend(body);
        bytes
    }

    fn transport(&self) -> Vec<u8> {
        let (sport, dport) = (self.sport.to_be_bytes(), self.dport.to_be_bytes());
        let mut bytes = match self.proto {
            // A SYN that carries its tag as the sequence number.
            TCP => [&sport[..], &dport, &self.tag.to_be_bytes(), &[0; 4], &[0x50, 2, 0x10, 0, 0, 0, 0, 0]]
                .concat(),
            UDP => {
                let len = u16::try_from(8 + self.payload).unwrap().to_be_bytes();
                [&sport[..], &dport, &len, &[0, 0]].concat()
            }
            // An echo request; its identifier stands where ports would be told apart.
            ICMP => [&[8, 0, 0, 0][..], &sport, &[0, 1]].concat(),
            _ => [&[128, 0, 0, 0][..], &sport, &[0, 1]].concat(),
        };
        bytes.extend(self.tag.to_be_bytes());
        bytes.resize(bytes.len() + self.payload - 4, 0);
        let at = match self.proto {
            TCP => 16,
            UDP => 6,
            _ => 2,
        };
        let sum = self.checksum(&bytes).to_be_bytes();
        bytes[at..at + 2].copy_from_slice(&sum);
        bytes
    }

    fn checksum(&self, body: &[u8]) -> u16 {
        let len = u32::try_from(body.len()).unwrap().to_be_bytes();
        let pseudo = match (self.src, self.dst) {
            (IpAddr::V4(_), _) if self.proto == ICMP => Vec::new(),
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                [&src.octets()[..], &dst.octets(), &[0, self.proto], &len[2..]].concat()
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                [&src.octets()[..], &dst.octets(), &len, &[0, 0, 0, self.proto]].concat()
            }
            _ => panic!("{self:?} is of two families"),
        };
        let padded = [&pseudo[..], body, if body.len() % 2 == 1 { &[0] } else { &[] }].concat();
        let mut sum: u32 =
            padded.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }
}

/// The addresses, protocol and DSCP of a packet, and what is behind its IP header.
type Opened<'a> = (IpAddr, IpAddr, u8, u8, &'a [u8]);

fn open(bytes: &[u8]) -> Option<Opened<'_>> {
    Some(match bytes.first()? >> 4 {
        4 => {
            let head = bytes.get(..20)?;
            let addr =
                |at: usize| IpAddr::V4(Ipv4Addr::new(head[at], head[at + 1], head[at + 2], head[at + 3]));
            (addr(12), addr(16), head[9], head[1] >> 2, &bytes[20..])
        }
        6 => {
            let head = bytes.get(..40)?;
            let addr =
                |at: usize| IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(&head[at..at + 16]).unwrap()));
            let dscp = (head[0] & 0x0f) << 2 | head[1] >> 6;
            (addr(8), addr(24), head[6], dscp, &bytes[40..])
        }
        _ => return None,
    })
}

/// What a captured packet is, if it is this one or refuses it. A refusal carries the head of what it refuses; a reset
/// goes to the port that is refused.
pub(super) fn read(bytes: &[u8], shot: &Shot) -> Option<Caught> {
    let (src, dst, proto, dscp, body) = open(bytes)?;
    let of = |body: &[u8], at: usize| Some(u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?]));
    let word = |at| of(body, at);
    let (kind, code) = (*body.first()?, *body.get(1)?);
    if proto == TCP && body.get(13)? & 4 != 0 {
        return (word(2)? == shot.sport && shot.proto == TCP).then_some(Caught::Refused(None));
    }
    if (proto, kind) == (ICMP, 3) || (proto, kind) == (ICMP6, 1) {
        let (.., refused, _, head) = open(body.get(8..)?)?;
        let sender = of(head, if matches!(refused, ICMP | ICMP6) { 4 } else { 0 })?;
        return (sender == shot.sport && refused == shot.proto)
            .then_some(Caught::Refused(Some((kind, code))));
    }
    let carried = body.get(if proto == TCP { 4..8 } else { 8..12 })?;
    if carried != shot.tag.to_be_bytes() {
        return None;
    }
    let (sport, dport) = if matches!(proto, ICMP | ICMP6) { (word(4)?, 0) } else { (word(0)?, word(2)?) };
    Some(Caught::Arrived { src, dst, sport, dport, dscp })
}
