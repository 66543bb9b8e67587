//! The files that the agent leaves for others: subnet.env to the byte, the state file's name, mode and content.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use super::{PEER, V4, node, seat};
use crate::support::hub::Hub;
use crate::support::leases::Leases;
use crate::support::swap::{Seat, until};

#[test]
fn subnet_env_is_flannels_to_the_byte() {
    let rows = [
        (
            "v4",
            r#"{"Network":"10.244.0.0/16","SubnetMin":"10.244.7.0","SubnetMax":"10.244.7.0","Backend":{"Type":"vxlan"}}"#,
            "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.7.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=false\n",
        ),
        (
            "dual",
            r#"{"Network":"10.244.0.0/16","SubnetMin":"10.244.7.0","SubnetMax":"10.244.7.0","EnableIPv6":true,
                "IPv6Network":"fd00:10:244::/56","IPv6SubnetMin":"fd00:10:244:1::","IPv6SubnetMax":"fd00:10:244:1::",
                "Backend":{"Type":"vxlan"}}"#,
            "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.7.1/24\nFLANNEL_IPV6_NETWORK=fd00:10:244::/56\n\
             FLANNEL_IPV6_SUBNET=fd00:10:244:1::1/64\nFLANNEL_MTU=1430\nFLANNEL_IPMASQ=false\n",
        ),
        (
            "v6 only",
            r#"{"EnableIPv4":false,"EnableIPv6":true,"IPv6Network":"fd00:10:244::/56",
                "IPv6SubnetMin":"fd00:10:244:1::","IPv6SubnetMax":"fd00:10:244:1::","Backend":{"Type":"vxlan"}}"#,
            "FLANNEL_IPV6_NETWORK=fd00:10:244::/56\nFLANNEL_IPV6_SUBNET=fd00:10:244:1::1/64\nFLANNEL_MTU=1430\n\
             FLANNEL_IPMASQ=false\n",
        ),
    ];
    for (name, config, want) in rows {
        let (place, _far) = node();
        let leases = Leases::new(config);
        let seat = seat(&place, &leases);
        let mut agent = seat.ready(&[]);
        assert_eq!(seat.subnet_env(), want, "{name}: {}", seat.said());
        let mode = seat.file("subnet.env").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o644, "{name}");
        assert_eq!(agent.running.stop().code(), Some(0), "{name}");
    }
}

#[test]
fn the_state_file_is_named_after_namespace_and_device_and_readable_by_all() {
    let (place, _far) = node();
    let leases = Leases::new(V4);
    let seat = seat(&place, &leases);
    // A hardened host's umask changes nothing.
    let run = seat.command(&[]);
    let mut command = Command::new("sh");
    command.args(["-c", "umask 077; exec \"$@\"", "sh"]).arg(run.get_program()).args(run.get_args());
    command.env("NODE_NAME", "n1");
    let mut agent = seat.start_command(&mut command);
    agent.ready();
    let path = state_file(&seat);
    let mode = |name: &std::path::Path| name.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&path), 0o644);
    assert_eq!(mode(&seat.file("subnet.env")), 0o644);
    let state: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(state["schema"], "flanctl.agent/1");
    assert_eq!(state["pid"], agent.running.pid());
    assert_eq!(state["netns"], place.inode());
    assert_eq!(state["device"], "flannel.1");
    // The reading verbs find it by the namespace they look at.
    let mut show = Command::new(crate::support::swap::FLANCTL);
    show.args(["lease", "-o", "json"]).env("FLANCTL_RUN_DIR", seat.dir.path());
    let (code, out, said) = seat.output(&mut show);
    assert_eq!(code, 0, "{said}");
    assert!(out.contains(&leases.of("Node", "n1").0.replace('-', "/")), "{out}{said}");
}

/// Killed, with no store to ask, its device gone, and another overlay's newer state file beside its own.
#[test]
fn a_restart_without_a_store_keeps_every_peer_of_its_own_overlay() {
    let mut hub = Hub::start();
    let place = hub.node("10.77.0.1");
    let other = r#"{"Network":"10.55.0.0/16","Backend":{"Type":"vxlan","VNI":2,"Port":8473}}"#;
    hub.put(&[("/a/config".to_owned(), V4.to_owned()), ("/b/config".to_owned(), other.to_owned())]);
    let lease = |n: u8| {
        let value =
            PEER.1.replace("192.168.0.9", &format!("10.77.1.{n}")).replace(":09", &format!(":{n:02}"));
        (format!("/a/subnets/10.244.9{n}.0-24"), value)
    };
    hub.put(&[lease(1), lease(2), lease(3)]);
    let seat = |prefix: &str| {
        Seat::new(&place, "n1", &["--etcd-endpoints", &hub.url(), "--etcd-prefix", prefix, "--iface=eth0"])
    };
    let (first, second) = (seat("/a"), seat("/b"));
    let shared = ["--run-dir", first.dir.path().to_str().unwrap()];
    let mut agents = [first.ready(&shared), second.ready(&shared)];
    let written = || std::fs::read_to_string(state_file(&first)).ok().filter(|t| t.contains("10.77.1.3"));
    until("the state file knows the peers", written);
    agents.iter_mut().for_each(|agent| agent.running.kill());
    until("the other's is newer", || {
        let mut again = second.ready(&shared);
        again.running.stop();
        let time = |name: &str| first.file(name).metadata().unwrap().modified().unwrap();
        let inode = place.inode();
        let [a, b] = [1, 2].map(|vni| time(&format!("flanctl-{inode}-flannel.{vni}.json")));
        (b > a).then_some(())
    });
    hub.dies();
    place.ip(&["link del flannel.1"]);
    let mut agent = first.ready(&shared);
    assert!(first.said().contains("(3 peers)"), "{}", first.said());
    for (program, args) in [
        ("ip", "-j route show dev flannel.1"),
        ("ip", "-j neigh show dev flannel.1"),
        ("bridge", "-j fdb show dev flannel.1"),
    ] {
        assert_eq!(place.rows(program, args).len(), 3, "{program} {args}");
    }
    assert_eq!(agent.running.stop().code(), Some(0));
}

fn state_file(seat: &Seat<'_>) -> std::path::PathBuf {
    seat.file(&format!("flanctl-{}-flannel.1.json", seat.place.inode()))
}
