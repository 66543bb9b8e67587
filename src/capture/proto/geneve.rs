//! Geneve (RFC 8926).

use super::ether;
use super::ethertype::{self, Known};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, be16, be24, be32, need, u8_at, upto};
use crate::capture::text::Out;

const HEADER: usize = 8;

/// The header with its options, then what it carries.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "geneve";
    out.str("Geneve");
    if len < HEADER as u32 {
        return super::bad_length(out, " [length ", len, " < ", 8);
    }
    if !cx.v50() {
        let whole = need(b, HEADER);
        if super::caught(cx, out, whole)?.is_none() {
            return Ok(());
        }
    }
    let first = u8_at(b, 0)?;
    let (version, options) = (first >> 6, u32::from(first & 0x3f) * 4);
    if version != 0 {
        out.str(" ERROR: unknown-version ");
        out.dec(version);
        return Ok(());
    }
    need(b, HEADER)?;
    let kind = fixed(cx, out, b)?;
    let rest = after(b, HEADER);
    let rest_len = len - HEADER as u32;
    if rest_len < options {
        too_long(cx, out, options, rest_len);
        return Ok(());
    }
    let whole = need(rest, options as usize);
    if super::caught(cx, out, whole)?.is_none() {
        return Ok(());
    }
    if options > 0 && !told(cx, out, upto(rest, options as usize), options)? {
        super::invalid(out);
        return Ok(());
    }
    out.str(if cx.o.v > 0 { "\n\t" } else { ": " });
    let (rest, rest_len) = (after(rest, options as usize), rest_len - options);
    if kind == 0x6558 {
        return ether::print(cx, out, rest, rest_len).map(drop);
    }
    if ethertype::payload(cx, out, kind, rest, rest_len, None)? == Known::No {
        out.str("geneve-proto-0x");
        out.hex(kind);
    }
    Ok(())
}

fn too_long(cx: &Cx, out: &mut Out, options: u32, left: u32) {
    if cx.v50() {
        out.str(", bad option length ");
        out.dec(options);
        return super::invalid(out);
    }
    out.str(" truncated-geneve - ");
    out.dec(options - left);
    out.str(" bytes missing");
}

/// `, options [8 bytes]`, or each of them; false if they say what cannot be.
fn told(cx: &Cx, out: &mut Out, b: &[u8], len: u32) -> Step<bool> {
    out.str(", options [");
    if cx.o.v == 0 {
        out.dec(len);
        out.str(" bytes");
    } else if !list(cx, out, b, len)? && cx.v50() {
        return Ok(false);
    }
    out.byte(b']');
    Ok(true)
}

/// Flags, VNI and what is reserved; says what the packet carries.
fn fixed(cx: &Cx, out: &mut Out, b: &[u8]) -> Step<u16> {
    let flags = u8_at(b, 1)?;
    out.str(", Flags [");
    let names = [
        (0x80, "O"),
        (0x40, "C"),
        (0x20, "R1"),
        (0x10, "R2"),
        (0x08, "R3"),
        (0x04, "R4"),
        (0x02, "R5"),
        (0x01, "R6"),
    ];
    super::bits_with(out, u32::from(if cx.v50() { flags & 0xc0 } else { flags }), "none", "", &names);
    out.byte(b']');
    if flags & 0x3f != 0 && cx.v50() {
        out.str(" rsvd1 0x");
        out.hex2(flags & 0x3f);
    }
    let kind = be16(b, 2)?;
    let vni = be24(b, 4)?;
    let reserved = u8_at(b, 7)?;
    out.str(", vni 0x");
    out.hex(vni);
    if reserved != 0 && cx.v50() {
        out.str(" rsvd2 0x");
        out.hex2(reserved);
    } else if reserved != 0 {
        out.str(", rsvd 0x");
        out.hex(reserved);
    }
    if cx.o.e {
        out.str(", proto ");
        out.str(ethertype::name(kind).unwrap_or("unknown"));
        out.str(" (0x");
        out.hex4(kind);
        out.byte(b')');
    }
    Ok(kind)
}

/// The options one by one; false if one says what cannot be.
fn list(cx: &Cx, out: &mut Out, b: &[u8], len: u32) -> Step<bool> {
    let (mut at, mut left, mut between) = (0, len, "");
    while left > 0 {
        out.str(between);
        between = ", ";
        let (class, kind) = (be16(b, at)?, u8_at(b, at + 2)?);
        let words = u8_at(b, at + 3)? & 0x1f;
        let size = 4 + u32::from(words) * 4;
        out.str("class ");
        out.str(class_name(cx, class));
        out.str(" (0x");
        out.hex(class);
        out.str(") type 0x");
        out.hex(kind);
        if kind & 0x80 != 0 {
            out.str("(C)");
        }
        out.str(" len ");
        out.dec(size);
        if left < size {
            out.str(" [bad length]");
            return Ok(false);
        }
        if size > 4 && (cx.v50() || cx.o.v > 1) {
            out.str(" data");
            for word in 0..usize::from(words) {
                out.byte(b' ');
                out.hex8(be32(b, at + 4 + 4 * word)?);
            }
        }
        at += size as usize;
        left -= size;
    }
    Ok(true)
}

fn class_name(cx: &Cx, class: u16) -> &'static str {
    match class {
        0x0000..=0x00ff => "Standard",
        0x0100 => "Linux",
        0x0101 => "Open vSwitch",
        0x0102 if cx.v50() => "Open Virtual Networking",
        0x0102 => "Open Virtual Networking (OVN)",
        0x0103 if cx.v50() => "In-band Network Telemetry",
        0x0103 => "In-band Network Telemetry (INT)",
        0x0104 => "VMware",
        0x0132 if cx.v50() => "Google",
        0xfff0..=0xffff => "Experimental",
        _ => "Unknown",
    }
}
