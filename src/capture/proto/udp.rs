//! UDP, and which protocol its ports mean.

use super::ip_proto::UDP;
use super::l3::{self, L3};
use super::{app, vxlan};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, be16, upto};
use crate::capture::text::Out;

/// A datagram.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, l3: &L3<'_>) -> Step {
    cx.proto = "udp";
    let (Ok(sport), Ok(dport)) = (be16(b, 0), be16(b, 2)) else {
        addresses(cx, out, l3, None);
        super::cut(cx, out);
        return Ok(());
    };
    addresses(cx, out, l3, Some((sport, dport)));
    let ulen = be16(b, 4)?;
    let body_len = u32::from(ulen).saturating_sub(8).min(len.saturating_sub(8));
    let body = upto(after(b, 8), body_len as usize);
    if cx.o.tunnels.vxlan.contains(&dport) {
        return vxlan::print(cx, out, body, body_len);
    }
    if app::udp(cx, out, (sport, dport), body, body_len, l3)? {
        return Ok(());
    }
    out.str("UDP, length ");
    out.dec(body_len);
    Ok(())
}

/// `A.p > B.p: `; only the ports if UDP is not what the fixed header names.
fn addresses(cx: &mut Cx, out: &mut Out, l3: &L3<'_>, ports: Option<(u16, u16)>) {
    let whole = l3.directly(UDP);
    if whole {
        l3.src(cx, out);
    }
    if let Some((sport, _)) = ports {
        if whole {
            out.byte(b'.');
        }
        l3::udp_port(cx, out, sport);
    }
    out.str(" > ");
    if whole {
        l3.dst(cx, out);
    }
    if let Some((_, dport)) = ports {
        if whole {
            out.byte(b'.');
        }
        l3::udp_port(cx, out, dport);
    }
    out.str(": ");
}
