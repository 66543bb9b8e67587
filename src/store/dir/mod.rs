//! Leases in a directory of this machine: one file a key, several processes, no server.
//!
//! Files appear and change by link and rename only, so a crash leaves the old or the new one. Whoever writes holds
//! the lock on `.lock`; reading needs none. A lease whose end has passed counts as gone even while its file stands.

#![expect(clippy::disallowed_methods, reason = "this store is files, and leases end by the clock")]

mod disk;
mod watch;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use self::disk::{Disk, Locked, Record};
use super::{Cursor, LeaseStore, LeaseWatch, Listing, StoreError, Unreadable};
use crate::lease::{Attrs, Expiry, Lease, TTL_SECS};
use crate::net::Subnet;

/// What a list or a watch knows of a lease: enough to tell whether it changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    revision: i64,
    expires: Expiry,
}

type Table = BTreeMap<Subnet, Known>;

/// Lists that a watch may still start from.
const LISTS_KEPT: usize = 4;

/// The lease store in a directory.
pub struct DirStore {
    disk: Rc<Disk>,
    lists: RefCell<Lists>,
}

struct Lists {
    /// Begins with the time, so that no other store's cursor is taken for one of ours.
    last: i64,
    kept: VecDeque<(Cursor, Table)>,
}

impl DirStore {
    /// Makes the directory if need be, and clears away what a crash left.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let disk = Disk::open(path)?;
        disk.lock().await?.clear_temporary();
        Ok(Self::of(disk))
    }

    /// Takes the directory as it is: makes nothing, not even the lock file, until something is written.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        Disk::open_existing(path).map(Self::of)
    }

    fn of(disk: Disk) -> Self {
        let began = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let last = i64::try_from(began.as_nanos()).unwrap_or(0);
        Self { disk: Rc::new(disk), lists: RefCell::new(Lists { last, kept: VecDeque::new() }) }
    }

    /// The lease as it is, if it is still `held`'s.
    fn ours(&self, held: &Lease, now: SystemTime) -> Result<Record, StoreError> {
        let subnet = held.subnet;
        let changed = |now: String| StoreError::Changed { subnet, now };
        match self.disk.read(&subnet)? {
            None => Err(changed("it is gone".to_owned())),
            Some(Err(unreadable)) => Err(changed(unreadable.why)),
            Some(Ok(record)) if record.lease.revision != held.revision => {
                let Lease { attrs, revision, .. } = &record.lease;
                Err(changed(format!("{} holds it since revision {revision}", attrs.name())))
            }
            Some(Ok(record)) if ended(record.lease.expires, now) => Err(changed("it expired".to_owned())),
            Some(Ok(record)) => Ok(record),
        }
    }
}

fn ended(expires: Expiry, now: SystemTime) -> bool {
    matches!(expires, Expiry::At(end) if end <= now)
}

/// The end of a lease granted now; millisecond steps, as the file holds them.
fn end_after(ttl_secs: u64, now: SystemTime) -> Expiry {
    match ttl_secs {
        0 => Expiry::Never,
        ttl => disk::at_ms(disk::ms_of(now).saturating_add(ttl.saturating_mul(1_000))),
    }
}

fn write(locked: &Locked<'_>, record: &Record) -> Result<(), StoreError> {
    locked.put(&record.lease.subnet, &record.to_json())
}

#[async_trait(?Send)]
impl LeaseStore for DirStore {
    fn describe(&self) -> String {
        self.disk.name()
    }

    async fn network_config(&self) -> Result<String, StoreError> {
        self.disk.config()?.ok_or_else(|| StoreError::NoConfig {
            at: self.disk.config_path().display().to_string(),
            hint: None,
        })
    }

    async fn put_config(&self, json: &str) -> Result<(), StoreError> {
        self.disk.lock().await?.put_config(json)
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        let now = SystemTime::now();
        let mut listing = Listing::default();
        let mut table = Table::new();
        for found in self.disk.scan()? {
            match found {
                Ok(Record { lease, .. }) if ended(lease.expires, now) => {}
                Ok(Record { lease, .. }) => {
                    table.insert(lease.subnet, Known { revision: lease.revision, expires: lease.expires });
                    listing.leases.push(lease);
                }
                Err(unreadable) => listing.unreadable.push(unreadable),
            }
        }
        let mut lists = self.lists.borrow_mut();
        lists.last += 1;
        listing.cursor = Cursor(lists.last);
        lists.kept.push_back((listing.cursor, table));
        if lists.kept.len() > LISTS_KEPT {
            lists.kept.pop_front();
        }
        Ok(listing)
    }

    async fn fill_expiries(&self, leases: &mut [Lease]) -> Result<(), StoreError> {
        // A list holds them already; those of a watch may have been prolonged since.
        for lease in leases {
            if let Some(Ok(record)) = self.disk.read(&lease.subnet)?
                && record.lease.revision == lease.revision
            {
                lease.expires = record.lease.expires;
            }
        }
        Ok(())
    }

    async fn create(&self, subnet: Subnet, attrs: &Attrs, ttl_secs: u64) -> Result<Lease, StoreError> {
        let locked = self.disk.lock().await?;
        let now = SystemTime::now();
        match self.disk.read(&subnet)? {
            None => {}
            Some(Ok(record)) if ended(record.lease.expires, now) => locked.remove(&subnet)?,
            Some(_) => return Err(StoreError::Taken(subnet)),
        }
        let revision = locked.next_revision(now)?;
        let expires = end_after(ttl_secs, now);
        let lease = Lease { subnet, attrs: attrs.clone(), expires, revision, id: 0 };
        let record = Record { lease, ttl: ttl_secs };
        if !locked.put_new(&subnet, &record.to_json())? {
            return Err(StoreError::Taken(subnet));
        }
        Ok(record.lease)
    }

    async fn replace(&self, held: &Lease, attrs: &Attrs, fresh: Option<u64>) -> Result<Lease, StoreError> {
        let locked = self.disk.lock().await?;
        let now = SystemTime::now();
        let mut record = self.ours(held, now)?;
        record.lease.attrs = attrs.clone();
        record.lease.revision = locked.next_revision(now)?;
        if let Some(ttl) = fresh {
            record.ttl = ttl;
            record.lease.expires = end_after(ttl, now);
        }
        write(&locked, &record)?;
        Ok(record.lease)
    }

    async fn keep_alive(&self, held: &Lease) -> Result<SystemTime, StoreError> {
        let locked = self.disk.lock().await?;
        let now = SystemTime::now();
        let mut record = self.ours(held, now)?;
        match end_after(record.ttl, now) {
            Expiry::At(end) => {
                record.lease.expires = Expiry::At(end);
                write(&locked, &record)?;
                Ok(end)
            }
            Expiry::Never | Expiry::Unknown => Ok(now + Duration::from_secs(TTL_SECS)),
        }
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        let locked = self.disk.lock().await?;
        self.ours(lease, SystemTime::now())?;
        locked.remove(&lease.subnet)
    }

    async fn watch(&self, from: Cursor) -> Result<Box<dyn LeaseWatch>, StoreError> {
        let known =
            self.lists.borrow().kept.iter().find(|(cursor, _)| *cursor == from).map(|(_, t)| t.clone());
        let known = known.ok_or_else(|| StoreError::Lost("it does not follow a list".to_owned()))?;
        Ok(Box::new(watch::DirWatch::start(Rc::clone(&self.disk), known)?))
    }
}
