//! What is made of packets: lines, or a count. Each consumer takes packets one by one and writes in large blocks.

use std::io::{self, Write};

use crate::capture::Printer;
use crate::capture::ctx::{Opts, Tunnels};
use crate::capture::json::Records;
use crate::capture::nodes::Nodes;
use crate::capture::packet::Packet;
use crate::capture::paint::Paint;
use crate::capture::text::Out;
use crate::error::Failure;
use crate::tap::sink::Interface;

/// Bytes of text that are written at once.
const BLOCK: usize = 64 * 1024;

/// Takes packets.
pub trait Consumer {
    /// Packets of this link type follow.
    fn open(&mut self, _link: u32) -> Result<(), Failure> {
        Ok(())
    }

    /// A packet, and its number among those that were captured.
    fn packet(&mut self, number: u64, packet: &Packet<'_>) -> Result<(), Failure>;

    /// The interfaces that packets come through, by the number that packets bear.
    #[cfg_attr(not(feature = "pcap"), allow(dead_code, reason = "only interfaces tell"))]
    fn interfaces(&mut self, _interfaces: &[Interface]) {}

    /// What a file calls its interfaces, by the number that packets bear; more may follow.
    fn called(&mut self, _interfaces: &mut dyn Iterator<Item = &str>) {}

    /// What a file says of its overlay: the nodes, and ports of tunnels.
    fn told(&mut self, _nodes: &Nodes, _ports: &[u16]) {}

    /// What each interface received and dropped.
    #[cfg_attr(not(feature = "pcap"), expect(dead_code, reason = "only interfaces tell"))]
    fn counts(&mut self, _counts: &[(u64, u64)]) {}

    /// True if no more packets are wanted.
    fn is_over(&self) -> bool {
        false
    }

    /// Nothing more comes at the moment: what was made of packets is to be seen.
    fn pause(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Nothing more comes.
    fn finish(&mut self) -> Result<(), Failure> {
        self.pause()
    }
}

/// Writing to standard output failed.
pub fn unwritten(error: io::Error) -> Failure {
    Failure::found("unable to write output").because(error)
}

/// Lines as tcpdump prints them.
pub struct Lines {
    printer: Printer,
    text: Out,
    to: Box<dyn Write>,
    each: bool,
    every: u64,
    annotate: bool,
    paint: Paint,
    painted: Vec<u8>,
}

impl Lines {
    /// Lines to `to`; with `each`, a line is written as soon as it is made.
    pub fn new(printer: Printer, to: Box<dyn Write>, each: bool, every: u64, annotate: bool) -> Self {
        let (paint, painted) = (Paint::default(), Vec::new());
        Self { printer, text: Out::with_room(2 * BLOCK), to, each, every, annotate, paint, painted }
    }

    /// As a terminal is to show them.
    pub fn painted(self, paint: Paint) -> Self {
        Self { paint, ..self }
    }

    /// Writes the last packet's lines, painted, in place of what they are.
    fn paint(&mut self, from: usize) {
        let names: Vec<&str> = self.printer.nodes().0.iter().map(|node| node.name.as_str()).collect();
        self.painted.clear();
        self.paint.packet(self.text.bytes().get(from..).unwrap_or_default(), &names, &mut self.painted);
        self.text.truncate(from);
        self.text.raw(&self.painted);
    }

    fn write(&mut self) -> Result<(), Failure> {
        self.to.write_all(self.text.bytes()).map_err(unwritten)?;
        self.text.clear();
        Ok(())
    }
}

impl Consumer for Lines {
    fn told(&mut self, nodes: &Nodes, ports: &[u16]) {
        let cx = self.printer.cx();
        if self.annotate && !nodes.0.is_empty() {
            cx.names.nodes = nodes.clone();
        }
        cx.o.tunnels.add(ports);
    }

    fn packet(&mut self, number: u64, packet: &Packet<'_>) -> Result<(), Failure> {
        if self.every > 1 && !number.is_multiple_of(self.every) {
            return Ok(());
        }
        let from = self.text.len();
        self.printer.numbered(number, packet, &mut self.text);
        if self.paint != Paint::default() {
            self.paint(from);
        }
        if self.each || self.text.len() >= BLOCK { self.write() } else { Ok(()) }
    }

    fn pause(&mut self) -> Result<(), Failure> {
        self.write()?;
        self.to.flush().map_err(unwritten)
    }
}

/// `--count`.
pub struct Counted {
    packets: u64,
    to: Box<dyn Write>,
}

impl Counted {
    /// Counts, and writes the count at the end.
    pub fn new(to: Box<dyn Write>) -> Self {
        Self { packets: 0, to }
    }
}

impl Consumer for Counted {
    fn packet(&mut self, _number: u64, _packet: &Packet<'_>) -> Result<(), Failure> {
        self.packets += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Failure> {
        let plural = if self.packets == 1 { "" } else { "s" };
        writeln!(self.to, "{} packet{plural}", self.packets).map_err(unwritten)
    }
}

/// Standard output without the standard library's own buffer: blocks are whole here.
pub fn stdout() -> Box<dyn Write> {
    use std::os::fd::AsFd;
    match io::stdout().as_fd().try_clone_to_owned() {
        Ok(fd) => Box::new(std::fs::File::from(fd)),
        Err(_) => Box::new(io::stdout()),
    }
}

/// The wall clock's offset at a time, from TZ or the system.
pub fn zone() -> Box<dyn Fn(i64) -> i32 + Send> {
    let zone = jiff::tz::TimeZone::system();
    Box::new(move |secs| {
        let at = jiff::Timestamp::from_second(secs).unwrap_or(jiff::Timestamp::MAX);
        zone.to_offset(at).seconds()
    })
}

/// What `printer` is made of, named for the callers.
pub fn printer(opts: Opts, names: crate::capture::names::Names) -> Printer {
    Printer::new(opts, names, zone())
}

/// Something to say on standard error, as everything that is no packet.
pub fn remark(text: &str) {
    // Nothing can be done about a closed stderr.
    let _ = writeln!(io::stderr(), "{text}");
}

/// `-o ndjson`.
pub struct Lined {
    records: Records,
    tunnels: Tunnels,
    text: Out,
    to: Box<dyn Write>,
    each: bool,
}

impl Lined {
    /// Records to `to`; with `each`, a record is written as soon as it is made.
    pub fn new(records: Records, tunnels: Tunnels, to: Box<dyn Write>, each: bool) -> Self {
        Self { records, tunnels, text: Out::with_room(2 * BLOCK), to, each }
    }

    fn write(&mut self) -> Result<(), Failure> {
        self.to.write_all(self.text.bytes()).map_err(unwritten)?;
        self.text.clear();
        Ok(())
    }
}

impl Consumer for Lined {
    fn packet(&mut self, number: u64, packet: &Packet<'_>) -> Result<(), Failure> {
        self.records.packet(number, packet, &self.tunnels, &mut self.text);
        if self.each || self.text.len() >= BLOCK { self.write() } else { Ok(()) }
    }

    fn interfaces(&mut self, interfaces: &[Interface]) {
        self.records.interfaces = interfaces.iter().map(|interface| interface.name.clone()).collect();
    }

    fn told(&mut self, nodes: &Nodes, ports: &[u16]) {
        if !nodes.0.is_empty() {
            self.records.nodes = nodes.clone();
        }
        self.tunnels.add(ports);
    }

    fn pause(&mut self) -> Result<(), Failure> {
        self.write()?;
        self.to.flush().map_err(unwritten)
    }
}
