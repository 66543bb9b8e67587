//! Paths of hand-made nodes.

mod kinds;
mod live;
mod spread;
