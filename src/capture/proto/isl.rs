//! Cisco ISL: a frame in a header of its own, with the VLAN and what the sender's switch knew of it.

use super::ether;
use super::hex;
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, array, be16, be24, u8_at, upto};
use crate::capture::text::Out;

/// The header before the encapsulated frame.
const HEADER: usize = 26;
/// The checksum behind it.
const TRAILER: u32 = 4;

/// True for the two multicast groups that ISL is sent to, with its SNAP header behind the length.
pub fn is_one(b: &[u8]) -> bool {
    let to = matches!(b.get(..5), Some([0x01 | 0x03, 0x00, 0x0c, 0x00, 0x00]));
    to && b.get(14..17) == Some(&[0xaa, 0xaa, 0x03])
}

/// What the header tells, and the frame within.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isl<'a> {
    /// What is within: 0 for Ethernet.
    pub kind: u8,
    /// The VLAN.
    pub vlan: u16,
    /// The priority.
    pub priority: u8,
    /// For the switches themselves.
    pub bpdu: bool,
    /// The sender's port.
    pub index: u16,
    /// The frame, as far as it was captured.
    pub data: &'a [u8],
    /// Its length on the wire.
    pub len: u32,
}

/// Reads a frame that [`is_one`].
pub fn read(b: &[u8], len: u32) -> Step<Isl<'_>> {
    let (kind, vlan, index) = (u8_at(b, 5)?, be16(b, 20)?, be16(b, 22)?);
    let len = len.saturating_sub(HEADER as u32 + TRAILER);
    let data = upto(after(b, HEADER), len as usize);
    Ok(Isl { kind: kind >> 4, vlan: vlan >> 1, priority: kind & 7, bpdu: vlan & 1 != 0, index, data, len })
}

/// The frame. Says how long its header is.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step<usize> {
    cx.proto = "isl";
    let kind = u8_at(b, 5)?;
    if cx.o.e {
        let (dst, src) = (array(b, 0)?, array(b, 6)?);
        ether::addresses(cx, out, ether::Macs { src, dst });
        out.str(", ");
    }
    out.str("ISL, type ");
    out.str(match kind >> 4 {
        0 => "Ethernet",
        1 => "Token-Ring",
        2 => "FDDI",
        3 => "ATM",
        _ => "Unknown",
    });
    let (length, high) = (be16(b, 12)?, be24(b, 17)?);
    let (vlan, index, reserved) = (be16(b, 20)?, be16(b, 22)?, be16(b, 24)?);
    out.str(", vlan ");
    out.dec(vlan >> 1);
    out.str(", p ");
    out.dec(kind & 7);
    if vlan & 1 != 0 {
        out.str(", BPDU");
    }
    if cx.o.v > 0 {
        out.str(", index ");
        out.dec(index);
        out.str(", hsa 0x");
        out.hex_long(u64::from(high), 6);
        if reserved != 0 {
            out.str(", res 0x");
            out.hex4(reserved);
        }
    }
    out.str(", length ");
    out.dec(length);
    let inner_len = len.saturating_sub(HEADER as u32 + TRAILER);
    let inner = upto(after(b, HEADER), inner_len as usize);
    if kind >> 4 != 0 {
        out.str(": ");
        hex::unread(cx, out, inner);
        return Ok(HEADER);
    }
    out.byte(b'\n');
    ether::print(cx, out, inner, inner_len)?;
    Ok(HEADER)
}
