//! ICMP.

use super::l3::L3;
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, be16, u8_at};
use crate::capture::text::Out;

/// A message.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, _l3: &L3<'_>) -> Step {
    cx.proto = "icmp";
    out.str("ICMP ");
    let kind = u8_at(b, 0)?;
    if let 0 | 8 = kind {
        out.str(if kind == 8 { "echo request, id " } else { "echo reply, id " });
        out.dec(be16(b, 4)?);
        out.str(", seq ");
        out.dec(be16(b, 6)?);
    }
    out.str(", length ");
    out.dec(len);
    Ok(())
}
