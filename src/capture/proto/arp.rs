//! ARP and RARP.

use super::ethertype;
use super::hex;
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, array, be16, take, u8_at};
use crate::capture::text::Out;

const TRAILERS: u16 = 0x1000;

struct Fields<'a> {
    kind: u16,
    protocol: u16,
    hlen: u8,
    plen: u8,
    sha: &'a [u8],
    spa: &'a [u8],
    tha: &'a [u8],
    tpa: &'a [u8],
}

fn read(b: &[u8]) -> Step<(Fields<'_>, u16)> {
    let (hlen, plen) = (u8_at(b, 4)?, u8_at(b, 5)?);
    let (h, p) = (usize::from(hlen), usize::from(plen));
    let fields = Fields {
        kind: be16(b, 0)?,
        protocol: be16(b, 2)?,
        hlen,
        plen,
        sha: take(b, 8, h)?,
        spa: take(b, 8 + h, p)?,
        tha: take(b, 8 + h + p, h)?,
        tpa: take(b, 8 + 2 * h + p, p)?,
    };
    Ok((fields, be16(b, 6)?))
}

/// A request or reply.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "arp";
    let (f, op) = match read(b) {
        Ok(read) => read,
        Err(cut) if !cx.v50() => return Err(cut),
        Err(_) => {
            super::cut(cx, out);
            return Ok(());
        }
    };
    if !cx.o.e {
        out.str("ARP, ");
    }
    let ip = matches!(f.protocol, 0x0800 | TRAILERS);
    if !ip || f.plen != 4 || f.hlen == 0 || cx.o.v > 0 {
        kinds(cx, out, &f);
        if !cx.v50() && cx.o.v == 0 {
            // Addresses of such kinds are not told.
            out.str(", length ");
            out.dec(len);
            return Ok(());
        }
        out.str(", ");
    }
    operation(out, op);
    if !told(cx, out, &f, op) {
        if cx.v50() {
            hex::unread(cx, out, b);
        } else {
            hex::hex_and_ascii(out, "\n\t", b, 0);
        }
        return Ok(());
    }
    out.str(", length ");
    out.dec(len);
    Ok(())
}

/// Who asks or answers; false if that is none of the known operations.
fn told(cx: &mut Cx, out: &mut Out, f: &Fields<'_>, op: u16) -> bool {
    match op {
        1 => {
            out.str("who-has ");
            address(cx, out, f, f.tpa);
            if f.tha.iter().any(|byte| *byte != 0) {
                out.str(" (");
                hardware(cx, out, f.tha);
                out.byte(b')');
            }
            out.str(" tell ");
            address(cx, out, f, f.spa);
        }
        2 => {
            address(cx, out, f, f.spa);
            out.str(" is-at ");
            hardware(cx, out, f.sha);
        }
        3 | 8 => {
            out.str("who-is ");
            hardware(cx, out, f.tha);
            out.str(" tell ");
            hardware(cx, out, f.sha);
        }
        4 => {
            hardware(cx, out, f.tha);
            out.str(" at ");
            address(cx, out, f, f.tpa);
        }
        9 => {
            hardware(cx, out, f.sha);
            out.str(" at ");
            address(cx, out, f, f.spa);
        }
        _ => return false,
    }
    true
}

/// `Ethernet (len 6), IPv4 (len 4)`.
fn kinds(cx: &Cx, out: &mut Out, f: &Fields<'_>) {
    match hardware_name(cx, f.kind) {
        Some(name) => out.str(name),
        None => {
            out.str("Unknown Hardware (");
            out.dec(f.kind);
            out.byte(b')');
        }
    }
    out.str(" (len ");
    out.dec(f.hlen);
    out.str("), ");
    match ethertype::name(f.protocol) {
        Some(name) => out.str(name),
        None => {
            out.str("Unknown Protocol (0x");
            out.hex4(f.protocol);
            out.byte(b')');
        }
    }
    out.str(" (len ");
    out.dec(f.plen);
    out.byte(b')');
}

fn hardware_name(cx: &Cx, kind: u16) -> Option<&'static str> {
    Some(match kind {
        1 => "Ethernet",
        6 => "TokenRing",
        7 => "ArcNet",
        15 => "FrameRelay",
        17 if cx.v50() => "STRIP",
        23 => "Strip",
        19 => "ATM",
        24 => "IEEE 1394",
        32 if cx.v50() => "Infiniband",
        32 => "InfiniBand",
        _ => return None,
    })
}

fn operation(out: &mut Out, op: u16) {
    match op {
        1 => out.str("Request "),
        2 => out.str("Reply "),
        3 => out.str("Reverse Request "),
        4 => out.str("Reverse Reply "),
        8 => out.str("Inverse Request "),
        9 => out.str("Inverse Reply "),
        10 => out.str("NACK Reply "),
        _ => {
            out.str("Unknown (");
            out.dec(op);
            out.str(") ");
        }
    }
}

/// A protocol address, if it is one of IPv4.
fn address(cx: &mut Cx, out: &mut Out, f: &Fields<'_>, addr: &[u8]) {
    if !matches!(f.protocol, 0x0800 | TRAILERS) {
        out.str("<wrong proto type>");
    } else if f.plen != 4 {
        out.str("<wrong len>");
    } else if let Ok(addr) = array::<4>(addr, 0) {
        super::l3::ip4(cx, out, addr);
    }
}

/// A hardware address of any length.
pub fn hardware(cx: &Cx, out: &mut Out, addr: &[u8]) {
    if addr.is_empty() {
        return out.str("<empty>");
    }
    if let (6, Ok(mac)) = (addr.len(), array::<6>(addr, 0)) {
        return ethertype::mac(cx, out, mac);
    }
    for (n, byte) in addr.iter().enumerate() {
        if n > 0 {
            out.byte(b':');
        }
        out.hex2(*byte);
    }
}
