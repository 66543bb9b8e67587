//! What is counted of a flow, at each place where it is seen.
//!
//! A packet that passes several interfaces of one capture is seen at each. Every place counts for itself; what is
//! told of a direction is the place that saw most of it. So nothing is counted twice, and no copy is taken for a
//! retransmission.

use std::net::IpAddr;

use super::echo::Echoes;
use super::key::{Key, facing};
use super::repeat::{Again, Latest};
use super::seen::{Fault, Quote, Says, Seen};
use super::spark::{Beat, Spark};
use super::tcp::{self, Stream};

/// Places of one flow; what is seen at more of them is a copy, and counts at none.
const PLACES: usize = 8;

/// Without an identification only what comes within so many microseconds is the same packet rather than its like.
const SAME: u32 = 1000;

/// Where a packet is captured: the number that packets bear, and the index that a cooked header tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// Which of the file's or the session's interfaces.
    pub interface: u32,
    /// Its index on the host, if the packet tells.
    pub index: Option<u32>,
    /// Every interface is here, and packets do not tell which.
    pub blind: bool,
}

/// ICMP errors about a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Errors {
    /// Something was unreachable.
    pub unreachable: u64,
    /// A packet was too long for a link.
    pub too_big: u64,
    /// One was under way too long.
    pub time_exceeded: u64,
    /// A header could not be right.
    pub parameter: u64,
    /// Type, code and sender of the last.
    pub last: Option<(u8, u8, IpAddr)>,
    /// The MTU that was told last.
    pub mtu: Option<u32>,
}

impl Errors {
    /// How many there were.
    pub fn total(&self) -> u64 {
        self.unreachable + self.too_big + self.time_exceeded + self.parameter
    }
}

/// One direction at one place.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// Packets, duplicates among them.
    pub packets: u64,
    /// Bytes of IP packets.
    pub bytes: u64,
    /// Of TCP.
    pub stream: Stream,
    /// Packets that came twice, of other protocols.
    pub twice: u64,
    latest: Latest,
    echoes: Option<Box<Echoes>>,
}

/// A flow at one place.
#[derive(Clone, Debug)]
pub struct Point {
    /// Where.
    pub place: Place,
    /// From the end that sorts first, and from the other.
    pub sides: [Side; 2],
    /// ICMP errors that passed here.
    pub errors: Errors,
    /// Bytes by spans of time.
    pub spark: Spark,
}

/// A flow.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Its name.
    pub key: Key,
    /// Whether the end that sorts second began.
    pub back: bool,
    /// The first packet's time.
    pub first: i64,
    /// The last packet's time.
    pub last: i64,
    /// The places where it was seen.
    pub points: Vec<Point>,
}

impl Flow {
    /// A flow of which nothing was counted.
    pub fn new(key: Key, back: bool, now: i64) -> Self {
        Self { key, back, first: now, last: now, points: Vec::new() }
    }

    /// The flow at this place, if it is not seen at too many.
    fn at(&mut self, place: Place) -> Option<&mut Point> {
        let known = self.points.iter().position(|point| point.place == place);
        if known.is_none() && self.points.len() < PLACES {
            let (sides, errors, spark) = (<[Side; 2]>::default(), Errors::default(), Spark::default());
            // Most flows have one place.
            self.points.reserve_exact(1);
            self.points.push(Point { place, sides, errors, spark });
            return self.points.last_mut();
        }
        self.points.get_mut(known?)
    }

    /// A packet of the flow; false if it is a copy of one that was counted.
    pub fn packet(&mut self, seen: &Seen, place: Place, beat: &mut Beat, now: i64) -> bool {
        self.last = self.last.max(now);
        if let Says::Segment(head, _) = &seen.says
            && head.flags & 2 != 0
        {
            // Who asks for a connection began; who accepts one did not.
            self.back = seen.back == (head.flags & 16 == 0);
        }
        let Some(point) = self.at(place) else { return false };
        let (me, peer) = facing(&mut point.sides, seen.back);
        let again = me.latest.again(seen.mark, seen.ttl, now);
        if again == Again::Routed || (place.blind && again != Again::No) {
            return false;
        }
        me.packets += 1;
        me.bytes += u64::from(seen.bytes);
        point.spark.add(beat, now, seen.bytes.into());
        let twice = match again {
            Again::After(later) => seen.has_id || later <= SAME,
            _ => false,
        };
        match seen.says {
            Says::Segment(head, payload) => {
                tcp::segment(&mut me.stream, &mut peer.stream, &head, payload, now);
                return true;
            }
            Says::Request(seq) => {
                let echoes = me.echoes.get_or_insert_default();
                if twice { echoes.repeated(seq) } else { echoes.request(seq, now) }
            }
            Says::Reply(seq) => {
                if let Some(echoes) = &mut peer.echoes {
                    echoes.reply(seq, now, &mut peer.stream.rtt);
                }
            }
            Says::Error(_) | Says::Other => {}
        }
        me.twice += u64::from(twice);
        true
    }

    /// A later fragment of one of the flow's packets.
    pub fn fragment(&mut self, back: bool, bytes: u32, place: Place, beat: &mut Beat, now: i64) {
        self.last = self.last.max(now);
        let Some(point) = self.at(place) else { return };
        let (me, _) = facing(&mut point.sides, back);
        me.packets += 1;
        me.bytes += u64::from(bytes);
        point.spark.add(beat, now, bytes.into());
    }

    /// An error about the flow.
    pub fn error(&mut self, quote: &Quote, place: Place, now: i64) {
        self.last = self.last.max(now);
        let Some(Point { errors, .. }) = self.at(place) else { return };
        match quote.fault {
            Fault::Unreachable => errors.unreachable += 1,
            Fault::TooBig(mtu) => {
                errors.too_big += 1;
                errors.mtu = Some(mtu);
            }
            Fault::TimeExceeded => errors.time_exceeded += 1,
            Fault::Parameter => errors.parameter += 1,
        }
        errors.last = Some((quote.told.0, quote.told.1, quote.from));
    }

    /// What is told of a direction: the place that saw most of it.
    pub fn side(&self, back: bool) -> Option<(&Point, &Side)> {
        let sides = self.points.iter().rev().map(|point| {
            let [one, other] = &point.sides;
            (point, if back { other } else { one })
        });
        // Of equals the last is taken: the place that was first.
        sides.max_by_key(|(_, side)| side.packets).filter(|(_, side)| side.packets > 0)
    }

    /// Bytes both ways.
    pub fn bytes(&self) -> u64 {
        let bytes = |back| self.side(back).map_or(0, |(_, side)| side.bytes);
        bytes(false) + bytes(true)
    }

    /// Errors, as the place tells that saw most of them.
    pub fn errors(&self) -> Errors {
        let all = self.points.iter().map(|point| point.errors);
        all.max_by_key(Errors::total).unwrap_or_default()
    }
}
