//! Neighbour discovery: routers, neighbours, redirects, and the options behind them.

use super::icmp6::{End, length};
use super::{arp, hex, l3};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Cut, Step, after, array, be16, be32, need, take, u8_at, upto};
use crate::capture::text::Out;

/// A message behind its name. With -v its length stands before the details.
pub(super) fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, kind: u8) -> Step<End> {
    let verbose = cx.o.v > 0;
    if verbose {
        length(out, len);
    }
    let start = match kind {
        133 => 8,
        134 => {
            if verbose {
                router(out, b)?;
            }
            16
        }
        135 | 136 => {
            let target = array::<16>(b, 8)?;
            out.str(if kind == 135 { ", who has " } else { ", tgt is " });
            l3::ip6(cx, out, target);
            if verbose && kind == 136 {
                out.str(", Flags [");
                let table = [(0x80, "router"), (0x40, "solicited"), (0x20, "override")];
                super::bits(out, u32::from(u8_at(b, 4)?), "none", &table);
                out.byte(b']');
            }
            24
        }
        _ => {
            let (target, dst) = (array::<16>(b, 8)?, array::<16>(b, 24)?);
            out.str(", ");
            l3::ip6(cx, out, dst);
            out.str(" to ");
            l3::ip6(cx, out, target);
            40
        }
    };
    if !verbose {
        return Ok(End::Length);
    }
    list(cx, out, b, start, len)?;
    Ok(End::Done)
}

/// The options; where they cannot be read on, the older version tells so and ends the message alone.
pub(super) fn list(cx: &mut Cx, out: &mut Out, b: &[u8], start: usize, len: u32) -> Step {
    let whole = if cx.v50() { options(cx, out, b, start, len) } else { old_options(cx, out, b, start, len) };
    super::caught(cx, out, whole).map(drop)
}

/// The options as the older version goes through them: one that it does not know is the last, unless its bytes are
/// told anyway.
fn old_options(cx: &mut Cx, out: &mut Out, b: &[u8], start: usize, len: u32) -> Step {
    let mut at = start;
    while at < b.len() {
        let words = u8_at(b, at + 1)?;
        if at >= len as usize {
            return Ok(());
        }
        let (kind, size) = (u8_at(b, at)?, usize::from(words) * 8);
        if size == 0 {
            return Err(Cut);
        }
        let option = take(b, at, size)?;
        let name = head(cx, out, kind, words);
        match kind {
            3 => old_prefix(cx, out, option)?,
            4 => hex::hex(out, "\n\t    ", upto(after(b, start), size)),
            24 if words > 3 => return Err(Cut),
            31 => {
                out.str(" lifetime ");
                out.dec(be32(option, 4)?);
                out.str("s, domain(s):");
                old_domains(out, b, (at + 8, at + size), start)?;
            }
            25 => {
                out.str(" lifetime ");
                out.dec(be32(option, 4)?);
                out.str("s,");
                servers(cx, out, option)?;
            }
            _ => one(cx, out, kind, option)?,
        }
        if kind == 5 && words != 1 {
            out.str("bad option length");
        }
        if name.is_none() && cx.o.v < 2 {
            hex::hex(out, "\n\t  ", after(option, 2));
            return Ok(());
        }
        if cx.o.v > 1 {
            hex::hex(out, "\n\t    ", after(option, 2));
        }
        at += size;
    }
    Ok(())
}

/// The line that an option begins with; says its name, if it has one.
fn head(cx: &Cx, out: &mut Out, kind: u8, words: u8) -> Option<&'static str> {
    out.str("\n\t  ");
    let name = name(cx, kind);
    out.str(name.unwrap_or("unknown"));
    out.str(" option (");
    out.dec(kind);
    out.str("), length ");
    out.dec(u32::from(words) * 8);
    out.str(" (");
    out.dec(words);
    out.str("): ");
    name
}

