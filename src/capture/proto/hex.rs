//! Dumps: -x, -X, -A and what stands in for a payload that nobody reads.

use crate::capture::ctx::Cx;
use crate::capture::reader::after;
use crate::capture::text::Out;

/// What -x, -X and -A add behind a packet.
pub fn dump(cx: &Cx, out: &mut Out, data: &[u8]) {
    let o = &cx.o;
    if o.x | o.xx | o.a == 0 {
        return;
    }
    let most = if o.xx > 0 {
        o.xx
    } else if o.x > 0 {
        o.x
    } else {
        o.a
    };
    let shown = if most > 1 { data } else { after(data, cx.link_len) };
    if shown.is_empty() {
        return;
    }
    if o.xx > 0 {
        hex_and_ascii(out, "\n\t", shown, 0);
    } else if o.x > 0 {
        hex(out, "\n\t", shown);
    } else {
        ascii(cx, out, shown);
    }
}

/// Lines of sixteen bytes: offset, hexadecimal digits, printable text.
pub fn hex_and_ascii(out: &mut Out, indent: &str, data: &[u8], offset: usize) {
    for (n, line) in data.chunks(16).enumerate() {
        head(out, indent, offset + 16 * n);
        let mut width = 0;
        for pair in line.chunks(2) {
            out.byte(b' ');
            out.hexes(pair);
            width += 1 + 2 * pair.len();
        }
        for _ in width..42 {
            out.byte(b' ');
        }
        for &byte in line {
            out.byte(if byte.is_ascii_graphic() { byte } else { b'.' });
        }
    }
}

/// Lines of sixteen bytes: offset and hexadecimal digits.
pub fn hex(out: &mut Out, indent: &str, data: &[u8]) {
    for (n, line) in data.chunks(16).enumerate() {
        head(out, indent, 16 * n);
        for pair in line.chunks(2) {
            out.byte(b' ');
            out.hexes(pair);
        }
    }
}

fn head(out: &mut Out, indent: &str, offset: usize) {
    out.str(indent);
    out.str("0x");
    out.hex_long(offset as u64, 4);
    out.str(": ");
}

fn ascii(cx: &Cx, out: &mut Out, data: &[u8]) {
    out.byte(b'\n');
    for (at, &byte) in data.iter().enumerate() {
        let rest = after(data, at + 1);
        match byte {
            b'\r' if rest.first() == Some(&b'\n') => {}
            // The older version thinks that a line ends here.
            b'\r' if rest.len() < 2 && !cx.v50() => {}
            b'\n' | b'\t' => out.byte(byte),
            _ if byte.is_ascii_graphic() || byte == b' ' => out.byte(byte),
            _ => out.byte(b'.'),
        }
    }
}

/// A payload that nobody reads, unless the whole packet is dumped anyway.
pub fn unread(cx: &Cx, out: &mut Out, data: &[u8]) {
    // To the older version -A is no dump of the whole packet, and -q asks for less.
    if cx.o.x | cx.o.xx != 0 || if cx.v50() { cx.o.a != 0 } else { cx.o.q > 0 } {
        return;
    }
    hex_and_ascii(out, "\n\t", data, 0);
}
