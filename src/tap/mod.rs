//! The hands of `capture`: opens files and interfaces, compiles filters, writes files, gives up privileges.

pub mod links;
pub mod open;

pub use open::{Input, open, text};
