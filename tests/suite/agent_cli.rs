//! `flanctl run` as its operators meet it: exit codes, signals, one agent a device, what it needs and says when that is
//! missing, what it does when asked to do nothing.

mod claim;
mod files;
mod words;

use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::leases::Leases;
use crate::support::swap::{FLANCTL, Place, Seat, until};

const V4: &str = r#"{"Network":"10.244.0.0/16","Backend":{"Type":"vxlan"}}"#;
/// The lease of a peer that is only a lease.
const PEER: (&str, &str) = (
    "10.244.9.0-24",
    r#"{"PublicIP":"192.168.0.9","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:00:00:00:00:09"}}"#,
);

/// A node with `eth0` (192.168.0.1/24, fd01::1/64) and the place behind its wire.
fn node() -> (Place, Place) {
    let (node, far) = (Place::new(), Place::new());
    node.wire("eth0", &far, "eth0");
    node.ip(&["addr add 192.168.0.1/24 dev eth0", "addr add fd01::1/64 dev eth0 nodad"]);
    (node, far)
}

fn seat<'a>(place: &'a Place, leases: &Leases) -> Seat<'a> {
    Seat::new(place, "n1", &[&leases.flag(), "--iface=eth0"])
}

/// Links, addresses, rows and rules of the place, in `ip`'s words, without what counts down by itself.
fn tables(place: &Place) -> Vec<String> {
    let looks = [
        ("ip", "-d link show"),
        ("ip", "-o addr show"),
        ("ip", "neigh show nud permanent"),
        ("ip", "route show table all"),
        ("ip", "nexthop show"),
        ("bridge", "fdb show"),
        ("nft", "list ruleset"),
    ];
    looks.iter().map(|(program, args)| place.run(program, args)).collect()
}

#[test]
fn a_second_agent_for_the_device_is_refused_by_the_pid_of_the_first() {
    let (place, _far) = node();
    let leases = Leases::new(V4);
    let seat = seat(&place, &leases);
    let mut first = seat.ready(&[]);
    let (code, _, said) = seat.output(&mut seat.command(&[]));
    assert_eq!(code, 1, "{said}");
    let pid = format!("flannel.1 is managed by flanctl with pid {}", first.running.pid());
    assert!(said.contains(&pid) && said.contains("--takeover"), "{said}");
    assert_eq!(first.running.ended(), None, "the first goes on");
    // Another overlay beside it is nobody's rival.
    let other = Leases::new(r#"{"Network":"10.99.0.0/16","Backend":{"Type":"vxlan","VNI":2,"Port":8473}}"#);
    let beside = Seat::new(&place, "n1", &[&other.flag(), "--iface=eth0"]);
    beside.ready(&[]);
    assert!(place.try_run("ip", "link show flannel.2"));
}

/// A second agent that is started again and again fills the queue of the first one's claim, and is still answered.
/// From a pid namespace of its own it does not know the first one's pid, and lets everybody live.
#[test]
fn a_claim_that_cannot_be_looked_at_is_respected() {
    let (place, _far) = node();
    let leases = Leases::new(V4);
    let seat = seat(&place, &leases);
    let mut first = seat.ready(&[]);
    let mut apart = Command::new("unshare");
    let run = seat.command(&["--takeover"]);
    apart
        .args(["--pid", "--fork", "--mount-proc", "--kill-child"])
        .arg(run.get_program())
        .args(run.get_args());
    let (code, _, said) = seat.output(&mut apart);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("cannot be seen from here"), "{said}");
    place.inside(|| {
        use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
        let address = UnixAddr::new_abstract(b"flanctl/flannel.1").unwrap();
        let refused = (0..100_000).any(|_| {
            let asks = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_NONBLOCK, None).unwrap();
            connect(std::os::fd::AsRawFd::as_raw_fd(&asks), &address).is_err()
        });
        assert!(refused, "the queue has no end");
    });
    let (code, _, said) = seat.output(&mut seat.command(&[]));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("flannel.1 is managed by"), "{said}");
    assert_eq!(first.running.ended(), None);
}

#[test]
fn signals_end_it_well_and_leave_the_data_path() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let (place, _far) = node();
        let leases = Leases::new(V4);
        leases.put(PEER.0, PEER.1);
        let seat = seat(&place, &leases);
        let mut agent = seat.ready(&["--ip-masq"]);
        let before = (tables(&place), leases.all().into_keys().collect::<Vec<_>>(), seat.subnet_env());
        assert!(before.0.iter().any(|t| t.contains("10.244.9.0/24 via 10.244.9.0 dev flannel.1")));
        agent.running.signal(signal);
        assert_eq!(agent.running.wait().code(), Some(0), "{signal}: {}", seat.said());
        let after = (tables(&place), leases.all().into_keys().collect::<Vec<_>>(), seat.subnet_env());
        assert_eq!(after, before, "{signal}");
    }
}

