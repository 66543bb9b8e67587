//! etcd out of reach, early and late, without certificates, without a config, or with somebody else's words on our
//! key: the data path stays, the agent goes on, or says why it cannot.

use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::cluster::{CONFIG, Cluster, Peer, bare};
use crate::support::space::{hold, until};

/// 10.244.`n`.0/24.
fn peer(n: u32) -> Peer {
    Peer((244 << 8) + n)
}

fn put(cluster: &Cluster, peer: Peer) {
    cluster.etcdctl(&["put", &Cluster::key(&peer.subnet()), &peer.value()]);
}

/// Waits until there are that many routes to peers.
fn has_routes(cluster: &Cluster, wanted: usize) {
    until(&format!("{wanted} routes to peers"), || {
        // Between two devices of the name there is none.
        let rows = cluster.space(1).output("ip route show dev flannel.1").stdout;
        let rows = String::from_utf8_lossy(&rows);
        hold(rows.lines().count() == wanted, rows)
    });
}

fn key_of(subnet: &str) -> String {
    Cluster::key(&subnet.replace(".1/24", ".0-24"))
}

/// A9.
#[test]
fn etcd_over_tls_serves_those_with_a_certificate_and_the_others_wait() {
    let cluster = Cluster::on_etcd_tls(2, CONFIG);
    let (_agents, subnets) = {
        let mut agent = cluster.start(1);
        let subnet = agent.ready();
        (agent, subnet)
    };
    assert!(cluster.etcdctl(&["get", &key_of(&subnets)]).contains(r#""Node":"node1""#));
    let etcd = cluster.etcd.as_ref().expect("etcd");
    let ca = format!("--etcd-cafile={}", etcd.file("ca.crt").display());
    let file = |name: &str| etcd.file(name).display().to_string();
    let stranger = [
        ca.clone(),
        format!("--etcd-certfile={}", file("stranger.crt")),
        format!("--etcd-keyfile={}", file("stranger.key")),
    ];
    let node = cluster.node(2);
    for more in [vec![ca], stranger.to_vec()] {
        let mut args: Vec<String> = vec!["run".into(), format!("--etcd-endpoints={}", etcd.url())];
        args.extend(more);
        args.extend([
            "--iface=eth0".into(),
            format!("--subnet-file={}", node.home.join("subnet.env").display()),
            format!("--run-dir={}", node.home.join("run").display()),
        ]);
        let mut agent = crate::support::agent::Agent::start(&node.space, &node.name, &node.home, &args);
        agent.says("retrying");
        // It tries again, and not for nothing: etcd sees several.
        assert_eq!((agent.code(), agent.env()), (None, String::new()), "{args:?}");
        agent.stop();
    }
    let mut agent = cluster.start(2);
    agent.ready();
}

#[test]
fn an_agent_waits_for_the_network_config_and_for_etcd_itself() {
    let mut cluster = Cluster::on_etcd(1, CONFIG);
    cluster.etcdctl(&["del", "/coreos.com/network/config"]);
    let mut agent = cluster.start(1);
    agent.says("/coreos.com/network/config");
    agent.says("retrying");
    assert_eq!((agent.code(), agent.env()), (None, String::new()));
    cluster.put_config("{ not json");
    cluster.put_config(CONFIG);
    agent.ready();
    agent.stop();
    cluster.etcdctl(&["del", "--prefix", "/coreos.com/network/subnets/"]);
    std::fs::remove_dir_all(cluster.node(1).home.join("run")).expect("the state file's directory");
    cluster.stop_etcd();
    let mut agent = cluster.start(1);
    agent.says("192.168.50.1:");
    agent.says("retrying");
    cluster.start_etcd();
    agent.ready();
}

/// K10.
#[test]
fn etcd_that_goes_right_after_the_lease_is_taken_is_waited_for() {
    for _ in 0..3 {
        let mut cluster = Cluster::on_etcd(1, CONFIG);
        (1..=2).for_each(|n| put(&cluster, peer(n)));
        let mut agent = cluster.start(1);
        agent.says("Allocated lease");
        cluster.stop_etcd();
        cluster.start_etcd();
        agent.ready();
        has_routes(&cluster, 2);
        // And at any later moment.
        cluster.stop_etcd();
        cluster.start_etcd();
        put(&cluster, peer(3));
        has_routes(&cluster, 3);
        assert_eq!(agent.code(), None);
    }
}

#[test]
fn a_restart_without_etcd_keeps_every_peer_and_goes_on_when_it_answers() {
    let mut cluster = Cluster::on_etcd(1, CONFIG);
    (1..=2).for_each(|n| put(&cluster, peer(n)));
    let mut agent = cluster.start(1);
    let subnet = agent.ready();
    has_routes(&cluster, 2);
    // The state file is written a moment after the peers change; stopping writes it, too.
    agent.stop();
    cluster.stop_etcd();
    let mut agent = cluster.start(1);
    assert_eq!(agent.ready(), subnet);
    has_routes(&cluster, 2);
    // It heals meanwhile.
    cluster.space(1).ip("link del flannel.1");
    has_routes(&cluster, 2);
    cluster.start_etcd();
    put(&cluster, peer(3));
    has_routes(&cluster, 3);
    cluster.etcdctl(&["del", &Cluster::key(&peer(1).subnet())]);
    has_routes(&cluster, 2);
    assert!(cluster.etcdctl(&["get", &key_of(&subnet)]).contains(r#""Node":"node1""#));
    agent.stop();
}

/// K11, first half.
#[test]
fn a_lease_that_another_node_took_meanwhile_ends_the_agent_with_its_name() {
    let mut cluster = Cluster::on_etcd(2, CONFIG);
    let mut agent = cluster.start(1);
    let key = key_of(&agent.ready());
    // The agent stands still for what would be a day: its lease ends, another node gets the subnet.
    agent.signal(Signal::SIGSTOP);
    cluster.etcdctl(&["del", &key]);
    cluster.etcdctl(&["put", &key, &peer(9).value()]);
    cluster.stop_etcd();
    cluster.start_etcd();
    agent.signal(Signal::SIGCONT);
    assert_ne!(agent.ends(), 0, "{}", agent.log());
    let log = agent.log();
    assert!(log.contains(&format!("peer{}", peer(9).0)) && log.contains("node1"), "{log}");
    assert!(cluster.etcdctl(&["get", &key]).contains(&peer(9).value()), "the other's lease is untouched");
    // K18: the same with etcd up all the time; the next start takes another subnet.
    let mut agent = cluster.start(1);
    let next = key_of(&agent.ready());
    assert_ne!(next, key);
    cluster.etcdctl(&["put", &next, &peer(10).value()]);
    assert_ne!(agent.ends(), 0, "{}", agent.log());
    assert!(agent.log().contains("Lease has been revoked"), "{}", agent.log());
}

/// K11, second half.
#[test]
fn an_own_key_that_vanished_is_taken_again_and_no_packet_is_lost() {
    let cluster = Cluster::on_etcd(2, CONFIG);
    let (mut agents, subnets) = cluster.start_all();
    cluster.node(1).reaches(&subnets[0], &subnets[1]);
    // A peer that runs removes the rows of a key that is gone, and sets them again a moment later: that is its part.
    // What is asked here is whether the node itself touches anything.
    agents.remove(1).stop();
    let mut ping = Command::new("ping");
    ping.args(["-i", "0.01", "-W", "1", "-I", bare(&subnets[1]), bare(&subnets[0])]);
    ping.stdout(std::process::Stdio::piped());
    let ping = cluster.space(2).spawn(&mut ping);
    let before = |line: &str| cluster.space(1).lines(line);
    let tables =
        || ["ip route show", "ip neigh show dev flannel.1", "bridge fdb show dev flannel.1"].map(before);
    let standing = tables();
    for revoke in [false, true] {
        let key = key_of(&subnets[0]);
        if revoke {
            let row = cluster.etcdctl(&["get", &key, "-w", "json"]);
            let row: serde_json::Value = serde_json::from_str(&row).expect("json");
            let lease = row["kvs"][0]["lease"].as_i64().expect("an etcd lease");
            cluster.etcdctl(&["lease", "revoke", &format!("{lease:x}")]);
        } else {
            cluster.etcdctl(&["del", &key]);
        }
        until("the lease is there again", || {
            let value = cluster.etcdctl(&["get", &key]);
            hold(value.contains(r#""Node":"node1""#), value)
        });
    }
    assert_eq!(tables(), standing, "the data path of the node itself");
    assert_eq!(agents[0].code(), None);
    kill(Pid::from_raw(i32::try_from(ping.id()).expect("a pid")), Signal::SIGINT).expect("our own child");
    let said = ping.wait_with_output().expect("ping ends");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains(" 0% packet loss"), "{}", said.lines().last().unwrap_or_default());
}
