//! The loop of `run`: wait for the store, the kernel, the clock or a signal; fold what came; settle.
#![expect(clippy::disallowed_methods, reason = "the loop is where time is asked for")]

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until};

use super::hold::{Hold, Outcome, renewal};
use super::node::{Node, Report, Touched, refusal_lines, repair_lines};
use super::notify::Notifier;
use super::signals::{self, Signals, die_next_time};
use super::start::{Started, start};
use super::timers::Timers;
use super::upkeep::Guard;
use super::watch::{self, News};
use crate::config::Settings;
use crate::error::{Failure, exit};
use crate::lease::{Expiry, Identity};
use crate::net::{IfName, Subnet};
use crate::overlay::{World, wants_objects};
use crate::plan::summary;
use crate::store::Unreadable;

/// The slow full diff behind the events.
const SWEEP: Duration = Duration::from_secs(300);
/// First pause before refused operations are tried again; doubles up to [`RETRY_SLOWEST`].
const RETRY_FASTEST: Duration = Duration::from_millis(250);
/// See [`RETRY_FASTEST`].
const RETRY_SLOWEST: Duration = Duration::from_secs(30);

/// A running node agent.
pub struct Agent {
    pub(super) settings: Settings,
    pub(super) node: Node,
    pub(super) hold: Hold,
    pub(super) id: Identity,
    pub(super) config: String,
    pub(super) device: IfName,
    pub(super) netns: u64,
    pub(super) started_at: SystemTime,
    pub(super) notifier: Notifier,
    pub(super) guard: Guard,
    pub(super) timers: Timers,
    /// A full list (or the last run's) has been taken in.
    pub(super) listed: bool,
    /// READY has been sent.
    pub(super) ready: bool,
    pub(super) store_down: Option<Instant>,
    pub(super) refused: HashMap<Subnet, String>,
    /// Peers whose lease is gone, and when their rows go, too.
    pub(super) leaving: HashMap<Subnet, Instant>,
    pub(super) unreadable: HashMap<String, Unreadable>,
    pub(super) complaints: HashMap<String, String>,
    pub(super) retry_pause: Duration,
    claim: Option<super::single::Claim>,
}

/// Why the loop ends.
enum End {
    /// A signal: leave the data path as it is.
    Stop,
    /// `--once`, and the round is done.
    Once { refused: bool },
}

/// Runs the node agent until a signal or a fatal error; the process's exit code.
/// Needs a current-thread runtime inside a `LocalSet`.
pub async fn run(settings: Settings) -> Result<u8, Failure> {
    let mut signals = Signals::new()?;
    let mut hup = signals::reload()?;
    if settings.dry_run {
        return super::dry::run(settings).await;
    }
    let started = tokio::select! {
        started = start(&settings) => started?,
        () = signals.stop() => return Ok(stopped()),
    };
    let store = Rc::clone(&started.store);
    let (tell_news, mut news) = mpsc::channel(64);
    let (tell_outcomes, mut outcomes) = mpsc::unbounded_channel();
    let wake = wake(&started)?;
    let mut agent = Agent::new(settings, started, tell_outcomes);
    if let Some(refused) = agent.resume()? {
        agent.write_file();
        return Ok(if refused { exit::FOUND } else { exit::FINE });
    }
    spawn_local(watch::follow(store, tell_news));
    loop {
        let end = tokio::select! {
            () = signals.stop() => Some(End::Stop),
            _ = hup.recv() => {
                tracing::info!("SIGHUP: reading the network config again");
                agent.hold.read_config();
                None
            }
            ready = wake.readable() => {
                ready.map_err(|e| Failure::unreadable("waiting for netlink notices").because(e))?.clear_ready();
                agent.on_kernel()?;
                None
            }
            first = news.recv() => match first {
                Some(first) => agent.on_news(first, &mut news)?,
                // Deaf is worse than dead: the service manager starts us again.
                None => return Err(Failure::found("the watch of the lease store ended by itself")),
            },
            Some(outcome) = outcomes.recv() => { agent.on_outcome(outcome)?; None }
            Some(looked) = agent.guard.done() => { agent.guard.take(looked); None }
            () = sleep_until(agent.timers.next()) => { agent.on_time()?; None }
        };
        match end {
            None => {}
            Some(End::Stop) => {
                die_next_time();
                agent.write_file();
                agent.notifier.send("STOPPING=1");
                return Ok(stopped());
            }
            Some(End::Once { refused }) => {
                agent.write_file();
                return Ok(if refused { exit::FOUND } else { exit::FINE });
            }
        }
    }
}

