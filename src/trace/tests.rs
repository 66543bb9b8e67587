//! Paths of hand-made nodes.

mod kinds;
