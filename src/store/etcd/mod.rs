//! Leases in etcd v3, under flannel's keys. Every write is one compare-and-swap transaction that may be sent
//! twice without harm, so a request that fails on one endpoint is tried on the next.
//! Never decides which lease to take.

#![expect(clippy::disallowed_methods, reason = "turns a time to live into a point in time")]

mod connect;
mod lease;
mod legacy;
mod watch;

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use etcd_client::{Compare, CompareOp, GetOptions, GetResponse, KeyValue, Txn, TxnOp, TxnOpResponse};

use self::connect::Pool;
use super::codec::{config_key, decode_value, key_of, leases_under, subnet_of_key};
use super::{Cursor, LeaseStore, LeaseWatch, Listing, StoreError, Unreadable};
use crate::config::EtcdSettings;
use crate::lease::{Attrs, Expiry, Lease, TTL_SECS};
use crate::net::Subnet;

/// Keys a page of a list: 5,000 leases are 1.2 MB, a third of what a gRPC answer holds by default.
const PAGE: i64 = 5_000;

/// The lease store in etcd.
pub struct EtcdStore {
    pool: Pool,
    prefix: String,
}

impl EtcdStore {
    /// Checks the settings. Nothing is sent yet.
    pub async fn open(settings: &EtcdSettings) -> Result<Self, StoreError> {
        Ok(Self { pool: Pool::open(settings).await?, prefix: settings.prefix.clone() })
    }

    async fn get(&self, key: &str, options: Option<GetOptions>) -> Result<GetResponse, StoreError> {
        self.pool
            .call(async |client| {
                client.kv_client().max_decoding_message_size(ANSWER).get(key, options.clone()).await
            })
            .await
    }

    /// Sends the transaction; `None` if it was carried out, else what stands at the key now (`or_else`).
    async fn swap(&self, key: &str, when: Compare, then: TxnOp) -> Result<Swap, StoreError> {
        let txn = Txn::new().when([when]).and_then([then]).or_else([TxnOp::get(key, None)]);
        let answer = self.pool.call(async |client| client.kv_client().txn(txn.clone()).await).await?;
        let revision = answer.header().map_or(0, |h| h.revision());
        if answer.succeeded() {
            return Ok(Swap::Done { revision });
        }
        let now = match answer.op_responses().into_iter().next() {
            Some(TxnOpResponse::Get(mut got)) => got.take_kvs().into_iter().next(),
            _ => None,
        };
        Ok(Swap::Refused(now))
    }
}

/// The largest answer taken.
const ANSWER: usize = 64 << 20;

/// What came of a compare-and-swap.
enum Swap {
    Done { revision: i64 },
    Refused(Option<KeyValue>),
}

/// A lease from what etcd holds at its key.
fn lease_of(prefix: &str, kv: &KeyValue) -> Result<Lease, Unreadable> {
    let key = String::from_utf8_lossy(kv.key());
    let unreadable = |why: String| Unreadable { key: key.to_string(), why };
    let subnet = subnet_of_key(prefix, &key).map_err(|e| unreadable(e.to_string()))?;
    let attrs = decode_value(kv.value()).map_err(|e| unreadable(e.to_string()))?;
    let expires = if kv.lease() == 0 { Expiry::Never } else { Expiry::Unknown };
    Ok(Lease { subnet, attrs, expires, revision: kv.mod_revision(), id: kv.lease() })
}

/// Who holds the key now, for an error.
fn holder(kv: Option<&KeyValue>) -> String {
    match kv {
        None => "it is gone".to_owned(),
        Some(kv) => match decode_value(kv.value()) {
            Ok(attrs) => format!("{} holds it since revision {}", attrs.name(), kv.mod_revision()),
            Err(_) => format!("something unreadable stands there since revision {}", kv.mod_revision()),
        },
    }
}

fn at_revision(key: &str, revision: i64) -> Compare {
    Compare::mod_revision(key, CompareOp::Equal, revision)
}

#[async_trait(?Send)]
impl LeaseStore for EtcdStore {
    fn describe(&self) -> String {
        self.pool.name().to_owned()
    }

    fn moved(&self) {
        self.pool.forget();
    }

    async fn network_config(&self) -> Result<String, StoreError> {
        let key = config_key(&self.prefix);
        let mut got = self.get(&key, None).await?;
        match got.take_kvs().into_iter().next() {
            Some(kv) => String::from_utf8(kv.into_key_value().1).map_err(|e| StoreError::Setup {
                what: format!("{key} in {} is not text", self.pool.name()),
                hint: "write it again: flanctl lease config set FILE".to_owned(),
                source: Some(Box::new(e)),
            }),
            None => {
                let v3 = || "write it with etcd's v3 API: flanctl lease config set FILE".to_owned();
                let hint = legacy::v2_hint(self.pool.endpoints(), &key).await.or_else(|| Some(v3()));
                // The key has the prefix in it.
                let name = self.pool.name();
                let etcd = name.strip_suffix(&format!(", prefix {}", self.prefix)).unwrap_or(name);
                Err(StoreError::NoConfig { at: format!("{key} in {etcd}"), hint })
            }
        }
    }

    async fn put_config(&self, json: &str) -> Result<(), StoreError> {
        let key = config_key(&self.prefix);
        self.pool.call(async |client| client.kv_client().put(key.clone(), json, None).await).await?;
        Ok(())
    }

