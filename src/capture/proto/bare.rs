//! flannel's UDP backend: an IP packet and nothing around it.

use super::raw;
use crate::capture::ctx::Cx;
use crate::capture::reader::Step;
use crate::capture::text::Out;

/// True if it begins as an IP packet does.
pub fn is_one(b: &[u8]) -> bool {
    b.first().is_some_and(|first| matches!(first >> 4, 4 | 6))
}

/// The packet, on a line of its own as VXLAN's frame is.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "flannel";
    out.str("flannel UDP, length ");
    out.dec(len);
    out.byte(b'\n');
    raw::either(cx, out, b, len)
}
