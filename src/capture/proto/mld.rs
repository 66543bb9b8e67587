//! Multicast listener discovery.

use super::{groups, l3};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, array, be16, need, u8_at};
use crate::capture::text::Out;

/// A message behind its name.
pub(super) fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, kind: u8) -> Step {
    match kind {
        143 => report(cx, out, b, len),
        130 if len != 24 => {
            if len < 28 {
                out.str(" unknown-version (len ");
                out.dec(len);
                out.str(") ");
                return Ok(());
            }
            out.str(" v2");
            query(cx, out, b, len)
        }
        _ => {
            // What is too short is left alone by the older version.
            if !cx.v50() && b.len() < 24 {
                return Ok(());
            }
            out.str("max resp delay: ");
            out.dec(be16(b, 4)?);
            out.str(" addr: ");
            l3::ip6(cx, out, array(b, 8)?);
            Ok(())
        }
    }
}

fn query(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    let code = u32::from(be16(b, 4)?);
    if cx.o.v > 0 {
        out.str(" [max resp delay=");
        out.dec(if code < 32_768 { code } else { ((code & 0x0fff) | 0x1000) << ((code >> 12 & 7) + 3) });
        out.byte(b']');
    }
    let group = array(b, 8)?;
    out.str(" [gaddr ");
    l3::ip6(cx, out, group);
    if cx.o.v > 0 {
        let bits = u8_at(b, 24)?;
        if bits & 8 != 0 {
            out.str(" sflag");
        }
        if bits & 7 != 0 {
            out.str(" robustness=");
            out.dec(bits & 7);
        }
        let code = u32::from(u8_at(b, 25)?);
        out.str(" qqi=");
        out.dec(if code < 128 { code } else { ((code & 0x0f) | 0x10) << ((code >> 4 & 7) + 3) });
    }
    let sources = be16(b, 26)?;
    if sources > 0 {
        if !cx.v50() && len < 28 + u32::from(sources) * 16 {
            out.str(" [invalid number of sources]");
        } else {
            groups::sources(cx, out, b, 28, sources, true)?;
        }
    }
    out.byte(b']');
    Ok(())
}

fn report(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    if len < 8 {
        return groups::invalid_length(out, len);
    }
    let count = be16(b, 6)?;
    out.str(", ");
    out.dec(count);
    out.str(" group record(s)");
    if cx.o.v == 0 {
        return Ok(());
    }
    let mut at = 8;
    for _ in 0..count {
        if !cx.v50() && (len as usize) < at + 20 {
            out.str(" [invalid number of groups]");
            return Ok(());
        }
        if cx.v50() {
            need(b, at + 20)?;
        }
        let group = array(b, at + 4)?;
        out.str(" [gaddr ");
        l3::ip6(cx, out, group);
        out.byte(b' ');
        groups::record(out, u8_at(b, at)?, "v2");
        let sources = be16(b, at + 2)?;
        if !cx.v50() && (len as usize) < at + 20 + 16 * usize::from(sources) {
            out.str(" [invalid number of sources ");
            out.dec(sources);
            out.byte(b']');
            return Ok(());
        }
        groups::sources(cx, out, b, at + 20, sources, true)?;
        out.byte(b']');
        let more = if cx.v50() { 4 * usize::from(u8_at(b, at + 1)?) } else { 0 };
        at += 20 + 16 * usize::from(sources) + more;
    }
    Ok(())
}
