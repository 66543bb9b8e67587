//! IGMP, versions 1 to 3.

use super::{groups, l3, sum};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, array, be16, u8_at};
use crate::capture::text::Out;

/// A message.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "igmp";
    if cx.o.q > 0 {
        out.str("igmp");
        return Ok(());
    }
    let kind = u8_at(b, 0)?;
    match kind {
        0x11 => {
            out.str("igmp query");
            if len >= 12 {
                query_v3(cx, out, b, len)?;
            } else {
                query(cx, out, b, len)?;
            }
        }
        0x12 | 0x16 | 0x17 => {
            let group = array(b, 4)?;
            out.str(match kind {
                0x12 => "igmp v1 report ",
                0x16 => "igmp v2 report ",
                _ => "igmp leave ",
            });
            l3::ip4(cx, out, group);
            if len != 8 && kind == 0x12 {
                bad_length(out, len);
            }
        }
        0x22 => {
            out.str("igmp v3 report");
            report_v3(cx, out, b, len)?;
        }
        _ => {
            out.str("igmp-");
            out.dec(kind);
        }
    }
    if let (true, Some(whole), Ok(stored)) = (cx.o.v > 0 && len >= 4, b.get(..len as usize), be16(b, 2))
        && sum::of(&[whole]) != 0
    {
        out.str(" bad igmp cksum ");
        out.hex(stored);
        out.byte(b'!');
    }
    Ok(())
}

fn query(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    let time = u8_at(b, 1)?;
    out.str(if time == 0 { " v1" } else { " v2" });
    if !matches!(time, 0 | 100) {
        out.str(" [max resp time ");
        out.dec(time);
        out.byte(b']');
    }
    let group = array(b, 4)?;
    if group != [0; 4] {
        out.str(" [gaddr ");
        l3::ip4(cx, out, group);
        out.byte(b']');
    }
    if len != 8 {
        bad_length(out, len);
    }
    Ok(())
}

fn bad_length(out: &mut Out, len: u32) {
    out.str(" [len ");
    out.dec(len);
    out.byte(b']');
}

fn query_v3(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    out.str(" v3");
    if len & 3 != 0 {
        return groups::invalid_length(out, len);
    }
    let code = u32::from(u8_at(b, 1)?);
    let tenths = if code < 128 { code } else { ((code & 15) | 16) << ((code >> 4 & 7) + 3) };
    if code != 100 {
        out.str(" [max resp time ");
        if tenths < 600 {
            out.dec(tenths / 10);
            out.byte(b'.');
            out.dec(tenths % 10);
            out.byte(b's');
        } else {
            super::seconds(out, tenths / 10);
        }
        out.byte(b']');
    }
    let group = array(b, 4)?;
    if group == [0; 4] {
        return Ok(());
    }
    out.str(" [gaddr ");
    l3::ip4(cx, out, group);
    let sources = be16(b, 10)?;
    if sources > 0 {
        if 12 + u32::from(sources) * 4 > len {
            out.str(" [invalid number of sources]");
        } else {
            groups::sources(cx, out, b, 12, sources, false)?;
        }
    }
    out.byte(b']');
    Ok(())
}

fn report_v3(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    if len < 16 || len & 3 != 0 {
        return groups::invalid_length(out, len);
    }
    let groups = be16(b, 6)?;
    out.str(", ");
    out.dec(groups);
    out.str(" group record(s)");
    if cx.o.v == 0 {
        return Ok(());
    }
    let mut at = 8;
    for _ in 0..groups {
        if len < at + 8 {
            out.str(" [invalid number of groups]");
            return Ok(());
        }
        let place = at as usize;
        let group = array(b, place + 4)?;
        out.str(" [gaddr ");
        l3::ip4(cx, out, group);
        out.byte(b' ');
        groups::record(out, u8_at(b, place)?, "v3");
        let sources = be16(b, place + 2)?;
        let size = u32::from(sources) * 4;
        if len < at + 8 + size {
            out.str(" [invalid number of sources ");
            out.dec(sources);
            out.byte(b']');
            return Ok(());
        }
        groups::sources(cx, out, b, place + 8, sources, false)?;
        out.byte(b']');
        at += 8 + size;
    }
    Ok(())
}
