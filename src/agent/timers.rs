//! The clocks of the loop.

use std::time::Duration;

use tokio::time::Instant;

/// When what is due.
pub(super) struct Timers {
    /// The own lease.
    pub(super) renew: Option<Instant>,
    /// The slow full diff.
    pub(super) sweep: Instant,
    /// A look at the rules.
    pub(super) firewall: Instant,
    /// A sign of life for the service manager.
    pub(super) watchdog: Option<Instant>,
    /// The state file.
    pub(super) file: Option<Instant>,
    /// What was refused.
    pub(super) retry: Option<Instant>,
    /// A peer whose lease is gone.
    pub(super) leave: Option<Instant>,
}

impl Timers {
    /// What recurs; nothing else is due yet.
    pub(super) fn new(sweep: Duration, firewall: Duration, watchdog: Option<Duration>) -> Self {
        let now = Instant::now();
        Self {
            renew: None,
            sweep: now + sweep,
            firewall: now + firewall,
            watchdog: watchdog.map(|every| now + every),
            file: None,
            retry: None,
            leave: None,
        }
    }

    /// The first of them.
    pub(super) fn next(&self) -> Instant {
        let Self { renew, sweep, firewall, watchdog, file, retry, leave } = self;
        let optional = [renew, watchdog, file, retry, leave].into_iter().flatten().copied();
        optional.chain([*sweep, *firewall]).min().unwrap_or(*sweep)
    }
}
