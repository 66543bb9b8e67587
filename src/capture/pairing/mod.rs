//! One packet at several devices: which sightings are one packet, which way it was to take, and what was lost.
//! Fed with stamped packets and the time up to which every device was read; reads no clock and opens nothing.
//!
//! A packet is known again by what neither a device nor NAT changes ([`key`]), or by the bytes that it brings: what is
//! cut into segments or fragments, or put together again, is followed by ranges ([`table`]). A loss is told only
//! where the way is known ([`scope`]) and the device that did not see the packet was watched.

mod index;
pub mod key;
pub mod moves;
pub mod order;
pub mod record;
pub mod scope;
mod six;
pub mod table;
#[cfg(test)]
mod tests;
mod way;
pub mod words;

/// Where on the way through a node a device lies, from the pod outwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The node's end of a pod's veth.
    Pod,
    /// The pods' bridge.
    Bridge,
    /// The overlay's device.
    Tunnel,
    /// What the tunnel's packets leave by.
    Uplink,
}

/// A device that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Its name.
    pub dev: String,
    /// Where it lies.
    pub stage: Stage,
    /// Whose it is, if it is a pod's.
    pub pod: Option<String>,
}
