//! The network service header as tcpdump 4.99.3 tells it: field by field, each as far as it was captured.

use super::nsh;
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, be16, be24, be32, need, u8_at};
use crate::capture::text::Out;

const WORD: u32 = 4;

/// The header with its context, then what it names.
pub(super) fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    if len < 2 * WORD {
        out.str(" (packet length ");
        out.dec(len);
        out.str(" < 8)");
        super::invalid(out);
        return Ok(());
    }
    let base = be32(b, 0)?;
    let words = base >> 16 & 0x3f;
    out.str("NSH, ");
    if cx.o.v > 1 {
        number(out, "ver ", base >> 30);
    }
    if base >> 30 != 0 {
        return Ok(());
    }
    told(cx, out, base);
    if len < words * WORD {
        out.str(" (too many headers for packet length ");
        out.dec(len);
        out.byte(b')');
        super::invalid(out);
        return Ok(());
    }
    let path = be24(b, 4)?;
    out.str("service-path-id 0x");
    out.hex_long(u64::from(path), 6);
    out.str(", ");
    let index = u8_at(b, 7)?;
    out.str("service-index 0x");
    out.hex(index);
    if words < 2 {
        out.str(" (less than two headers)");
        super::invalid(out);
        return Ok(());
    }
    if cx.o.v > 2 && !context(out, after(b, 8), words - 2, base >> 8 & 15)? {
        super::invalid(out);
        return Ok(());
    }
    need(b, (words * WORD) as usize)?;
    out.str(if cx.o.v > 0 { "\n    " } else { ": " });
    let (rest, rest_len) = (after(b, (words * WORD) as usize), len - words * WORD);
    let next = base as u8;
    // It does not look into another of its own.
    if next == 4 || !nsh::next(cx, out, next, rest, rest_len)? {
        out.str("ERROR: unknown-next-protocol");
    }
    Ok(())
}

fn number(out: &mut Out, name: &str, value: u32) {
    out.str(name);
    out.dec(value);
    out.str(", ");
}

/// The base header.
fn told(cx: &Cx, out: &mut Out, base: u32) {
    out.str("flags [");
    super::bits_with(out, base >> 28 & 3, "none", "", &[(2, "O")]);
    out.str("], ");
    if cx.o.v > 2 {
        number(out, "TTL ", base >> 22 & 0x3f);
        number(out, "length ", base >> 16 & 0x3f);
        out.str("md type ");
        match base >> 8 & 15 {
            0 => out.str("reserved"),
            1 => out.byte(b'1'),
            2 => out.byte(b'2'),
            15 => out.str("experimental"),
            kind => unknown(out, kind as u8),
        }
        out.str(", ");
    }
    if cx.o.v > 1 {
        out.str("next-protocol ");
        match nsh::next_name(base as u8) {
            Some(name) => out.str(name),
            None => unknown(out, base as u8),
        }
        out.str(", ");
    }
}

fn unknown(out: &mut Out, value: u8) {
    out.str("unknown (0x");
    out.hex2(value);
    out.byte(b')');
}

/// The context headers, one a line; false if one says what cannot be.
fn context(out: &mut Out, b: &[u8], words: u32, kind: u32) -> Step<bool> {
    if kind == 1 {
        if words != 4 {
            out.str(" (invalid length for the MD type)");
            return Ok(false);
        }
        for n in 0..4u32 {
            let value = be32(b, 4 * n as usize)?;
            out.str("\n        Context[0");
            out.dec(n);
            out.str("]: 0x");
            out.hex8(value);
        }
    }
    let (mut at, mut n) = (0, 0);
    while kind == 2 && n < words {
        let (class, what, size) = (be16(b, at)?, u8_at(b, at + 2)?, u8_at(b, at + 3)? & 0x7f);
        at += 4;
        out.str("\n        TLV Class ");
        out.dec(class);
        out.str(", Type ");
        out.dec(what);
        out.str(", Len ");
        out.dec(size);
        let more = u32::from(size).div_ceil(WORD);
        n += 1;
        if words < n + more {
            out.str(" (length too big)");
            return Ok(false);
        }
        if size > 0 {
            out.str("\n            Value: ");
            for n in 0..usize::from(size) {
                let byte = u8_at(b, at + n)?;
                out.str(if n > 0 { ":" } else { "0x" });
                out.hex2(byte);
            }
            at += (more * WORD) as usize;
            need(b, at)?;
            n += more;
        }
    }
    Ok(true)
}
