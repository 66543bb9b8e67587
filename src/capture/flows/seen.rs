//! A packet as flows take it: the innermost IP packet, the tunnel around it, and what it says.

use std::net::IpAddr;

use super::key::{End, Key, Tunnel};
use super::repeat;
use crate::capture::ctx::Tunnels;
use crate::capture::inner::{self, Ip, Tcp};
use crate::capture::nodes::addresses;
use crate::capture::packet::{Link, Packet};
use crate::capture::reader::{Cut, Step, after, be16, be32, u8_at, upto};

const ICMP: u8 = 1;
const ICMP6: u8 = 58;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// Tunnels within tunnels past this depth stay closed.
const DEEPEST: usize = 4;

/// What an ICMP error says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Something is unreachable: the code says what.
    Unreachable,
    /// The packet is too long for a link of this MTU.
    TooBig(u32),
    /// It was under way too long.
    TimeExceeded,
    /// Its header cannot be right.
    Parameter,
}

/// An ICMP error and the packet that it is about.
#[derive(Clone, Copy, Debug)]
pub struct Quote {
    /// What it says.
    pub fault: Fault,
    /// Its type and code.
    pub told: (u8, u8),
    /// Who says so.
    pub from: IpAddr,
    /// The flow of the packet that it quotes.
    pub about: Key,
    /// Which way that went.
    pub back: bool,
}

/// What a packet says.
#[derive(Clone, Copy, Debug)]
pub enum Says {
    /// A TCP segment and the length of its payload.
    Segment(Tcp, u32),
    /// An echo request with its sequence number.
    Request(u16),
    /// An echo reply with its sequence number.
    Reply(u16),
    /// An error about another flow.
    Error(Quote),
    /// Nothing that is looked at.
    Other,
}

/// Which fragments belong together.
pub type Parts = (IpAddr, IpAddr, u8, u32);

/// A packet.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Its flow.
    pub key: Key,
    /// Whether it goes from the end that sorts second to the first.
    pub back: bool,
    /// Bytes of the IP packet.
    pub bytes: u32,
    /// What it says.
    pub says: Says,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Whether an identification tells it from its likes.
    pub has_id: bool,
    /// What it is known by.
    pub mark: u32,
    /// What its fragments share, if it is one, and whether it is one behind the first.
    pub part: Option<(Parts, bool)>,
}

/// An IP packet within the bytes that were captured.
#[derive(Clone, Copy, Debug)]
struct Found<'a> {
    ip: Ip,
    bytes: &'a [u8],
    len: u32,
    tunnel: Option<Tunnel>,
    /// Of the packet around, if that is a fragment.
    part: Option<Parts>,
}

/// The packet, unless it is not IP or its headers were not captured.
pub fn seen(packet: &Packet<'_>, tunnels: &Tunnels) -> Step<Seen> {
    let found = innermost(packet.link, packet.data, packet.len, tunnels, false)?;
    let Found { ip, tunnel, .. } = found;
    let payload = after(found.bytes, ip.body);
    let head = (ip.body - ip.at) as u32;
    let room = found.len.saturating_sub(ip.at as u32);
    // A length that leaves nothing is that of a packet which the card is yet to cut up.
    let bytes = if ip.len > head { ip.len.min(room) } else { room };
    let rest = bytes.saturating_sub(head);
    let shown = upto(payload, rest as usize);
    let (ports, says) =
        if ip.later { ((0, 0), Says::Other) } else { said(&ip, shown, rest, tunnel, tunnels)? };
    let (key, back) = keyed(&ip, ports, tunnel);
    let own = parts(&ip);
    let part = own.map(|parts| (parts, ip.later)).or(found.part.map(|parts| (parts, false)));
    let checksum = match ip.proto {
        TCP => 16,
        UDP => 6,
        ICMP | ICMP6 => 2,
        _ => usize::MAX,
    };
    let mark = repeat::mark(ip.id, bytes, checksum, shown);
    let has_id = ip.id != 0 || matches!(says, Says::Request(_) | Says::Reply(_));
    Ok(Seen { key, back, bytes, says, ttl: ip.ttl, has_id, mark, part })
}

fn parts(ip: &Ip) -> Option<Parts> {
    let (src, dst) = addresses(ip.ends);
    ip.fragment.map(|id| (src, dst, ip.proto, id))
}