/// A prefix, which an option that is too short does not hold.
fn old_prefix(cx: &mut Cx, out: &mut Out, option: &[u8]) -> Step {
    let addr = array(option, 16)?;
    l3::ip6(cx, out, addr);
    out.byte(b'/');
    out.dec(u8_at(option, 2)?);
    out.str(if option.len() == 32 { "" } else { "badlen" });
    prefix_times(out, option)
}

/// Domains, whose pointers count from the first option.
fn old_domains(out: &mut Out, b: &[u8], (mut at, end): (usize, usize), base: usize) -> Step {
    while at < end && u8_at(b, at)? != 0 {
        out.byte(b' ');
        at = super::app::name(out, b, base, at)?;
    }
    Ok(())
}

fn router(out: &mut Out, b: &[u8]) -> Step {
    need(b, 16)?;
    out.str("\n\thop limit ");
    out.dec(u8_at(b, 4)?);
    let flags = u32::from(u8_at(b, 5)?);
    out.str(", Flags [");
    let names = [(0x80, "managed"), (0x40, "other stateful"), (0x20, "home agent"), (0x02, "ipv6 only")];
    super::bits(out, flags, "none", &names);
    out.str("], pref ");
    out.str(match flags & 0x18 {
        0x08 => "high",
        0x18 => "low",
        0 => "medium",
        _ => "rsv",
    });
    out.str(", router lifetime ");
    out.dec(be16(b, 6)?);
    out.str("s, reachable time ");
    out.dec(be32(b, 8)?);
    out.str("ms, retrans timer ");
    out.dec(be32(b, 12)?);
    out.str("ms");
    Ok(())
}

/// The options behind a message, one a line.
pub(super) fn options(cx: &mut Cx, out: &mut Out, b: &[u8], start: usize, len: u32) -> Step {
    let mut at = start;
    while at < b.len().min(len as usize) {
        let (kind, words) = (u8_at(b, at)?, u8_at(b, at + 1)?);
        let size = usize::from(words) * 8;
        if size == 0 {
            return Err(Cut);
        }
        let option = take(b, at, size)?;
        let name = head(cx, out, kind, words);
        one(cx, out, kind, option)?;
        let body = after(option, 2);
        if name.is_none() {
            hex::hex(out, if cx.o.v > 1 { "\n\t    " } else { "\n\t  " }, body);
        } else if cx.o.v > 1 {
            hex::hex(out, "\n\t    ", body);
        } else if kind == 4 {
            // tcpdump begins with the first option, whichever this one is.
            hex::hex(out, "\n\t    ", upto(after(b, start), size));
        }
        at += size;
    }
    Ok(())
}

fn name(cx: &Cx, kind: u8) -> Option<&'static str> {
    Some(match kind {
        1 => "source link-address",
        2 => "destination link-address",
        3 => "prefix info",
        4 => "redirected header",
        5 => "mtu",
        7 => "advertisement interval",
        8 => "homeagent information",
        14 if cx.v50() => "nonce",
        24 => "route info",
        25 => "rdnss",
        31 => "dnssl",
        38 if cx.v50() => "pref64",
        _ => return None,
    })
}

fn one(cx: &mut Cx, out: &mut Out, kind: u8, b: &[u8]) -> Step {
    match kind {
        1 | 2 if cx.v50() => arp::hardware(cx, out, after(b, 2)),
        1 | 2 => {
            for (n, byte) in after(b, 2).iter().enumerate() {
                out.str(if n > 0 { ":" } else { "" });
                out.hex2(*byte);
            }
        }
        3 => prefix(cx, out, b)?,
        5 => {
            out.byte(b' ');
            out.dec(be32(b, 4)?);
        }
        7 => {
            out.byte(b' ');
            out.dec(be32(b, 4)?);
            out.str("ms");
        }
        8 => {
            out.str(" preference ");
            out.dec(be16(b, 4)?);
            out.str(", lifetime ");
            out.dec(be16(b, 6)?);
        }
        14 if cx.v50() => {
            out.str(" 0x");
            out.hexes(after(b, 2));
        }
        24 => route(cx, out, b)?,
        25 => {
            out.str(" lifetime ");
            lifetime(out, be32(b, 4)?);
            out.byte(b',');
            servers(cx, out, b)?;
        }
        31 => {
            out.str(" lifetime ");
            lifetime(out, be32(b, 4)?);
            out.str(", domain(s):");
            domains(out, after(b, 8))?;
        }
        38 if cx.v50() => translation(cx, out, b)?,
        _ => {}
    }
    Ok(())
}

