//! Watching the leases. One answer of etcd is one batch. Whatever breaks the stream, or makes its place in
//! history doubtful, ends it with an error: the caller lists again.

use std::time::Duration;

use async_trait::async_trait;
use etcd_client::{EventType, GetOptions, WatchOptions, WatchResponse, WatchStream};
use tokio::time::{Instant, sleep_until};

use super::connect::Pool;
use super::{ANSWER, lease_of};
use crate::store::codec::{config_key, leases_under, subnet_of_key};
use crate::store::{Cause, Cursor, LeaseEvent, LeaseWatch, StoreError};

/// How long a quiet stream is believed before it is asked for a sign of life.
const QUIET: Duration = Duration::from_secs(10);
/// How long that sign may take.
const ANSWERS_IN: Duration = Duration::from_secs(10);

/// A running watch.
pub(super) struct EtcdWatch {
    pool: Pool,
    prefix: String,
    stream: WatchStream,
    /// The highest revision known to exist.
    seen: i64,
    /// When to ask for a sign of life, or to give up waiting for it.
    due: Instant,
    asked: bool,
}

impl EtcdWatch {
    pub(super) async fn start(pool: Pool, prefix: String, from: Cursor) -> Result<Self, StoreError> {
        let options = WatchOptions::new()
            .with_prefix()
            .with_progress_notify()
            .with_start_revision(from.0.saturating_add(1));
        let under = leases_under(&prefix);
        let mut stream = pool
            .call(async |client| {
                let mut watches = client.watch_client().max_decoding_message_size(ANSWER);
                watches.watch(under.clone(), Some(options.clone())).await
            })
            .await?;
        let created = tokio::time::timeout(ANSWERS_IN, stream.message()).await;
        let mut watch =
            Self { pool, prefix, stream, seen: from.0, due: Instant::now() + QUIET, asked: false };
        match created {
            Ok(Ok(Some(answer))) => {
                watch.checked(&answer).await?;
                Ok(watch)
            }
            Ok(Ok(None)) => Err(StoreError::Lost("etcd closed the stream".to_owned())),
            Ok(Err(e)) => Err(watch.pool.error(&e)),
            Err(_) => Err(watch.silent()),
        }
    }

    fn silent(&self) -> StoreError {
        StoreError::Unreachable {
            store: self.pool.name().to_owned(),
            source: Box::new(Cause(format!(
                "the watch gives no sign of life for {} s",
                ANSWERS_IN.as_secs()
            ))),
        }
    }

    /// Cancelled, compacted, or from another history?
    async fn checked(&mut self, answer: &WatchResponse) -> Result<(), StoreError> {
        if answer.compact_revision() > 0 {
            let (at, horizon) = (self.seen, answer.compact_revision());
            return Err(StoreError::Lost(format!(
                "history before revision {horizon} is compacted, it was at {at}"
            )));
        }
        if answer.canceled() {
            let reason = answer.cancel_reason();
            return Err(StoreError::Lost(format!("etcd cancelled it: {reason:?}")));
        }
        let revision = answer.header().map_or(0, |h| h.revision());
        if revision >= self.seen {
            self.seen = revision;
            return Ok(());
        }
        // Either this member lags behind the one that was listed, or etcd was restored from a backup. The
        // whole cluster knows.
        let key = config_key(&self.prefix);
        let count = GetOptions::new().with_count_only();
        let got = self
            .pool
            .call(async |client| client.kv_client().get(key.clone(), Some(count.clone())).await)
            .await?;
        let now = got.header().map_or(0, |h| h.revision());
        if now < self.seen {
            let seen = self.seen;
            return Err(StoreError::Lost(format!(
                "etcd went back from revision {seen} to {now} (restored?)"
            )));
        }
        Ok(())
    }

    fn events(&self, answer: &WatchResponse) -> Vec<LeaseEvent> {
        let mut events = Vec::with_capacity(answer.events().len());
        for event in answer.events() {
            let Some(kv) = event.kv() else { continue };
            match event.event_type() {
                EventType::Put => events.push(match lease_of(&self.prefix, kv) {
                    Ok(lease) => LeaseEvent::Added(lease),
                    Err(unreadable) => LeaseEvent::Unreadable(unreadable),
                }),
                // The end of something that was no lease concerns nobody.
                EventType::Delete => events.extend(
                    subnet_of_key(&self.prefix, &String::from_utf8_lossy(kv.key()))
                        .ok()
                        .map(LeaseEvent::Removed),
                ),
            }
        }
        events
    }
}

#[async_trait(?Send)]
impl LeaseWatch for EtcdWatch {
    async fn next(&mut self) -> Result<Vec<LeaseEvent>, StoreError> {
        loop {
            let answer = tokio::select! {
                biased;
                answer = self.stream.message() => answer,
                () = sleep_until(self.due) => {
                    if self.asked {
                        return Err(self.silent());
                    }
                    self.asked = true;
                    self.due = Instant::now() + ANSWERS_IN;
                    self.stream.request_progress().await.map_err(|e| self.pool.error(&e))?;
                    continue;
                }
            };
            let answer = match answer {
                Ok(Some(answer)) => answer,
                Ok(None) => return Err(StoreError::Lost("etcd closed the stream".to_owned())),
                Err(e) => return Err(self.pool.error(&e)),
            };
            (self.asked, self.due) = (false, Instant::now() + QUIET);
            // Taken out before anything is awaited: a cancelled call must lose no event.
            let events = self.events(&answer);
            if events.is_empty() || answer.canceled() {
                self.checked(&answer).await?;
                continue;
            }
            self.seen = self.seen.max(answer.header().map_or(0, |h| h.revision()));
            return Ok(events);
        }
    }
}
