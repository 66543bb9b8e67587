//! IPv6: the header, then the chain of extension headers.

use super::l3::{Ends, L3};
use super::{ip_proto, ip6_ext};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, array, be16, u8_at, upto};
use crate::capture::text::Out;

const HEADER: u32 = 40;

/// A packet. `len` is what the layer below says; the header may say less.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "ip6";
    if cx.depth >= super::DEEPEST {
        out.str("[nested too deeply]");
        return Ok(());
    }
    cx.depth += 1;
    let done = checked(cx, out, b, len);
    cx.depth -= 1;
    done
}

fn checked(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    let new = cx.v50();
    if new {
        if !cx.o.e {
            out.str("IP6 ");
        }
        if len < HEADER {
            return bad(out, " [length ", len, " < ", HEADER);
        }
        let version = u32::from(u8_at(b, 0)? >> 4);
        if version != 6 {
            return bad(out, " [version ", version, " != ", 6);
        }
    }
    let head = array::<40>(b, 0)?;
    if !new {
        if len < HEADER {
            out.str("truncated-ip6 ");
            out.dec(len);
            return Ok(());
        }
        if !cx.o.e {
            out.str("IP6 ");
        }
        if head[0] >> 4 != 6 {
            out.str("version error: ");
            out.dec(head[0] >> 4);
            out.str(" != 6");
            return Ok(());
        }
    }
    let payload = u32::from(be16(&head, 4)?);
    let mut total = payload + HEADER;
    if payload == 0 && head[6] != 0 && len > HEADER && new {
        total = len;
    }
    if cx.o.v > 0 {
        verbose(cx, out, &head, payload, (payload == 0 && len > 65_535 + HEADER).then_some(len - HEADER));
    }
    if total > len {
        if new {
            bad(out, "[header+payload length ", total, " > length ", len)?;
            out.byte(b' ');
        } else {
            out.str("truncated-ip6 - ");
            out.dec(total - len);
            out.str(" bytes missing!");
        }
        if !new {
            total = len;
        }
    }
    chain(cx, out, upto(b, total as usize), total, &head)
}

fn bad(out: &mut Out, what: &str, is: u32, than: &str, want: u32) -> Step {
    out.str(what);
    out.dec(is);
    out.str(than);
    out.dec(want);
    out.byte(b']');
    super::invalid(out);
    Ok(())
}

fn verbose(cx: &Cx, out: &mut Out, head: &[u8; 40], payload: u32, real: Option<u32>) {
    let [a, b, c, d, ..] = *head;
    let flow = u32::from_be_bytes([a, b, c, d]);
    out.byte(b'(');
    if flow & 0x0ff0_0000 != 0 {
        out.str("class 0x");
        out.hex_long(u64::from(flow >> 20 & 0xff), 2);
        out.str(", ");
    }
    if flow & 0x000f_ffff != 0 {
        out.str("flowlabel 0x");
        out.hex_long(u64::from(flow & 0x000f_ffff), 5);
        out.str(", ");
    }
    out.str("hlim ");
    out.dec(head[7]);
    out.str(", next-header ");
    out.str(ip_proto::name(cx, head[6]).unwrap_or("unknown"));
    out.str(" (");
    out.dec(head[6]);
    out.str(if cx.v50() { "), payload length " } else { ") payload length: " });
    out.dec(payload);
    out.str(") ");
    if let (Some(real), true) = (real, cx.v50()) {
        out.str("[real length ");
        out.dec(real);
        out.str(", presumed BIG TCP] ");
    }
}

fn chain(cx: &mut Cx, out: &mut Out, b: &[u8], total: u32, head: &[u8; 40]) -> Step {
    let (src, dst) = (array::<16>(head, 8)?, array::<16>(head, 24)?);
    let mut next = head[6];
    let mut l3 =
        L3 { ends: Ends::V6(src, dst), proto: next, fragmented: false, ttl: head[7], bytes: b, last: dst };
    let mut at = HEADER as usize;
    if !matches!(next, ip_proto::TCP | ip_proto::UDP | ip_proto::SCTP | ip_proto::DCCP) {
        l3.src(cx, out);
        out.str(" > ");
        l3.dst(cx, out);
        out.str(": ");
    }
    loop {
        let rest = after(b, at);
        let left = total.saturating_sub(at as u32);
        let used = match next {
            0 => ip6_ext::options(cx, out, rest, "HBH")?,
            60 => ip6_ext::options(cx, out, rest, "DSTOPT")?,
            44 => {
                l3.fragmented = true;
                match ip6_ext::fragment(cx, out, rest, left)? {
                    Some(used) => used,
                    None => return Ok(()),
                }
            }
            43 => {
                if let Some(last) = ip6_ext::last_hop(rest) {
                    l3.last = last;
                }
                ip6_ext::routing(cx, out, rest)?
            }
            _ => return ip_proto::payload(cx, out, next, rest, left, &l3),
        };
        next = u8_at(rest, 0)?;
        at += used;
    }
}
