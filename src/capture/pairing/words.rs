//! A packet's way as a line of text, or as one JSON object (`flanctl.path/1`):
//! `schema number time len packet points fate [lost|unsure]`; a point is
//! `dev stage [pod] at after_us [parts] [src dst] [vni outer_src outer_dst]`, `lost` and `unsure` are
//! `between after_ms [bytes] counters`.

use std::net::IpAddr;

use super::key::Ends;
use super::record::{At, Fate, Gap, Record};
use super::{Point, Stage};
use crate::capture::Printer;
use crate::capture::json::{Members, Records, quoted};
use crate::capture::packet::{Link, Packet, Stamp};
use crate::capture::text::Out;

const SECOND: i64 = 1_000_000_000;

/// Writes records.
#[derive(Debug)]
pub struct Words {
    /// Prints the packet itself, and the time before it.
    pub printer: Printer,
    /// The packet itself as JSON.
    pub records: Records,
    scratch: Out,
}

impl Words {
    /// Writes with this printer, or with these records.
    pub fn new(printer: Printer, records: Records) -> Self {
        Self { printer, records, scratch: Out::default() }
    }

    /// A line of text.
    pub fn text(&mut self, number: u64, record: &Record, points: &[Point], out: &mut Out) {
        let nano = self.printer.cx().o.nano;
        self.scratch.clear();
        self.printer.numbered(number, &packet(record, nano), &mut self.scratch);
        out.reserve_packet();
        one_line(self.scratch.bytes(), out);
        let first = record.first();
        let mut before = None;
        for at in &record.points {
            out.str("  ");
            out.str(name(points, at.point));
            out.str(" +");
            micros(out, at.at - first, nano);
            out.str("us");
            self.beside(at, (before, record.inward), points, out);
            before = at.ends;
        }
        match &record.fate {
            Fate::Through if record.late => out.str("  late: it was told as lost"),
            Fate::Through => {}
            Fate::Lost(gap) => lost(gap, points, out),
            Fate::Unsure(gap) => {
                out.str("  not seen at ");
                out.str(name(points, gap.to));
                out.str(" within ");
                millis(out, gap);
                out.str("ms, which may have missed it: packets were dropped by the capture");
            }
        }
        out.byte(b'\n');
    }

    /// What is particular about a packet at a point.
    fn beside(&mut self, at: &At, known: (Option<Ends>, bool), points: &[Point], out: &mut Out) {
        let (before, inward) = known;
        match at.parts {
            0 => out.str(" in a larger one"),
            1 => {}
            parts => {
                out.str(" in ");
                out.dec(parts);
                out.str(" parts");
            }
        }
        if let Some(Ends { src, dst, .. }) = at.ends.filter(|ends| Some(*ends) != before) {
            out.str(" as ");
            address(out, src);
            out.str(" > ");
            address(out, dst);
        }
        let uplink = points.get(at.point).is_some_and(|point| point.stage == Stage::Uplink);
        let Some(outer) = at.outer else {
            if uplink {
                out.str(" (in no tunnel)");
            }
            return;
        };
        out.str(" (");
        if let Some(vni) = outer.vni {
            out.str("vni ");
            out.dec(vni);
            out.byte(b' ');
        }
        let (word, addr) = if inward { ("from ", outer.src) } else { ("to ", outer.dst) };
        out.str(word);
        address(out, addr);
        if let Some(node) = self.printer.cx().names.nodes.of(addr) {
            out.str(" (");
            out.str(&node.name);
            out.byte(b')');
        }
        out.byte(b')');
    }

    /// A JSON object on a line.
    pub fn json(&mut self, number: u64, record: &Record, points: &[Point], out: &mut Out) {
        let nano = self.records.nano;
        out.reserve_packet();
        let mut all = Members::open(out);
        all.text("schema", "flanctl.path/1");
        all.number("number", number);
        let first = record.first();
        stamp(all.name("time"), first, nano);
        all.number("len", record.len);
        // What was not captured of it is not told: the headers are there.
        let _ = self.records.one(all.name("packet"), Link::RAW, &record.bytes, record.len);
        let list = all.name("points");
        list.byte(b'[');
        for (place, at) in record.points.iter().enumerate() {
            if place > 0 {
                list.byte(b',');
            }
            point(list, at, first, points, nano);
        }
        list.byte(b']');
        match &record.fate {
            Fate::Through => all.text("fate", if record.late { "late" } else { "through" }),
            Fate::Lost(gap) => {
                all.text("fate", "lost");
                missing(all.name("lost"), gap, points);
            }
            Fate::Unsure(gap) => {
                all.text("fate", "unsure");
                missing(all.name("unsure"), gap, points);
            }
        }
        all.close();
        out.byte(b'\n');
    }
}

