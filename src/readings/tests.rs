use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::{Reading, Row, Sight, Standing, arp_rows, fdb_rows, route_rows};
use crate::lease::{Attrs, Expiry, Lease, VxlanData};
use crate::net::{IfName, Mac};
use crate::state::{
    Fdb, FdbKey, Hop, Hops, Link, LinkKind, Neigh, NeighKey, Route, RouteKey, RouteKind, State, Vxlan, nud,
    proto, table,
};

fn dev() -> IfName {
    "flannel.1".parse().unwrap()
}

fn mac(n: u8) -> Mac {
    Mac([2, 0, 0, 0, 0, n])
}

fn lease(n: u8) -> Lease {
    let attrs = Attrs {
        public_ip: Some(Ipv4Addr::new(192, 168, 0, n)),
        backend_type: "vxlan".into(),
        backend_data: Some(VxlanData { vni: 1, mac: mac(n) }.to_json().into()),
        node: Some(format!("node-{n}").into()),
        ..Attrs::default()
    };
    Lease {
        subnet: format!("10.5.{n}.0-24").parse().unwrap(),
        attrs,
        expires: Expiry::Unknown,
        revision: 1,
        id: 1,
    }
}

fn keys(n: u8) -> (RouteKey, NeighKey, FdbKey) {
    let gateway = IpAddr::V4(Ipv4Addr::new(10, 5, n, 0));
    (
        RouteKey { table: table::MAIN, dst: format!("10.5.{n}.0/24").parse().unwrap(), tos: 0, metric: 0 },
        NeighKey { dev: dev(), ip: gateway },
        FdbKey { dev: dev(), mac: mac(n), vlan: 0, master: false },
    )
}

/// The state of node 1 as flannel writes it for these peers.
fn healthy(peers: &BTreeSet<u8>) -> State {
    let vxlan = Vxlan {
        vni: 1,
        port: 8472,
        local: None,
        lower: None,
        learning: false,
        gbp: false,
        ttl: 0,
        ..Vxlan::default()
    };
    let kind = LinkKind::Vxlan(vxlan);
    let link =
        Link { index: 3, mac: Some(mac(1)), mtu: 1450, up: true, lower_up: true, kind, ..Link::default() };
    let mut state = State::default();
    state.links.insert(dev(), link);
    for n in peers {
        let (route, neigh, fdb) = keys(*n);
        let hops = Hops::One(Hop::onlink(neigh.ip, dev()));
        let row = Route { kind: RouteKind::Unicast, proto: proto::BOOT, hops, ..Route::default() };
        state.routes.insert(route, vec![row]);
        state.neighs.insert(neigh, Neigh { mac: Some(mac(*n)), state: nud::PERMANENT, flags: 0 });
        let dst = Some(IpAddr::V4(Ipv4Addr::new(192, 168, 0, *n)));
        state.fdb.insert(fdb, Fdb { dst, state: nud::PERMANENT, ..Fdb::default() });
    }
    state
}

fn all(state: &State, leases: Option<&[Lease]>) -> Vec<Row> {
    let sight = Sight {
        state,
        leases,
        own: leases.map(|_| "10.5.1.0-24".parse().unwrap()),
        conf: None,
        unreadable: &[],
    };
    let readings: [Reading; 3] =
        [route_rows(&sight, false), fdb_rows(&sight, false), arp_rows(&sight, false)];
    readings.into_iter().flat_map(|reading| reading.rows).collect()
}

fn of(rows: &[Row], standing: Standing) -> usize {
    rows.iter().filter(|row| row.state == standing).count()
}

fn peers() -> impl Strategy<Value = BTreeSet<u8>> {
    proptest::collection::btree_set(2u8..=250, 1..12)
}

proptest! {
    #[test]
    fn what_flannel_writes_is_ok_and_one_lost_row_is_one_finding(peers in peers(), which: prop::sample::Index, part in 0..3) {
        let leases: Vec<Lease> = std::iter::once(1).chain(peers.iter().copied()).map(lease).collect();
        let mut state = healthy(&peers);
        let rows = all(&state, Some(&leases));
        prop_assert_eq!(of(&rows, Standing::Ok), rows.len());
        prop_assert_eq!(rows.len(), 3 * peers.len() + 1);

        let (route, neigh, fdb) = keys(*peers.iter().nth(which.index(peers.len())).unwrap());
        match part {
            0 => drop(state.routes.remove(&route)),
            1 => drop(state.neighs.remove(&neigh)),
            _ => drop(state.fdb.remove(&fdb)),
        }
        let rows = all(&state, Some(&leases));
        prop_assert_eq!((of(&rows, Standing::Missing), of(&rows, Standing::Ok)), (1, 3 * peers.len()));
    }

    #[test]
    fn a_lease_that_goes_leaves_three_stale_rows(peers in peers()) {
        let gone = *peers.first().unwrap();
        let left = peers.iter().copied().filter(|n| *n != gone);
        let leases: Vec<Lease> = std::iter::once(1).chain(left).map(lease).collect();
        let rows = all(&healthy(&peers), Some(&leases));
        prop_assert_eq!((of(&rows, Standing::Stale), of(&rows, Standing::Ok)), (3, 3 * peers.len() - 2));
    }

    #[test]
    fn the_order_of_the_leases_does_not_matter(peers in peers()) {
        let mut leases: Vec<Lease> = std::iter::once(1).chain(peers.iter().copied()).map(lease).collect();
        let state = healthy(&peers);
        let rows = all(&state, Some(&leases));
        leases.reverse();
        prop_assert_eq!(all(&state, Some(&leases)), rows);
    }

    #[test]
    fn without_leases_a_lost_neighbour_or_entry_is_broken(peers in peers(), entry: bool) {
        let mut state = healthy(&peers);
        prop_assert_eq!(of(&all(&state, None), Standing::Broken), 0);
        let (_, neigh, fdb) = keys(*peers.first().unwrap());
        let lost = if entry { state.fdb.remove(&fdb).is_some() } else { state.neighs.remove(&neigh).is_some() };
        prop_assert!(lost);
        let rows = all(&state, None);
        prop_assert!(of(&rows, Standing::Broken) >= 2, "the route and the table that lacks its part");
        prop_assert_eq!(of(&rows, Standing::MaybeStale), usize::from(!entry), "its entry, if the neighbour went");
    }

    #[test]
    fn a_row_is_the_same_after_a_way_through_json(peers in peers()) {
        let leases: Vec<Lease> = std::iter::once(1).chain(peers.iter().skip(1).copied()).map(lease).collect();
        for row in all(&healthy(&peers), Some(&leases)) {
            let text = serde_json::to_string(&row).unwrap();
            prop_assert_eq!(serde_json::from_str::<Row>(&text).unwrap(), row);
        }
    }
}
