//! `flanctl run`: the node agent. MERGE: this file is a placeholder.

use super::Global;
pub use crate::config::RunArgs;
use crate::error::Failure;

/// Runs the agent; answers the exit code.
pub fn run(_args: RunArgs, _global: &Global) -> Result<u8, Failure> {
    Err(Failure::found("run is not here yet"))
}
