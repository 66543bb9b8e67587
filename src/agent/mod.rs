//! The loop of `run`, and what it tells the other verbs.

pub mod file;
