//! IEEE 802.2 and SNAP.

use super::ether::{self, Macs};
use super::ethertype::{self, Known};
use super::{hex, ip4, oui};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, be16, be24, le16, need, u8_at};
use crate::capture::text::Out;

const SNAP: u8 = 0xaa;
const UI: u16 = 0x03;

/// What follows a length field. Says how long the header is, and whether the payload was read.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, macs: Option<Macs>) -> Step<(usize, bool)> {
    cx.proto = "llc";
    if b.len() < 3 || len < 3 {
        super::cut(cx, out);
        rest_of(cx, out, b);
        return Ok((b.len(), true));
    }
    let (dsap_field, ssap_field, mut control) = (u8_at(b, 0)?, u8_at(b, 1)?, u16::from(u8_at(b, 2)?));
    let unnumbered = control & 3 == 3;
    let hlen = if unnumbered { 3 } else { 4 };
    if b.len() < hlen || len < hlen as u32 {
        super::cut(cx, out);
        rest_of(cx, out, b);
        return Ok((b.len(), true));
    }
    if !unnumbered {
        control = le16(b, 2)?;
    }
    if ssap_field == 0xff && dsap_field == 0xff {
        if cx.o.e {
            out.str("IPX 802.3: ");
        }
        return Ok((0, false));
    }
    let (dsap, ssap) = (dsap_field & !1, ssap_field & !1);
    if cx.o.e {
        head(out, (dsap, dsap_field), (ssap, ssap_field), control, unnumbered);
    }
    let (rest, rest_len) = (after(b, hlen), len - hlen as u32);
    if (ssap, dsap, control) == (SNAP, SNAP, UI) {
        let known = snap(cx, out, rest, rest_len, macs)?;
        return Ok((hlen + 5, known));
    }
    if (ssap, dsap, control) == (0x06, 0x06, UI) {
        ip4::print(cx, out, rest, rest_len)?;
        return Ok((hlen, true));
    }
    if !cx.o.e {
        brief(cx, out, dsap, ssap, macs);
    }
    let flags = u16::from(ssap_field & 1);
    if unnumbered {
        out.str("Unnumbered, ");
        command(out, control & !0x10);
        flag_names(out, flags | control & 0x10);
        out.str(", length ");
        out.dec(len);
        if control & !0x10 == 0xaf {
            return exchange(cx, out, rest, rest_len, hlen);
        }
        return Ok((hlen, false));
    }
    Ok((hlen, numbered(out, control, flags, len)))
}

/// The bytes of a header that is too short.
fn rest_of(cx: &Cx, out: &mut Out, b: &[u8]) {
    if cx.v50() {
        hex::unread(cx, out, b);
    } else {
        hex::hex_and_ascii(out, "\n\t", b, 0);
    }
}

/// A numbered frame; true if it carries nothing.
fn numbered(out: &mut Out, control: u16, flags: u16, len: u32) -> bool {
    let poll = flags | control & 0x0100;
    let receive = control >> 9;
    if control & 3 == 1 {
        out.str("Supervisory, ");
        out.str(match control >> 2 & 3 {
            0 => "Receiver Ready",
            1 => "Receiver not Ready",
            2 => "Reject",
            _ => "?",
        });
        out.str(", rcv seq ");
        out.dec(receive);
        flag_names(out, poll);
        out.str(", length ");
        out.dec(len);
        return true;
    }
    out.str("Information, send seq ");
    out.dec(control >> 1 & 0x7f);
    out.str(", rcv seq ");
    out.dec(receive);
    flag_names(out, poll);
    out.str(", length ");
    out.dec(len);
    false
}

/// An XID that says which classes of service there are.
fn exchange(cx: &Cx, out: &mut Out, b: &[u8], len: u32, hlen: usize) -> Step<(usize, bool)> {
    if len == 0 {
        return Ok((hlen, true));
    }
    if b.is_empty() {
        super::cut(cx, out);
        return Ok((hlen, true));
    }
    if u8_at(b, 0)? == 0x81 {
        if b.len() < 3 || len < 3 {
            super::cut(cx, out);
            hex::unread(cx, out, b);
            return Ok((hlen, true));
        }
        out.str(": ");
        out.hex2(u8_at(b, 1)?);
        out.byte(b' ');
        out.hex2(u8_at(b, 2)?);
        return Ok((hlen, true));
    }
    Ok((hlen, false))
}

fn sap_name(sap: u8) -> Option<&'static str> {
    Some(match sap {
        0x00 => "Null",
        0x02 => "802.1B I",
        0x04 => "SNA",
        0x06 => "IP",
        0x0e => "ProWay NM",
        0x42 => "STP",
        0x4e => "ProWay ASM",
        0x7e => "X.25",
        0x80 => "3COM",
        0x8e => "ProWay ASM",
        0xaa => "SNAP",
        0xe0 => "IPX",
        0xf0 => "NetBeui",
        0xf4 => "IBM LAN",
        0xfe => "ISO CLNS",
        _ => return None,
    })
}

