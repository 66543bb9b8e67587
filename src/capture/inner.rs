//! Where a packet carries another: which tunnel, which network of it, and where the inner packet begins.

use super::ctx::Tunnels;
use super::packet::{Link, Packet};
use super::proto::l3::Ends;
use super::reader::{Cut, Step, after, array, be16, be24, u8_at};

/// Which tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// VXLAN, called OTV by an older tcpdump on 8472.
    Vxlan,
    /// VXLAN-GPE.
    Gpe,
    /// Geneve.
    Geneve,
    /// flannel's UDP backend.
    Bare,
}

impl Kind {
    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vxlan => "vxlan",
            Self::Gpe => "vxlan-gpe",
            Self::Geneve => "geneve",
            Self::Bare => "udp",
        }
    }
}

/// An IP header and where it and its payload begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip {
    /// Both addresses.
    pub ends: Ends,
    /// What it carries.
    pub proto: u8,
    /// TTL or hop limit.
    pub ttl: u8,
    /// TOS or traffic class.
    pub tos: u8,
    /// Identification, of IPv4.
    pub id: u16,
    /// A fragment that is not the first.
    pub later: bool,
    /// Where the header begins.
    pub at: usize,
    /// Where the payload begins.
    pub body: usize,
    /// The length that the header tells.
    pub len: u32,
}

/// A packet inside a tunnel.
#[derive(Clone, Copy, Debug)]
pub struct Inner<'a> {
    /// Which tunnel.
    pub kind: Kind,
    /// Which network of it.
    pub vni: Option<u32>,
    /// The group of VXLAN's group policy.
    pub group: Option<u16>,
    /// How its first bytes are to be read.
    pub link: Link,
    /// What was captured of it.
    pub data: &'a [u8],
    /// How long it is.
    pub len: u32,
}

/// The header of a frame: what its payload is, and where that begins. VLAN tags are passed over.
pub fn frame(link: Link, b: &[u8]) -> Step<(u16, usize)> {
    let (mut kind, mut at) = match link {
        Link::ETHERNET => (be16(b, 12)?, 14),
        Link::SLL => (be16(b, 14)?, 16),
        Link::SLL2 => (be16(b, 0)?, 20),
        Link::RAW | Link::IPV4 | Link::IPV6 => return raw(b),
        _ => return Err(Cut),
    };
    while matches!(kind, 0x8100 | 0x88a8 | 0x9100) {
        kind = be16(b, at + 2)?;
        at += 4;
    }
    Ok((kind, at))
}

fn raw(b: &[u8]) -> Step<(u16, usize)> {
    match u8_at(b, 0)? >> 4 {
        4 => Ok((0x0800, 0)),
        6 => Ok((0x86dd, 0)),
        _ => Err(Cut),
    }
}

/// The IP header of a frame.
pub fn ip(link: Link, b: &[u8]) -> Step<Ip> {
    let (kind, at) = frame(link, b)?;
    let h = after(b, at);
    match kind {
        0x0800 => {
            let head = array::<20>(h, 0)?;
            let off = be16(&head, 6)?;
            Ok(Ip {
                ends: Ends::V4(array(&head, 12)?, array(&head, 16)?),
                proto: head[9],
                ttl: head[8],
                tos: head[1],
                id: be16(&head, 4)?,
                later: off & 0x1fff != 0,
                at,
                body: at + usize::from(head[0] & 15) * 4,
                len: u32::from(be16(&head, 2)?),
            })
        }
        0x86dd => six(h, at),
        _ => Err(Cut),
    }
}

fn six(h: &[u8], at: usize) -> Step<Ip> {
    let head = array::<40>(h, 0)?;
    let (mut proto, mut body, mut later) = (head[6], 40, false);
    while matches!(proto, 0 | 43 | 44 | 60) {
        let size = if proto == 44 {
            later |= be16(h, body + 2)? & 0xfff8 != 0;
            8
        } else {
            (usize::from(u8_at(h, body + 1)?) + 1) * 8
        };
        proto = u8_at(h, body)?;
        body += size;
    }
    Ok(Ip {
        ends: Ends::V6(array(&head, 8)?, array(&head, 24)?),
        proto,
        ttl: head[7],
        tos: (be16(&head, 0)? >> 4) as u8,
        id: 0,
        later,
        at,
        body: at + body,
        len: u32::from(be16(&head, 4)?) + 40,
    })
}

/// The packet inside, if this one is a tunnel's.
pub fn find<'a>(packet: &Packet<'a>, tunnels: &Tunnels) -> Option<Inner<'a>> {
    within(packet.link, packet.data, packet.len, tunnels).ok().flatten()
}

/// As [`find`], in a packet that itself lies inside another.
pub fn within<'a>(link: Link, b: &'a [u8], len: u32, tunnels: &Tunnels) -> Step<Option<Inner<'a>>> {
    let outer = ip(link, b)?;
    if outer.proto != 17 || outer.later {
        return Ok(None);
    }
    let (sport, dport) = (be16(b, outer.body)?, be16(b, outer.body + 2)?);
    let at = outer.body + 8;
    let h = b.get(at..).ok_or(Cut)?;
    let inner = |kind, vni, group, link, skip: usize| Inner {
        kind,
        vni,
        group,
        link,
        data: after(h, skip),
        len: len.saturating_sub((at + skip) as u32),
    };
    if tunnels.vxlan.contains(&dport) || tunnels.otv.contains(&dport) {
        let group = (u8_at(h, 0)? & 0x80 != 0).then_some(be16(h, 2)?);
        return Ok(Some(inner(Kind::Vxlan, Some(be24(h, 4)?), group, Link::ETHERNET, 8)));
    }
    if tunnels.gpe.contains(&dport) {
        let link = if u8_at(h, 3)? == 3 { Link::ETHERNET } else { Link::RAW };
        return Ok(Some(inner(Kind::Gpe, Some(be24(h, 4)?), None, link, 8)));
    }
    if tunnels.geneve.contains(&dport) {
        let skip = 8 + usize::from(u8_at(h, 0)? & 0x3f) * 4;
        let link = if be16(h, 2)? == 0x6558 { Link::ETHERNET } else { Link::RAW };
        return Ok(Some(inner(Kind::Geneve, Some(be24(h, 4)?), None, link, skip)));
    }
    if (tunnels.bare.contains(&dport) || tunnels.bare.contains(&sport)) && raw(h).is_ok() {
        return Ok(Some(inner(Kind::Bare, None, None, Link::RAW, 0)));
    }
    Ok(None)
}
