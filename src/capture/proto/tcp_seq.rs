//! The first sequence numbers of TCP connections, so that the others can be told relative to them. Bounded.

/// Connections whose first sequence numbers are known.
#[derive(Debug, Default)]
pub struct Connections {}
