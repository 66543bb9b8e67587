//! Opens a capture file, standard input included, and takes off gzip or zstd. Reads bytes; knows no packet.
#![expect(clippy::disallowed_methods, reason = "opens the file that it was asked for")]

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// An opened capture file.
pub struct Input {
    /// Its bytes, unpacked.
    pub bytes: Box<dyn Read>,
    /// True if a read may wait for a writer: what was printed is to be seen meanwhile.
    pub waits: bool,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("waits", &self.waits).finish_non_exhaustive()
    }
}

/// Opens a file by name, `-` for standard input.
pub fn open(name: &str) -> io::Result<Input> {
    let (bytes, waits): (Box<dyn Read>, bool) = if name == "-" {
        (Box::new(io::stdin().lock()), true)
    } else {
        let file = File::open(name)?;
        let regular = file.metadata()?.is_file();
        (Box::new(file), !regular)
    };
    Ok(Input { bytes: unpacked(bytes)?, waits })
}

/// The same bytes, or what gzip or zstd made them of.
pub fn unpacked(mut bytes: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    let mut magic = Vec::with_capacity(ZSTD.len());
    bytes.by_ref().take(ZSTD.len() as u64).read_to_end(&mut magic)?;
    let packed = magic.clone();
    let whole = Cursor::new(magic).chain(bytes);
    Ok(if packed.starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(BufReader::with_capacity(128 * 1024, whole)))
    } else if packed.starts_with(ZSTD) {
        Box::new(Frames::Between(Box::new(BufReader::with_capacity(128 * 1024, whole))))
    } else {
        Box::new(whole)
    })
}

type Packed = Box<dyn io::BufRead>;

/// zstd's frames one after another, as `cat a.zst b.zst` makes them.
enum Frames {
    Between(Packed),
    Inside(Box<StreamingDecoder<Packed, ruzstd::decoding::FrameDecoder>>),
    Over,
}

impl Read for Frames {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(self, Self::Over) {
                Self::Over => return Ok(0),
                Self::Between(mut rest) => {
                    if rest.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    let frame = StreamingDecoder::new(rest).map_err(io::Error::other)?;
                    *self = Self::Inside(Box::new(frame));
                }
                Self::Inside(mut frame) => {
                    let got = frame.read(room)?;
                    if got > 0 || room.is_empty() {
                        *self = Self::Inside(frame);
                        return Ok(got);
                    }
                    *self = Self::Between(frame.into_inner());
                }
            }
        }
    }
}

/// The text of a small file, such as a list of files or a filter.
pub fn text(name: &str) -> io::Result<String> {
    if name == "-" {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(name)
}
