//! Mobility headers of IPv6 (RFC 6275).

use super::l3;
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, array, be16, be32, take, u8_at};
use crate::capture::text::Out;

const HEADER: usize = 8;

/// A message; nothing follows it.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8]) -> Step {
    cx.proto = "mobility";
    let Ok(words) = u8_at(b, 1) else {
        super::cut(cx, out);
        return Ok(());
    };
    let size = (usize::from(words) + 1) * 8;
    let kind = u8_at(b, 2)?;
    let (name, least) = match kind {
        0 => ("BRR", 8),
        1 => ("HoTI", 16),
        2 => ("CoTI", 16),
        3 => ("HoT", 24),
        4 => ("CoT", 24),
        5 => ("BU", 12),
        6 => ("BA", 12),
        7 => ("BE", 24),
        _ => ("", 0),
    };
    if size < least {
        out.str("(header length ");
        out.dec(size as u32);
        out.str(" is too small for type ");
        out.dec(kind);
        out.byte(b')');
        super::cut(cx, out);
        return Ok(());
    }
    out.str("mobility: ");
    out.str(name);
    if kind > 7 {
        out.str("type-#");
        out.dec(kind);
        out.str(" len=");
        out.dec(words);
        return Ok(());
    }
    if !message(cx, out, b, kind)? || (cx.o.v > 0 && !options(cx, out, b, least, size)?) {
        super::cut(cx, out);
    }
    Ok(())
}

/// What a message of a known kind says; false if it ends where that is looked for.
fn message(cx: &mut Cx, out: &mut Out, b: &[u8], kind: u8) -> Step<bool> {
    match kind {
        1 | 2 => return tokens(cx, out, b, kind),
        3 | 4 => {
            let id = be16(b, 6)?;
            out.str(" nonce id=0x");
            out.hex(id);
            return tokens(cx, out, b, kind);
        }
        5 => return update(out, b),
        6 => acknowledgement(out, b)?,
        7 => {
            number(out, " status=", u8_at(b, 6)?.into());
            let home = array(b, HEADER)?;
            out.str(" homeaddr ");
            l3::ip6(cx, out, home);
        }
        _ => {}
    }
    Ok(true)
}

fn number(out: &mut Out, name: &str, value: u32) {
    out.str(name);
    out.dec(value);
}

/// What a home or care-of test carries.
fn tokens(cx: &Cx, out: &mut Out, b: &[u8], kind: u8) -> Step<bool> {
    if cx.o.v == 0 {
        return Ok(true);
    }
    let whose = if kind % 2 == 1 { " Home" } else { " Care-of" };
    let mut at = HEADER;
    for what in [" Init Cookie=", " Keygen Token="].into_iter().take(if kind < 3 { 1 } else { 2 }) {
        let (high, low) = (be32(b, at)?, be32(b, at + 4)?);
        out.str(whose);
        out.str(what);
        out.hex8(high);
        out.byte(b':');
        out.hex8(low);
        at += 8;
    }
    Ok(true)
}

fn update(out: &mut Out, b: &[u8]) -> Step<bool> {
    number(out, " seq#=", be16(b, 6)?.into());
    let Ok(word) = be16(b, HEADER) else { return Ok(false) };
    let bits = word >> 12;
    if bits != 0 {
        out.byte(b' ');
        let names = [(8, "A"), (4, "H"), (2, "L"), (1, "K")];
        super::bits_with(out, u32::from(bits), "", "", &names);
    }
    number(out, " lifetime=", u32::from(be16(b, 10)?) << 2);
    Ok(true)
}

fn acknowledgement(out: &mut Out, b: &[u8]) -> Step {
    number(out, " status=", u8_at(b, 6)?.into());
    if u8_at(b, 7)? & 0x80 != 0 {
        out.str(" K");
    }
    number(out, " seq#=", be16(b, HEADER)?.into());
    number(out, " lifetime=", u32::from(be16(b, 10)?) << 2);
    Ok(())
}

/// The options between the message and `end`; false if one of them ends too early.
fn options(cx: &mut Cx, out: &mut Out, b: &[u8], from: usize, end: usize) -> Step<bool> {
    let mut at = from;
    while at < end {
        let kind = u8_at(b, at)?;
        let width = match kind {
            0 => 1,
            _ if at + 1 < end => usize::from(u8_at(b, at + 1)?) + 2,
            _ => return Ok(false),
        };
        // tcpdump asks for the byte behind it, too.
        if at + width > end || take(b, at + width, 1).is_err() {
            return Ok(false);
        }
        let (least, name) = match kind {
            2 => (4, "refresh"),
            3 => (18, "altcoa"),
            4 => (6, "ni"),
            5 => (12, "auth"),
            _ => (0, ""),
        };
        if end - at < least {
            out.byte(b'(');
            out.str(name);
            out.str(": trunc)");
            return Ok(false);
        }
        option(cx, out, b, at, kind)?;
        at += width;
    }
    Ok(true)
}

fn option(cx: &mut Cx, out: &mut Out, b: &[u8], at: usize, kind: u8) -> Step {
    match kind {
        0 => out.str("(pad1"),
        1 => out.str("(padn"),
        2 => {
            let lifetime = be16(b, at + 2)?;
            out.str("(refresh: ");
            out.dec(u32::from(lifetime) << 2);
        }
        3 => {
            let addr = array(b, at + 2)?;
            out.str("(alt-CoA: ");
            l3::ip6(cx, out, addr);
        }
        4 => {
            let (home, care_of) = (be16(b, at + 2)?, be16(b, at + 4)?);
            out.str("(ni: ho=0x");
            out.hex4(home);
            out.str(" co=0x");
            out.hex4(care_of);
        }
        5 => out.str("(auth"),
        _ => {
            let size = u8_at(b, at + 1)?;
            out.str("(type-0x");
            out.hex2(kind);
            out.str(": len=");
            out.dec(size);
        }
    }
    out.byte(b')');
    Ok(())
}
