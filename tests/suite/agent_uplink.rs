//! The uplink goes, comes back, or gets another address: pods reach each other again, and the lease says where.

use crate::support::cluster::{CONFIG, Cluster};
use crate::support::space::{hold, until};

#[test]
fn an_uplink_that_was_made_anew_carries_the_overlay_again() {
    let cluster = Cluster::on_dir(2, CONFIG);
    let (_agents, subnets) = cluster.start_all();
    cluster.node(1).reaches(&subnets[0], &subnets[1]);
    let mac = || cluster.space(2).rows("ip -j link show flannel.1")[0]["address"].clone();
    let before = mac();
    for _ in 0..2 {
        cluster.space(2).ip("link del eth0");
        cluster.plug(2, 12);
        cluster.node(1).reaches(&subnets[0], &subnets[1]);
        cluster.node(2).reaches(&subnets[1], &subnets[0]);
        assert_eq!(mac(), before, "the VTEP MAC stays");
    }
    // Down and up takes less with it.
    cluster.space(2).ip("link set eth0 down");
    cluster.space(2).ip("link set eth0 up");
    cluster.node(1).reaches(&subnets[0], &subnets[1]);
}

#[test]
fn peers_follow_an_uplink_that_was_readdressed() {
    let cluster = Cluster::on_etcd(2, CONFIG);
    let (agents, subnets) = cluster.start_all();
    cluster.node(1).reaches(&subnets[0], &subnets[1]);
    let key = Cluster::key(&subnets[1].replace(".1/24", ".0-24"));
    for host in ["112", "12"] {
        let address = format!("192.168.50.{host}");
        cluster.space(2).ip("addr flush dev eth0 scope global");
        cluster.space(2).ip(&format!("addr add {address}/24 dev eth0"));
        until("the lease names the new address", || {
            let value = cluster.etcdctl(&["get", &key, "--print-value-only"]);
            hold(value.contains(&format!(r#""PublicIP":"{address}""#)), value)
        });
        until("the other node sends to the new address", || {
            let rows = cluster.space(1).rows("bridge -j fdb show dev flannel.1");
            hold(rows.len() == 1 && rows[0]["dst"] == address.as_str(), format!("{rows:?}"))
        });
        until("our device sends from the new address", || {
            let row = cluster.space(2).lines("ip -d link show flannel.1").join(" ");
            hold(row.contains(&format!("local {address} ")), row)
        });
        cluster.node(1).reaches(&subnets[0], &subnets[1]);
        cluster.node(2).reaches(&subnets[1], &subnets[0]);
    }
    let keys = cluster.etcdctl(&["get", "--prefix", "--keys-only", &Cluster::key("")]);
    assert_eq!(keys.split_whitespace().count(), 2, "{keys}");
    assert_eq!(agents[1].said("Error writing lease"), 0, "the old address's connections are waited for");
    for agent in agents {
        agent.stop();
    }
}

#[test]
fn the_overlay_follows_the_uplinks_mtu() {
    let cluster = Cluster::on_dir(1, CONFIG);
    let mut agent = cluster.start(1);
    agent.ready();
    for (uplink, want) in [(1400, 1350), (1500, 1450)] {
        cluster.space(1).ip(&format!("link set eth0 mtu {uplink}"));
        until("the device follows", || {
            let row = cluster.space(1).rows("ip -j link show flannel.1");
            hold(row[0]["mtu"] == want, format!("{row:?}"))
        });
        until("subnet.env follows", || hold(agent.env().contains(&format!("MTU={want}\n")), agent.env()));
    }
}

#[test]
fn a_device_of_another_kind_under_our_name_is_refused_by_name() {
    for (kind, words) in [("bridge", "is a bridge"), ("veth", "is a veth")] {
        let cluster = Cluster::on_dir(1, CONFIG);
        cluster.space(1).ip(&format!("link add flannel.1 type {kind}"));
        let mut agent = cluster.start(1);
        assert_ne!(agent.ends(), 0, "{kind}: {}", agent.log());
        let log = agent.log();
        assert!(log.contains("flannel.1 exists") && log.contains(words), "{kind}: {log}");
        assert!(log.contains("ip link del flannel.1"), "{kind}: what to do: {log}");
        assert_eq!(agent.env(), "", "{kind}");
        let still = cluster.space(1).lines(&format!("ip link show type {kind}")).join(" ");
        assert!(still.contains("flannel.1"), "{kind}: left alone: {still}");
    }
}
