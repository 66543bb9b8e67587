//! Bare IP: the link types that have no header of their own, and tunnels that carry either version.

use super::{ip4, ip6};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, u8_at};
use crate::capture::text::Out;

/// A packet of either version, as its first byte says.
pub fn either(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    if len < 1 {
        if cx.v50() {
            out.str("[length 0 < 1]");
            super::invalid(out);
        } else {
            out.str("truncated-ip 0");
        }
        return Ok(());
    }
    match u8_at(b, 0)? >> 4 {
        4 => ip4::print(cx, out, b, len),
        6 => ip6::print(cx, out, b, len),
        version => {
            out.str("unknown ip ");
            out.dec(version);
            Ok(())
        }
    }
}

/// Link type RAW, or that of one version.
pub fn link(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, version: Option<u8>) -> Step<usize> {
    cx.proto = "raw";
    if cx.o.e && !cx.v50() {
        out.str("ip: ");
    }
    if cx.o.e && cx.v50() {
        // No link header was told, so the network's name stays.
        let six = version.map_or(b.first().is_some_and(|first| first >> 4 == 6), |version| version == 6);
        out.str(if six { "IP6 " } else { "IP " });
    }
    match version {
        Some(4) if cx.v50() => ip4::print(cx, out, b, len)?,
        Some(6) if cx.v50() => ip6::print(cx, out, b, len)?,
        _ => either(cx, out, b, len)?,
    }
    Ok(0)
}
