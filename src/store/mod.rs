//! The lease store: one trait, two stores, one contract that both pass.
//!
//! A store keeps leases; which lease to take is decided in [`crate::lease`]. Every write compares before it sets.

mod acquire;
pub mod codec;
mod dir;
mod etcd;

use std::time::SystemTime;

use async_trait::async_trait;

pub use acquire::{AcquireError, Acquired, How, Retaken, acquire, retake};
pub use dir::DirStore;
pub use etcd::EtcdStore;

use crate::config::StoreChoice;
use crate::lease::{Attrs, Lease};
use crate::net::Subnet;

/// Opens the chosen store. Settings are checked here ([`StoreError::Setup`]); an etcd that cannot be reached is
/// told by the first request, so that the caller may retry.
pub async fn open(choice: &StoreChoice) -> Result<Box<dyn LeaseStore>, StoreError> {
    match choice {
        StoreChoice::Dir(path) => Ok(Box::new(DirStore::open(path).await?)),
        StoreChoice::Etcd(settings) => Ok(Box::new(EtcdStore::open(settings).await?)),
    }
}

/// Opens the chosen store to read it: a directory must be there, and nothing is made in it.
pub async fn open_existing(choice: &StoreChoice) -> Result<Box<dyn LeaseStore>, StoreError> {
    match choice {
        StoreChoice::Dir(path) => Ok(Box::new(DirStore::open_existing(path)?)),
        StoreChoice::Etcd(_) => open(choice).await,
    }
}

/// A place where the cluster's leases and its network config live.
#[async_trait(?Send)]
pub trait LeaseStore {
    /// For messages: `etcd http://10.0.0.1:2379, prefix /coreos.com/network` or `directory /var/lib/…`.
    fn describe(&self) -> String;

    /// The text of the network config, verbatim. [`StoreError::NoConfig`] if there is none.
    async fn network_config(&self) -> Result<String, StoreError>;

    /// Writes the network config, verbatim.
    async fn put_config(&self, json: &str) -> Result<(), StoreError>;

    /// Every lease, and the cursor that a watch starts from so that nothing slips between the two.
    async fn list(&self) -> Result<Listing, StoreError>;

    /// Fills in `expires` (etcd: a request a lease; `list` leaves it [`crate::lease::Expiry::Unknown`] there).
    async fn fill_expiries(&self, leases: &mut [Lease]) -> Result<(), StoreError>;

    /// Writes a new lease if its key is absent; [`StoreError::Taken`] if not. A `ttl_secs` of 0 makes a
    /// reservation, which never expires.
    async fn create(&self, subnet: Subnet, attrs: &Attrs, ttl_secs: u64) -> Result<Lease, StoreError>;

    /// Puts `attrs` in place of `held` if the key still has `held.revision`, else [`StoreError::Changed`].
    /// A lease stays on its etcd lease; a reservation (no TTL) stays one. `fresh` grants a new TTL instead.
    async fn replace(&self, held: &Lease, attrs: &Attrs, fresh: Option<u64>) -> Result<Lease, StoreError>;

    /// Prolongs `held` without an event for anybody; answers the new end of life.
    /// [`StoreError::Changed`] if the lease is gone or is another's now. A reservation has no end: it is only
    /// compared, and the answer says when to look again (a day on).
    async fn keep_alive(&self, held: &Lease) -> Result<SystemTime, StoreError>;

    /// Deletes the lease if the key still has `lease.revision`, else [`StoreError::Changed`].
    async fn release(&self, lease: &Lease) -> Result<(), StoreError>;

    /// This host's addresses changed: what was connected from an old one never hears an answer again, and would be
    /// waited for. Later requests connect anew.
    fn moved(&self) {}

    /// Starts to watch from a cursor of [`LeaseStore::list`].
    async fn watch(&self, from: Cursor) -> Result<Box<dyn LeaseWatch>, StoreError>;
}

/// A running watch.
#[async_trait(?Send)]
pub trait LeaseWatch {
    /// The next batch of events, in order; never empty. Cancel-safe.
    /// Any error (dropped stream, compaction, overrun, lower revision) means: list again, never "empty".
    async fn next(&mut self) -> Result<Vec<LeaseEvent>, StoreError>;
}

/// Where a watch goes on (etcd: the revision of the list; dir: the number of the list).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor(pub i64);

