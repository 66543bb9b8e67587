//! MPTCP's TCP option.

use crate::capture::ctx::Cx;
use crate::capture::reader::Step;
use crate::capture::text::Out;

/// The option from its kind on. False if it says what cannot be.
pub fn print(_cx: &Cx, out: &mut Out, b: &[u8], _flags: u8) -> Step<bool> {
    out.byte(b' ');
    out.dec(b.len() as u32);
    Ok(false)
}
