//! IP protocols: their names, and which printer reads what.

use super::l3::L3;
use super::{icmp, udp};
use crate::capture::ctx::Cx;
use crate::capture::reader::Step;
use crate::capture::text::Out;

/// TCP's number.
pub const TCP: u8 = 6;
/// UDP's number.
pub const UDP: u8 = 17;
/// SCTP's number.
pub const SCTP: u8 = 132;
/// DCCP's number.
pub const DCCP: u8 = 33;

/// The name in the header's brackets.
pub fn name(_cx: &Cx, proto: u8) -> Option<&'static str> {
    Some(match proto {
        1 => "ICMP",
        6 => "TCP",
        17 => "UDP",
        _ => return None,
    })
}

/// ` ip-proto-253`, or the name from the host's own table.
pub fn unnamed(cx: &Cx, out: &mut Out, proto: u8) {
    match if cx.o.n { None } else { cx.names.ip_protocol(proto) } {
        Some(name) => {
            out.byte(b' ');
            out.str(name);
        }
        None => {
            out.str(" ip-proto-");
            out.dec(proto);
        }
    }
}

/// What the packet carries.
#[inline(always)]
pub fn payload(cx: &mut Cx, out: &mut Out, proto: u8, b: &[u8], len: u32, l3: &L3<'_>) -> Step {
    match proto {
        UDP => udp::print(cx, out, b, len, l3),
        1 => icmp::print(cx, out, b, len, l3),
        _ => {
            unnamed(cx, out, proto);
            out.byte(b' ');
            out.dec(len);
            Ok(())
        }
    }
}
