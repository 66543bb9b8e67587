//! IPv6 extension headers: options, fragment, routing.

use super::l3;
use crate::capture::ctx::Cx;
use crate::capture::reader::{Cut, Step, after, array, be16, be32, take, u8_at};
use crate::capture::text::Out;

/// What a jumbo option means where it stands.
#[derive(Debug, Clone, Copy, Default)]
pub struct Jumbo {
    /// The payload length of the fixed header; set to that of the option if it was 0.
    pub payload: u32,
    /// One was seen.
    seen: bool,
}

impl Jumbo {
    /// No option yet.
    pub fn new(payload: u32) -> Self {
        Self { payload, seen: false }
    }
}

/// Hop-by-hop options, which may say how long the packet is. Says how long they are; nothing if they cannot be.
pub fn hop_by_hop(cx: &mut Cx, out: &mut Out, b: &[u8], jumbo: &mut Jumbo) -> Step<Option<usize>> {
    cx.proto = "hbhopt";
    out.str("HBH ");
    let size = (usize::from(u8_at(b, 1)?) + 1) * 8;
    let inside = take(b, 0, size)?;
    if !list(cx, out, inside, Some(jumbo))? {
        return Ok(None);
    }
    if cx.o.v > 0 {
        out.byte(b' ');
    }
    Ok(Some(size))
}

/// Destination options. Says how long they are; nothing if they cannot be.
pub fn destination(cx: &mut Cx, out: &mut Out, b: &[u8]) -> Step<Option<usize>> {
    cx.proto = "dstopt";
    out.str("DSTOPT ");
    let size = (usize::from(u8_at(b, 1)?) + 1) * 8;
    let inside = take(b, 0, size)?;
    if cx.o.v > 0 {
        if !list(cx, out, inside, None)? {
            return Ok(None);
        }
        out.byte(b' ');
    }
    Ok(Some(size))
}

/// Writes the options; false if one of them cannot be.
fn list(cx: &Cx, out: &mut Out, b: &[u8], mut jumbo: Option<&mut Jumbo>) -> Step<bool> {
    let told = cx.o.v > 0;
    let mut at = 2;
    while at < b.len() {
        let kind = u8_at(b, at)?;
        if kind == 0 {
            out.str(if told { "(pad1)" } else { "" });
            at += 1;
            continue;
        }
        let size = usize::from(u8_at(b, at + 1)?);
        if at + 2 + size > b.len() {
            out.str(" [remaining length ");
            out.dec((b.len() - at) as u32);
            out.str(" < ");
            out.dec(size as u32 + 2);
            out.byte(b']');
            super::invalid(out);
            return Ok(false);
        }
        let body = take(b, at + 2, size)?;
        let want = match kind {
            5 => ("rtalert", 2),
            0xc2 => ("jumbo", 4),
            0xc9 => ("homeaddr", 16),
            _ => ("", size),
        };
        if size < want.1 || (size != want.1 && kind != 0xc9) {
            out.byte(b'(');
            out.str(want.0);
            out.str(": invalid len ");
            out.dec(size as u32);
            out.byte(b')');
            return Err(Cut);
        }
        if kind == 0xc2 {
            length(cx, out, be32(body, 0)?, jumbo.as_deref_mut());
        } else if told {
            one(out, kind, body)?;
        }
        at += 2 + size;
    }
    Ok(true)
}

fn one(out: &mut Out, kind: u8, body: &[u8]) -> Step {
    match kind {
        1 => out.str("(padn)"),
        5 => {
            out.str("(rtalert: 0x");
            out.hex4(be16(body, 0)?);
            out.str(") ");
        }
        0xc9 => {
            out.str("(homeaddr: ");
            out.ip6(array(body, 0)?);
            out.byte(b')');
        }
        _ => {
            out.str("(unknown opt-type 0x");
            out.hex2(kind);
            out.str(" len=");
            out.dec(body.len() as u32);
            out.byte(b')');
        }
    }
    Ok(())
}

/// The option that says how long a packet of more than 65,535 bytes is.
fn length(cx: &Cx, out: &mut Out, size: u32, jumbo: Option<&mut Jumbo>) {
    let remark = match jumbo {
        None => " - not a hop-by-hop option",
        Some(jumbo) if jumbo.seen => " - already seen",
        Some(jumbo) => {
            jumbo.seen = true;
            if jumbo.payload != 0 {
                " - payload len != 0"
            } else if size < 65_536 {
                " - < 65536"
            } else {
                jumbo.payload = size;
                ""
            }
        }
    };
    if cx.o.v > 0 {
        out.str("(jumbo: ");
        out.dec(size);
        out.str(remark);
        out.str(") ");
    }
}

/// A fragment header. Says how long it is, or that what follows is no beginning of anything.
pub fn fragment(cx: &mut Cx, out: &mut Out, b: &[u8], left: u32) -> Step<Option<usize>> {
    cx.proto = "frag6";
    let head = array::<8>(b, 0)?;
    let offset = be16(&head, 2)?;
    out.str("frag (");
    if cx.o.v > 0 {
        out.str("0x");
        out.hex8(be32(&head, 4)?);
        out.byte(b':');
    }
    out.dec(offset & 0xfff8);
    out.byte(b'|');
    out.dec(left.saturating_sub(8));
    out.str(") ");
    if offset & 0xfff8 == 0 {
        return Ok(Some(8));
    }
    out.truncate(out.len() - 1);
    Ok(None)
}

