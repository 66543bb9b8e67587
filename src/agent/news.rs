//! What the store's news and the work on the own lease mean for this node.

use std::time::Duration;

use tokio::time::Instant;

use super::hold::{Outcome, Standing, judge};
use super::node::Touched;
use super::reread;
use super::run::Agent;
use super::trouble::words;
use super::watch::News;
use crate::config::{Backend, NetConf};
use crate::error::Failure;
use crate::lease::{Lease, Refused, vet};
use crate::net::Subnet;
use crate::overlay::wants_objects;
use crate::store::{LeaseEvent, Listing, StoreError, Unreadable};

/// How long a lease must have been gone before its rows go, too.
const GRACE: Duration = Duration::from_secs(1);

impl Agent {
    /// Folds one piece of news; answers which rows it may move.
    pub(super) fn take_news(&mut self, news: News) -> Result<Touched, Failure> {
        match news {
            News::List(listing) => self.take_list(listing),
            News::Events(events, _) => {
                let mut touched = Touched::nothing();
                for event in events {
                    touched.merge(self.take_event(event)?);
                }
                touched.merge(self.review_objects());
                Ok(touched)
            }
            News::Trouble(e) => {
                if self.store_down.is_none_or(|at| at.elapsed() >= Duration::from_secs(60)) {
                    tracing::warn!(
                        "could not watch leases: {}; the data path stays as it is, retrying",
                        words(&e)
                    );
                    self.store_down = Some(Instant::now());
                    self.status();
                }
                Ok(Touched::nothing())
            }
        }
    }

    fn take_list(&mut self, listing: Listing) -> Result<Touched, Failure> {
        let Listing { leases, unreadable, cursor: _ } = listing;
        if self.store_down.take().is_some() {
            tracing::info!("the lease store answers again: {} leases", leases.len());
            self.hold.read_config();
        }
        self.unreadable.retain(|key, _| unreadable.iter().any(|u| u.key == *key));
        unreadable.into_iter().for_each(|record| self.warn_unreadable(record));
        let own = leases.iter().find(|l| l.subnet == self.hold.lease.subnet).cloned();
        if own.is_some() || !self.own_unreadable() {
            self.take_own(own)?;
        }
        let first = !self.listed;
        self.listed = true;
        self.leaving.clear();
        let changed = self.node.world.peers.reset(leases);
        let seen: Vec<Lease> = changed.iter().filter_map(|s| self.node.world.peers.get(s).cloned()).collect();
        self.refused.retain(|subnet, _| self.node.world.peers.get(subnet).is_some());
        seen.iter().for_each(|lease| self.warn_refused(lease));
        if first && !seen.is_empty() {
            tracing::info!("{} leases of other nodes", seen.len());
        } else {
            changed.iter().take(20).for_each(|subnet| self.say_change(*subnet));
        }
        let objects = self.review_objects();
        let mut touched = if changed.is_empty() && !first { Touched::nothing() } else { Touched::Everything };
        touched.merge(objects);
        self.status();
        Ok(touched)
    }

    fn take_event(&mut self, event: LeaseEvent) -> Result<Touched, Failure> {
        match event {
            LeaseEvent::Unreadable(record) => {
                self.warn_unreadable(record);
                Ok(Touched::nothing())
            }
            LeaseEvent::Added(lease) if lease.subnet == self.hold.lease.subnet => {
                self.take_own(Some(lease))?;
                Ok(Touched::nothing())
            }
            LeaseEvent::Removed(subnet) if subnet == self.hold.lease.subnet => {
                self.take_own(None)?;
                Ok(Touched::nothing())
            }
            LeaseEvent::Added(lease) => {
                let subnet = lease.subnet;
                self.leaving.remove(&subnet);
                let before = self.rows_of(subnet);
                if !self.node.world.peers.add(lease.clone()) {
                    return Ok(Touched::nothing());
                }
                self.warn_refused(&lease);
                self.say_change(subnet);
                let mut touched = before;
                touched.merge(self.rows_of(subnet));
                Ok(touched)
            }
            LeaseEvent::Removed(subnet) => {
                // A node whose key was deleted by hand takes it again within milliseconds: its pods must not notice.
                let leaves = Instant::now() + GRACE;
                self.leaving.insert(subnet, leaves);
                self.timers.leave.get_or_insert(leaves);
                Ok(Touched::nothing())
            }
        }
    }

