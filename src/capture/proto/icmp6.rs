//! ICMPv6: errors, echo; other types by name.

use super::l3::{self, L3};
use super::sum;
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, array, be16, be32, need, take, u8_at};
use crate::capture::text::Out;

/// A message.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, l3: &L3<'_>) -> Step {
    cx.proto = "icmp6";
    if len == 0 {
        out.str("ICMP6, length 0");
        super::invalid(out);
        return Ok(());
    }
    if cx.o.v > 0 && !l3.fragmented && !cx.o.no_sums {
        checksum(out, b, len, l3);
    }
    let (kind, code) = (u8_at(b, 0)?, u8_at(b, 1)?);
    out.str("ICMP6, ");
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
        135 | 136 => return neighbor(cx, out, b, len, kind),
        134 if cx.o.v > 0 => {
            name(out, kind);
            return router(cx, out, b, len);
        }
        143 if cx.o.v > 0 => {
            name(out, kind);
            return groups(cx, out, b);
        }
        143 => {
            name(out, kind);
            out.str(", ");
            out.dec(be16(b, 6)?);
            out.str(" group record(s)");
        }
        _ => name(out, kind),
    }
    if cx.o.v == 0 {
        out.str(", length ");
        out.dec(len);
    }
    Ok(())
}

/// Neighbour solicitation and advertisement; the length stands before the details of -v.
fn neighbor(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, kind: u8) -> Step {
    let verbose = cx.o.v > 0;
    out.str(if kind == 135 { "neighbor solicitation" } else { "neighbor advertisement" });
    if verbose {
        out.str(", length ");
        out.dec(len);
    }
    let target = array::<16>(b, 8)?;
    out.str(if kind == 135 { ", who has " } else { ", tgt is " });
    l3::ip6(cx, out, target);
    if !verbose {
        out.str(", length ");
        out.dec(len);
        return Ok(());
    }
    if kind == 136 {
        out.str(", Flags [");
        let table = [(0x80, "router"), (0x40, "solicited"), (0x20, "override")];
        super::bits(out, u32::from(u8_at(b, 4)?), "none", &table);
        out.byte(b']');
    }
    options(cx, out, b, 24, len)
}

/// The options behind a message, one a line.
fn options(cx: &mut Cx, out: &mut Out, b: &[u8], mut at: usize, len: u32) -> Step {
    while at < b.len().min(len as usize) {
        let (kind, words) = (u8_at(b, at)?, u8_at(b, at + 1)?);
        let size = usize::from(words) * 8;
        take(b, at, size)?;
        out.str("\n\t  ");
        out.str(match kind {
            1 => "source link-address",
            2 => "destination link-address",
            3 => "prefix info",
            4 => "redirected header",
            5 => "mtu",
            24 => "route info",
            25 => "rdnss",
            31 => "dnssl",
            _ => "unknown",
        });
        out.str(" option (");
        out.dec(kind);
        out.str("), length ");
        out.dec(size as u32);
        out.str(" (");
        out.dec(words);
        out.str("): ");
        if size == 0 {
            return Ok(());
        }
        let body = take(b, at + 2, size - 2)?;
        match kind {
            1 | 2 => super::arp::hardware(cx, out, body),
            3 => prefix(cx, out, b, at)?,
            5 => {
                out.byte(b' ');
                out.dec(be32(b, at + 4)?);
            }
            _ => {}
        }
        if cx.o.v > 1 || !matches!(kind, 1..=3 | 5) {
            super::hex::hex(out, "\n\t    ", body);
        }
        at += size;
    }
    Ok(())
}

fn prefix(cx: &mut Cx, out: &mut Out, b: &[u8], at: usize) -> Step {
    l3::ip6(cx, out, array(b, at + 16)?);
    out.byte(b'/');
    out.dec(u8_at(b, at + 2)?);
    out.str(", Flags [");
    let table = [(0x80, "onlink"), (0x40, "auto"), (0x20, "router")];
    super::bits(out, u32::from(u8_at(b, at + 3)?), "none", &table);
    out.str("], valid time ");
    lifetime(out, be32(b, at + 4)?);
    out.str(", pref. time ");
    lifetime(out, be32(b, at + 8)?);
    Ok(())
}

fn lifetime(out: &mut Out, secs: u32) {
    if secs == u32::MAX {
        return out.str("infinity");
    }
    out.dec(secs);
    out.byte(b's');
}

/// The records of an MLD v2 report, at -v.
fn groups(cx: &mut Cx, out: &mut Out, b: &[u8]) -> Step {
    let count = be16(b, 6)?;
    out.str(", ");
    out.dec(count);
    out.str(" group record(s)");
    let mut at = 8;
    for _ in 0..count {
        out.str(" [gaddr ");
        l3::ip6(cx, out, array(b, at + 4)?);
        out.byte(b' ');
        match u8_at(b, at)? {
            1 => out.str("is_in"),
            2 => out.str("is_ex"),
            3 => out.str("to_in"),
            4 => out.str("to_ex"),
            5 => out.str("allow"),
            6 => out.str("block"),
            kind => {
                out.str("[v2-report-#");
                out.dec(kind);
                out.byte(b']');
            }
        }
        let sources = usize::from(be16(b, at + 2)?);
        if cx.o.v > 1 {
            out.str(" {");
            for n in 0..sources {
                out.byte(b' ');
                l3::ip6(cx, out, array(b, at + 20 + 16 * n)?);
            }
            out.str(" }");
        } else {
            out.str(", ");
            out.dec(sources as u32);
            out.str(" source(s)");
        }
        out.byte(b']');
        at += 20 + 16 * sources;
    }
    Ok(())
}

/// A router's advertisement, at -v.
fn router(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    out.str(", length ");
    out.dec(len);
    out.str("\n\thop limit ");
    out.dec(u8_at(b, 4)?);
    let flags = u32::from(u8_at(b, 5)?);
    out.str(", Flags [");
    super::bits(out, flags, "none", &[(0x80, "managed"), (0x40, "other stateful"), (0x20, "home agent")]);
    out.str("], pref ");
    out.str(match flags & 0x18 {
        0x08 => "high",
        0x18 => "low",
        0 => "medium",
        _ => "reserved",
    });
    out.str(", router lifetime ");
    out.dec(be16(b, 6)?);
    out.str("s, reachable time ");
    out.dec(be32(b, 8)?);
    out.str("ms, retrans timer ");
    out.dec(be32(b, 12)?);
    out.str("ms");
    options(cx, out, b, 16, len)
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
