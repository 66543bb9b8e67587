//! TCP: flags, sequence numbers relative to the connection's first, checksum, and what follows by port.

use super::ip_proto::TCP;
use super::l3::{self, Ends, L3};
use super::tcp_seq::{Pair, Start};
use super::{app, sum, tcp_opts, tcp_rst};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Cut, Step, after, array, be16};
use crate::capture::text::Out;
use crate::capture::window::Window;

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;
const URG: u8 = 32;

/// Flags as letters, for every value of the flags byte: at most eight, and how many.
#[expect(clippy::indexing_slicing, reason = "a table made by the compiler")]
static FLAGS: [([u8; 8], u8); 256] = {
    let letters = *b"FSRP.UEW";
    let mut table = [([0; 8], 0); 256];
    let mut value = 0;
    while value < 256 {
        let (mut text, mut len, mut bit) = ([0; 8], 0, 0);
        while bit < 8 {
            if value >> bit & 1 == 1 {
                text[len] = letters[bit];
                len += 1;
            }
            bit += 1;
        }
        table[value] = (text, len as u8);
        value += 1;
    }
    table
};

/// What the options and the payload need to know.
#[derive(Debug, Clone, Copy)]
pub struct Segment {
    /// The flags byte.
    pub flags: u8,
    /// The numbers told as 0.
    pub start: Start,
    /// From the end that sorts second.
    pub reversed: bool,
    /// The payload was captured to its end.
    pub whole: bool,
}

/// A segment.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, l3: &L3<'_>) -> Step {
    cx.proto = "tcp";
    let (Ok(sport), Ok(dport)) = (be16(b, 0), be16(b, 2)) else {
        l3.src(cx, out);
        out.str(" > ");
        l3.dst(cx, out);
        out.byte(b':');
        super::cut(cx, out);
        return Ok(());
    };
    l3::ends(cx, out, l3, TCP, [sport, dport], l3::tcp_port);
    let Ok(head) = array::<20>(b, 0) else {
        super::cut(cx, out);
        return Ok(());
    };
    let [_, _, _, _, s3, s2, s1, s0, a3, a2, a1, a0, offset, flags, ..] = head;
    let hlen = u32::from(offset >> 4) * 4;
    if before_flags(cx, out, hlen, len) {
        return Ok(());
    }
    let told = (u32::from_be_bytes([s3, s2, s1, s0]), u32::from_be_bytes([a3, a2, a1, a0]));
    let (seq, ack, mut segment) = relative(cx, l3, (sport, dport), flags, told);
    segment.whole = b.len() >= len as usize;
    let body_len = len.wrapping_sub(hlen);
    let accurate = offset & 1 != 0 && cx.v50();
    if hlen <= len && hlen >= 20 && cx.o.v == 0 {
        // Nothing unusual, and nothing between the flags and the numbers.
        let stamps = if hlen == 32 { tcp_opts::stamps(after(b, 20)) } else { None };
        out.window(|w| {
            write_flags(w, flags, accurate);
            numbers(cx, w, &head, body_len, (seq, ack));
            if let Some(stamps) = stamps {
                stamped(w, stamps, body_len);
            }
        });
        if stamps.is_some() {
            return behind(cx, out, b, (hlen, body_len), (sport, dport), flags);
        }
        return optioned(cx, out, b, (hlen, body_len), (sport, dport), &segment);
    }
    out.window(|w| write_flags(w, flags, accurate));
    if behind_flags(cx, out, hlen, len) {
        return Ok(());
    }
    if cx.o.v > 0 && !cx.o.no_sums && !l3.fragmented {
        checksum(cx, out, b, len, l3);
    }
    out.window(|w| numbers(cx, w, &head, body_len, (seq, ack)));
    optioned(cx, out, b, (hlen, body_len), (sport, dport), &segment)
}

/// The usual options, and the length.
#[inline(always)]
fn stamped(w: &mut Window<'_>, (val, ecr): (u32, u32), body_len: u32) {
    w.text(b", options [nop,nop,TS val ");
    w.dec(val);
    w.text(b" ecr ");
    w.dec(ecr);
    w.text(b"], length ");
    w.dec(body_len);
}

