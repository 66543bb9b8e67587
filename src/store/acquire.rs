//! Getting a lease: list, choose, compare-and-swap, until one is ours. The decisions are
//! [`crate::lease::choose()`]'s; whoever loses a race lists and chooses again.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use rand::{Rng, RngCore};

use super::{LeaseStore, StoreError, Unreadable};
use crate::config::NetConf;
use crate::lease::{
    Attrs, Choice, Expiry, Identity, Lease, TTL_SECS, choose, is_ours, last_renewed, namesake, rival,
};
use crate::net::Subnet;

/// Races that may be lost before giving up: with the pauses between, about a minute.
const TRIES: u32 = 150;
const FIRST_PAUSE: Duration = Duration::from_millis(4);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A lease that is ours, freshly prolonged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acquired {
    /// It. `expires` is known.
    pub lease: Lease,
    /// How it became ours.
    pub how: How,
}

/// How a lease became ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// We held it already.
    Reused,
    /// A flanneld on this host held it.
    Adopted,
    /// An operator kept it for us; it stays a reservation.
    Reserved,
    /// New, at least in one family the subnet of before.
    Previous,
    /// New.
    Allocated,
}

/// No lease.
#[derive(Debug, thiserror::Error)]
pub enum AcquireError {
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Two nodes advertise one address.
    #[error("node {holder} holds {} with public address {ip}, which node {node} has too ({age})", lease.subnet.cidrs())]
    Refused {
        /// Us.
        node: String,
        /// The other node.
        holder: String,
        /// Its lease.
        lease: Box<Lease>,
        /// The address.
        ip: IpAddr,
        /// `last renewed 3 h ago`.
        age: String,
    },
    /// No subnet is free.
    #[error("out of subnets: no free /{subnet_len} in {range}")]
    Exhausted {
        /// Where it was looked for.
        range: String,
        /// How long its prefix would be.
        subnet_len: u8,
    },
    /// Others were always faster.
    #[error("lost {tries} races for a lease, last: {last}")]
    Races {
        /// How many.
        tries: u32,
        /// The last one's outcome.
        last: StoreError,
    },
}

impl AcquireError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(e) => e.hint(),
            Self::Refused { lease, node, .. } => Some(format!(
                "give one of the two another address (--public-ip), or, if that node is gone or was renamed to \
                 {node}: flanctl lease release {}",
                lease.subnet.cidrs()
            )),
            Self::Exhausted { .. } => Some(
                "raise SubnetLen, or widen Network or SubnetMin/SubnetMax in the network config".to_owned(),
            ),
            Self::Races { .. } => {
                Some("start again; if it stays, see who else writes: flanctl lease watch".to_owned())
            }
        }
    }
}

