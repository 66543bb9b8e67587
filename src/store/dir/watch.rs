//! Watching the directory: inotify says which file to look at, the file says what is. A lease also ends by the
//! clock, whoever looks first.

#![expect(clippy::disallowed_methods, reason = "leases end by the clock")]

use std::collections::BTreeSet;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tokio::io::unix::AsyncFd;

use super::disk::{Disk, Record, not_a_key};
use super::{Known, Table, ended};
use crate::lease::{Expiry, Lease};
use crate::net::Subnet;
use crate::store::codec::subnet_of_segment;
use crate::store::{LeaseEvent, LeaseWatch, StoreError};

/// The clock may be set: never sleep longer on its word.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// A running watch.
pub(super) struct DirWatch {
    disk: Rc<Disk>,
    notices: AsyncFd<Notices>,
    known: Table,
    /// The first look compares everything with the list.
    begun: bool,
}

/// `Inotify` with the trait that tokio asks for.
struct Notices(Inotify);

impl AsRawFd for Notices {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl DirWatch {
    pub(super) fn start(disk: Rc<Disk>, known: Table) -> Result<Self, StoreError> {
        let wrong = |e: std::io::Error| disk.error("watching", disk.subnets(), &e);
        let inotify =
            Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).map_err(|e| wrong(e.into()))?;
        let wanted = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_DELETE_SELF
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_ONLYDIR;
        inotify.add_watch(disk.subnets(), wanted).map_err(|e| wrong(e.into()))?;
        #[expect(
            deprecated,
            reason = "the sound name is unsafe; `Notices` owns its descriptor and keeps it open"
        )]
        let notices = AsyncFd::new(Notices(inotify)).map_err(wrong)?;
        Ok(Self { disk, notices, known, begun: false })
    }

    /// Compares every file with what is known.
    fn look_at_all(&mut self, now: SystemTime) -> Result<Vec<LeaseEvent>, StoreError> {
        let mut gone: BTreeSet<Subnet> = self.known.keys().copied().collect();
        let mut events = Vec::new();
        for Record { lease, .. } in self.disk.scan()?.into_iter().flatten() {
            if !ended(lease.expires, now) {
                gone.remove(&lease.subnet);
                events.extend(self.seen(lease));
            }
        }
        for subnet in gone {
            self.known.remove(&subnet);
            events.push(LeaseEvent::Removed(subnet));
        }
        Ok(events)
    }

    /// An event, if the lease is new or not what it was. A prolonged one is neither.
    fn seen(&mut self, lease: Lease) -> Option<LeaseEvent> {
        let now = Known { revision: lease.revision, expires: lease.expires };
        let before = self.known.insert(lease.subnet, now);
        (before.map(|k| k.revision) != Some(lease.revision)).then_some(LeaseEvent::Added(lease))
    }

    fn look_at(&mut self, name: &str, now: SystemTime) -> Result<Option<LeaseEvent>, StoreError> {
        let Some(subnet) = subnet_of_segment(name) else {
            let there = self.disk.subnets().join(name).exists();
            return Ok(there.then(|| LeaseEvent::Unreadable(not_a_key(name))));
        };
        match self.disk.read(&subnet)? {
            Some(Ok(Record { lease, .. })) if !ended(lease.expires, now) => Ok(self.seen(lease)),
            Some(Err(unreadable)) => Ok(Some(LeaseEvent::Unreadable(unreadable))),
            Some(Ok(_)) | None => Ok(self.known.remove(&subnet).map(|_| LeaseEvent::Removed(subnet))),
        }
    }

    /// Files that notices name. Two notices of one file are one look.
    fn named(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut names = BTreeSet::new();
        loop {
            let batch = match self.notices.get_ref().0.read_events() {
                Ok(batch) => batch,
                Err(Errno::EAGAIN) => return Ok(names),
                Err(e) => return Err(self.disk.error("watching", self.disk.subnets(), &e.into())),
            };
            for notice in batch {
                if notice.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    return Err(StoreError::Lost("more notices than the kernel keeps".to_owned()));
                }
                let lost =
                    AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_IGNORED;
                if notice.mask.intersects(lost) {
                    return Err(StoreError::Lost(format!("{} was removed", self.disk.subnets().display())));
                }
                let name = notice.name.map(|name| name.to_string_lossy().into_owned());
                names.extend(name.filter(|name| !name.starts_with('.')));
            }
        }
    }

    /// Leases that ended by the clock.
    fn expired(&mut self, now: SystemTime) -> Result<Vec<LeaseEvent>, StoreError> {
        let due: Vec<Subnet> =
            self.known.iter().filter(|(_, k)| ended(k.expires, now)).map(|(subnet, _)| *subnet).collect();
        let mut events = Vec::new();
        for subnet in due {
            events.extend(self.look_at(&subnet.to_string(), now)?);
        }
        self.sweep(&events, now);
        Ok(events)
    }

    /// Removes the files of ended leases, if nobody holds the lock just now; else the next writer of the key or
    /// another watcher does it.
    fn sweep(&self, events: &[LeaseEvent], now: SystemTime) {
        let Some(locked) = self.disk.try_lock() else { return };
        for event in events {
            let LeaseEvent::Removed(subnet) = event else { continue };
            if matches!(self.disk.read(subnet), Ok(Some(Ok(record))) if ended(record.lease.expires, now)) {
                let _ = locked.remove(subnet);
            }
        }
    }

    fn sleep(&self, now: SystemTime) -> Duration {
        let ends = self.known.values().filter_map(|known| match known.expires {
            Expiry::At(end) => Some(end.duration_since(now).unwrap_or_default()),
            Expiry::Never | Expiry::Unknown => None,
        });
        // A little later, so that the end has passed for sure.
        ends.min().map_or(LONGEST_SLEEP, |left| left + Duration::from_millis(2)).min(LONGEST_SLEEP)
    }
}

#[async_trait(?Send)]
impl LeaseWatch for DirWatch {
    async fn next(&mut self) -> Result<Vec<LeaseEvent>, StoreError> {
        loop {
            let now = SystemTime::now();
            // Nothing is awaited between taking a notice and answering: a cancelled call loses no event.
            let mut events = Vec::new();
            if !self.begun {
                events = self.look_at_all(now)?;
                self.begun = true;
            }
            for name in self.named()? {
                events.extend(self.look_at(&name, now)?);
            }
            events.extend(self.expired(now)?);
            if !events.is_empty() {
                return Ok(events);
            }
            let sleep = self.sleep(now);
            tokio::select! {
                ready = self.notices.readable() => {
                    let path = self.disk.subnets();
                    ready.map_err(|e| self.disk.error("watching", path, &e))?.clear_ready();
                }
                () = tokio::time::sleep(sleep) => {}
            }
        }
    }
}
