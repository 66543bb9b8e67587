//! What a pcapng file says beside its packets: interfaces, names, comments, drop counts.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::pcap::most;
use super::{Broken, Precision, snaplen, u16_at, u32_at};

const COMMENT: u16 = 1;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
const ISB_IFDROP: u16 = 5;

/// Names and comments that are kept of one file; the rest is passed over.
const MOST_NOTES: usize = 100_000;

/// One interface of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The link type as files number it.
    pub link: u32,
    /// The longest packet it delivers.
    pub snaplen: u32,
    /// Its name where it was captured.
    pub name: Option<String>,
    /// Time stamps a second.
    per_second: u64,
    /// Seconds to add.
    offset: i64,
}

impl Interface {
    /// Reads the body of an interface description.
    pub(super) fn parse(body: &[u8], big: bool) -> Result<Self, Broken> {
        let (Some(link), Some(told)) = (u16_at(body, 0, big), u32_at(body, 4, big)) else {
            return Err(Broken::Block("block is too short for an interface".to_owned()));
        };
        let link = u32::from(link);
        let mut made = Self {
            link,
            snaplen: if told == 0 || told > i32::MAX as u32 { most(link) } else { snaplen(told) },
            name: None,
            per_second: 1_000_000,
            offset: 0,
        };
        for (code, value) in options(body.get(8..).unwrap_or_default(), big) {
            match (code, value) {
                (IF_NAME, name) => made.name = Some(text(name)),
                (IF_TSRESOL, [resolution, ..]) => made.per_second = per_second(*resolution)?,
                (IF_TSOFFSET, value) => made.offset = i64_of(value, big).unwrap_or_default(),
                _ => {}
            }
        }
        Ok(made)
    }

    /// A time stamp as seconds and the rest.
    pub(super) fn time(&self, stamp: u64, precision: Precision) -> (i64, u32) {
        let wanted = precision.per_second();
        let (sec, rest) = (stamp / self.per_second, stamp % self.per_second);
        let frac = if self.per_second == wanted {
            rest
        } else {
            (u128::from(rest) * u128::from(wanted) / u128::from(self.per_second)) as u64
        };
        (sec.cast_signed().wrapping_add(self.offset), frac as u32)
    }
}

/// 10 or, with the upper bit, 2 to the power of the rest.
fn per_second(resolution: u8) -> Result<u64, Broken> {
    let power = u32::from(resolution & 0x7f);
    let made = if resolution & 0x80 == 0 { 10u64.checked_pow(power) } else { 1u64.checked_shl(power) };
    made.ok_or_else(|| {
        let base = if resolution & 0x80 == 0 { 10 } else { 2 };
        Broken::Block(format!(
            "Interface Description Block if_tsresol option resolution {base}^-{power} is too high"
        ))
    })
}

/// What the file says beside its packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Comments of sections and interfaces.
    pub comments: Vec<String>,
    /// Names of addresses.
    pub names: BTreeMap<IpAddr, String>,
    /// Packets that the kernel dropped, by interface.
    pub drops: BTreeMap<u32, u64>,
}

impl Notes {
    pub(super) fn section(&mut self, area: &[u8], big: bool) {
        self.comment(area, big);
    }

    pub(super) fn interface(&mut self, area: &[u8], big: bool) {
        self.comment(area, big);
    }

    fn comment(&mut self, area: &[u8], big: bool) {
        for (_, value) in options(area, big).filter(|(code, _)| *code == COMMENT) {
            if self.comments.len() < MOST_NOTES {
                self.comments.push(text(value));
            }
        }
    }

    /// A block of names: an address, then one or more names that end in a zero byte; the first counts.
    pub(super) fn names(&mut self, body: &[u8], big: bool) {
        for (kind, value) in options(body, big) {
            let parted = match kind {
                1 => value.split_first_chunk::<4>().map(|(ip, rest)| (IpAddr::V4(Ipv4Addr::from(*ip)), rest)),
                2 => {
                    value.split_first_chunk::<16>().map(|(ip, rest)| (IpAddr::V6(Ipv6Addr::from(*ip)), rest))
                }
                _ => None,
            };
            let Some((ip, rest)) = parted else { continue };
            let name = rest.split(|byte| *byte == 0).next().unwrap_or_default();
            if !name.is_empty() && self.names.len() < MOST_NOTES {
                self.names.entry(ip).or_insert_with(|| text(name));
            }
        }
    }

    pub(super) fn statistics(&mut self, body: &[u8], big: bool) {
        let Some(iface) = u32_at(body, 0, big) else { return };
        for (_, value) in options(body.get(12..).unwrap_or_default(), big).filter(|(c, _)| *c == ISB_IFDROP) {
            if self.drops.len() < MOST_NOTES {
                self.drops.insert(iface, i64_of(value, big).unwrap_or_default().cast_unsigned());
            }
        }
    }
}

/// The options (or records) of a block, each with its code; ends at the first that does not fit.
fn options(area: &[u8], big: bool) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = area;
    std::iter::from_fn(move || {
        let (code, len) = (u16_at(rest, 0, big)?, u16_at(rest, 2, big)?);
        let len = usize::from(len);
        let value = rest.get(4..4 + len)?;
        rest = rest.get(4 + len.next_multiple_of(4)..).unwrap_or_default();
        (code != 0).then_some((code, value))
    })
}

fn i64_of(value: &[u8], big: bool) -> Option<i64> {
    let word: [u8; 8] = value.first_chunk().copied()?;
    Some(if big { i64::from_be_bytes(word) } else { i64::from_le_bytes(word) })
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).trim_end_matches('\0').to_owned()
}
