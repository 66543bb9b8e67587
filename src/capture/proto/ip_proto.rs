//! IP protocols: their names, and which printer reads what.

use super::l3::L3;
use super::{gre, icmp, icmp6, igmp, ip_names, ip4, ip6, ipsec, tcp, udp};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after};
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
pub fn name(cx: &Cx, proto: u8) -> Option<&'static str> {
    Some(match proto {
        0 if cx.v50() => "HBH",
        0 => "Options",
        1 => "ICMP",
        2 => "IGMP",
        4 => "IPIP",
        6 => "TCP",
        8 => "EGP",
        9 => "IGRP",
        17 => "UDP",
        33 => "DCCP",
        41 => "IPv6",
        43 => "Routing",
        44 => "Fragment",
        46 => "RSVP",
        47 => "GRE",
        50 => "ESP",
        51 => "AH",
        55 => "Mobile IP",
        62 if !cx.v50() => "Mobile IP (old)",
        58 => "ICMPv6",
        59 if cx.v50() => "No Next Header",
        60 if cx.v50() => "DSTOPT",
        88 => "EIGRP",
        89 => "OSPF",
        103 => "PIM",
        108 => "Compressed IP",
        112 => "VRRP",
        113 => "PGM",
        132 => "SCTP",
        97 if !cx.v50() => "Ethernet",
        135 => "Mobility",
        _ => return None,
    })
}

/// ` ip-proto-253`, or the protocol's name.
pub fn unnamed(cx: &Cx, out: &mut Out, proto: u8) {
    match if cx.o.n { None } else { ip_names::name(proto) } {
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
#[inline]
pub fn payload(cx: &mut Cx, out: &mut Out, proto: u8, b: &[u8], len: u32, l3: &L3<'_>) -> Step {
    match proto {
        UDP => udp::print(cx, out, b, len, l3),
        TCP => tcp::print(cx, out, b, len, l3),
        2 => igmp::print(cx, out, b, len),
        4 => ip4::print(cx, out, b, len),
        41 => ip6::print(cx, out, b, len),
        47 => gre::print(cx, out, b, len),
        50 => ipsec::esp(cx, out, b, len),
        51 => match ipsec::ah(cx, out, b, len)? {
            Some((used, next)) => {
                payload_inside(cx, out, next, after(b, used), len.saturating_sub(used as u32), l3)
            }
            None => Ok(()),
        },
        58 => icmp6::print(cx, out, b, len, l3),
        59 => {
            out.str("no next header");
            Ok(())
        }
        1 => icmp::print(cx, out, b, len, l3),
        _ => {
            unnamed(cx, out, proto);
            out.byte(b' ');
            out.dec(len);
            Ok(())
        }
    }
}

/// As [`payload`], behind an authentication header; each costs at least twelve bytes, and depth is counted.
#[inline(never)]
fn payload_inside(cx: &mut Cx, out: &mut Out, proto: u8, b: &[u8], len: u32, l3: &L3<'_>) -> Step {
    if cx.depth >= super::DEEPEST {
        out.str("[nested too deeply]");
        return Ok(());
    }
    cx.depth += 1;
    let done = payload(cx, out, proto, b, len, l3);
    cx.depth -= 1;
    done
}
