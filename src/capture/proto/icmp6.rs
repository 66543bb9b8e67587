//! ICMPv6: errors and echo; neighbours, groups and the rest in files of their own.

use super::l3::{self, L3};
use super::{hex, icmp6_more as more, icmp6_nd as nd, ip_proto, mld, sum};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Cut, Step, after, array, be16, be32, need, u8_at, upto};
use crate::capture::text::Out;

/// How the line of a message ends.
pub(super) enum End {
    /// With its length, unless -v.
    Length,
    /// It is ended.
    Done,
}

/// A message.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, l3: &L3<'_>) -> Step {
    cx.proto = "icmp6";
    if len == 0 {
        out.str("ICMP6, length 0");
        super::invalid(out);
        return Ok(());
    }
    if cx.o.v > 0 && !l3.fragmented && !(cx.o.no_sums && cx.v50()) {
        // The older version reads the field as soon as the message is there, however short.
        if !cx.v50() && b.len() >= len as usize {
            need(b, 4)?;
        }
        checksum(out, b, len, l3);
    }
    let kind = u8_at(b, 0)?;
    out.str("ICMP6, ");
    let end = match name(cx, kind) {
        Some(name) => {
            out.str(name);
            named(cx, out, b, len, kind)?
        }
        None => {
            out.str("unknown icmp6 type (");
            out.dec(kind);
            out.byte(b')');
            if !cx.v50() {
                u8_at(b, 1)?;
            }
            length(out, len);
            unread(cx, out, b, len);
            End::Done
        }
    };
    if matches!(end, End::Length) && cx.o.v == 0 {
        length(out, len);
    }
    Ok(())
}

/// The bytes of what nobody reads, unless so much is printed that they are among it.
fn unread(cx: &Cx, out: &mut Out, b: &[u8], len: u32) {
    if cx.o.v < 2 {
        hex::hex(out, "\n\t", upto(b, len as usize));
    }
}

/// `, length 64`.
pub(super) fn length(out: &mut Out, len: u32) {
    out.str(", length ");
    out.dec(len);
}

fn named(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, kind: u8) -> Step<End> {
    // Most kinds have one code alone, and only the older version asks for it.
    let code = u8_at(b, 1);
    if !cx.v50() && code.is_err() {
        if cx.o.v > 0 && matches!(kind, 133..=137 | 145 | 147) {
            length(out, len);
        }
        return Err(Cut);
    }
    match kind {
        1 => return unreachable(cx, out, b, len, code?),
        2 => {
            let mtu = be32(b, 4)?;
            out.str(", mtu ");
            out.dec(mtu);
        }
        3 => exceeded(cx, out, b, code?)?,
        4 => {
            // The older version wants the quoted header, too.
            let whole = if cx.v50() { Ok(()) } else { need(b, 48) };
            let code = code?;
            if super::caught(cx, out, whole)?.is_none() {
                return Ok(End::Done);
            }
            problem(out, b, code)?
        }
        128 | 129 => {
            be16(b, 6)?;
            out.str(", id ");
            out.dec(be16(b, 4)?);
            out.str(", seq ");
            out.dec(be16(b, 6)?);
        }
        130..=132 | 143 => mld::print(cx, out, b, len, kind)?,
        133..=137 => return nd::print(cx, out, b, len, kind),
        138 => more::renumbering(cx, out, b, len, code?)?,
        139 => more::asked(cx, out, b, len, code?)?,
        140 => more::answered(cx, out, b, len, code?)?,
        144 | 146 => {
            let id = be16(b, 4)?;
            out.str(", id 0x");
            out.hex4(id);
        }
        145 | 147 if cx.o.v > 0 => return more::mobile(cx, out, b, len, kind),
        160 | 161 => {
            out.str(", id ");
            out.dec(be16(b, 4)?);
            out.str(", seq ");
            out.dec(u8_at(b, 6)?);
        }
        _ => {}
    }
    Ok(End::Length)
}

fn name(cx: &Cx, kind: u8) -> Option<&'static str> {
    let new = cx.v50();
    Some(match kind {
        1 => "destination unreachable",
        2 => "packet too big",
        3 => "time exceeded in-transit",
        4 => "parameter problem",
        128 => "echo request",
        129 => "echo reply",
        130 => "multicast listener query",
        131 => "multicast listener report",
        132 => "multicast listener done",
        133 => "router solicitation",
        134 => "router advertisement",
        135 => "neighbor solicitation",
        136 => "neighbor advertisement",
        137 => "redirect",
        138 => "router renumbering",
        139 if new => "node information query",
        139 => "who-are-you request node information query",
        140 if new => "node information reply",
        140 => "who-are-you reply node information reply",
        141 => "inverse neighbor solicitation",
        142 => "inverse neighbor advertisement",
        143 => "multicast listener report v2",
        144 => "ha discovery request",
        145 => "ha discovery reply",
        146 => "mobile router solicitation",
        147 => "mobile router advertisement",
        160 if new => "extended echo request",
        161 if new => "extended echo reply",
        _ => return None,
    })
}

