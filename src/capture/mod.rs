//! Packets as text, tcpdump's to the byte where asked. Bytes in, text out; opens nothing, looks nothing up.

pub mod bpf;
pub mod ctx;
pub mod flows;
pub mod inner;
pub mod json;
pub mod names;
pub mod nodes;
pub mod packet;
pub mod paint;
pub mod pairing;
pub mod proto;
pub mod reader;
pub mod select;
pub mod source;
#[cfg(test)]
mod tests;
pub mod text;
pub mod time;
pub mod window;

use ctx::{Cx, Opts};
use names::Names;
use packet::Packet;
use text::Out;
use time::{Clock, Zone};

/// Prints packets, one after the other: numbers them, keeps the time of the last and the TCP connections.
#[derive(Debug)]
pub struct Printer {
    cx: Cx,
    clock: Clock,
    seen: u64,
}

impl Printer {
    /// A printer for `opts`.
    pub fn new(opts: Opts, names: Names, zone: Zone) -> Self {
        Self { cx: Cx::new(opts, names), clock: Clock::new(zone), seen: 0 }
    }

    /// The options and names, for what is printed beside packets.
    pub fn cx(&mut self) -> &mut Cx {
        &mut self.cx
    }

    /// The nodes whose names are told behind addresses.
    pub fn nodes(&self) -> &nodes::Nodes {
        &self.cx.names.nodes
    }

    /// Writes one packet: its lines, the newline included. Allocates nothing while `out` has room.
    pub fn packet(&mut self, packet: &Packet<'_>, out: &mut Out) {
        self.seen += 1;
        let number = self.seen;
        self.numbered(number, packet, out);
    }

    /// As [`Self::packet`], numbered by the caller, who may skip packets.
    pub fn numbered(&mut self, number: u64, packet: &Packet<'_>, out: &mut Out) {
        let cx = &mut self.cx;
        out.reserve_packet();
        if cx.o.number {
            out.dec_wide(number, 5, b' ');
            out.str("  ");
        }
        if cx.o.lengths {
            out.str("caplen ");
            out.dec(packet.caplen);
            out.str(" len ");
            out.dec(packet.len);
            out.byte(b' ');
        }
        let invalid = packet.caplen == 0 || packet.len < packet.caplen;
        if invalid && cx.v50() {
            return invalid_header(out, packet);
        }
        self.clock.print(&cx.o, out, packet.ts);
        if invalid {
            return invalid_header(out, packet);
        }
        cx.depth = 0;
        cx.link_len = 0;
        match proto::link(cx, out, packet) {
            Ok(link_len) => cx.link_len = link_len,
            Err(reader::Cut) => proto::cut(cx, out),
        }
        proto::hex::dump(cx, out, packet.data);
        out.byte(b'\n');
    }
}

/// A header that cannot be true is told, and the packet not looked at.
#[cold]
fn invalid_header(out: &mut Out, packet: &Packet<'_>) {
    let (no_cap, no_len, short) = (packet.caplen == 0, packet.len == 0, packet.len < packet.caplen);
    let mut comma = "";
    let mut say = |out: &mut Out, that: bool, text: &str| {
        if that {
            out.str(comma);
            out.str(text);
            comma = ", ";
        }
    };
    out.str("[Invalid header:");
    out.byte(b' ');
    say(out, no_cap, "caplen==0");
    say(out, no_len, "len==0");
    if short {
        say(out, true, "len(");
        out.dec(packet.len);
        out.str(") < caplen(");
        out.dec(packet.caplen);
        out.byte(b')');
    }
    out.str("]\n");
}
