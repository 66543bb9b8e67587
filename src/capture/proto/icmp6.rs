//! ICMPv6: errors, echo; other types by name.

use super::l3::{self, L3};
use super::sum;
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, array, be16, be32, need, u8_at};
use crate::capture::text::Out;

/// A message.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, l3: &L3<'_>) -> Step {
    cx.proto = "icmp6";
    need(b, 4)?;
    if cx.o.v > 0 && !l3.fragmented && !cx.o.no_sums {
        checksum(out, b, len, l3);
    }
    out.str("ICMP6, ");
    let (kind, code) = (u8_at(b, 0)?, u8_at(b, 1)?);
    match kind {
        1 => unreachable(cx, out, b, code)?,
        2 => {
            out.str("packet too big, mtu ");
            out.dec(be32(b, 4)?);
        }
        3 => out.str(if code == 0 { "time exceeded in-transit" } else { "ip reassembly time exceeded" }),
        128 | 129 => {
            out.str(if kind == 128 { "echo request, id " } else { "echo reply, id " });
            out.dec(be16(b, 4)?);
            out.str(", seq ");
            out.dec(be16(b, 6)?);
        }
        135 => {
            out.str("neighbor solicitation, length ");
            out.dec(len);
            out.str(", who has ");
            l3::ip6(cx, out, array(b, 8)?);
            return Ok(());
        }
        136 => {
            out.str("neighbor advertisement, length ");
            out.dec(len);
            out.str(", tgt is ");
            l3::ip6(cx, out, array(b, 8)?);
            return Ok(());
        }
        _ => name(out, kind),
    }
    if cx.o.v == 0 {
        out.str(", length ");
        out.dec(len);
    }
    Ok(())
}

fn name(out: &mut Out, kind: u8) {
    match kind {
        130 => out.str("multicast listener query"),
        131 => out.str("multicast listener report"),
        132 => out.str("multicast listener done"),
        133 => out.str("router solicitation"),
        134 => out.str("router advertisement"),
        137 => out.str("redirect"),
        143 => out.str("multicast listener report v2"),
        _ => {
            out.str("unknown icmp6 type (");
            out.dec(kind);
            out.byte(b')');
        }
    }
}

fn unreachable(cx: &mut Cx, out: &mut Out, b: &[u8], code: u8) -> Step {
    out.str("destination unreachable, unreachable ");
    let dst = array::<16>(b, 8 + 24)?;
    match code {
        0 => out.str("route "),
        1 => out.str("prohibited "),
        3 => out.str("address "),
        4 => {
            let port = be16(b, 8 + 42)?;
            out.str("port, ");
            l3::ip6(cx, out, dst);
            out.str(if u8_at(b, 8 + 6)? == 6 { " tcp port " } else { " udp port " });
            l3::udp_port(cx, out, port);
            return Ok(());
        }
        _ => {
            out.str("code-#");
            out.dec(code);
            return Ok(());
        }
    }
    l3::ip6(cx, out, dst);
    Ok(())
}

fn checksum(out: &mut Out, b: &[u8], len: u32, l3: &L3<'_>) {
    let (Some(whole), Ok(stored)) = (b.get(..len as usize), be16(b, 2)) else { return };
    let pseudo = l3.pseudo(58, len);
    let found = sum::of(&[pseudo.bytes(), whole]);
    if found == 0 {
        out.str("[icmp6 sum ok] ");
    } else {
        out.str("[bad icmp6 cksum 0x");
        out.hex4(stored);
        out.str(" -> 0x");
        out.hex4(sum::should_be(stored, found));
        out.str("!] ");
    }
}
