//! What the areas share.

pub(crate) mod etcd;
pub(crate) mod netns;