/// The addresses of name servers.
fn servers(cx: &mut Cx, out: &mut Out, b: &[u8]) -> Step {
    for addr in after(b, 8).chunks_exact(16) {
        out.str(" addr: ");
        l3::ip6(cx, out, array(addr, 0)?);
    }
    Ok(())
}

fn prefix(cx: &mut Cx, out: &mut Out, b: &[u8]) -> Step {
    l3::ip6(cx, out, array(b, 16)?);
    out.byte(b'/');
    out.dec(u8_at(b, 2)?);
    prefix_times(out, b)
}

/// A prefix's flags, and how long it is good for.
fn prefix_times(out: &mut Out, b: &[u8]) -> Step {
    out.str(", Flags [");
    let table = [(0x80, "onlink"), (0x40, "auto"), (0x20, "router")];
    super::bits(out, u32::from(u8_at(b, 3)?), "none", &table);
    out.str("], valid time ");
    lifetime(out, be32(b, 4)?);
    out.str(", pref. time ");
    lifetime(out, be32(b, 8)?);
    Ok(())
}

fn lifetime(out: &mut Out, secs: u32) {
    if secs == u32::MAX {
        return out.str("infinity");
    }
    out.dec(secs);
    out.byte(b's');
}

/// A route: as much of its prefix as the option holds.
fn route(cx: &mut Cx, out: &mut Out, b: &[u8]) -> Step {
    let mut addr = [0; 16];
    for (slot, byte) in addr.iter_mut().zip(after(b, 8)) {
        *slot = *byte;
    }
    out.byte(b' ');
    l3::ip6(cx, out, addr);
    out.byte(b'/');
    out.dec(u8_at(b, 2)?);
    out.str(", pref=");
    out.str(match u8_at(b, 3)? & 0x18 {
        0x08 => "high",
        0x18 => "low",
        0 => "medium",
        _ => "rsv",
    });
    out.str(", lifetime=");
    lifetime(out, be32(b, 4)?);
    Ok(())
}

/// Domains as labels, nothing compressed, zeroes behind the last.
fn domains(out: &mut Out, b: &[u8]) -> Step {
    let mut at = 0;
    while at < b.len() && u8_at(b, at)? != 0 {
        out.byte(b' ');
        while let size @ 1.. = u8_at(b, at)? {
            let label = take(b, at + 1, usize::from(size));
            super::app::visible(out, label.unwrap_or_else(|_| after(b, at + 1)));
            label?;
            out.byte(b'.');
            at += 1 + usize::from(size);
        }
        at += 1;
    }
    Ok(())
}

/// The prefix of NAT64, its length by a code (RFC 8781).
fn translation(cx: &mut Cx, out: &mut Out, b: &[u8]) -> Step {
    let mut addr = [0; 16];
    for (slot, byte) in addr.iter_mut().zip(take(b, 4, 12)?) {
        *slot = *byte;
    }
    let word = be16(b, 2)?;
    l3::ip6(cx, out, addr);
    out.byte(b'/');
    match word & 7 {
        0 => out.str("96"),
        1 => out.str("64"),
        2 => out.str("56"),
        3 => out.str("48"),
        4 => out.str("40"),
        5 => out.str("32"),
        _ => out.str("??"),
    }
    out.str(" (plc ");
    out.dec(word & 7);
    out.str("), lifetime ");
    out.dec(word & !7);
    out.byte(b's');
    Ok(())
}
