//! Follows the store: a full list, then events from where the list ended; whatever goes wrong ends in a fresh list,
//! never in an empty one.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::store::{LeaseEvent, LeaseStore, Listing, StoreError};

/// First pause after a failure; doubles up to [`SLOWEST`].
const FASTEST: Duration = Duration::from_millis(100);
/// Longest pause between tries.
const SLOWEST: Duration = Duration::from_secs(5);

/// What the store told.
#[derive(Debug)]
pub enum News {
    /// Everything, in place of all that was known.
    List(Listing),
    /// What happened since, in order, and when it was heard.
    Events(Vec<LeaseEvent>, Instant),
    /// The store cannot be reached: what is known stays.
    Trouble(StoreError),
}

/// Follows until the receiver is dropped.
pub async fn follow(store: Rc<dyn LeaseStore>, news: mpsc::Sender<News>) {
    let mut pause = FASTEST;
    loop {
        match once(&*store, &news, &mut pause).await {
            Ok(()) => return,
            // The place is lost, not the store: list again at once.
            Err(StoreError::Lost(why)) => {
                tracing::info!("etcd watch fell behind ({why}), re-listing and resuming");
                if pause > FASTEST {
                    sleep(pause).await;
                }
            }
            Err(trouble) => {
                if news.send(News::Trouble(trouble)).await.is_err() {
                    return;
                }
                sleep(pause).await;
            }
        }
        pause = (pause * 2).min(SLOWEST);
    }
}

/// One list and its watch; ends well when nobody listens any more.
async fn once(
    store: &dyn LeaseStore,
    news: &mpsc::Sender<News>,
    pause: &mut Duration,
) -> Result<(), StoreError> {
    let listing = store.list().await?;
    let cursor = listing.cursor;
    if news.send(News::List(listing)).await.is_err() {
        return Ok(());
    }
    let mut watch = store.watch(cursor).await?;
    loop {
        let events = tokio::select! {
            events = watch.next() => events?,
            () = news.closed() => return Ok(()),
        };
        *pause = FASTEST;
        if news.send(News::Events(events, Instant::now())).await.is_err() {
            return Ok(());
        }
    }
}
