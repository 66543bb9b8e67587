//! IPv6: the header, then the chain of extension headers.

use super::ip6_ext::Jumbo;
use super::l3::{Ends, L3};
use super::{ip_proto, ip6_ext, ip6_old, mobility};
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
    let done = if cx.v50() { checked(cx, out, b, len) } else { ip6_old::print(cx, out, b, len) };
    cx.depth -= 1;
    done
}

fn checked(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    if !cx.o.e {
        out.str("IP6 ");
    }
    if len < HEADER {
        return super::bad_length(out, " [length ", len, " < ", HEADER);
    }
    let version = u32::from(u8_at(b, 0)? >> 4);
    if version != 6 {
        return super::bad_length(out, " [version ", version, " != ", 6);
    }
    let head = array::<40>(b, 0)?;
    let payload = u32::from(be16(&head, 4)?);
    let (mut total, over) = (payload + HEADER, payload + HEADER > len);
    // No length and no option that says one: an offload, which none but a long packet needs.
    let presumed = payload == 0 && head[6] != 0 && len > 65_535 + HEADER;
    if presumed {
        total = len;
    }
    if over {
        too_long(out, total, len);
    }
    if cx.o.v > 0 {
        verbose(cx, out, &head, payload, presumed.then_some(len));
    }
    // Hop-by-hop options may say how long the packet is.
    let room = if payload == 0 && head[6] == 0 { len } else { total };
    chain(cx, out, upto(b, room as usize), (total, len), &head)
}

fn too_long(out: &mut Out, total: u32, len: u32) {
    out.str("[header+payload length ");
    out.dec(total);
    out.str(" > length ");
    out.dec(len);
    out.byte(b']');
    super::invalid(out);
    out.byte(b' ');
}

/// `(hlim 64, next-header UDP (17), payload length 90) `.
pub(super) fn verbose(cx: &Cx, out: &mut Out, head: &[u8; 40], payload: u32, real: Option<u32>) {
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

fn chain(cx: &mut Cx, out: &mut Out, b: &[u8], (total, len): (u32, u32), head: &[u8; 40]) -> Step {
    let (src, dst) = (array::<16>(head, 8)?, array::<16>(head, 24)?);
    let (mut b, mut total, mut next) = (b, total, head[6]);
    let mut l3 =
        L3 { ends: Ends::V6(src, dst), proto: next, fragmented: false, ttl: head[7], bytes: b, last: dst };
    let mut jumbo = Jumbo::new(total - HEADER);
    let mut at = HEADER as usize;
    if !matches!(next, ip_proto::TCP | ip_proto::UDP | ip_proto::SCTP | ip_proto::DCCP) {
        l3.both(cx, out);
        out.str(": ");
    }
    loop {
        let rest = after(b, at);
        let left = total.saturating_sub(at as u32);
        let used = match next {
            0 => {
                let Some(used) = ip6_ext::hop_by_hop(cx, out, rest, &mut jumbo)? else { return Ok(()) };
                if total == HEADER {
                    if jumbo.payload == 0 {
                        out.str("[No valid Jumbo Payload Hop-by-Hop option found]");
                        super::invalid(out);
                        return Ok(());
                    }
                    total = jumbo.payload.saturating_add(HEADER);
                    if total > len {
                        too_long(out, total, len);
                    }
                    b = upto(b, total as usize);
                }
                used
            }
            60 => match ip6_ext::destination(cx, out, rest)? {
                Some(used) => used,
                None => return Ok(()),
            },
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
                match ip6_ext::routing(cx, out, rest)? {
                    Some(used) => used,
                    None => return Ok(()),
                }
            }
            62 | 135 => return mobility::print(cx, out, rest),
            _ => return ip_proto::payload(cx, out, next, rest, left, &l3),
        };
        next = u8_at(rest, 0)?;
        at += used;
    }
}
