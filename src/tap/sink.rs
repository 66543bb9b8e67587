//! `-w`: packets into a file that stays readable whatever happens: only whole packets are ever written.
#![expect(
    clippy::disallowed_methods,
    reason = "makes the file that it was asked for, and starts what -z names"
)]

use std::fs::File;
use std::io::{self, Seek, Write};
use std::process::{Child, Command, Stdio};

use crate::capture::packet::Packet;
use crate::capture::reader::le32;

/// Bytes that are written at once.
const BLOCK: usize = 128 * 1024;

/// What a file is to be.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// pcapng rather than pcap.
    pub pcapng: bool,
    /// Longest packet.
    pub snaplen: u32,
    /// Fractions of a second are nanoseconds.
    pub nano: bool,
    /// Each packet is written as it comes.
    pub each: bool,
    /// Comments of a pcapng file.
    pub comments: Vec<String>,
    /// Its interfaces, in the order of their numbers; a pcap file has one without a name.
    pub interfaces: Vec<Interface>,
}

/// An interface of a pcapng file.
#[derive(Clone, Debug, Default)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its link type as files number it.
    pub link: u32,
    /// What else is known of it.
    pub comment: String,
}

/// A capture file on its way to the disk.
pub struct Sink {
    to: Box<dyn Write>,
    /// Whole packets that are not written yet.
    held: Vec<u8>,
    /// For a regular file: where its last whole packet ends, and the file to cut there.
    file: Option<(File, u64)>,
    each: bool,
    pcapng: bool,
    nano: bool,
    bytes: u64,
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").field("held", &self.held.len()).finish_non_exhaustive()
    }
}

impl Sink {
    /// Begins a file of packets of one link type, `-` for standard output.
    pub fn create(name: &str, link: u32, shape: &Shape) -> io::Result<Self> {
        let (to, file): (Box<dyn Write>, _) = if name == "-" {
            (Box::new(io::stdout()), None)
        } else {
            let file = File::create(name)?;
            let cut = file.metadata()?.is_file().then(|| file.try_clone()).transpose()?;
            (Box::new(file), cut.map(|file| (file, 0)))
        };
        let held = Vec::with_capacity(2 * BLOCK);
        let (pcapng, nano, each) = (shape.pcapng, shape.nano, shape.each);
        let mut sink = Self { to, held, file, each, pcapng, nano, bytes: 0 };
        if pcapng {
            sink.head_ng(link, shape)
        } else {
            sink.head(link, shape)
        }
        sink.bytes = sink.held.len() as u64;
        sink.flush()?;
        Ok(sink)
    }

    /// Bytes that belong to the file so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn head(&mut self, link: u32, shape: &Shape) {
        let magic: u32 = if shape.nano { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
        self.held.extend(magic.to_le_bytes());
        self.held.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        self.held.extend(shape.snaplen.to_le_bytes());
        self.held.extend(link.to_le_bytes());
    }

    fn head_ng(&mut self, link: u32, shape: &Shape) {
        let mut body = [0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0].to_vec();
        body.extend([0xff; 8]);
        shape.comments.iter().for_each(|comment| option(&mut body, 1, comment.as_bytes()));
        option(&mut body, 4, concat!("flanctl ", env!("CARGO_PKG_VERSION")).as_bytes());
        option(&mut body, 0, &[]);
        self.block(0x0a0d_0d0a, &body);
        let alone = [Interface { link, ..Interface::default() }];
        let interfaces = if shape.interfaces.is_empty() { &alone[..] } else { &shape.interfaces };
        for interface in interfaces {
            let mut body = (interface.link as u16).to_le_bytes().to_vec();
            body.extend([0, 0]);
            body.extend(shape.snaplen.to_le_bytes());
            for (code, text) in [(2, &interface.name), (1, &interface.comment)] {
                if !text.is_empty() {
                    option(&mut body, code, text.as_bytes());
                }
            }
            option(&mut body, 9, &[if shape.nano { 9 } else { 6 }]);
            option(&mut body, 0, &[]);
            self.block(1, &body);
        }
    }

    /// A block of a pcapng file: its length stands at both ends.
    fn block(&mut self, kind: u32, body: &[u8]) {
        let padded = body.len().next_multiple_of(4);
        let whole = padded as u32 + 12;
        self.held.extend(kind.to_le_bytes());
        self.held.extend(whole.to_le_bytes());
        self.held.extend(body);
        self.held.resize(self.held.len() + padded - body.len(), 0);
        self.held.extend(whole.to_le_bytes());
    }

    /// A packet.
    pub fn packet(&mut self, packet: &Packet<'_>) -> io::Result<()> {
        let (before, captured) = (self.held.len(), packet.data.len() as u32);
        if self.pcapng {
            let each = if self.nano { 1_000_000_000 } else { 1_000_000 };
            let stamp = packet.ts.secs.wrapping_mul(each).wrapping_add(packet.ts.frac.into()).cast_unsigned();
            let mut body = Vec::with_capacity(packet.data.len() + 20);
            for word in [packet.interface, (stamp >> 32) as u32, stamp as u32, captured, packet.len] {
                body.extend(word.to_le_bytes());
            }
            body.extend(packet.data);
            self.block(6, &body);
        } else {
            for word in [packet.ts.secs as u32, packet.ts.frac, captured, packet.len] {
                self.held.extend(word.to_le_bytes());
            }
            self.held.extend(packet.data);
        }
        self.bytes += (self.held.len() - before) as u64;
        if self.each || self.held.len() >= BLOCK { self.flush() } else { Ok(()) }
    }

    /// What an interface received and lost, told by a pcapng file alone.
    pub fn counts(&mut self, interface: u32, received: u64, dropped: u64) {
        if self.pcapng {
            let mut body = interface.to_le_bytes().to_vec();
            body.extend([0; 8]);
            option(&mut body, 4, &received.to_le_bytes());
            option(&mut body, 5, &dropped.to_le_bytes());
            option(&mut body, 0, &[]);
            self.block(5, &body);
        }
    }

    /// Everything to the disk; on a full one the file is cut behind its last whole packet.
    pub fn flush(&mut self) -> io::Result<()> {
        let written = self.to.write_all(&self.held).and_then(|()| self.to.flush());
        if let Some((file, whole)) = &mut self.file {
            match &written {
                Ok(()) => *whole += self.held.len() as u64,
                // The first error is the one to tell.
                Err(_) => {
                    let end = file.stream_position().unwrap_or(*whole);
                    let kept = whole_packets(&self.held, self.pcapng, end.saturating_sub(*whole));
                    drop(file.set_len(*whole + kept));
                }
            }
        }
        self.held.clear();
        written
    }
}

/// Bytes of the packets, or blocks, that end within the first `written` bytes.
fn whole_packets(held: &[u8], pcapng: bool, written: u64) -> u64 {
    let (field, more) = if pcapng { (4, 0) } else { (8, 16) };
    let mut at = 0;
    while let Ok(size) = le32(held, at + field) {
        let next = at + size as usize + more;
        if next as u64 > written || next == at {
            break;
        }
        at = next;
    }
    at as u64
}

/// An option of a block, filled up to four bytes.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend(code.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

/// Starts `-z`'s command on a file that is complete. Nobody waits for it.
pub fn start(command: &str, file: &str) -> io::Result<Child> {
    Command::new(command).arg(file).stdin(Stdio::null()).spawn()
}
