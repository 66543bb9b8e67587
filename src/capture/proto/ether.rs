//! Ethernet II and 802.3, VLAN tags.

use super::ethertype::{self, Known};
use super::{hex, ip4, llc};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, array, be16, upto};
use crate::capture::text::Out;

const HEADER: usize = 14;
/// The largest value that is a length and not a type.
const LONGEST_802_3: u16 = 1500;

/// The two addresses of a frame.
#[derive(Debug, Clone, Copy)]
pub struct Macs {
    /// Where from.
    pub src: [u8; 6],
    /// Where to.
    pub dst: [u8; 6],
}

/// A frame. Says how long its header is.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step<usize> {
    cx.proto = "ether";
    if !cx.v50() && (len as usize) < b.len() {
        out.str("[length ");
        out.dec(len);
        out.str(" < caplen ");
        out.dec(b.len() as u64);
        out.byte(b']');
        super::invalid(out);
        return Ok(len as usize);
    }
    // Most frames; the long way ends in the same place.
    if let (false, Ok(0x0800)) = (cx.o.e, be16(b, 12)) {
        ip4::print(cx, out, after(b, HEADER), len.saturating_sub(HEADER as u32))?;
        return Ok(HEADER);
    }
    tagged(cx, out, b, len, 0, |_, _, _| {})
}

/// A frame with `tag` bytes between addresses and type, which `head` tells with -e.
pub fn tagged(
    cx: &mut Cx,
    out: &mut Out,
    b: &[u8],
    len: u32,
    tag: usize,
    head: impl Fn(&mut Cx, &mut Out, &[u8]),
) -> Step<usize> {
    let (Ok(dst), Ok(src), Ok(mut kind)) = (array(b, 0), array(b, 6), be16(b, 12 + tag)) else {
        super::cut(cx, out);
        return Ok(b.len());
    };
    let macs = Macs { src, dst };
    let _ = &head;
    let mut at = HEADER + tag;
    let mut told = false;
    loop {
        let rest = after(b, at);
        let rest_len = len.saturating_sub(at as u32);
        if kind <= LONGEST_802_3 {
            return length_field(cx, out, rest, (len, rest_len, kind), macs, told).map(|used| at + used);
        }
        if !ethertype::is_vlan(kind) {
            return typed(cx, out, rest, (len, rest_len, kind), macs, told).map(|()| at);
        }
        if cx.o.e && rest.len() < 4 && !told {
            addresses(cx, out, macs);
            out.str(", ");
        } else if cx.o.e && (cx.v50() || (rest.len() >= 4 && rest_len >= 4)) {
            lead(cx, out, kind, len, macs, &mut told);
        }
        if rest.len() < 4 || rest_len < 4 {
            cx.proto = "vlan";
            super::cut(cx, out);
            return Ok(at + rest.len());
        }
        if cx.o.e {
            tci(out, be16(rest, 0)?);
            out.str(", ");
        }
        kind = be16(rest, 2)?;
        at += 4;
    }
}

/// `MAC > MAC`.
pub fn addresses(cx: &Cx, out: &mut Out, macs: Macs) {
    ethertype::mac(cx, out, macs.src);
    out.str(" > ");
    ethertype::mac(cx, out, macs.dst);
}

/// The addresses and length once, then each type: `ethertype IPv4 (0x0800), length 98: `.
fn lead(cx: &Cx, out: &mut Out, kind: u16, len: u32, macs: Macs, told: &mut bool) {
    if *told {
        ethertype::print_type(cx, out, kind);
        out.str(", ");
        return;
    }
    addresses(cx, out, macs);
    out.str(", ");
    ethertype::print_type(cx, out, kind);
    out.str(", length ");
    out.dec(len);
    out.str(": ");
    *told = true;
}

/// `vlan 100, p 5, DEI`.
pub fn tci(out: &mut Out, tci: u16) {
    out.str("vlan ");
    out.dec(tci & 0x0fff);
    out.str(", p ");
    out.dec(tci >> 13);
    if tci & 0x1000 != 0 {
        out.str(", DEI");
    }
}

#[inline(always)]
fn typed(
    cx: &mut Cx,
    out: &mut Out,
    rest: &[u8],
    (len, rest_len, kind): (u32, u32, u16),
    macs: Macs,
    mut told: bool,
) -> Step {
    if cx.o.e {
        lead(cx, out, kind, len, macs, &mut told);
    }
    if ethertype::payload(cx, out, kind, rest, rest_len, Some(macs))? == Known::No {
        if !cx.o.e {
            lead(cx, out, kind, len, macs, &mut false);
        }
        if cx.o.q == 0 {
            hex::unread(cx, out, rest);
        }
    }
    Ok(())
}

/// 802.3: the number is a length, LLC follows.
fn length_field(
    cx: &mut Cx,
    out: &mut Out,
    rest: &[u8],
    (_, rest_len, field): (u32, u32, u16),
    macs: Macs,
    told: bool,
) -> Step<usize> {
    let inside = rest_len.min(u32::from(field));
    if cx.o.e {
        if !told {
            addresses(cx, out, macs);
            out.str(", 802.3, length ");
            out.dec(if cx.v50() { u32::from(field) } else { inside });
            out.str(": ");
        } else if cx.v50() {
            out.str("802.3, length ");
            out.dec(field);
            out.str(": ");
        } else {
            out.str("802.3");
        }
    }
    let body = upto(rest, inside as usize);
    let (used, known) = llc::print(cx, out, body, inside, Some(macs))?;
    if !known && cx.o.q == 0 {
        hex::unread(cx, out, body);
    }
    Ok(used)
}
