//! The shapes of a cluster: etcd, two overlays on a host, IPv6 alone and as underlay, direct routes, device options.
//! Packets and iproute2 tell whether they work.

use crate::support::cluster::{CONFIG, Cluster, bare};
use crate::support::space::{hold, until};

/// A1.
#[test]
fn two_nodes_on_etcd_reach_each_other_both_ways() {
    let cluster = Cluster::on_etcd(2, CONFIG);
    let (agents, subnets) = cluster.start_all();
    cluster.node(1).reaches(&subnets[0], &subnets[1]);
    cluster.node(2).reaches(&subnets[1], &subnets[0]);
    assert!(agents[0].env().contains("FLANNEL_NETWORK=10.244.0.0/16\n"), "{}", agents[0].env());
    for agent in agents {
        agent.stop();
    }
    // An agent that ended leaves the data path.
    cluster.node(1).reaches(&subnets[0], &subnets[1]);
}

/// A8, as far as it is vxlan.
#[test]
fn two_overlays_on_the_same_hosts_work_at_once() {
    let cluster = Cluster::on_etcd(2, CONFIG);
    let other = r#"{"Network":"10.11.0.0/16","Backend":{"Type":"vxlan","VNI":7,"Port":4790}}"#;
    cluster.etcdctl(&["put", "/second/network/config", other]);
    let (_first, subnets) = cluster.start_all();
    let mut seconds = Vec::new();
    let mut others = Vec::new();
    for n in [1, 2] {
        let home = cluster.node(n).home.join("second");
        let subnet_file = format!("--subnet-file={}", home.join("subnet.env").display());
        let run_dir = format!("--run-dir={}", home.join("run").display());
        let mut agent = cluster.start_with(n, &["--etcd-prefix=/second/network", &subnet_file, &run_dir]);
        agent.says("flannel is ready");
        let env = std::fs::read_to_string(home.join("subnet.env")).expect("the second subnet file");
        let subnet =
            env.lines().find_map(|l| l.strip_prefix("FLANNEL_SUBNET=")).expect("a subnet").to_owned();
        assert!(subnet.starts_with("10.11."), "{env}");
        cluster.space(n).ip(&format!("addr add {subnet} dev cni0"));
        seconds.push(agent);
        others.push(subnet);
    }
    for pair in [&subnets, &others] {
        cluster.node(1).reaches(&pair[0], &pair[1]);
        cluster.node(2).reaches(&pair[1], &pair[0]);
    }
    let ids: Vec<_> = cluster.space(1).rows("ip -j -d link show type vxlan");
    let ids: Vec<_> = ids.iter().map(|l| (&l["ifname"], &l["linkinfo"]["info_data"]["port"])).collect();
    assert_eq!(
        format!("{ids:?}"),
        r#"[(String("flannel.1"), Number(8472)), (String("flannel.7"), Number(4790))]"#
    );
    // A packet forced out of the wrong tunnel gets nowhere.
    let (own, far) = (bare(&subnets[0]), bare(&others[1]));
    assert!(
        !cluster.space(1).succeeds(&format!("ping -c 1 -W 1 -I flannel.1 {far}")),
        "{own} to {far} by flannel.1"
    );
}

/// K13.
#[test]
fn a_network_of_ipv6_alone_works() {
    let config =
        r#"{"EnableIPv4":false,"EnableIPv6":true,"IPv6Network":"fd10::/48","Backend":{"Type":"vxlan"}}"#;
    let cluster = Cluster::on_etcd(2, config);
    let (_agents, subnets) = cluster.start_all();
    assert_ne!(subnets[0], subnets[1]);
    cluster.node(1).reaches(&subnets[0], &subnets[1]);
    cluster.node(2).reaches(&subnets[1], &subnets[0]);
    assert!(!cluster.space(1).succeeds("ip link show flannel.1"), "no IPv4 device");
}

/// K12: the nodes switch one after the other, over leases that live.
#[test]
fn a_live_ipv4_network_becomes_dual_stack() {
    let cluster = Cluster::on_etcd(2, CONFIG);
    let (agents, subnets) = cluster.start_all();
    cluster.node(1).reaches(&subnets[0], &subnets[1]);
    cluster.put_config(
        r#"{"Network":"10.244.0.0/16","EnableIPv6":true,"IPv6Network":"fd10::/48","Backend":{"Type":"vxlan"}}"#,
    );
    let mut sixes = Vec::new();
    let mut again = Vec::new();
    for (agent, n) in agents.into_iter().zip([1, 2]) {
        agent.stop();
        let mut agent = cluster.start(n);
        assert_eq!(agent.ready(), subnets[n - 1], "the IPv4 half of the lease stays");
        let env = agent.env();
        let six = env.lines().find_map(|l| l.strip_prefix("FLANNEL_IPV6_SUBNET=")).expect("an IPv6 subnet");
        cluster.space(n).ip(&format!("addr add {six} dev cni0 nodad"));
        sixes.push(six.to_owned());
        again.push(agent);
    }
    for pair in [&subnets, &sixes] {
        cluster.node(1).reaches(&pair[0], &pair[1]);
        cluster.node(2).reaches(&pair[1], &pair[0]);
    }
    let keys = cluster.etcdctl(&["get", "--prefix", "--keys-only", &Cluster::key("")]);
    assert_eq!(keys.split_whitespace().count(), 2, "one lease a node: {keys}");
}