#[test]
fn wrong_command_lines_end_with_2_and_name_what_is_wrong() {
    let (place, _far) = node();
    let leases = Leases::new(V4);
    let seat = seat(&place, &leases);
    let rows: [(&[&str], &str); 6] = [
        (&["--no-such-flag"], "--no-such-flag"),
        (&["-subnet-lease-renew-margin=0"], "subnet-lease-renew-margin"),
        (&["--public-ip=300.1.1.1"], "300.1.1.1"),
        (&["--kube-subnet-mgr"], "kube-subnet-mgr"),
        (&["--iptables-resync=x"], "iptables-resync"),
        (&["--healthz-port=8080"], "healthz-port"),
    ];
    for (flags, word) in rows {
        let (code, _, said) = seat.output(&mut seat.command(flags));
        assert_eq!(code, 2, "{flags:?}: {said}");
        assert!(said.contains(word), "{flags:?}: {said}");
    }
    assert!(leases.all().is_empty());
}

#[test]
fn without_the_right_to_change_the_network_it_names_the_capability() {
    let (place, _far) = node();
    let leases = Leases::new(V4);
    let seat = seat(&place, &leases);
    let run = seat.command(&[]);
    let mut command = Command::new("setpriv");
    command
        .args(["--bounding-set=-all", "--inh-caps=-all", "--"])
        .arg(run.get_program())
        .args(run.get_args());
    let (code, _, said) = seat.output(&mut command);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("CAP_NET_ADMIN") && said.contains("flanctl lab demo"), "{said}");
    assert!(leases.all().is_empty(), "no lease for a node that cannot use it");
}

#[test]
fn an_uplink_that_is_not_there_is_answered_with_those_that_are() {
    let (place, _far) = node();
    let leases = Leases::new(V4);
    for flag in ["--iface=eth7", "--iface=192.168.0.77", "--iface-regex=^wlan"] {
        let seat = Seat::new(&place, "n1", &[&leases.flag(), flag]);
        let (code, _, said) = seat.output(&mut seat.command(&[]));
        assert_eq!(code, 1, "{flag}: {said}");
        let wanted = flag.rsplit('=').next().unwrap();
        for word in [wanted, "eth0", "192.168.0.1"] {
            assert!(said.contains(word), "{flag} without {word}: {said}");
        }
    }
    assert!(leases.all().is_empty());
    // A name is refused at once, with no store to tell the rest.
    let seat = Seat::new(&place, "n1", &["--etcd-endpoints=http://127.0.0.1:1", "--iface=eth7"]);
    let (code, _, said) = seat.output(&mut seat.command(&[]));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("eth7") && said.contains("eth0:[192.168.0.1"), "{said}");
}

#[test]
fn a_device_of_another_kind_with_our_name_is_left_alone() {
    let (place, _far) = node();
    let leases = Leases::new(V4);
    place.ip(&["link add flannel.1 type bridge"]);
    let seat = seat(&place, &leases);
    let before = tables(&place);
    let (code, _, said) = seat.output(&mut seat.command(&[]));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("flannel.1 exists and is a bridge"), "{said}");
    assert_eq!(tables(&place), before);
}

