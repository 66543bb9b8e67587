//! OTV, as which an older tcpdump reads VXLAN on port 8472.

use super::ether;
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, be24, need, u8_at};
use crate::capture::text::Out;

const HEADER: usize = 8;

/// The header, then the inner frame on a line of its own.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "otv";
    out.str("OTV, ");
    if len < HEADER as u32 {
        super::bad_length(out, "[length ", len, " < ", 8)?;
        return need(b, len as usize);
    }
    let flags = u8_at(b, 0)?;
    let (overlay, instance) = (be24(b, 1), be24(b, 4));
    out.window(|w| {
        w.text(b"flags [");
        w.byte(if flags & 0x08 != 0 { b'I' } else { b'.' });
        w.text(b"] (0x");
        w.hex2(flags);
        w.text(b"), ");
        if let Ok(overlay) = overlay {
            w.text(b"overlay ");
            w.dec(overlay);
            w.text(b", ");
        }
        if let Ok(instance) = instance {
            w.text(b"instance ");
            w.dec(instance);
            w.byte(b'\n');
        }
    });
    overlay.and(instance)?;
    need(b, HEADER)?;
    ether::print(cx, out, after(b, HEADER), len - HEADER as u32).map(drop)
}
