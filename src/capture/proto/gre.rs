//! GRE (RFC 2784, 2890) and its PPTP version.

use super::ethertype::{self, Known};
use super::{ether, ip4, ip6, l3, ppp};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, array, be16, be32, u8_at};
use crate::capture::text::Out;

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const STRICT: u16 = 0x0800;
const ACK: u16 = 0x0080;

/// A packet of either version.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "gre";
    if len < 2 && cx.v50() {
        out.str("[length ");
        out.dec(len);
        out.str(" < 2]");
        super::invalid(out);
        return Ok(());
    }
    let flags = be16(b, 0);
    let Some(flags) = super::caught(cx, out, flags)? else { return Ok(()) };
    out.str("GREv");
    out.dec(flags & 7);
    match flags & 7 {
        0 => {
            let head = header_0(cx, out, b, len, flags);
            match super::caught(cx, out, head)? {
                Some((at, left, kind)) => carried(cx, out, after(b, at), left, kind),
                None => Ok(()),
            }
        }
        1 => {
            let head = header_1(cx, out, b, len, flags);
            match super::caught(cx, out, head)? {
                Some(Some((at, kind))) => {
                    carried_1(cx, out, after(b, at), len.saturating_sub(at as u32), kind)
                }
                _ => Ok(()),
            }
        }
        _ => {
            out.str(if cx.v50() { " [unknown version]" } else { " ERROR: unknown-version" });
            if cx.v50() {
                super::invalid(out);
            }
            Ok(())
        }
    }
}

fn flag_names(cx: &Cx, out: &mut Out, flags: u16) {
    if cx.o.v == 0 {
        return;
    }
    out.str(", Flags [");
    let table = [
        (u32::from(CHECKSUM), "checksum present"),
        (u32::from(ROUTING), "routing present"),
        (u32::from(KEY), "key present"),
        (u32::from(SEQUENCE), "sequence# present"),
        (u32::from(STRICT), "source routing present"),
        (u32::from(ACK), "ack present"),
    ];
    super::bits(out, u32::from(flags), "none", &table);
    out.byte(b']');
}

/// Version 0 up to what it carries: where that begins, its length and type.
fn header_0(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, flags: u16) -> Step<(usize, u32, u16)> {
    flag_names(cx, out, flags);
    let kind = be16(b, 2)?;
    let (mut at, mut left) = (4usize, len.saturating_sub(4));
    let mut spend = |n: u32| left = left.saturating_sub(n);
    if flags & (CHECKSUM | ROUTING) != 0 {
        let sum = be16(b, at)?;
        if cx.o.v > 0 {
            out.str(", sum 0x");
            out.hex(sum);
        }
        let offset = be16(b, at + 2)?;
        out.str(", off 0x");
        out.hex(offset);
        at += 4;
        spend(4);
    }
    if flags & KEY != 0 {
        let key = be32(b, at)?;
        out.str(", key=0x");
        out.hex(key);
        at += 4;
        spend(4);
    }
    if flags & SEQUENCE != 0 {
        let sequence = be32(b, at)?;
        out.str(", seq ");
        out.dec(sequence);
        at += 4;
        spend(4);
    }
    if flags & ROUTING != 0 {
        loop {
            let (family, offset, size) = (be16(b, at)?, u8_at(b, at + 2)?, u8_at(b, at + 3)?);
            if family == 0 && size == 0 {
                at += 4;
                spend(4);
                break;
            }
            route(cx, out, after(b, at + 4), family, offset, size)?;
            at += 4 + usize::from(size);
            spend(4 + u32::from(size));
        }
    }
    if cx.o.e {
        protocol(out, kind);
    }
    out.str(", length ");
    out.dec(len);
    Ok((at, left, kind))
}

fn protocol(out: &mut Out, kind: u16) {
    out.str(", proto ");
    out.str(ethertype::name(kind).unwrap_or("unknown"));
    out.str(" (0x");
    out.hex4(kind);
    out.byte(b')');
}

/// What the packet carries.
fn carried(cx: &mut Cx, out: &mut Out, rest: &[u8], left: u32, kind: u16) -> Step {
    out.str(if cx.o.v < 1 { ": " } else { "\n\t" });
    match kind {
        0x0800 => ip4::print(cx, out, rest, left),
        0x86dd => ip6::print(cx, out, rest, left),
        0x6558 => ether::print(cx, out, rest, left).map(drop),
        _ => {
            let read = matches!(kind, 0x8847 | 0x8848)
                && ethertype::payload(cx, out, kind, rest, left, None)? == Known::Yes;
            if !read {
                out.str("gre-proto-0x");
                out.hex(kind);
            }
            Ok(())
        }
    }
}

/// A source route entry.
fn route(cx: &mut Cx, out: &mut Out, b: &[u8], family: u16, offset: u8, size: u8) -> Step {
    out.str(", (rtaf=");
    match family {
        0x0800 => {
            out.str("ip) ");
            let mut left = size;
            if !size.is_multiple_of(4) || !offset.is_multiple_of(4) {
                out.str("badlength");
                return Ok(());
            }
            let mut at = 0;
            while left >= 4 {
                let addr = array::<4>(b, at)?;
                out.byte(b' ');
                if at == usize::from(offset) {
                    out.byte(b'*');
                }
                l3::ip4(cx, out, addr);
                at += 4;
                left -= 4;
            }
        }
        _ => {
            out.str("0x");
            out.hex(family);
            out.byte(b')');
        }
    }
    Ok(())
}

/// Version 1 up to what it carries, if it carries anything: where that begins, and its type.
fn header_1(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, flags: u16) -> Step<Option<(usize, u16)>> {
    flag_names(cx, out, flags);
    let kind = be16(b, 2)?;
    let mut at = 4;
    if flags & KEY != 0 {
        let call = be16(b, at + 2)?;
        out.str(", call ");
        out.dec(call);
        at += 4;
    }
    if flags & SEQUENCE != 0 {
        let sequence = be32(b, at)?;
        out.str(", seq ");
        out.dec(sequence);
        at += 4;
    }
    if flags & ACK != 0 {
        let ack = be32(b, at)?;
        out.str(", ack ");
        out.dec(ack);
        at += 4;
    }
    if flags & SEQUENCE == 0 {
        out.str(", no-payload");
    }
    if cx.o.e {
        protocol(out, kind);
    }
    out.str(", length ");
    out.dec(len);
    Ok((flags & SEQUENCE != 0).then_some((at, kind)))
}

fn carried_1(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, kind: u16) -> Step {
    out.str(if cx.o.v < 1 { ": " } else { "\n\t" });
    if kind == 0x880b {
        return ppp::inside(cx, out, b, len).map(drop);
    }
    out.str("gre-proto-0x");
    out.hex(kind);
    Ok(())
}
