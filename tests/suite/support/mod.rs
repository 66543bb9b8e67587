//! What the areas share.

pub(crate) mod agent;
pub(crate) mod cluster;
pub(crate) mod etcd;
pub(crate) mod hub;
pub(crate) mod leases;
pub(crate) mod netns;
pub(crate) mod pinger;
pub(crate) mod relay;
pub(crate) mod seed;
pub(crate) mod space;
pub(crate) mod swap;