fn keyed(ip: &Ip, (sport, dport): (u16, u16), tunnel: Option<Tunnel>) -> (Key, bool) {
    let (src, dst) = addresses(ip.ends);
    Key::new(ip.proto, End { addr: src, port: sport }, End { addr: dst, port: dport }, tunnel)
}

/// The IP packet in the innermost tunnel; of a quote, which may end anywhere, the innermost that can be read.
fn innermost<'a>(link: Link, b: &'a [u8], len: u32, tunnels: &Tunnels, quoted: bool) -> Step<Found<'a>> {
    let ip = inner::ip(link, b)?;
    let mut found = Found { ip, bytes: b, len, tunnel: None, part: None };
    for _ in 0..DEEPEST {
        let Ok(Some(inside)) = inner::carried(&found.ip, found.bytes, found.len, tunnels) else { break };
        let ip = match inner::ip(inside.link, inside.data) {
            Ok(ip) => ip,
            Err(Cut) if quoted => break,
            Err(Cut) => return Err(Cut),
        };
        let (src, dst) = addresses(found.ip.ends);
        let port = inner::udp(after(found.bytes, found.ip.body))?.ports.1;
        let tunnel = Tunnel { kind: inside.kind, vni: inside.vni, port, ends: [src, dst] };
        let part = parts(&found.ip);
        found = Found { ip, bytes: inside.data, len: inside.len, tunnel: Some(tunnel), part };
    }
    Ok(found)
}

/// Ports, and what the payload says.
fn said(ip: &Ip, b: &[u8], len: u32, tunnel: Option<Tunnel>, tunnels: &Tunnels) -> Step<((u16, u16), Says)> {
    match ip.proto {
        TCP => {
            let head = inner::tcp(b)?;
            Ok((head.ports, Says::Segment(head, len.saturating_sub(head.head.into()))))
        }
        ICMP | ICMP6 => {
            let echo = matches!((ip.proto, u8_at(b, 0)?), (ICMP, 0 | 8) | (ICMP6, 128 | 129));
            if let (true, Ok(id), Ok(seq)) = (echo, be16(b, 4), be16(b, 6)) {
                let asks = matches!(u8_at(b, 0)?, 8 | 128);
                return Ok(((id, id), if asks { Says::Request(seq) } else { Says::Reply(seq) }));
            }
            let error = quote(ip, b, tunnel, tunnels);
            Ok(((0, 0), error.map_or(Says::Other, Says::Error)))
        }
        _ => Ok((ports(ip.proto, b)?, Says::Other)),
    }
}

/// Ports of protocols that begin with them; a quote may end behind them.
fn ports(proto: u8, b: &[u8]) -> Step<(u16, u16)> {
    match proto {
        // TCP, UDP, DCCP, SCTP, UDP-Lite.
        TCP | UDP | 33 | 132 | 136 => Ok((be16(b, 0)?, be16(b, 2)?)),
        ICMP if matches!(u8_at(b, 0)?, 0 | 8) => be16(b, 4).map(|id| (id, id)),
        ICMP6 if matches!(u8_at(b, 0)?, 128 | 129) => be16(b, 4).map(|id| (id, id)),
        _ => Ok((0, 0)),
    }
}

/// The error, if this is one and what it quotes can be read.
fn quote(ip: &Ip, b: &[u8], tunnel: Option<Tunnel>, tunnels: &Tunnels) -> Option<Quote> {
    let told = (u8_at(b, 0).ok()?, u8_at(b, 1).ok()?);
    let fault = match (ip.proto, told) {
        (ICMP, (3, 4)) => Fault::TooBig(be16(b, 6).ok()?.into()),
        (ICMP6, (2, _)) => Fault::TooBig(be32(b, 4).ok()?),
        (ICMP, (3, _)) | (ICMP6, (1, _)) => Fault::Unreachable,
        (ICMP, (11, _)) | (ICMP6, (3, _)) => Fault::TimeExceeded,
        (ICMP, (12, _)) | (ICMP6, (4, _)) => Fault::Parameter,
        _ => return None,
    };
    let quoted = after(b, 8);
    let found = innermost(Link::RAW, quoted, quoted.len() as u32, tunnels, true).ok()?;
    if found.ip.later {
        return None;
    }
    // The error comes back through the tunnel that the packet went into.
    let around = found.tunnel.or(tunnel.map(Tunnel::turned));
    let ports = ports(found.ip.proto, after(found.bytes, found.ip.body)).ok()?;
    let (about, back) = keyed(&found.ip, ports, around);
    Some(Quote { fault, told, from: addresses(ip.ends).0, about, back })
}
