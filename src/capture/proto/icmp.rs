//! ICMP: errors with the packet they speak of, echo, router discovery, time stamps.

use super::l3::{self, L3};
use super::{icmp_ext, ip4, sum};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Cut, Step, after, array, be16, be32, need, u8_at, upto};
use crate::capture::text::Out;

/// A message. Its text is written whole or not at all.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, l3: &L3<'_>) -> Step {
    cx.proto = "icmp";
    let from = out.len();
    out.str("ICMP ");
    let kind = match message(cx, out, b) {
        Ok(kind) => kind,
        Err(cut) => {
            out.truncate(from);
            // Of some kinds the older version asks first whether all of it is there.
            let asked = match u8_at(b, 0) {
                Ok(3) => u8_at(b, 1) == Ok(3) && b.len() < 18,
                Ok(9 | 11 | 14) => b.len() > 1,
                _ => false,
            };
            if asked && !cx.v50() {
                super::cut(cx, out);
                return Ok(());
            }
            return Err(cut);
        }
    };
    out.str(", length ");
    out.dec(len);
    if cx.o.v == 0 {
        return Ok(());
    }
    if !l3.fragmented && !cx.v50() && b.len() >= len as usize && sum::of(&[upto(b, len as usize)]) != 0 {
        // The older version reads the field that is wrong, however short the message.
        need(b, 4)?;
    }
    if let (false, Some(whole), Ok(stored)) = (l3.fragmented, b.get(..len as usize), be16(b, 2)) {
        let found = sum::of(&[whole]);
        if found != 0 {
            out.str(" (wrong icmp cksum ");
            out.hex(stored);
            out.str(" (->");
            out.hex(sum::should_be(stored, found));
            out.str(")!)");
        }
    }
    if matches!(kind, 42 | 43) && cx.v50() {
        return icmp_ext::echo(cx, out, b, kind == 42);
    }
    if matches!(kind, 3 | 4 | 5 | 11 | 12) {
        let inner = after(b, 8);
        out.str("\n\t");
        let stated = be16(inner, 2)?;
        if !cx.v50() {
            // It is read once more, from what it leaves of the packet.
            need(inner, 4)?;
            need(upto(inner, usize::from(stated)), 4)?;
        }
        ip4::print(cx, out, upto(inner, usize::from(stated)), u32::from(stated))?;
    }
    if matches!(kind, 3 | 11 | 12) {
        cx.proto = "icmp";
        if cx.v50() {
            return icmp_ext::error(cx, out, b, len);
        }
        if !icmp_ext::old_error(out, b, len)? {
            super::cut(cx, out);
        }
    }
    Ok(())
}

fn message(cx: &mut Cx, out: &mut Out, b: &[u8]) -> Step<u8> {
    let (kind, code) = (u8_at(b, 0)?, u8_at(b, 1)?);
    match kind {
        0 | 8 => {
            out.str(if kind == 8 { "echo request, id " } else { "echo reply, id " });
            pair(out, b)?;
        }
        3 => unreachable(cx, out, b, code)?,
        5 => redirect(cx, out, b, code)?,
        9 => advertisement(cx, out, b)?,
        // The quoted header is asked for, though nothing of it is told.
        11 if b.len() < 28 => return Err(Cut),
        11 => match code {
            0 => out.str("time exceeded in-transit"),
            1 => out.str("ip reassembly time exceeded"),
            _ => {
                out.str("time exceeded-#");
                out.dec(code);
            }
        },
        12 => {
            out.str(if code != 0 { "parameter problem - code " } else { "parameter problem - octet " });
            out.dec(if code != 0 { code } else { u8_at(b, 4)? });
        }
        13 => {
            out.str("time stamp query id ");
            pair(out, b)?;
        }
        14 => time_stamps(out, b)?,
        18 => {
            out.str("address mask is 0x");
            out.hex8(be32(b, 8)?);
        }
        42 | 43 if cx.v50() => {
            out.str(if kind == 42 { "extended echo request, id " } else { "extended echo reply, id " });
            out.dec(be16(b, 4)?);
            out.str(", seq ");
            out.dec(u8_at(b, 6)?);
        }
        4 => out.str("source quench"),
        10 => out.str("router solicitation"),
        15 => out.str("information request"),
        16 => out.str("information reply"),
        17 => out.str("address mask request"),
        _ => {
            out.str("type-#");
            out.dec(kind);
        }
    }
    Ok(kind)
}

/// Identifier and sequence number.
fn pair(out: &mut Out, b: &[u8]) -> Step {
    let (id, seq) = (be16(b, 4)?, be16(b, 6)?);
    out.dec(id);
    out.str(if u8_at(b, 0)? < 9 { ", seq " } else { " seq " });
    out.dec(seq);
    Ok(())
}

