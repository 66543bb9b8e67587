//! Leases as others write them: gone, altered, broken, hostile or doubled. What an agent makes of each shows in the
//! kernel, in the store and in one line of its log.

use flanctl::lease::VxlanData;
use flanctl::net::Mac;

use crate::support::agent::Agent;
use crate::support::cluster::{CONFIG, Cluster, Peer, bare};
use crate::support::space::{Space, hold, until};

/// 10.244.`n`.0/24.
fn peer(n: u32) -> Peer {
    Peer((244 << 8) + n)
}

fn put(cluster: &Cluster, peer: Peer) {
    cluster.etcdctl(&["put", &Cluster::key(&peer.subnet()), &peer.value()]);
}

/// Waits until the rows of exactly these peers are there, in all three tables.
fn has_peers(space: &Space, peers: &[Peer]) {
    let want = |row: fn(&Peer) -> String| {
        let mut rows: Vec<String> = peers.iter().map(row).collect();
        rows.sort();
        rows
    };
    let wants = [
        ("ip route show dev flannel.1", want(|p| format!("{}/24 via {} onlink", p.gateway(), p.gateway()))),
        (
            "ip neigh show dev flannel.1 nud permanent",
            want(|p| format!("{} lladdr {} PERMANENT", p.gateway(), p.mac())),
        ),
        ("bridge fdb show dev flannel.1", want(|p| format!("{} dst {} self permanent", p.mac(), p.public()))),
    ];
    until(&format!("the rows of {peers:?}"), || {
        for (line, want) in &wants {
            let mut rows = space.lines(line);
            rows.sort();
            hold(rows == *want, format!("{line}: {rows:#?}"))?;
        }
        Ok::<(), String>(())
    });
}

/// K4, and a peer that leaves while we look.
#[test]
fn what_a_gone_peer_leaves_is_removed_and_strangers_rows_stay() {
    let cluster = Cluster::on_dir(1, CONFIG);
    cluster.put_peers([1, 2, 3].map(peer).into_iter());
    let foreign = [
        "neigh add 10.244.2.0 lladdr 02:99:00:00:00:01 dev eth0 nud permanent",
        "route add 10.244.2.0/24 via 192.168.50.1 dev eth0 metric 50",
    ];
    for row in foreign {
        cluster.space(1).ip(row);
    }
    let agent = {
        let mut agent = cluster.start(1);
        agent.ready();
        agent
    };
    has_peers(cluster.space(1), &[1, 2, 3].map(peer));
    agent.stop();
    cluster.drop_peer(&peer(2).subnet());
    has_peers(cluster.space(1), &[1, 2, 3].map(peer));
    let mut agent = cluster.start(1);
    agent.ready();
    has_peers(cluster.space(1), &[1, 3].map(peer));
    cluster.drop_peer(&peer(3).subnet());
    has_peers(cluster.space(1), &[peer(1)]);
    assert_eq!(cluster.space(1).lines("ip neigh show 10.244.2.0 dev eth0").len(), 1);
    assert_eq!(cluster.space(1).lines("ip route show 10.244.2.0/24").len(), 1);
}

