//! Not here yet.

pub mod masq;
