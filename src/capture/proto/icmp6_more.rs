//! What else ICMPv6 carries: router renumbering, node information, mobile prefixes.

use super::icmp6::{End, length};
use super::{icmp6_nd, l3};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, array, be16, be32, take, u8_at};
use crate::capture::text::Out;

/// Router renumbering (RFC 2894).
pub(super) fn renumbering(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, code: u8) -> Step {
    match code {
        0 => out.str(", command"),
        1 => out.str(", result"),
        255 => out.str(", sequence number reset"),
        _ => {
            out.str(", code-#");
            out.dec(code);
        }
    }
    out.str(", seq=");
    out.dec(be32(b, 4)?);
    if cx.o.v > 0 {
        let flags = u8_at(b, 9)?;
        out.byte(b'[');
        for (bit, letter) in [(0x80, b'T'), (0x40, b'R'), (0x20, b'A'), (0x10, b'S'), (0x08, b'P')] {
            if flags & bit != 0 {
                out.byte(letter);
            }
        }
        out.str(if flags & 0xf8 != 0 { ",seg=" } else { "seg=" });
        out.dec(u8_at(b, 8)?);
        out.str(",maxdelay=");
        out.dec(be16(b, 10)?);
        out.byte(b']');
    }
    if code != 0 {
        return Ok(());
    }
    let part = take(b, 16, 24)?;
    out.str(" match(");
    match u8_at(part, 0)? {
        1 => out.str("add,"),
        2 => out.str("change,"),
        3 => out.str("setglobal,"),
        other => {
            out.byte(b'#');
            out.dec(other);
            out.byte(b',');
        }
    }
    if cx.o.v > 0 {
        for (name, at) in [("ord=", 2), (",min=", 4), (",max=", 5)] {
            out.str(name);
            out.dec(u8_at(part, at)?);
        }
        out.byte(b',');
    }
    l3::ip6(cx, out, array(part, 8)?);
    out.byte(b'/');
    out.dec(u8_at(part, 3)?);
    out.byte(b')');
    let mut at = 40;
    while at + 32 <= len as usize {
        used(cx, out, take(b, at, 32)?)?;
        at += 32;
    }
    Ok(())
}

/// One prefix that is to be used.
fn used(cx: &mut Cx, out: &mut Out, part: &[u8]) -> Step {
    out.str(" use(");
    if cx.o.v > 0 {
        let flags = be32(part, 12)?;
        if flags & 0xc000_0000 != 0 {
            out.str(if flags & 0x8000_0000 != 0 { "V" } else { "" });
            out.str(if flags & 0x4000_0000 != 0 { "P" } else { "" });
            out.byte(b',');
        }
        out.str("mask=0x");
        out.hex(u8_at(part, 2)?);
        out.str(",raflags=0x");
        out.hex(u8_at(part, 3)?);
        for (name, at) in [(",vltime=", 4), (",pltime=", 8)] {
            out.str(name);
            match be32(part, at)? {
                u32::MAX => out.str("infty"),
                secs => out.dec(secs),
            }
        }
        out.byte(b',');
    }
    l3::ip6(cx, out, array(part, 16)?);
    out.byte(b'/');
    out.dec(u8_at(part, 0)?);
    out.byte(b'/');
    out.dec(u8_at(part, 1)?);
    out.byte(b')');
    Ok(())
}

/// Writes what is asked for; says its number.
fn wanted(cx: &Cx, out: &mut Out, b: &[u8]) -> Step<u16> {
    let (kind, flags) = (be16(b, 4)?, be16(b, 6)?);
    match kind {
        0 => out.str("noop"),
        1 => {
            out.str("supported qtypes [");
            out.str(if flags & 1 != 0 { "C" } else { "" });
            out.byte(b']');
        }
        2 => out.str("DNS name"),
        3 => out.str("node addresses"),
        4 if cx.v50() => out.str("ipv4 addresses"),
        _ => out.str("unknown"),
    }
    Ok(kind)
}

