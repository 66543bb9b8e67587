//! Paths of hand-made nodes.

mod far;
mod fixes;
mod kinds;
mod live;
mod other;
mod pod;
mod reach;
mod spread;
