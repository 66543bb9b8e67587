//! Part two: who gets which lease.

use std::collections::BTreeSet;

use flanctl::lease::{Expiry, Identity, TTL_SECS};
use flanctl::store::{AcquireError, How, StoreError};

use super::{Bed, acquire, attrs, both, conf, id, range4, subnet, upstream};

both! {
    every_write_compares_before_it_sets,
    a_node_gets_a_free_subnet_and_then_the_same_again,
    the_previous_subnet_counts_if_it_is_free_and_fits,
    a_changed_network_moves_the_lease,
    twenty_nodes_that_start_at_once_all_get_one,
    twenty_dual_stack_nodes_that_start_at_once_share_no_family,
    two_nodes_with_one_address_are_told,
    two_nodes_with_one_address_that_start_at_once_do_not_both_get_one,
    a_reservation_is_taken_and_stays_one,
    a_flannelds_lease_is_adopted,
    a_new_address_keeps_the_subnet,
    a_network_that_becomes_dual_stack_keeps_each_nodes_ipv4_subnet,
    two_nodes_share_a_network_with_ipv6_only,
    a_full_network_says_so,
}

async fn every_write_compares_before_it_sets(bed: &Bed) {
    let (store, other) = (bed.open().await, bed.open().await);
    let key = subnet("10.3.1.0-24");
    let mine = store.create(key, &attrs("1.1.1.1"), TTL_SECS).await.unwrap();
    let taken = other.create(key, &attrs("1.1.1.2"), TTL_SECS).await.unwrap_err();
    assert!(matches!(taken, StoreError::Taken(s) if s == key), "{taken:?}");
    let theirs = other.replace(&mine, &attrs("1.1.1.2"), Some(60)).await.unwrap();
    for lost in [
        store.replace(&mine, &attrs("1.1.1.1"), None).await.unwrap_err(),
        store.replace(&mine, &attrs("1.1.1.1"), Some(60)).await.unwrap_err(),
        store.keep_alive(&mine).await.unwrap_err(),
        store.release(&mine).await.unwrap_err(),
    ] {
        assert!(matches!(&lost, StoreError::Changed { now, .. } if now.contains("1.1.1.2")), "{lost:?}");
    }
    other.keep_alive(&theirs).await.unwrap();
    other.release(&theirs).await.unwrap();
    assert!(matches!(other.release(&theirs).await, Err(StoreError::Changed { .. })));
}

async fn a_node_gets_a_free_subnet_and_then_the_same_again(bed: &Bed) {
    let store = bed.open().await;
    for n in [1, 2, 4, 5, 31] {
        store.create(subnet(&format!("10.3.{n}.0-24")), &attrs("1.1.1.1"), TTL_SECS).await.unwrap();
    }
    let me = id("n1", "1.2.3.4");
    let first = acquire(&*store, &me, &upstream(), None).await.unwrap();
    assert_eq!(first.how, How::Allocated);
    let at = first.lease.subnet.v4.unwrap().network().octets();
    assert!((1..=25).contains(&at[2]) && ![1, 2, 4, 5].contains(&at[2]), "{at:?}");
    assert!(matches!(first.lease.expires, Expiry::At(_)));
    let again = acquire(&*bed.open().await, &me, &upstream(), None).await.unwrap();
    assert_eq!((again.how, again.lease.subnet), (How::Reused, first.lease.subnet));
    assert_eq!(again.lease.revision, first.lease.revision, "a restart that changes nothing writes nothing");
}

async fn the_previous_subnet_counts_if_it_is_free_and_fits(bed: &Bed) {
    let store = bed.open().await;
    let got = acquire(&*store, &id("n1", "1.2.3.4"), &upstream(), Some("10.3.6.0-24")).await.unwrap();
    assert_eq!((got.how, got.lease.subnet), (How::Previous, subnet("10.3.6.0-24")));
    for (n, useless) in [(2, "10.4.1.0-24"), (3, "10.3.6.0-24")] {
        let me = id(&format!("n{n}"), &format!("1.2.3.{n}"));
        let got = acquire(&*store, &me, &upstream(), Some(useless)).await.unwrap();
        assert_eq!(got.how, How::Allocated, "{useless}");
    }
}

