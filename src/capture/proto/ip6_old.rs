//! IPv6 as tcpdump 4.99.3 reads it: the length of the header counts however short the packet is, and the end of an
//! extension header is told where it is met.

use super::ip_proto;
use super::l3::{self, Ends, L3};
use super::{ip6_ext, mobility};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, array, be16, be32, take, u8_at, upto};
use crate::capture::text::Out;

const HEADER: u32 = 40;

/// What the chain needs of the fixed header.
struct Fixed {
    src: [u8; 16],
    dst: [u8; 16],
    hops: u8,
    /// The packet's length as the layer below tells it.
    len: u32,
    /// The payload's length; a jumbo option sets it.
    payload: u32,
    jumbo: bool,
}

/// A packet.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    let Ok(head) = array::<40>(b, 0) else { return short(cx, out) };
    if len < HEADER {
        out.str("truncated-ip6 ");
        out.dec(len);
        return Ok(());
    }
    if !cx.o.e {
        out.str("IP6 ");
    }
    if head[0] >> 4 != 6 {
        out.str("version error: ");
        out.dec(head[0] >> 4);
        out.str(" != 6");
        return Ok(());
    }
    let payload = u32::from(be16(&head, 4)?);
    let total = if payload > 0 { payload } else { len } + HEADER;
    if payload > 0 {
        missing(out, total, len);
    }
    if cx.o.v > 0 {
        super::ip6::verbose(cx, out, &head, payload, None);
    }
    let fixed = Fixed { src: array(b, 8)?, dst: array(b, 24)?, hops: head[7], len, payload, jumbo: false };
    chain(cx, out, (b, total), head[6], fixed)
}

fn short(cx: &Cx, out: &mut Out) -> Step {
    super::cut(cx, out);
    Ok(())
}

fn missing(out: &mut Out, total: u32, len: u32) {
    if len < total {
        out.str("truncated-ip6 - ");
        out.dec(total - len);
        out.str(" bytes missing!");
    }
}

fn chain(cx: &mut Cx, out: &mut Out, (packet, total): (&[u8], u32), first: u8, mut fixed: Fixed) -> Step {
    let b = upto(packet, total as usize);
    let mut l3 = L3 {
        ends: Ends::V6(fixed.src, fixed.dst),
        proto: first,
        fragmented: false,
        ttl: fixed.hops,
        bytes: b,
        last: fixed.dst,
    };
    if !matches!(first, ip_proto::TCP | ip_proto::UDP | ip_proto::SCTP | ip_proto::DCCP) {
        l3::ip6(cx, out, fixed.src);
        out.str(" > ");
        l3::ip6(cx, out, fixed.dst);
        out.str(": ");
    }
    let (mut next, mut at, mut routed) = (first, HEADER, false);
    loop {
        let rest = after(b, at as usize);
        let used = match next {
            0 if at > HEADER => return misplaced(out, first),
            0 => {
                let used = options(cx, out, rest, ("hbhopt", "HBH "), Some(&mut fixed))?;
                if fixed.payload == 0 && !fixed.jumbo {
                    out.str("[No valid Jumbo Payload Hop-by-Hop option found]");
                    super::invalid(out);
                    return Ok(());
                }
                used
            }
            60 => options(cx, out, rest, ("dstopt", "DSTOPT "), None)?,
            44 => {
                l3.fragmented = true;
                fragment(cx, out, rest, fixed.payload_of(packet)?, at)?.filter(|_| rest.len() > 8)
            }
            43 => {
                if !routed {
                    l3.last = ip6_ext::old_last_hop(rest).unwrap_or(l3.last);
                    routed = true;
                }
                if rest.is_empty() {
                    return short(cx, out);
                }
                ip6_ext::routing(cx, out, rest)?.map(|used| used as u32)
            }
            62 | 135 => return mobility::print(cx, out, rest),
            _ => return carried(cx, out, (packet, total, at), next, &fixed, &l3),
        };
        cx.proto = if used.is_some() { "ip6" } else { cx.proto };
        let Some(used) = used else { return Ok(()) };
        next = u8_at(rest, 0)?;
        cx.proto = "ip6";
        if total - at < used {
            return short(cx, out);
        }
        at += used;
    }
}

/// Hop-by-hop options stand behind the fixed header or nowhere; a chain that began with them says so.
fn misplaced(out: &mut Out, first: u8) -> Step {
    out.str(if first == 0 {
        "[The Hop-by-Hop Options header was already found]"
    } else {
        "[The Hop-by-Hop Options header don't follow the IPv6 header]"
    });
    super::invalid(out);
    Ok(())
}

impl Fixed {
    /// The length in the fixed header, whatever a jumbo option said.
    fn payload_of(&self, packet: &[u8]) -> Step<u64> {
        be16(packet, 4).map(u64::from)
    }
}

/// What stands behind the last extension header.
fn carried(
    cx: &mut Cx,
    out: &mut Out,
    (packet, total, at): (&[u8], u32, u32),
    next: u8,
    fixed: &Fixed,
    l3: &L3<'_>,
) -> Step {
    let mut total = total;
    if fixed.jumbo {
        total = fixed.payload.saturating_add(HEADER);
        if total < at {
            return short(cx, out);
        }
        missing(out, total, fixed.len);
    } else if fixed.payload == 0 {
        if at > HEADER {
            return short(cx, out);
        }
        total = HEADER;
    }
    let rest = after(upto(packet, total as usize), at as usize);
    ip_proto::payload(cx, out, next, rest, total.saturating_sub(at), l3)
}

