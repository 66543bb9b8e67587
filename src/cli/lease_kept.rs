//! The leases of a snapshot, as a store that can be read and nothing else.

use std::path::PathBuf;
use std::time::SystemTime;

use async_trait::async_trait;

use crate::lease::{Attrs, Lease};
use crate::net::Subnet;
use crate::snapshot::Snapshot;
use crate::store::{Cursor, LeaseStore, LeaseWatch, Listing, StoreError};

/// A snapshot and where it lies.
pub(super) struct Kept {
    pub(super) path: PathBuf,
    pub(super) snapshot: Snapshot,
}

impl Kept {
    /// What is asked for needs a store that lives.
    fn refused(&self) -> StoreError {
        StoreError::Setup {
            what: format!("{} holds one moment: it can be read only", self.describe()),
            hint: "leave out --snapshot".to_owned(),
            source: None,
        }
    }

    fn missing(&self, what: &str) -> StoreError {
        StoreError::Setup {
            what: format!("{} holds no {what}: none were in reach when it was taken", self.describe()),
            hint: "take it again on a node whose agent runs, or with --store or --etcd-endpoints".to_owned(),
            source: None,
        }
    }
}

#[async_trait(?Send)]
impl LeaseStore for Kept {
    fn describe(&self) -> String {
        format!("snapshot {}", self.path.display())
    }

    async fn network_config(&self) -> Result<String, StoreError> {
        self.snapshot.config.clone().ok_or_else(|| self.missing("network config"))
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        let leases = self.snapshot.leases.clone().ok_or_else(|| self.missing("leases"))?;
        Ok(Listing { leases, ..Listing::default() })
    }

    async fn fill_expiries(&self, _: &mut [Lease]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn put_config(&self, _: &str) -> Result<(), StoreError> {
        Err(self.refused())
    }

    async fn create(&self, _: Subnet, _: &Attrs, _: u64) -> Result<Lease, StoreError> {
        Err(self.refused())
    }

    async fn replace(&self, _: &Lease, _: &Attrs, _: Option<u64>) -> Result<Lease, StoreError> {
        Err(self.refused())
    }

    async fn keep_alive(&self, _: &Lease) -> Result<SystemTime, StoreError> {
        Err(self.refused())
    }

    async fn release(&self, _: &Lease) -> Result<(), StoreError> {
        Err(self.refused())
    }

    async fn watch(&self, _: Cursor) -> Result<Box<dyn LeaseWatch>, StoreError> {
        Err(self.refused())
    }
}