/// K22: the largest packet of the overlay fits the underlay whole.
#[test]
fn over_an_ipv6_underlay_nothing_is_fragmented() {
    let config =
        r#"{"EnableIPv4":false,"EnableIPv6":true,"IPv6Network":"fd10::/48","Backend":{"Type":"vxlan"}}"#;
    let cluster = Cluster::on_dir(2, config);
    let (_agents, subnets) = cluster.start_all();
    cluster.node(1).reaches(&subnets[0], &subnets[1]);
    let fragments = || {
        let text = cluster.space(1).run("cat /proc/thread-self/net/snmp6");
        let line = text.lines().find_map(|l| l.strip_prefix("Ip6FragCreates")).expect("the counter");
        line.trim().to_owned()
    };
    let before = fragments();
    assert_eq!(cluster.space(1).rows("ip -j link show flannel-v6.1")[0]["mtu"], 1430);
    let (from, to) = (bare(&subnets[0]), bare(&subnets[1]));
    // 1430 less IPv6 and ICMPv6 headers; `-M do` forbids fragments within, the counter shows those of the underlay.
    assert!(cluster.space(1).succeeds(&format!("ping -c 3 -i 0.1 -M do -s 1382 -I {from} {to}")));
    assert_eq!(fragments(), before, "fragments of the underlay");
    assert!(
        !cluster.space(1).succeeds(&format!("ping -c 1 -W 1 -M do -s 1383 -I {from} {to}")),
        "one byte more"
    );
}

#[test]
fn with_direct_routing_a_peer_on_the_same_net_needs_no_tunnel() {
    let config = r#"{"Network":"10.244.0.0/16","Backend":{"Type":"vxlan","DirectRouting":true}}"#;
    let cluster = Cluster::on_dir(2, config);
    cluster.put_peers([crate::support::cluster::Peer((244 << 8) + 9)].into_iter());
    for n in [1, 2] {
        // The far peer is behind a router.
        cluster.space(n).ip("route add default via 192.168.50.1");
    }
    let (_agents, subnets) = cluster.start_all();
    cluster.node(1).reaches(&subnets[0], &subnets[1]);
    cluster.node(2).reaches(&subnets[1], &subnets[0]);
    let net = subnets[1].replace(".1/24", ".0/24");
    let space = cluster.space(1);
    let direct = |via: &str| {
        let rows = space.lines(&format!("ip route show {net}"));
        hold(rows == [format!("{net} via {via} dev eth0 proto 142")], format!("{rows:?}"))
    };
    until("the route is direct", || direct("192.168.50.12"));
    assert_eq!(space.lines("ip neigh show dev flannel.1").len(), 1, "the far peer's alone");
    assert_eq!(space.rows("bridge -j fdb show dev flannel.1").len(), 1, "the far peer's alone");
    assert_eq!(
        space.lines("ip route show 10.244.9.0/24"),
        ["10.244.9.0/24 via 10.244.9.0 dev flannel.1 onlink"]
    );
    // Direct routes heal, too.
    space.ip(&format!("route del {net}"));
    until("the direct route is back", || direct("192.168.50.12"));
    space.ip(&format!("route replace {net} via 192.168.50.1 dev eth0"));
    until("the direct route is right again", || direct("192.168.50.12"));
}

