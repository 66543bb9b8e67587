//! The integration suite: one binary, one module an area. Every test that touches the kernel does so in
//! network namespaces that it made and removes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test says what went wrong by failing"
)]

mod agent_cli;
mod agent_crash;
mod agent_heal;
mod agent_leases;
mod agent_outage;
mod agent_shapes;
mod agent_swap;
mod agent_uplink;
mod capture;
mod doctor_verb;
mod faults;
mod fib_vs_linux;
mod firewall;
mod firewall_vs_linux;
mod host_gw;
mod lab;
mod lab_demo;
mod layers;
mod lease_verb;
mod linux_kernel;
mod linux_look;
mod notices;
mod plan_properties;
mod pods;
mod random;
mod readers;
mod redaction;
mod replay_vs_linux;
mod secrets;
mod snapshots;
mod store_contract;
mod story;
mod support;
mod trace_live;
