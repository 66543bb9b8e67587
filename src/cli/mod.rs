//! The command line: one file a verb, each `args -> gather -> read -> render`.

pub mod lab;
pub mod lab_text;
