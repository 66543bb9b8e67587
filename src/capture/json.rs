//! A packet as one JSON object on a line: outer packet, tunnel, inner packet. Numbers are numbers, addresses strings.
//!
//! `number time len caplen interface outer [tunnel inner] [isl inner] [cut]`; a packet (`outer`, `inner`) holds what
//! there is of `eth {src dst type vlans}`, `arp {op sender sender_mac target}`,
//! `ip {version src dst src_node dst_node proto ttl tos id length fragment}`, `udp {sport dport length}`,
//! `tcp {sport dport seq ack flags win length}`, `icmp {type code id seq}`; `tunnel {kind vni group}`,
//! `isl {type vlan priority bpdu index}`.

use std::collections::HashMap;

use etherparse::Ethernet2HeaderSlice;

use super::inner::{self, Ip, Tags};
use super::nodes::{Nodes, addresses};
use super::packet::{Link, Packet};
use super::proto::isl;
use super::proto::l3::Ends;
use super::reader::{Cut, Step, after, array, be16, be32, u8_at};
use super::text::Out;
use super::window::Window;
use crate::capture::ctx::Tunnels;

/// What records are made with.
#[derive(Debug, Default)]
pub struct Records {
    /// Whose an address is.
    pub nodes: Nodes,
    /// Names of the interfaces, by the packet's number of them.
    pub interfaces: Vec<String>,
    /// Names of this host's interfaces by index.
    pub indexes: HashMap<u32, String>,
    /// Fractions of a second are nanoseconds.
    pub nano: bool,
}

/// Members of an object, commas between.
pub(super) struct Members<'a> {
    out: &'a mut Out,
    any: bool,
}

impl<'a> Members<'a> {
    pub(super) fn open(out: &'a mut Out) -> Self {
        out.byte(b'{');
        Self { out, any: false }
    }

    /// Writes a name, and what `value` writes behind it.
    #[inline(always)]
    fn with(&mut self, name: &str, value: impl FnOnce(&mut Window<'_>)) {
        let any = std::mem::replace(&mut self.any, true);
        self.out.window(|w| {
            if any {
                w.byte(b',');
            }
            w.byte(b'"');
            w.name(name);
            w.text(b"\":");
            value(w);
        });
    }

    /// Into its caller: there the name is a constant, and a few moves rather than a call.
    #[inline(always)]
    pub(super) fn name(&mut self, name: &str) -> &mut Out {
        self.with(name, |_| {});
        self.out
    }

    /// A name that may hold anything.
    pub(super) fn any_name(&mut self, name: &str) -> &mut Out {
        if self.any {
            self.out.byte(b',');
        }
        self.any = true;
        quoted(self.out, name);
        self.out.byte(b':');
        self.out
    }

    #[inline(always)]
    pub(super) fn number(&mut self, name: &str, n: impl Into<u64>) {
        let n = n.into();
        match u32::try_from(n) {
            Ok(n) => self.with(name, |w| w.dec(n)),
            Err(_) => self.name(name).dec(n),
        }
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        let out = self.name(name);
        quoted(out, text);
    }

    pub(super) fn close(self) {
        self.out.byte(b'}');
    }
}

/// Text between quotes, as JSON wants it.
pub(super) fn quoted(out: &mut Out, text: &str) {
    out.byte(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => {
                out.byte(b'\\');
                out.byte(byte);
            }
            0..=0x1f => {
                out.str("\\u00");
                out.hex2(byte);
            }
            _ => out.byte(byte),
        }
    }
    out.byte(b'"');
}

