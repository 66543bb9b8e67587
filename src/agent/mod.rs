//! The loop of `run`, and what it tells the other verbs.

pub mod file;
mod log;
mod notify;
mod single;
pub mod value;
mod watch;
