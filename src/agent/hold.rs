//! Keeps the own lease: renews it, notices when somebody alters or removes it, and tells when it is lost.
//! What to do is decided by [`judge`]; the store work runs beside the loop, so that an outage never delays healing.

use std::rc::Rc;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep};

use crate::lease::{Attrs, Expiry, Identity, Lease};
use crate::store::{LeaseStore, Retaken, StoreError, retake};

/// What came of work on the own lease or the config.
#[derive(Debug)]
pub enum Outcome {
    /// A keep-alive: the new end of life.
    Renewed(Result<SystemTime, StoreError>),
    /// A write: the lease as it stands now.
    Written(Result<Lease, StoreError>),
    /// The own lease was gone, and another has part of its subnet by now.
    Usurped(Box<Lease>),
    /// The own lease, looked up again.
    Read(Option<Lease>),
    /// The network config, read again.
    Config(Result<String, StoreError>),
}

/// How the own lease stands in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As we wrote it.
    Right,
    /// Ours, but its words are not.
    Altered,
    /// Nobody's.
    Gone,
    /// Another node's.
    Lost,
}

/// Compares what is there with what should be. An owner without a name is known by its public IP.
pub fn judge(advert: &Attrs, id: &Identity, there: Option<&Lease>) -> Standing {
    let Some(lease) = there else { return Standing::Gone };
    if lease.attrs == *advert {
        return Standing::Right;
    }
    let ours = match &lease.attrs.node {
        Some(node) => **node == id.node,
        None => lease.attrs.public() == advert.public(),
    };
    if ours { Standing::Altered } else { Standing::Lost }
}

/// When to renew next: `margin` before the end; never for a reservation.
pub fn renewal(expires: Expiry, margin: Duration, now: SystemTime) -> Option<Duration> {
    match expires {
        Expiry::Never => None,
        Expiry::Unknown => Some(Duration::from_secs(1)),
        Expiry::At(end) => Some(end.duration_since(now).unwrap_or_default().saturating_sub(margin)),
    }
}

/// The own lease and the way to the store.
pub struct Hold {
    store: Rc<dyn LeaseStore>,
    /// The lease as we last saw it.
    pub lease: Lease,
    /// What its value should be.
    pub advert: Attrs,
    outcomes: mpsc::UnboundedSender<Outcome>,
    /// A write is under way.
    pub busy: bool,
    /// Something happened to the own key meanwhile: look it up when the write is done.
    pub look_again: bool,
    wrote: Option<Instant>,
    pause: Duration,
}

/// Second write of the own lease in a row: waits this long.
const PACE_FASTEST: Duration = Duration::from_secs(1);
/// And no write waits longer than this.
const PACE_SLOWEST: Duration = Duration::from_secs(60);

impl Hold {
    /// Holds `lease`, whose words should be `advert`; outcomes go to the channel.
    pub fn new(
        store: Rc<dyn LeaseStore>,
        lease: Lease,
        advert: Attrs,
        outcomes: mpsc::UnboundedSender<Outcome>,
    ) -> Self {
        Self {
            store,
            lease,
            advert,
            outcomes,
            busy: false,
            look_again: false,
            wrote: None,
            pause: Duration::ZERO,
        }
    }

    /// Prolongs the lease. While a flanneld lives in the cluster the same words are put again, too: one that lost
    /// us to a bug of its own finds us again by that event.
    pub fn renew(&mut self, flanneld_lives: bool) {
        if self.lease.attrs != self.advert {
            // An earlier write of our words came to nothing.
            let held = self.lease.clone();
            return self.rewrite(&held);
        }
        let (store, lease, advert) = (Rc::clone(&self.store), self.lease.clone(), self.advert.clone());
        self.start(async move {
            let end = match store.keep_alive(&lease).await {
                Ok(end) if flanneld_lives => end,
                end => return Outcome::Renewed(end),
            };
            match store.replace(&lease, &advert, None).await {
                // The write answers with the end that it knew: the keep-alive's is the new one.
                Ok(written) if written.expires != Expiry::Never => {
                    Outcome::Written(Ok(Lease { expires: Expiry::At(end), ..written }))
                }
                Ok(reserved) => Outcome::Written(Ok(reserved)),
                Err(e) => Outcome::Renewed(Err(e)),
            }
        });
    }

    /// Takes a vanished lease again, if nobody else has it by now.
    pub fn retake(&mut self) {
        let (store, lease, advert) = (Rc::clone(&self.store), self.lease.clone(), self.advert.clone());
        let pause = self.pace();
        self.start(async move {
            sleep(pause).await;
            match retake(&*store, &lease, &advert).await {
                Ok(Retaken::Held(held)) => Outcome::Written(Ok(*held)),
                Ok(Retaken::Usurped(by)) => Outcome::Usurped(by),
                Err(e) => Outcome::Written(Err(e)),
            }
        });
    }