impl Records {
    /// Writes the packet's line.
    pub fn packet(&self, number: u64, packet: &Packet<'_>, tunnels: &Tunnels, out: &mut Out) {
        out.reserve_packet();
        let mut all = Members::open(out);
        all.number("number", number);
        let time = all.name("time");
        time.int(packet.ts.secs);
        time.byte(b'.');
        if self.nano {
            time.dec9(packet.ts.frac)
        } else {
            time.dec6(packet.ts.frac)
        }
        all.number("len", packet.len);
        all.number("caplen", packet.caplen);
        match self.interface(packet) {
            Some(name) => all.text("interface", name),
            None => all.number("interface", packet.interface),
        }
        let (b, len) = (packet.data, packet.len);
        let (mut cut, ip) = self.one(all.name("outer"), packet.link, b, len);
        let inner = ip.and_then(|ip| inner::carried(&ip, b, len, tunnels).ok().flatten());
        if let Some(inner) = inner {
            let mut tunnel = Members::open(all.name("tunnel"));
            tunnel.text("kind", inner.kind.name());
            if let Some(vni) = inner.vni {
                tunnel.number("vni", vni);
            }
            if let Some(group) = inner.group {
                tunnel.number("group", group);
            }
            tunnel.close();
            cut |= self.one(all.name("inner"), inner.link, inner.data, inner.len).0;
        }
        if packet.link == Link::ETHERNET && isl::is_one(packet.data) {
            cut |= self.isl(&mut all, packet);
        }
        if cut {
            all.name("cut").str("true");
        }
        all.close();
        out.byte(b'\n');
    }

    /// Cisco's header around a frame, and the frame. True if something is missing.
    fn isl(&self, all: &mut Members<'_>, packet: &Packet<'_>) -> bool {
        let Ok(header) = isl::read(packet.data, packet.len) else { return true };
        let mut isl = Members::open(all.name("isl"));
        isl.number("type", header.kind);
        isl.number("vlan", header.vlan);
        isl.number("priority", header.priority);
        isl.name("bpdu").str(if header.bpdu { "true" } else { "false" });
        isl.number("index", header.index);
        isl.close();
        header.kind == 0 && self.one(all.name("inner"), Link::ETHERNET, header.data, header.len).0
    }

    /// The name of the interface: of the one that a cooked header tells, where it is known.
    fn interface(&self, packet: &Packet<'_>) -> Option<&str> {
        let index = (packet.link == Link::SLL2).then(|| be32(packet.data, 4).ok()).flatten();
        let told = index.and_then(|index| self.indexes.get(&index));
        told.or_else(|| self.interfaces.get(packet.interface as usize)).map(String::as_str)
    }

    /// A packet's object, closed whatever is missing: whether something is, and the IP header.
    pub(super) fn one(&self, out: &mut Out, link: Link, b: &[u8], len: u32) -> (bool, Option<Ip>) {
        let (mut layers, mut ip) = (Members::open(out), None);
        let done = self.layers(&mut layers, link, b, len, &mut ip);
        layers.close();
        (done.is_err(), ip)
    }

    fn layers(
        &self,
        layers: &mut Members<'_>,
        link: Link,
        b: &[u8],
        len: u32,
        found: &mut Option<Ip>,
    ) -> Step {
        if link == Link::ETHERNET {
            ethernet(layers.name("eth"), b)?;
        }
        let (kind, at) = inner::frame(link, b)?;
        match kind {
            0x0800 | 0x86dd => {
                let ip = inner::ip_of(kind, at, b)?;
                *found = Some(ip);
                self.ip(layers.name("ip"), &ip);
                if ip.later {
                    return Ok(());
                }
                let left = ip.len.min(len.saturating_sub(ip.at as u32));
                transport(layers, &ip, after(b, ip.body), left.saturating_sub((ip.body - ip.at) as u32))
            }
            0x0806 => arp(layers.name("arp"), after(b, at)),
            _ => Ok(()),
        }
    }

