//! What ICMP errors carry behind the packet they quote (RFC 4884), and the extended echo (RFC 8335).

use super::{hex, l3, sum};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, array, be16, be32, need, take, u8_at, upto};
use crate::capture::text::Out;

/// Where the extension begins: behind the header and 128 bytes of the packet.
const START: usize = 136;

/// The objects behind an error of `len` bytes, if there are any.
pub(super) fn error(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    let size = (len as usize).saturating_sub(START);
    if size < 4 {
        return Ok(());
    }
    let ext = take(b, START, size)?;
    // Without the length of what is quoted only the checksum tells an extension from a longer quotation.
    if u8_at(b, 5)? == 0 && sum::of(&[ext]) != 0 {
        return Ok(());
    }
    let version = u8_at(ext, 0)? >> 4;
    out.str("\n\tICMP Multi-Part extension v");
    out.dec(version);
    if version != 2 {
        out.str(" packet not supported");
        return Ok(());
    }
    checksum(out, ext)?;
    objects(cx, out, after(ext, 4))
}

/// As [`error`], as the older version has it: objects that it does not know are bytes. False if one was not captured.
pub(super) fn old_error(out: &mut Out, b: &[u8], len: u32) -> Step<bool> {
    let size = (len as usize).saturating_sub(START);
    if size == 0 {
        return Ok(true);
    }
    if need(b, START + 5).is_err() {
        return Ok(false);
    }
    let ext = after(b, START);
    let whole = ext.get(..size);
    if u8_at(b, 5)? == 0 && whole.is_some_and(|ext| sum::of(&[ext]) != 0) {
        return Ok(true);
    }
    let version = u8_at(ext, 0)? >> 4;
    out.str("\n\tICMP Multi-Part extension v");
    out.dec(version);
    if version != 2 {
        out.str(" packet not supported");
        return Ok(true);
    }
    if let Some(ext) = whole {
        checksum(out, ext)?;
    }
    let (mut at, mut left) = (4, size.wrapping_sub(4) as u32);
    while left > 4 {
        if need(ext, at + 4).is_err() {
            return Ok(false);
        }
        let (size, class, kind) = (usize::from(be16(ext, at)?), u8_at(ext, at + 2)?, u8_at(ext, at + 3)?);
        let name = match class {
            1 => "MPLS Stack Entry",
            2 => "Interface Identification",
            _ => "unknown",
        };
        object(out, name, class, kind, size);
        (at, left) = (at + 4, left - 4);
        if class == 0 || size < 4 {
            return Ok(true);
        }
        let size = size - 4;
        if (class, kind) == (1, 1) {
            label(out, after(ext, at))?;
        } else {
            hex::hex(out, "\n\t    ", upto(after(ext, at), size));
        }
        if (left as usize) < size {
            return Ok(true);
        }
        (at, left) = (at + size, left - size as u32);
    }
    Ok(true)
}

/// `, checksum 0x1234 (correct), length 8`.
fn checksum(out: &mut Out, ext: &[u8]) -> Step {
    out.str(", checksum 0x");
    out.hex4(be16(ext, 2)?);
    out.str(if sum::of(&[ext]) == 0 { " (correct)" } else { " (incorrect)" });
    out.str(", length ");
    out.dec(ext.len() as u32);
    Ok(())
}

/// The head of an object, on a line of its own.
fn object(out: &mut Out, name: &str, class: u8, kind: u8, size: usize) {
    out.str("\n\t  ");
    out.str(name);
    out.str(" Object (");
    out.dec(class);
    out.str("), Class-Type: ");
    out.dec(kind);
    out.str(", length ");
    out.dec(size as u32);
}

fn objects(cx: &mut Cx, out: &mut Out, mut b: &[u8]) -> Step {
    while b.len() > 4 {
        let (size, class, kind) = (usize::from(be16(b, 0)?), u8_at(b, 2)?, u8_at(b, 3)?);
        let name = match class {
            1 => "MPLS Stack Entry",
            2 if cx.v50() => "Interface Information",
            2 => "Interface Identification",
            3 if cx.v50() => "Interface Identification",
            _ => "unknown",
        };
        object(out, name, class, kind, size);
        if class == 0 || size < 4 {
            return Ok(());
        }
        let body = b.get(4..size).unwrap_or_else(|| after(b, 4));
        match class {
            1 if kind == 1 => label(out, body)?,
            2 if cx.v50() => interface(cx, out, kind, body)?,
            3 if cx.v50() => identification(cx, out, kind, body)?,
            _ => hex::hex(out, "\n\t    ", body),
        }
        b = after(b, size);
    }
    Ok(())
}

