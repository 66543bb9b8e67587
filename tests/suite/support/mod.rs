//! What the areas share.

pub mod etcd;