/// The options, if there are any, and what follows.
fn optioned(
    cx: &mut Cx,
    out: &mut Out,
    b: &[u8],
    (hlen, body_len): (u32, u32),
    ports: (u16, u16),
    segment: &Segment,
) -> Step {
    if let (32, Some(stamps)) = (hlen, tcp_opts::stamps(after(b, 20))) {
        out.window(|w| stamped(w, stamps, body_len));
        return behind(cx, out, b, (hlen, body_len), ports, segment.flags);
    }
    if hlen > 20 {
        out.str(", options [");
        if !tcp_opts::print(cx, out, after(b, 20), hlen - 20, segment)? {
            return Ok(());
        }
        out.byte(b']');
    }
    out.str(", length ");
    out.dec(body_len);
    behind(cx, out, b, (hlen, body_len), ports, segment.flags)
}

/// What a header that is too short for the older version, or -q, says instead of everything. True if that is all.
#[inline(always)]
fn before_flags(cx: &Cx, out: &mut Out, hlen: u32, len: u32) -> bool {
    if hlen < 20 && !cx.v50() {
        out.str(" tcp ");
        out.dec(len.wrapping_sub(hlen));
        out.str(" [bad hdr length ");
        out.dec(hlen);
        out.str(" - too short, < 20]");
        return true;
    }
    if cx.o.q > 0 {
        out.str("tcp ");
        out.dec(len.wrapping_sub(hlen));
        if hlen > len {
            bad_header(cx, out, hlen, len);
        }
        return true;
    }
    false
}

/// A header's length that cannot be. True if it is one.
#[inline(always)]
fn behind_flags(cx: &Cx, out: &mut Out, hlen: u32, len: u32) -> bool {
    if hlen > len {
        bad_header(cx, out, hlen, len);
        if cx.v50() {
            super::invalid(out);
        }
        return true;
    }
    if hlen < 20 {
        out.str(" [header length ");
        out.dec(hlen);
        out.str(" < 20]");
        super::invalid(out);
        return true;
    }
    false
}

/// Both numbers, relative to the connection's first unless -S.
#[inline(always)]
fn relative(
    cx: &mut Cx,
    l3: &L3<'_>,
    ports: (u16, u16),
    flags: u8,
    (mut seq, mut ack): (u32, u32),
) -> (u32, u32, Segment) {
    let mut segment = Segment { flags, start: Start::default(), reversed: false, whole: true };
    if !cx.o.absolute && flags & ACK != 0 {
        let (start, reversed, known) = start_of(cx, l3, ports, flags & SYN != 0, seq, ack);
        if known {
            let (ours, theirs) = if reversed { (start.ack, start.seq) } else { (start.seq, start.ack) };
            seq = seq.wrapping_sub(ours);
            ack = ack.wrapping_sub(theirs);
        }
        segment.start = start;
        segment.reversed = reversed;
    }
    (seq, ack, segment)
}

/// `, seq 1:40, ack 1, win 227`.
#[inline(always)]
fn numbers(cx: &Cx, w: &mut Window<'_>, head: &[u8; 20], body_len: u32, (seq, ack): (u32, u32)) {
    let [.., flags, w1, w0, _, _, u1, u0] = *head;
    if body_len > 0 || flags & (SYN | FIN | RST) != 0 || cx.o.v > 1 {
        w.text(b", seq ");
        w.dec(seq);
        if body_len > 0 {
            w.byte(b':');
            w.dec(seq.wrapping_add(body_len));
        }
    }
    if flags & ACK != 0 {
        w.text(b", ack ");
        w.dec(ack);
    } else if cx.v50() && ack != 0 && cx.o.v > 0 {
        w.text(b", [ack ");
        w.dec(ack);
        w.text(b" != 0 while ACK flag not set]");
    }
    w.text(b", win ");
    w.dec(u16::from_be_bytes([w1, w0]).into());
    let urgent = u16::from_be_bytes([u1, u0]);
    if flags & URG != 0 {
        w.text(b", urg ");
        w.dec(urgent.into());
    } else if cx.v50() && urgent != 0 && cx.o.v > 0 {
        w.text(b", [urg ");
        w.dec(urgent.into());
        w.text(b" != 0 while URG flag not set]");
    }
}