    /// Forgets the peers whose lease has been gone for long enough.
    pub(super) fn take_leave(&mut self, now: Instant) -> Touched {
        let due: Vec<Subnet> = self.leaving.iter().filter(|(_, at)| **at <= now).map(|(s, _)| *s).collect();
        let mut touched = Touched::nothing();
        for subnet in due {
            self.leaving.remove(&subnet);
            touched.merge(self.rows_of(subnet));
            if self.node.world.peers.remove(&subnet).is_some() {
                self.refused.remove(&subnet);
                tracing::info!("Subnet removed: {}", subnet.cidrs());
            }
        }
        self.timers.leave = self.leaving.values().min().copied();
        touched.merge(self.review_objects());
        touched
    }

    fn rows_of(&self, subnet: Subnet) -> Touched {
        let world = &self.node.world;
        let keys = world.peers.get(&subnet).map(|lease| world.keys_of(lease, &self.node.have));
        Touched::Keys(keys.unwrap_or_default())
    }

    fn say_change(&self, subnet: Subnet) {
        match self.node.world.peers.get(&subnet) {
            // Told by its refusal, and nothing of it is added.
            Some(lease) if vet(lease, &self.node.world.ground()).iter().all(Result::is_err) => {}
            Some(lease) => {
                let via = lease.attrs.public().map_or("?".to_owned(), |ip| ip.to_string());
                tracing::info!("Subnet added: {} via {via} node={}", subnet.cidrs(), lease.attrs.name());
            }
            None => tracing::info!("Subnet removed: {}", subnet.cidrs()),
        }
    }

    /// Past a thousand peers routes go through nexthop objects; the mode is sticky.
    fn review_objects(&mut self) -> Touched {
        let world = &mut self.node.world;
        let objects = wants_objects(world.peers.len(), world.objects);
        if objects == world.objects {
            return Touched::nothing();
        }
        world.objects = objects;
        let how = if objects { "nexthop objects" } else { "plain rows" };
        tracing::info!("{} peers: routes go through {how} from now on", world.peers.len());
        Touched::Everything
    }

    /// Somebody put garbage at our own key: it is held, but by nobody. Taking it again cannot work.
    fn own_unreadable(&self) -> bool {
        let own = self.hold.lease.subnet.to_string();
        self.unreadable.keys().any(|key| key.rsplit('/').next() == Some(&own))
    }

    fn warn_unreadable(&mut self, record: Unreadable) {
        if self.unreadable.get(&record.key) != Some(&record) {
            tracing::warn!("Ignoring bad subnet node: {}: {}", record.key, record.why);
            self.unreadable.insert(record.key.clone(), record);
        }
    }

    /// Once a lease and reason.
    fn warn_refused(&mut self, lease: &Lease) {
        let bad: Vec<String> = vet(lease, &self.node.world.ground())
            .into_iter()
            .filter_map(Result::err)
            .map(|refused: Refused| refused.to_string())
            .collect();
        if bad.is_empty() {
            self.refused.remove(&lease.subnet);
            return;
        }
        let text = bad.join("; ");
        if self.refused.get(&lease.subnet) != Some(&text) {
            tracing::warn!("refusing lease {} of {}: {text}", lease.subnet.cidrs(), lease.attrs.name());
            self.refused.insert(lease.subnet, text);
        }
    }

    /// The own lease as the store has it now.
    fn take_own(&mut self, there: Option<Lease>) -> Result<(), Failure> {
        let subnet = self.hold.lease.subnet.cidrs();
        match (judge(&self.hold.advert, &self.id, there.as_ref()), there) {
            (Standing::Right, Some(lease)) => {
                let expires = self.hold.lease.expires;
                self.hold.lease = Lease { expires, ..lease };
            }
            (Standing::Altered | Standing::Gone, _) if self.hold.busy => self.hold.look_again = true,
            (Standing::Altered, Some(lease)) => {
                tracing::warn!("lease {subnet} is not as it should be in the store; putting our words there");
                self.hold.rewrite(&lease);
            }
            (Standing::Lost, Some(lease)) => return Err(self.lost(&lease.attrs.name())),
            (_, None) | (Standing::Gone, _) => {
                tracing::warn!("lease {subnet} vanished from the store; taking it again");
                self.hold.retake();
            }
        }
        Ok(())
    }

