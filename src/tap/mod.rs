//! The hands of `capture`: opens files and interfaces, compiles filters, writes files, gives up privileges.

pub mod filter;
pub mod links;
#[cfg(feature = "pcap")]
pub mod live;
pub mod open;
pub mod shed;
pub mod sink;

pub use open::{Input, open, text, unpacked};
