//! Paths of hand-made nodes.

mod far;
mod kinds;
mod live;
mod pod;
mod spread;