/// `LLC, dsap SNAP (0xaa) Individual, ssap SNAP (0xaa) Command, ctrl 0x03: `.
fn head(out: &mut Out, dsap: (u8, u8), ssap: (u8, u8), control: u16, unnumbered: bool) {
    let one = |out: &mut Out, sap: u8| {
        out.str(sap_name(sap).unwrap_or("Unknown"));
        out.str(" (0x");
        out.hex2(sap);
        out.str(") ");
    };
    out.str("LLC, dsap ");
    one(out, dsap.0);
    out.str(if dsap.1 & 1 == 0 { "Individual" } else { "Group" });
    out.str(", ssap ");
    one(out, ssap.0);
    out.str(if ssap.1 & 1 == 0 { "Command" } else { "Response" });
    out.str(", ctrl 0x");
    out.hex_long(u64::from(control), if unnumbered { 2 } else { 4 });
    out.str(": ");
}

/// Who talks to whom, without -e.
fn brief(cx: &Cx, out: &mut Out, dsap: u8, ssap: u8, macs: Option<Macs>) {
    let name = |out: &mut Out, sap: u8, unknown: &str| match sap_name(sap) {
        Some(name) => out.str(name),
        None => {
            out.str(unknown);
            out.hex2(sap);
        }
    };
    let same = dsap == ssap;
    if let Some(macs) = macs {
        ethertype::mac(cx, out, macs.src);
        out.byte(b' ');
        if !same {
            name(out, ssap, "Unknown SSAP 0x");
            out.byte(b' ');
        }
        out.str("> ");
        ethertype::mac(cx, out, macs.dst);
        out.byte(b' ');
    } else if !same {
        name(out, ssap, "Unknown SSAP 0x");
        out.str(" > ");
    }
    name(out, dsap, "Unknown DSAP 0x");
    out.byte(b' ');
}

fn command(out: &mut Out, control: u16) {
    match control {
        0x03 => out.str("ui"),
        0xe3 => out.str("test"),
        0xaf => out.str("xid"),
        0x63 => out.str("ua"),
        0x43 => out.str("disc"),
        0x0f => out.str("dm"),
        0x6f => out.str("sabme"),
        0x87 => out.str("frmr"),
        _ => out.hex2(control as u8),
    }
}

fn flag_names(out: &mut Out, flags: u16) {
    out.str(", Flags [");
    out.str(match (flags & 1, flags & 0x110) {
        (0, 0) => "Command",
        (1, 0) => "Response",
        (0, _) => "Poll",
        _ => "Final",
    });
    out.byte(b']');
}

/// An organisation and its own type. False if nobody reads it; then addresses and header are told.
fn snap(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, macs: Option<Macs>) -> Step<bool> {
    if !cx.v50() {
        cx.proto = "snap";
    }
    if len < 5 || need(b, 5).is_err() {
        super::cut(cx, out);
        return Ok(true);
    }
    let (org, kind) = (be24(b, 0)?, be16(b, 3)?);
    let (rest, rest_len) = (after(b, 5), len - 5);
    if cx.o.e {
        snap_head(out, org, kind, rest_len);
    }
    let known = match (org, kind) {
        (0x00_0000 | 0x00_00f8, _) => ethertype::payload(cx, out, kind, rest, rest_len, macs)? == Known::Yes,
        (0x00_80c2, 1 | 7) => {
            ether::print(cx, out, after(rest, 2), rest_len.saturating_sub(2))?;
            true
        }
        _ => false,
    };
    if !known && !cx.o.e {
        if let Some(macs) = macs {
            ether::addresses(cx, out, macs);
            out.byte(b' ');
        }
        out.str("SNAP, ");
        snap_head(out, org, kind, rest_len);
    }
    Ok(known)
}

fn snap_head(out: &mut Out, org: u32, kind: u16, len: u32) {
    out.str("oui ");
    out.str(oui::name(org).unwrap_or("Unknown"));
    out.str(" (0x");
    out.hex_long(u64::from(org), 6);
    out.str(if org == 0 { "), ethertype " } else { "), pid " });
    let name = match (org, kind) {
        (0 | 0xf8, _) => ethertype::name(kind),
        (0x00_000c, 0x2000) => Some("CDP"),
        (0x00_000c, 0x2003) => Some("VTP"),
        (0x00_000c, 0x2004) => Some("DTP"),
        (0x00_000c, 0x0111) => Some("UDLD"),
        (0x00_000c, 0x010b) => Some("PVST"),
        (0x00_000c, 0x0102) => Some("RLQ"),
        (0x00_000c, 0x010a) => Some("VLAN Bridge"),
        (0x00_80c2, 1) => Some("Ethernet + FCS"),
        (0x00_80c2, 7) => Some("Ethernet w/o FCS"),
        _ => None,
    };
    out.str(name.unwrap_or("Unknown"));
    out.str(" (0x");
    out.hex4(kind);
    out.str("), length ");
    out.dec(len);
    out.str(": ");
}
