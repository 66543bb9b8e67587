//! Rows survive a round trip, one message of each kind has the bytes it must have, and garbage is only garbage.

use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::net::Mac;
use crate::state::{
    Fdb, FdbKey, Hop, Hops, Neigh, NeighKey, Nexthop, Route, RouteKey, RouteKind, nud, proto,
};
use crate::state::{Vxlan, WantLink};

fn dev() -> IfName {
    "flannel.1".parse().unwrap()
}

fn names() -> Names {
    let mut names = Names::default();
    names.put(7, dev());
    names.put(2, "eth0".parse().unwrap());
    names
}

fn number(dev: IfName) -> Option<u32> {
    Some(if dev.as_str() == "eth0" { 2 } else { 7 })
}

fn ips(v6: bool) -> BoxedStrategy<IpAddr> {
    if v6 {
        any::<[u8; 16]>().prop_map(IpAddr::from).boxed()
    } else {
        any::<[u8; 4]>().prop_map(IpAddr::from).boxed()
    }
}

fn hops(v6: bool) -> impl Strategy<Value = Hop> {
    let via = proptest::option::of(ips(v6));
    (via, any::<bool>(), any::<bool>()).prop_map(|(via, onlink, eth)| {
        let dev = if eth { "eth0".parse().unwrap() } else { dev() };
        Hop { via, dev: Some(dev), onlink, ..Hop::default() }
    })
}

fn routes() -> impl Strategy<Value = (RouteKey, Route)> {
    any::<bool>().prop_flat_map(|v6| {
        let hops = prop_oneof![
            Just(Hops::None),
            hops(v6).prop_map(Hops::One),
            (1u32..).prop_map(Hops::Object),
            proptest::collection::vec((hops(v6), 1u16..=256), 1..4).prop_map(Hops::Multi),
        ];
        let len = if v6 { 0..=128u8 } else { 0..=32 };
        let key = (1u32.., ips(v6), len, any::<u8>(), any::<u32>());
        (key, any::<(u8, u8)>(), 1u8..10, proptest::option::of(ips(v6)), hops).prop_map(
            |((table, ip, len, tos, metric), (proto, scope), kind, src, hops)| {
                let dst = ipnet::IpNet::new(ip, len).unwrap().trunc();
                let kind = if kind == 1 { RouteKind::Unicast } else { RouteKind::Other(100 + kind) };
                (
                    RouteKey { table, dst, tos, metric },
                    Route { kind, proto, scope, src, hops, ..Route::default() },
                )
            },
        )
    })
}

fn built(fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    fill(&mut bytes);
    bytes
}

