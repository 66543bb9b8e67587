//! IPv4: the header, its options, fragments; what it carries is `ip_proto`'s.

use super::l3::{Ends, L3};
use super::{ip_proto, ip4_opts, sum};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Cut, Step, after, array, be16, u8_at, upto};
use crate::capture::text::Out;

/// A packet. `len` is what the layer below says; the header may say less.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "ip";
    if cx.depth >= super::DEEPEST {
        out.str("[nested too deeply]");
        return Ok(());
    }
    cx.depth += 1;
    let done = if let Some(len) = plain(b, len) {
        if !cx.o.e {
            out.str("IP ");
        }
        body(cx, out, b, &Checked { hlen: 20, len, offload: false })
    } else if cx.v50() {
        new_words(cx, out, b, len)
    } else {
        old_words(cx, out, b, len)
    };
    cx.depth -= 1;
    done
}

/// The length of a packet without options about which there is nothing to say.
#[inline(always)]
fn plain(b: &[u8], len: u32) -> Option<u32> {
    let [0x45, _, t1, t0] = array::<20>(b, 0).ok()?.first_chunk().copied()? else { return None };
    let total = u32::from(u16::from_be_bytes([t1, t0]));
    (20..=len).contains(&total).then_some(total)
}

/// What the checks of the header let through.
struct Checked {
    hlen: usize,
    /// The packet's length.
    len: u32,
    /// The total length is 0: it was filled in by nobody, presumably an offload.
    offload: bool,
}

fn new_words(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    if !cx.o.e {
        out.str("IP ");
    }
    if len < 20 {
        return super::bad_length(out, " [length ", len, " < ", 20);
    }
    let first = u8_at(b, 0)?;
    if first >> 4 != 4 {
        return super::bad_length(out, " [version ", u32::from(first >> 4), " != ", 4);
    }
    let hlen = u32::from(first & 15) * 4;
    if hlen < 20 {
        return super::bad_length(out, " [header length ", hlen, " < ", 20);
    }
    let mut total = u32::from(be16(b, 2)?);
    if total > len {
        super::bad_length(out, "[total length ", total, " > length ", len)?;
        out.byte(b' ');
    }
    let offload = total == 0;
    if offload {
        total = len;
    } else if total < hlen {
        return super::bad_length(out, "[total length ", total, " < header length ", hlen);
    }
    body(cx, out, b, &Checked { hlen: hlen as usize, len: total, offload })
}

fn old_words(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    let first = u8_at(b, 0)?;
    if first >> 4 != 4 {
        out.str("IP");
        out.dec(first >> 4);
        out.str(if first >> 4 == 6 { ", wrong link-layer encapsulation" } else { "" });
        super::invalid(out);
        return Ok(());
    }
    if !cx.o.e {
        out.str("IP ");
    }
    if b.len() < 20 {
        super::cut(cx, out);
        return Ok(());
    }
    if len < 20 {
        out.str("truncated-ip ");
        out.dec(len);
        return Ok(());
    }
    let hlen = u32::from(first & 15) * 4;
    if hlen < 20 {
        out.str("bad-hlen ");
        out.dec(hlen);
        return Ok(());
    }
    let total = u32::from(be16(b, 2)?);
    if len < total {
        out.str("truncated-ip - ");
        out.dec(total - len);
        out.str(" bytes missing! ");
    }
    if total < hlen {
        out.str("bad-len ");
        out.dec(total);
        return Ok(());
    }
    body(cx, out, b, &Checked { hlen: hlen as usize, len: total, offload: false })
}

