//! AH and ESP: what their headers say in the clear.

use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, be16, be32, need, take, u8_at, upto};
use crate::capture::text::Out;

/// ESP: nothing behind the sequence number can be read.
pub fn esp(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "esp";
    if b.len() <= 8 {
        super::cut(cx, out);
        return Ok(());
    }
    out.str("ESP(spi=0x");
    out.hex8(be32(b, 0)?);
    out.str(",seq=0x");
    out.hex(be32(b, 4)?);
    out.byte(b')');
    out.str(", length ");
    out.dec(len);
    Ok(())
}

/// AH. Says how long it is and what follows, if that can be read.
pub fn ah(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step<Option<(usize, u8)>> {
    cx.proto = "ah";
    if !cx.v50() {
        return old_ah(cx, out, b);
    }
    need(b, 12)?;
    let words = u8_at(b, 1)?;
    let size = usize::from(words) * 4 + 8;
    out.str("AH(");
    if cx.o.v > 0 {
        out.str("length=");
        out.dec(words);
        out.str("(");
        out.dec(size as u32);
        out.str("-bytes),");
    }
    let reserved = be16(b, 2)?;
    if reserved != 0 {
        out.str("reserved[not MBZ],");
    }
    out.str("spi=0x");
    out.hex8(be32(b, 4)?);
    out.byte(b',');
    if cx.o.v > 0 {
        out.str("sumlen=");
        out.dec(size.saturating_sub(12) as u32);
        out.byte(b',');
    }
    out.str("seq=0x");
    out.hex(be32(b, 8)?);
    out.str(",icv=0x");
    if (size as u32) > len || size < 12 {
        super::invalid(out);
        return Ok(None);
    }
    let icv = take(b, 12, size - 12)?;
    out.hexes(icv);
    out.str("): ");
    Ok(Some((size, u8_at(b, 0)?)))
}

/// AH as tcpdump 4.99.3 tells it: the header's own length goes unchecked.
fn old_ah(cx: &mut Cx, out: &mut Out, b: &[u8]) -> Step<Option<(usize, u8)>> {
    if b.is_empty() {
        super::cut(cx, out);
        return Ok(None);
    }
    out.str("AH");
    let words = u8_at(b, 1)?;
    let size = usize::from(words) * 4 + 8;
    out.byte(b'(');
    if cx.o.v > 0 {
        out.str("length=");
        out.dec(words);
        out.byte(b'(');
        out.dec(size as u32);
        out.str("-bytes),");
    }
    let reserved = be16(b, 2)?;
    if reserved != 0 {
        out.str("reserved=0x");
        out.hex(reserved);
        out.str("[MustBeZero],");
    }
    let index = be32(b, 4)?;
    out.str("spi=0x");
    out.hex8(index);
    out.byte(b',');
    let sequence = be32(b, 8)?;
    out.str("seq=0x");
    out.hex(sequence);
    out.str(",icv=0x");
    let icv = after(b, 12);
    out.hexes(upto(icv, size.saturating_sub(12)));
    need(b, size)?;
    out.str("): ");
    Ok(Some((size, u8_at(b, 0)?)))
}
