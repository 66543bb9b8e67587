//! PPP framing: the protocol field, and the two versions of IP behind it.

use super::{hex, ip4, ip6};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, be16, u8_at};
use crate::capture::text::Out;

const HEADER: usize = 4;

/// Link type PPP. Says how long the header is.
pub fn link(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step<usize> {
    cx.proto = "ppp";
    if b.len() < HEADER {
        super::cut(cx, out);
        return Ok(b.len());
    }
    inside(cx, out, b, len)?;
    Ok(HEADER)
}

/// Link type PPP in HDLC's framing: the protocol is told always. Says how long the header is.
pub fn hdlc(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step<usize> {
    cx.proto = "ppp_hdlc";
    if b.len() < HEADER {
        super::cut(cx, out);
        return Ok(b.len());
    }
    if cx.o.e {
        out.hex2(u8_at(b, 0)?);
        out.byte(b' ');
        out.hex2(u8_at(b, 1)?);
        out.byte(b' ');
        out.dec(len);
        out.byte(b' ');
    }
    let (rest, proto) = (after(b, HEADER), be16(b, 2)?);
    if u8_at(b, 0)? != 0xff {
        out.str("unknown addr ");
        out.hex2(u8_at(b, 2)?);
        out.str("; ctrl ");
        out.hex2(u8_at(b, 3)?);
        return Ok(2);
    }
    match name(proto) {
        Some(name) => out.str(name),
        None => unknown(out, proto),
    }
    out.str(": ");
    protocol(cx, out, proto, rest, len.saturating_sub(HEADER as u32))?;
    Ok(HEADER)
}

/// A frame within something: its first bytes may be left away.
pub fn inside(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "ppp";
    let mut at = 0;
    if len < 2 {
        super::cut(cx, out);
        return Ok(());
    }
    let first = be16(b, 0)?;
    if matches!(first, 0x0003 | 0x0103 | 0xff03) {
        out.str(match first {
            0x0003 if cx.o.e => "In  ",
            0x0103 if cx.o.e => "Out ",
            _ => "",
        });
        at = 2;
    }
    if len < at + 2 {
        super::cut(cx, out);
        return Ok(());
    }
    let place = at as usize;
    let first = u8_at(b, place)?;
    let short = first & 1 == 1;
    let proto = if short { u16::from(first) } else { be16(b, place)? };
    at += if short { 1 } else { 2 };
    if cx.o.e {
        let name = name(proto);
        out.str(name.unwrap_or("unknown"));
        out.str(" (0x");
        out.hex4(proto);
        out.str("), length ");
        out.dec(len);
        if name.is_none() {
            return Ok(());
        }
        out.str(": ");
    }
    protocol(cx, out, proto, after(b, at as usize), len - at)
}

fn unknown(out: &mut Out, proto: u16) {
    out.str("unknown PPP protocol (0x");
    out.hex4(proto);
    out.byte(b')');
}

/// What a PPP protocol number names.
pub fn protocol(cx: &mut Cx, out: &mut Out, proto: u16, b: &[u8], len: u32) -> Step {
    match proto {
        0x0021 | 0x0800 | 0x002f => ip4::print(cx, out, b, len),
        0x0057 | 0x86dd => ip6::print(cx, out, b, len),
        _ => {
            match name(proto) {
                Some(name) => out.str(name),
                None => unknown(out, proto),
            }
            out.byte(b' ');
            hex::hex(out, "\n\t", b);
            Ok(())
        }
    }
}

fn name(proto: u16) -> Option<&'static str> {
    Some(match proto {
        0x0021 => "IP",
        0x002d => "VJC",
        0x002f => "VJNC",
        0x003d => "MLPPP",
        0x0057 => "IP6",
        0x0281 => "MPLS",
        0x8021 => "IPCP",
        0x8057 => "IP6CP",
        0x80fd => "CCP",
        0xc021 => "LCP",
        0xc023 => "PAP",
        0xc025 => "LQM",
        0xc223 => "CHAP",
        _ => return None,
    })
}
