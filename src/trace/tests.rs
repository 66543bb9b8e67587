//! Paths of hand-made nodes.

mod far;
mod fixes;
mod kinds;
mod live;
mod pod;
mod spread;
