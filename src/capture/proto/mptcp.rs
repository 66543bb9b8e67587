//! MPTCP's TCP option.

use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, array, be16, be32, be64, take, u8_at};
use crate::capture::text::Out;

const SYN: u8 = 2;
const ACK: u8 = 16;

/// The option from its kind on. False if it says what cannot be.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], flags: u8) -> Step<bool> {
    if !cx.v50() {
        cx.proto = "mptcp";
    }
    if b.len() < 3 {
        return Ok(false);
    }
    out.byte(b' ');
    out.dec(b.len() as u32);
    match u8_at(b, 2)? >> 4 {
        0 => capable(cx, out, b, flags),
        1 => join(out, b, flags),
        2 => sequence(out, b, flags),
        3 => add_address(cx, out, b),
        4 => remove_address(cx, out, b),
        5 => priority(cx, out, b),
        6 => fail(cx, out, b),
        7 => fast_close(cx, out, b),
        8 if cx.v50() => reset(out, b),
        _ => {
            out.str(" unknown");
            Ok(true)
        }
    }
}

fn capable(cx: &Cx, out: &mut Out, b: &[u8], flags: u8) -> Step<bool> {
    let (syn, ack) = (flags & SYN != 0, flags & (SYN | ACK) == ACK);
    let version = u8_at(b, 2)? & 15;
    let fits = match b.len() {
        4 | 12 => syn,
        20 | 22 => ack,
        _ => false,
    };
    out.str(" capable");
    if !fits {
        return Ok(false);
    }
    if version > 1 {
        out.str(" Unknown Version (");
        out.dec(version);
        out.byte(b')');
        return Ok(true);
    }
    let bits = u8_at(b, 3)?;
    out.str(" v");
    out.dec(version);
    if cx.v50() {
        out.str(" flags [");
        for (bit, letter) in (0..8).zip(*b"ABCDEFGH") {
            if bits & (0x80 >> bit) != 0 {
                out.byte(letter);
            }
        }
        out.byte(b']');
    }
    if bits & 0x80 != 0 {
        out.str(" csum");
    }
    if b.len() == 4 {
        return Ok(true);
    }
    out.str(" {0x");
    out.hex(be64(b, 4)?);
    if b.len() >= 20 {
        out.str(",0x");
        out.hex(be64(b, 12)?);
    }
    out.byte(b'}');
    Ok(true)
}

fn join(out: &mut Out, b: &[u8], flags: u8) -> Step<bool> {
    let (syn, ack) = (flags & SYN != 0, flags & ACK != 0);
    out.str(" join");
    if !matches!((b.len(), syn, ack), (12, true, _) | (16, true, true) | (24, _, true)) {
        return Ok(false);
    }
    if b.len() != 24 {
        out.str(if u8_at(b, 2)? & 1 != 0 { " backup" } else { "" });
        out.str(" id ");
        out.dec(u8_at(b, 3)?);
    }
    match b.len() {
        12 => {
            out.str(" token 0x");
            out.hex(be32(b, 4)?);
            out.str(" nonce 0x");
            out.hex(be32(b, 8)?);
        }
        16 => {
            out.str(" hmac 0x");
            out.hex(be64(b, 4)?);
            out.str(" nonce 0x");
            out.hex(be32(b, 12)?);
        }
        _ => {
            out.str(" hmac 0x");
            out.hexes(take(b, 4, 20)?);
        }
    }
    Ok(true)
}

/// Data sequence signal: which bytes of the connection these are, and what came of the other's.
fn sequence(out: &mut Out, b: &[u8], flags: u8) -> Step<bool> {
    if b.len() < 4 {
        return Ok(false);
    }
    let bits = u8_at(b, 3)?;
    out.str(" dss");
    if flags & SYN != 0 {
        return Ok(false);
    }
    out.str(if bits & 0x10 != 0 { " fin" } else { "" });
    let mut at = 4;
    let number = |out: &mut Out, name: &str, wide: bool, at: &mut usize| -> Step<bool> {
        let size = if wide { 8 } else { 4 };
        out.str(name);
        if b.len() < *at + size {
            return Ok(false);
        }
        if wide {
            out.dec(be64(b, *at)?)
        } else {
            out.dec(be32(b, *at)?)
        }
        *at += size;
        Ok(true)
    };
    if bits & 1 != 0 && !number(out, " ack ", bits & 2 != 0, &mut at)? {
        return Ok(false);
    }
    if bits & 4 != 0 {
        if !number(out, " seq ", bits & 8 != 0, &mut at)?
            || b.len() < at + 4
            || !number(out, " subseq ", false, &mut at)?
        {
            return Ok(false);
        }
        if b.len() < at + 2 {
            return Ok(false);
        }
        out.str(" len ");
        out.dec(be16(b, at)?);
        at += 2;
        if b.len() >= at + 2 {
            out.str(" csum 0x");
            out.hex(be16(b, at)?);
            at += 2;
        }
    }
    Ok(at == b.len())
}