/// What follows the length.
fn behind(
    cx: &mut Cx,
    out: &mut Out,
    b: &[u8],
    (hlen, len): (u32, u32),
    ports: (u16, u16),
    flags: u8,
) -> Step {
    if len == 0 {
        return Ok(());
    }
    let captured = b.len() >= hlen as usize;
    let body = after(b, hlen as usize);
    if !captured && !cx.v50() {
        out.str(" [remaining caplen(");
        out.dec(b.len() as u32);
        out.str(") < header length(");
        out.dec(hlen);
        out.str(")]");
        return Err(Cut);
    }
    if flags & RST != 0 && (cx.v50() || cx.o.v > 0) {
        return tcp_rst::print(cx, out, body, len);
    }
    if !captured {
        return Err(Cut);
    }
    app::tcp(cx, out, ports, body, len).map(drop)
}

/// `Flags [P.]`.
#[inline(always)]
fn write_flags(w: &mut Window<'_>, flags: u8, accurate: bool) {
    w.text(b"Flags [");
    let (text, len) = FLAGS.get(usize::from(flags)).copied().unwrap_or_default();
    w.piece(text, len.into());
    if accurate {
        w.byte(b'e');
    } else if len == 0 {
        w.text(b"none");
    }
    w.byte(b']');
}

fn bad_header(cx: &Cx, out: &mut Out, hlen: u32, len: u32) {
    out.str(" [bad hdr length ");
    out.dec(hlen);
    out.str(if cx.v50() { ", too long, > " } else { " - too long, > " });
    out.dec(len);
    out.byte(b']');
}

/// The start of the connection, whether this end sorts second, and whether it was known.
#[inline]
fn start_of(
    cx: &mut Cx,
    l3: &L3<'_>,
    (sport, dport): (u16, u16),
    anew: bool,
    seq: u32,
    ack: u32,
) -> (Start, bool, bool) {
    let fresh = |reversed: bool| {
        let (one, two) = (seq, ack.wrapping_sub(1));
        if reversed { Start { seq: two, ack: one } } else { Start { seq: one, ack: two } }
    };
    match l3.ends {
        Ends::V4(src, dst) => {
            let reversed = sport > dport || (sport == dport && src > dst);
            let pair = if reversed {
                Pair { ends: [dst, src], ports: [dport, sport] }
            } else {
                Pair { ends: [src, dst], ports: [sport, dport] }
            };
            let (start, known) = cx.tcp.v4.find(&pair, anew, fresh(reversed));
            (start, reversed, known)
        }
        Ends::V6(src, dst) => {
            let reversed = sport > dport || (sport == dport && src > dst);
            let pair = if reversed {
                Pair { ends: [dst, src], ports: [dport, sport] }
            } else {
                Pair { ends: [src, dst], ports: [sport, dport] }
            };
            let (start, known) = cx.tcp.v6.find(&pair, anew, fresh(reversed));
            (start, reversed, known)
        }
    }
}

/// `, cksum 0x9164 (correct)`, if everything was captured.
fn checksum(cx: &Cx, out: &mut Out, b: &[u8], len: u32, l3: &L3<'_>) {
    let (Some(whole), Ok(stored)) = (b.get(..len as usize), be16(b, 16)) else { return };
    let pseudo = l3.pseudo(TCP, len);
    let found = sum::of(&[pseudo.bytes(), whole]);
    out.window(|w| {
        w.text(b", cksum 0x");
        w.hex2((stored >> 8) as u8);
        w.hex2(stored as u8);
        if found == 0 {
            w.text(b" (correct)");
        }
    });
    if found == 0 {
        return;
    }
    if cx.ours() && stored == !sum::of(&[pseudo.bytes()]) {
        out.str(" (filled by NIC)");
    } else {
        out.str(" (incorrect -> 0x");
        out.hex4(sum::should_be(stored, found));
        out.byte(b')');
    }
}
