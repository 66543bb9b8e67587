//! `-w`: packets into a file that stays readable whatever happens: only whole packets are ever written.
#![expect(clippy::disallowed_methods, reason = "makes the file that it was asked for")]

use std::fs::File;
use std::io::{self, Write};

use crate::capture::packet::Packet;

/// Bytes that are written at once.
const BLOCK: usize = 128 * 1024;

/// A pcap file on its way to the disk.
pub struct Sink {
    to: Box<dyn Write>,
    /// Whole packets that are not written yet.
    held: Vec<u8>,
    /// For a regular file: where its last whole packet ends, and the file to cut there.
    file: Option<(File, u64)>,
    each: bool,
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink").field("held", &self.held.len()).finish_non_exhaustive()
    }
}

impl Sink {
    /// Begins a file of packets of one link type, `-` for standard output.
    pub fn create(name: &str, link: u32, snaplen: u32, nano: bool, each: bool) -> io::Result<Self> {
        let (to, file): (Box<dyn Write>, _) = if name == "-" {
            (Box::new(io::stdout()), None)
        } else {
            let file = File::create(name)?;
            let cut = file.metadata()?.is_file().then(|| file.try_clone()).transpose()?;
            (Box::new(file), cut.map(|file| (file, 0)))
        };
        let mut sink = Self { to, held: Vec::with_capacity(2 * BLOCK), file, each };
        let magic: u32 = if nano { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
        sink.held.extend(magic.to_le_bytes());
        sink.held.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        sink.held.extend(snaplen.to_le_bytes());
        sink.held.extend(link.to_le_bytes());
        sink.flush()?;
        Ok(sink)
    }

    /// A packet.
    pub fn packet(&mut self, packet: &Packet<'_>) -> io::Result<()> {
        let captured = packet.data.len() as u32;
        for word in [packet.ts.secs as u32, packet.ts.frac, captured, packet.len] {
            self.held.extend(word.to_le_bytes());
        }
        self.held.extend(packet.data);
        if self.each || self.held.len() >= BLOCK { self.flush() } else { Ok(()) }
    }

    /// Everything to the disk; on a full one the file is cut behind its last whole packet.
    pub fn flush(&mut self) -> io::Result<()> {
        let written = self.to.write_all(&self.held).and_then(|()| self.to.flush());
        if let Some((file, whole)) = &mut self.file {
            match &written {
                Ok(()) => *whole += self.held.len() as u64,
                // The first error is the one to tell.
                Err(_) => drop(file.set_len(*whole)),
            }
        }
        self.held.clear();
        written
    }
}