fn add_address(cx: &Cx, out: &mut Out, b: &[u8]) -> Step<bool> {
    out.str(" add-addr");
    let (v4, port, mac) = match b.len() {
        8 => (true, false, false),
        10 => (true, true, false),
        16 => (true, false, true),
        18 => (true, true, true),
        20 => (false, false, false),
        22 => (false, true, false),
        28 => (false, false, true),
        30 => (false, true, true),
        _ => return Ok(false),
    };
    let low = u8_at(b, 2)? & 15;
    match low {
        0 => out.str(" v1"),
        1 => out.str(if cx.v50() { " v1 echo" } else { " v1-echo" }),
        4 | 6 if cx.v50() => out.str(" v0"),
        4 => out.str(" v0-ip4"),
        6 => out.str(" v0-ip6"),
        _ => out.str(" [bad version/echo]"),
    }
    out.str(" id ");
    out.dec(u8_at(b, 3)?);
    out.byte(b' ');
    let mut at = if v4 { 8 } else { 20 };
    if v4 {
        out.ip4(array(b, 4)?)
    } else {
        out.ip6(array(b, 4)?)
    }
    if port {
        out.byte(b':');
        out.dec(be16(b, at)?);
        at += 2;
    }
    if mac {
        out.str(" hmac 0x");
        out.hex(be64(b, at)?);
    }
    Ok(true)
}

fn remove_address(cx: &Cx, out: &mut Out, b: &[u8]) -> Step<bool> {
    out.str(if cx.v50() { " remove-addr id" } else { " rem-addr" });
    if b.len() < 4 {
        return Ok(false);
    }
    out.str(if cx.v50() { "" } else { " id" });
    for id in take(b, 3, b.len() - 3)? {
        out.byte(b' ');
        out.dec(*id);
    }
    Ok(true)
}

fn priority(cx: &Cx, out: &mut Out, b: &[u8]) -> Step<bool> {
    out.str(" prio");
    if !matches!(b.len(), 3 | 4) {
        return Ok(false);
    }
    let other = if cx.v50() { "" } else { " non-backup" };
    out.str(if u8_at(b, 2)? & 1 != 0 { " backup" } else { other });
    if b.len() == 4 {
        out.str(" id ");
        out.dec(u8_at(b, 3)?);
    }
    Ok(true)
}

fn fail(cx: &Cx, out: &mut Out, b: &[u8]) -> Step<bool> {
    out.str(if cx.v50() { " fail seq " } else { " fail" });
    if b.len() != 12 {
        return Ok(false);
    }
    out.str(if cx.v50() { "" } else { " seq " });
    out.dec(be64(b, 4)?);
    Ok(true)
}

fn fast_close(cx: &Cx, out: &mut Out, b: &[u8]) -> Step<bool> {
    out.str(if cx.v50() { " fast-close key 0x" } else { " fast-close" });
    if b.len() != 12 {
        return Ok(false);
    }
    out.str(if cx.v50() { "" } else { " key 0x" });
    out.hex(be64(b, 4)?);
    Ok(true)
}

fn reset(out: &mut Out, b: &[u8]) -> Step<bool> {
    out.str(" tcprst flags [");
    if b.len() != 4 {
        return Ok(false);
    }
    let bits = u32::from(u8_at(b, 2)? & 15);
    super::bits_with(out, bits, "none", "", &[(8, "U"), (4, "V"), (2, "W"), (1, "T")]);
    out.str("] reason ");
    let reason = u8_at(b, 3)?;
    match reason {
        0 => out.str("Unspecified error"),
        1 => out.str("MPTCP-specific error"),
        2 => out.str("Lack of resources"),
        3 => out.str("Administratively prohibited"),
        4 => out.str("Too much outstanding data"),
        5 => out.str("Unacceptable performance"),
        6 => out.str("Middlebox interference"),
        _ => {
            out.str("unknown reason code 0x");
            out.hex2(reason);
        }
    }
    Ok(true)
}