    fn lost(&self, holder: &str) -> Failure {
        tracing::error!("Lease has been revoked. Shutting down daemon.");
        let subnet = self.hold.lease.subnet.cidrs();
        Failure::found(format!("lease {subnet} of {} belongs to {holder} now", self.id.node))
            .hint("start again: a free subnet is leased; pods here must be restarted, their addresses are another node's now")
    }

    /// Work on the own lease or the config has ended.
    pub(super) fn on_outcome(&mut self, outcome: Outcome) -> Result<(), Failure> {
        self.take_outcome(outcome)?;
        if !self.hold.busy && std::mem::take(&mut self.hold.look_again) {
            self.hold.read_own();
        }
        Ok(())
    }

    fn take_outcome(&mut self, outcome: Outcome) -> Result<(), Failure> {
        match outcome {
            Outcome::Renewed(Ok(end)) => {
                self.hold.busy = false;
                self.prolonged(end);
            }
            Outcome::Written(Ok(lease)) => {
                self.hold.busy = false;
                let expires = match lease.expires {
                    crate::lease::Expiry::Unknown => self.hold.lease.expires,
                    known => known,
                };
                self.hold.lease = Lease { expires, ..lease };
                self.arm_renewal();
                self.announce();
            }
            Outcome::Usurped(by) => return Err(self.lost(&by.attrs.name())),
            Outcome::Renewed(Err(StoreError::Changed { .. })) => {
                self.hold.busy = false;
                // The key is not what it was: learn what it is now.
                self.hold.read_own();
            }
            Outcome::Renewed(Err(e)) => {
                self.hold.busy = false;
                tracing::warn!("Error renewing lease (trying again in 1 min): {}", words(&e));
            }
            Outcome::Written(Err(e @ (StoreError::Taken(_) | StoreError::Changed { .. }))) => {
                self.hold.busy = false;
                // Somebody was faster; the watch tells who, and whether it is us.
                tracing::debug!("own lease: {e}");
                self.hold.read_own();
            }
            Outcome::Written(Err(e)) => {
                self.hold.busy = false;
                tracing::warn!("Error writing lease (trying again in 1 min): {}", words(&e));
                self.timers.renew = Some(Instant::now() + Duration::from_secs(60));
            }
            // Taken, and yet not to be read: garbage at our key. The next list or renewal looks again.
            Outcome::Read(None) if self.own_unreadable() => {
                self.timers.renew = Some(Instant::now() + Duration::from_secs(60));
            }
            Outcome::Read(own) => self.take_own(own)?,
            Outcome::Config(read) => self.take_config(read)?,
        }
        Ok(())
    }

    fn take_config(&mut self, read: Result<String, StoreError>) -> Result<(), Failure> {
        let text = match read {
            Ok(text) => text,
            Err(e) => {
                tracing::warn!("reading the network config: {}; keeping the one in use", words(&e));
                return Ok(());
            }
        };
        if text == self.config {
            tracing::info!("the network config is unchanged");
            return Ok(());
        }
        match NetConf::parse(&text) {
            Err(e) => tracing::warn!("the network config is wrong now: {e}; keeping the one in use"),
            Ok(conf) if !conf.covers(&self.hold.lease.subnet) => tracing::warn!(
                "the network config no longer covers our lease {}; the lease stays, the new config takes effect at the next start",
                self.hold.lease.subnet.cidrs()
            ),
            Ok(conf) if vni(&conf) != vni(&self.node.world.conf) => {
                tracing::warn!("the network config names another VNI; it takes effect at the next start");
            }
            Ok(conf) => {
                let changes = reread::differences(&self.config, &text).join(", ");
                tracing::info!("the network config changed; it is in effect now: {changes}");
                self.config = text;
                let own = self.node.world.own.subnet;
                self.guard.adopt(&conf, &own);
                self.node.world.conf = conf;
                self.announce();
                self.settle(Touched::Everything, false)?;
                self.write_subnet_env();
            }
        }
        Ok(())
    }
}

fn vni(conf: &NetConf) -> u32 {
    let Backend::Vxlan(vxlan) = &conf.backend;
    vxlan.vni
}
