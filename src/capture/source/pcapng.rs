//! The pcapng format: blocks that say their own length, in sections that have their own byte order.

use super::ng_options::{Interface, Notes};
use super::pcap::most;
use super::{Broken, Found, Head, Piece, Precision, u16_at, u32_at};

/// The type of the block that begins a section; the same in both byte orders.
pub(super) const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const NAMES: u32 = 4;
const STATISTICS: u32 = 5;
const PACKET: u32 = 6;

const ORDER: u32 = 0x1a2b_3c4d;
/// No block that anybody writes is longer; a larger number is damage.
const MOST: u32 = 16 * 1024 * 1024;

/// What of the file has been read.
#[derive(Debug)]
pub(super) struct Ng {
    precision: Precision,
    big: bool,
    opened: bool,
    /// Of the section that is being read.
    pub(super) interfaces: Vec<Interface>,
    /// Of the whole file.
    pub(super) notes: Notes,
}

impl Ng {
    pub(super) fn new(precision: Precision) -> Self {
        Self { precision, big: false, opened: false, interfaces: Vec::new(), notes: Notes::default() }
    }

    /// True once the link type of the first packets is known.
    pub(super) fn opened(&self) -> bool {
        self.opened
    }

    /// The next block.
    pub(super) fn piece(&mut self, unread: &[u8]) -> Result<Piece, Broken> {
        let need = |wanted: usize, from: usize| {
            let got = unread.len().saturating_sub(from) as u32;
            Ok(Piece::Need(Broken::CutBlock { wanted: (wanted - from) as u32, got }))
        };
        let begins = u32_at(unread, 0, false) == Some(SECTION);
        if begins {
            let Some(order) = u32_at(unread, 8, false) else { return need(12, 0) };
            match (order, order.swap_bytes()) {
                (ORDER, _) => self.big = false,
                (_, ORDER) => self.big = true,
                _ => return Err(Broken::Unknown),
            }
        }
        let (Some(kind), Some(total)) = (u32_at(unread, 0, self.big), u32_at(unread, 4, self.big)) else {
            return match (self.opened, unread.len()) {
                (false, 0) => {
                    let text = "the capture file has no Interface Description Blocks";
                    Ok(Piece::Need(Broken::Block(text.to_owned())))
                }
                _ => need(8, 0),
            };
        };
        let least = if begins { 28 } else { 12 };
        if total < least {
            let whose = if begins { "Section Header Block" } else { "block" };
            return Err(Broken::Block(format!(
                "{whose} in pcapng dump file has a length of {total} < {least}"
            )));
        }
        if !total.is_multiple_of(4) {
            let text =
                format!("block in pcapng dump file has a length of {total} that is not a multiple of 4");
            return Err(Broken::Block(text));
        }
        // A block that holds no packet may be any size that fits into memory twice.
        if total > MOST.max(self.interfaces.iter().map(|i| most(i.link)).max().unwrap_or_default()) {
            return Err(Broken::Block(format!("pcapng block size {total} > maximum {MOST}")));
        }
        let whole = total as usize;
        let Some(block) = unread.get(..whole) else { return need(whole, 8) };
        if u32_at(block, whole - 4, self.big) != Some(total) {
            return Err(Broken::Block("block total length in header and trailer don't match".to_owned()));
        }
        let body = block.get(8..whole - 4).unwrap_or_default();
        self.block(kind, body, whole)
    }

    /// One whole block.
    fn block(&mut self, kind: u32, body: &[u8], whole: usize) -> Result<Piece, Broken> {
        match kind {
            SECTION => {
                let (major, minor) = (u16_at(body, 4, self.big), u16_at(body, 6, self.big));
                let (major, minor) = (major.unwrap_or_default(), minor.unwrap_or_default());
                // 1.2 is 1.0 with a number that a program wrote by mistake.
                if major != 1 || !matches!(minor, 0 | 2) {
                    return Err(Broken::Version { format: "pcapng", major, minor });
                }
                self.interfaces.clear();
                self.notes.section(body.get(16..).unwrap_or_default(), self.big);
                Ok(Piece::Skip(whole))
            }
            INTERFACE => {
                let interface = Interface::parse(body, self.big)?;
                let head = Head { link: interface.link, snaplen: interface.snaplen };
                self.notes.interface(body.get(8..).unwrap_or_default(), self.big);
                self.interfaces.push(interface);
                if self.opened {
                    return Ok(Piece::Skip(whole));
                }
                self.opened = true;
                Ok(Piece::Head(head, whole))
            }
            PACKET | OLD_PACKET | SIMPLE_PACKET if !self.opened => {
                let text = "the capture file has a packet block before any Interface Description Blocks";
                Err(Broken::Block(text.to_owned()))
            }
            PACKET | OLD_PACKET => {
                let iface = if kind == PACKET {
                    u32_at(body, 0, self.big)
                } else {
                    // The upper half counts drops.
                    u16_at(body, 0, self.big).map(u32::from)
                };
                self.timed(iface.unwrap_or_default(), body, whole)
            }
            SIMPLE_PACKET => self.simple(body, whole),
            NAMES => {
                self.notes.names(body, self.big);
                Ok(Piece::Skip(whole))
            }
            STATISTICS => {
                self.notes.statistics(body, self.big);
                Ok(Piece::Skip(whole))
            }
            _ => Ok(Piece::Skip(whole)),
        }
    }

    /// A packet with a time and an interface.
    fn timed(&self, iface: u32, body: &[u8], whole: usize) -> Result<Piece, Broken> {
        let word = |at| u32_at(body, at, self.big);
        let (Some(high), Some(low), Some(captured), Some(len)) = (word(4), word(8), word(12), word(16))
        else {
            return Err(Broken::Block("block is too short for a packet".to_owned()));
        };
        let interface = self.on(iface)?;
        fits(captured, body.len() - 20, interface)?;
        let (sec, frac) = interface.time((u64::from(high) << 32) | u64::from(low), self.precision);
        let (captured, link) = (captured as usize, interface.link);
        Ok(Piece::Packet(Found { sec, frac, len, iface, link, data_at: 28, captured }, whole))
    }

    /// A packet with nothing but its length, on the first interface.
    fn simple(&self, body: &[u8], whole: usize) -> Result<Piece, Broken> {
        let Some(len) = u32_at(body, 0, self.big) else {
            return Err(Broken::Block("block is too short for a packet".to_owned()));
        };
        let interface = self.on(0)?;
        let captured = len.min(interface.snaplen);
        fits(captured, body.len() - 4, interface)?;
        let (captured, link) = (captured as usize, interface.link);
        Ok(Piece::Packet(Found { sec: 0, frac: 0, len, iface: 0, link, data_at: 12, captured }, whole))
    }

    fn on(&self, iface: u32) -> Result<&Interface, Broken> {
        self.interfaces.get(iface as usize).ok_or_else(|| {
            Broken::Block(format!(
                "a packet arrived on interface {iface}, but there's no Interface Description Block for that \
                 interface"
            ))
        })
    }
}

/// The packet must lie in its block, and be no longer than its interface delivers.
fn fits(captured: u32, room: usize, interface: &Interface) -> Result<(), Broken> {
    if captured > interface.snaplen {
        return Err(Broken::TooLong(captured, "snaplen", interface.snaplen));
    }
    if captured as usize > room {
        return Err(Broken::Block(format!("block has no room for a packet of {captured} bytes")));
    }
    Ok(())
}