/// A routing header. Says how long it is; nothing if it cannot be.
pub fn routing(cx: &mut Cx, out: &mut Out, b: &[u8]) -> Step<Option<usize>> {
    cx.proto = "rt6";
    out.str("RT6");
    let words = u8_at(b, 1)?;
    out.str(" (len=");
    out.dec(words);
    let kind = u8_at(b, 2)?;
    out.str(", type=");
    out.dec(kind);
    if kind == 0 {
        out.str(" [Deprecated]");
    }
    let left = u8_at(b, 3)?;
    out.str(", segleft=");
    out.dec(left);
    let fine = match kind {
        0 | 2 => {
            let reserved = be32(b, 4)?;
            if reserved != 0 || cx.o.v > 0 {
                out.str(", rsv=0x");
                out.hex(reserved);
            }
            even(out, words) && hops(cx, out, b, usize::from(words / 2))?
        }
        4 => segments(cx, out, b, words)?,
        _ => {
            out.str(" (unknown type)");
            false
        }
    };
    if !fine {
        super::invalid(out);
        return Ok(None);
    }
    out.str(") ");
    Ok(Some((usize::from(words) + 1) * 8))
}

fn even(out: &mut Out, words: u8) -> bool {
    let even = words.is_multiple_of(2);
    if !even {
        out.str(" (invalid length ");
        out.dec(words);
        out.byte(b')');
    }
    even
}

fn hops(cx: &mut Cx, out: &mut Out, b: &[u8], count: usize) -> Step<bool> {
    for n in 0..count {
        let addr = array(b, 8 + 16 * n)?;
        out.str(", [");
        out.dec(n as u32);
        out.byte(b']');
        l3::ip6(cx, out, addr);
    }
    Ok(true)
}

/// Segment routing (RFC 8754).
fn segments(cx: &mut Cx, out: &mut Out, b: &[u8], words: u8) -> Step<bool> {
    let last = u8_at(b, 4)?;
    out.str(", last-entry=");
    out.dec(last);
    let flags = u8_at(b, 5)?;
    if flags != 0 || cx.o.v > 0 {
        out.str(", flags=0x");
        out.hex(flags);
    }
    let tag = be16(b, 6)?;
    out.str(", tag=");
    out.hex(tag);
    if !cx.v50() {
        return Ok(even(out, words) && hops(cx, out, b, usize::from(words / 2))?);
    }
    let count = usize::from(last) + 1;
    if count * 2 > usize::from(words) {
        out.str(" (invalid length ");
        out.dec(words);
        out.byte(b')');
        return Ok(false);
    }
    hops(cx, out, b, count)?;
    let (mut at, end) = (8 + 16 * count, (usize::from(words) + 1) * 8);
    while at < end {
        at += value(cx, out, b, at, end)?;
    }
    Ok(true)
}

/// One of the values behind the segments; says how long it is. An authentication code goes on to the header's end.
fn value(cx: &Cx, out: &mut Out, b: &[u8], at: usize, end: usize) -> Step<usize> {
    let kind = u8_at(b, at)?;
    out.str(", TLV-type=");
    out.str(match kind {
        0 => "Pad1",
        4 => "PadN",
        5 => "HMAC",
        _ => "Unknown",
    });
    out.byte(b'(');
    out.dec(kind);
    out.byte(b')');
    if kind == 0 {
        return Ok(1);
    }
    let size = u8_at(b, at + 1)?;
    out.str(", TLV-len=");
    out.dec(size);
    if kind != 5 {
        return Ok(2 + usize::from(size));
    }
    let body = take(b, at + 2, (end - at).saturating_sub(2))?;
    if cx.o.v > 0 {
        out.str(", D=");
        out.dec(u8_at(body, 0)? >> 7);
        out.str(", HMAC-key-ID=0x");
        out.hex8(be32(body, 2)?);
        out.str(", HMAC=0x");
        out.hexes(after(body, 6));
    }
    Ok(end - at)
}

/// The destination that checksums cover, if there are hops left.
pub fn last_hop(b: &[u8]) -> Option<[u8; 16]> {
    let (words, kind, left) = (usize::from(*b.get(1)?), *b.get(2)?, *b.get(3)?);
    match kind {
        0 | 2 if left > 0 && words >= 2 => array(b, 8 + 16 * (words / 2 - 1)).ok(),
        4 if left > 0 => array(b, 8).ok(),
        _ => None,
    }
}

/// As [`last_hop`], as the older version has it: of a type 0 or 2 header the last address that was captured, whether or not
/// hops are left.
pub fn old_last_hop(b: &[u8]) -> Option<[u8; 16]> {
    let (words, kind) = (usize::from(*b.get(1)?), *b.get(2)?);
    let whole = b.len() >= 4 && words.is_multiple_of(2);
    match kind {
        0 | 2 if whole => (0..words / 2).map_while(|n| array(b, 8 + 16 * n).ok()).last(),
        4 if whole => array(b, 8).ok(),
        _ => None,
    }
}
