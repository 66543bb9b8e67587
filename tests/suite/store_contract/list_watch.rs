//! Part one: config, listing, watching.

use flanctl::lease::{Expiry, TTL_SECS};
use flanctl::store::{LeaseEvent, LeaseStore, StoreError};
use std::time::{Duration, SystemTime};

use super::{Bed, attrs, both, next, quiet, subnet};

both! {
    a_missing_config_is_told_and_a_written_one_comes_back_verbatim,
    a_watch_tells_what_is_made_and_what_is_released,
    a_foreign_lease_is_one_event_in_a_batch_of_one,
    nothing_slips_between_a_list_and_its_watch,
    a_lease_that_is_not_renewed_ends,
    prolonging_makes_no_event_and_changes_no_value,
    garbage_is_told_and_takes_nobody_away,
    a_cancelled_wait_ends_at_once_and_loses_nothing,
    a_reservation_has_no_end_and_a_lease_has_one,
    a_key_removed_by_hand_is_told,
}

async fn a_missing_config_is_told_and_a_written_one_comes_back_verbatim(bed: &Bed) {
    let store = bed.open().await;
    let missing = store.network_config().await.unwrap_err();
    assert!(matches!(missing, StoreError::NoConfig { .. }), "{missing:?}");
    assert!(missing.hint().is_some());
    let text = " {\"Network\": \"10.3.0.0/16\"}\n";
    store.put_config(text).await.unwrap();
    assert_eq!(bed.open().await.network_config().await.unwrap(), text);
    assert_eq!(store.list().await.unwrap().leases, vec![]);
}

async fn a_watch_tells_what_is_made_and_what_is_released(bed: &Bed) {
    let (store, peer) = (bed.open().await, bed.open().await);
    let mut watch = peer.watch(peer.list().await.unwrap().cursor).await.unwrap();
    let made = store.create(subnet("10.3.7.0-24"), &attrs("1.2.3.4"), TTL_SECS).await.unwrap();
    match next(&mut *watch, 5).await.as_slice() {
        [LeaseEvent::Added(seen)] => {
            assert_eq!((seen.subnet, &seen.attrs, seen.revision), (made.subnet, &made.attrs, made.revision));
        }
        other => panic!("{other:?}"),
    }
    let changed = store.replace(&made, &attrs("1.2.3.5"), None).await.unwrap();
    assert_eq!((changed.id, changed.expires), (made.id, made.expires));
    assert!(
        matches!(next(&mut *watch, 5).await.as_slice(), [LeaseEvent::Added(l)] if l.attrs == changed.attrs)
    );
    store.release(&changed).await.unwrap();
    assert_eq!(next(&mut *watch, 5).await, vec![LeaseEvent::Removed(made.subnet)]);
    assert!(quiet(&mut *watch).await);
}

async fn a_foreign_lease_is_one_event_in_a_batch_of_one(bed: &Bed) {
    let store = bed.open().await;
    store.create(subnet("10.3.1.0-24"), &attrs("1.1.1.1"), TTL_SECS).await.unwrap();
    let mut watch = store.watch(store.list().await.unwrap().cursor).await.unwrap();
    bed.open().await.create(subnet("10.3.30.0-24"), &attrs("1.1.1.2"), TTL_SECS).await.unwrap();
    let batch = next(&mut *watch, 5).await;
    assert!(
        matches!(batch.as_slice(), [LeaseEvent::Added(l)] if l.subnet == subnet("10.3.30.0-24")),
        "{batch:?}"
    );
    assert!(quiet(&mut *watch).await);
}

async fn nothing_slips_between_a_list_and_its_watch(bed: &Bed) {
    let store = bed.open().await;
    let kept = store.create(subnet("10.3.1.0-24"), &attrs("1.1.1.1"), TTL_SECS).await.unwrap();
    let gone = store.create(subnet("10.3.2.0-24"), &attrs("1.1.1.2"), TTL_SECS).await.unwrap();
    let listing = store.list().await.unwrap();
    assert_eq!(listing.leases.len(), 2);
    let other = bed.open().await;
    other.release(&gone).await.unwrap();
    other.create(subnet("10.3.3.0-24"), &attrs("1.1.1.3"), TTL_SECS).await.unwrap();
    other.replace(&kept, &attrs("9.9.9.9"), None).await.unwrap();
    let mut watch = store.watch(listing.cursor).await.unwrap();
    let mut told = vec![];
    while told.len() < 3 {
        told.extend(next(&mut *watch, 5).await);
    }
    let added = |key: &str| told.iter().any(|e| matches!(e, LeaseEvent::Added(l) if l.subnet == subnet(key)));
    assert!(told.contains(&LeaseEvent::Removed(gone.subnet)) && added("10.3.3.0-24") && added("10.3.1.0-24"));
}

async fn a_lease_that_is_not_renewed_ends(bed: &Bed) {
    let (store, peer) = (bed.open().await, bed.open().await);
    let mut watch = peer.watch(peer.list().await.unwrap().cursor).await.unwrap();
    let short = store.create(subnet("10.3.9.0-24"), &attrs("1.2.3.4"), 3).await.unwrap();
    assert!(matches!(next(&mut *watch, 5).await.as_slice(), [LeaseEvent::Added(_)]));
    assert_eq!(next(&mut *watch, 15).await, vec![LeaseEvent::Removed(short.subnet)]);
    assert_eq!(store.list().await.unwrap().leases, vec![]);
    for refused in [
        store.keep_alive(&short).await.unwrap_err(),
        store.replace(&short, &attrs("1.2.3.4"), None).await.unwrap_err(),
        store.release(&short).await.unwrap_err(),
    ] {
        assert!(matches!(refused, StoreError::Changed { .. }), "{refused:?}");
    }
    store.create(short.subnet, &attrs("5.5.5.5"), TTL_SECS).await.unwrap();
}

