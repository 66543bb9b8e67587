//! Ethernet types: their names, and which printer reads what.

use super::ether::Macs;
use super::{arp, ip4, ip6, nsh, oui};
use crate::capture::ctx::Cx;
use crate::capture::reader::Step;
use crate::capture::text::Out;

/// Whether somebody read the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It is printed.
    Yes,
    /// Nobody knows it.
    No,
}

/// A tag of 802.1Q and its kin, behind which another type follows.
#[inline(always)]
pub fn is_vlan(kind: u16) -> bool {
    matches!(kind, 0x8100 | 0x88a8 | 0x9100 | 0x9200)
}

/// Names as tcpdump has them.
pub fn name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        0x0800 => "IPv4",
        0x0806 => "ARP",
        0x8035 => "Reverse ARP",
        0x6558 => "TEB",
        0x8100 => "802.1Q",
        0x88a8 => "802.1Q-QinQ",
        0x9100 => "802.1Q-9100",
        0x9200 => "802.1Q-9200",
        0x86dd => "IPv6",
        0x8847 => "MPLS unicast",
        0x8848 => "MPLS multicast",
        0x88cc => "LLDP",
        0x894f => "NSH",
        0x88e5 => "802.1AE MACsec",
        0x8863 => "PPPoE D",
        0x8864 => "PPPoE S",
        0x880b => "PPP",
        0x888e => "EAPOL",
        0x8809 => "Slow Protocols",
        0x0200 => "PUP",
        0x0500 => "Sprite",
        0x0600 => "NS",
        0x0707 => "GeoNet (old)",
        0x1000 => "Trail",
        0x1111 => "CALM FAST",
        0x6001 => "MOP DL",
        0x6002 => "MOP RC",
        0x6003 => "DN",
        0x6004 => "LAT",
        0x6007 => "SCA",
        0x8038 => "Lanbridge",
        0x803c => "DEC DNS",
        0x803e => "DEC DTS",
        0x805b => "VEXP",
        0x805c => "VPROD",
        0x809b => "Appletalk",
        0x80f3 => "Appletalk ARP",
        0x8137 => "IPX",
        0x8808 => "MPCP",
        0x886f => "MS NLB heartbeat",
        0x8870 => "Jumbo",
        0x8899 => "Realtek protocols",
        0x88a2 => "AoE",
        0x88ca => "TIPC",
        0x88f7 => "PTP",
        0x8902 => "CFM",
        0x893a => "IEEE1905.1",
        0x8947 => "GeoNet",
        0x9000 => "Loopback",
        0xabcd => "CFM (old)",
        0xd28b => "Arista Vendor Specific Protocol",
        0xfefe => "OSI",
        _ => return None,
    })
}

/// `ethertype IPv4 (0x0800)`, with -q `IPv4`.
#[inline(always)]
pub fn print_type(cx: &Cx, out: &mut Out, kind: u16) {
    let name = name(kind).unwrap_or("Unknown");
    if cx.o.q > 0 {
        out.str(name);
        if name == "Unknown" {
            out.str(" Ethertype (0x");
            out.hex4(kind);
            out.byte(b')');
        }
        return;
    }
    out.str("ethertype ");
    out.str(name);
    out.str(" (0x");
    out.hex4(kind);
    out.byte(b')');
}

/// A MAC address; without -n its maker's name behind it.
#[inline(always)]
pub fn mac(cx: &Cx, out: &mut Out, addr: [u8; 6]) {
    if cx.o.n {
        out.mac(addr);
    } else {
        oui::mac(out, addr);
    }
}

/// What a frame of this type carries.
#[inline(always)]
pub fn payload(cx: &mut Cx, out: &mut Out, kind: u16, b: &[u8], len: u32, macs: Option<Macs>) -> Step<Known> {
    let _ = macs;
    match kind {
        0x0800 => ip4::print(cx, out, b, len)?,
        0x86dd => ip6::print(cx, out, b, len)?,
        0x0806 | 0x8035 => arp::print(cx, out, b, len)?,
        0x894f => nsh::print(cx, out, b, len)?,
        _ => return Ok(Known::No),
    }
    Ok(Known::Yes)
}
