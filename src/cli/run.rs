//! `flanctl run`: the node agent. MERGE: this file is a placeholder.

use clap::Args;

use super::Global;
use crate::error::Failure;

/// Flags of `run`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  flanctl run --iface eth0
  flanctl run -etcd-endpoints=http://10.0.0.1:2379 -iface=eth0")]
pub struct RunArgs {}

/// Runs the agent; answers the exit code.
pub fn run(_args: RunArgs, _global: &Global) -> Result<u8, Failure> {
    Err(Failure::found("run is not here yet"))
}
