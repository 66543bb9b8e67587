//! Names in DNS messages: labels, and pointers to labels that stood earlier.

use crate::capture::reader::{Cut, Step, be16, take, u8_at};
use crate::capture::text::Out;

/// A part of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Msg<'a> {
    /// The message.
    pub(super) whole: &'a [u8],
    /// Where the part begins.
    pub(super) at: usize,
    /// How long it is.
    pub(super) len: usize,
}

/// Where what follows the name begins.
pub(super) fn skip(b: &[u8], mut at: usize) -> Step<usize> {
    loop {
        match u8_at(b, at)? {
            0 => return Ok(at + 1),
            len if len & 0xc0 == 0xc0 => return Ok(at + 2),
            len if len & 0xc0 == 0x40 => {
                let bits = match u8_at(b, at + 1)? {
                    0 => 256,
                    n => usize::from(n),
                };
                at += 2 + bits.div_ceil(8);
            }
            len if len & 0xc0 != 0 => return Err(Cut),
            len => at += 1 + usize::from(len),
        }
    }
}

/// Writes the name. Pointers only lead back, so that every name ends.
pub(super) fn print(out: &mut Out, b: &[u8], mut at: usize) -> Step {
    let mut earliest = at;
    if u8_at(b, at)? == 0 {
        out.byte(b'.');
        return Ok(());
    }
    loop {
        let len = u8_at(b, at)?;
        match len & 0xc0 {
            _ if len == 0 => return Ok(()),
            0xc0 => {
                let to = usize::from(be16(b, at)? & 0x3fff);
                if to >= earliest {
                    out.str("<BAD PTR>");
                    return Ok(());
                }
                (earliest, at) = (to, to);
                if u8_at(b, at)? == 0 {
                    out.byte(b'.');
                }
            }
            0 => {
                visible(out, take(b, at + 1, usize::from(len))?);
                out.byte(b'.');
                at += 1 + usize::from(len);
            }
            _ => {
                out.str("<ELT>");
                return Ok(());
            }
        }
    }
}

/// Bytes as tcpdump shows them: `^A` for control characters, `M-` before the upper half.
pub(in crate::capture::proto) fn visible(out: &mut Out, bytes: &[u8]) {
    for byte in bytes {
        let low = byte & 0x7f;
        if byte & 0x80 != 0 {
            out.str("M-");
        }
        if low < 0x20 || low == 0x7f {
            out.byte(b'^');
            out.byte(low ^ 0x40);
        } else {
            out.byte(low);
        }
    }
}