/// A fragment header: its place, and how much of the packet it holds.
fn fragment(cx: &mut Cx, out: &mut Out, b: &[u8], payload: u64, at: u32) -> Step<Option<u32>> {
    cx.proto = "frag6";
    let place = if cx.o.v > 0 {
        let id = be32(b, 4)?;
        out.str("frag (0x");
        out.hex8(id);
        out.byte(b':');
        be16(b, 2)?
    } else {
        let place = be16(b, 2)?;
        out.str("frag (");
        place
    };
    out.dec(place & 0xfff8);
    out.byte(b'|');
    out.dec((payload + u64::from(HEADER)).wrapping_sub(u64::from(at) + 8));
    out.byte(b')');
    if place & 0xfff8 != 0 {
        return Ok(None);
    }
    out.byte(b' ');
    Ok(Some(8))
}

/// A list of options. Says how long it is; nothing if one of them cannot be.
fn options(
    cx: &mut Cx,
    out: &mut Out,
    b: &[u8],
    (proto, name): (&'static str, &str),
    mut fixed: Option<&mut Fixed>,
) -> Step<Option<u32>> {
    cx.proto = proto;
    let size = (u32::from(u8_at(b, 1)?) + 1) * 8;
    let Ok(inside) = take(b, 0, size as usize) else {
        super::cut(cx, out);
        return Ok(None);
    };
    out.str(name);
    let mut at = 2;
    let mut seen = false;
    while (fixed.is_some() || cx.o.v > 0) && at < inside.len() {
        let kind = u8_at(inside, at)?;
        let width =
            if kind == 0 { 1 } else { u8_at(inside, at + 1).map_or(usize::MAX, |n| usize::from(n) + 2) };
        let fine = match take(inside, at, width) {
            Ok(option) => one(cx, out, (option, inside.len() - at), (&mut seen, fixed.as_deref_mut()))?,
            Err(_) => false,
        };
        if !fine {
            super::cut(cx, out);
            return Ok(None);
        }
        at += width;
    }
    out.str(if cx.o.v > 0 { " " } else { "" });
    Ok(Some(size))
}

/// An option; false if its length cannot be.
fn one(
    cx: &mut Cx,
    out: &mut Out,
    (b, left): (&[u8], usize),
    (seen, fixed): (&mut bool, Option<&mut Fixed>),
) -> Step<bool> {
    let (kind, told) = (u8_at(b, 0)?, cx.o.v > 0);
    let wanted = match kind {
        5 => Some(("rtalert", b.len() == 4, 4)),
        0xc2 => Some(("jumbo", b.len() == 6, 6)),
        0xc9 => Some(("homeaddr", b.len() >= 18, 18)),
        _ => None,
    };
    if let Some((name, false, least)) = wanted {
        out.byte(b'(');
        out.str(name);
        if left < least {
            out.str(": trunc)");
            return Ok(false);
        }
        out.str(": invalid len ");
        out.dec(u8_at(b, 1)?);
        out.byte(b')');
        return Ok(false);
    }
    if kind == 0xc2 {
        jumbo(cx, out, be32(b, 2)?, seen, fixed);
        return Ok(true);
    }
    if !told {
        return Ok(true);
    }
    match kind {
        0 => out.str("(pad1)"),
        1 => out.str("(padn)"),
        5 => {
            out.str("(rtalert: 0x");
            out.hex4(be16(b, 2)?);
            out.str(") ");
        }
        0xc9 => {
            out.str("(homeaddr: ");
            l3::ip6(cx, out, array(b, 2)?);
            if !within(out, after(b, 18))? {
                return Ok(false);
            }
            out.byte(b')');
        }
        _ => {
            out.str("(opt_type 0x");
            out.hex2(kind);
            out.str(": len=");
            out.dec(u8_at(b, 1)?);
            out.byte(b')');
        }
    }
    Ok(true)
}

fn jumbo(cx: &Cx, out: &mut Out, size: u32, seen: &mut bool, fixed: Option<&mut Fixed>) {
    let before = std::mem::replace(seen, true);
    let remark = match fixed {
        _ if before => " - already seen",
        None => " - not a hop-by-hop option",
        Some(fixed) if fixed.payload != 0 => " - payload len != 0",
        Some(_) if size < 65_536 => " - < 65536",
        Some(fixed) => {
            fixed.payload = size;
            fixed.jumbo = true;
            ""
        }
    };
    if cx.o.v > 0 {
        out.str("(jumbo: ");
        out.dec(size);
        out.str(remark);
        out.str(") ");
    }
}

/// Options within an option; false if one ends too early.
fn within(out: &mut Out, b: &[u8]) -> Step<bool> {
    let mut at = 0;
    while at < b.len() {
        let kind = u8_at(b, at)?;
        let width = if kind == 0 { 1 } else { u8_at(b, at + 1).map_or(usize::MAX, |n| usize::from(n) + 2) };
        if take(b, at, width).is_err() {
            return Ok(false);
        }
        match kind {
            0 => out.str(", pad1"),
            1 => out.str(", padn"),
            _ => {
                out.str(", sopt_type 0x");
                out.hex2(kind);
                out.str(": len=");
                out.dec(u8_at(b, at + 1)?);
            }
        }
        at += width;
    }
    Ok(true)
}
