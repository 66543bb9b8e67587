//! The difference: what has to be done so that what is ours in the kernel becomes what is wanted.

mod diff;
mod op;
mod same;
mod selectors;

pub use diff::{blocked, kept_mac, plan, plan_keys, summary};
pub use op::{Op, route_words};
pub use selectors::rule_selectors;
