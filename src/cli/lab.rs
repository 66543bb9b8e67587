//! `flanctl lab`: a cluster in network namespaces. MERGE: this file is a placeholder.

use clap::Args;

use super::Global;
use crate::error::Failure;

/// Flags of `lab`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  flanctl lab demo
  flanctl lab up --nodes 3")]
pub struct LabArgs {}

/// Runs a lab verb; answers the exit code.
pub fn run(_args: LabArgs, _global: &Global) -> Result<u8, Failure> {
    Err(Failure::found("lab is not here yet"))
}
