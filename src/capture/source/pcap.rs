//! The pcap format: a file header, then packets with a header each.

use super::{Broken, Found, Head, MAX_SNAPLEN, Piece, Precision, Record, snaplen, u16_at, u32_at};

/// Bytes before the first packet.
pub(super) const FILE_HEADER: usize = 24;

const MICRO: u32 = 0xa1b2_c3d4;
const NANO: u32 = 0xa1b2_3c4d;
/// Written by a patched libpcap of the nineties; its packet headers have eight bytes more.
const PATCHED: u32 = 0xa1b2_cd34;

/// Whether the two lengths of a packet header stand the other way round, as early versions wrote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Swapped {
    No,
    IfLarger,
    Yes,
}

/// How the times of the file become those that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Same,
    Up,
    Down,
}

/// What the file header says.
#[derive(Debug)]
pub(super) struct Pcap {
    big: bool,
    header: usize,
    swapped: Swapped,
    scale: Scale,
    link: u32,
    snaplen: u32,
    /// What a packet has at most that is taken as it is; 0 if no header can be.
    plain: u32,
}

impl Pcap {
    /// Reads the file header; the inner error is what to wait for.
    pub(super) fn begin(unread: &[u8], precision: Precision) -> Result<Result<(Self, Head), Piece>, Broken> {
        let magic = |big| u32_at(unread, 0, big).unwrap_or_default();
        let known = |magic| matches!(magic, MICRO | NANO | PATCHED);
        let big = match (known(magic(false)), known(magic(true))) {
            (true, _) => false,
            (_, true) => true,
            _ => return Err(Broken::Unknown),
        };
        let (Some(major), Some(minor), Some(told), Some(link)) = (
            u16_at(unread, 4, big),
            u16_at(unread, 6, big),
            u32_at(unread, 16, big),
            u32_at(unread, 20, big),
        ) else {
            let (wanted, got) = (FILE_HEADER as u32, unread.len() as u32);
            return Ok(Err(Piece::Need(Broken::Cut { what: "file header", wanted, got })));
        };
        let swapped = match (major, minor) {
            (0 | 1, _) => return Err(Broken::Archaic),
            (2, 0..=2) => Swapped::Yes,
            (2, 3) | (543, 0) => Swapped::IfLarger,
            (2, 4) => Swapped::No,
            _ => return Err(Broken::Version { format: "pcap", major, minor }),
        };
        let scale = match (magic(big), precision) {
            (NANO, Precision::Micro) => Scale::Down,
            (NANO, Precision::Nano) | (_, Precision::Micro) => Scale::Same,
            (_, Precision::Nano) => Scale::Up,
        };
        let header = if magic(big) == PATCHED { 24 } else { 16 };
        // The upper bits tell of frame check sequences.
        let head = Head { link: link & 0x03ff_ffff, snaplen: snaplen(told) };
        let as_it_is = header == 16 && swapped == Swapped::No && scale == Scale::Same;
        let plain = if as_it_is { head.snaplen.min(most(head.link)) } else { 0 };
        let pcap = Self { big, header, swapped, scale, link: head.link, snaplen: head.snaplen, plain };
        Ok(Ok((pcap, head)))
    }

    /// The next packet, if there is nothing to say about its header; and how many bytes it takes.
    #[inline]
    pub(super) fn plain<'a>(&self, unread: &'a [u8]) -> Option<(Record<'a>, usize)> {
        let (head, rest) = unread.split_first_chunk::<16>()?;
        let [sec, frac, captured, len] = <[[u8; 4]; 4]>::try_from(head.as_chunks().0)
            .ok()?
            .map(|word| if self.big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) });
        if captured > self.plain {
            return None;
        }
        let data = rest.get(..captured as usize)?;
        Some((Record { sec: sec.into(), frac, len, iface: 0, link: self.link, data }, 16 + data.len()))
    }

    /// The next packet.
    pub(super) fn piece(&self, unread: &[u8]) -> Result<Piece, Broken> {
        let word = |at| u32_at(unread, at, self.big);
        let enough = unread.len() >= self.header;
        let (true, Some(sec), Some(frac), Some(first), Some(second)) =
            (enough, word(0), word(4), word(8), word(12))
        else {
            let (wanted, got) = (self.header as u32, unread.len() as u32);
            return Ok(Piece::Need(Broken::Cut { what: "header", wanted, got }));
        };
        let turned = match self.swapped {
            Swapped::No => false,
            Swapped::IfLarger => first > second,
            Swapped::Yes => true,
        };
        let (captured, len) = if turned { (second, first) } else { (first, second) };
        let most = most(self.link);
        if captured > most {
            let (what, most) =
                if self.snaplen > most { ("snaplen", self.snaplen) } else { ("maximum", most) };
            return Err(Broken::TooLong(captured, what, most));
        }
        let whole = self.header + captured as usize;
        if unread.len() < whole {
            let got = (unread.len() - self.header) as u32;
            let cut = Broken::Cut { what: "captured", wanted: captured, got };
            return Ok(Piece::Need(cut));
        }
        let frac = match self.scale {
            Scale::Same => frac,
            Scale::Up => frac.wrapping_mul(1000),
            Scale::Down => frac / 1000,
        };
        let found = Found {
            sec: i64::from(sec),
            frac,
            len,
            iface: 0,
            link: self.link,
            data_at: self.header,
            // More than the file promised: the promise holds.
            captured: captured.min(self.snaplen) as usize,
        };
        Ok(Piece::Packet(found, whole))
    }
}

/// The largest packet of a link type that is no sign of damage.
pub(super) const fn most(link: u32) -> u32 {
    match link {
        // D-Bus messages, and a bus with large frames.
        231 => 128 * 1024 * 1024,
        279 => 8 * 1024 * 1024,
        // USB with its pseudo-headers.
        189 | 220 | 249 | 266 | 292 | 288 | 293 | 294 | 295 => 128 * 1024 * 1024,
        _ => MAX_SNAPLEN,
    }
}
