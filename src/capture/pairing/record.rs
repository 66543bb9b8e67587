//! What is told of a packet: the points that saw it, and what became of it.

use std::net::IpAddr;

use super::key::Ends;

/// The packet around one in the tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outer {
    /// The network.
    pub vni: Option<u32>,
    /// From where.
    pub src: IpAddr,
    /// To where.
    pub dst: IpAddr,
}

/// A packet at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Which point.
    pub point: usize,
    /// When it, or the first part of it, was there: nanoseconds since 1970.
    pub at: i64,
    /// The packet around it.
    pub outer: Option<Outer>,
    /// Its addresses, where they were not what they were at first.
    pub ends: Option<Ends>,
    /// In how many parts it was there; 0 if it was a part of a larger one.
    pub parts: u32,
}

/// What became of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was seen where its way through this node ends.
    Through,
    /// It did not get from one point to the next.
    Lost(Gap),
    /// It was not seen at a point that missed packets itself: nothing can be said.
    Unsure(Gap),
}

/// Between which points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The last that saw it.
    pub from: usize,
    /// The one that did not.
    pub to: usize,
    /// Bytes that got through, and all of them, where it was a part.
    pub part: Option<(u32, u32)>,
    /// Counters that moved meanwhile, and by how much.
    pub moved: Vec<(String, u64)>,
    /// Nanoseconds after which it is told.
    pub after: i64,
}

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its first bytes, from the IP header on.
    pub bytes: Box<[u8]>,
    /// Its length from there.
    pub len: u32,
    /// True if it is IPv6.
    pub six: bool,
    /// It comes from another node, or from this one to its pod.
    pub inward: bool,
    /// The points in the order of the packet's way.
    pub points: Vec<At>,
    /// What became of it.
    pub fate: Fate,
    /// It was told as lost before: it was slower than it may be.
    pub late: bool,
}

impl Record {
    /// When it was first seen.
    pub fn first(&self) -> i64 {
        self.points.iter().map(|at| at.at).min().unwrap_or_default()
    }

    /// When the last point of its way saw it.
    pub fn last(&self) -> i64 {
        self.points.last().map_or(0, |at| at.at)
    }
}
