//! What happens to a directory: crashes of writers, many at once, its removal.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use flanctl::config::StoreChoice;
use flanctl::lease::{Expiry, TTL_SECS};
use flanctl::store::{self, Cursor, LeaseStore, StoreError};

use super::{attrs, run, subnet};

async fn open(path: &Path) -> Box<dyn LeaseStore> {
    store::open(&StoreChoice::Dir(path.to_owned())).await.unwrap()
}

#[test]
fn what_a_killed_writer_left_is_no_lease_and_is_cleared_away() {
    let home = tempfile::tempdir().unwrap();
    run(async {
        let store = open(home.path()).await;
        store.create(subnet("10.3.1.0-24"), &attrs("1.1.1.1"), TTL_SECS).await.unwrap();
        let left = [home.path().join(".new-file"), home.path().join("subnets/.new-file")];
        for path in &left {
            std::fs::write(path, r#"{"revision":1,"val"#).unwrap();
        }
        let listing = store.list().await.unwrap();
        assert_eq!((listing.leases.len(), listing.unreadable.len()), (1, 0));
        store.create(subnet("10.3.2.0-24"), &attrs("1.1.1.2"), TTL_SECS).await.unwrap();
        assert_eq!(open(home.path()).await.list().await.unwrap().leases.len(), 2);
        assert!(left.iter().all(|path| !path.exists()));
    });
}

#[test]
fn readers_see_whole_leases_only_while_others_write() {
    let home = tempfile::tempdir().unwrap();
    let writers: Vec<_> = (0..4u8)
        .map(|writer| {
            let path = home.path().to_owned();
            std::thread::spawn(move || {
                run(async {
                    let store = open(&path).await;
                    let mut revisions = BTreeSet::new();
                    for n in 0..40 {
                        let key = subnet(&format!("10.{writer}.{n}.0-24"));
                        let mut lease = store.create(key, &attrs("1.1.1.1"), TTL_SECS).await.unwrap();
                        revisions.insert(lease.revision);
                        lease = store.replace(&lease, &attrs("1.1.1.2"), None).await.unwrap();
                        revisions.insert(lease.revision);
                        store.keep_alive(&lease).await.unwrap();
                        if n % 2 == 0 {
                            store.release(&lease).await.unwrap();
                        }
                    }
                    revisions
                })
            })
        })
        .collect();
    run(async {
        let store = open(home.path()).await;
        while writers.iter().any(|w| !w.is_finished()) {
            assert_eq!(store.list().await.unwrap().unreadable, vec![]);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(store.list().await.unwrap().leases.len(), 80);
    });
    let revisions: Vec<BTreeSet<i64>> = writers.into_iter().map(|w| w.join().unwrap()).collect();
    let all: BTreeSet<i64> = revisions.iter().flatten().copied().collect();
    assert_eq!(all.len(), 4 * 80, "no revision twice");
}

#[test]
fn the_order_of_revisions_outlives_the_lock_files_removal() {
    let home = tempfile::tempdir().unwrap();
    run(async {
        let store = open(home.path()).await;
        let before = store.create(subnet("10.3.1.0-24"), &attrs("1.1.1.1"), TTL_SECS).await.unwrap();
        std::fs::remove_file(home.path().join(".lock")).unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
        let after = store.create(subnet("10.3.2.0-24"), &attrs("1.1.1.2"), TTL_SECS).await.unwrap();
        assert!(after.revision > before.revision);
    });
}

#[test]
fn a_directory_that_goes_away_ends_the_watch_and_a_strange_cursor_starts_none() {
    let home = tempfile::tempdir().unwrap();
    run(async {
        let (store, other) = (open(home.path()).await, open(home.path()).await);
        let cursor = store.list().await.unwrap().cursor;
        other.list().await.unwrap();
        for strange in [cursor, Cursor::default()] {
            assert!(matches!(other.watch(strange).await, Err(StoreError::Lost(_))), "{strange:?}");
        }
        let mut watch = store.watch(cursor).await.unwrap();
        std::fs::remove_dir_all(home.path().join("subnets")).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(5), watch.next()).await.unwrap();
        ended.unwrap_err();
        store.list().await.unwrap_err();
    });
}

#[test]
fn a_file_may_say_anything() {
    let home = tempfile::tempdir().unwrap();
    run(async {
        let store = open(home.path()).await;
        for (n, text) in [
            r#"{"revision":1,"ttl":1,"expires_ms":18446744073709551615,"value":{}}"#,
            r#"{"revision":-1,"ttl":18446744073709551615,"expires_ms":99999999999999,"value":{}}"#,
            r#"{"revision":1,"ttl":-1,"value":{}}"#,
            r#"{"revision":1,"value":[]}"#,
            "",
            "[1]",
            "\u{0}",
        ]
        .iter()
        .enumerate()
        {
            std::fs::write(home.path().join(format!("subnets/10.3.{n}.0-24")), text).unwrap();
        }
        std::fs::create_dir(home.path().join("subnets/10.3.99.0-24")).unwrap();
        let listing = store.list().await.unwrap();
        for lease in &listing.leases {
            assert!(matches!(lease.expires, Expiry::At(_) | Expiry::Never));
            let _ = store.keep_alive(lease).await;
        }
        assert_eq!(listing.leases.len() + listing.unreadable.len(), 8, "{listing:?}");
    });
}
