//! The signals that the loop hears.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Failure;

fn of(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|e| Failure::unreadable("installing signal handlers").because(e))
}

/// SIGHUP: read the network config again.
pub(super) fn reload() -> Result<Signal, Failure> {
    of(SignalKind::hangup())
}

/// SIGTERM and SIGINT.
pub(super) struct Signals {
    term: Signal,
    int: Signal,
}

impl Signals {
    /// Heard from now on.
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self { term: of(SignalKind::terminate())?, int: of(SignalKind::interrupt())? })
    }

    /// SIGTERM or SIGINT.
    pub(super) async fn stop(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}

/// The next SIGTERM or SIGINT kills: whoever sends a second one wants no more waiting.
#[expect(unsafe_code, reason = "tokio keeps its handlers for good")]
pub(super) fn die_next_time() {
    for kind in [nix::sys::signal::Signal::SIGTERM, nix::sys::signal::Signal::SIGINT] {
        // SAFETY: SIG_DFL is no handler of ours, so nothing unsound can run; tokio's pipe merely falls silent.
        let _ = unsafe { nix::sys::signal::signal(kind, nix::sys::signal::SigHandler::SigDfl) };
    }
}
