//! IPv4 options.

use crate::capture::ctx::Cx;
use crate::capture::reader::Step;
use crate::capture::text::Out;

/// The options between brackets; false if they ended within one.
pub fn print(_cx: &mut Cx, _out: &mut Out, _b: &[u8], _len: usize) -> Step<bool> {
    Ok(true)
}