/// K5.
#[test]
fn garbage_under_subnets_is_one_warning_and_costs_no_peer() {
    let cluster = Cluster::on_etcd(1, CONFIG);
    (1..=2).for_each(|n| put(&cluster, peer(n)));
    let mut agent = cluster.start(1);
    agent.ready();
    has_peers(cluster.space(1), &[1, 2].map(peer));
    for (key, value) in [
        ("not-a-subnet", "{}"),
        ("10.244.9.0-24", "not json"),
        ("10.244.9.0-33", "{}"),
        ("10.244.10.0-24", r#"{"PublicIP":7}"#),
    ] {
        let key = Cluster::key(key);
        for _ in 0..3 {
            cluster.etcdctl(&["put", &key, value]);
        }
        agent.says(&key);
    }
    put(&cluster, peer(3));
    has_peers(cluster.space(1), &[1, 2, 3].map(peer));
    assert_eq!(agent.said("Ignoring bad subnet node"), 4, "one line a key: {}", agent.log());
    // The same in a list.
    agent.stop();
    let mut agent = cluster.start(1);
    agent.ready();
    has_peers(cluster.space(1), &[1, 2, 3].map(peer));
    assert_eq!(agent.said("Ignoring bad subnet node"), 4, "{}", agent.log());
    // A lease whose value breaks stays as it was known.
    cluster.etcdctl(&["put", &Cluster::key(&peer(3).subnet()), "broken"]);
    agent.says(&format!("Ignoring bad subnet node: {}", Cluster::key(&peer(3).subnet())));
    put(&cluster, peer(4));
    has_peers(cluster.space(1), &[1, 2, 3, 4].map(peer));
}

#[test]
fn a_hostile_lease_is_refused_and_reported_and_the_others_go_on() {
    let cluster = Cluster::on_etcd(1, CONFIG);
    put(&cluster, peer(1));
    let mut agent = cluster.start(1);
    let own = agent.ready();
    let base = bare(&own).trim_end_matches(".1").to_owned();
    let with_mac = |mac: [u8; 6]| {
        let mut attrs = peer(9).attrs();
        attrs.backend_data = Some(VxlanData { vni: 1, mac: Mac(mac) }.to_json().into());
        flanctl::store::codec::encode_value(&attrs)
    };
    let low =
        base.rsplit('.').next().and_then(|octet| octet.parse::<u8>().ok()).is_some_and(|octet| octet < 128);
    let around = if low { "10.244.0.0-17" } else { "10.244.128.0-17" };
    let value = peer(9).value();
    let ours = value.replace(&peer(9).public().to_string(), "192.168.50.11");
    for (subnet, value) in [
        ("10.99.0.0-24".to_owned(), value.clone()),
        ("10.0.0.0-8".to_owned(), value.clone()),
        (format!("{base}.128-25"), value.clone()),
        (around.to_owned(), value.clone()),
        ("10.244.41.0-24".to_owned(), ours),
        ("10.244.42.0-24".to_owned(), with_mac([0; 6])),
        ("10.244.43.0-24".to_owned(), with_mac([1, 0, 0x5e, 0, 0, 1])),
        ("10.244.44.0-24".to_owned(), value.replace(&peer(9).public().to_string(), "224.0.0.1")),
        ("10.244.45.0-24".to_owned(), value.replace("BackendData", "Other")),
    ] {
        cluster.etcdctl(&["put", &Cluster::key(&subnet), &value]);
        agent.says(&format!("refusing lease {} of", subnet.replace('-', "/")));
    }
    put(&cluster, peer(2));
    has_peers(cluster.space(1), &[1, 2].map(peer));
    assert!(!cluster.space(1).run("ip route show table all").contains("10.0.0.0/8"));
}

/// K6.
#[test]
fn a_mac_that_changed_while_history_was_compacted_is_applied() {
    let mut cluster = Cluster::on_etcd(1, CONFIG);
    (1..=2).for_each(|n| put(&cluster, peer(n)));
    let mut agent = cluster.start(1);
    agent.ready();
    has_peers(cluster.space(1), &[1, 2].map(peer));
    // The agent stands still, so that it sees neither the change nor the compaction.
    agent.signal(nix::sys::signal::Signal::SIGSTOP);
    let other = VxlanData { vni: 1, mac: Mac([2, 0x77, 0, 0, 0, 2]) };
    let value = peer(2).value().replace(&peer(2).mac().to_string(), &other.mac.to_string());
    cluster.etcdctl(&["put", &Cluster::key(&peer(2).subnet()), &value]);
    cluster.switch.within(|| cluster.etcd.as_ref().expect("etcd").compact());
    cluster.stop_etcd();
    cluster.start_etcd();
    agent.signal(nix::sys::signal::Signal::SIGCONT);
    until("the new MAC, and no trace of the old one", || {
        let rows = [
            cluster.space(1).lines("bridge fdb show dev flannel.1"),
            cluster.space(1).lines("ip neigh show dev flannel.1"),
        ];
        let text = format!("{rows:?}");
        hold(
            text.matches("02:77:00:00:00:02").count() == 2 && !text.contains(&peer(2).mac().to_string()),
            text,
        )
    });
    assert!(cluster.space(1).run("bridge fdb show dev flannel.1").contains(&peer(1).mac().to_string()));
}

/// K7.
#[test]
fn twenty_agents_that_start_at_once_all_get_a_subnet_of_their_own() {
    let cluster = Cluster::on_etcd(20, CONFIG);
    let mut agents: Vec<Agent> = (1..=20).map(|n| cluster.start(n)).collect();
    let mut subnets: Vec<String> = agents.iter_mut().map(Agent::ready).collect();
    for n in 1..=20 {
        until("every node knows the other 19", || {
            let routes = cluster.space(n).lines("ip route show dev flannel.1").len();
            hold(routes == 19, format!("node {n} has {routes}"))
        });
    }
    subnets.sort();
    subnets.dedup();
    assert_eq!(subnets.len(), 20, "{subnets:?}");
}

/// K8.
#[test]
fn a_second_node_with_the_same_public_ip_is_refused_by_both_names() {
    let cluster = Cluster::on_etcd(2, CONFIG);
    let mut first = cluster.start(1);
    first.ready();
    let mut second = cluster.start_with(2, &["--public-ip=192.168.50.11"]);
    assert_ne!(second.ends(), 0);
    let log = second.log();
    assert!(log.contains("node1") && log.contains("node2") && log.contains("192.168.50.11"), "{log}");
    assert!(log.contains("flanctl lease release"), "what to do: {log}");
    assert_eq!(second.env(), "");
    assert_eq!(first.code(), None);
    let keys = cluster.etcdctl(&["get", "--prefix", "--keys-only", &Cluster::key("")]);
    assert_eq!(keys.split_whitespace().count(), 1, "{keys}");
}

/// K9.
#[test]
fn a_reservation_is_taken_and_stays_without_an_end() {
    let cluster = Cluster::on_etcd(1, CONFIG);
    let key = Cluster::key("10.244.200.0-24");
    cluster.etcdctl(&["put", &key, r#"{"PublicIP":"192.168.50.11","PublicIPv6":null}"#]);
    for _ in 0..2 {
        let mut agent = cluster.start(1);
        assert_eq!(agent.ready(), "10.244.200.1/24");
        let row = cluster.etcdctl(&["get", &key, "-w", "json"]);
        assert!(!row.contains(r#""lease":"#), "no etcd lease on it: {row}");
        assert!(cluster.etcdctl(&["get", &key]).contains(r#""Node":"node1""#));
        agent.stop();
    }
}

/// K18.
#[test]
fn an_agent_that_cannot_go_on_exits_with_a_failure() {
    let cluster = Cluster::on_dir(1, CONFIG);
    for flag in ["--no-such-flag", "-no-such-flag=1", "--subnet-lease-renew-margin=0"] {
        let mut agent = cluster.start_with(1, &[flag]);
        assert_ne!(agent.ends(), 0, "{flag}");
    }
}