/// Gets the lease of `id`. `attrs` says what the lease shall say; it gets the subnet and the lease that was ours
/// before, if any, whose VTEP MAC may be kept. The node's name is set here.
pub async fn acquire(
    store: &dyn LeaseStore,
    id: &Identity,
    conf: &NetConf,
    previous: Option<Subnet>,
    attrs: &dyn Fn(Subnet, Option<&Lease>) -> Attrs,
    now: &dyn Fn() -> SystemTime,
    dice: &mut dyn RngCore,
) -> Result<Acquired, AcquireError> {
    let mut want = Want { store, id, conf, attrs, now, previous, before: None };
    let mut pause = FIRST_PAUSE;
    let mut last = StoreError::Lost(String::new());
    for _ in 0..TRIES {
        match want.once(dice).await {
            Ok(Some(acquired)) => return Ok(acquired),
            Ok(None) => continue,
            Err(AcquireError::Store(e @ (StoreError::Taken(_) | StoreError::Changed { .. }))) => last = e,
            Err(e) => return Err(e),
        }
        tokio::time::sleep(pause.mul_f64(dice.random_range(0.5..1.5))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Err(AcquireError::Races { tries: TRIES, last })
}

/// Stands for a record that says nothing of its owner.
fn unreadable_but_taken(record: &Unreadable) -> Option<Lease> {
    let subnet = record.key.rsplit('/').next()?.parse().ok()?;
    Some(Lease { subnet, attrs: Attrs::default(), expires: Expiry::Unknown, revision: 0, id: 0 })
}

/// What is wanted, and what was learnt on the way.
struct Want<'a> {
    store: &'a dyn LeaseStore,
    id: &'a Identity,
    conf: &'a NetConf,
    attrs: &'a dyn Fn(Subnet, Option<&Lease>) -> Attrs,
    now: &'a dyn Fn() -> SystemTime,
    previous: Option<Subnet>,
    /// A lease of ours that had to be released.
    before: Option<Lease>,
}

impl Want<'_> {
    /// One round. `None`: something was cleared away, choose again at once.
    async fn once(&mut self, dice: &mut dyn RngCore) -> Result<Option<Acquired>, AcquireError> {
        let mut listing = self.store.list().await?;
        // A key that cannot be read is taken all the same.
        listing.leases.extend(listing.unreadable.iter().filter_map(unreadable_but_taken));
        let current = self.current();
        let choice = choose(&listing.leases, self.id, self.conf, self.previous, (self.now)(), dice);
        match choice {
            Choice::Reuse(lease) => self.take(lease, How::Reused).await.map(Some),
            Choice::Adopt(lease) => self.take(lease, How::Adopted).await.map(Some),
            Choice::Reserved(lease) => self.take(lease, How::Reserved).await.map(Some),
            Choice::Create { subnet, previous } => {
                if let Some(other) = namesake(&listing.leases, self.id, self.conf, self.previous) {
                    tracing::warn!(
                        "lease {} says {}, too, but from another address: a host of the same name? \
                         (if it was this one: flanctl lease release {})",
                        other.subnet.cidrs(),
                        self.id.node,
                        other.subnet.cidrs()
                    );
                }
                self.say_picking(subnet, previous);
                let attrs = self.attrs_for(subnet, self.before.as_ref());
                let lease = self.store.create(subnet, &attrs, TTL_SECS).await?;
                if !self.confirmed(&lease).await? {
                    return Ok(None);
                }
                let ips = ips(&lease.subnet);
                tracing::info!("Allocated lease ({ips}) to current node ({current}) ");
                let how = if previous { How::Previous } else { How::Allocated };
                Ok(Some(Acquired { lease, how }))
            }
            Choice::Incompatible(lease) => {
                let ips = ips(&lease.subnet);
                tracing::info!(
                    "Found lease ({ips}) for current IP ({current}) but not compatible with current config, deleting"
                );
                self.store.release(&lease).await?;
                self.previous = Some(lease.subnet);
                self.before = Some(lease);
                Ok(None)
            }
            Choice::Refused { other, ip } => Err(self.refused(other, ip).await),
            Choice::Exhausted { range, subnet_len } => Err(AcquireError::Exhausted { range, subnet_len }),
        }
    }

    fn current(&self) -> String {
        let ip = self.id.public_ip.map(IpAddr::V4).or(self.id.public_ipv6.map(IpAddr::V6));
        ip.map_or_else(|| self.id.node.clone(), |ip| ip.to_string())
    }

    fn attrs_for(&self, subnet: Subnet, old: Option<&Lease>) -> Attrs {
        Attrs { node: Some(self.id.node.as_str().into()), ..(self.attrs)(subnet, old) }
    }

    /// Makes a lease that is there ours: no write, and so no event for anybody, if it says the right thing already.
    async fn take(&self, lease: Lease, how: How) -> Result<Acquired, AcquireError> {
        tracing::info!("Found lease ({}) for current IP ({}), reusing", ips(&lease.subnet), self.current());
        let attrs = self.attrs_for(lease.subnet, Some(&lease));
        let mut held = match how {
            // Its etcd lease is a flanneld's or an operator's: ours shall live as long as ours do.
            How::Adopted => self.store.replace(&lease, &attrs, Some(TTL_SECS)).await?,
            _ if lease.attrs != attrs => self.store.replace(&lease, &attrs, None).await?,
            _ => lease,
        };
        let next = self.store.keep_alive(&held).await?;
        if held.expires != Expiry::Never {
            held.expires = Expiry::At(next);
        }
        Ok(Acquired { lease: held, how })
    }

    fn say_picking(&self, subnet: Subnet, previous: bool) {
        match self.previous {
            Some(old) if previous => {
                tracing::info!("Found previously leased subnet ({}), reusing", old.cidrs())
            }
            Some(old) if self.conf.covers(&old) => tracing::info!(
                "Found previously leased subnet ({}) that another node has now, ignoring",
                old.cidrs()
            ),
            Some(old) => tracing::info!(
                "Found previously leased subnet ({}) that is not compatible with the Etcd network config, ignoring",
                old.cidrs()
            ),
            None => {}
        }
        let kept = |net| previous && self.previous.is_some_and(|p| p.nets().any(|old| Some(old) == net));
        if let Some(range) = self.conf.v4.filter(|_| !kept(subnet.v4.map(Into::into))) {
            tracing::info!("Picking subnet in range {} ... {}", range.min, range.max);
        }
        if let Some(range) = self.conf.v6.filter(|_| !kept(subnet.v6.map(Into::into))) {
            tracing::info!("Picking ipv6 subnet in range {} ... {}", range.min, range.max);
        }
    }

    /// Looks again after a create. Keys do not collide when two nodes with one address, or one node twice, make
    /// different leases at once: of two such the later gives way. Both look after they wrote, so one sees it.
    async fn confirmed(&self, made: &Lease) -> Result<bool, AcquireError> {
        let listing = self.store.list().await?;
        let now = (self.now)();
        let earlier: Vec<Lease> =
            listing.leases.into_iter().filter(|other| other.revision < made.revision).collect();
        if let Some((other, ip)) = rival(&earlier, self.id, self.conf, now) {
            self.store.release(made).await?;
            return Err(self.refused(other.clone(), ip).await);
        }
        let twin = |other: &Lease| is_ours(other, self.id, self.conf, self.previous);
        let overlaps = |other: &Lease| other.subnet.overlaps(&made.subnet);
        if earlier.iter().any(|other| twin(other) || overlaps(other)) {
            self.store.release(made).await?;
            return Ok(false);
        }
        Ok(true)
    }

    async fn refused(&self, other: Lease, ip: IpAddr) -> AcquireError {
        let mut one = [other];
        // Without it the message says less, and is the same.
        if let Err(e) = self.store.fill_expiries(&mut one).await {
            tracing::debug!("the end of the other's lease is not known: {e}");
        }
        let [lease] = one;
        AcquireError::Refused {
            node: self.id.node.clone(),
            holder: lease.attrs.name(),
            age: last_renewed(lease.expires, (self.now)()),
            lease: Box::new(lease),
            ip,
        }
    }
}

