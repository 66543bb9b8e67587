//! flanctl: a flannel implementation exposed as subcommands, and its own debugger.
//!
//! The map, in reading order:
//! - [`error`]: what a verb says when it cannot go on.
//! - [`net`]: MAC, interface name, lease subnet and its key.
//! - [`clock`]: time as text.
//! - [`schema`]: the names and versions of our documents.
//! - [`firewall`]: the firewall's rules as values, and what they do with a packet.
//! - [`state`]: what is — everything the kernel holds, as one plain value; and what is wanted of it.
//! - [`config`]: what the operator asked for — settings, network config, uplink choice, subnet.env.
//! - [`lease`]: who owns which subnet — the lease, which to pick, how a list and its events become a set.
//! - [`overlay`]: what should be — leases in, wanted rows out; the firewall rules as values.
//! - [`plan`]: the difference — wanted minus present, as ordered operations.
//! - [`kernel`]: the hands on the kernel — observe, apply, changes; and a replay of it for tests.
//! - [`store`]: the hands on the lease store — a directory or etcd.
//! - [`agent`]: the loop of `run`.
//! - [`snapshot`]: one node's tables and leases, to and from bytes.
//! - [`finding`]: what is wrong, on what evidence, and what mends it.
//! - [`readings`]: the tables beside the leases, drift marked.
//! - [`doctor`]: what is wrong with a node: one table of checks.
//! - [`trace`]: one packet's way through the tables.
//! - [`render`]: tables and JSON from one value.
//! - [`capture`]: packets as text, tcpdump's to the byte where asked.
//! - [`tap`]: the hands of `capture` — files, interfaces, filters, privileges.
//! - [`lab`]: a cluster in network namespaces.
//! - [`cli`]: one file a verb.

pub mod agent;
pub mod capture;
pub mod cli;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod error;
pub mod finding;
pub mod firewall;
pub mod kernel;
pub mod lab;
pub mod lease;
pub mod net;
pub mod overlay;
pub mod plan;
pub mod readings;
pub mod render;
pub mod schema;
pub mod snapshot;
pub mod state;
pub mod store;
pub mod tap;
pub mod trace;
