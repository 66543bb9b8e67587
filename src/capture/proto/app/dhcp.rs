//! BOOTP and DHCP: the fixed fields, then the options behind the magic cookie.

use super::dhcp_own;
use super::dhcp_tags::{As, message, tag};
use super::dns_name::visible;
use crate::capture::ctx::Cx;
use crate::capture::proto::{self, l3};
use crate::capture::reader::{Cut, Step, array, be16, be32, need, take, u8_at};
use crate::capture::text::Out;

const COOKIE: u32 = 0x6382_5363;
const OPTIONS: usize = 236;
const ZERO: [u8; 4] = [0; 4];

/// A message.
pub(super) fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "bootp";
    let op = u8_at(b, 0)?;
    out.str("BOOTP/DHCP, ");
    match op {
        1 => out.str("Request"),
        2 => out.str("Reply"),
        _ => {
            out.str("unknown (0x");
            out.hex2(op);
            out.byte(b')');
        }
    }
    let (kind, size) = (u8_at(b, 1)?, u8_at(b, 2)?);
    let ethernet = kind == 1 && size == 6;
    if ethernet && op == 1 {
        let mac = array::<6>(b, 28)?;
        out.str(" from ");
        crate::capture::proto::ethertype::mac(cx, out, mac);
    }
    out.str(", length ");
    out.dec(len);
    if cx.o.v == 0 {
        return Ok(());
    }
    let whole = need(b, 10);
    if proto::caught(cx, out, whole)?.is_none() {
        return Ok(());
    }
    fixed(cx, out, b, (kind, size))?;
    for (at, name) in [(12, "Client-IP "), (16, "Your-IP "), (20, "Server-IP "), (24, "Gateway-IP ")] {
        let addr = array::<4>(b, at)?;
        if addr != ZERO {
            out.str("\n\t  ");
            out.str(name);
            l3::ip4(cx, out, addr);
        }
    }
    if ethernet {
        let mac = array::<6>(b, 28)?;
        out.str("\n\t  Client-Ethernet-Address ");
        crate::capture::proto::ethertype::mac(cx, out, mac);
    }
    if !names(cx, out, b)? {
        proto::cut(cx, out);
        return Ok(());
    }
    let cookie = be32(b, OPTIONS);
    let Some(cookie) = proto::caught(cx, out, cookie)? else { return Ok(()) };
    if cookie == COOKIE {
        options(cx, out, b)
    } else {
        if cookie != 0 {
            out.str("\n\t  Vendor-#0x");
            if cx.v50() { out.hex8(cookie) } else { out.hex(cookie) }
        }
        Ok(())
    }
}

/// The names of server and file, if they are given; false if one does not end.
fn names(cx: &Cx, out: &mut Out, b: &[u8]) -> Step<bool> {
    for (at, size, name) in [(44, 64, "sname"), (108, 128, "file")] {
        if u8_at(b, at)? != 0 {
            out.str("\n\t  ");
            out.str(name);
            out.str(" \"");
            let field = b.get(at..).unwrap_or_default();
            let field = field.get(..size).unwrap_or(field);
            let end = field.iter().position(|byte| *byte == 0);
            visible(out, field.get(..end.unwrap_or(field.len())).unwrap_or_default());
            out.byte(b'"');
            if end.is_none() && !cx.v50() {
                return Ok(false);
            }
            if end.is_none() && field.len() < size {
                return Err(Cut);
            }
        }
    }
    Ok(true)
}

fn fixed(cx: &Cx, out: &mut Out, b: &[u8], (kind, size): (u8, u8)) -> Step {
    let number = |out: &mut Out, name: &str, value: u32| {
        out.str(name);
        out.dec(value);
    };
    if kind != 1 {
        number(out, ", htype ", kind.into());
    }
    if size != 6 || (kind != 1 && !cx.v50()) {
        number(out, ", hlen ", size.into());
    }
    let hops = u8_at(b, 3)?;
    if hops != 0 {
        number(out, ", hops ", hops.into());
    }
    let xid = be32(b, 4)?;
    if xid != 0 {
        out.str(", xid 0x");
        out.hex(xid);
    }
    let secs = be16(b, 8)?;
    if secs != 0 {
        number(out, ", secs ", secs.into());
    }
    let flags = be16(b, 10)?;
    out.str(", Flags [");
    out.str(if flags & 0x8000 != 0 { "Broadcast" } else { "none" });
    out.byte(b']');
    if cx.o.v > 1 {
        out.str(" (0x");
        out.hex4(flags);
        out.byte(b')');
    }
    Ok(())
}

