//! What the areas share.

pub(crate) mod netns;
pub(crate) mod etcd;
