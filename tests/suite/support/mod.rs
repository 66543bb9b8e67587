//! What the areas share.

pub(crate) mod agent;
pub(crate) mod cluster;
pub(crate) mod etcd;
pub(crate) mod netns;
pub(crate) mod space;