fn label(out: &mut Out, b: &[u8]) -> Step {
    let entry = be32(b, 0)?;
    out.str("\n\t    label ");
    out.dec(entry >> 12);
    out.str(", tc ");
    out.dec(entry >> 9 & 7);
    if entry & 0x100 != 0 {
        out.str(", [S]");
    }
    out.str(", ttl ");
    out.dec(entry & 0xff);
    Ok(())
}

fn index(out: &mut Out, b: &[u8]) -> Step {
    out.str("\n\t    Interface Index: ");
    out.dec(be32(b, 0)?);
    Ok(())
}

/// An address behind its family; says how long both are.
fn address(cx: &mut Cx, out: &mut Out, b: &[u8]) -> Step<usize> {
    let family = be16(b, 0)?;
    out.str("\n\t    IP Address sub-object: ");
    match family {
        1 => {
            l3::ip4(cx, out, array(b, 4)?);
            Ok(8)
        }
        2 => {
            l3::ip6(cx, out, array(b, 4)?);
            Ok(20)
        }
        _ => {
            out.str("Unknown address family (");
            out.dec(family);
            out.byte(b')');
            Ok(b.len())
        }
    }
}

fn named(out: &mut Out, size: usize, name: &[u8]) {
    out.str("\n\t    Interface Name, length ");
    out.dec(size as u32);
    out.str(": ");
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    super::app::visible(out, name.get(..end).unwrap_or_default());
}

/// What is told of an interface (RFC 5837); the bits of `kind` say what is there.
fn interface(cx: &mut Cx, out: &mut Out, kind: u8, mut b: &[u8]) -> Step {
    out.str("\n\t    Interface Role: ");
    out.str(match kind >> 6 {
        0 => "Incoming IP Interface",
        1 => "Sub-IP component of Incoming IP Interface",
        2 => "Outgoing IP Interface",
        _ => "IP next hop",
    });
    if kind & 8 != 0 {
        index(out, b)?;
        b = after(b, 4);
    }
    if kind & 4 != 0 {
        let used = address(cx, out, b)?;
        b = after(b, used);
    }
    if kind & 2 != 0 {
        let size = usize::from(u8_at(b, 0)?);
        if size == 0 {
            out.str("\n\t    Interface Name, length 0");
            super::invalid(out);
            return Ok(());
        }
        named(out, size, take(b, 1, size - 1)?);
        b = after(b, size);
    }
    if kind & 1 != 0 {
        out.str("\n\t    MTU Value: ");
        out.dec(be32(b, 0)?);
    }
    Ok(())
}

/// The interface that an extended echo asks about.
fn identification(cx: &mut Cx, out: &mut Out, kind: u8, b: &[u8]) -> Step {
    match kind {
        1 => named(out, b.len(), b),
        2 => index(out, b)?,
        3 => {
            address(cx, out, b)?;
        }
        _ => hex::hex(out, "\n\t    ", b),
    }
    Ok(())
}

/// The details of an extended echo.
pub(super) fn echo(cx: &mut Cx, out: &mut Out, b: &[u8], request: bool) -> Step {
    if request {
        let size = usize::from(be16(b, 12)?) + 4;
        out.str(if u8_at(b, 7)? & 1 != 0 { "\n\tLocal Interface" } else { "\n\tRemote Interface" });
        let ext = take(b, 8, size)?;
        checksum(out, ext)?;
        return objects(cx, out, after(ext, 4));
    }
    let (code, bits) = (u8_at(b, 1)?, u8_at(b, 7)?);
    out.str("\n\tCode ");
    out.dec(code);
    out.str(match code {
        0 => " (No error)",
        1 => " (Malformed Query)",
        2 => " (No Such Interface)",
        3 => " (No Such Table Entry)",
        4 => " (Multiple Interfaces Satisfy Query)",
        _ => " (Unknown)",
    });
    out.str(", State ");
    out.dec(bits >> 5);
    out.str(match bits >> 5 {
        0 => " (Reserved)",
        1 => " (Incomplete)",
        2 => " (Reachable)",
        3 => " (Stale)",
        4 => " (Delay)",
        5 => " (Probe)",
        6 => " (Failed)",
        _ => " (Unknown)",
    });
    for (name, bit) in [(", active ", 2), (" ipv4 ", 1), (" ipv6 ", 0)] {
        out.str(name);
        out.dec(bits >> bit & 1);
    }
    Ok(())
}
