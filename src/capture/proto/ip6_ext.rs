//! IPv6 extension headers: options, fragment, routing.

use super::l3;
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, array, be16, be32, take, u8_at};
use crate::capture::text::Out;

/// Hop-by-hop or destination options. Says how long they are.
pub fn options(cx: &mut Cx, out: &mut Out, b: &[u8], name: &str) -> Step<usize> {
    cx.proto = if name == "HBH" { "hbhopt" } else { "dstopt" };
    out.str(name);
    out.byte(b' ');
    let size = (usize::from(u8_at(b, 1)?) + 1) * 8;
    let inside = take(b, 0, size)?;
    if cx.o.v > 0 {
        list(out, inside)?;
        out.byte(b' ');
    }
    Ok(size)
}

fn list(out: &mut Out, b: &[u8]) -> Step {
    let mut at = 2;
    while at < b.len() {
        let kind = u8_at(b, at)?;
        if kind == 0 {
            out.str("(pad1)");
            at += 1;
            continue;
        }
        let size = usize::from(u8_at(b, at + 1)?);
        match kind {
            1 => out.str("(padn)"),
            5 => {
                out.str("(rtalert: 0x");
                out.hex4(be16(b, at + 2)?);
                out.str(") ");
            }
            0xc2 => {
                out.str("(jumbo: ");
                out.dec(be32(b, at + 2)?);
                out.str(") ");
            }
            0xc9 => {
                out.str("(homeaddr: ");
                out.ip6(array(b, at + 2)?);
                out.byte(b')');
            }
            _ => {
                out.str("(unknown opt-type 0x");
                out.hex2(kind);
                out.str(" len=");
                out.dec(size as u32);
                out.byte(b')');
            }
        }
        at += 2 + size;
    }
    Ok(())
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

/// A routing header. Says how long it is.
pub fn routing(cx: &mut Cx, out: &mut Out, b: &[u8]) -> Step<usize> {
    cx.proto = "rt6";
    out.str("RT6");
    let head = array::<8>(b, 0)?;
    let size = (usize::from(head[1]) + 1) * 8;
    out.str(" (len=");
    out.dec(head[1]);
    out.str(", type=");
    out.dec(head[2]);
    if head[2] == 0 {
        out.str(" [Deprecated]");
    }
    out.str(", segleft=");
    out.dec(head[3]);
    match head[2] {
        0 | 2 => {
            let reserved = be32(&head, 4)?;
            if reserved != 0 || cx.o.v > 0 {
                out.str(", rsv=0x");
                out.hex(reserved);
            }
            for n in 0..(size - 8) / 16 {
                hop(cx, out, b, n, true)?;
            }
        }
        4 => {
            out.str(", last-entry=");
            out.dec(head[4]);
            if cx.o.v > 0 {
                out.str(", flags=0x");
                out.hex(head[5]);
            }
            out.str(", tag=");
            out.hex(be16(&head, 6)?);
            for n in 0..=usize::from(head[4]) {
                hop(cx, out, b, n, false)?;
            }
        }
        _ => {
            out.str(", unknown type");
        }
    }
    out.str(") ");
    Ok(size)
}

fn hop(cx: &mut Cx, out: &mut Out, b: &[u8], n: usize, _old: bool) -> Step {
    out.str(", [");
    out.dec(n as u32);
    out.byte(b']');
    l3::ip6(cx, out, array(b, 8 + 16 * n)?);
    Ok(())
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
