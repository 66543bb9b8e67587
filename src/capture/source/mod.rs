//! Capture files, byte by byte: pcap and pcapng in both byte orders, from bytes that come as they come.
//! [`Decoder`] is given bytes and gives records that borrow from its buffer; it reads nothing itself.

mod ng_options;
mod pcap;
mod pcapng;

pub use ng_options::{Interface, Notes};

use std::io::{self, Read};

use super::packet::{Link, Packet, Stamp};

/// Bytes that are asked for at once: large enough that reading costs nothing, small enough to stay in the cache.
const ROOM: usize = 128 * 1024;

/// No link type that is printed has larger packets (`MAXIMUM_SNAPLEN` of libpcap).
pub const MAX_SNAPLEN: u32 = 262_144;

/// The unit of [`Record::frac`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Microseconds.
    #[default]
    Micro,
    /// Nanoseconds.
    Nano,
}

impl Precision {
    /// Units in a second.
    pub const fn per_second(self) -> u64 {
        match self {
            Self::Micro => 1_000_000,
            Self::Nano => 1_000_000_000,
        }
    }
}

/// One packet of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Seconds since 1970; unsigned in a pcap file, and printed so.
    pub sec: i64,
    /// The rest, in the decoder's [`Precision`]; a broken file may hold more than a second here.
    pub frac: u32,
    /// Bytes on the wire.
    pub len: u32,
    /// Number of the interface in its section, 0 in a pcap file.
    pub iface: u32,
    /// The link type as files number it (`LINKTYPE_…`).
    pub link: u32,
    /// What was captured.
    pub data: &'a [u8],
}

impl<'a> Record<'a> {
    /// As the printers take it.
    pub fn packet(&self) -> Packet<'a> {
        Packet {
            ts: Stamp { secs: self.sec, frac: self.frac },
            len: self.len,
            caplen: self.data.len() as u32,
            link: Link(self.link as u16),
            data: self.data,
            interface: self.iface,
        }
    }
}

/// What stands before the first packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The link type as files number it.
    pub link: u32,
    /// Longest packet that the file promises.
    pub snaplen: u32,
}

/// What the decoder has to say next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// The file is a capture; said once, before any record.
    Opened(Head),
    /// A packet.
    Record(Record<'a>),
    /// Give it more bytes.
    More,
    /// The end of the file, between two packets.
    End,
}

/// What is wrong with a file. The words are libpcap's, so that scripts that know them find them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// Neither magic number.
    #[error("unknown file format")]
    Unknown,
    /// A pcap file ends inside something.
    #[error("truncated dump file; tried to read {wanted} {what} bytes, only got {got}")]
    Cut {
        /// `file header`, `header` or `captured`.
        what: &'static str,
        /// How many were needed.
        wanted: u32,
        /// How many there were.
        got: u32,
    },
    /// A pcapng file ends inside a block.
    #[error("truncated pcapng dump file; tried to read {wanted} bytes, only got {got}")]
    CutBlock {
        /// How many were needed.
        wanted: u32,
        /// How many there were.
        got: u32,
    },
    /// A version that nobody knows.
    #[error("unsupported {format} savefile version {major}.{minor}")]
    Version {
        /// `pcap` or `pcapng`.
        format: &'static str,
        /// Before the dot.
        major: u16,
        /// Behind it.
        minor: u16,
    },
    /// A pcap file from before 1990.
    #[error("archaic pcap savefile format")]
    Archaic,
    /// A packet that no interface could have delivered.
    #[error("invalid packet capture length {0}, bigger than {1} of {2}")]
    TooLong(u32, &'static str, u32),
    /// A pcapng block whose lengths cannot be.
    #[error("{0}")]
    Block(String),
}

/// A file's format, once its first bytes are there.
#[derive(Debug)]
enum Format {
    Unknown,
    Pcap(pcap::Pcap),
    Ng(Box<pcapng::Ng>),
}

/// Where a record lies in the buffer; [`Decoder::step`] lends it out.
#[derive(Clone, Copy, Debug)]
struct Found {
    sec: i64,
    frac: u32,
    len: u32,
    iface: u32,
    link: u32,
    /// From the buffer's unread part.
    data_at: usize,
    captured: usize,
}

/// What a format finds at the head of the unread bytes.
#[derive(Debug)]
enum Piece {
    /// The head, and how many bytes it takes.
    Head(Head, usize),
    /// A packet, and how many bytes it takes with all around it.
    Packet(Found, usize),
    /// Something without a packet, and how many bytes it takes.
    Skip(usize),
    /// More bytes must be there before anything can be said; and what to say if they never come.
    Need(Broken),
}

/// A capture file on its way through memory.
#[derive(Debug)]
pub struct Decoder {
    buf: Vec<u8>,
    start: usize,
    end: usize,
    eof: bool,
    over: bool,
    precision: Precision,
    format: Format,
}

