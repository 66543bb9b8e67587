//! Flows: packets gathered by both ends and the tunnel around them, with what a bystander can tell of each.
//!
//! A flow's name is the innermost packet's protocol, addresses and ports, and the tunnel it came through: its kind,
//! network, port and ends. What passes beside every tunnel is a flow, too. An ICMP error belongs to the flow of the
//! packet that it quotes, be that quoted inside the tunnel or around it, and not to one between the sender of the
//! error and its receiver. Fragments behind the first belong where the first does.

mod echo;
pub mod key;
mod point;
mod repeat;
pub mod report;
mod rtt;
mod seen;
mod spark;
mod store;
mod tcp;
#[cfg(test)]
mod tests;
pub mod text;

pub use point::Place;
pub use spark::Beat;

use key::Key;
use point::Flow;
use seen::{Parts, Says, Seen};
use store::Store;

use super::ctx::Tunnels;
use super::packet::{Link, Packet, Stamp};
use super::reader::be32;

/// Packets of which more fragments may come.
const PARTED: usize = 32;

/// The flows of a capture.
#[derive(Debug)]
pub struct Flows {
    store: Store,
    beat: Beat,
    nano: bool,
    parted: [Option<(Parts, Key, bool)>; PARTED],
    oldest: usize,
    /// Packets that were taken.
    captured: u64,
    /// Packets that are not IP, or whose headers were not captured.
    other: u64,
    /// Packets that were counted before, on another hop or interface.
    copies: u64,
    first: Option<i64>,
    last: i64,
}

impl Flows {
    /// At most so many flows; the fractions of times are nanoseconds if `nano` says so.
    pub fn new(most: usize, beat: Beat, nano: bool) -> Self {
        Self {
            store: Store::new(most),
            beat,
            nano,
            parted: [None; PARTED],
            oldest: 0,
            captured: 0,
            other: 0,
            copies: 0,
            first: None,
            last: i64::MIN,
        }
    }

    /// The latest packet's time in nanoseconds since 1970.
    pub fn now(&self) -> Option<i64> {
        self.first.map(|_| self.last)
    }

    /// Takes a packet.
    pub fn packet(&mut self, packet: &Packet<'_>, tunnels: &Tunnels) {
        let now = self.nanos(packet.ts);
        self.first.get_or_insert(now);
        self.last = self.last.max(now);
        self.captured += 1;
        match seen::seen(packet, tunnels) {
            Ok(seen) => self.take(&seen, place(packet), now),
            Err(_) => self.other += 1,
        }
    }

    fn nanos(&self, Stamp { secs, frac }: Stamp) -> i64 {
        let frac = i64::from(frac) * if self.nano { 1 } else { 1000 };
        secs.saturating_mul(1_000_000_000).saturating_add(frac)
    }

    fn take(&mut self, seen: &Seen, place: Place, now: i64) {
        let beat = &mut self.beat;
        if let Says::Error(quote) = &seen.says {
            let about = self.store.meant(&quote.about).unwrap_or(quote.about);
            if let Some(flow) = self.store.touch(&about, || Flow::new(about, quote.back, now)) {
                flow.error(quote, place, now);
            }
            return;
        }
        match seen.part {
            Some((parts, true)) => {
                let known = self.parted.iter().flatten().find(|(known, ..)| *known == parts);
                if let Some((_, key, back)) = known
                    && let Some(flow) = self.store.touch(key, || Flow::new(*key, *back, now))
                {
                    return flow.fragment(*back, seen.bytes, place, beat, now);
                }
            }
            Some((parts, false)) => {
                if let Some(slot) = self.parted.get_mut(self.oldest) {
                    *slot = Some((parts, seen.key, seen.back));
                }
                self.oldest = (self.oldest + 1) % PARTED;
            }
            None => {}
        }
        let back = seen.back != matches!(seen.says, Says::Reply(_));
        let Some(flow) = self.store.touch(&seen.key, || Flow::new(seen.key, back, now)) else { return };
        if !flow.packet(seen, place, beat, now) {
            self.copies += 1;
        }
    }
}

/// Where the packet was captured.
fn place(packet: &Packet<'_>) -> Place {
    let index = (packet.link == Link::SLL2).then(|| be32(packet.data, 4).ok()).flatten();
    Place { interface: packet.interface, index, blind: packet.link == Link::SLL }
}