#[test]
fn the_device_has_what_the_config_says() {
    for (options, want) in [
        ("", "vxlan id 1 local 192.168.50.11 dev eth0 srcport 0 0 dstport 8472 nolearning"),
        (
            r#","VNI":42,"Port":4789"#,
            "vxlan id 42 local 192.168.50.11 dev eth0 srcport 0 0 dstport 4789 nolearning",
        ),
        (r#","Learning":true"#, "vxlan id 1 local 192.168.50.11 dev eth0 srcport 0 0 dstport 8472 "),
        (r#","GBP":true"#, " gbp"),
        (r#","MTU":1400"#, "mtu 1350"),
    ] {
        let config = format!(r#"{{"Network":"10.244.0.0/16","Backend":{{"Type":"vxlan"{options}}}}}"#);
        let cluster = Cluster::on_dir(1, &config);
        let mut agent = cluster.start(1);
        agent.ready();
        let text = cluster.space(1).lines("ip -d link show type vxlan").join(" ");
        assert!(text.contains(want), "{options}: {text}");
        assert_eq!(text.contains("nolearning"), !options.contains("Learning"), "{options}: {text}");
        assert!(agent.env().contains(if options.contains("MTU") { "MTU=1350" } else { "MTU=1450" }));
    }
}

/// K1 to K3 on the IPv6 device, beside the IPv4 one.
#[test]
fn the_ipv6_half_of_a_dual_stack_node_heals_too() {
    let config = r#"{"Network":"10.244.0.0/16","EnableIPv6":true,"IPv6Network":"fd10::/48","Backend":{"Type":"vxlan"}}"#;
    let cluster = Cluster::on_dir(2, config);
    let (_agents, _) = cluster.start_all();
    let space = cluster.space(1);
    space.ip("-6 neigh add fd10:0:0:77:: lladdr 02:99:00:00:00:01 dev eth0 nud permanent");
    space.ip("-6 route add fd77::/64 via fd50::1 dev eth0");
    let tables = || {
        let mut rows = Vec::new();
        for line in [
            "ip -6 route show",
            "ip -6 neigh show nud permanent",
            "ip route show",
            "ip neigh show nud permanent",
        ] {
            rows.extend(space.lines(line));
        }
        for line in [
            "ip -o -6 addr show scope global",
            "ip -br link show type vxlan",
            "bridge fdb show dev flannel-v6.1",
        ] {
            let out = space.output(line).stdout;
            let text = String::from_utf8_lossy(&out).into_owned();
            // Without the device's number.
            rows.extend(text.lines().map(|l| l.split_once(": ").map_or(l, |(_, rest)| rest).to_owned()));
        }
        rows.retain(|row| !row.contains("fe80::"));
        rows.sort();
        rows
    };
    let golden = until("both families are there", || {
        let rows = tables();
        let there = ["flannel.1 onlink", "flannel-v6.1 metric 1024 onlink", "dst fd50::12 self permanent"];
        let missing = there.iter().find(|part| !rows.iter().any(|row| row.contains(**part)));
        missing.map_or(Ok(rows.clone()), |part| Err(format!("no {part} in {rows:#?}")))
    });
    let gateway = golden.iter().find_map(|row| row.split_once("/64 via ")).map(|(net, _)| net.to_owned());
    let gateway = gateway.filter(|net| net.starts_with("fd10")).expect("the peer's subnet");
    let peer =
        space.rows("bridge -j fdb show dev flannel-v6.1")[0]["mac"].as_str().expect("a MAC").to_owned();
    for damage in [
        format!("ip -6 route del {gateway}/64"),
        format!("ip -6 route replace {gateway}/64 via fd50::1 dev eth0 metric 1024"),
        format!("ip -6 neigh del {gateway} dev flannel-v6.1"),
        format!("ip -6 neigh replace {gateway} lladdr 02:66:66:66:66:66 dev flannel-v6.1 nud permanent"),
        format!("bridge fdb del {peer} dev flannel-v6.1"),
        format!("bridge fdb replace {peer} dev flannel-v6.1 dst fd50::66 self permanent"),
        "ip addr add fd10:0:0:66::1/64 dev flannel-v6.1".to_owned(),
        "ip addr flush dev flannel-v6.1".to_owned(),
        "ip link set flannel-v6.1 down".to_owned(),
        "ip link set flannel-v6.1 address 02:66:66:66:66:66".to_owned(),
        "ip link set flannel-v6.1 mtu 1290".to_owned(),
        "ip link del flannel-v6.1".to_owned(),
    ] {
        space.run(&damage);
        until(&format!("after `{damage}` all is as before"), || {
            let now = tables();
            hold(now == golden, format!("{now:#?}\nis not\n{golden:#?}"))
        });
    }
}

#[test]
fn a_second_agent_for_the_same_device_is_refused_by_pid() {
    let cluster = Cluster::on_dir(1, CONFIG);
    let mut first = cluster.start(1);
    first.ready();
    let mut second = cluster.start(1);
    assert_ne!(second.ends(), 0);
    let log = second.log();
    assert!(log.contains(&format!("pid {}", first.pid())) && log.contains("--takeover"), "{log}");
    assert_eq!(first.code(), None);
    let mut third = cluster.start_with(1, &["--takeover"]);
    third.ready();
    assert_eq!(first.ends(), 0, "the first ended as a signal ends it");
}