#[test]
fn sighup_brings_a_changed_config_into_effect_unless_it_leaves_our_lease_out() {
    let (place, _far) = node();
    let leases = Leases::new(V4);
    let seat = seat(&place, &leases);
    let mut agent = seat.ready(&[]);
    let (own, _) = leases.of("Node", "n1");
    let mtu = || place.rows("ip", "-j link show flannel.1")[0]["mtu"].clone();
    assert_eq!((mtu(), seat.env("FLANNEL_MTU")), (Value::from(1450), Some("1450".to_owned())));

    leases.configure(r#"{"Network":"10.244.0.0/16","Backend":{"Type":"vxlan","MTU":1400}}"#);
    agent.running.signal(Signal::SIGHUP);
    until("the device has the new MTU", || (mtu() == 1350).then_some(()));
    until("subnet.env has it", || (seat.env("FLANNEL_MTU")? == "1350").then_some(()));

    until("it says what changed", || seat.said().contains("Backend.MTU is 1400 (was not set)").then_some(()));
    agent.running.signal(Signal::SIGHUP);
    until("it says that nothing did", || {
        seat.said().contains("the network config is unchanged").then_some(())
    });

    for (config, words) in [
        (r#"{"Network":"10.55.0.0/16","Backend":{"Type":"vxlan"}}"#, "no longer covers our lease"),
        ("{", "the network config is wrong now"),
        (r#"{"Network":"10.244.0.0/16","Backend":{"Type":"vxlan","VNI":7}}"#, "another VNI"),
    ] {
        leases.configure(config);
        agent.running.signal(Signal::SIGHUP);
        until(words, || seat.said().contains(words).then_some(()));
    }
    assert_eq!(leases.of("Node", "n1").0, own);
    assert_eq!(mtu(), 1350, "what was in effect stays");
    assert_eq!(agent.running.stop().code(), Some(0), "{}", seat.said());
}

#[test]
fn a_dry_run_prints_commands_that_do_it_and_does_nothing() {
    let (place, _far) = node();
    let leases = Leases::new(V4);
    leases.put(PEER.0, PEER.1);
    let seat = seat(&place, &leases);
    let before = (tables(&place), leases.all());
    let (code, plan, said) = seat.output(&mut seat.command(&["--dry-run", "--ip-masq"]));
    assert_eq!(code, 0, "{said}");
    assert_eq!((tables(&place), leases.all()), before);
    assert!(!seat.file("subnet.env").exists());
    for line in [
        " mtu 1450 type vxlan id 1 local 192.168.0.1 dev eth0 dstport 8472 nolearning\n",
        "\nip route replace 10.244.9.0/24 via 10.244.9.0 dev flannel.1 onlink\n",
    ] {
        assert!(plan.contains(line), "{line} in\n{plan}");
    }
    for line in [
        "# subnet and MAC are examples, drawn at start\n",
        "# firewall: adding chain FLANNEL-POSTRTG, adding the jump from POSTROUTING to FLANNEL-POSTRTG, adding chain",
        "\niptables-restore --noflush",
        "\nFLANNEL_MTU=1450\n",
    ] {
        assert!(plan.contains(line), "{line} in\n{plan}");
    }
    // What it printed is a script that does it.
    let mut shell = Command::new("sh");
    let (code, _, said) = seat.output(shell.args(["-e", "-c", &plan]));
    assert_eq!(code, 0, "{plan}\n{said}");
    let own = plan.lines().find_map(|l| l.strip_prefix("# lease ")).unwrap().split(',').next().unwrap();
    leases.configure(&pinned(own));
    let (code, plan, said) = seat.output(&mut seat.command(&["--dry-run"]));
    assert_eq!(code, 0, "{said}");
    assert!(plan.ends_with(" 1 peers, 0 operations\n"), "nothing is left to do: {plan}");
    let (_, plan, _) = seat.output(&mut seat.command(&["--dry-run", "--ip-masq"]));
    assert!(!plan.contains("firewall") && !plan.contains("subnet.env"), "nor here: {plan}");
    let agent = seat.ready(&["--ip-masq"]);
    let (code, plan, said) = seat.output(&mut seat.command(&["--dry-run", "--ip-masq"]));
    assert_eq!(code, 0, "{said}");
    assert!(plan.contains(&format!("pid {}): run needs --takeover", agent.running.pid())), "{plan}");
}

/// A config in which only this subnet can be leased.
fn pinned(subnet: &str) -> String {
    let base = subnet.split('/').next().unwrap();
    format!(
        r#"{{"Network":"10.244.0.0/16","SubnetMin":"{base}","SubnetMax":"{base}","Backend":{{"Type":"vxlan"}}}}"#
    )
}

#[test]
fn once_does_one_round_and_ends() {
    let (place, _far) = node();
    let leases = Leases::new(V4);
    leases.put(PEER.0, PEER.1);
    let seat = seat(&place, &leases);
    let (code, _, said) = seat.output(&mut seat.command(&["--once"]));
    assert_eq!(code, 0, "{said}");
    let routes = place.run("ip", "route show dev flannel.1");
    assert_eq!(routes.trim(), "10.244.9.0/24 via 10.244.9.0 onlink");
    assert_eq!(place.rows("ip", "-j neigh show dev flannel.1").len(), 1);
    assert_eq!(place.rows("bridge", "-j fdb show dev flannel.1").len(), 1);
    leases.of("Node", "n1");
    assert!(seat.env("FLANNEL_SUBNET").is_some());
    // Without a store it does not wait for one.
    let url = ["--once", "--etcd-endpoints=http://127.0.0.1:1"];
    let lost = Seat::new(&place, "n1", &url);
    let (code, _, said) = lost.output(&mut lost.command(&[]));
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("http://127.0.0.1:1"), "{said}");
}

#[test]
fn under_the_name_flanneld_it_is_run_in_gos_spelling() {
    let (place, _far) = node();
    let leases = Leases::new(V4);
    let mut seat = Seat::new(&place, "n1", &[&leases.flag(), "-iface=eth0", "-v", "10", "-ip-masq"]);
    seat.program = seat.file("flanneld");
    symlink(FLANCTL, &seat.program).unwrap();
    let mut agent = seat.ready(&[]);
    assert_eq!(seat.env("FLANNEL_IPMASQ"), Some("true".to_owned()));
    let (code, told, _) = seat.output(Command::new(&seat.program).arg("-version"));
    assert_eq!((code, told), (0, format!("flanctl {}\n", env!("CARGO_PKG_VERSION"))));
    assert_eq!(agent.running.stop().code(), Some(0));
}

#[test]
fn the_service_manager_hears_ready_status_signs_of_life_and_the_end() {
    let (place, _far) = node();
    let leases = Leases::new(V4);
    leases.put(PEER.0, PEER.1);
    let seat = seat(&place, &leases);
    let mut command = seat.command(&[]);
    command.env("WATCHDOG_USEC", Duration::from_millis(200).as_micros().to_string());
    let mut agent = seat.start_command(&mut command);
    agent.ready();
    let status = agent.hears("STATUS=");
    let subnet = leases.of("Node", "n1").0.replace('-', "/");
    assert!(status.contains(&subnet) && status.contains("1 peers"), "{status}");
    agent.hears("WATCHDOG=1");
    agent.running.signal(Signal::SIGTERM);
    agent.hears_after_end("STOPPING=1");
}