proptest! {
    #[test]
    fn a_route_comes_back_as_it_went((key, route) in routes()) {
        let bytes = built(|b| set_route(b, &key, &route, number).unwrap());
        prop_assert_eq!(read(rtm::NEWROUTE, &bytes, &names()), Read::Row(Row::Route(key, route)));
    }

    #[test]
    fn a_neighbour_comes_back_as_it_went(v6: bool, seed: [u8; 16], mac: [u8; 6]) {
        let [a, b, c, d, ..] = seed;
        let ip = if v6 { IpAddr::from(seed) } else { IpAddr::from([a, b, c, d]) };
        let bytes = built(|b| set_neigh(b, 7, ip, Mac(mac)));
        let row = Neigh { mac: Some(Mac(mac)), state: nud::PERMANENT, flags: 0 };
        prop_assert_eq!(
            read(rtm::NEWNEIGH, &bytes, &names()),
            Read::Row(Row::Neigh(NeighKey { dev: dev(), ip }, row))
        );
    }

    #[test]
    fn a_forwarding_entry_comes_back_as_it_went(dst: [u8; 16], v6: bool, mac: [u8; 6], vlan in 0u16..4096) {
        let [a, b, c, d, ..] = dst;
        let dst = if v6 { IpAddr::from(dst) } else { IpAddr::from([a, b, c, d]) };
        let key = FdbKey { dev: dev(), mac: Mac(mac), vlan, master: false };
        let bytes = built(|b| set_fdb(b, 7, &key, dst));
        let row = Fdb { dst: Some(dst), state: 0xc0, flags: 2, ..Fdb::default() };
        prop_assert_eq!(read(rtm::NEWNEIGH, &bytes, &names()), Read::Row(Row::Fdb(key, row)));
    }

    #[test]
    fn a_nexthop_comes_back_as_it_went(id: u32, via: [u8; 16], v6: bool) {
        let [a, b, c, d, ..] = via;
        let via = if v6 { IpAddr::from(via) } else { IpAddr::from([a, b, c, d]) };
        let bytes = built(|b| set_nexthop(b, id, via, 7));
        let hop = Hop::onlink(via, dev());
        let row = Nexthop { proto: proto::FLANCTL, hop, blackhole: false, group: vec![], fdb: false };
        prop_assert_eq!(read(rtm::NEWNEXTHOP, &bytes, &names()), Read::Row(Row::Nexthop(id, row)));
    }

    #[test]
    fn random_bytes_never_panic(kind in 0u16..120, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(kind, &bytes, &names());
        let _ = link_name(&bytes);
        let _ = route_hop(&bytes);
    }

    #[test]
    fn a_cut_or_bent_message_never_panics(
        (key, route) in routes(),
        cut in 0usize..100,
        bent in proptest::collection::vec((0usize..200, any::<u8>()), 0..6),
        kind in 16u16..107,
    ) {
        let mut bytes = built(|b| set_route(b, &key, &route, number).unwrap());
        bytes.truncate(bytes.len().saturating_sub(cut));
        for (at, value) in bent {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        let _ = read(kind, &bytes, &names());
    }
}

proptest! {
    #[test]
    fn a_bent_device_message_never_panics(
        cut in 0usize..60,
        bent in proptest::collection::vec((0usize..160, any::<u8>()), 0..6),
    ) {
        let vxlan = Vxlan {
            vni: 1,
            port: 8472,
            local: Some(IpAddr::from([192, 168, 0, 1])),
            lower: None,
            learning: false,
            gbp: true,
            ttl: 9,
            group: None,
            l2miss: false,
            l3miss: true,
        };
        let want = WantLink { vxlan, mac: Mac([2, 0, 0, 0, 0, 1]), mtu: 1450 };
        let mut bytes = built(|b| add_vxlan(b, dev(), &want, Some(2)));
        // The kernel fills in what a request leaves open: ARPHRD_ETHER.
        bytes[2] = 1;
        bytes.truncate(bytes.len().saturating_sub(cut));
        if bent.is_empty() && cut == 0 {
            let Read::Row(Row::Link(name, link)) = read(rtm::NEWLINK, &bytes, &names()) else { panic!() };
            let lower = Some("eth0".parse().unwrap());
            prop_assert_eq!((name, link.mac, link.mtu), (dev(), Some(want.mac), 1450));
            prop_assert_eq!(link.vxlan(), Some(&Vxlan { lower, ..want.vxlan }));
        }
        for (at, value) in bent {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        let _ = (read(rtm::NEWLINK, &bytes, &names()), link_name(&bytes));
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ")
}

#[test]
#[cfg(target_endian = "little")]
fn one_message_of_each_kind_has_the_bytes_it_must_have() {
    let gw = IpAddr::from([10, 5, 2, 0]);
    let mac = Mac([2, 0, 0, 0, 0, 9]);
    let fdb = FdbKey { dev: dev(), mac, vlan: 0, master: false };
    let key = RouteKey { table: 254, dst: "10.5.2.0/24".parse().unwrap(), tos: 0, metric: 0 };
    let hops = Hops::One(Hop::onlink(gw, dev()));
    let route = Route { kind: RouteKind::Unicast, proto: 3, hops, ..Route::default() };
    let rows: [(&str, Vec<u8>, &str); 6] = [
        (
            "neighbour",
            built(|b| set_neigh(b, 7, gw, mac)),
            // family, index, state PERMANENT; NDA_DST, NDA_LLADDR
            "02 00 00 00 07 00 00 00 80 00 00 00 08 00 01 00 0a 05 02 00 0a 00 02 00 02 00 00 00 00 09 00 00",
        ),
        (
            "forwarding entry",
            built(|b| set_fdb(b, 7, &fdb, IpAddr::from([192, 168, 0, 2]))),
            // AF_BRIDGE, index, NOARP|PERMANENT, NTF_SELF; NDA_LLADDR, NDA_DST
            "07 00 00 00 07 00 00 00 c0 00 02 00 0a 00 02 00 02 00 00 00 00 09 00 00 08 00 01 00 c0 a8 00 02",
        ),
        (
            "nexthop",
            built(|b| set_nexthop(b, 0x3000_0001, gw, 7)),
            // family, scope, protocol 142, reserved, RTNH_F_ONLINK; NHA_ID, NHA_OIF, NHA_GATEWAY
            "02 00 8e 00 04 00 00 00 08 00 01 00 01 00 00 30 08 00 05 00 07 00 00 00 08 00 06 00 0a 05 02 00",
        ),
        (
            "route",
            built(|b| set_route(b, &key, &route, number).unwrap()),
            // family, /24, src len, tos, table, protocol, scope, type, ONLINK; RTA_DST, RTA_OIF, RTA_GATEWAY
            "02 18 00 00 fe 03 00 01 04 00 00 00 08 00 01 00 0a 05 02 00 08 00 04 00 07 00 00 00 08 00 05 00 0a 05 02 00",
        ),
        (
            "address",
            built(|b| add_addr(b, 7, "fd00::1/128".parse().unwrap())),
            // family, /128, flags, scope, index; IFA_LOCAL, IFA_ADDRESS, IFA_FLAGS NODAD
            "0a 80 00 00 07 00 00 00 14 00 02 00 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 14 00 01 00 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 08 00 08 00 02 00 00 00",
        ),
        (
            "link up",
            built(|b| set_up(b, 7)),
            // family, type, index, IFF_UP, change mask IFF_UP
            "00 00 00 00 07 00 00 00 01 00 00 00 01 00 00 00",
        ),
    ];
    for (what, bytes, want) in rows {
        assert_eq!(hex(&bytes), want, "{what}");
    }
}

#[test]
fn a_group_of_nexthops_is_read_with_its_weights() {
    let mut bytes = vec![0, 0, 4, 0, 0, 0, 0, 0];
    crate::kernel::wire::put_attr(&mut bytes, 1, &9u32.to_ne_bytes());
    let mut members = Vec::new();
    for (id, weight) in [(1u32, 0u8), (2, 4)] {
        members.extend(id.to_ne_bytes());
        members.extend([weight, 0, 0, 0]);
    }
    crate::kernel::wire::put_attr(&mut bytes, 2, &members);
    crate::kernel::wire::put_attr(&mut bytes, 3, &[0, 0]);
    let Read::Row(Row::Nexthop(9, hop)) = read(rtm::NEWNEXTHOP, &bytes, &Names::default()) else { panic!() };
    assert_eq!(hop.group, [(1, 1), (2, 5)]);
}