fn scopes(out: &mut Out, flags: u16) {
    out.str(" [");
    for (bit, letter) in [(0x20, b'G'), (0x10, b'S'), (0x08, b'L'), (0x04, b'C'), (0x02, b'A'), (0x01, b'T')]
    {
        if flags & bit != 0 {
            out.byte(letter);
        }
    }
    out.byte(b']');
}

/// A node information query (RFC 4620).
pub(super) fn asked(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, code: u8) -> Step {
    out.str(" (");
    let kind = wanted(cx, out, b)?;
    if kind < 2 {
        if cx.o.v > 0 && len != 16 {
            out.str(", invalid len");
        }
        out.byte(b')');
        return Ok(());
    }
    if kind == 3 || (kind == 4 && cx.v50()) {
        scopes(out, be16(b, 6)?);
    }
    match code {
        _ if len == 16 => out.str(", 03 draft"),
        0 => {
            out.str(", subject=");
            l3::ip6(cx, out, array(b, 16)?);
        }
        1 => {
            out.str(", subject=DNS name");
            names(out, after(b, 16))?;
        }
        2 => {
            out.str(", subject=");
            l3::ip4(cx, out, array(b, 16)?);
        }
        _ => out.str(", unknown subject"),
    }
    out.byte(b')');
    Ok(())
}

/// `, "foo."`.
fn names(out: &mut Out, b: &[u8]) -> Step {
    out.str(", \"");
    let mut at = 0;
    while let size @ 1.. = u8_at(b, at)? {
        let Ok(label) = take(b, at + 1, usize::from(size)) else {
            out.str("???");
            break;
        };
        super::app::visible(out, label);
        out.byte(b'.');
        at += 1 + usize::from(size);
        if at >= b.len() {
            break;
        }
    }
    out.byte(b'"');
    Ok(())
}

/// A node information reply.
pub(super) fn answered(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, code: u8) -> Step {
    out.str(" (");
    match code {
        0 if cx.o.v > 0 => out.str("success, "),
        1 => out.str("refused"),
        2 => out.str("unknown"),
        _ => {}
    }
    if code != 0 {
        if cx.o.v > 0 && code < 3 && len != 16 {
            out.str(", invalid length");
        }
        out.byte(b')');
        return Ok(());
    }
    match wanted(cx, out, b)? {
        0 if cx.o.v > 0 && len != 16 => out.str(", invalid length"),
        2 => names(out, take(b, 20, b.len().saturating_sub(20))?)?,
        3 => addresses(cx, out, b, len)?,
        _ => {}
    }
    out.byte(b')');
    Ok(())
}

fn addresses(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    let flags = be16(b, 6)?;
    if cx.v50() {
        scopes(out, flags);
    }
    let mut at = 16;
    while at + 20 <= len as usize {
        out.byte(b' ');
        l3::ip6(cx, out, array(b, at + 4)?);
        out.byte(b'(');
        out.dec(be32(b, at)?);
        out.byte(b')');
        at += 20;
    }
    if !cx.v50() {
        scopes(out, flags);
    }
    Ok(())
}

/// Home agent discovery and mobile prefixes, at -v.
pub(super) fn mobile(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, kind: u8) -> Step<End> {
    length(out, len);
    let id = be16(b, 4)?;
    out.str(", id 0x");
    out.hex4(id);
    if kind == 145 {
        let mut at = 8;
        // The older version reads an address as long as any of it is there.
        while at + if cx.v50() { 16 } else { 1 } <= len as usize {
            let addr = array(b, at)?;
            out.str(", ");
            l3::ip6(cx, out, addr);
            at += 16;
        }
        return Ok(End::Done);
    }
    let flags = be16(b, 6)?;
    if flags & 0xc000 != 0 {
        out.byte(b' ');
    }
    out.str(if flags & 0x8000 != 0 { "M" } else { "" });
    out.str(if flags & 0x4000 != 0 { "O" } else { "" });
    icmp6_nd::list(cx, out, b, 8, len)?;
    Ok(End::Done)
}
