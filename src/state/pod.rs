//! A namespace behind a veth of this node: a pod, a container, or one that somebody made by hand.

use serde::{Deserialize, Serialize};

use super::State;

/// What is known of one such namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// What people call it: the name of the namespace (`ip netns`), of the container or the lab pod, else `pid N`.
    pub name: String,
    /// Other names that it goes by: container ids, `pid 4711`, paths.
    pub aliases: Vec<String>,
    /// Inode of the namespace.
    pub inode: u64,
    /// Its id as seen from the node (`IFLA_LINK_NETNSID`), where it has one.
    pub nsid: Option<i32>,
    /// Its tables, as far as they could be read.
    pub state: State,
}
