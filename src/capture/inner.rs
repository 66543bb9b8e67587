//! Where a packet carries another: which tunnel, which network of it, and where the inner packet begins.

use etherparse::err::ipv6_exts::HeaderSliceError;
use etherparse::ether_type::{IPV4, IPV6, PROVIDER_BRIDGING, VLAN_DOUBLE_TAGGED_FRAME, VLAN_TAGGED_FRAME};
use etherparse::{
    EtherType, Ethernet2Header, Ethernet2HeaderSlice, Ipv6ExtensionSlice, Ipv6Header, LaxIpv4Slice,
    LaxIpv6Slice, SingleVlanHeader, SingleVlanHeaderSlice, TcpHeaderSlice, UdpHeader, UdpHeaderSlice,
};

use super::ctx::Tunnels;
use super::packet::{Link, Packet};
use super::proto::l3::Ends;
use super::reader::{Cut, Step, after, array, be16, be24, u8_at};

/// Which tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// What all fragments of a packet share, if this is one.
    pub fragment: Option<u32>,
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

/// A UDP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Udp {
    /// Source and destination port.
    pub ports: (u16, u16),
    /// The length that the header tells, itself included.
    pub len: u16,
}

/// A TCP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Source and destination port.
    pub ports: (u16, u16),
    /// Sequence number.
    pub seq: u32,
    /// What is acknowledged.
    pub ack: u32,
    /// The flags from FIN (1) to CWR (128).
    pub flags: u8,
    /// The window, unscaled.
    pub win: u16,
    /// Bytes of the header, options included.
    pub head: u8,
}

/// Whatever is wrong with a header, it cannot be read on.
fn cut<E>(_: E) -> Cut {
    Cut
}

/// VLAN tags, one after the other, and what lies behind them.
#[derive(Clone, Copy, Debug)]
pub struct Tags<'a> {
    /// What follows the tags that were read so far.
    pub kind: u16,
    /// Where that begins.
    pub at: usize,
    bytes: &'a [u8],
}

impl<'a> Tags<'a> {
    /// The tags of a frame whose header says `kind` and ends at `at`.
    pub fn new(kind: u16, at: usize, bytes: &'a [u8]) -> Self {
        Self { kind, at, bytes }
    }
}

impl Iterator for Tags<'_> {
    type Item = Step<u16>;

    /// The next tag's VLAN.
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let tag = EtherType(self.kind);
        if !matches!(tag, VLAN_TAGGED_FRAME | PROVIDER_BRIDGING | VLAN_DOUBLE_TAGGED_FRAME) {
            return None;
        }
        let Ok(tag) = SingleVlanHeaderSlice::from_slice(after(self.bytes, self.at)) else {
            return Some(Err(Cut));
        };
        self.kind = tag.ether_type().0;
        self.at += SingleVlanHeader::LEN;
        Some(Ok(tag.vlan_identifier().value()))
    }
}

/// The header of a frame: what its payload is, and where that begins. VLAN tags are passed over.
#[inline]
pub fn frame(link: Link, b: &[u8]) -> Step<(u16, usize)> {
    let (kind, at) = match link {
        Link::ETHERNET => {
            let head = Ethernet2HeaderSlice::from_slice(b).map_err(cut)?;
            (head.ether_type().0, Ethernet2Header::LEN)
        }
        Link::SLL => (be16(b, 14)?, 16),
        Link::SLL2 => (be16(b, 0)?, 20),
        Link::RAW | Link::IPV4 | Link::IPV6 => return raw(b),
        _ => return Err(Cut),
    };
    let mut tags = Tags::new(kind, at, b);
    for tag in tags.by_ref() {
        tag?;
    }
    Ok((tags.kind, tags.at))
}

fn raw(b: &[u8]) -> Step<(u16, usize)> {
    match u8_at(b, 0)? >> 4 {
        4 => Ok((IPV4.0, 0)),
        6 => Ok((IPV6.0, 0)),
        _ => Err(Cut),
    }
}

/// The IP header of a frame.
#[inline]
pub fn ip(link: Link, b: &[u8]) -> Step<Ip> {
    let (kind, at) = frame(link, b)?;
    ip_of(kind, at, b)
}