fn stopped() -> u8 {
    tracing::info!("shutdownHandler sent cancel signal...");
    tracing::info!("Exiting cleanly...");
    exit::FINE
}

/// A second handle on the notice socket, for the reactor.
#[expect(deprecated, reason = "the sound name is unsafe; an `OwnedFd` owns its descriptor and keeps it open")]
fn wake(started: &Started) -> Result<AsyncFd<OwnedFd>, Failure> {
    let fd = started.kernel.as_fd().try_clone_to_owned();
    fd.and_then(|fd| AsyncFd::with_interest(fd, Interest::READABLE))
        .map_err(|e| Failure::unreadable("waiting for netlink notices").because(e))
}

impl Agent {
    fn new(settings: Settings, started: Started, tell: mpsc::UnboundedSender<Outcome>) -> Self {
        let Started {
            store,
            kernel,
            have,
            config,
            conf,
            uplink,
            id,
            lease,
            own,
            peers,
            device,
            netns,
            previous,
            claim,
        } = started;
        // A start during an outage has an old lease in hand, maybe with an old address in it.
        let advert = super::start::advert(&conf, &id, &own, Some(&lease.attrs));
        let mut world = World {
            conf: conf.clone(),
            uplink,
            own,
            peers: crate::lease::Peers::of(Some(lease.subnet)),
            // Sticky across restarts, too: what the last run left tells the mode.
            objects: have.nexthops.values().any(|n| n.proto == crate::state::proto::FLANCTL),
        };
        let listed = peers.is_some();
        world.peers.reset(peers.unwrap_or_default());
        if listed {
            world.objects = wants_objects(world.peers.len(), world.objects);
        }
        let notifier = Notifier::from_env();
        let timers = Timers::new(SWEEP, settings.iptables_resync, notifier.watchdog);
        let guard = Guard::new(&settings, &conf, &previous);
        Self {
            node: Node::new(Box::new(kernel), have, world),
            hold: Hold::new(store, lease, advert, tell),
            id,
            config,
            device,
            netns,
            started_at: SystemTime::now(),
            notifier,
            guard,
            timers,
            listed,
            ready: false,
            store_down: None,
            refused: HashMap::new(),
            leaving: HashMap::new(),
            unreadable: HashMap::new(),
            complaints: HashMap::new(),
            retry_pause: RETRY_FASTEST,
            claim,
            settings,
        }
    }

    /// With the peers of the last run at hand the first round need not wait for the store. With `--once` that was
    /// all: whether something was refused.
    fn resume(&mut self) -> Result<Option<bool>, Failure> {
        if !self.listed {
            return Ok(None);
        }
        self.store_down = Some(Instant::now());
        let fine = self.first_round()?;
        Ok(self.settings.once.then_some(!fine))
    }

    /// The kernel announced something.
    fn on_kernel(&mut self) -> Result<(), Failure> {
        let touched = match self.node.drain() {
            Ok(touched) => touched,
            Err(e) => return self.kernel_trouble(&e),
        };
        if touched.is_nothing() || !self.listed {
            return Ok(());
        }
        self.settle(touched, true).map(drop)
    }

    /// Plans and applies; says what was repaired and what was refused.
    pub(super) fn settle(&mut self, touched: Touched, healing: bool) -> Result<bool, Failure> {
        if touched == Touched::Everything {
            self.review_uplink();
        }
        let report = match self.node.settle(touched.clone()) {
            Ok(report) => report,
            Err(e) => return self.kernel_trouble(&e).map(|()| false),
        };
        if touched == Touched::Everything && self.review_uplink() {
            return self.settle(Touched::Everything, healing);
        }
        if touched == Touched::Everything {
            super::trim::trim();
        }
        let Report { applied, refused, left } = report;
        if healing && !applied.is_empty() {
            repair_lines(&applied).iter().for_each(|line| tracing::info!("{line}"));
            for fight in self.node.note_repairs(&applied, SystemTime::now()) {
                tracing::warn!("{fight}");
            }
        } else if !applied.is_empty() {
            tracing::debug!("applied {}", summary(&applied));
        }
        let complaints: HashMap<String, String> =
            refused.iter().map(|(op, why)| (op.to_string(), why.to_string())).collect();
        let fresh: Vec<_> = refused
            .iter()
            .filter(|(op, why)| self.complaints.get(&op.to_string()) != Some(&why.to_string()))
            .collect();
        refusal_lines(&fresh).iter().for_each(|line| tracing::warn!("{line}"));
        let full = touched == Touched::Everything;
        if full {
            self.complaints = complaints;
        } else {
            self.complaints.extend(complaints);
        }
        if left {
            self.timers.retry.get_or_insert(Instant::now() + RETRY_FASTEST);
        }
        if refused.is_empty() && full {
            // Only a full look tells that nothing is refused any more.
            self.retry_pause = RETRY_FASTEST;
            self.timers.retry = self.timers.retry.filter(|_| left);
        } else if !refused.is_empty() {
            self.timers.retry = Some(Instant::now() + self.retry_pause);
            self.retry_pause = (self.retry_pause * 2).min(RETRY_SLOWEST);
        }
        Ok(refused.is_empty())
    }

