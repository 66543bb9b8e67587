//! etcd leases: what a key's life hangs on.

#![expect(clippy::disallowed_methods, reason = "turns a time to live into a point in time")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use etcd_client::{LeaseTimeToLiveOptions, PutOptions, TxnOp};
use tokio::task::JoinSet;

use super::connect::{Pool, no_such_lease};
use crate::lease::{Attrs, Expiry, Lease};
use crate::store::StoreError;
use crate::store::codec::encode_value;

/// Requests under way at once when every lease's end is asked for.
const AT_ONCE: usize = 32;

/// A new etcd lease; none (0) for a reservation.
pub(super) async fn grant(pool: &Pool, ttl_secs: u64) -> Result<(i64, Expiry), StoreError> {
    if ttl_secs == 0 {
        return Ok((0, Expiry::Never));
    }
    let ttl = i64::try_from(ttl_secs).unwrap_or(i64::MAX);
    let granted = pool.call(async |client| client.lease_client().grant(ttl, None).await).await?;
    Ok((granted.id(), Expiry::At(after(granted.ttl()))))
}

fn after(ttl: i64) -> SystemTime {
    SystemTime::now() + Duration::from_secs(u64::try_from(ttl).unwrap_or(0))
}

pub(super) fn put(key: &str, attrs: &Attrs, id: i64) -> TxnOp {
    TxnOp::put(key, encode_value(attrs), Some(PutOptions::new().with_lease(id)))
}

/// Prolongs an etcd lease and answers its new end; `None` if there is no such lease any more.
pub(super) async fn keep_alive(pool: &Pool, id: i64) -> Result<Option<SystemTime>, StoreError> {
    let asked = pool
        .call(async |client| {
            let mut leases = client.lease_client();
            match leases.keep_alive(id).await {
                Ok(_stream) => leases.time_to_live(id, None).await.map(|life| life.ttl()),
                // How the client tells a TTL of 0 from the server.
                Err(etcd_client::Error::LeaseKeepAliveError(_)) => Ok(-1),
                Err(e) => Err(e),
            }
        })
        .await;
    match asked {
        Ok(ttl) => Ok((ttl > 0).then(|| after(ttl))),
        Err(e) if no_such_lease(&e) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Revokes an etcd lease that no key hangs on (an operator may have hung several on one). Best effort: what
/// stays ends by itself.
pub(super) async fn drop_if_empty(pool: &Pool, id: i64) {
    if id == 0 {
        return;
    }
    let keys = LeaseTimeToLiveOptions::new().with_keys();
    let dropped = pool
        .call(async |client| {
            let mut leases = client.lease_client();
            if leases.time_to_live(id, Some(keys.clone())).await?.keys().is_empty() {
                leases.revoke(id).await?;
            }
            Ok(())
        })
        .await;
    if let Err(e) = dropped {
        tracing::debug!("etcd lease {id:x} is left to expire: {e}");
    }
}

/// Asks for the end of every lease, some at once.
pub(super) async fn fill_expiries(pool: &Pool, leases: &mut [Lease]) -> Result<(), StoreError> {
    let mut wanted: BTreeSet<i64> = leases.iter().map(|lease| lease.id).filter(|id| *id != 0).collect();
    let mut ends = BTreeMap::new();
    let mut asking = JoinSet::new();
    let client = pool.client().await?;
    while !wanted.is_empty() || !asking.is_empty() {
        while asking.len() < AT_ONCE
            && let Some(id) = wanted.pop_first()
        {
            let mut leases = client.lease_client();
            asking.spawn(async move { (id, leases.time_to_live(id, None).await) });
        }
        if let Some(Ok((id, answer))) = asking.join_next().await {
            let life = answer.map_err(|e| pool.error(&e))?;
            ends.insert(id, Expiry::At(after(life.ttl())));
        }
    }
    for lease in leases {
        lease.expires = match lease.id {
            0 => Expiry::Never,
            id => ends.get(&id).copied().unwrap_or(Expiry::Unknown),
        };
    }
    Ok(())
}
