//! The real kernel in namespaces: what is applied is there, what is there is observed, what changes is heard.

use std::net::{IpAddr, Ipv4Addr};

use flanctl::kernel::{Kernel, LinuxKernel};
use flanctl::net::{IfName, Mac};
use flanctl::plan::Op;
use flanctl::state::{
    AddrKey, FdbKey, Hop, Hops, NeighKey, Route, RouteKey, RouteKind, Vxlan, WantLink, proto, table,
};

use crate::support::netns::{bridge, ip, rows, scratch};

fn dev() -> IfName {
    "flannel.1".parse().unwrap()
}

fn want() -> WantLink {
    let vxlan = Vxlan {
        vni: 1,
        port: 8472,
        local: Some("192.168.0.1".parse().unwrap()),
        lower: Some("eth0".parse().unwrap()),
        learning: false,
        gbp: false,
        ttl: 0,
        group: None,
        l2miss: false,
        l3miss: false,
    };
    WantLink { vxlan, mac: Mac([2, 0, 0, 0, 0, 1]), mtu: 1450 }
}

fn peer(n: u8) -> Vec<Op> {
    let gw = Ipv4Addr::new(10, 5, n, 0);
    let mac = Mac([2, 0, 0, 0, 1, n]);
    let id = 0x3000_0000 + u32::from(n);
    let (dst, metric) = (format!("{gw}/24").parse().unwrap(), 0);
    vec![
        Op::SetNeigh { key: NeighKey { dev: dev(), ip: gw.into() }, mac },
        Op::SetFdb {
            key: FdbKey { dev: dev(), mac, vlan: 0, master: false },
            dst: IpAddr::from([192, 168, 0, n]),
        },
        Op::SetNexthop { id, via: gw.into(), dev: dev() },
        Op::SetRoute {
            key: RouteKey { table: table::MAIN, dst, tos: 0, metric },
            route: Route {
                kind: RouteKind::Unicast,
                proto: proto::BOOT,
                scope: 0,
                src: None,
                hops: if n.is_multiple_of(2) {
                    Hops::Object(id)
                } else {
                    Hops::One(Hop::onlink(gw.into(), dev()))
                },
            },
        },
    ]
}

fn device() -> Vec<Op> {
    vec![
        Op::AddLink { dev: dev(), want: want() },
        Op::SetSysctl { key: "net.ipv6.conf.flannel/1.accept_ra".to_owned(), value: "0".to_owned() },
        Op::AddAddr { key: AddrKey { dev: dev(), net: "10.5.1.0/32".parse().unwrap() } },
        Op::SetUp { dev: dev() },
    ]
}

#[test]
fn what_is_applied_is_observed_here_and_by_iproute2() {
    scratch(|| {
        let mut kernel = LinuxKernel::open().unwrap();
        kernel.observe().unwrap();
        let mut ops = device();
        ops.extend((2..6).flat_map(peer));
        for (op, answer) in ops.iter().zip(kernel.apply(&ops)) {
            assert_eq!(answer, Ok(()), "{op}");
        }
        let state = kernel.observe().unwrap();
        assert_eq!(state.links[&dev()].vxlan(), Some(&want().vxlan));
        assert_eq!(state.links[&dev()].mac, Some(want().mac));
        assert_eq!(state.nexthops.len(), 4);
        assert_eq!(state.fact("sysctl:net.ipv6.conf.flannel/1.accept_ra"), Some("0"));
        for op in (2..6).flat_map(peer) {
            match op {
                Op::SetRoute { key, route } => assert_eq!(state.routes[&key], [route]),
                Op::SetNeigh { key, mac } => {
                    assert_eq!((state.neighs[&key].mac, state.neighs[&key].state), (Some(mac), 0x80));
                }
                Op::SetFdb { key, dst } => {
                    let row = &state.fdb[&key];
                    assert_eq!((row.dst, row.state, row.flags), (Some(dst), 0xc0, 2));
                }
                _ => {}
            }
        }
        assert_eq!(rows("ip", "-j route show dev flannel.1").len(), 4);
        assert_eq!(rows("ip", "-j neigh show dev flannel.1").len(), 4);
        assert_eq!(rows("bridge", "-j fdb show dev flannel.1").len(), 4);
        assert_eq!(rows("ip", "-j nexthop show").len(), 4);
        let changes = kernel.changes().unwrap();
        assert!(changes.is_empty(), "all of it was in the observation: {changes:?}");
        ip("neigh del 10.5.2.0 dev flannel.1");
        bridge("fdb del 02:00:00:00:01:02 dev flannel.1");
        assert_eq!(kernel.changes().unwrap().len(), 3);
        assert_eq!(kernel.skipped(), 0);
    });
}
