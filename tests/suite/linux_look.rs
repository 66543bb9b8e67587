//! What readers see beyond what the agent needs: bridge ports, tunnel attributes, route metrics, as `ip` set them.

use flanctl::kernel::facts::{self, Asked};
use flanctl::kernel::processes::Processes;
use flanctl::kernel::{Kernel, LinuxKernel};
use flanctl::net::IfName;
use flanctl::state::{Df, Encap, LinkKind, Port, State};

use super::support::netns::{bridge, ip, rows, run, scratch};
use super::support::space::{hold, until};

fn dev(name: &str) -> IfName {
    name.parse().unwrap()
}

fn look() -> State {
    LinuxKernel::open().unwrap().look().unwrap()
}

fn port(state: &State, name: &str) -> Port {
    state.links[&dev(name)].port.clone().unwrap_or_else(|| panic!("{name} is no port"))
}

#[test]
fn what_a_bridge_does_with_its_ports_is_seen_and_the_agent_does_not_ask() {
    scratch(|| {
        ip("link add cni0 type bridge");
        ip("link set cni0 up");
        for name in ["pa", "pb", "pc"] {
            ip(&format!("link add {name} type veth peer name {name}-far"));
            ip(&format!("link set {name} master cni0"));
        }
        ip("link set pa up");
        ip("link set pa-far up");
        bridge("link set dev pa hairpin on isolated on learning off flood off");
        bridge("fdb add 02:00:00:00:00:77 dev pa master static");
        // The carrier is told a moment later.
        let state = until("pa forwards", || {
            let state = look();
            hold(port(&state, "pa").forwards(), port(&state, "pa").word()).map(|()| state)
        });
        assert!(state.links[&dev("cni0")].port.is_none());
        let a = port(&state, "pa");
        assert_eq!((a.word(), a.forwards()), ("forwarding", true));
        assert!(a.hairpin && a.isolated && !a.learning && !a.flood, "{a:?}");
        let c = port(&state, "pc");
        assert_eq!((c.word(), c.hairpin, c.learning, c.flood), ("disabled", false, true, true));
        let learnt = |name: &str| {
            let of = state.fdb.keys().filter(|k| k.dev == dev(name) && k.master);
            of.map(|k| k.mac.to_string()).collect::<Vec<_>>()
        };
        assert!(learnt("pa").contains(&"02:00:00:00:00:77".to_owned()), "{:?}", learnt("pa"));
        let plain = LinuxKernel::open().unwrap().observe().unwrap();
        assert!(plain.links.values().all(|link| link.port.is_none()));
    });
}

#[test]
fn a_tunnel_that_somebody_else_made_is_told_in_full() {
    scratch(|| {
        ip(
            "link add vx1 type vxlan id 7 dev eth0 dstport 4789 ttl inherit tos 0x10 df set noudpcsum udp6zerocsumtx \
            udp6zerocsumrx proxy rsc ageing 60 maxaddress 500 srcport 40000 50000",
        );
        ip("link add vx2 type vxlan dstport 4790 external vnifilter");
        ip("link add vx3 type vxlan dstport 4791 gpe external");
        ip("link add vx4 type vxlan id 10 dstport 4792 df inherit");
        ip("link add vx5 type vxlan id 11 dstport 4793");
        let state = look();
        let encap = |name: &str| state.links[&dev(name)].encap.clone().unwrap();
        let want = Encap {
            ttl_inherit: true,
            tos: 0x10,
            df: Df::Set,
            csum: false,
            zero_csum6_tx: true,
            zero_csum6_rx: true,
            proxy: true,
            rsc: true,
            ageing: 60,
            limit: 500,
            ports: (40_000, 50_000),
            ..Encap::default()
        };
        assert_eq!(encap("vx1"), want);
        assert!(encap("vx2").metadata && encap("vx2").vnifilter, "{:?}", encap("vx2"));
        assert!(encap("vx3").gpe, "{:?}", encap("vx3"));
        assert_eq!(encap("vx4"), Encap { df: Df::Inherit, ..Encap::default() });
        assert_eq!(encap("vx5"), Encap::default());
        assert!(state.links[&dev("eth0")].encap.is_none());
    });
}

