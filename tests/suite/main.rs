//! The integration suite: one binary, one module an area. Every test that touches the kernel does so in
//! network namespaces that it made and removes.

mod firewall;
mod lab;
mod linux_kernel;
mod readers;
mod replay_vs_linux;
mod store_contract;
mod support;