impl Decoder {
    /// A decoder that tells times in `precision`.
    pub fn new(precision: Precision) -> Self {
        let buf = vec![0; ROOM];
        Self { buf, start: 0, end: 0, eof: false, over: false, precision, format: Format::Unknown }
    }

    /// Takes what `from` has now: one read. At its end the decoder knows that no more will come.
    pub fn fill(&mut self, from: &mut dyn Read) -> io::Result<()> {
        if self.start > 0 {
            self.buf.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buf.len() {
            self.buf.resize(self.buf.len() * 2, 0);
        }
        let room = self.buf.get_mut(self.end..).unwrap_or_default();
        let got = loop {
            match from.read(room) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.end += got;
        self.eof |= got == 0;
        Ok(())
    }

    /// The interfaces of the section that is being read; empty for a pcap file.
    pub fn interfaces(&self) -> &[Interface] {
        match &self.format {
            Format::Ng(ng) => &ng.interfaces,
            _ => &[],
        }
    }

    /// What the file says beside its packets; grows while it is read.
    pub fn notes(&self) -> Option<&Notes> {
        match &self.format {
            Format::Ng(ng) => Some(&ng.notes),
            _ => None,
        }
    }

    /// The next thing that the bytes hold. After an error, and after the end, always [`Step::End`].
    pub fn step(&mut self) -> Result<Step<'_>, Broken> {
        loop {
            if self.over {
                return Ok(Step::End);
            }
            let unread = self.buf.get(self.start..self.end).unwrap_or_default();
            if let Format::Pcap(pcap) = &self.format
                && let Some((record, taken)) = pcap.plain(unread)
            {
                self.start += taken;
                return Ok(Step::Record(record));
            }
            let piece = match &mut self.format {
                Format::Unknown => first(unread, self.precision, &mut self.format),
                Format::Pcap(pcap) => pcap.piece(unread),
                Format::Ng(ng) => ng.piece(unread),
            };
            match piece {
                Err(broken) => {
                    self.over = true;
                    return Err(broken);
                }
                Ok(Piece::Skip(taken)) => self.start += taken,
                Ok(Piece::Head(head, taken)) => {
                    self.start += taken;
                    return Ok(Step::Opened(head));
                }
                Ok(Piece::Packet(found, taken)) => {
                    let from = self.start + found.data_at;
                    self.start += taken;
                    let data = self.buf.get(from..from + found.captured).unwrap_or_default();
                    let Found { sec, frac, len, iface, link, .. } = found;
                    return Ok(Step::Record(Record { sec, frac, len, iface, link, data }));
                }
                Ok(Piece::Need(_)) if !self.eof => return Ok(Step::More),
                Ok(Piece::Need(broken)) => {
                    self.over = true;
                    // A file may end where nothing has begun, but not before it said what it is.
                    let ended = unread.is_empty() && self.may_end();
                    return if ended { Ok(Step::End) } else { Err(broken) };
                }
            }
        }
    }

    fn may_end(&self) -> bool {
        match &self.format {
            Format::Unknown => false,
            Format::Pcap(_) => true,
            Format::Ng(ng) => ng.opened(),
        }
    }
}

/// Which format begins here.
fn first(unread: &[u8], precision: Precision, format: &mut Format) -> Result<Piece, Broken> {
    let Some(magic) = u32_at(unread, 0, false) else {
        let got = unread.len() as u32;
        return Ok(Piece::Need(Broken::Cut { what: "file header", wanted: 4, got }));
    };
    if magic == pcapng::SECTION {
        *format = Format::Ng(Box::new(pcapng::Ng::new(precision)));
        return Ok(Piece::Skip(0));
    }
    match pcap::Pcap::begin(unread, precision)? {
        Ok((pcap, head)) => {
            *format = Format::Pcap(pcap);
            Ok(Piece::Head(head, pcap::FILE_HEADER))
        }
        Err(need) => Ok(need),
    }
}

/// Two bytes at `at`, in the file's order.
fn u16_at(bytes: &[u8], at: usize, big: bool) -> Option<u16> {
    let word: [u8; 2] = bytes.get(at..)?.first_chunk().copied()?;
    Some(if big { u16::from_be_bytes(word) } else { u16::from_le_bytes(word) })
}

/// Four bytes at `at`, in the file's order.
fn u32_at(bytes: &[u8], at: usize, big: bool) -> Option<u32> {
    let word: [u8; 4] = bytes.get(at..)?.first_chunk().copied()?;
    Some(if big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) })
}

/// The snapshot length as libpcap understands it: none means the most there can be.
const fn snaplen(told: u32) -> u32 {
    if told == 0 || told > i32::MAX as u32 { MAX_SNAPLEN } else { told }
}

#[cfg(test)]
mod tests;
