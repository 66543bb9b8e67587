//! Network service header (RFC 8300).

use super::{ether, ip4, ip6, nsh_old};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, be16, be24, need, take, u8_at};
use crate::capture::text::Out;

const HEADER: u32 = 8;

/// The header with its context, then what it names.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "nsh";
    if !cx.v50() {
        return nsh_old::print(cx, out, b, len);
    }
    out.str("NSH, ");
    if len < HEADER {
        return super::bad_length(out, "[length ", len, " < ", 8);
    }
    let size = u32::from(be16(b, 0)? & 0x003f);
    let (kind, next) = (u8_at(b, 2)? & 15, u8_at(b, 3)?);
    u8_at(b, 7)?;
    base(cx, out, b)?;
    if size * 4 > len || size < 2 {
        super::invalid(out);
        return Ok(());
    }
    need(b, size as usize * 4)?;
    let context = take(b, 8, size as usize * 4 - 8)?;
    if cx.o.v > 2 && !told(out, context, kind)? {
        super::invalid(out);
        return Ok(());
    }
    out.str(if cx.o.v > 0 { "\n    " } else { ": " });
    let (rest, rest_len) = (after(b, size as usize * 4), len - size * 4);
    if !self::next(cx, out, next, rest, rest_len)? {
        out.str("unknown-next-protocol-0x");
        out.hex2(next);
    }
    Ok(())
}

/// What a next protocol of NSH or VXLAN-GPE stands for: they number alike. False for another; then nothing is written.
pub fn next(cx: &mut Cx, out: &mut Out, next: u8, b: &[u8], len: u32) -> Step<bool> {
    match next {
        1 => ip4::print(cx, out, b, len)?,
        2 => ip6::print(cx, out, b, len)?,
        3 => ether::print(cx, out, b, len).map(drop)?,
        4 => print(cx, out, b, len)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The base and service path headers.
fn base(cx: &Cx, out: &mut Out, b: &[u8]) -> Step {
    let first = be16(b, 0)?;
    let (version, flags) = (first >> 14, first >> 8 & 0x30);
    let (ttl, size) = ((first & 0x0fc0) >> 6, first & 0x003f);
    let (kind, next) = (u8_at(b, 2)? & 15, u8_at(b, 3)?);
    let (path, index) = (be24(b, 4)?, u8_at(b, 7)?);
    if cx.o.v > 1 {
        out.str("ver ");
        out.dec(version);
        out.str(", ");
    }
    out.str("flags [");
    super::bits(out, u32::from(flags), "none", &[(0x20, "O")]);
    out.str("], ");
    if cx.o.v > 2 {
        out.str("TTL ");
        out.dec(ttl);
        out.str(", length ");
        out.dec(size);
        out.str(", md type ");
        out.dec(kind);
        out.str(", ");
    }
    if cx.o.v > 1 {
        out.str("next-protocol ");
        match next_name(next) {
            Some(name) => out.str(name),
            None => {
                out.str("unknown-0x");
                out.hex2(next);
            }
        }
        out.str(", ");
    }
    out.str("service-path-id 0x");
    out.hex_long(u64::from(path), 6);
    out.str(", service-index 0x");
    out.hex(index);
    Ok(())
}

/// The name of a next protocol.
pub fn next_name(next: u8) -> Option<&'static str> {
    Some(match next {
        1 => "IPv4",
        2 => "IPv6",
        3 => "Ethernet",
        4 => "NSH",
        5 => "MPLS",
        0xfe => "Experiment 1",
        0xff => "Experiment 2",
        _ => return None,
    })
}

/// The context headers, one a line; false if one says what cannot be.
fn told(out: &mut Out, context: &[u8], kind: u8) -> Step<bool> {
    if kind == 1 {
        if context.len() != 16 {
            return Ok(false);
        }
        for n in 0..4 {
            out.str("\n        Context[0");
            out.dec(n as u32);
            out.str("]: 0x");
            out.hexes(take(context, 4 * n, 4)?);
        }
        return Ok(true);
    }
    if kind != 2 {
        return Ok(true);
    }
    let mut at = 0;
    while at < context.len() {
        let (class, what, size) =
            (be16(context, at)?, u8_at(context, at + 2)?, u8_at(context, at + 3)? & 0x7f);
        out.str("\n        TLV Class ");
        out.dec(class);
        out.str(", Type ");
        out.dec(what);
        out.str(", Len ");
        out.dec(size);
        at += 4;
        let padded = usize::from(size).div_ceil(4) * 4;
        if size == 0 {
            continue;
        }
        let Ok(value) = take(context, at, padded) else { return Ok(false) };
        out.str("\n            Value: 0x");
        out.hexes(take(value, 0, usize::from(size))?);
        at += padded;
    }
    Ok(true)
}