fn unreachable(cx: &mut Cx, out: &mut Out, b: &[u8], code: u8) -> Step {
    let dst = array::<4>(b, 24)?;
    out.str(match code {
        0 | 6 | 9 | 11 => "net ",
        1 | 7 | 10 | 12..=15 => "host ",
        _ => "",
    });
    l3::ip4(cx, out, dst);
    match code {
        2 => {
            out.str(" protocol ");
            out.dec(u8_at(b, 17)?);
            out.str(" unreachable");
        }
        3 => port_unreachable(cx, out, b)?,
        4 => {
            out.str(" unreachable - need to frag");
            let mtu = be16(b, 6)?;
            if mtu != 0 {
                out.str(" (mtu ");
                out.dec(mtu);
                out.byte(b')');
            }
        }
        _ => {
            out.str(" unreachable");
            match code {
                0 | 1 => {}
                5 => out.str(" - source route failed"),
                6 | 7 => out.str(" - unknown"),
                8 => out.str(" - source host isolated"),
                9 | 10 => out.str(" - admin prohibited"),
                11 | 12 => out.str(" - tos prohibited"),
                13 => out.str(" - admin prohibited filter"),
                14 => out.str(" - host precedence violation"),
                15 => out.str(" - precedence cutoff"),
                _ => {
                    out.str(" - #");
                    out.dec(code);
                }
            }
        }
    }
    Ok(())
}

fn port_unreachable(cx: &Cx, out: &mut Out, b: &[u8]) -> Step {
    let (proto, hlen) = (u8_at(b, 17)?, usize::from(u8_at(b, 8)? & 15) * 4);
    let port = be16(b, 8 + hlen + 2)?;
    match proto {
        6 => {
            out.str(" tcp port ");
            l3::tcp_port(cx, out, port);
        }
        17 => {
            out.str(" udp port ");
            l3::udp_port(cx, out, port);
        }
        _ => {
            out.str(" protocol ");
            out.dec(proto);
            out.str(" port ");
            out.dec(port);
        }
    }
    out.str(" unreachable");
    Ok(())
}

fn redirect(cx: &mut Cx, out: &mut Out, b: &[u8], code: u8) -> Step {
    let (dst, gateway) = (array::<4>(b, 24)?, array::<4>(b, 4)?);
    match code {
        0 | 1 => out.str("redirect "),
        2 | 3 => out.str("redirect-tos "),
        _ => {
            out.str("redirect-#");
            out.dec(code);
            out.byte(b' ');
        }
    }
    l3::ip4(cx, out, dst);
    out.str(match code {
        0 | 2 => " to net ",
        1 | 3 => " to host ",
        _ => " to ",
    });
    l3::ip4(cx, out, gateway);
    Ok(())
}

fn advertisement(cx: &mut Cx, out: &mut Out, b: &[u8]) -> Step {
    out.str("router advertisement lifetime ");
    let life = u32::from(be16(b, 6)?);
    if life >= 3600 {
        out.dec(life / 3600);
        out.byte(b':');
        out.dec2(life / 60 % 60);
        out.byte(b':');
        out.dec2(life % 60);
    } else if life >= 60 {
        out.dec(life / 60);
        out.byte(b':');
        out.dec2(life % 60);
    } else {
        out.dec(life);
    }
    let (count, size) = (u8_at(b, 4)?, u8_at(b, 5)?);
    out.byte(b' ');
    out.dec(count);
    out.byte(b':');
    if size != 2 {
        out.str(" [size ");
        out.dec(size);
        out.byte(b']');
        return Ok(());
    }
    for n in 0..usize::from(count) {
        out.str(" {");
        l3::ip4(cx, out, array(b, 8 + 8 * n)?);
        out.byte(b' ');
        out.dec(be32(b, 12 + 8 * n)?);
        out.byte(b'}');
    }
    Ok(())
}

fn time_stamps(out: &mut Out, b: &[u8]) -> Step {
    out.str("time stamp reply id ");
    pair(out, b)?;
    for (n, name) in [": org ", ", recv ", ", xmit "].iter().enumerate() {
        out.str(name);
        let stamp = be32(b, 8 + 4 * n)?;
        let secs = stamp / 1000;
        out.dec_wide(secs / 3600, 2, b'0');
        out.byte(b':');
        out.dec2(secs / 60 % 60);
        out.byte(b':');
        out.dec2(secs % 60);
        out.byte(b'.');
        out.dec_wide(stamp % 1000, 3, b'0');
    }
    Ok(())
}
