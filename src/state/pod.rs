//! A namespace behind a veth of this node: a pod, a container, or one that somebody made by hand.

use serde::{Deserialize, Serialize};

use super::{Link, LinkKind, State};
use crate::net::IfName;

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

impl Pod {
    /// The pod behind a veth of the node.
    pub fn behind<'a>(pods: &'a [Self], veth: &Link) -> Option<&'a Self> {
        let LinkKind::Veth { netns: Some(id), .. } = veth.kind else { return None };
        pods.iter().find(|pod| pod.nsid == Some(id))
    }

    /// The other end of a veth of the node, inside this pod.
    pub fn end_of(&self, veth: &Link) -> Option<(IfName, &Link)> {
        let LinkKind::Veth { peer: Some(index), .. } = veth.kind else { return None };
        self.state.link_by_index(index)
    }
}