/// The IP header at `at`, if a frame of this kind has one.
#[inline]
pub fn ip_of(kind: u16, at: usize, b: &[u8]) -> Step<Ip> {
    match EtherType(kind) {
        IPV4 => four(after(b, at), at),
        IPV6 => six(after(b, at), at),
        _ => Err(Cut),
    }
}

/// An authentication header is passed over as IPv6's extension headers are.
fn four(b: &[u8], at: usize) -> Step<Ip> {
    let (ip, _) = LaxIpv4Slice::from_slice(b).map_err(cut)?;
    let head = ip.header();
    let auth = ip.extensions().auth.map_or(0, |auth| auth.slice().len());
    Ok(Ip {
        ends: Ends::V4(head.source(), head.destination()),
        proto: ip.payload_ip_number().0,
        ttl: head.ttl(),
        tos: head.dcp().value() << 2 | head.ecn().value(),
        id: head.identification(),
        later: head.fragments_offset().value() != 0,
        fragment: head.is_fragmenting_payload().then(|| head.identification().into()),
        at,
        body: at + head.slice().len() + auth,
        len: u32::from(head.total_len()),
    })
}

fn six(b: &[u8], at: usize) -> Step<Ip> {
    let (ip, stop) = LaxIpv6Slice::from_slice(b).map_err(cut)?;
    if let Some((HeaderSliceError::Len(_), _)) = stop {
        return Err(Cut);
    }
    let (head, more) = (ip.header(), ip.extensions());
    let fragment = |header| match header {
        Ipv6ExtensionSlice::Fragment(fragment) => Some(fragment),
        _ => None,
    };
    let fragment = || more.clone().into_iter().find_map(fragment);
    let fragment = more.is_fragmenting_payload().then(fragment).flatten();
    Ok(Ip {
        ends: Ends::V6(head.source(), head.destination()),
        proto: ip.payload().ip_number.0,
        ttl: head.hop_limit(),
        tos: head.traffic_class(),
        id: 0,
        later: fragment.as_ref().is_some_and(|fragment| fragment.fragment_offset().value() != 0),
        fragment: fragment.map(|fragment| fragment.identification()),
        at,
        body: at + Ipv6Header::LEN + more.slice().len(),
        len: u32::from(head.payload_length()) + Ipv6Header::LEN as u32,
    })
}

/// The UDP header that these bytes begin with.
#[inline]
pub fn udp(b: &[u8]) -> Step<Udp> {
    let head = UdpHeaderSlice::from_slice(b).map_err(cut)?;
    Ok(Udp { ports: (head.source_port(), head.destination_port()), len: head.length() })
}

/// The TCP header that these bytes begin with.
#[inline]
pub fn tcp(b: &[u8]) -> Step<Tcp> {
    if let Ok(head) = TcpHeaderSlice::from_slice(b) {
        return Ok(segment(&head));
    }
    // A short capture often ends within the options: what stands before them is told all the same.
    let mut fixed = array::<20>(b, 0)?;
    let words = fixed[12] >> 4;
    fixed[12] = 5 << 4;
    let head = TcpHeaderSlice::from_slice(&fixed).map_err(cut)?;
    Ok(Tcp { head: words * 4, ..segment(&head) })
}

fn segment(head: &TcpHeaderSlice<'_>) -> Tcp {
    Tcp {
        ports: (head.source_port(), head.destination_port()),
        seq: head.sequence_number(),
        ack: head.acknowledgment_number(),
        flags: head.slice().get(13).copied().unwrap_or_default(),
        win: head.window_size(),
        head: head.data_offset() * 4,
    }
}

/// The packet inside, if this one is a tunnel's.
pub fn find<'a>(packet: &Packet<'a>, tunnels: &Tunnels) -> Option<Inner<'a>> {
    within(packet.link, packet.data, packet.len, tunnels).ok().flatten()
}

/// As [`find`], in a packet that itself lies inside another.
pub fn within<'a>(link: Link, b: &'a [u8], len: u32, tunnels: &Tunnels) -> Step<Option<Inner<'a>>> {
    carried(&ip(link, b)?, b, len, tunnels)
}

