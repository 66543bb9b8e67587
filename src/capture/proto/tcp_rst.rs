//! What a TCP reset carries: a text, or the eight bytes that say why.

use crate::capture::ctx::Cx;
use crate::capture::reader::{Cut, Step, be16, be32, need, upto};
use crate::capture::text::Out;

/// A text longer than this is cut, and marked.
const LONGEST: usize = 30;
const REASONS: &[&str] = &["Reserved", "Illegal option length"];

/// The payload of a reset.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    if !cx.v50() {
        old_words(out, b, len as usize);
        return Ok(());
    }
    if cx.o.v == 0 {
        return need(b, len as usize);
    }
    if len == 8 && b.get(..2).is_none_or(|magic| magic == [0x33, 0xaa]) {
        out.str(" [RST: ");
        let (code, pen) = (be16(b, 2)?, be32(b, 4)?);
        match REASONS.get(usize::from(code)) {
            Some(reason) if cx.o.v > 1 && pen == 0 => out.str(reason),
            _ => {
                out.str("code ");
                out.dec(code);
                out.str(", pen ");
                out.dec(pen);
            }
        }
        out.byte(b']');
        return Ok(());
    }
    let shown = (len as usize).min(LONGEST);
    out.str(if len as usize > LONGEST { " [RST+ " } else { " [RST " });
    if b.len() < shown {
        text(out, b);
        return Err(Cut);
    }
    text(out, upto(b, shown));
    out.byte(b']');
    need(b, len as usize)
}

fn old_words(out: &mut Out, b: &[u8], len: usize) {
    out.str(" [");
    if b.len() < len {
        out.byte(b'!');
    }
    out.str("RST");
    if len > LONGEST {
        out.byte(b'+');
    }
    out.byte(b' ');
    text(out, upto(b, len.min(LONGEST)));
    out.byte(b']');
}

fn text(out: &mut Out, b: &[u8]) {
    for byte in b {
        super::printable(out, *byte);
    }
}
