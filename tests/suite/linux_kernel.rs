//! The real kernel in namespaces: what is applied is there, what is there is observed, what changes is heard.

use std::net::{IpAddr, Ipv4Addr};

use flanctl::kernel::{Kernel, LinuxKernel, netns};
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
        ..Vxlan::default()
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
                ..Route::default()
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
        // IPv6 goes on settling beside; what is told of our own rows counts.
        let told = |kernel: &mut LinuxKernel| {
            let ours = |c: &String| c.contains("10.5.2.0") || c.contains("02:00:00:00:01:02");
            let changes = kernel.changes().unwrap();
            changes.iter().map(|c| format!("{c:?}")).filter(ours).collect::<Vec<_>>()
        };
        assert_eq!(told(&mut kernel), Vec::<String>::new(), "all of it was in the observation");
        ip("neigh del 10.5.2.0 dev flannel.1");
        bridge("fdb del 02:00:00:00:01:02 dev flannel.1");
        assert_eq!(told(&mut kernel).len(), 3, "two notices for a neighbour, one for a forwarding entry");
        assert_eq!(kernel.skipped(), 0);
    });
}

#[test]
fn each_refusal_belongs_to_its_op_and_the_rest_is_done() {
    scratch(|| {
        let mut kernel = LinuxKernel::open().unwrap();
        let absent = Op::SetUp { dev: "absent0".parse().unwrap() };
        let mut ops = device();
        ops.push(Op::SetMtu { dev: dev(), mtu: 9000 });
        ops.push(absent);
        ops.extend((2..200).flat_map(peer));
        let at = ops.len();
        ops.push(Op::SetMtu { dev: dev(), mtu: 9000 });
        ops.push(Op::DelNexthop { id: 4711 });
        ops.extend(peer(200));
        let answers = kernel.apply(&ops);
        for (n, (op, answer)) in ops.iter().zip(&answers).enumerate() {
            let want = match n {
                4 => Some(22),
                5 => Some(19),
                n if n == at => Some(22),
                _ => None,
            };
            assert_eq!(answer.as_ref().err().map(|r| r.errno), want, "{n}: {op}");
        }
        assert_eq!(kernel.observe().unwrap().nexthops.len(), 199);
        let twice = kernel.apply(&[Op::AddLink { dev: "flannel.9".parse().unwrap(), want: want() }]);
        let said = twice[0].clone().unwrap_err();
        assert_eq!(
            (said.errno, said.said.as_str()),
            (17, "A VXLAN device with the specified VNI already exists")
        );
    });
}

#[test]
fn where_a_packet_would_leave_is_the_kernels_word() {
    scratch(|| {
        let mut kernel = LinuxKernel::open().unwrap();
        ip("route add 10.6.0.0/16 via 192.168.0.7");
        let eth0: IfName = "eth0".parse().unwrap();
        for (dst, via) in [("192.168.0.9", None), ("10.6.1.1", Some("192.168.0.7"))] {
            let want = Some((eth0, "192.168.0.1".parse().ok(), via.map(|v| v.parse().unwrap())));
            assert_eq!(kernel.route_get(dst.parse().unwrap()), want, "{dst}");
        }
        assert_eq!(kernel.route_get("10.99.0.1".parse().unwrap()), None);
        let fd = kernel.route_get("fd01::9".parse().unwrap());
        assert_eq!(fd, Some((eth0, "fd01::1".parse().ok(), None)));
    });
}

#[test]
fn a_kernel_stays_in_the_namespace_it_was_opened_in() {
    scratch(|| {
        let mut kernel = LinuxKernel::open().unwrap();
        let inner = netns::inode().unwrap();
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        assert_ne!(netns::inode().unwrap(), inner);
        let ops = [Op::SetSysctl { key: "net.ipv4.ip_forward".to_owned(), value: "1".to_owned() }];
        assert_eq!(kernel.apply(&ops), [Ok(())]);
        let state = kernel.observe().unwrap();
        assert!(state.links.contains_key(&"eth0".parse().unwrap()));
        assert_eq!(state.fact("sysctl:net.ipv4.ip_forward"), Some("1"));
        assert_ne!(netns::inode().unwrap(), inner, "the thread went back");
    });
}

struct Named(String);

impl Drop for Named {
    fn drop(&mut self) {
        let _ = netns::delete(&self.0);
    }
}

#[test]
fn a_named_namespace_is_made_visited_and_removed() {
    let before = netns::inode().unwrap();
    let named = Named(format!("flanctl-t{}", std::process::id()));
    let path = netns::create(&named.0).unwrap();
    assert_eq!(netns::create(&named.0).unwrap(), path, "twice is fine");
    assert_eq!(netns::resolve(&named.0).unwrap(), path);
    assert_eq!(netns::resolve(path.to_str().unwrap()).unwrap(), path);
    let inside = {
        let _guard = netns::InNetns::enter(&named.0).unwrap();
        netns::inode().unwrap()
    };
    assert_ne!(inside, before);
    assert_eq!(netns::inode().unwrap(), before);
    assert!(ip("netns list").contains(&named.0));
    netns::delete(&named.0).unwrap();
    netns::delete(&named.0).unwrap();
    assert!(!path.exists());
    assert!(netns::resolve(&named.0).is_err());
    assert!(netns::resolve(&std::process::id().to_string()).is_ok());
    for bad in ["", "..", "a/b"] {
        assert!(netns::create(bad).is_err(), "{bad:?}");
    }
}
