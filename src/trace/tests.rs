//! Paths of hand-made nodes.

mod far;
mod kinds;
mod pod;
