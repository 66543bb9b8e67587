//! What makes a packet the same packet at another device. Left out is what a hop changes: link header, TTL, TOS,
//! checksums (which the card may fill in late), TCP options (which may be clamped).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;

use crate::capture::inner::{self, Ip};
use crate::capture::nodes::addresses;
use crate::capture::packet::Link;
use crate::capture::reader::{Step, after, be16, be32, u8_at, upto};

/// Bytes of the payload that take part: every device captures that many.
const HEAD: usize = 64;

/// What no NAT changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark {
    proto: u8,
    /// Identification; 0 of an IPv6 packet that is no fragment.
    id: u32,
    /// TCP: sequence, acknowledgement, flags with window. ICMP: type with code, sequence. A fragment: where it begins.
    words: [u32; 3],
    /// Bytes behind the transport header, or of the fragment.
    len: u32,
    /// The first of them.
    head: u64,
}

impl Mark {
    /// What the packet carries.
    pub fn proto(&self) -> u8 {
        self.proto
    }

    /// The words that its transport header is known by.
    pub fn words(&self) -> [u32; 3] {
        self.words
    }

    /// How its payload begins.
    pub fn head(&self) -> u64 {
        self.head
    }
}

/// What NAT may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ends {
    /// Source.
    pub src: IpAddr,
    /// Destination.
    pub dst: IpAddr,
    /// Ports; of ICMP its identifier, in place of both.
    pub ports: (u16, u16),
}

/// Which IP packet a fragment is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Whole {
    src: IpAddr,
    dst: IpAddr,
    proto: u8,
    id: u32,
}

/// Bytes from one number to another, of a TCP stream or of an IP packet's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub from: u32,
    /// How many.
    pub len: u32,
}

impl Range {
    /// What both have, as a range within `self` counted from its beginning. Sequence numbers wrap.
    pub fn meets(self, other: Self) -> Option<(u32, u32)> {
        let ahead = other.from.wrapping_sub(self.from).cast_signed();
        let from = i64::from(ahead).max(0);
        let to = (i64::from(ahead) + i64::from(other.len)).min(i64::from(self.len));
        (from < to).then_some((from as u32, to as u32))
    }
}

/// A packet as it was read at a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What NAT leaves alone.
    pub mark: Mark,
    /// What it does not.
    pub ends: Ends,
    /// Bytes of a TCP stream, if it brings some.
    pub stream: Option<Range>,
    /// A UDP datagram's length.
    pub datagram: Option<u32>,
    /// Which bytes of its IP packet these are.
    pub range: Range,
    /// A part of an IP packet.
    pub fragment: bool,
}

impl Seen {
    /// Reads a frame or a bare IP packet; `len` is its length on the wire. Nothing if it is no IP or ends too early.
    /// The second value is where the IP header begins.
    pub fn read(link: Link, b: &[u8], len: u32) -> Option<(Self, usize)> {
        let ip = inner::ip(link, b).ok()?;
        seen(b, len, &ip).ok().map(|seen| (seen, ip.at))
    }

    /// The IP packet that it is, or is a part of.
    pub fn whole(&self) -> Whole {
        Whole { src: self.ends.src, dst: self.ends.dst, proto: self.mark.proto, id: self.mark.id }
    }

    /// True if it is IPv6.
    pub fn six(&self) -> bool {
        self.ends.dst.is_ipv6()
    }

    /// True if it asks or tells for a neighbour, as ARP does: that goes no further than its link.
    pub fn for_neighbours(&self) -> bool {
        self.mark.proto == 58 && !self.fragment && (133..=137).contains(&(self.mark.words[0] >> 8))
    }

    /// True if these are the first bytes of the same datagram, cut shorter or made longer.
    pub fn begins_as(&self, other: &Self) -> bool {
        (self.mark.id, self.mark.head) == (other.mark.id, other.mark.head)
    }

    /// True if nothing but luck makes two packets look the same: NAT is believed of no others.
    pub fn telling(&self) -> bool {
        self.mark.id != 0 || self.mark.len > 0 || self.stream.is_some() || self.mark.proto == 6
    }
}

/// Identification, where the fragment begins, and whether it is one.
fn fragment(b: &[u8], ip: &Ip) -> Step<(u32, u32, bool)> {
    let h = after(b, ip.at);
    if u8_at(h, 0)? >> 4 == 4 {
        let off = be16(h, 6)?;
        return Ok((ip.id.into(), u32::from(off & 0x1fff) * 8, off & 0x3fff != 0));
    }
    if u8_at(h, 6)? != 44 {
        return Ok((0, 0, false));
    }
    let off = be16(h, 42)?;
    Ok((be32(h, 44)?, u32::from(off & 0xfff8), true))
}

fn seen(b: &[u8], len: u32, ip: &Ip) -> Step<Seen> {
    let (src, dst) = addresses(ip.ends);
    let (id, offset, is_fragment) = fragment(b, ip)?;
    // A packet beyond 64 KiB has no room for its length in the header.
    let told = if ip.len == 0 || (src.is_ipv6() && ip.len == 40) {
        len.saturating_sub(ip.at as u32)
    } else {
        ip.len
    };
    let body = after(b, ip.body);
    let left = told.saturating_sub((ip.body - ip.at) as u32);
    let mut ports = (0, 0);
    let mut words = [offset, 0, 0];
    let (mut header, mut stream, mut datagram) = (0, None, None);
    if offset == 0 {
        match ip.proto {
            6 => {
                let tcp = inner::tcp(body)?;
                ports = tcp.ports;
                header = usize::from(tcp.head);
                words = [tcp.seq, tcp.ack, u32::from(tcp.flags) << 16 | u32::from(tcp.win)];
                let data = left.saturating_sub(header as u32);
                stream = (data > 0 && !is_fragment).then_some(Range { from: tcp.seq, len: data });
            }
            17 | 132 | 136 => {
                ports = (be16(body, 0)?, be16(body, 2)?);
                header = 8;
                datagram = (ip.proto == 17 && !is_fragment).then_some(left.saturating_sub(8));
            }
            1 | 58 => {
                words = [u32::from(be16(body, 0)?), 0, 0];
                header = 8;
                if matches!(u8_at(body, 0)?, 0 | 8 | 128 | 129) {
                    ports = (be16(body, 4)?, be16(body, 4)?);
                    words[1] = u32::from(be16(body, 6)?);
                }
            }
            _ => {}
        }
    }
    let mut hasher = DefaultHasher::new();
    upto(after(body, header), HEAD.min(left.saturating_sub(header as u32) as usize)).hash(&mut hasher);
    Ok(Seen {
        mark: Mark {
            proto: ip.proto,
            id,
            words,
            len: left.saturating_sub(header as u32),
            head: hasher.finish(),
        },
        ends: Ends { src, dst, ports },
        stream,
        datagram,
        range: Range { from: offset, len: left },
        fragment: is_fragment,
    })
}