async fn a_changed_network_moves_the_lease(bed: &Bed) {
    let store = bed.open().await;
    let me = id("n1", "1.2.3.4");
    acquire(&*store, &me, &upstream(), None).await.unwrap();
    let moved = conf(Some(range4("10.4.0.0/16", "10.4.1.0", "10.4.25.0")), false);
    let got = acquire(&*store, &me, &moved, None).await.unwrap();
    assert!(got.lease.subnet.cidrs().starts_with("10.4."));
    assert_eq!(store.list().await.unwrap().leases.len(), 1, "the old one is given back");
}

/// `count` nodes at once, each with a store of its own; their leases.
async fn crowd(bed: &Bed, count: u8, dual: bool) -> Vec<flanctl::lease::Lease> {
    let conf = conf(Some(range4("10.3.0.0/16", "10.3.1.0", "10.3.25.0")), dual);
    let local = tokio::task::LocalSet::new();
    let mut tasks = vec![];
    for n in 1..=count {
        let (store, conf) = (bed.open().await, conf.clone());
        tasks.push(local.spawn_local(async move {
            acquire(&*store, &id(&format!("n{n}"), &format!("1.2.3.{n}")), &conf, None).await.unwrap().lease
        }));
    }
    local.await;
    let mut leases = vec![];
    for task in tasks {
        leases.push(task.await.unwrap());
    }
    let listed = bed.open().await.list().await.unwrap();
    assert_eq!(listed.leases.len(), usize::from(count));
    leases
}

async fn twenty_nodes_that_start_at_once_all_get_one(bed: &Bed) {
    let got: BTreeSet<_> = crowd(bed, 20, false).await.into_iter().map(|l| l.subnet).collect();
    assert_eq!(got.len(), 20);
}

async fn twenty_dual_stack_nodes_that_start_at_once_share_no_family(bed: &Bed) {
    let leases = crowd(bed, 20, true).await;
    for (n, a) in leases.iter().enumerate() {
        assert!(a.subnet.v4.is_some() && a.subnet.v6.is_some());
        assert!(leases.iter().skip(n + 1).all(|b| !a.subnet.overlaps(&b.subnet)), "{:?}", a.subnet);
    }
}

async fn two_nodes_with_one_address_are_told(bed: &Bed) {
    let store = bed.open().await;
    let first = acquire(&*store, &id("n1", "1.2.3.4"), &upstream(), None).await.unwrap();
    let refused = acquire(&*store, &id("n2", "1.2.3.4"), &upstream(), None).await.unwrap_err();
    let (text, hint) = (refused.to_string(), refused.hint().unwrap());
    let cidr = first.lease.subnet.cidrs();
    for part in ["n1", "n2", "1.2.3.4", "last renewed ", " s ago", &cidr] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(hint.contains(&format!("flanctl lease release {cidr}")), "{hint}");
    assert_eq!(store.list().await.unwrap().leases.len(), 1);
}

async fn two_nodes_with_one_address_that_start_at_once_do_not_both_get_one(bed: &Bed) {
    let (a, b) = (bed.open().await, bed.open().await);
    let (one, two) = (id("n1", "1.2.3.4"), id("n2", "1.2.3.4"));
    let conf = upstream();
    let (a, b) = tokio::join!(acquire(&*a, &one, &conf, None), acquire(&*b, &two, &conf, None));
    assert_eq!([&a, &b].iter().filter(|got| got.is_ok()).count(), 1, "{a:?} {b:?}");
    let lost = a.err().or(b.err()).unwrap();
    assert!(matches!(lost, AcquireError::Refused { .. }), "{lost}");
    assert_eq!(bed.open().await.list().await.unwrap().leases.len(), 1);
}