/// A consistent reading of all leases.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Readable leases.
    pub leases: Vec<Lease>,
    /// Keys or values that are no leases: skipped with one warning each.
    pub unreadable: Vec<Unreadable>,
    /// Where a watch goes on.
    pub cursor: Cursor,
}

/// A record that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The store's key.
    pub key: String,
    /// Why.
    pub why: String,
}

/// One event of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseEvent {
    /// The lease is there now, new or with another value.
    Added(Lease),
    /// The lease is gone: released or expired.
    Removed(Subnet),
    /// A record changed that cannot be read.
    Unreadable(Unreadable),
}

/// Why a store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No network config.
    #[error("flannel config not found at {at}")]
    NoConfig {
        /// Key or file.
        at: String,
        /// One more sentence, such as "etcd's v2 API holds one".
        hint: Option<String>,
    },
    /// The key of a new lease exists.
    #[error("subnet {0} is already leased")]
    Taken(Subnet),
    /// The lease changed hands, or is gone.
    #[error("lease {subnet} is not what it was: {now}")]
    Changed {
        /// Which.
        subnet: Subnet,
        /// "gone", "expired" or who holds it now.
        now: String,
    },
    /// The watch cannot go on from where it was: list again.
    #[error("the watch lost its place: {0}")]
    Lost(String),
    /// The store cannot be reached or answers with an error; may pass.
    #[error("{store}")]
    Unreachable {
        /// Which store, see [`LeaseStore::describe`].
        store: String,
        /// Cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The settings cannot work (certificate unreadable, `https` without …); will not pass by itself.
    #[error("{what}")]
    Setup {
        /// What is wrong.
        what: String,
        /// How to mend it.
        hint: String,
        /// Cause, if another layer told one.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl StoreError {
    /// What to do about it, if there is advice.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoConfig { at: _, hint } => {
                Some(hint.clone().unwrap_or_else(|| "write it: flanctl lease config set FILE".to_owned()))
            }
            Self::Setup { hint, .. } => Some(hint.clone()),
            Self::Taken(subnet) => Some(format!("see who holds it: flanctl lease show {}", subnet.cidrs())),
            Self::Changed { subnet, .. } => {
                Some(format!("read it again: flanctl lease show {}", subnet.cidrs()))
            }
            Self::Unreachable { source, .. } => advice(&source.to_string()).map(str::to_owned),
            Self::Lost(_) => None,
        }
    }
}

/// Words in a cause, and what to do about it. Nothing is decided by them.
const ADVICE: &[(&str, &str)] = &[
    ("UnknownIssuer", "--etcd-cafile must hold the CA that signed etcd's certificate"),
    ("invalid peer certificate", "etcd's certificate must be valid for the host that --etcd-endpoints names"),
    ("BadCertificate", "etcd wants a client certificate of its own CA: --etcd-certfile and --etcd-keyfile"),
    (
        "CertificateRequired",
        "etcd wants a client certificate of its own CA: --etcd-certfile and --etcd-keyfile",
    ),
    (
        "connection closed",
        "does etcd speak TLS there (https in --etcd-endpoints), and want a client certificate?",
    ),
    ("broken pipe", "does etcd speak TLS there (https in --etcd-endpoints)?"),
    ("connection reset", "does etcd speak TLS there (https in --etcd-endpoints)?"),
    ("tcp connect error", "start etcd, or mend --etcd-endpoints"),
    ("no answer within", "etcd hangs or a firewall drops packets: etcdctl endpoint health"),
    (
        "etcdserver: permission denied",
        "the role needs read on PREFIX/config and readwrite on PREFIX/subnets (--prefix=true)",
    ),
    ("user name is empty", "etcd wants a login: --etcd-username and --etcd-password"),
    ("database space exceeded", "compact and defragment etcd, then disarm its NOSPACE alarm"),
    (
        "Permission denied",
        "run it as a user who may write there, or name another directory: --store dir:PATH",
    ),
    ("Too many open files", "raise fs.inotify.max_user_instances"),
];

fn advice(cause: &str) -> Option<&'static str> {
    ADVICE.iter().find(|(words, _)| cause.contains(words)).map(|(_, advice)| *advice)
}

/// A cause in one line of text.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Cause(pub(crate) String);
