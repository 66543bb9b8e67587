//! What the areas share.

pub(crate) mod etcd;
