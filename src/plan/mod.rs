//! The difference: what has to be done so that what is ours in the kernel becomes what is wanted.

mod op;

pub use op::{Op, route_words};
