//! VXLAN-GPE.

use super::nsh;
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, be24, u8_at};
use crate::capture::text::Out;

const HEADER: usize = 8;
const FLAGS: &[(u32, &str)] = &[(8, "I"), (4, "P"), (2, "B"), (1, "O")];

/// The header, then what it names.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "vxlan_gpe";
    if !cx.v50() {
        return old_words(cx, out, b, len);
    }
    out.str("VXLAN-GPE");
    if len < HEADER as u32 {
        return super::bad_length(out, " [length ", len, " < ", 8);
    }
    let flags = u8_at(b, 0)?;
    out.str(", flags [");
    super::bits_with(out, u32::from(flags), "none", "", FLAGS);
    out.byte(b']');
    if flags & 0x30 != 0 {
        out.str(", ver ");
        out.dec(flags >> 4 & 3);
    }
    let next = u8_at(b, 3)?;
    let vni = be24(b, 4)?;
    if flags & 0x08 != 0 {
        out.str(", vni ");
        out.dec(vni);
    }
    u8_at(b, 7)?;
    if flags & 0x04 == 0 {
        out.str(", unknown-next-protocol");
        return Ok(());
    }
    let (rest, rest_len) = (after(b, HEADER), len - HEADER as u32);
    out.str(if cx.o.v > 0 { "\n    " } else { ": " });
    if !nsh::next(cx, out, next, rest, rest_len)? {
        out.str("unknown-next-protocol-0x");
        out.hex2(next);
    }
    Ok(())
}

/// As tcpdump 4.99.3 tells it: what follows is read whatever the flags say.
fn old_words(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    out.str("VXLAN-GPE, ");
    if len < HEADER as u32 {
        out.str(" (len ");
        out.dec(len);
        out.str(" < 8)");
        super::invalid(out);
        return Ok(());
    }
    let flags = u8_at(b, 0)?;
    out.str("flags [");
    super::bits_with(out, u32::from(flags), "none", "", FLAGS);
    out.str("], ");
    let (next, vni) = (u8_at(b, 3)?, be24(b, 4)?);
    u8_at(b, 7)?;
    out.str("vni ");
    out.dec(vni);
    out.str(if cx.o.v > 0 { "\n    " } else { ": " });
    let (rest, rest_len) = (after(b, HEADER), len - HEADER as u32);
    if !nsh::next(cx, out, next, rest, rest_len)? {
        out.str("ERROR: unknown-next-protocol");
        super::invalid(out);
    }
    Ok(())
}