    fn ip(&self, out: &mut Out, ip: &Ip) {
        let (src, dst) = addresses(ip.ends);
        let mut members = Members::open(out);
        members.number("version", if src.is_ipv4() { 4u8 } else { 6 });
        for (name, at) in [("src", 0), ("dst", 1)] {
            match (ip.ends, at) {
                (Ends::V4(addr, _), 0) | (Ends::V4(_, addr), _) => members.with(name, |w| {
                    w.byte(b'"');
                    w.ip4(addr);
                    w.byte(b'"');
                }),
                (Ends::V6(addr, _), 0) | (Ends::V6(_, addr), _) => {
                    let out = members.name(name);
                    out.byte(b'"');
                    out.ip6(addr);
                    out.byte(b'"');
                }
            }
        }
        for (name, addr) in [("src_node", src), ("dst_node", dst)] {
            if let Some(node) = self.nodes.of(addr) {
                members.text(name, &node.name);
            }
        }
        members.number("proto", ip.proto);
        members.number("ttl", ip.ttl);
        members.number("tos", ip.tos);
        if src.is_ipv4() {
            members.number("id", ip.id);
        }
        members.number("length", ip.len);
        members.name("fragment").str(if ip.later { "true" } else { "false" });
        members.close();
    }
}

fn mac(members: &mut Members<'_>, name: &str, addr: [u8; 6]) {
    members.with(name, |w| {
        w.byte(b'"');
        w.mac(addr);
        w.byte(b'"');
    });
}

fn ethernet(out: &mut Out, b: &[u8]) -> Step {
    let mut members = Members::open(out);
    let mut fields = || -> Step {
        let head = Ethernet2HeaderSlice::from_slice(b).map_err(|_| Cut)?;
        mac(&mut members, "src", head.source());
        mac(&mut members, "dst", head.destination());
        let mut tags = Tags::new(head.ether_type().0, head.slice().len(), b);
        let (mut any, mut done) = (false, Ok(()));
        for tag in &mut tags {
            let Ok(tag) = tag else {
                done = Err(Cut);
                break;
            };
            let out = if any { &mut *members.out } else { members.name("vlans") };
            out.byte(if any { b',' } else { b'[' });
            out.dec(tag);
            any = true;
        }
        if any {
            members.out.byte(b']');
        }
        done?;
        members.number("type", tags.kind);
        Ok(())
    };
    let done = fields();
    members.close();
    done
}

fn arp(out: &mut Out, b: &[u8]) -> Step {
    let mut members = Members::open(out);
    let mut fields = || -> Step {
        members.number("op", be16(b, 6)?);
        if array::<6>(b, 0)? == [0, 1, 8, 0, 6, 4] {
            for (name, at) in [("sender", 14), ("target", 24)] {
                let addr = array(b, at)?;
                let out = members.name(name);
                out.byte(b'"');
                out.ip4(addr);
                out.byte(b'"');
            }
            let sender = array(b, 8)?;
            mac(&mut members, "sender_mac", sender);
        }
        Ok(())
    };
    let done = fields();
    members.close();
    done
}

fn transport(layers: &mut Members<'_>, ip: &Ip, b: &[u8], len: u32) -> Step {
    match ip.proto {
        17 => {
            let head = inner::udp(b)?;
            let mut udp = Members::open(layers.name("udp"));
            udp.number("sport", head.ports.0);
            udp.number("dport", head.ports.1);
            udp.number("length", head.len);
            udp.close();
        }
        6 => {
            let head = inner::tcp(b)?;
            let mut tcp = Members::open(layers.name("tcp"));
            tcp.number("sport", head.ports.0);
            tcp.number("dport", head.ports.1);
            tcp.number("seq", head.seq);
            tcp.number("ack", head.ack);
            let out = tcp.name("flags");
            out.byte(b'"');
            for (bit, letter) in (0..8).zip(*b"FSRP.UEW") {
                if head.flags >> bit & 1 == 1 {
                    out.byte(letter);
                }
            }
            out.byte(b'"');
            tcp.number("win", head.win);
            tcp.number("length", len.saturating_sub(u32::from(head.head)));
            tcp.close();
        }
        1 | 58 => {
            let (kind, code) = (u8_at(b, 0)?, u8_at(b, 1)?);
            let mut icmp = Members::open(layers.name("icmp"));
            icmp.number("type", kind);
            icmp.number("code", code);
            if let (0 | 8 | 128 | 129, Ok(id), Ok(seq)) = (kind, be16(b, 4), be16(b, 6)) {
                icmp.number("id", id);
                icmp.number("seq", seq);
            }
            icmp.close();
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests;
