//! The JSON document of a listing. One shape for every verb.

use serde::{Deserialize, Serialize};

use crate::schema;

/// Where the rows were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// From the kernel and the store, now.
    Live,
    /// From a snapshot file.
    Snapshot,
}

/// A listing: the head and its rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listing<R> {
    /// `flanctl.fdb/1`.
    pub schema: String,
    /// RFC 3339 in UTC.
    pub at: String,
    /// Host name.
    pub host: String,
    /// The network namespace, by name or by inode.
    pub netns: String,
    /// Live or a snapshot.
    pub source: Source,
    /// What could not be seen or judged.
    pub unseen: Vec<String>,
    /// The rows.
    pub rows: Vec<R>,
}

impl<R> Listing<R> {
    /// An empty listing of a verb.
    pub fn new(verb: &str, at: String, host: String, netns: String, source: Source) -> Self {
        Self { schema: schema::name(verb, 1), at, host, netns, source, unseen: Vec::new(), rows: Vec::new() }
    }
}
