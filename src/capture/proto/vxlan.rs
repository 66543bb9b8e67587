//! VXLAN (RFC 7348), the group policy bit with it.

use super::ether;
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, be16, be24, u8_at};
use crate::capture::text::Out;

const HEADER: usize = 8;

/// The header, then the inner frame on a line of its own.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "vxlan";
    out.str("VXLAN");
    if len < HEADER as u32 {
        if cx.v50() {
            return super::bad_length(out, " [length ", len, " < ", 8);
        }
        super::invalid(out);
        return Ok(());
    }
    let flags = u8_at(b, 0)?;
    let named = flags & 0x08 != 0;
    let vni = be24(b, 4);
    out.window(|w| {
        w.text(b", flags [");
        if named {
            w.byte(b'I')
        } else {
            w.text(b"invalid")
        }
        w.text(b"] (0x");
        w.hex2(flags);
        w.text(b"), ");
        match vni {
            Ok(_) if !named && cx.v50() => w.text(b"ERROR: I flag not set"),
            Ok(vni) => {
                w.text(b"vni ");
                w.dec(vni);
            }
            Err(_) => {}
        }
    });
    vni?;
    if cx.ours() && flags & 0x80 != 0 {
        out.str(", group ");
        out.dec(be16(b, 2)?);
    }
    out.byte(b'\n');
    u8_at(b, 7)?;
    ether::print(cx, out, after(b, HEADER), len - HEADER as u32).map(drop)
}
