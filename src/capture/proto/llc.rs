//! IEEE 802.2 and SNAP.

use super::ether::Macs;
use crate::capture::ctx::Cx;
use crate::capture::reader::Step;
use crate::capture::text::Out;

/// What follows a length field. Says how long the header is, and whether the payload was read.
pub fn print(cx: &mut Cx, _out: &mut Out, _b: &[u8], _len: u32, _macs: Option<Macs>) -> Step<(usize, bool)> {
    cx.proto = "llc";
    Ok((0, false))
}