async fn ends(store: &dyn LeaseStore) -> SystemTime {
    let mut leases = store.list().await.unwrap().leases;
    store.fill_expiries(&mut leases).await.unwrap();
    match leases.as_slice() {
        [lease] => match lease.expires {
            Expiry::At(end) => end,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

async fn prolonging_makes_no_event_and_changes_no_value(bed: &Bed) {
    let store = bed.open().await;
    let made = store.create(subnet("10.3.9.0-24"), &attrs("1.2.3.4"), TTL_SECS).await.unwrap();
    let mut watch = store.watch(store.list().await.unwrap().cursor).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let other = bed.open().await;
    let end = other.keep_alive(&made).await.unwrap();
    for end in [end, ends(&*store).await] {
        let left = end.duration_since(SystemTime::now()).unwrap().as_secs();
        assert!((TTL_SECS - 2..=TTL_SECS).contains(&left), "{left}");
    }
    assert!(quiet(&mut *watch).await);
    let [now] = &store.list().await.unwrap().leases[..] else { panic!("one lease") };
    assert_eq!((now.revision, &now.attrs), (made.revision, &made.attrs));
}

async fn garbage_is_told_and_takes_nobody_away(bed: &Bed) {
    let store = bed.open().await;
    store.create(subnet("10.3.1.0-24"), &attrs("1.1.1.1"), TTL_SECS).await.unwrap();
    let mut watch = store.watch(store.list().await.unwrap().cursor).await.unwrap();
    for (key, text) in [("subnets/garbage", "x"), ("subnets/10.3.2.0-24", "{]")] {
        bed.put_raw(key, text);
        let batch = next(&mut *watch, 5).await;
        let bad = batch
            .iter()
            .all(|e| matches!(e, LeaseEvent::Unreadable(u) if key.ends_with(&u.key) || u.key.ends_with(key)));
        assert!(bad, "{key}: {batch:?}");
    }
    let listing = store.list().await.unwrap();
    assert_eq!((listing.leases.len(), listing.unreadable.len()), (1, 2), "{listing:?}");
    let blocked = store.create(subnet("10.3.2.0-24"), &attrs("1.1.1.2"), TTL_SECS).await.unwrap_err();
    assert!(matches!(blocked, StoreError::Taken(_)), "{blocked:?}");
    let mut again = store.watch(listing.cursor).await.unwrap();
    bed.remove_raw("subnets/garbage");
    assert!(quiet(&mut *again).await);
}

async fn a_cancelled_wait_ends_at_once_and_loses_nothing(bed: &Bed) {
    let store = bed.open().await;
    let mut watch = store.watch(store.list().await.unwrap().cursor).await.unwrap();
    let other = bed.open().await;
    let mut told = 0;
    for n in 1..=20 {
        // Cut the wait at any point: before, while and after the event comes.
        let pause = Duration::from_micros(n * 300);
        let key = subnet(&format!("10.3.{n}.0-24"));
        let a = attrs("1.1.1.1");
        let wait = tokio::time::timeout(pause, watch.next());
        let (made, cut) = tokio::join!(other.create(key, &a, TTL_SECS), wait);
        made.unwrap();
        told += cut.map_or(0, |batch| batch.unwrap().len());
    }
    while told < 20 {
        told += next(&mut *watch, 5).await.len();
    }
    assert_eq!(told, 20);
    assert!(quiet(&mut *watch).await);
}

async fn a_reservation_has_no_end_and_a_lease_has_one(bed: &Bed) {
    let store = bed.open().await;
    store.create(subnet("10.3.1.0-24"), &attrs("1.1.1.1"), 0).await.unwrap();
    bed.put_raw("subnets/10.3.2.0-24", r#"{"PublicIP":"1.1.1.2","PublicIPv6":null}"#);
    store.create(subnet("10.3.3.0-24"), &attrs("1.1.1.3"), TTL_SECS).await.unwrap();
    let mut leases = store.list().await.unwrap().leases;
    store.fill_expiries(&mut leases).await.unwrap();
    leases.sort_by_key(|l| l.subnet);
    let [a, b, c] = leases.as_slice() else { panic!("{leases:?}") };
    assert_eq!((a.expires, b.expires), (Expiry::Never, Expiry::Never));
    assert!(matches!(c.expires, Expiry::At(end) if end > SystemTime::now()));
    store.keep_alive(b).await.unwrap();
    let b = store.replace(b, &attrs("7.7.7.7"), None).await.unwrap();
    assert_eq!(b.expires, Expiry::Never);
}

async fn a_key_removed_by_hand_is_told(bed: &Bed) {
    let store = bed.open().await;
    let made =
        store.create(subnet("10.3.1.0-24&fc00:0:0:1::-64"), &attrs("1.1.1.1"), TTL_SECS).await.unwrap();
    let mut watch = store.watch(store.list().await.unwrap().cursor).await.unwrap();
    bed.remove_raw("subnets/10.3.1.0-24&fc00:0:0:1::-64");
    assert_eq!(next(&mut *watch, 5).await, vec![LeaseEvent::Removed(made.subnet)]);
    assert!(matches!(store.keep_alive(&made).await, Err(StoreError::Changed { .. })));
}
