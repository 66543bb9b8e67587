//! Ctrl-C while a lab is being made: noticed between two steps, never in the middle of one.

use std::io;
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::error::{Failure, exit};

/// SIGINT, SIGTERM and SIGHUP wait until somebody asks, as long as this lives. To be made before any thread.
/// Children inherit the mask: those that live longer than a moment are started by [`Interrupt::released`] or
/// [`heed_signals`] for themselves.
#[derive(Debug)]
pub struct Interrupt {
    pending: SignalFd,
    before: SigSet,
}

impl Interrupt {
    /// Holds the signals back.
    pub fn hold() -> io::Result<Self> {
        let mut wanted = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            wanted.add(signal);
        }
        let before = SigSet::thread_get_mask()?;
        let pending = SignalFd::with_flags(&wanted, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        wanted.thread_block()?;
        Ok(Self { pending, before })
    }

    /// Runs `start` with signals as they were before: for children that should heed them.
    pub fn released<T>(&self, start: impl FnOnce() -> T) -> io::Result<T> {
        let held = self.before.thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        let started = start();
        held.thread_set_mask()?;
        Ok(started)
    }

    /// An error that ends everything (exit 130) if a signal came.
    pub fn check(&self) -> Result<(), Failure> {
        match self.pending.read_signal() {
            Ok(Some(_)) => {
                let mut failure = Failure::found("interrupted");
                failure.exit = exit::INTERRUPTED;
                Err(failure)
            }
            _ => Ok(()),
        }
    }

    /// Waits a little, and no longer than until a signal comes.
    pub fn pause(&self, wait: Duration) -> Result<(), Failure> {
        use std::os::fd::AsFd;
        let mut fds = [nix::poll::PollFd::new(self.pending.as_fd(), nix::poll::PollFlags::POLLIN)];
        let millis = u16::try_from(wait.as_millis()).unwrap_or(u16::MAX);
        // Cut short by a signal that is not ours: then the pause was shorter.
        let _ = nix::poll::poll(&mut fds, millis);
        self.check()
    }
}

/// Lets signals through again in a process that was started by one that held them back.
pub fn heed_signals() -> io::Result<()> {
    Ok(SigSet::empty().thread_set_mask()?)
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        // Nothing left to do about it: the process is about to end.
        let _ = self.before.thread_set_mask();
    }
}
