//! The integration suite: one binary, one module an area. Every test that touches the kernel does so in
//! network namespaces that it made and removes.

mod agent_heal;
mod agent_leases;
mod agent_outage;
mod agent_shapes;
mod agent_uplink;
mod firewall;
mod linux_kernel;
mod readers;
mod replay_vs_linux;
mod store_contract;
mod lab;
mod support;
