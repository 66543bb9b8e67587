//! IPv4 options.

use super::l3;
use crate::capture::ctx::Cx;
use crate::capture::reader::{Cut, Step, array, be16, be32, need, u8_at};
use crate::capture::text::Out;

fn name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 => "EOL",
        1 => "NOP",
        7 => "RR",
        68 => "timestamp",
        82 => "traceroute",
        130 => "security",
        131 => "LSRR",
        137 => "SSRR",
        148 => "RA",
        _ => return None,
    })
}

/// The options between brackets; false if the captured bytes ended within one.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: usize) -> Step<bool> {
    let mut at = 0;
    let mut between = "";
    while at < len {
        out.str(between);
        between = ",";
        let Ok(kind) = u8_at(b, at) else { return if cx.v50() { short(out) } else { Err(Cut) } };
        match name(kind) {
            Some(name) => out.str(name),
            None => {
                out.str("unknown ");
                out.dec(kind);
            }
        }
        let size = if kind < 2 {
            1
        } else {
            let Ok(size) = u8_at(b, at + 1) else { return if cx.v50() { short(out) } else { Err(Cut) } };
            size
        };
        let size = usize::from(size);
        if kind >= 2 && size < 2 {
            out.str(" [bad length ");
            out.dec(size as u32);
            out.byte(b']');
            return Ok(true);
        }
        if at + size > len {
            out.str(" [bad length ");
            out.dec(size as u32);
            out.byte(b']');
            return Ok(true);
        }
        let option = b.get(at..).unwrap_or_default();
        if need(option, size).is_err() && !(cx.v50() && matches!(kind, 7 | 131 | 137 | 68)) {
            return short(out);
        }
        let option = if cx.v50() { option.get(..size).unwrap_or(option) } else { option };
        let whole = match kind {
            0 => return Ok(true),
            68 => timestamp(cx, out, option, size).is_ok(),
            7 | 131 | 137 => route(cx, out, option, size).is_ok(),
            148 => alert(cx, out, option, size).is_ok(),
            _ => true,
        };
        if !whole {
            return short(out);
        }
        at += size;
    }
    Ok(true)
}

fn short(out: &mut Out) -> Step<bool> {
    out.str(" [truncated-option]");
    Ok(false)
}

fn bad_length(out: &mut Out, size: usize) {
    out.str("[bad length ");
    out.dec(size as u32);
    out.byte(b']');
}

fn alert(cx: &Cx, out: &mut Out, b: &[u8], size: usize) -> Step {
    if size < 4 || (size > 4 && cx.v50()) {
        out.byte(b' ');
        bad_length(out, size);
        return Ok(());
    }
    let value = be16(b, 2)?;
    if value != 0 {
        out.str(" value ");
        out.dec(value);
    }
    Ok(())
}

/// Record route and the two source routes: addresses, and where the next goes.
fn route(cx: &mut Cx, out: &mut Out, b: &[u8], size: usize) -> Step {
    if size < 3 {
        out.byte(b' ');
        bad_length(out, size);
        return Ok(());
    }
    if (size + 1) & 3 != 0 {
        out.byte(b' ');
        bad_length(out, size);
    }
    let pointer = usize::from(u8_at(b, 2)?).wrapping_sub(1);
    if pointer < 3 || pointer.wrapping_add(1) & 3 != 0 || pointer > size + 1 {
        out.str(" [bad ptr ");
        out.dec(u8_at(b, 2)?);
        out.byte(b']');
    }
    for at in (3..size).step_by(4) {
        let addr = array::<4>(b, at)?;
        out.byte(b' ');
        l3::ip4(cx, out, addr);
        out.str(if pointer > at { "," } else { "" });
    }
    Ok(())
}

/// `timestamp TS{...}`, the addresses with them if it has any.
fn timestamp(cx: &mut Cx, out: &mut Out, b: &[u8], size: usize) -> Step {
    if size < 4 {
        out.byte(b' ');
        bad_length(out, size);
        return Ok(());
    }
    out.str(" TS{");
    let flags = u8_at(b, 3)?;
    let step = if flags & 15 == 0 { 4 } else { 8 };
    if !(size - 4).is_multiple_of(step) {
        bad_length(out, size);
    }
    let pointer = usize::from(u8_at(b, 2)?).wrapping_sub(1);
    if pointer < 4 || (pointer - 4) % step != 0 || pointer > size + 1 {
        out.str("[bad ptr ");
        out.dec(u8_at(b, 2)?);
        out.byte(b']');
    }
    match flags & 15 {
        0 => out.str("TSONLY"),
        1 => out.str("TS+ADDR"),
        3 => out.str("PRESPEC"),
        other => {
            out.str("[bad ts type ");
            out.dec(other);
            out.byte(b']');
            out.str(if pointer == 0 { " ^ " } else { "" });
            not_recorded(out, flags >> 4);
            return Ok(());
        }
    }
    let mut kind = " ";
    let mut at = 4;
    while at < size {
        if pointer == at {
            kind = " ^ ";
        }
        if at + step > size && cx.v50() {
            return Err(Cut);
        }
        let stamp = be32(b, at + step - 4)?;
        out.str(kind);
        out.dec(stamp);
        out.byte(b'@');
        if step == 8 {
            l3::ip4(cx, out, array::<4>(b, at)?);
        }
        kind = " ";
        at += step;
    }
    out.str(if pointer == at { " ^ " } else { "" });
    not_recorded(out, flags >> 4);
    Ok(())
}

/// How many hops found no room, if any.
fn not_recorded(out: &mut Out, hops: u8) {
    if hops == 0 {
        return out.byte(b'}');
    }
    out.str(" [");
    out.dec(hops);
    out.str(" hops not recorded]} ");
}

/// The last address of a source route in the header of `hlen` bytes, if there is one.
pub fn last_hop(b: &[u8], hlen: usize) -> Option<[u8; 4]> {
    let mut at = 20;
    while at < hlen {
        let kind = *b.get(at)?;
        let size = match kind {
            0 => return None,
            1 => 1,
            _ => usize::from(*b.get(at + 1)?),
        };
        if (kind > 1 && size < 2) || at + size > hlen || at + size > b.len() {
            return None;
        }
        if matches!(kind, 131 | 137) && size >= 7 {
            return array(b, at + size - 4).ok();
        }
        at += size;
    }
    None
}
