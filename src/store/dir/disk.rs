//! The files: `config`, `subnets/KEY`, `.lock`. A lease's file is
//! `{"revision":N,"ttl":SECONDS,"expires_ms":UNIX_MS,"value":{…flannel's value…}}`; without `ttl` it is a
//! reservation, and so is a file that holds the bare value, for people who write one by hand.

#![expect(clippy::disallowed_methods, reason = "this store is files")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::fcntl::{Flock, FlockArg};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Unreadable;
use crate::lease::{Expiry, Lease};
use crate::net::Subnet;
use crate::store::codec::{decode_value, encode_value, subnet_of_segment};
use crate::store::{Cause, StoreError};

/// How long another process may hold the lock (it takes microseconds unless that process is stopped).
const LOCK_TRIES: u32 = 1_000;
const LOCK_PAUSE: Duration = Duration::from_millis(5);
/// No lease is longer.
const LONGEST: u64 = 1 << 20;

/// A lease and its full time to live in seconds (0: a reservation).
pub(super) struct Record {
    pub(super) lease: Lease,
    pub(super) ttl: u64,
}

#[derive(Deserialize)]
struct Wire {
    revision: i64,
    #[serde(default)]
    ttl: u64,
    #[serde(default)]
    expires_ms: u64,
    value: Box<RawValue>,
}

impl Record {
    pub(super) fn to_json(&self) -> String {
        let Lease { attrs, expires, revision, .. } = &self.lease;
        let value = encode_value(attrs);
        match expires {
            Expiry::At(end) => {
                let (ttl, end) = (self.ttl, ms_of(*end));
                format!("{{\"revision\":{revision},\"ttl\":{ttl},\"expires_ms\":{end},\"value\":{value}}}\n")
            }
            Expiry::Never | Expiry::Unknown => format!("{{\"revision\":{revision},\"value\":{value}}}\n"),
        }
    }

    /// `written` stands in for the revision of a bare value.
    fn parse(subnet: Subnet, text: &str, written: SystemTime) -> Result<Self, String> {
        let wire: Wire = match serde_json::from_str(text) {
            Ok(wire) => wire,
            Err(e) => {
                let value = serde_json::from_str(text).map_err(|_| format!("no lease file: {e}"))?;
                Wire { revision: ms_of(written) as i64, ttl: 0, expires_ms: 0, value }
            }
        };
        let attrs = decode_value(wire.value.get().as_bytes()).map_err(|e| e.to_string())?;
        let expires = if wire.ttl == 0 { Expiry::Never } else { at_ms(wire.expires_ms) };
        Ok(Self { lease: Lease { subnet, attrs, expires, revision: wire.revision, id: 0 }, ttl: wire.ttl })
    }
}

pub(super) fn ms_of(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).ok().and_then(|d| u64::try_from(d.as_millis()).ok()).unwrap_or(0)
}

pub(super) fn at_ms(ms: u64) -> Expiry {
    // A file may say anything; what lies beyond the clock's range never ends.
    UNIX_EPOCH.checked_add(Duration::from_millis(ms)).map_or(Expiry::Never, Expiry::At)
}

/// The directory.
pub(super) struct Disk {
    root: PathBuf,
    subnets: PathBuf,
    /// Opened for an agent, which made what was missing.
    made: bool,
}

/// The directory, and the right to write in it until this is dropped.
pub(super) struct Locked<'a> {
    disk: &'a Disk,
    lock: Flock<File>,
}

type Found = Result<Record, Unreadable>;