/// Takes a vanished lease again in the same words, unless another lease has come to cover part of its subnet: that
/// one is the answer then. Looked for before the write, and after it, as in [`acquire`]: of two the later gives way.
pub async fn retake(store: &dyn LeaseStore, lease: &Lease, attrs: &Attrs) -> Result<Retaken, StoreError> {
    if let Some(other) = over(store.list().await?.leases, lease, i64::MAX) {
        return Ok(Retaken::Usurped(Box::new(other)));
    }
    let made = store.create(lease.subnet, attrs, TTL_SECS).await?;
    if let Some(other) = over(store.list().await?.leases, lease, made.revision) {
        store.release(&made).await?;
        return Ok(Retaken::Usurped(Box::new(other)));
    }
    Ok(Retaken::Held(Box::new(made)))
}

/// What came of taking a vanished lease again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retaken {
    /// It is ours again.
    Held(Box<Lease>),
    /// This lease, under another key, has part of its subnet now.
    Usurped(Box<Lease>),
}

/// A lease under another key than `own`'s, written before `revision`, that covers part of the same addresses.
fn over(leases: Vec<Lease>, own: &Lease, revision: i64) -> Option<Lease> {
    let mut others = leases.into_iter();
    others.find(|other| {
        other.subnet != own.subnet && other.revision < revision && other.subnet.overlaps(&own.subnet)
    })
}

/// Both families as flannel's log lines have them.
fn ips(subnet: &Subnet) -> String {
    let v4 = subnet.v4.map_or_else(|| "0.0.0.0/0".to_owned(), |net| net.to_string());
    let v6 = subnet.v6.map_or_else(|| "::/0".to_owned(), |net| net.to_string());
    format!("ip: {v4} ipv6: {v6}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::DirStore;

    #[test]
    fn a_vanished_lease_is_not_taken_again_over_one_that_covers_it() {
        let home = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let store = DirStore::open(home.path()).await.unwrap();
            let attrs = Attrs { backend_type: "vxlan".into(), ..Attrs::default() };
            let own = store.create("10.1.2.0-24".parse().unwrap(), &attrs, 100).await.unwrap();
            store.release(&own).await.unwrap();
            let wider = store.create("10.1.0.0-20".parse().unwrap(), &attrs, 100).await.unwrap();
            match retake(&store, &own, &attrs).await.unwrap() {
                Retaken::Usurped(by) => assert_eq!(by.subnet, wider.subnet),
                held @ Retaken::Held(_) => panic!("{held:?}"),
            }
            assert_eq!(store.list().await.unwrap().leases.len(), 1);
            store.release(&wider).await.unwrap();
            match retake(&store, &own, &attrs).await.unwrap() {
                Retaken::Held(held) => assert_eq!((held.subnet, held.attrs), (own.subnet, attrs)),
                usurped @ Retaken::Usurped(_) => panic!("{usurped:?}"),
            }
        });
    }
}