    async fn list(&self) -> Result<Listing, StoreError> {
        let mut listing = Listing::default();
        let under = leases_under(&self.prefix);
        // The end of the range is the prefix with its last byte, a slash, one higher.
        let end = format!("{}0", under.trim_end_matches('/'));
        let mut from = under;
        loop {
            let page =
                GetOptions::new().with_range(end.clone()).with_limit(PAGE).with_revision(listing.cursor.0);
            let mut got = self.get(&from, Some(page)).await?;
            if listing.cursor.0 == 0 {
                listing.cursor = Cursor(got.header().map_or(0, |h| h.revision()));
            }
            let (more, kvs) = (got.more(), got.take_kvs());
            for kv in &kvs {
                match lease_of(&self.prefix, kv) {
                    Ok(lease) => listing.leases.push(lease),
                    Err(unreadable) => listing.unreadable.push(unreadable),
                }
            }
            match kvs.last() {
                Some(last) if more => from = format!("{}\0", String::from_utf8_lossy(last.key())),
                _ => return Ok(listing),
            }
        }
    }

    async fn fill_expiries(&self, leases: &mut [Lease]) -> Result<(), StoreError> {
        lease::fill_expiries(&self.pool, leases).await
    }

    async fn create(&self, subnet: Subnet, attrs: &Attrs, ttl_secs: u64) -> Result<Lease, StoreError> {
        let key = key_of(&self.prefix, &subnet);
        let (id, expires) = lease::grant(&self.pool, ttl_secs).await?;
        let absent = Compare::version(key.clone(), CompareOp::Equal, 0);
        let done = self.swap(&key, absent, lease::put(&key, attrs, id)).await;
        let made = |revision| Lease { subnet, attrs: attrs.clone(), expires, revision, id };
        match done {
            Ok(Swap::Done { revision }) => Ok(made(revision)),
            // A first try did it and its answer was lost: nobody else has this etcd lease.
            Ok(Swap::Refused(Some(kv))) if id != 0 && kv.lease() == id => Ok(made(kv.mod_revision())),
            Ok(Swap::Refused(_)) => {
                lease::drop_if_empty(&self.pool, id).await;
                Err(StoreError::Taken(subnet))
            }
            Err(e) => Err(e),
        }
    }

    async fn replace(&self, held: &Lease, attrs: &Attrs, fresh: Option<u64>) -> Result<Lease, StoreError> {
        let subnet = held.subnet;
        let key = key_of(&self.prefix, &subnet);
        let (id, expires) = match fresh {
            Some(ttl) => lease::grant(&self.pool, ttl).await?,
            None => (held.id, held.expires),
        };
        let put = lease::put(&key, attrs, id);
        let done = self.swap(&key, at_revision(&key, held.revision), put).await;
        let made = |revision| Lease { subnet, attrs: attrs.clone(), expires, revision, id };
        match done {
            Ok(Swap::Done { revision }) => {
                if id != held.id {
                    lease::drop_if_empty(&self.pool, held.id).await;
                }
                Ok(made(revision))
            }
            // As in `create`: a first try did it.
            Ok(Swap::Refused(Some(kv)))
                if kv.lease() == id
                    && kv.mod_revision() > held.revision
                    && decode_value(kv.value()).as_ref() == Ok(attrs) =>
            {
                Ok(made(kv.mod_revision()))
            }
            Ok(Swap::Refused(kv)) => {
                if id != held.id {
                    lease::drop_if_empty(&self.pool, id).await;
                }
                Err(StoreError::Changed { subnet, now: holder(kv.as_ref()) })
            }
            Err(e) if connect::no_such_lease(&e) => {
                Err(StoreError::Changed { subnet, now: "it expired".to_owned() })
            }
            Err(e) => Err(e),
        }
    }

    async fn keep_alive(&self, held: &Lease) -> Result<SystemTime, StoreError> {
        let key = key_of(&self.prefix, &held.subnet);
        let mut got = self.get(&key, None).await?;
        let kv = got.take_kvs().into_iter().next();
        if !kv.as_ref().is_some_and(|kv| kv.mod_revision() == held.revision && kv.lease() == held.id) {
            return Err(StoreError::Changed { subnet: held.subnet, now: holder(kv.as_ref()) });
        }
        if held.id == 0 {
            return Ok(SystemTime::now() + Duration::from_secs(TTL_SECS));
        }
        match lease::keep_alive(&self.pool, held.id).await? {
            Some(end) => Ok(end),
            None => Err(StoreError::Changed { subnet: held.subnet, now: "it expired".to_owned() }),
        }
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        let key = key_of(&self.prefix, &lease.subnet);
        let delete = TxnOp::delete(key.clone(), None);
        match self.swap(&key, at_revision(&key, lease.revision), delete).await? {
            Swap::Done { .. } => {
                lease::drop_if_empty(&self.pool, lease.id).await;
                Ok(())
            }
            Swap::Refused(kv) => Err(StoreError::Changed { subnet: lease.subnet, now: holder(kv.as_ref()) }),
        }
    }

    async fn watch(&self, from: Cursor) -> Result<Box<dyn LeaseWatch>, StoreError> {
        Ok(Box::new(watch::EtcdWatch::start(self.pool.clone(), self.prefix.clone(), from).await?))
    }
}
