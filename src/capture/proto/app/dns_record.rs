//! Records of DNS messages.

use super::dns::{self, Message, OPT};
use super::dns_name::{self as names, Stop};
use super::dns_opt;
use crate::capture::ctx::Cx;
use crate::capture::proto;
use crate::capture::reader::{array, be16, be32};
use crate::capture::text::Out;

/// A record; says where the next begins.
pub(super) fn print(cx: &mut Cx, out: &mut Out, message: &Message<'_>, at: usize) -> Result<usize, Stop> {
    let b = message.b;
    let end = if cx.o.v > 0 {
        out.byte(b' ');
        Ok(names::print(out, b, 0, at)?)
    } else {
        names::skip(b, at)
    };
    // The older version passes over a record that is not all there.
    let end = match end {
        Ok(end) if b.len() >= end + 10 => end,
        _ if cx.v50() => return Err(Stop::Here),
        _ => return Ok(b.len()),
    };
    let (of, class) = (be16(b, end)?, be16(b, end + 2)?);
    let upper = if message.multicast { class & 0x8000 } else { 0 };
    if of != OPT {
        dns::class_name(cx, out, class & !upper);
    }
    out.str(if upper != 0 { " (Cache flush)" } else { "" });
    let (ttl, len) = (be32(b, end + 4)?, usize::from(be16(b, end + 8)?));
    if cx.o.v > 2 && of != OPT {
        out.str(" [");
        proto::seconds(out, ttl);
        out.byte(b']');
    }
    out.byte(b' ');
    dns::kind(cx, out, of);
    let start = end + 10;
    names::some(b, start, len)?;
    if of == OPT {
        dns_opt::print(cx, out, b, (start, len), (class & !upper, ttl))?;
    } else {
        data(cx, out, b, of, (start, len))?;
    }
    Ok(start + len)
}

/// What a record of this type says.
fn data(cx: &Cx, out: &mut Out, b: &[u8], of: u16, (at, len): (usize, usize)) -> Result<(), Stop> {
    match of {
        1 => {
            names::some(b, at, 4)?;
            out.byte(b' ');
            out.ip4(array(b, at)?);
        }
        28 => {
            names::some(b, at, 16)?;
            out.byte(b' ');
            out.ip6(array(b, at)?);
        }
        38 => prefixed(out, b, at)?,
        2 | 5 | 12 | 39 => name(out, b, at).map(drop)?,
        6 if cx.o.v > 0 => {
            let second = name(out, b, at)?;
            let numbers = name(out, b, second)?;
            names::some(b, numbers, 20)?;
            for n in 0..5 {
                out.byte(b' ');
                out.dec(be32(b, numbers + 4 * n)?);
            }
        }
        15 => {
            out.byte(b' ');
            let preference = names::word(b, at)?;
            names::print(out, b, 0, at + 2)?;
            out.byte(b' ');
            out.dec(preference);
        }
        16 => text(out, b, at, at + len)?,
        99 if cx.v50() => text(out, b, at, at + len)?,
        33 => {
            out.byte(b' ');
            names::some(b, at, 6)?;
            names::print(out, b, 0, at + 6)?;
            out.byte(b':');
            out.dec(be16(b, at + 4)?);
            out.byte(b' ');
            out.dec(be16(b, at)?);
            out.byte(b' ');
            out.dec(be16(b, at + 2)?);
        }
        256 => {
            let (priority, weight) = (be16(b, at)?, be16(b, at + 2)?);
            for number in [priority, weight] {
                out.byte(b' ');
                out.dec(number);
            }
            out.byte(b' ');
            // A length that does not even hold both numbers takes all there is.
            names::label(out, b, at + 4, len.checked_sub(4).unwrap_or(usize::MAX))?;
        }
        250 if cx.o.v > 0 => signature(out, b, at)?,
        _ => {}
    }
    Ok(())
}

fn name(out: &mut Out, b: &[u8], at: usize) -> Result<usize, Stop> {
    out.byte(b' ');
    names::print(out, b, 0, at)
}

fn text(out: &mut Out, b: &[u8], mut at: usize, end: usize) -> Result<(), Stop> {
    while at < end {
        out.str(" \"");
        let len = usize::from(names::byte(b, at)?);
        names::label(out, b, at + 1, len)?;
        out.byte(b'"');
        at += 1 + len;
    }
    Ok(())
}

/// An address whose first bits stand elsewhere, under a name.
fn prefixed(out: &mut Out, b: &[u8], at: usize) -> Result<(), Stop> {
    let bits = names::byte(b, at)?;
    let known = usize::from(bits / 8);
    if bits > 128 {
        out.byte(b' ');
        out.dec(bits);
        out.str("(bad plen)");
        return Ok(());
    }
    if bits < 128 {
        let mut addr = [0; 16];
        let tail = crate::capture::reader::take(b, at + 1, 16 - known)?;
        for (slot, byte) in addr.iter_mut().skip(known).zip(tail) {
            *slot = *byte;
        }
        out.byte(b' ');
        out.dec(bits);
        out.byte(b' ');
        out.ip6(addr);
    }
    if bits > 0 {
        name(out, b, at + 1 + 16 - known)?;
    }
    Ok(())
}

/// What signs a transaction.
fn signature(out: &mut Out, b: &[u8], at: usize) -> Result<(), Stop> {
    let mut at = name(out, b, at)? + 6;
    for field in [" fudge=", " maclen=", " origid=", " error=", " otherlen="] {
        let value = names::word(b, at)?;
        out.str(field);
        out.dec(value);
        at += 2 + if field == " maclen=" { usize::from(value) } else { 0 };
    }
    Ok(())
}