    /// Puts our words in place of `there`, which is the lease as the store has it.
    pub fn rewrite(&mut self, there: &Lease) {
        let (store, there, advert) = (Rc::clone(&self.store), there.clone(), self.advert.clone());
        let pause = self.pace();
        self.start(async move {
            sleep(pause).await;
            Outcome::Written(store.replace(&there, &advert, None).await)
        });
    }

    /// The first write goes at once; one that follows on its heels waits, longer each time: whoever writes against us
    /// must not turn us into a storm on the store.
    fn pace(&mut self) -> Duration {
        let calm = self.wrote.is_none_or(|at| at.elapsed() > PACE_SLOWEST);
        self.pause = if calm { Duration::ZERO } else { (self.pause * 2).clamp(PACE_FASTEST, PACE_SLOWEST) };
        self.wrote = Some(Instant::now() + self.pause);
        self.pause
    }

    /// The host's addresses changed under the store's connections.
    pub fn moved(&self) {
        self.store.moved();
    }

    /// Looks the own lease up.
    pub fn read_own(&self) {
        let (store, outcomes, subnet) = (Rc::clone(&self.store), self.outcomes.clone(), self.lease.subnet);
        spawn_local(async move {
            // Out of reach: the watch comes back with a list, which tells the same.
            if let Ok(listing) = store.list().await {
                let own = listing.leases.into_iter().find(|l| l.subnet == subnet);
                let _ = outcomes.send(Outcome::Read(own));
            }
        });
    }

    /// Reads the network config.
    pub fn read_config(&self) {
        let (store, outcomes) = (Rc::clone(&self.store), self.outcomes.clone());
        spawn_local(async move {
            let _ = outcomes.send(Outcome::Config(store.network_config().await));
        });
    }

    fn start(&mut self, work: impl Future<Output = Outcome> + 'static) {
        if self.busy {
            return;
        }
        self.busy = true;
        let outcomes = self.outcomes.clone();
        spawn_local(async move {
            // Nobody listens any more: the agent is ending.
            let _ = outcomes.send(work.await);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_decides_what_a_changed_lease_means() {
        let attrs = |node: Option<&str>, ip: [u8; 4], kind: &str| Attrs {
            public_ip: Some(ip.into()),
            backend_type: kind.into(),
            node: node.map(Into::into),
            ..Attrs::default()
        };
        let lease = |attrs: Attrs| Lease {
            subnet: "10.1.2.0-24".parse().unwrap(),
            attrs,
            expires: Expiry::Unknown,
            revision: 1,
            id: 1,
        };
        let id = Identity { node: "a".into(), public_ip: Some([192, 0, 2, 1].into()), public_ipv6: None };
        let advert = attrs(Some("a"), [192, 0, 2, 1], "vxlan");
        let rows = [
            (None, Standing::Gone),
            (Some(advert.clone()), Standing::Right),
            (Some(attrs(Some("a"), [192, 0, 2, 1], "host-gw")), Standing::Altered),
            (Some(attrs(Some("a"), [192, 0, 2, 9], "vxlan")), Standing::Altered),
            (Some(attrs(None, [192, 0, 2, 1], "vxlan")), Standing::Altered),
            (Some(attrs(None, [192, 0, 2, 9], "vxlan")), Standing::Lost),
            (Some(attrs(Some("b"), [192, 0, 2, 1], "vxlan")), Standing::Lost),
        ];
        for (there, want) in rows {
            let there = there.map(lease);
            assert_eq!(judge(&advert, &id, there.as_ref()), want, "{there:?}");
        }
    }

    #[test]
    fn a_renewal_that_writes_the_words_again_knows_the_new_end() {
        let home = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let end = |lease: &Lease| match lease.expires {
            Expiry::At(end) => end,
            other => panic!("{other:?}"),
        };
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let store: Rc<dyn LeaseStore> = Rc::new(crate::store::DirStore::open(home.path()).await.unwrap());
            let attrs = Attrs { backend_type: "vxlan".into(), ..Attrs::default() };
            let lease = store.create("10.1.2.0-24".parse().unwrap(), &attrs, 100).await.unwrap();
            // The store writes ends in milliseconds: a later one takes a later millisecond.
            sleep(Duration::from_millis(5)).await;
            let (tell, mut outcomes) = mpsc::unbounded_channel();
            let mut hold = Hold::new(store, lease.clone(), attrs, tell);
            hold.renew(true);
            match outcomes.recv().await.unwrap() {
                Outcome::Written(Ok(written)) => assert!(end(&written) > end(&lease), "{written:?}"),
                other => panic!("{other:?}"),
            }
        });
    }

    #[test]
    fn a_lease_is_renewed_the_margin_before_its_end() {
        let now = SystemTime::UNIX_EPOCH;
        let hour = Duration::from_secs(3_600);
        let rows = [
            (Expiry::At(now + 24 * hour), Some(23 * hour)),
            (Expiry::At(now + hour), Some(Duration::ZERO)),
            (Expiry::At(now), Some(Duration::ZERO)),
            (Expiry::Never, None),
        ];
        for (expires, want) in rows {
            assert_eq!(renewal(expires, hour, now), want, "{expires:?}");
        }
    }
}