fn options(cx: &mut Cx, out: &mut Out, b: &[u8]) -> Step {
    out.str("\n\t  Vendor-rfc1048 Extensions\n\t    Magic Cookie 0x63825363");
    let mut at = OPTIONS + 4;
    while let Ok(number) = u8_at(b, at) {
        at += 1;
        let bare = matches!(number, 0 | 255);
        if bare && cx.o.v < 3 {
            if number == 0 {
                continue;
            }
            return Ok(());
        }
        let mut len = 0;
        if !bare {
            len = usize::from(u8_at(b, at)?);
            at += 1;
        }
        let (form, name) = tag(number, cx.v50());
        out.str("\n\t    ");
        out.str(name);
        out.str(" (");
        out.dec(number);
        out.str("), length ");
        out.dec(len as u32);
        out.str(if len > 0 { ": " } else { "" });
        if number == 0 {
            let more = b.get(at..).unwrap_or_default().iter().take_while(|byte| **byte == 0).count();
            at += more;
            if more > 0 {
                out.str(", occurs ");
                out.dec(more as u32 + 1);
            }
        }
        let Ok(value) = take(b, at, len) else {
            if !cx.v50() {
                proto::cut(cx, out);
                return Ok(());
            }
            out.str("[|rfc1048 ");
            out.dec(len as u32);
            out.byte(b']');
            return Ok(());
        };
        at += len;
        match number {
            53 if len == 1 => kind_of_message(cx, out, u8_at(value, 0)?),
            55 => parameters(out, value, cx.v50()),
            _ => {
                let left = one(cx, out, number, form, value)?;
                if left > 0 {
                    out.str("\n\t  trailing data length ");
                    out.dec(left as u32);
                }
            }
        }
    }
    Ok(())
}

fn kind_of_message(cx: &Cx, out: &mut Out, number: u8) {
    match message(number, cx.v50()) {
        Some(name) => out.str(name),
        None => {
            out.str("Unknown (");
            out.dec(number);
            out.byte(b')');
        }
    }
}

fn parameters(out: &mut Out, wanted: &[u8], new: bool) {
    for (n, number) in wanted.iter().enumerate() {
        out.str(if n % 4 == 0 { "\n\t      " } else { ", " });
        out.str(tag(*number, new).1);
        out.str(" (");
        out.dec(*number);
        out.byte(b')');
    }
}

/// Writes a value; says how many of its bytes were left over.
fn one(cx: &mut Cx, out: &mut Out, number: u8, form: As, value: &[u8]) -> Step<usize> {
    let form = match (form, value.len()) {
        (As::Unknown, len) if len & 1 == 1 => As::Bytes,
        (As::Unknown, len) if len & 2 == 2 => As::Shorts,
        (As::Unknown, _) => As::Longs,
        (form, _) => form,
    };
    let size = match form {
        As::Text => {
            out.byte(b'"');
            visible(out, value);
            out.byte(b'"');
            return Ok(0);
        }
        As::Own => return dhcp_own::print(cx, out, number, value),
        As::Pairs if cx.v50() && (value.is_empty() || !value.len().is_multiple_of(8)) => {
            out.str(if value.is_empty() { " " } else { "" });
            out.str("[length != N x 8 bytes]");
            return Ok(0);
        }
        As::Pairs => 8,
        As::Addresses | As::Longs | As::Signed => 4,
        As::Shorts => 2,
        As::Bytes | As::Truths | As::Unknown => 1,
    };
    for (n, item) in value.chunks_exact(size).enumerate() {
        if n > 0 {
            out.byte(if form == As::Bytes { b'.' } else { b',' });
        }
        match form {
            As::Pairs => {
                out.byte(b'(');
                l3::ip4(cx, out, array(item, 0)?);
                out.byte(b':');
                l3::ip4(cx, out, array(item, 4)?);
                out.byte(b')');
            }
            As::Addresses => l3::ip4(cx, out, array(item, 0)?),
            As::Signed => out.int(be32(item, 0)?.cast_signed()),
            As::Shorts => out.dec(be16(item, 0)?),
            As::Truths => match u8_at(item, 0)? {
                0 => out.byte(b'N'),
                1 => out.byte(b'Y'),
                other => {
                    out.dec(other);
                    out.byte(b'?');
                }
            },
            As::Bytes => out.dec(u8_at(item, 0)?),
            _ => out.dec(be32(item, 0)?),
        }
    }
    Ok(value.len() % size)
}