fn unreachable(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, code: u8) -> Step<End> {
    if !cx.v50() {
        return old_unreachable(cx, out, b, len, code);
    }
    out.str(", ");
    let (src, dst) = (array::<16>(b, 8 + 8)?, array::<16>(b, 8 + 24)?);
    match code {
        0 => out.str("unreachable route "),
        1 => out.str(" unreachable prohibited "),
        2 => out.str("beyond scope "),
        3 => out.str("unreachable address "),
        4 => {
            out.str("unreachable port");
            let (proto, port) = port(cx, b)?;
            out.str(", ");
            l3::ip6(cx, out, dst);
            if proto == ip_proto::TCP {
                out.str(" tcp port ");
                l3::tcp_port(cx, out, port);
            } else {
                out.str(" udp port ");
                l3::udp_port(cx, out, port);
            }
            return Ok(End::Length);
        }
        _ => {
            out.str("unknown unreach code (");
            out.dec(code);
            out.byte(b')');
            unread(cx, out, b, len);
            return Ok(End::Done);
        }
    }
    l3::ip6(cx, out, dst);
    if code == 2 {
        out.str(", source address ");
        l3::ip6(cx, out, src);
    }
    Ok(End::Length)
}

/// What was said of the packet is told as far as it was captured.
fn old_unreachable(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, code: u8) -> Step<End> {
    out.str(match code {
        0 => ", unreachable route",
        1 => ",  unreachable prohibited",
        2 => ", beyond scope",
        3 => ", unreachable address",
        4 => ", unreachable port",
        _ => ", unknown unreach code (",
    });
    if code > 4 {
        out.dec(code);
        out.byte(b')');
        if cx.o.v < 2 {
            unread(cx, out, b, len);
            return Ok(End::Done);
        }
        return Ok(End::Length);
    }
    let found = if code == 4 { port(cx, b).map(Some) } else { Ok(None) };
    let Some(found) = super::caught(cx, out, found)? else { return Ok(End::Done) };
    let (dst, src) = (array::<16>(b, 32)?, if code == 2 { array::<16>(b, 16)? } else { [0; 16] });
    out.str(if code == 4 { ", " } else { " " });
    l3::ip6(cx, out, dst);
    match found {
        Some((6, port)) => {
            out.str(" tcp port ");
            l3::tcp_port(cx, out, port);
        }
        Some((_, port)) => {
            out.str(" udp port ");
            l3::udp_port(cx, out, port);
        }
        None if code == 2 => {
            out.str(", source address ");
            l3::ip6(cx, out, src);
        }
        None => {}
    }
    Ok(End::Length)
}

/// The protocol and destination port of the packet that the message quotes.
fn port(cx: &Cx, b: &[u8]) -> Step<(u8, u16)> {
    let quoted = after(b, 8);
    let (mut next, mut at) = (u8_at(quoted, 6)?, 40);
    loop {
        match next {
            6 | 17 => return Ok((next, be16(quoted, at + 2)?)),
            0 | 43 | 60 => {
                next = u8_at(quoted, at)?;
                at += (usize::from(u8_at(quoted, at + 1)?) + 1) * 8;
            }
            44 => {
                if !cx.v50() && be16(quoted, at + 2)? & 0xfff8 != 0 {
                    return Err(Cut);
                }
                next = u8_at(quoted, at)?;
                at += 8;
            }
            51 if !cx.v50() => {
                next = u8_at(quoted, at)?;
                at += (usize::from(u8_at(quoted, at + 1)?) + 2) * 4;
            }
            _ => return Err(Cut),
        }
    }
}

fn exceeded(cx: &mut Cx, out: &mut Out, b: &[u8], code: u8) -> Step {
    match code {
        0 => {
            let dst = array::<16>(b, 8 + 24)?;
            out.str(" for ");
            l3::ip6(cx, out, dst);
        }
        1 => out.str(" (reassembly)"),
        _ => {
            out.str(", unknown code (");
            out.dec(code);
            out.byte(b')');
        }
    }
    Ok(())
}

fn problem(out: &mut Out, b: &[u8], code: u8) -> Step {
    let at = be32(b, 4)?;
    out.str(match code {
        0 => ", erroneous - octet ",
        1 => ", next header - octet ",
        2 => ", option - octet ",
        3 => ", incomplete header chain - octet ",
        _ => {
            out.str(", code-#");
            out.dec(code);
            return Ok(());
        }
    });
    out.dec(at);
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
