//! Names in DNS messages: labels, and pointers to labels that stood earlier.

use crate::capture::proto;
use crate::capture::reader::{Cut, be16, take, u8_at};
use crate::capture::text::Out;

/// Why a message is not read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It says what cannot be, or the captured bytes ended where that was looked for: the message ends there.
    Here,
    /// The captured bytes ended: the packet ends there.
    Cut,
}

impl From<Cut> for Stop {
    fn from(_: Cut) -> Self {
        Self::Cut
    }
}

/// A byte that is looked for.
pub(super) fn byte(b: &[u8], at: usize) -> Result<u8, Stop> {
    u8_at(b, at).map_err(|_| Stop::Here)
}

/// Two bytes that are looked for.
pub(super) fn word(b: &[u8], at: usize) -> Result<u16, Stop> {
    be16(b, at).map_err(|_| Stop::Here)
}

/// Bytes that are looked for.
pub(super) fn some(b: &[u8], at: usize, n: usize) -> Result<&[u8], Stop> {
    take(b, at, n).map_err(|_| Stop::Here)
}

/// Longest name that is written.
const LONGEST: usize = 255;
const POINTER: u8 = 0xc0;
const EXTENDED: u8 = 0x40;
/// The one extended label there was: a string of bits.
const BITS: u8 = 0x41;

/// Where what follows the name begins.
pub(super) fn skip(b: &[u8], mut at: usize) -> Result<usize, Stop> {
    loop {
        match byte(b, at)? {
            0 => return Ok(at + 1),
            len if len & POINTER == POINTER => return Ok(at + 2),
            BITS => at += 2 + bits(byte(b, at + 1)?).div_ceil(8),
            len if len & POINTER != 0 => return Err(Stop::Here),
            len => at += 1 + usize::from(len),
        }
    }
}

fn bits(told: u8) -> usize {
    if told == 0 { 256 } else { usize::from(told) }
}

/// How far the next label is from the byte behind this one's first.
fn length(out: &mut Out, b: &[u8], at: usize) -> Result<usize, Stop> {
    let first = byte(b, at)?;
    match first & POINTER {
        0 | POINTER => Ok(usize::from(first)),
        _ if first == BITS => Ok(bits(byte(b, at + 1)?).div_ceil(8) + 1),
        EXTENDED => {
            out.str("<ELT ");
            out.dec(first & 0x3f);
            out.byte(b'>');
            Err(Stop::Here)
        }
        _ => {
            out.str("<BAD LABEL TYPE>");
            Err(Stop::Here)
        }
    }
}

/// Writes the name at `at`, whose pointers count from `base`; says where what follows begins. Pointers only lead back,
/// so that every name ends.
pub(super) fn print(out: &mut Out, b: &[u8], base: usize, mut at: usize) -> Result<usize, Stop> {
    let mut earliest = at.wrapping_sub(base);
    let mut len = length(out, b, at)?;
    let mut first = byte(b, at)?;
    at += 1;
    let mut end = at + len;
    let alone = first & POINTER == POINTER;
    let mut followed = false;
    let mut written = 0;
    if first == 0 {
        out.byte(b'.');
        return Ok(end);
    }
    while first != 0 && at < b.len() {
        if first & POINTER == POINTER {
            if !followed {
                (followed, end) = (true, at + 1);
            }
            let to = usize::from(u16::from_be_bytes([first, byte(b, at)?]) & 0x3fff);
            if to >= earliest {
                out.str("<BAD PTR>");
                return Err(Stop::Here);
            }
            earliest = to;
            at = base + to;
        } else {
            if first == BITS {
                bit_label(out, b, at)?;
            } else {
                let room = LONGEST.saturating_sub(written).min(len);
                label(out, b, at, if written + len <= LONGEST { len } else { room })?;
                written += len;
            }
            at += len;
            out.str(if written <= LONGEST { "." } else { "" });
            written += 1;
        }
        first = byte(b, at)?;
        len = length(out, b, at)?;
        at += 1;
        if !followed {
            end = at + len;
        }
    }
    if alone && !followed {
        return Err(Stop::Here);
    }
    out.str(if written > LONGEST { "<DOMAIN NAME TOO LONG>" } else { "" });
    Ok(end)
}

/// `n` bytes, or as many as were captured.
pub(super) fn label(out: &mut Out, b: &[u8], at: usize, n: usize) -> Result<(), Stop> {
    let rest = b.get(at..).unwrap_or_default();
    visible(out, rest.get(..n).unwrap_or(rest));
    if rest.len() < n { Err(Stop::Here) } else { Ok(()) }
}

/// A label of bits: `\[x2001/16]`.
fn bit_label(out: &mut Out, b: &[u8], at: usize) -> Result<(), Stop> {
    let count = bits(byte(b, at)?);
    out.str("\\[x");
    let (whole, rest) = (count / 8, count % 8);
    for n in 0..whole {
        out.hex2(u8_at(b, at + 1 + n)?);
    }
    if rest > 0 {
        let last = u8_at(b, at + 1 + whole)?;
        if rest > 4 {
            out.hex2(last & (0xff << (8 - rest)));
        } else {
            out.hex(last >> 4 & (0x0f << (4 - rest)) & 0x0f);
        }
    }
    out.byte(b'/');
    out.dec(count as u64);
    out.byte(b']');
    Ok(())
}

/// Bytes as tcpdump shows them: `^A` for control characters, `M-` before the upper half.
pub(in crate::capture::proto) fn visible(out: &mut Out, bytes: &[u8]) {
    for byte in bytes {
        proto::printable(out, *byte);
    }
}
