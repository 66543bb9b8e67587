//! One protocol a file. A printer is `fn print(cx, out, bytes, len, …) -> Step`: `bytes` are the captured bytes from
//! its header on, cut where the layer below says that it ends; `len` is how long that is on the wire.

pub mod app;
pub mod arp;
pub mod bare;
pub mod ether;
pub mod ethertype;
pub mod geneve;
pub mod gpe;
pub mod gre;
mod groups;
pub mod hex;
pub mod icmp;
pub mod icmp6;
mod icmp6_more;
mod icmp6_nd;
mod icmp_ext;
pub mod igmp;
pub mod ip4;
pub mod ip4_opts;
pub mod ip6;
pub mod ip6_ext;
mod ip6_old;
mod ip_names;
pub mod ip_proto;
pub mod ipsec;
pub mod isl;
pub mod l3;
pub mod llc;
mod mld;
mod mobility;
pub mod mptcp;
pub mod nsh;
mod nsh_old;
pub mod null;
pub mod otv;
pub mod oui;
pub mod ppp;
pub mod raw;
pub mod sll;
pub mod sum;
pub mod tcp;
pub mod tcp_opts;
pub mod tcp_rst;
pub mod tcp_seq;
pub mod udp;
pub mod vxlan;
pub mod wireguard;

use super::ctx::Cx;
use super::packet::{Link, Packet};
use super::reader::{Cut, Step};
use super::text::Out;

/// Prints the frame; says how long its link header is.
pub(super) fn link(cx: &mut Cx, out: &mut Out, packet: &Packet<'_>) -> Step<usize> {
    let (b, len) = (packet.data, packet.len);
    match packet.link {
        Link::ETHERNET if cx.ours() && isl::is_one(b) => isl::print(cx, out, b, len),
        Link::ETHERNET => ether::print(cx, out, b, len),
        Link::SLL => sll::print(cx, out, b, len),
        Link::SLL2 => sll::print_2(cx, out, b, len),
        Link::RAW => raw::link(cx, out, b, len, None),
        Link::IPV4 => raw::link(cx, out, b, len, Some(4)),
        Link::IPV6 => raw::link(cx, out, b, len, Some(6)),
        Link::NULL | Link::LOOP => null::print(cx, out, b, len),
        Link::PPP => ppp::link(cx, out, b, len),
        Link::PPP_HDLC => ppp::hdlc(cx, out, b, len),
        Link(number) => {
            out.str("UNSUPPORTED (");
            out.dec(number);
            out.byte(b')');
            hex::unread(cx, out, b);
            Ok(0)
        }
    }
}

/// The captured bytes ended.
pub fn cut(cx: &Cx, out: &mut Out) {
    out.str(" [|");
    out.str(cx.proto);
    out.byte(b']');
}

/// A header that tcpdump 4.99 told the end of where it met it, and went on behind: nothing then. Since, the end of the
/// captured bytes ends the packet.
pub fn caught<T>(cx: &Cx, out: &mut Out, step: Step<T>) -> Step<Option<T>> {
    match step {
        Err(Cut) if !cx.v50() => {
            cut(cx, out);
            Ok(None)
        }
        step => step.map(Some),
    }
}

/// The packet says what cannot be.
pub fn invalid(out: &mut Out) {
    out.str(" (invalid)");
}

/// `[header length 16 < 20] (invalid)`: one length, and another that it must not be on this side of. `what` has the bracket.
pub fn bad_length(out: &mut Out, what: &str, is: u32, than: &str, want: u32) -> Step {
    out.str(what);
    out.dec(is);
    out.str(than);
    out.dec(want);
    out.byte(b']');
    invalid(out);
    Ok(())
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

/// `1y2w3d4h5m6s`, without the parts that are zero.
pub fn seconds(out: &mut Out, secs: u32) {
    if secs == 0 {
        return out.str("0s");
    }
    let mut rest = secs;
    let units = [(31_536_000, b'y'), (604_800, b'w'), (86_400, b'd'), (3600, b'h'), (60, b'm'), (1, b's')];
    for (unit, letter) in units {
        if rest >= unit {
            out.dec(rest / unit);
            out.byte(letter);
            rest %= unit;
        }
    }
}

/// A byte of text that may hold anything: what does not print becomes `^M` or `M-^A`, as tcpdump writes it.
pub fn printable(out: &mut Out, byte: u8) {
    let mut byte = byte;
    if byte & 0x80 != 0 {
        out.str("M-");
        byte &= 0x7f;
    }
    if byte.is_ascii_graphic() || byte == b' ' {
        out.byte(byte);
    } else {
        out.byte(b'^');
        out.byte(byte ^ 0x40);
    }
}
