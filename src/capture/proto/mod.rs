//! One protocol a file. A printer is `fn print(cx, out, bytes, len, …) -> Step`: `bytes` are the captured bytes from
//! its header on, cut where the layer below says that it ends; `len` is how long that is on the wire.

pub mod app;
pub mod ether;
pub mod ethertype;
pub mod hex;
pub mod icmp;
pub mod ip4;
pub mod ip4_opts;
pub mod ip_proto;
pub mod l3;
pub mod llc;
pub mod oui;
pub mod sum;
pub mod tcp_seq;
pub mod udp;
pub mod vxlan;

use super::ctx::Cx;
use super::packet::{Link, Packet};
use super::reader::Step;
use super::text::Out;

/// Prints the frame; says how long its link header is.
pub(super) fn link(cx: &mut Cx, out: &mut Out, packet: &Packet<'_>) -> Step<usize> {
    let (b, len) = (packet.data, packet.len);
    match packet.link {
        Link::ETHERNET => ether::print(cx, out, b, len),
        _ => Ok(0),
    }
}

/// The captured bytes ended.
pub fn cut(cx: &Cx, out: &mut Out) {
    out.str(" [|");
    out.str(cx.proto);
    out.byte(b']');
}

/// The packet says what cannot be.
pub fn invalid(out: &mut Out) {
    out.str(" (invalid)");
}

/// Packets within packets past this depth are not opened: the stack is finite.
pub const DEEPEST: u8 = 100;

/// The names of the bits that are set, `, ` between; `none` if there are none.
pub fn bits(out: &mut Out, value: u32, none: &str, table: &[(u32, &str)]) {
    bits_with(out, value, none, ", ", table);
}

/// As [`bits`], with `between` in place of a comma.
pub fn bits_with(out: &mut Out, value: u32, none: &str, between: &str, table: &[(u32, &str)]) {
    let mut any = false;
    for (bit, name) in table {
        if value & bit == *bit {
            if any {
                out.str(between);
            }
            out.str(name);
            any = true;
        }
    }
    if !any {
        out.str(none);
    }
}