/// As [`within`], where the IP header of the packet around is known.
#[inline]
pub fn carried<'a>(outer: &Ip, b: &'a [u8], len: u32, tunnels: &Tunnels) -> Step<Option<Inner<'a>>> {
    if outer.proto != 17 || outer.later {
        return Ok(None);
    }
    let (sport, dport) = udp(after(b, outer.body))?.ports;
    let at = outer.body + UdpHeader::LEN;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Ip, Link, frame, ip, tcp, udp};
    use crate::capture::reader::Cut;

    fn four(proto: u8, words: u8, rest: &[u8]) -> Vec<u8> {
        let head = [0x40 | words, 0xb9, 0, 99, 0, 7, 0x20, 0, 63, proto, 0, 0, 10, 1, 0, 1, 10, 2, 0, 1];
        [&head[..], rest].concat()
    }

    fn six(next: u8, rest: &[u8]) -> Vec<u8> {
        let len = (rest.len() as u16).to_be_bytes();
        [&[0x6b, 0x90, 0, 0, len[0], len[1], next, 62][..], &[1; 16], &[2; 16], rest].concat()
    }

    fn read(b: &[u8]) -> Ip {
        ip(Link::RAW, b).unwrap()
    }

    #[test]
    fn tags_are_passed_over_one_after_the_other() {
        let tagged = [&[0; 12][..], &[0x88, 0xa8, 0, 7, 0x91, 0, 0, 8, 0x81, 0, 0xe0, 9, 8, 0]].concat();
        assert_eq!(frame(Link::ETHERNET, &tagged), Ok((0x0800, 26)));
        assert_eq!(frame(Link::ETHERNET, &tagged[..25]), Err(Cut));
    }

    #[test]
    fn options_and_extension_headers_lie_before_the_payload() {
        let options = read(&four(17, 6, &[1; 12]));
        assert_eq!((options.body, options.proto, options.tos, options.ttl), (24, 17, 0xb9, 63));
        // Authentication in both; hop by hop, then routing, then a fragment.
        let auth = [6, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
        assert_eq!((read(&four(51, 5, &auth)).body, read(&four(51, 5, &auth)).proto), (32, 6));
        let option = |next| [next, 0, 0, 0, 0, 0, 0, 0];
        for (offset, later) in [(0u8, false), (8, true)] {
            let fragment = [58, 0, 0, offset | 1, 0, 0, 0, 9];
            let whole = six(0, &[option(43), option(44), fragment, [0; 8]].concat());
            let found = read(&whole);
            assert_eq!((found.body, found.proto, found.later, found.tos), (64, 58, later, 0xb9));
            assert_eq!(ip(Link::RAW, &whole[..60]), Err(Cut));
        }
    }

    #[test]
    fn a_segment_that_was_cut_within_its_options_is_told() {
        let mut bytes = [0u8; 32];
        bytes[..20].copy_from_slice(&[1, 0, 0, 80, 0, 0, 0, 5, 0, 0, 0, 6, 0x80, 0x52, 2, 0, 0, 0, 0, 0]);
        bytes[20..].copy_from_slice(&[1; 12]);
        let whole = tcp(&bytes).unwrap();
        assert_eq!((whole.ports, whole.seq, whole.ack), ((256, 80), 5, 6));
        assert_eq!((whole.flags, whole.win, whole.head), (0x52, 512, 32));
        assert_eq!(tcp(&bytes[..25]), Ok(whole));
        assert_eq!(tcp(&bytes[..19]), Err(Cut));
    }

    proptest! {
        #[test]
        fn what_is_found_lies_within_what_was_captured(
            link in prop::sample::select(vec![1u16, 101, 113, 228, 276]),
            mut bytes in prop::collection::vec(any::<u8>(), 0..140),
            kind in prop::sample::select(vec![0x0800u16, 0x8100, 0x86dd]),
            next in prop::sample::select(vec![0u8, 6, 17, 43, 44, 51, 60]),
        ) {
            let (version, proto) = if kind == 0x86dd { (0x60, 20) } else { (0x45, 23) };
            if let Some(slot) = bytes.get_mut(12..15) {
                slot.copy_from_slice(&[(kind >> 8) as u8, kind as u8, version]);
            }
            if let Some(slot) = bytes.get_mut(proto) {
                *slot = next;
            }
            if let Ok(found) = ip(Link(link), &bytes) {
                prop_assert!(found.at < found.body && found.body <= bytes.len());
            }
            let _ = (udp(&bytes), tcp(&bytes));
        }
    }
}
