//! The files that the agent leaves for others: subnet.env to the byte, the state file's name, mode and content.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use super::{V4, node, seat};
use crate::support::leases::Leases;
use crate::support::swap::Seat;

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

fn state_file(seat: &Seat<'_>) -> std::path::PathBuf {
    seat.file(&format!("flanctl-{}-flannel.1.json", seat.place.inode()))
}