async fn a_reservation_is_taken_and_stays_one(bed: &Bed) {
    bed.put_raw("subnets/10.3.9.0-24", r#"{"PublicIP":"1.2.3.4","PublicIPv6":null}"#);
    let store = bed.open().await;
    let me = id("n1", "1.2.3.4");
    for how in [How::Reserved, How::Reused] {
        let got = acquire(&*store, &me, &upstream(), None).await.unwrap();
        assert_eq!((got.how, got.lease.subnet), (how, subnet("10.3.9.0-24")));
        assert_eq!((got.lease.expires, got.lease.id), (Expiry::Never, 0));
        store.keep_alive(&got.lease).await.unwrap();
    }
    let [kept] = &store.list().await.unwrap().leases[..] else { panic!("one lease") };
    assert_eq!((kept.expires, kept.attrs.node.as_deref()), (Expiry::Never, Some("n1")));
    let other = acquire(&*store, &id("n2", "1.2.3.5"), &upstream(), Some("10.3.9.0-24")).await.unwrap();
    assert_ne!(other.lease.subnet, kept.subnet);
}

async fn a_flannelds_lease_is_adopted(bed: &Bed) {
    let store = bed.open().await;
    let theirs = store.create(subnet("10.3.9.0-24"), &attrs("1.2.3.4"), 60).await.unwrap();
    let got = acquire(&*store, &id("n1", "1.2.3.4"), &upstream(), None).await.unwrap();
    assert_eq!((got.how, got.lease.subnet), (How::Adopted, theirs.subnet));
    let left = match got.lease.expires {
        Expiry::At(end) => end.duration_since(std::time::SystemTime::now()).unwrap().as_secs(),
        other => panic!("{other:?}"),
    };
    assert!(left > 86_000, "{left}");
}

async fn a_new_address_keeps_the_subnet(bed: &Bed) {
    let store = bed.open().await;
    let first = acquire(&*store, &id("n1", "1.2.3.4"), &upstream(), None).await.unwrap();
    let remembered = Some(first.lease.subnet);
    let again = acquire(&*store, &id("n1", "1.2.3.99"), &upstream(), remembered).await.unwrap();
    assert_eq!((again.how, again.lease.subnet), (How::Reused, first.lease.subnet));
    let [seen] = &store.list().await.unwrap().leases[..] else { panic!("one lease") };
    assert_eq!(seen.attrs.public_ip, "1.2.3.99".parse().ok());
}

async fn a_network_that_becomes_dual_stack_keeps_each_nodes_ipv4_subnet(bed: &Bed) {
    let store = bed.open().await;
    let before = crowd(bed, 5, false).await;
    let dual = conf(upstream().v4, true);
    for (n, old) in (1..).zip(&before) {
        let got = acquire(&*store, &id(&format!("n{n}"), &format!("1.2.3.{n}")), &dual, None).await.unwrap();
        assert_eq!((got.how, got.lease.subnet.v4), (How::Previous, old.subnet.v4));
        assert!(got.lease.subnet.v6.is_some());
    }
    assert_eq!(store.list().await.unwrap().leases.len(), 5);
    let back = acquire(&*store, &id("n1", "1.2.3.1"), &upstream(), None).await.unwrap();
    assert_eq!(back.lease.subnet, before[0].subnet);
}

async fn two_nodes_share_a_network_with_ipv6_only(bed: &Bed) {
    let store = bed.open().await;
    let v6_only = conf(None, true);
    let node = |name: &str, ip: &str| Identity {
        node: name.into(),
        public_ip: None,
        public_ipv6: Some(ip.parse().unwrap()),
    };
    let a = acquire(&*store, &node("n1", "fd01::1"), &v6_only, None).await.unwrap().lease;
    let b = acquire(&*store, &node("n2", "fd01::2"), &v6_only, None).await.unwrap().lease;
    assert!(a.subnet.v4.is_none() && b.subnet.v4.is_none() && !a.subnet.overlaps(&b.subnet));
    let again = acquire(&*store, &node("n1", "fd01::1"), &v6_only, None).await.unwrap();
    assert_eq!((again.how, again.lease.subnet), (How::Reused, a.subnet));
    let refused = acquire(&*store, &node("n3", "fd01::2"), &v6_only, None).await.unwrap_err();
    assert!(matches!(refused, AcquireError::Refused { .. }), "{refused}");
}

async fn a_full_network_says_so(bed: &Bed) {
    let store = bed.open().await;
    let tiny = conf(Some(range4("10.3.0.0/16", "10.3.1.0", "10.3.2.0")), false);
    for n in 1..=2 {
        acquire(&*store, &id(&format!("n{n}"), &format!("1.2.3.{n}")), &tiny, None).await.unwrap();
    }
    let full = acquire(&*store, &id("n3", "1.2.3.3"), &tiny, None).await.unwrap_err();
    assert_eq!(full.to_string(), "out of subnets: no free /24 in 10.3.1.0 ... 10.3.2.0 of 10.3.0.0/16");
}