fn body(cx: &mut Cx, out: &mut Out, b: &[u8], checked: &Checked) -> Step {
    let Checked { hlen, len, .. } = *checked;
    let b = upto(b, len as usize);
    let head = array::<20>(b, 0)?;
    let [_, _, _, _, _, _, f1, f0, ttl, proto, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = head;
    let (src, dst) = ([s0, s1, s2, s3], [d0, d1, d2, d3]);
    let off = u16::from_be_bytes([f1, f0]);
    let mut last = [0; 16];
    let end = if hlen == 20 { dst } else { ip4_opts::last_hop(b, hlen).unwrap_or(dst) };
    last.iter_mut().zip(end).for_each(|(slot, byte)| *slot = byte);
    let l3 = L3 { ends: Ends::V4(src, dst), proto, fragmented: off & 0x2000 != 0, ttl, bytes: b, last };
    if cx.o.v > 0 {
        let whole = verbose(cx, out, b, &head, checked)?;
        if !whole {
            l3.both(cx, out);
            out.str(": ");
            super::cut(cx, out);
            return Ok(());
        }
    }
    if off & 0x1fff != 0 {
        if cx.o.q > 1 {
            return Ok(());
        }
        l3.both(cx, out);
        out.byte(b':');
        ip_proto::unnamed(cx, out, proto);
        return Ok(());
    }
    if !matches!(proto, ip_proto::TCP | ip_proto::UDP | ip_proto::SCTP | ip_proto::DCCP) {
        l3.both(cx, out);
        out.str(": ");
    }
    if b.len() < hlen {
        if !cx.v50() {
            out.str(" [remaining caplen(");
            out.dec(b.len() as u32);
            out.str(") < header length(");
            out.dec(hlen as u32);
            out.str(")]");
            return Err(Cut);
        }
        super::cut(cx, out);
        return Ok(());
    }
    ip_proto::payload(cx, out, proto, after(b, hlen), len - hlen as u32, &l3)
}

/// The three flags by their value: reserved, don't fragment, more fragments.
const FLAGS: [&str; 8] = ["none", "+", "DF", "+, DF", "rsvd", "+, rsvd", "DF, rsvd", "+, DF, rsvd"];

/// `(tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 134)` and the break behind it.
fn verbose(cx: &mut Cx, out: &mut Out, b: &[u8], head: &[u8; 20], checked: &Checked) -> Step<bool> {
    let [_, tos, t1, t0, i1, i0, f1, f0, ttl, proto, ..] = *head;
    let off = u16::from_be_bytes([f1, f0]);
    out.window(|w| {
        w.text(b"(tos 0x");
        w.hex(tos);
        match tos & 3 {
            1 => w.text(b",ECT(1)"),
            2 => w.text(b",ECT(0)"),
            3 => w.text(b",CE"),
            _ => {}
        }
        if ttl > 0 {
            w.text(b", ttl ");
            w.dec(ttl.into());
        }
        w.text(b", id ");
        w.dec(u16::from_be_bytes([i1, i0]).into());
        w.text(b", offset ");
        w.dec(u32::from(off & 0x1fff) * 8);
        w.text(b", flags [");
        w.name(FLAGS.get(usize::from(f1 >> 5)).copied().unwrap_or_default());
        w.text(b"], proto ");
        w.name(ip_proto::name(cx, proto).unwrap_or("unknown"));
        w.text(b" (");
        w.dec(proto.into());
        w.text(b"), length ");
    });
    if checked.offload {
        offload_length(out, checked.len, u16::from_be_bytes([t1, t0]));
    } else {
        out.dec(checked.len);
    }
    let mut whole = true;
    if checked.hlen > 20 {
        out.str(", options (");
        // The older version looks past the options' end, as far as the packet goes.
        let options = after(b, 20);
        let options = if cx.v50() { upto(options, checked.hlen - 20) } else { options };
        whole = ip4_opts::print(cx, out, options, checked.hlen - 20)?;
        out.byte(b')');
    }
    if !cx.o.no_sums && b.len() >= checked.hlen {
        let found = sum::of(&[upto(b, checked.hlen)]);
        if found != 0 {
            let stored = be16(b, 10)?;
            out.str(", bad cksum ");
            out.hex(stored);
            out.str(" (->");
            out.hex(sum::should_be(stored, found));
            out.str(")!");
        }
    }
    out.str(if cx.o.one_line { ") " } else { ")\n    " });
    Ok(whole)
}

fn offload_length(out: &mut Out, len: u32, was: u16) {
    out.dec(len);
    out.str(" [was ");
    out.dec(was);
    out.str(if len > 65_535 { ", presumed BIG TCP]" } else { ", presumed TSO]" });
}
