//! Linux cooked captures, both versions.

use super::ethertype::{self, Known};
use super::{ether, hex, llc};
use crate::capture::ctx::Cx;
use crate::capture::reader::{Step, after, array, be16, be32, need, u8_at};
use crate::capture::text::Out;

const HEADER: usize = 16;
const HEADER_2: usize = 20;
const RAW_802_3: u16 = 1;
const LLC_802_2: u16 = 4;

/// What -e tells of the header.
struct Head {
    /// Version 2: the interface's index.
    index: Option<u32>,
    direction: u16,
    mac: Option<[u8; 6]>,
    kind: u16,
}

/// Version 1. Says how long its header is.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step<usize> {
    cx.proto = "sll";
    need(b, HEADER)?;
    let mac = if be16(b, 4)? == 6 { Some(array(b, 6)?) } else { None };
    let head = Head { index: None, direction: be16(b, 0)?, mac, kind: be16(b, 14)? };
    if cx.o.e {
        head.print(cx, out, len);
    }
    body(cx, out, (b, HEADER), len, &head)
}

/// Version 2. Says how long its header is.
pub fn print_2(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step<usize> {
    cx.proto = "sll2";
    need(b, HEADER_2)?;
    let index = be32(b, 4)?;
    let mac = if u8_at(b, 11)? == 6 { Some(array(b, 12)?) } else { None };
    let head = Head { index: Some(index), direction: u16::from(u8_at(b, 10)?), mac, kind: be16(b, 0)? };
    padded(out, 5, |out| out.str(cx.names.interface_name(index).unwrap_or("?")));
    padded(out, 3, |out| out.str(direction(head.direction)));
    if cx.o.e {
        head.print(cx, out, len);
    }
    body(cx, out, (b, HEADER_2), len, &head)
}

fn padded(out: &mut Out, width: usize, write: impl Fn(&mut Out)) {
    let from = out.len();
    write(out);
    while out.len() < from + width {
        out.byte(b' ');
    }
    out.byte(b' ');
}

fn direction(kind: u16) -> &'static str {
    match kind {
        0 => "In",
        1 => "B",
        2 => "M",
        3 => "P",
        4 => "Out",
        _ => "?",
    }
}

impl Head {
    fn print(&self, cx: &Cx, out: &mut Out, len: u32) {
        match self.index {
            Some(index) => {
                out.str("ifindex ");
                out.dec(index);
                out.byte(b' ');
            }
            None => {
                let name = direction(self.direction);
                for _ in name.len()..3 {
                    out.byte(b' ');
                }
                out.str(name);
                out.byte(b' ');
            }
        }
        if let Some(mac) = self.mac {
            ethertype::mac(cx, out, mac);
            out.byte(b' ');
        }
        if cx.o.q > 0 {
            return;
        }
        match self.kind {
            RAW_802_3 => out.str("802.3"),
            LLC_802_2 => out.str("802.2"),
            kind => {
                out.str("ethertype ");
                out.str(if kind <= 1500 { None } else { ethertype::name(kind) }.unwrap_or("Unknown"));
                out.str(" (0x");
                out.hex4(kind);
                out.byte(b')');
            }
        }
        out.str(", length ");
        out.dec(len);
        out.str(": ");
    }
}

fn body(cx: &mut Cx, out: &mut Out, (b, mut at): (&[u8], usize), len: u32, head: &Head) -> Step<usize> {
    let mut kind = head.kind;
    loop {
        let (rest, rest_len) = (after(b, at), len.saturating_sub(at as u32));
        if kind <= 1500 {
            if kind == LLC_802_2 {
                let (used, known) = llc::print(cx, out, rest, rest_len, None)?;
                if known {
                    return Ok(at + used);
                }
            }
            hex::unread(cx, out, rest);
            return Ok(at);
        }
        if kind != 0x8100 {
            if ethertype::payload(cx, out, kind, rest, rest_len, None)? == Known::No {
                if !cx.o.e {
                    head.print(cx, out, len);
                }
                hex::unread(cx, out, rest);
            }
            return Ok(at);
        }
        if rest.len() < 4 {
            cx.proto = "vlan";
            super::cut(cx, out);
            return Ok(b.len());
        }
        if cx.o.e {
            ether::tci(out, be16(rest, 0)?);
            out.str(", ");
        }
        kind = be16(rest, 2)?;
        if kind <= 1500 {
            kind = LLC_802_2;
        }
        if cx.o.q == 0 {
            out.str("ethertype ");
            out.str(ethertype::name(kind).unwrap_or("Unknown"));
            out.str(", ");
        }
        at += 4;
    }
}
