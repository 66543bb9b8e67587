//! WireGuard: the kind of message, and what its header says.

use crate::capture::ctx::Cx;
use crate::capture::reader::{le32, u8_at};
use crate::capture::text::Out;

/// A message; false if it is none.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> bool {
    let (Ok(kind), Ok(0), Ok(0), Ok(0)) = (u8_at(b, 0), u8_at(b, 1), u8_at(b, 2), u8_at(b, 3)) else {
        return false;
    };
    let (name, right) = match kind {
        1 => ("handshake initiation", len == 148),
        2 => ("handshake response", len == 92),
        3 => ("cookie reply", len == 64),
        4 => ("data", len >= 32 && len.is_multiple_of(16)),
        _ => return false,
    };
    if !right {
        return false;
    }
    cx.proto = "wireguard";
    out.str("WireGuard, ");
    out.str(name);
    if let Ok(index) = le32(b, 4) {
        out.str(if matches!(kind, 1 | 2) { ", sender 0x" } else { ", receiver 0x" });
        out.hex8(index);
    }
    if let (2, Ok(index)) = (kind, le32(b, 8)) {
        out.str(", receiver 0x");
        out.hex8(index);
    }
    if let (4, Ok(low), Ok(high)) = (kind, le32(b, 8), le32(b, 12)) {
        out.str(", counter ");
        out.dec(u64::from(high) << 32 | u64::from(low));
    }
    out.str(", length ");
    out.dec(len);
    true
}
