//! BSD loopback: an address family, then the packet.

use super::{hex, ip4, ip6};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, le32, need};
use crate::capture::text::Out;

/// Link types NULL and LOOP. Says how long the header is.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step<usize> {
    cx.proto = "null";
    need(b, 4)?;
    let mut family = le32(b, 0)?;
    // Another machine's byte order, or LOOP's: no family is this large.
    if family & 0xffff_0000 != 0 {
        family = family.swap_bytes();
    }
    let (rest, rest_len) = (after(b, 4), len.saturating_sub(4));
    if cx.o.e {
        head(cx, out, family, len);
    }
    match family {
        2 => ip4::print(cx, out, rest, rest_len)?,
        10 | 24 | 28 | 30 if family != 10 => ip6::print(cx, out, rest, rest_len)?,
        _ => {
            if !cx.o.e {
                head(cx, out, family, len);
            }
            hex::unread(cx, out, rest);
        }
    }
    Ok(4)
}

fn head(cx: &Cx, out: &mut Out, family: u32, len: u32) {
    let name = match family {
        2 => Some("IPv4"),
        6 => Some("NS"),
        7 => Some("ISO"),
        16 => Some("Appletalk"),
        23 => Some("IPX"),
        24 | 28 | 30 => Some("IPv6"),
        _ => None,
    };
    if cx.o.q == 0 {
        out.str("AF ");
        out.str(name.unwrap_or("Unknown"));
        out.str(" (");
        out.dec(family);
        out.byte(b')');
    } else {
        match name {
            Some(name) => out.str(name),
            None => {
                out.str("Unknown AF ");
                out.dec(family);
            }
        }
    }
    out.str(", length ");
    out.dec(len);
    out.str(": ");
}
