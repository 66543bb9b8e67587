//! The store behind the agent's word: who examines a node asks it whether the agent is right, when leases end and what
//! time it is there. Hands only.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, SystemTime};

use super::gather::Look;
use super::look::{env, now, open_store};
use super::netns::Netns;
use crate::agent::file::StoreNote;
use crate::clock;
use crate::error::Failure;
use crate::lease::{Attrs, Lease};
use crate::net::Subnet;
use crate::store::Listing;

/// A store that does not answer by then is silent.
const PATIENCE: Duration = Duration::from_secs(2);

/// Of so many leases the ends are asked for, which is a request each; beyond that only of the node's own.
const ENDS: usize = 64;

/// A running agent is believed beyond so many leases: listing them takes longer than the whole examination.
const MANY: usize = 2_000;

/// The fact that the agent does not know yet what the store holds.
pub const AHEAD: &str = "store:ahead";

/// Asks the store that the agent names. What it says takes the place of what the agent said.
pub fn ask(look: &mut Look, note: &StoreNote, netns: &Netns) {
    let running = look.idle.is_none();
    if running && look.snapshot.leases.as_ref().is_some_and(|leases| leases.len() > MANY) {
        return;
    }
    // The agent reaches its store from the namespace that it works in.
    let Ok(_inside) = netns.enter() else { return };
    let own = look.snapshot.own;
    let choice = note.choice(env("FLANNELD_ETCD_PASSWORD"));
    let read = super::wait(async {
        let asked = async {
            let store = open_store(&choice).await?;
            let mut listing = store.list().await.map_err(super::lease::store_failure)?;
            let all = listing.leases.len() <= ENDS;
            // Its own first, where there are many.
            listing.leases.sort_by_key(|lease| Some(lease.subnet) != own);
            let some = if all { listing.leases.len() } else { 1.min(listing.leases.len()) };
            if let Some(some) = listing.leases.get_mut(..some) {
                // Ends are a comfort: without them the leases still count.
                let _ = store.fill_expiries(some).await;
            }
            Ok::<_, Failure>((store.describe(), listing))
        };
        tokio::time::timeout(PATIENCE, asked).await.map_err(|_| {
            Failure::unreadable("the lease store")
                .because(format!("no answer within {} s", PATIENCE.as_secs()))
        })?
    });
    let facts = &mut look.snapshot.state.facts;
    match read {
        Err(failure) => {
            facts.insert("store:silent".to_owned(), failure.chain());
        }
        Ok((whence, listing)) => {
            facts.insert("store:asked".to_owned(), "yes".to_owned());
            if let Some(offset) = offset(note) {
                facts.insert("clock:offset-to-store-ms".to_owned(), offset.to_string());
            }
            believe(look, whence, listing, running);
        }
    }
}

/// The store's leases take the place of the agent's.
fn believe(look: &mut Look, whence: String, listing: Listing, running: bool) {
    let Listing { mut leases, unreadable, .. } = listing;
    leases.sort_by_key(|lease| lease.subnet);
    look.unreadable =
        unreadable.into_iter().map(|bad| format!("unreadable {}: {}", bad.key, bad.why)).collect();
    let before = look.snapshot.leases.replace(leases);
    let same = table(before.as_deref()) == table(look.snapshot.leases.as_deref());
    if running && !same {
        look.snapshot.state.facts.insert(AHEAD.to_owned(), "yes".to_owned());
    }
    // What the agent wrote before it stopped no longer matters.
    let stopped = look.idle.take();
    look.snapshot.unseen.retain(|line| Some(line) != stopped.as_ref());
    look.whence = whence;
}

fn table(leases: Option<&[Lease]>) -> BTreeMap<Subnet, &Attrs> {
    leases.unwrap_or_default().iter().map(|lease| (lease.subnet, &lease.attrs)).collect()
}

/// By how many milliseconds this node's clock is ahead of etcd's, as far as etcd tells without TLS: in the `Date` of
/// an answer, in whole seconds.
fn offset(note: &StoreNote) -> Option<i64> {
    let StoreNote::Etcd { endpoints, .. } = note else { return None };
    let host = endpoints.iter().find_map(|url| url.strip_prefix("http://"))?.trim_end_matches('/');
    let there = date(host).ok()??;
    let here = now();
    let off = match here.duration_since(there) {
        Ok(ahead) => i64::try_from(ahead.as_millis()).ok()?,
        Err(behind) => -i64::try_from(behind.duration().as_millis()).ok()?,
    };
    // Whatever lies within the second that a date names is no difference.
    Some(if (0..1_500).contains(&off) { 0 } else { off })
}

fn date(host: &str) -> std::io::Result<Option<SystemTime>> {
    let Some(addr) = host.to_socket_addrs()?.next() else { return Ok(None) };
    let mut stream = TcpStream::connect_timeout(&addr, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /version HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut head = Vec::new();
    stream.take(4_096).read_to_end(&mut head)?;
    Ok(date_of(&String::from_utf8_lossy(&head)))
}

/// The `Date` of an HTTP answer.
fn date_of(head: &str) -> Option<SystemTime> {
    head.lines().take_while(|line| !line.is_empty()).find_map(|line| {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("date") { clock::http_date(value.trim()) } else { None }
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::date_of;

    #[test]
    fn an_answers_date_is_the_servers_time() {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ndate: Fri, 02 Jan 2026 15:04:05 GMT\r\n\r\nDate: x";
        assert_eq!(date_of(head), Some(UNIX_EPOCH + Duration::from_secs(1_767_366_245)));
        for bad in
            ["", "HTTP/1.1 200 OK\r\n\r\nDate: Fri, 02 Jan 2026 15:04:05 GMT", "Date: yesterday\r\n\r\n"]
        {
            assert_eq!(date_of(bad), None, "{bad}");
        }
    }
}