#[test]
fn metrics_and_veth_ends_are_seen() {
    scratch(|| {
        ip("route add 10.1.0.0/16 via 192.168.0.9 mtu lock 1300");
        ip("route add 10.2.0.0/16 via 192.168.0.9 mtu 1400");
        ip("route add 10.3.0.0/16 via 192.168.0.9 advmss 1000");
        ip("-6 route add fd02::/64 via fd01::9 mtu 1380");
        let state = look();
        let route = |net: &str| {
            let (_, twins) = state.routes.iter().find(|(key, _)| key.dst == net.parse().unwrap()).unwrap();
            (twins[0].metrics, twins[0].mtu, twins[0].mtu_lock)
        };
        assert_eq!(route("10.1.0.0/16"), (true, Some(1300), true));
        assert_eq!(route("10.2.0.0/16"), (true, Some(1400), false));
        assert_eq!(route("10.3.0.0/16"), (true, None, false));
        assert_eq!(route("fd02::/64"), (true, Some(1380), false));
        assert_eq!(route("192.168.0.0/24"), (false, None, false));
        let index = |name: &str| Some(state.links[&dev(name)].index);
        for (one, other) in [("eth0", "far0"), ("far0", "eth0")] {
            let LinkKind::Veth { peer, netns: None } = &state.links[&dev(one)].kind else { panic!("{one}") };
            assert_eq!(*peer, index(other));
        }
    });
}

#[test]
fn facts_are_those_of_the_namespace_that_the_reader_stands_in() {
    scratch(|| {
        ip("link add flannel.1 type vxlan id 1 dev eth0 dstport 8472");
        ip("link set flannel.1 up");
        run("ethtool", "-K eth0 tx-checksum-ip-generic off");
        let taken = std::net::UdpSocket::bind("0.0.0.0:4789").unwrap();
        let other = std::net::UdpSocket::bind("[::1]:9999").unwrap();
        std::fs::write("/proc/sys/net/ipv4/conf/eth0/ignore_routes_with_linkdown", "1").unwrap();
        ip("neigh add 192.168.0.2 lladdr 02:00:00:00:00:02 dev eth0");
        let probe = std::net::UdpSocket::bind("192.168.0.1:0").unwrap();
        // A device's queue opens a moment after its carrier came up.
        let counted = || {
            probe.send_to(b"x", "192.168.0.2:9").unwrap();
            std::thread::sleep(std::time::Duration::from_millis(20));
            rows("ip", "-s -j link show dev eth0")[0]["stats64"]["tx"]["packets"].as_u64() > Some(0)
        };
        assert!((0..100).any(|_| counted()), "nothing leaves by eth0");
        let (state, processes) = (look(), Processes::scan());
        let asked = Asked { state: &state, processes: &processes, ports: &[9999, 9998], machine: true };
        let mut facts = facts::read(&asked);
        facts.extend(state.facts.clone());
        let me = std::process::id();
        let comm = std::fs::read_to_string("/proc/self/comm").unwrap();
        for (key, want) in [
            ("socket:udp:8472", Some("kernel (vxlan)")),
            ("socket:udp:4789", Some(format!("pid {me} {}", comm.trim_end()).as_str())),
            ("socket:udp:9999", Some(format!("pid {me} {}", comm.trim_end()).as_str())),
            ("socket:udp:9998", None),
            ("offload:eth0/tx-checksum-ip-generic", Some("off")),
            ("offload:far0/tx-checksum-ip-generic", Some("on")),
            ("driver:flannel.1", Some("vxlan")),
            ("driver:eth0", Some("veth")),
            ("module:vxlan", Some("builtin")),
            ("nexthop:objects", Some("yes")),
            ("netns:machine", Some("yes")),
            ("link-policy:", Some("none")),
            ("sysctl:net.ipv4.conf.eth0.ignore_routes_with_linkdown", Some("1")),
            ("sysctl:net.ipv4.conf.flannel/1.ignore_routes_with_linkdown", Some("0")),
        ] {
            let got = facts.get(key).map(String::as_str);
            // A kernel with modules has loaded it.
            let got =
                got.map(|got| if key.starts_with("module:") && got == "loaded" { "builtin" } else { got });
            assert_eq!(got, want, "{key}");
        }
        for key in ["snmp:Udp.InCsumErrors", "snmp:TcpExt.IPReversePathFilter", "snmp6:Ip6InNoRoutes"] {
            assert!(facts[key].parse::<u64>().is_ok(), "{key}");
        }
        assert!(facts["stat:eth0/tx_packets"].parse::<u64>().unwrap() > 0);
        assert!(facts.keys().filter_map(|k| k.strip_prefix("stat:")).all(|k| !k.starts_with("docker0/")));
        drop((taken, other));
    });
}
