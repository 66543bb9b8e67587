//! The hands on the kernel: observe, apply, changes. Never decides what should be.

mod apply;
pub mod ask;
mod codec;
pub mod echo;
pub mod exec;
pub mod facts;
pub mod firewall;
pub mod iptables;
pub mod ipvs;
mod linux;
pub mod netns;
pub mod nft;
pub mod nftgen;
mod observe;
pub mod pods;
mod ports;
pub mod processes;
mod replay;
pub mod rules;
mod socket;
mod sysctl;
pub mod tracefs;
mod wire;
pub mod wireguard;

use std::fmt;

pub use linux::LinuxKernel;
pub use replay::Replay;

use crate::net::IfName;
use crate::plan::Op;
use crate::state::{Change, Hops, State};

/// A network namespace that can be read and written: Linux, or a [`State`] that plays one.
pub trait Kernel {
    /// Everything, read until it holds still (dumps repeated while notices come or the kernel says "interrupted").
    fn observe(&mut self) -> Result<State, KernelError>;

    /// Applies in order, batched. A refused op does not stop the rest. One answer an op.
    fn apply(&mut self, ops: &[Op]) -> Vec<Result<(), Refusal>>;

    /// What was announced since the last call; never blocks. Starts to listen with the first `observe`.
    fn changes(&mut self) -> Result<Vec<Change>, KernelError>;
}

/// The kernel refused one op.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// errno, positive.
    pub errno: i32,
    /// The kernel's own words (extended ack), empty if it gave none.
    pub said: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errno = std::io::Error::from_raw_os_error(self.errno);
        if self.said.is_empty() { write!(f, "{errno}") } else { write!(f, "{errno}: {}", self.said) }
    }
}

impl std::error::Error for Refusal {}

/// The kernel could not be read.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// A socket or file did not work.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// A dump never held still.
    #[error("the {table} table changed during each of {tries} readings")]
    Restless {
        /// Which dump.
        table: &'static str,
        /// How often it was tried.
        tries: u32,
    },
    /// A message that makes no sense.
    #[error("{what}")]
    Garbled {
        /// What it was.
        what: String,
    },
}

/// The devices that the hops of a route name.
fn devices(hops: &Hops) -> impl Iterator<Item = IfName> {
    let (one, legs) = match hops {
        Hops::None | Hops::Object(_) => (None, [].as_slice()),
        Hops::One(hop) => (hop.dev, [].as_slice()),
        Hops::Multi(legs) => (None, legs.as_slice()),
    };
    one.into_iter().chain(legs.iter().filter_map(|(hop, _)| hop.dev))
}
