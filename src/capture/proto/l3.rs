//! What an IP header tells the protocol above it.

use std::net::IpAddr;

use crate::capture::ctx::Cx;
use crate::capture::nodes;
use crate::capture::text::Out;

/// Both addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// IPv4.
    V4([u8; 4], [u8; 4]),
    /// IPv6.
    V6([u8; 16], [u8; 16]),
}

/// The IP header around a payload.
#[derive(Debug, Clone, Copy)]
pub struct L3<'a> {
    /// Both addresses.
    pub ends: Ends,
    /// The protocol or next header in the fixed header.
    pub proto: u8,
    /// More fragments follow: checksums cannot be told.
    pub fragmented: bool,
    /// TTL or hop limit.
    pub ttl: u8,
    /// The header's bytes from its first on, as captured.
    pub bytes: &'a [u8],
    /// The last destination, which a source route may move: what a checksum covers. IPv4 has four bytes of it.
    pub last: [u8; 16],
}

/// The pseudo header of a checksum.
#[derive(Debug, Clone, Copy)]
pub struct Pseudo {
    text: [u8; 40],
    used: usize,
}

impl Pseudo {
    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        self.text.get(..self.used).unwrap_or_default()
    }
}

impl L3<'_> {
    /// Writes the source address.
    #[inline(always)]
    pub fn src(&self, cx: &mut Cx, out: &mut Out) {
        match self.ends {
            Ends::V4(src, _) => ip4(cx, out, src),
            Ends::V6(src, _) => ip6(cx, out, src),
        }
    }

    /// Writes the destination address.
    #[inline(always)]
    pub fn dst(&self, cx: &mut Cx, out: &mut Out) {
        match self.ends {
            Ends::V4(_, dst) => ip4(cx, out, dst),
            Ends::V6(_, dst) => ip6(cx, out, dst),
        }
    }

    /// Tells whose the source address is, if that is wanted and known.
    #[inline(always)]
    pub fn src_node(&self, cx: &Cx, out: &mut Out) {
        if !cx.names.nodes.0.is_empty() {
            node(cx, out, nodes::addresses(self.ends).0);
        }
    }

    /// Tells whose the destination address is.
    #[inline(always)]
    pub fn dst_node(&self, cx: &Cx, out: &mut Out) {
        if !cx.names.nodes.0.is_empty() {
            node(cx, out, nodes::addresses(self.ends).1);
        }
    }

    /// `A > B`, and whose they are.
    #[inline(always)]
    pub fn both(&self, cx: &mut Cx, out: &mut Out) {
        self.src(cx, out);
        self.src_node(cx, out);
        out.str(" > ");
        self.dst(cx, out);
        self.dst_node(cx, out);
    }

    /// True for IPv6.
    pub fn is_v6(&self) -> bool {
        matches!(self.ends, Ends::V6(..))
    }

    /// What a checksum covers before the payload of `len` bytes.
    pub fn pseudo(&self, proto: u8, len: u32) -> Pseudo {
        let [l3, l2, l1, l0] = len.to_be_bytes();
        let mut text = [0; 40];
        let used = match self.ends {
            Ends::V4([a, b, c, d], _) => {
                // The length has sixteen bits here, however long the packet is.
                let [e, f, g, h, ..] = self.last;
                let all = [a, b, c, d, e, f, g, h, 0, 0, l1, l0, 0, proto];
                text.first_chunk_mut().into_iter().for_each(|slot| *slot = all);
                all.len()
            }
            Ends::V6(src, _) => {
                let (ends, tail) = text.split_at_mut(32);
                let ends = ends.as_chunks_mut().0.iter_mut();
                ends.zip([src, self.last]).for_each(|(slot, end)| *slot = end);
                tail.copy_from_slice(&[l3, l2, l1, l0, 0, 0, 0, proto]);
                40
            }
        };
        Pseudo { text, used }
    }

    /// True if `proto` stands in the fixed header: then ports are written with addresses.
    pub fn directly(&self, proto: u8) -> bool {
        self.proto == proto
    }
}

/// ` (node-b)`.
#[cold]
fn node(cx: &Cx, out: &mut Out, addr: IpAddr) {
    if let Some(node) = cx.names.nodes.of(addr) {
        out.str(" (");
        out.str(&node.name);
        out.byte(b')');
    }
}

/// An IPv4 address, or its name.
#[inline(always)]
pub fn ip4(cx: &mut Cx, out: &mut Out, addr: [u8; 4]) {
    if cx.o.n || !named(cx, out, addr.into()) {
        out.ip4(addr);
    }
}

/// An IPv6 address, or its name.
#[inline(always)]
pub fn ip6(cx: &mut Cx, out: &mut Out, addr: [u8; 16]) {
    if cx.o.n || !named(cx, out, addr.into()) {
        out.ip6(addr);
    }
}

#[cold]
fn named(cx: &mut Cx, out: &mut Out, addr: IpAddr) -> bool {
    let short = cx.o.short_names;
    cx.names.host(out, addr, short)
}

/// A TCP port, or its name.
#[inline(always)]
pub fn tcp_port(cx: &Cx, out: &mut Out, port: u16) {
    match if cx.o.n { None } else { cx.names.tcp_port(port) } {
        Some(name) => out.str(name),
        None => out.dec(port),
    }
}

/// A UDP port, or its name.
#[inline(always)]
pub fn udp_port(cx: &Cx, out: &mut Out, port: u16) {
    match if cx.o.n { None } else { cx.names.udp_port(port) } {
        Some(name) => out.str(name),
        None => out.dec(port),
    }
}

/// `A.p > B.p: `; only the ports if `proto` is not what the fixed header names.
#[inline(always)]
pub fn ends(
    cx: &mut Cx,
    out: &mut Out,
    l3: &L3<'_>,
    proto: u8,
    [sport, dport]: [u16; 2],
    port: impl Fn(&Cx, &mut Out, u16),
) {
    let whole = l3.directly(proto);
    if let (true, Ends::V4(src, dst)) = (whole && cx.plain(), l3.ends) {
        return out.window(|w| {
            w.ip4(src);
            w.byte(b'.');
            w.dec(sport.into());
            w.text(b" > ");
            w.ip4(dst);
            w.byte(b'.');
            w.dec(dport.into());
            w.text(b": ");
        });
    }
    if whole {
        l3.src(cx, out);
        out.byte(b'.');
    }
    port(cx, out, sport);
    if whole {
        l3.src_node(cx, out);
    }
    out.str(" > ");
    if whole {
        l3.dst(cx, out);
        out.byte(b'.');
    }
    port(cx, out, dport);
    if whole {
        l3.dst_node(cx, out);
    }
    out.str(": ");
}
