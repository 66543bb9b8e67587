//! `flanctl lease watch`: leases as they come and go, a line each. A watch that loses its place lists again and
//! tells the difference; nothing is told twice and nothing is left out.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::lease::store_failure;
use super::look::{host, now};
use crate::clock;
use crate::error::{Failure, exit};
use crate::lease::Lease;
use crate::net::Subnet;
use crate::readings::{LeaseRow, lease_rows};
use crate::render::{Listing as Document, Out, Source, clean};
use crate::store::{Cursor, LeaseEvent, LeaseStore, StoreError};

/// One line of `-o json`, behind a header line.
#[derive(Serialize)]
struct Line<'a> {
    at: String,
    event: &'a str,
    #[serde(flatten)]
    row: Option<LeaseRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subnet: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

struct Teller<'a, 'o> {
    known: BTreeMap<Subnet, Lease>,
    json: bool,
    out: &'a mut Out<'o>,
}

/// Tells what there is, then what changes, until interrupted.
pub(super) async fn watch(
    store: &dyn LeaseStore,
    json: bool,
    netns: &str,
    out: &mut Out<'_>,
) -> Result<u8, Failure> {
    let mut teller = Teller { known: BTreeMap::new(), json, out };
    let mut cursor = teller.list(store).await.map_err(Failure::from)?;
    if json {
        // The header goes first; what is held already was kept back for it.
        let head: Document<()> =
            Document::new("lease-watch", clock::rfc3339(now()), host(), netns.to_owned(), Source::Live);
        teller.out.json(&head)?;
    }
    teller.tell_held()?;
    loop {
        let watched = tokio::select! {
            done = follow(store, cursor, &mut teller) => done,
            _ = tokio::signal::ctrl_c() => return Ok(exit::INTERRUPTED),
        };
        match watched {
            Err(Stop::Writing(failure)) => return Err(failure),
            // Any error of a watch means: list again, never "empty".
            Err(Stop::Store(_)) | Ok(()) => {}
        }
        cursor = loop {
            match teller.relist(store).await {
                Ok(cursor) => break cursor,
                Err(Stop::Writing(failure)) => return Err(failure),
                Err(Stop::Store(error)) => {
                    teller.say("unreachable", None, None, Some(error.to_string()))?;
                    tokio::select! {
                        () = tokio::time::sleep(Duration::from_secs(2)) => {}
                        _ = tokio::signal::ctrl_c() => return Ok(exit::INTERRUPTED),
                    }
                }
            }
        };
    }
}

/// Why following ended.
enum Stop {
    Store(StoreError),
    Writing(Failure),
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Store(error) => store_failure(error),
            Stop::Writing(failure) => failure,
        }
    }
}

async fn follow(store: &dyn LeaseStore, cursor: Cursor, teller: &mut Teller<'_, '_>) -> Result<(), Stop> {
    let mut watch = store.watch(cursor).await.map_err(Stop::Store)?;
    loop {
        for event in watch.next().await.map_err(Stop::Store)? {
            teller.event(event).map_err(Stop::Writing)?;
        }
    }
}

impl Teller<'_, '_> {
    /// Reads everything without a word.
    async fn list(&mut self, store: &dyn LeaseStore) -> Result<Cursor, Stop> {
        let listing = store.list().await.map_err(Stop::Store)?;
        self.known = listing.leases.into_iter().map(|lease| (lease.subnet, lease)).collect();
        Ok(listing.cursor)
    }

    fn tell_held(&mut self) -> Result<(), Failure> {
        let held: Vec<Lease> = self.known.values().cloned().collect();
        held.iter().try_for_each(|lease| self.say("held", Some(lease), None, None))
    }

    /// Reads everything again and tells what differs from what was told.
    async fn relist(&mut self, store: &dyn LeaseStore) -> Result<Cursor, Stop> {
        let listing = store.list().await.map_err(Stop::Store)?;
        let there: Vec<Subnet> = listing.leases.iter().map(|lease| lease.subnet).collect();
        let gone: Vec<Subnet> = self.known.keys().filter(|key| !there.contains(key)).copied().collect();
        let events = gone
            .into_iter()
            .map(LeaseEvent::Removed)
            .chain(listing.leases.into_iter().map(LeaseEvent::Added));
        for event in events {
            self.event(event).map_err(Stop::Writing)?;
        }
        Ok(listing.cursor)
    }

    fn event(&mut self, event: LeaseEvent) -> Result<(), Failure> {
        match event {
            LeaseEvent::Added(lease) => {
                let word = match self.known.get(&lease.subnet) {
                    Some(old) if old.attrs == lease.attrs => return Ok(()),
                    Some(_) => "changed",
                    None => "added",
                };
                self.say(word, Some(&lease), None, None)?;
                self.known.insert(lease.subnet, lease);
                Ok(())
            }
            LeaseEvent::Removed(subnet) => match self.known.remove(&subnet) {
                Some(lease) => self.say("removed", Some(&lease), None, None),
                None => self.say("removed", None, Some(subnet.cidrs()), None),
            },
            LeaseEvent::Unreadable(bad) => self.say("unreadable", None, Some(bad.key), Some(bad.why)),
        }
    }

    fn say(
        &mut self,
        event: &str,
        lease: Option<&Lease>,
        subnet: Option<String>,
        why: Option<String>,
    ) -> Result<(), Failure> {
        let at = clock::rfc3339(now());
        let row = lease.and_then(|lease| lease_rows(std::slice::from_ref(lease), None, now()).pop());
        if self.json {
            self.out.json(&Line { at, event, row, subnet, why })?;
        } else {
            let about = row.map_or_else(
                || subnet.unwrap_or_default(),
                |row| {
                    let ip = row.lease.public_ip.map(|ip| ip.to_string()).unwrap_or_default();
                    let mac = row.lease.mac.map(|mac| mac.to_string()).unwrap_or_default();
                    format!("{} {} {ip} {} {mac}", row.lease.subnet, row.node, row.lease.backend)
                },
            );
            let text = [at.as_str(), event, about.trim_end(), why.as_deref().unwrap_or_default()].join(" ");
            self.out.line(&clean(text.trim_end()))?;
        }
        self.out.flush()
    }
}
