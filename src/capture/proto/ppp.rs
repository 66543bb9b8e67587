//! PPP framing: the protocol field, and the two versions of IP behind it.

use super::{hex, ip4, ip6};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, be16, u8_at};
use crate::capture::text::Out;

/// A frame. Says how long its header is.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step<usize> {
    cx.proto = "ppp";
    if b.len() < 4 || len < 4 {
        super::cut(cx, out);
        return Ok(b.len());
    }
    let mut at = 0;
    match be16(b, 0)? {
        0x0003 => {
            if cx.o.e {
                out.str("In  ");
            }
            at = 2;
        }
        0x0103 => {
            if cx.o.e {
                out.str("Out ");
            }
            at = 2;
        }
        0xff03 => at = 2,
        _ => {}
    }
    let first = u8_at(b, at)?;
    let proto = if first & 1 == 1 { u16::from(first) } else { be16(b, at)? };
    at += if first & 1 == 1 { 1 } else { 2 };
    if cx.o.e {
        out.str(name(proto).unwrap_or("unknown"));
        out.str(" (0x");
        out.hex4(proto);
        out.str("), length ");
        out.dec(len);
        out.str(": ");
    }
    protocol(cx, out, proto, after(b, at), len.saturating_sub(at as u32))?;
    Ok(at)
}

/// What a PPP protocol number names.
pub fn protocol(cx: &mut Cx, out: &mut Out, proto: u16, b: &[u8], len: u32) -> Step {
    match proto {
        0x0021 | 0x0800 | 0x002f => ip4::print(cx, out, b, len),
        0x0057 | 0x86dd => ip6::print(cx, out, b, len),
        _ => {
            match name(proto) {
                Some(name) => out.str(name),
                None => {
                    out.str("unknown PPP protocol (0x");
                    out.hex4(proto);
                    out.byte(b')');
                }
            }
            out.byte(b' ');
            hex::unread(cx, out, b);
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