impl Disk {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let subnets = path.join("subnets");
        fs::create_dir_all(&subnets).map_err(|e| StoreError::Setup {
            what: format!("directory {} cannot be made", subnets.display()),
            hint: "name a directory that may be written: --store dir:PATH".to_owned(),
            source: Some(Box::new(e)),
        })?;
        Ok(Self { root: path.to_owned(), subnets, made: true })
    }

    /// A directory that must be there already.
    pub(super) fn open_existing(path: &Path) -> Result<Self, StoreError> {
        fs::read_dir(path).map_err(|e| StoreError::Setup {
            what: format!("directory {}", path.display()),
            hint: "name the directory that the agents use: --store dir:PATH".to_owned(),
            source: Some(Box::new(e)),
        })?;
        Ok(Self { root: path.to_owned(), subnets: path.join("subnets"), made: false })
    }

    pub(super) fn name(&self) -> String {
        format!("directory {}", self.root.display())
    }

    pub(super) fn config_path(&self) -> PathBuf {
        self.root.join("config")
    }

    pub(super) fn subnets(&self) -> &Path {
        &self.subnets
    }

    /// An error about one file.
    pub(super) fn error(&self, doing: &str, path: &Path, e: &io::Error) -> StoreError {
        StoreError::Unreachable {
            store: self.name(),
            source: Box::new(Cause(format!("{doing} {}: {e}", path.display()))),
        }
    }

    pub(super) fn config(&self) -> Result<Option<String>, StoreError> {
        let path = self.config_path();
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(self.error("reading", &path, &e)),
        }
    }

    /// The lease's file as it is now; `None` if there is none.
    pub(super) fn read(&self, subnet: &Subnet) -> Result<Option<Found>, StoreError> {
        let name = subnet.to_string();
        let path = self.subnets.join(&name);
        let (text, written) = match read_limited(&path) {
            Ok(read) => read,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) if matches!(e.kind(), ErrorKind::InvalidData | ErrorKind::IsADirectory) => {
                return Ok(Some(Err(Unreadable { key: name, why: e.to_string() })));
            }
            Err(e) => return Err(self.error("reading", &path, &e)),
        };
        Ok(Some(Record::parse(*subnet, &text, written).map_err(|why| Unreadable { key: name, why })))
    }

    /// Every file under `subnets/`.
    pub(super) fn scan(&self) -> Result<Vec<Found>, StoreError> {
        let wrong = |e: &io::Error| self.error("listing", &self.subnets, e);
        let mut found = Vec::new();
        let entries = match fs::read_dir(&self.subnets) {
            // A reader may come before the first lease. What we made ourselves and is gone is no empty list.
            Err(e) if e.kind() == ErrorKind::NotFound && !self.made && self.root.is_dir() => {
                return Ok(found);
            }
            entries => entries.map_err(|e| wrong(&e))?,
        };
        for entry in entries {
            let name = entry.map_err(|e| wrong(&e))?.file_name();
            let Some(name) = name.to_str() else {
                let key = name.to_string_lossy().into_owned();
                found.push(Err(Unreadable { key, why: "the name is not text".to_owned() }));
                continue;
            };
            match subnet_of_segment(name) {
                _ if name.starts_with('.') => {}
                Some(subnet) => found.extend(self.read(&subnet)?),
                None => found.push(Err(not_a_key(name))),
            }
        }
        Ok(found)
    }

    /// The right to write, if nobody has it.
    pub(super) fn try_lock(&self) -> Option<Locked<'_>> {
        let file = OpenOptions::new().read(true).write(true).open(self.root.join(".lock")).ok()?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()?;
        Some(Locked { disk: self, lock })
    }

    /// Waits for the right to write.
    pub(super) async fn lock(&self) -> Result<Locked<'_>, StoreError> {
        let path = self.root.join(".lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(|e| self.error("opening", &path, &e))?;
        for _ in 0..LOCK_TRIES {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(Locked { disk: self, lock }),
                Err((back, nix::errno::Errno::EWOULDBLOCK)) => file = back,
                Err((_, e)) => return Err(self.error("locking", &path, &e.into())),
            }
            tokio::time::sleep(LOCK_PAUSE).await;
        }
        let e = io::Error::new(ErrorKind::TimedOut, "another process holds it (is it stopped?)");
        Err(self.error("locking", &path, &e))
    }
}

pub(super) fn not_a_key(name: &str) -> Unreadable {
    let why = crate::net::BadSubnet(name.to_owned()).to_string();
    Unreadable { key: name.to_owned(), why }
}

fn read_limited(path: &Path) -> io::Result<(String, SystemTime)> {
    let file = File::open(path)?;
    let written = file.metadata()?.modified()?;
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok((text, written))
}

impl Locked<'_> {
    /// Removes what writers left that were killed: none other is at work while the lock is held.
    pub(super) fn clear_temporary(&self) {
        for dir in [&self.disk.root, &self.disk.subnets] {
            for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
                if entry.file_name().to_string_lossy().starts_with(".new-") {
                    // Best effort: readers ignore the name.
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
    }

    /// A number that no lease here ever had. The lock file holds the last one; the clock saves the order if
    /// that file was removed.
    pub(super) fn next_revision(&self, now: SystemTime) -> Result<i64, StoreError> {
        let path = self.disk.root.join(".lock");
        let wrong = |e: &io::Error| self.disk.error("writing", &path, e);
        let mut last = [0; 20];
        let len = self.lock.read_at(&mut last, 0).map_err(|e| wrong(&e))?;
        let last =
            last.get(..len).and_then(|b| std::str::from_utf8(b).ok()).and_then(|t| t.trim().parse().ok());
        let next = last.unwrap_or(0_i64).saturating_add(1).max(i64::try_from(ms_of(now)).unwrap_or(0));
        self.lock.write_all_at(format!("{next:>19}\n").as_bytes(), 0).map_err(|e| wrong(&e))?;
        Ok(next)
    }

    /// Replaces the lease's file.
    pub(super) fn put(&self, subnet: &Subnet, text: &str) -> Result<(), StoreError> {
        self.write(&self.disk.subnets.join(subnet.to_string()), text, |new, path| fs::rename(new, path))
    }

    /// Makes the lease's file; false if one is there.
    pub(super) fn put_new(&self, subnet: &Subnet, text: &str) -> Result<bool, StoreError> {
        let mut fresh = true;
        self.write(&self.disk.subnets.join(subnet.to_string()), text, |new, path| {
            let linked = fs::hard_link(new, path);
            fs::remove_file(new)?;
            match linked {
                Err(e) if e.kind() == ErrorKind::AlreadyExists => fresh = false,
                other => other?,
            }
            Ok(())
        })?;
        Ok(fresh)
    }

    pub(super) fn put_config(&self, text: &str) -> Result<(), StoreError> {
        self.write(&self.disk.config_path(), text, |new, path| fs::rename(new, path))
    }

    pub(super) fn remove(&self, subnet: &Subnet) -> Result<(), StoreError> {
        let path = self.disk.subnets.join(subnet.to_string());
        fs::remove_file(&path).map_err(|e| self.disk.error("removing", &path, &e))
    }

    fn write(
        &self,
        path: &Path,
        text: &str,
        place: impl FnOnce(&Path, &Path) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        // One writer at a time, so one name is enough.
        let dir = path.parent().unwrap_or(&self.disk.root);
        let new = dir.join(".new-file");
        let done = || -> io::Result<()> {
            let mut file = File::create(&new)?;
            file.write_all(text.as_bytes())?;
            // The content must be on the disk before the name shows it.
            file.sync_all()?;
            place(&new, path)?;
            File::open(dir)?.sync_all()
        };
        done().map_err(|e| self.disk.error("writing", path, &e))
    }
}
