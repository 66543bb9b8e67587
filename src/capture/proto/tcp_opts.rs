//! TCP options.

use super::mptcp;
use super::tcp::Segment;
use crate::capture::ctx::Cx;
use crate::capture::reader::{Cut, Step, array, be16, be32, need, take, u8_at};
use crate::capture::text::Out;

const ACK: u8 = 16;

/// Why a list of options ended early.
enum End {
    /// An option says what cannot be.
    Bad,
    /// The captured bytes ended before an option's kind or length.
    Short,
    /// They ended within an option.
    Within,
}

impl From<crate::capture::reader::Cut> for End {
    fn from(_: crate::capture::reader::Cut) -> Self {
        Self::Short
    }
}

/// The options between brackets. False if they ended early, which is told.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, segment: &Segment) -> Step<bool> {
    let mut first = true;
    match list(cx, out, b, len as usize, segment, &mut first) {
        Ok(()) => Ok(true),
        Err(End::Bad) => {
            out.str("[bad opt]");
            if !first {
                out.byte(if cx.v50() { b'>' } else { b']' });
            }
            Ok(false)
        }
        Err(End::Short) if !cx.v50() => Err(Cut),
        Err(end) => {
            super::cut(cx, out);
            if !cx.v50() && !first && matches!(end, End::Within) {
                out.byte(b'>');
            }
            Ok(false)
        }
    }
}

/// The two stamps that are all there is in the twelve bytes of a segment in the middle of a connection.
#[inline(always)]
pub fn stamps(b: &[u8]) -> Option<(u32, u32)> {
    match array::<12>(b, 0) {
        Ok([1, 1, 8, 10, a, c, d, e, f, g, h, i]) => {
            Some((u32::from_be_bytes([a, c, d, e]), u32::from_be_bytes([f, g, h, i])))
        }
        _ => None,
    }
}

fn list(
    cx: &mut Cx,
    out: &mut Out,
    b: &[u8],
    mut left: usize,
    segment: &Segment,
    first: &mut bool,
) -> Result<(), End> {
    let mut at = 0;
    while left > 0 {
        if !*first {
            out.byte(b',');
        }
        let kind = u8_at(b, at)?;
        at += 1;
        let alone = kind < 2;
        let mut len = 1;
        if !alone {
            len = usize::from(u8_at(b, at)?);
            at += 1;
            if len < 2 || len > left {
                return Err(End::Bad);
            }
            left -= 1;
        }
        left -= 1;
        let body = Body { b, at, left, len, kind };
        let used = one(cx, out, &body, segment)?;
        at += used;
        left = left.saturating_sub(used);
        if used + if alone { 1 } else { 2 } != len {
            out.str("[len ");
            out.dec(len as u32);
            out.byte(b']');
        }
        *first = false;
        if kind == 0 {
            break;
        }
    }
    Ok(())
}

/// One option behind its kind and length.
struct Body<'a> {
    b: &'a [u8],
    at: usize,
    left: usize,
    len: usize,
    kind: u8,
}

impl Body<'_> {
    /// Holds if `n` bytes of the options are left and captured.
    fn check(&self, n: usize) -> Result<(), End> {
        if n > self.left {
            return Err(End::Bad);
        }
        need(self.b, self.at + n).map_err(|_| End::Within)
    }
}

/// Writes one option; says how many bytes behind its length it used.
#[expect(clippy::too_many_lines, reason = "one match, an arm a kind")]
fn one(cx: &mut Cx, out: &mut Out, o: &Body<'_>, segment: &Segment) -> Result<usize, End> {
    let (b, at) = (o.b, o.at);
    let rest = o.len.saturating_sub(2);
    match name(cx, o.kind) {
        Some(name) => out.str(name),
        None => {
            out.str("unknown-");
            out.dec(o.kind);
        }
    }
    match o.kind {
        0 | 1 | 4 => Ok(0),
        2 => {
            o.check(2)?;
            out.byte(b' ');
            out.dec(be16(b, at)?);
            Ok(2)
        }
        3 => {
            o.check(1)?;
            out.byte(b' ');
            out.dec(u8_at(b, at)?);
            Ok(1)
        }
        5 => sack(cx, out, o, segment, rest),
        6 | 7 | 11..=13 => {
            o.check(4)?;
            out.byte(b' ');
            out.dec(be32(b, at)?);
            Ok(4)
        }
        8 => {
            o.check(if cx.v50() { 4 } else { 8 })?;
            out.str(" val ");
            out.dec(be32(b, at)?);
            o.check(8)?;
            out.str(" ecr ");
            out.dec(be32(b, at + 4)?);
            Ok(8)
        }
        19 => {
            o.check(16)?;
            out.str(if cx.v50() { " can't check - " } else { " " });
            if !cx.v50() {
                out.str(if segment.whole { NO_SECRET } else { "snaplen too short, can't check - " });
            }
            out.hexes(take(b, at, 16)?);
            Ok(16)
        }
        20 => {
            o.check(2)?;
            out.str(" cap ");
            out.hex2(u8_at(b, at)?);
            out.str(" id ");
            out.dec(u8_at(b, at + 1)?);
            Ok(2)
        }
        28 => user_timeout(out, o),
        29 if !cx.v50() => old_authentication(out, o, rest),
        29 => authentication(out, o, rest),
        30 => {
            o.check(rest)?;
            if mptcp::print(cx, out, take(b, at - 2, o.len)?, segment.flags)? {
                Ok(rest)
            } else {
                Err(End::Bad)
            }
        }
        34 => {
            o.check(rest)?;
            out.byte(b' ');
            fast_open(out, take(b, at, rest)?, false);
            Ok(rest)
        }
        172 | 174 if cx.v50() => accurate_ecn(out, o, rest),
        254 => experiment(out, o, rest),
        _ => unknown(out, o, rest),
    }
}

