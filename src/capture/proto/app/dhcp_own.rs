//! DHCP options that are written in a way of their own.

use super::dns_name::visible;
use crate::capture::ctx::Cx;
use crate::capture::proto::{hex, l3};
use crate::capture::reader::{Step, after, array, u8_at, upto};
use crate::capture::text::Out;

/// Writes the value; says how many of its bytes were left over.
pub(super) fn print(cx: &mut Cx, out: &mut Out, number: u8, b: &[u8]) -> Step<usize> {
    match number {
        46 | 52 => one_word(cx, out, number, b),
        61 => client(cx, out, b),
        77 => classes(cx, out, b),
        81 => domain(cx, out, b),
        82 => agent(cx, out, b),
        _ => routes(cx, out, b),
    }
}

fn short(cx: &Cx, out: &mut Out, want: u32) -> Step<usize> {
    out.str("[ERROR: length < ");
    out.dec(want);
    out.str(if want == 1 && cx.v50() { " byte]" } else { " bytes]" });
    Ok(0)
}

fn one_word(cx: &Cx, out: &mut Out, number: u8, b: &[u8]) -> Step<usize> {
    let Some((&value, rest)) = b.split_first() else { return short(cx, out, 1) };
    let name = match (number, value) {
        (46, 1) => "b-node",
        (46, 2) => "p-node",
        (46, 4) => "m-node",
        (46, 8) => "h-node",
        (52, 1) => "file",
        (52, 2) => "sname",
        (52, 3) => "file+sname",
        _ => {
            out.byte(b'#');
            out.dec(value);
            return Ok(rest.len());
        }
    };
    out.str(name);
    Ok(rest.len())
}

fn quoted(out: &mut Out, text: &[u8]) {
    out.byte(b'"');
    visible(out, text);
    out.byte(b'"');
}

fn client(cx: &Cx, out: &mut Out, b: &[u8]) -> Step<usize> {
    let Some((&kind, rest)) = b.split_first() else { return short(cx, out, 1) };
    match kind {
        0 => {
            quoted(out, rest);
            return Ok(0);
        }
        1 => out.str("ether "),
        6 => out.str("ieee802 "),
        7 => out.str("arcnet "),
        15 => out.str("frelay "),
        17 => out.str("strip "),
        24 => out.str("ieee1394 "),
        _ => {
            out.str("hardware-type ");
            out.dec(kind);
            out.str(", ");
        }
    }
    for (n, byte) in rest.iter().enumerate() {
        out.str(if n > 0 { ":" } else { "" });
        out.hex2(*byte);
    }
    Ok(0)
}

fn classes(cx: &Cx, out: &mut Out, mut b: &[u8]) -> Step<usize> {
    if b.len() < 2 {
        return short(cx, out, 2);
    }
    let mut number = 1u32;
    while let Some((&size, rest)) = b.split_first() {
        let size = usize::from(size);
        out.str("\n\t      instance#");
        out.dec(number);
        out.str(": ");
        if size == 0 {
            out.str(if cx.v50() {
                "[ERROR: suboption has a non-zero length]"
            } else {
                "[ERROR: suboption length must be non-zero]"
            });
            return Ok(0);
        }
        if rest.len() < size {
            out.str("[ERROR: invalid option]");
            return Ok(0);
        }
        quoted(out, upto(rest, size));
        out.str(", length ");
        out.dec(size as u32);
        number += 1;
        b = after(rest, size);
    }
    Ok(0)
}

fn domain(cx: &Cx, out: &mut Out, b: &[u8]) -> Step<usize> {
    let [flags, one, two, name @ ..] = b else { return short(cx, out, 3) };
    if flags & 0xf0 != 0 {
        out.str("[ERROR: MBZ nibble 0x");
        out.hex(flags >> 4);
        out.str(" != 0] ");
    }
    if flags & 0x0f != 0 {
        out.byte(b'[');
        for (bit, letter) in [(1, b'S'), (2, b'O'), (4, b'E'), (8, b'N')] {
            if flags & bit != 0 {
                out.byte(letter);
            }
        }
        out.str("] ");
    }
    if *one != 0 || *two != 0 {
        out.dec(*one);
        out.byte(b'/');
        out.dec(*two);
        out.byte(b' ');
    }
    quoted(out, name);
    Ok(0)
}

fn agent(cx: &mut Cx, out: &mut Out, mut b: &[u8]) -> Step<usize> {
    while let [kind, size, rest @ ..] = b {
        out.str("\n\t      ");
        out.str(match kind {
            1 => "Circuit-ID",
            2 => "Remote-ID",
            5 if cx.v50() => "Link-selection",
            6 => "Subscriber-ID",
            _ => "Unknown",
        });
        out.str(" SubOption ");
        out.dec(*kind);
        out.str(", length ");
        out.dec(*size);
        out.str(": ");
        let Some(value) = rest.get(..usize::from(*size)) else {
            out.str("length goes past end of option");
            return Ok(0);
        };
        match (kind, array::<4>(value, 0)) {
            (1 | 2 | 6, _) => visible(out, value),
            (5, Ok(addr)) if cx.v50() => l3::ip4(cx, out, addr),
            _ => hex::hex(out, "\n\t\t", value),
        }
        b = after(rest, value.len());
    }
    Ok(b.len())
}

/// Classless static routes (RFC 3442).
fn routes(cx: &mut Cx, out: &mut Out, mut b: &[u8]) -> Step<usize> {
    if b.len() < 5 {
        return short(cx, out, 5);
    }
    let mut between = "";
    while let Some((&width, rest)) = b.split_first() {
        if !cx.v50() {
            out.str(std::mem::take(&mut between));
        }
        if width > 32 {
            out.str("[ERROR: Mask width (");
            out.dec(width);
            out.str(") > 32]");
            return Ok(0);
        }
        let octets = usize::from(width).div_ceil(8);
        if rest.len() < octets + 4 {
            out.str("[ERROR: Remaining length (");
            out.dec(rest.len() as u32);
            out.str(") < ");
            out.dec(octets as u32 + 4);
            out.str(" bytes]");
            return Ok(0);
        }
        out.str(between);
        between = ",";
        out.byte(b'(');
        if width == 0 {
            out.str("default");
        } else {
            for n in 0..4 {
                out.str(if n > 0 { "." } else { "" });
                out.dec(if n < octets { u8_at(rest, n)? } else { 0 });
            }
            out.byte(b'/');
            out.dec(width);
        }
        out.byte(b':');
        l3::ip4(cx, out, array(rest, octets)?);
        out.byte(b')');
        b = after(rest, octets + 4);
    }
    Ok(0)
}
