//! A whole cluster in network namespaces of this machine: nodes that run the real agent, pods, a switch between
//! them, an outside world.
//!
//! [`layout`] decides who gets which address; [`up`] makes it so, [`down`] removes it, by the manifest that
//! [`manifest`] keeps in /run/flanctl-lab/NAME. Nothing is made outside that directory and the named namespaces.

pub mod agents;
pub mod build;
pub mod demo;
pub mod down;
pub mod etcd;
pub mod exec;
pub mod faults;
pub mod interrupt;
pub mod layout;
pub mod list;
pub mod manifest;
pub mod ns;
pub mod ping;
pub mod process;
pub mod rootless;
pub mod routes;
pub mod seen;
pub mod subnet_env;
pub mod up;
pub mod wires;
