//! The loop of `run`, and what it tells the other verbs.

mod dry;
pub mod file;
mod hold;
mod lock;
pub mod log;
mod news;
mod node;
mod notify;
mod premises;
mod reread;
mod run;
mod signals;
mod single;
mod start;
mod timers;
mod trim;
mod trouble;
mod upkeep;
mod uplink;
mod watch;

pub use node::{Node, Report, Touched};
pub use run::run;
