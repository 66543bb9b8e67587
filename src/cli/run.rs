//! `flanctl run`: settings in, the node agent's loop out.
#![expect(clippy::disallowed_methods, reason = "the environment is read here, once")]

use clap::Args;
use tokio::task::LocalSet;

use super::Global;
use crate::agent;
use crate::config::{RunArgs, Settings};
use crate::error::Failure;
use crate::kernel::netns::InNetns;

/// The node agent: takes a lease and keeps the kernel as the leases say.
#[derive(Debug, Args)]
#[command(
    after_help = "Every flag of flanneld is taken, also in Go's spelling; FLANNELD_* variables stand in for flags.

Examples:
  flanctl run --etcd-endpoints http://10.0.0.1:2379 --iface eth0 --ip-masq
  flanctl run -etcd-endpoints=http://10.0.0.1:2379 -etcd-prefix=/coreos.com/network -iface=eth0
  flanctl run --store dir:/var/lib/flanctl --dry-run     print what would be done, do nothing"
)]
pub struct Run {
    #[command(flatten)]
    args: RunArgs,
}

/// Runs the agent; answers the exit code.
pub fn run(run: Run, global: &Global) -> Result<u8, Failure> {
    let env = |name: &str| std::env::var(name).ok();
    let host = nix::unistd::gethostname()
        .map(|name| name.to_string_lossy().into_owned())
        .map_err(|e| Failure::unreadable("reading the host name").because(e))?;
    let settings = Settings::from_layers(&run.args, &env, &host).map_err(|e| {
        let hint = e.hint();
        Failure::usage("run").because(e).hinted(hint)
    })?;
    agent::log::start(settings.log_format, settings.verbosity);
    // Before any thread starts: the threads of the runtime inherit the namespace.
    let _inside = match &global.netns {
        Some(name) => Some(InNetns::enter(name).map_err(|e| Failure::unreadable("--netns").because(e))?),
        None => None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::unreadable("starting the runtime").because(e))?;
    let local = LocalSet::new();
    let answer = local.block_on(&runtime, agent::run(settings));
    // A firewall program that hangs must not hold the exit up.
    runtime.shutdown_background();
    answer
}
