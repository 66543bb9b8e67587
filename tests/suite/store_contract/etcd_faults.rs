//! What an etcd does to its clients: compaction, restarts, lost history, outages; and its size.

use std::time::{Duration, Instant};

use etcd_client::{Client, PutOptions, Txn, TxnOp};
use flanctl::config::StoreChoice;
use flanctl::lease::{Attrs, TTL_SECS};
use flanctl::store::{AcquireError, Cursor, LeaseEvent, LeaseStore, LeaseWatch, StoreError};

use super::{acquire, attrs, conf, id, next, range4, run, subnet};
use crate::support::etcd::{Etcd, PREFIX};

async fn open(etcd: &Etcd) -> Box<dyn LeaseStore> {
    flanctl::store::open(&StoreChoice::Etcd(etcd.settings())).await.unwrap()
}

/// Starts a watch and waits for its first word: the error that ends it.
async fn end_of_watch(store: &dyn LeaseStore, from: Cursor) -> StoreError {
    let told = async { store.watch(from).await?.next().await };
    tokio::time::timeout(Duration::from_secs(10), told).await.expect("within 10 s").unwrap_err()
}

/// As the agent does: list and watch again until both work.
async fn begin_again(store: &dyn LeaseStore, within: Duration) -> (usize, Box<dyn LeaseWatch>) {
    let deadline = Instant::now() + within;
    loop {
        let tried = async {
            let listing = store.list().await?;
            Ok::<_, StoreError>((listing.leases.len(), store.watch(listing.cursor).await?))
        };
        match tried.await {
            Ok(begun) => return begun,
            Err(e) => assert!(Instant::now() < deadline, "still {e:?}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn with_mac(last: u8) -> Attrs {
    let data = format!(r#"{{"VNI":1,"VtepMAC":"02:42:ac:11:00:{last:02x}"}}"#);
    Attrs { backend_type: "vxlan".into(), backend_data: Some(data.into()), ..attrs("1.1.1.1") }
}

#[test]
fn a_watch_behind_the_compaction_says_lost_and_a_new_list_has_what_it_missed() {
    let etcd = Etcd::start();
    run(async {
        let (store, peer) = (open(&etcd).await, open(&etcd).await);
        let moved = store.create(subnet("10.3.1.0-24"), &with_mac(1), TTL_SECS).await.unwrap();
        let gone = store.create(subnet("10.3.2.0-24"), &attrs("1.1.1.2"), TTL_SECS).await.unwrap();
        let before = peer.list().await.unwrap().cursor;
        store.replace(&moved, &with_mac(2), None).await.unwrap();
        store.release(&gone).await.unwrap();
        etcd.compact();
        let lost = end_of_watch(&*peer, before).await;
        assert!(matches!(&lost, StoreError::Lost(why) if why.contains("compacted")), "{lost:?}");
        let listing = peer.list().await.unwrap();
        let [now] = &listing.leases[..] else { panic!("{listing:?}") };
        assert_eq!(now.attrs, with_mac(2), "a MAC that changed in the gap is seen");
        let mut watch = peer.watch(listing.cursor).await.unwrap();
        store.create(subnet("10.3.3.0-24"), &attrs("1.1.1.3"), TTL_SECS).await.unwrap();
        assert!(matches!(next(&mut *watch, 5).await.as_slice(), [LeaseEvent::Added(_)]));
    });
}

#[test]
fn a_running_watch_outlives_compaction_and_a_restart_of_etcd_ends_it_with_an_error() {
    let mut etcd = Etcd::start();
    run(async {
        let store = open(&etcd).await;
        store.create(subnet("10.3.1.0-24"), &attrs("1.1.1.1"), TTL_SECS).await.unwrap();
        let mut watch = store.watch(store.list().await.unwrap().cursor).await.unwrap();
        store.create(subnet("10.3.2.0-24"), &attrs("1.1.1.2"), TTL_SECS).await.unwrap();
        next(&mut *watch, 5).await;
        etcd.compact();
        store.create(subnet("10.3.3.0-24"), &attrs("1.1.1.3"), TTL_SECS).await.unwrap();
        assert_eq!(next(&mut *watch, 5).await.len(), 1);
        etcd.stop();
        let ended = tokio::time::timeout(Duration::from_secs(5), watch.next()).await.expect("an error, soon");
        ended.unwrap_err();
        let away = store.list().await.unwrap_err();
        let text = format!("{away}: {}", std::error::Error::source(&away).unwrap());
        assert!(text.contains(&etcd.url()) && text.contains(PREFIX), "{text}");
        let tried = store.create(subnet("10.3.9.0-24"), &attrs("1.1.1.9"), TTL_SECS).await.unwrap_err();
        assert!(matches!(tried, StoreError::Unreachable { .. }), "{tried:?}");
        etcd.run();
        let (count, mut watch) = begin_again(&*store, Duration::from_secs(30)).await;
        assert_eq!(count, 3);
        store.create(subnet("10.3.4.0-24"), &attrs("1.1.1.4"), TTL_SECS).await.unwrap();
        assert_eq!(next(&mut *watch, 5).await.len(), 1);
    });
}

#[test]
fn an_etcd_that_falls_silent_is_noticed() {
    let etcd = Etcd::start();
    run(async {
        let store = open(&etcd).await;
        let mut watch = store.watch(store.list().await.unwrap().cursor).await.unwrap();
        let _woken_at_the_end = etcd.freeze();
        let (ended, listed) = tokio::join!(
            tokio::time::timeout(Duration::from_secs(30), watch.next()),
            tokio::time::timeout(Duration::from_secs(8), store.list()),
        );
        ended.expect("a connection that only looks open is given up").unwrap_err();
        listed.expect("a request has a time limit").unwrap_err();
    });
}

#[test]
fn an_etcd_that_was_restored_to_an_older_revision_is_noticed() {
    let mut etcd = Etcd::start();
    run(async {
        let store = open(&etcd).await;
        for n in 1..=20 {
            let key = subnet(&format!("10.3.{n}.0-24"));
            store.create(key, &attrs("1.1.1.1"), TTL_SECS).await.unwrap();
        }
        let cursor = store.list().await.unwrap().cursor;
        etcd.restore(None);
        begin_again(&*store, Duration::from_secs(30)).await;
        let lost = end_of_watch(&*store, cursor).await;
        assert!(matches!(&lost, StoreError::Lost(why) if why.contains("restored")), "{lost:?}");
        let (count, mut watch) = begin_again(&*store, Duration::from_secs(5)).await;
        assert_eq!(count, 0);
        store.create(subnet("10.3.4.0-24"), &attrs("1.1.1.4"), TTL_SECS).await.unwrap();
        assert_eq!(next(&mut *watch, 5).await.len(), 1);
    });
}

#[test]
fn an_etcd_that_is_away_at_the_start_is_waited_for() {
    let mut etcd = Etcd::start();
    etcd.stop();
    run(async {
        let store = open(&etcd).await;
        let away = store.network_config().await.unwrap_err();
        assert!(matches!(away, StoreError::Unreachable { .. }), "{away:?}");
        etcd.run();
        begin_again(&*store, Duration::from_secs(10)).await;
        assert!(matches!(store.network_config().await, Err(StoreError::NoConfig { .. })));
    });
}

#[test]
fn the_value_at_the_key_is_flannels_to_the_byte() {
    let etcd = Etcd::start();
    run(async {
        let store = open(&etcd).await;
        let made = store.create(subnet("10.1.5.0-24"), &attrs("1.2.3.4"), TTL_SECS).await.unwrap();
        let value = etcd.ctl(&["get", "/coreos.com/network/subnets/10.1.5.0-24", "--print-value-only"]);
        assert_eq!(value.trim_end(), r#"{"PublicIP":"1.2.3.4","PublicIPv6":null}"#);
        let life = etcd.ctl(&["lease", "timetolive", &format!("{:x}", made.id), "--keys"]);
        assert!(life.contains("TTL(86400s)") && life.contains("10.1.5.0-24"), "{life}");
        store.release(&made).await.unwrap();
        assert!(etcd.ctl(&["lease", "list"]).contains("found 0 leases"), "a released lease leaves nothing");
        store.create(subnet("10.1.5.0-24"), &attrs("1.2.3.4"), TTL_SECS).await.unwrap();
        store.create(subnet("10.1.5.0-24"), &attrs("1.2.3.5"), TTL_SECS).await.unwrap_err();
        assert!(etcd.ctl(&["lease", "list"]).contains("found 1 leases"), "a loser leaves nothing");
    });
}

#[test]
fn five_hundred_nodes_that_start_at_once_all_get_a_lease() {
    let etcd = Etcd::start();
    run(async {
        let mut wide = range4("10.0.0.0/8", "10.0.0.0", "10.3.255.0");
        wide.subnet_len = 24;
        let wide = conf(Some(wide), false);
        let local = tokio::task::LocalSet::new();
        let mut tasks = vec![];
        for n in 0..500u32 {
            let (store, wide) = (open(&etcd).await, wide.clone());
            tasks.push(local.spawn_local(async move {
                let ip = std::net::Ipv4Addr::from(0xc0a8_0000 + n).to_string();
                let me = id(&format!("n{n}"), &ip);
                // On a busy machine etcd may take longer than a request waits: a node asks again, as the agent does.
                for _ in 0..20 {
                    match acquire(&*store, &me, &wide, None).await {
                        Err(AcquireError::Store(StoreError::Unreachable { .. })) => {}
                        done => return done.unwrap().lease.subnet,
                    }
                }
                panic!("etcd was silent for node {n}, twenty times");
            }));
        }
        local.await;
        let mut subnets = std::collections::BTreeSet::new();
        for task in tasks {
            subnets.insert(task.await.unwrap());
        }
        assert_eq!(subnets.len(), 500);
        assert_eq!(open(&etcd).await.list().await.unwrap().leases.len(), 500);
    });
}

/// Fills etcd with leases on one etcd lease, as many as a large cluster has.
pub(crate) async fn fill(etcd: &Etcd, count: u32) {
    let mut client = Client::connect([etcd.url()], None).await.unwrap();
    let lease = client.lease_grant(3_600, None).await.unwrap().id();
    let numbers: Vec<u32> = (0..count).collect();
    for chunk in numbers.chunks(100) {
        let puts: Vec<TxnOp> = chunk
            .iter()
            .map(|n| {
                let ip = std::net::Ipv4Addr::from(0xac10_0000 + n);
                let net = std::net::Ipv4Addr::from(0x0a00_0000 + (n << 8));
                let value = format!(
                    r#"{{"PublicIP":"{ip}","PublicIPv6":null,"BackendType":"vxlan","BackendData":{{"VNI":1,"VtepMAC":"02:42:ac:11:00:02"}},"Node":"node-{n}"}}"#
                );
                let options = PutOptions::new().with_lease(lease);
                TxnOp::put(format!("{PREFIX}/subnets/{net}-24"), value, Some(options))
            })
            .collect();
        client.txn(Txn::new().and_then(puts)).await.unwrap();
    }
}

#[test]
fn a_list_goes_over_pages_at_one_revision() {
    let etcd = Etcd::start();
    run(async {
        fill(&etcd, 12_000).await;
        let store = open(&etcd).await;
        let began = Instant::now();
        let mut listing = store.list().await.unwrap();
        let took = began.elapsed();
        assert_eq!((listing.leases.len(), listing.unreadable.len()), (12_000, 0));
        assert!(took < Duration::from_secs(3), "{took:?}");
        listing.leases.sort_by_key(|l| l.subnet);
        listing.leases.dedup_by_key(|l| l.subnet);
        assert_eq!(listing.leases.len(), 12_000);
        store.fill_expiries(&mut listing.leases).await.unwrap();
    });
}
