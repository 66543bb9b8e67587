//! What is made of packets: lines, or a count. Each consumer takes packets one by one and writes in large blocks.

use std::io::{self, Write};

use super::flags::Flags;
use crate::capture::Printer;
use crate::capture::ctx::Opts;
use crate::capture::packet::Packet;
use crate::capture::text::Out;
use crate::error::Failure;
use crate::tap::sink::Sink;

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
}

impl Lines {
    /// Lines to `to`; with `each`, a line is written as soon as it is made.
    pub fn new(printer: Printer, to: Box<dyn Write>, each: bool, every: u64) -> Self {
        Self { printer, text: Out::with_room(2 * BLOCK), to, each, every }
    }

    fn write(&mut self) -> Result<(), Failure> {
        self.to.write_all(self.text.bytes()).map_err(unwritten)?;
        self.text.clear();
        Ok(())
    }
}

impl Consumer for Lines {
    fn packet(&mut self, number: u64, packet: &Packet<'_>) -> Result<(), Failure> {
        if self.every > 1 && !number.is_multiple_of(self.every) {
            return Ok(());
        }
        self.printer.numbered(number, packet, &mut self.text);
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

/// `-w`, and with `--print` whatever else is made of the packets.
pub struct Written {
    name: String,
    snaplen: u32,
    nano: bool,
    each: bool,
    sink: Option<(Sink, u32)>,
    also: Option<Box<dyn Consumer>>,
}

impl Written {
    /// Packets into a file that is made with the first of them, or at the end.
    pub fn new(flags: &Flags, name: &str, also: Option<Box<dyn Consumer>>) -> Self {
        let (snaplen, nano, each) = (flags.snaplen, flags.print.nano, flags.packet_buffered);
        Self { name: name.to_owned(), snaplen, nano, each, sink: None, also }
    }

    /// Begins the file for packets of `link`.
    pub fn begin(&mut self, link: u32) -> Result<(), Failure> {
        if self.sink.is_none() {
            let made = Sink::create(&self.name, link, self.snaplen, self.nano, self.each);
            self.sink = Some((made.map_err(|e| Failure::found(self.name.clone()).because(e))?, link));
        }
        Ok(())
    }
}

impl Consumer for Written {
    fn open(&mut self, link: u32) -> Result<(), Failure> {
        self.begin(link)
    }

    fn packet(&mut self, number: u64, packet: &Packet<'_>) -> Result<(), Failure> {
        self.begin(packet.link.0.into())?;
        if let Some((sink, link)) = &mut self.sink {
            if *link != u32::from(packet.link.0) {
                return Err(Failure::found(format!("{}: a pcap file holds one link type", self.name))
                    .hint("capture interfaces of one kind, or -i any"));
            }
            sink.packet(packet).map_err(|e| Failure::found(self.name.clone()).because(e))?;
        }
        self.also.as_mut().map_or(Ok(()), |also| also.packet(number, packet))
    }

    fn pause(&mut self) -> Result<(), Failure> {
        self.also.as_mut().map_or(Ok(()), |also| also.pause())
    }

    fn finish(&mut self) -> Result<(), Failure> {
        if let Some((sink, _)) = &mut self.sink {
            sink.flush().map_err(|e| Failure::found(self.name.clone()).because(e))?;
        }
        self.also.as_mut().map_or(Ok(()), |also| also.finish())
    }
}