fn packet(record: &Record, nano: bool) -> Packet<'_> {
    let first = record.first();
    let frac = first.rem_euclid(SECOND) as u32;
    let frac = if nano { frac } else { frac / 1000 };
    let ts = Stamp { secs: first.div_euclid(SECOND), frac };
    let data = record.bytes.get(..record.len as usize).unwrap_or(&record.bytes);
    Packet { ts, len: record.len, caplen: data.len() as u32, link: Link::RAW, data, interface: 0 }
}

/// Several lines as one.
fn one_line(text: &[u8], out: &mut Out) {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_start);
    for (at, line) in lines.filter(|line| !line.is_empty()).enumerate() {
        if at > 0 {
            out.byte(b' ');
        }
        out.raw(line);
    }
}

fn name(points: &[Point], point: usize) -> &str {
    points.get(point).map_or("?", |point| point.dev.as_str())
}

fn address(out: &mut Out, addr: IpAddr) {
    match addr {
        IpAddr::V4(addr) => out.ip4(addr.octets()),
        IpAddr::V6(addr) => out.ip6(addr.octets()),
    }
}

/// Microseconds, with their thousandths where nanoseconds are asked for.
fn micros(out: &mut Out, nanos: i64, nano: bool) {
    let nanos = nanos.max(0).unsigned_abs();
    out.dec(nanos / 1000);
    if nano {
        out.byte(b'.');
        out.dec_wide(nanos % 1000, 3, b'0');
    }
}

fn millis(out: &mut Out, gap: &Gap) {
    out.dec((gap.after / 1_000_000).max(0).unsigned_abs());
}

fn stamp(out: &mut Out, at: i64, nano: bool) {
    out.int(at.div_euclid(SECOND));
    out.byte(b'.');
    let frac = at.rem_euclid(SECOND) as u32;
    if nano { out.dec9(frac) } else { out.dec6(frac / 1000) }
}

fn lost(gap: &Gap, points: &[Point], out: &mut Out) {
    out.str(if gap.part.is_some() { "  lost in part between " } else { "  lost between " });
    out.str(name(points, gap.from));
    out.str(" and ");
    out.str(name(points, gap.to));
    out.str(" after ");
    millis(out, gap);
    out.str("ms");
    if let Some((got, all)) = gap.part {
        out.str(" (");
        out.dec(got);
        out.str(" of ");
        out.dec(all);
        out.str(" bytes passed)");
    }
    if gap.moved.is_empty() {
        out.str(": no counter moved");
    }
    for (place, (counter, by)) in gap.moved.iter().enumerate() {
        out.str(if place == 0 { ": " } else { ", " });
        out.str(counter);
        out.str(" +");
        out.dec(*by);
    }
}

fn point(out: &mut Out, at: &At, first: i64, points: &[Point], nano: bool) {
    let mut all = Members::open(out);
    all.text("dev", name(points, at.point));
    if let Some(point) = points.get(at.point) {
        let stage = match point.stage {
            Stage::Pod => "pod",
            Stage::Bridge => "bridge",
            Stage::Tunnel => "tunnel",
            Stage::Uplink => "uplink",
        };
        all.text("stage", stage);
        if let Some(pod) = &point.pod {
            all.text("pod", pod);
        }
    }
    stamp(all.name("at"), at.at, nano);
    micros(all.name("after_us"), at.at - first, nano);
    if at.parts != 1 {
        all.number("parts", at.parts);
    }
    if let Some(Ends { src, dst, .. }) = at.ends {
        quoted_address(all.name("src"), src);
        quoted_address(all.name("dst"), dst);
    }
    if let Some(outer) = at.outer {
        if let Some(vni) = outer.vni {
            all.number("vni", vni);
        }
        quoted_address(all.name("outer_src"), outer.src);
        quoted_address(all.name("outer_dst"), outer.dst);
    }
    all.close();
}

fn quoted_address(out: &mut Out, addr: IpAddr) {
    out.byte(b'"');
    address(out, addr);
    out.byte(b'"');
}

fn missing(out: &mut Out, gap: &Gap, points: &[Point]) {
    let mut all = Members::open(out);
    let list = all.name("between");
    list.byte(b'[');
    quoted(list, name(points, gap.from));
    list.byte(b',');
    quoted(list, name(points, gap.to));
    list.byte(b']');
    millis(all.name("after_ms"), gap);
    if let Some((got, size)) = gap.part {
        let bytes = all.name("bytes");
        bytes.byte(b'[');
        bytes.dec(got);
        bytes.byte(b',');
        bytes.dec(size);
        bytes.byte(b']');
    }
    let mut counters = Members::open(all.name("counters"));
    for (name, by) in &gap.moved {
        // A rule's text may hold quotes.
        counters.any_name(name).dec(*by);
    }
    counters.close();
    all.close();
}