    /// The tables could not be read: what we know stays, and we look again soon.
    fn kernel_trouble(&mut self, e: &crate::kernel::KernelError) -> Result<(), Failure> {
        let said = e.to_string();
        if self.complaints.insert("reading the kernel".to_owned(), said.clone()).as_ref() != Some(&said) {
            tracing::warn!("reading the kernel's tables: {said}; trying again");
        }
        self.timers.retry = Some(Instant::now() + self.retry_pause);
        self.retry_pause = (self.retry_pause * 2).min(RETRY_SLOWEST);
        Ok(())
    }

    /// News of the store; what queues behind the first piece is taken along.
    fn on_news(&mut self, first: News, queue: &mut mpsc::Receiver<News>) -> Result<Option<End>, Failure> {
        let mut touched = Touched::nothing();
        let heard = match &first {
            News::Events(_, at) => Some(*at),
            News::List(_) | News::Trouble(_) => None,
        };
        let mut next = Some(first);
        while let Some(news) = next {
            touched.merge(self.take_news(news)?);
            next = queue.try_recv().ok();
        }
        if !self.listed {
            return Ok(None);
        }
        if !self.ready {
            let fine = self.first_round()?;
            return Ok(self.settings.once.then_some(End::Once { refused: !fine }));
        }
        if !touched.is_nothing() {
            self.announce();
            self.settle(touched, false)?;
            if let Some(heard) = heard {
                tracing::debug!("store event settled in {} µs", heard.elapsed().as_micros());
            }
        }
        Ok(None)
    }

    /// What is due by the clock.
    fn on_time(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        if self.timers.renew.is_some_and(|at| at <= now) {
            // Until the outcome says otherwise.
            self.timers.renew = Some(now + Duration::from_secs(60));
            let flanneld = self.node.world.peers.iter().any(|l| l.attrs.node.is_none());
            self.hold.renew(flanneld);
        }
        if self.timers.watchdog.is_some_and(|at| at <= now) {
            self.notifier.send("WATCHDOG=1");
            self.timers.watchdog = self.notifier.watchdog.map(|every| now + every);
        }
        if self.timers.file.is_some_and(|at| at <= now) {
            self.write_file();
        }
        if self.timers.firewall <= now {
            self.timers.firewall = now + self.settings.iptables_resync;
            self.guard.check();
            self.claim.iter().for_each(super::single::Claim::drain);
        }
        if self.timers.leave.is_some_and(|at| at <= now) {
            let touched = self.take_leave(now);
            if self.ready && !touched.is_nothing() {
                self.announce();
                self.settle(touched, false)?;
            }
        }
        let sweep = self.timers.sweep <= now;
        if sweep {
            self.timers.sweep = now + SWEEP;
        }
        if (sweep || self.timers.retry.is_some_and(|at| at <= now)) && self.listed {
            self.timers.retry = None;
            if self.ready {
                self.settle(Touched::Everything, true)?;
            } else {
                self.first_round()?;
            }
        }
        Ok(())
    }

    /// Arms the renewal for the lease's present end of life.
    pub(super) fn arm_renewal(&mut self) {
        let wait = renewal(self.hold.lease.expires, self.settings.renew_margin, SystemTime::now());
        self.timers.renew = wait.map(|wait| Instant::now() + wait.max(Duration::from_secs(1)));
    }

    /// Notes a new end of life.
    pub(super) fn prolonged(&mut self, end: SystemTime) {
        self.hold.lease.expires = Expiry::At(end);
        self.arm_renewal();
        tracing::debug!("Lease renewed, new expiration: {}", crate::clock::rfc3339(end));
        self.timers.file.get_or_insert(Instant::now() + Duration::from_secs(1));
    }
}
