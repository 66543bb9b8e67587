//! UDP, and which tunnel or protocol its ports mean.

use super::ip_proto::UDP;
use super::l3::{self, L3};
use super::{app, bare, geneve, gpe, otv, sum, vxlan, wireguard};
use crate::capture::ctx::{Cx, Force};
use crate::capture::reader::{Step, after, be16, upto};
use crate::capture::text::Out;

/// A datagram.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, l3: &L3<'_>) -> Step {
    cx.proto = "udp";
    let (Ok(sport), Ok(dport)) = (be16(b, 0), be16(b, 2)) else {
        if l3.directly(UDP) {
            l3.src(cx, out);
            out.str(" > ");
            l3.dst(cx, out);
            out.str(": ");
        }
        super::cut(cx, out);
        return Ok(());
    };
    l3::ends(cx, out, l3, UDP, [sport, dport], l3::udp_port);
    if len < 8 {
        return short(cx, out, "length ", "truncated-udp ", len);
    }
    let Ok(stated) = be16(b, 4) else {
        super::cut(cx, out);
        return Ok(());
    };
    let mut ulen = u32::from(stated);
    if ulen == 0 && len > 65_535 {
        ulen = len;
    }
    if ulen < 8 {
        return short(cx, out, "UDP length ", "truncated-udplength ", ulen);
    }
    let ulen = ulen - 8;
    let body_len = (len - 8).min(ulen);
    if b.len() < 8 {
        super::cut(cx, out);
        return Ok(());
    }
    let body = after(b, 8);
    if cx.o.force.is_some() && cx.o.q == 0 && forced(cx, out, (sport, dport), body, body_len)? {
        return Ok(());
    }
    if cx.o.v > 0 && !cx.o.no_sums && !l3.fragmented {
        checksum(cx, out, b, body_len + 8, l3);
    }
    if cx.o.q == 0 && opened(cx, out, (sport, dport), body, body_len)? {
        return Ok(());
    }
    if ulen > body_len && !l3.fragmented {
        out.str("UDP, bad length ");
        out.dec(ulen);
        out.str(" > ");
        out.dec(body_len);
    } else {
        out.str("UDP, length ");
        out.dec(ulen);
    }
    Ok(())
}

fn short(cx: &Cx, out: &mut Out, new: &str, old: &str, len: u32) -> Step {
    if cx.v50() {
        out.byte(b'[');
        out.str(new);
        out.dec(len);
        out.str(" < 8]");
        super::invalid(out);
    } else {
        out.str(old);
        out.dec(len);
    }
    Ok(())
}

/// What `-T` says, whatever the ports.
fn forced(cx: &mut Cx, out: &mut Out, ports: (u16, u16), b: &[u8], len: u32) -> Step<bool> {
    if cx.o.force == Some(Force::Vxlan) {
        return vxlan::print(cx, out, upto(b, len as usize), len).map(|()| true);
    }
    app::udp(cx, out, ports, b, len)
}

/// What the ports mean. False if nothing: then nothing is written.
#[inline(always)]
fn opened(cx: &mut Cx, out: &mut Out, ports: (u16, u16), b: &[u8], len: u32) -> Step<bool> {
    let (sport, dport) = ports;
    let tunnels = &cx.o.tunnels;
    // The older version takes the source port for a tunnel's, too.
    let old = !cx.v50();
    let to = |ports: &[u16]| has(ports, dport) || (old && has(ports, sport));
    let inner = if to(&tunnels.otv) {
        otv::print
    } else if to(&tunnels.vxlan) {
        vxlan::print
    } else if to(&tunnels.geneve) {
        geneve::print
    } else if to(&tunnels.gpe) {
        gpe::print
    } else if has(&tunnels.bare, dport) || has(&tunnels.bare, sport) {
        if !bare::is_one(b) {
            return Ok(false);
        }
        bare::print
    } else if has(&tunnels.wireguard, dport) || has(&tunnels.wireguard, sport) {
        return Ok(wireguard::print(cx, out, b, len));
    } else {
        return app::udp(cx, out, ports, b, len);
    };
    // What tcpdump reads before it comes to tunnels goes first here too.
    if app::udp_known(sport) || (old && app::udp_known(dport)) {
        return app::udp(cx, out, ports, b, len);
    }
    // The older version looks past the datagram's end, up to the packet's.
    let b = if old { b } else { upto(b, len as usize) };
    inner(cx, out, b, len).map(|()| true)
}

/// A list of one or two is looked through faster than `contains` is called.
#[inline(always)]
fn has(ports: &[u16], port: u16) -> bool {
    ports.iter().fold(false, |found, known| found | (*known == port))
}

fn checksum(cx: &Cx, out: &mut Out, b: &[u8], len: u32, l3: &L3<'_>) {
    let v6 = l3.is_v6();
    if !v6 && cx.o.v < 2 {
        return;
    }
    let Ok(stored) = be16(b, 6) else { return };
    if stored == 0 && !v6 {
        return out.str("[no cksum] ");
    }
    let Some(whole) = b.get(..len as usize) else { return };
    let pseudo = l3.pseudo(UDP, len);
    let found = sum::of(&[pseudo.bytes(), whole]);
    if found == 0 {
        out.str("[udp sum ok] ");
    } else if cx.ours() && stored == !sum::of(&[pseudo.bytes()]) {
        out.str("[udp cksum 0x");
        out.hex4(stored);
        out.str(" filled by NIC] ");
    } else {
        out.str("[bad udp cksum 0x");
        out.hex4(stored);
        out.str(" -> 0x");
        out.hex4(sum::should_be(stored, found));
        out.str("!] ");
    }
}