fn name(cx: &Cx, kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 => "eol",
        1 => "nop",
        2 => "mss",
        3 => "wscale",
        4 => "sackOK",
        5 => "sack",
        6 => "echo",
        7 => "echoreply",
        8 => "TS",
        11 => "cc",
        12 => "ccnew",
        13 if !cx.v50() => "",
        13 => "ccecho",
        19 => "md5",
        20 => "scps",
        28 => "uto",
        29 => "tcp-ao",
        30 => "mptcp",
        34 => "tfo",
        172 | 174 if cx.v50() => "accecn",
        254 => "exp",
        _ => return None,
    })
}

/// What an older version says of a signature that it has no secret for.
const NO_SECRET: &str = "shared secret not supplied with -M, can't check - ";

fn sack(cx: &Cx, out: &mut Out, o: &Body<'_>, segment: &Segment, rest: usize) -> Result<usize, End> {
    if !cx.v50() && !rest.is_multiple_of(8) {
        out.str(" invalid sack");
        return Ok(rest);
    }
    if !rest.is_multiple_of(8) || (cx.v50() && segment.flags & ACK == 0) {
        out.str(" malformed sack [len ");
        out.dec(rest as u32);
        out.str("] ");
        return Ok(rest);
    }
    out.byte(b' ');
    out.dec((rest / 8) as u32);
    out.byte(b' ');
    let base = if segment.reversed { segment.start.seq } else { segment.start.ack };
    for n in (0..rest).step_by(8) {
        o.check(n + 4)?;
        let from = be32(o.b, o.at + n)?;
        o.check(n + 8)?;
        let to = be32(o.b, o.at + n + 4)?;
        out.byte(b'{');
        out.dec(from.wrapping_sub(base));
        out.byte(b':');
        out.dec(to.wrapping_sub(base));
        out.byte(b'}');
    }
    Ok(rest)
}

fn user_timeout(out: &mut Out, o: &Body<'_>) -> Result<usize, End> {
    o.check(2)?;
    let value = be16(o.b, o.at)?;
    out.str(" 0x");
    out.hex(value);
    out.byte(b' ');
    out.dec(if value & 1 == 1 { u32::from(value >> 1) * 60 } else { u32::from(value >> 1) });
    Ok(2)
}

fn authentication(out: &mut Out, o: &Body<'_>, rest: usize) -> Result<usize, End> {
    o.check(rest)?;
    out.byte(b' ');
    match take(o.b, o.at, rest)? {
        [key, next, mac @ ..] => {
            out.str("keyid ");
            out.dec(*key);
            out.str(" rnextkeyid ");
            out.dec(*next);
            out.str(" mac 0x");
            out.hexes(mac);
        }
        _ => super::invalid(out),
    }
    Ok(rest)
}

/// Field by field, as far as there is any.
fn old_authentication(out: &mut Out, o: &Body<'_>, rest: usize) -> Result<usize, End> {
    if rest < 2 {
        super::invalid(out);
        return Ok(rest);
    }
    for (n, name) in [" keyid ", " rnextkeyid "].into_iter().enumerate() {
        o.check(n + 1)?;
        out.str(name);
        out.dec(u8_at(o.b, o.at + n)?);
    }
    out.str(if rest > 2 { " mac 0x" } else { "" });
    for n in 2..rest {
        o.check(n + 1)?;
        out.hex2(u8_at(o.b, o.at + n)?);
    }
    Ok(rest)
}

fn fast_open(out: &mut Out, cookie: &[u8], experiment: bool) {
    if experiment {
        out.str("tfo");
    }
    if cookie.is_empty() {
        out.str(" cookiereq");
    } else if !cookie.len().is_multiple_of(2) || !(4..=16).contains(&cookie.len()) {
        super::invalid(out);
    } else {
        out.str(" cookie ");
        out.hexes(cookie);
    }
}

fn experiment(out: &mut Out, o: &Body<'_>, rest: usize) -> Result<usize, End> {
    o.check(rest)?;
    if rest < 2 {
        return Err(End::Bad);
    }
    let magic = be16(o.b, o.at)?;
    out.byte(b'-');
    if magic == 0xf989 {
        fast_open(out, take(o.b, o.at + 2, rest - 2)?, true);
    } else {
        out.hex4(magic);
    }
    Ok(rest)
}

/// Accurate ECN: counters of three bytes, their order by the option's kind.
fn accurate_ecn(out: &mut Out, o: &Body<'_>, rest: usize) -> Result<usize, End> {
    o.check(rest)?;
    let names: [&str; 3] = if o.kind == 172 { ["e0b", "ceb", "e1b"] } else { ["e1b", "ceb", "e0b"] };
    for (n, name) in names.iter().enumerate().take(rest / 3) {
        out.byte(b' ');
        out.str(name);
        out.byte(b' ');
        out.dec(crate::capture::reader::be24(o.b, o.at + 3 * n)?);
    }
    Ok(rest)
}

fn unknown(out: &mut Out, o: &Body<'_>, rest: usize) -> Result<usize, End> {
    out.str(if rest > 0 { " 0x" } else { "" });
    for n in 0..rest {
        o.check(n + 1)?;
        out.hex2(u8_at(o.b, o.at + n)?);
    }
    Ok(rest)
}
