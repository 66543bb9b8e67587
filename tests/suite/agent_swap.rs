//! One agent after another on a node, while pods talk: build after build, flanctl after flanneld, flanneld's rows
//! after ours, nexthop rows after plain ones and back. Not one reply may be lost.

mod yard;

use std::os::unix::fs::symlink;
use std::process::Command;

use nix::sys::signal::Signal;

use self::yard::{Monitor, Yard, flanneld_left, rows};
use crate::support::pinger::Pinger;
use crate::support::swap::{FLANCTL, Seat, copy_of, until};

/// The instruments of the tests below do notice.
#[test]
fn a_reply_that_is_lost_and_a_row_that_goes_and_comes_are_seen() {
    let yard = Yard::new(2);
    let _agents: Vec<_> = yard.seats().map(|seat| seat.ready(&[])).collect();
    yard.give_pods();
    let node = &yard.nodes[0];
    let ping = Pinger::start(&node.pod, &yard.pod_ip(1));
    let monitor = Monitor::start(node.place);
    node.place.ip(&["link set eth0 down"]);
    std::thread::sleep(std::time::Duration::from_millis(100));
    node.place.ip(&["link set eth0 up"]);
    node.place.try_run("ip", "neigh flush dev flannel.1 nud permanent");
    assert!(!ping.missing("it heals").is_empty());
    let moved = monitor.moved();
    assert!(moved.iter().any(|line| line.contains("lladdr")), "{moved:#?}");
}

#[test]
fn a_rolling_swap_between_two_builds_loses_no_reply() {
    let yard = Yard::new(3);
    let mut agents: Vec<_> = yard.seats().map(|seat| seat.ready(&["--ip-masq"])).collect();
    yard.give_pods();
    let there = Pinger::start(&yard.nodes[0].pod, &yard.pod_ip(2));
    let back = Pinger::start(&yard.nodes[2].pod, &yard.pod_ip(1));
    let leases = yard.leases.all().into_keys().collect::<Vec<_>>();
    let other = tempfile::tempdir().unwrap();
    let other = copy_of(FLANCTL, &other.path().join("flanctl-next"));
    for (agent, node) in agents.iter_mut().zip(&yard.nodes) {
        let before = rows(node.place);
        assert_eq!(agent.running.stop().code(), Some(0));
        there.goes_on("between the two");
        let mut next = Seat::new(node.place, &node.seat.node, &[]);
        next.flags.clone_from(&node.seat.flags);
        next.program.clone_from(&other);
        *agent = next.ready(&["--ip-masq"]);
        assert_eq!(rows(node.place), before, "{}", node.seat.node);
        there.goes_on("after the swap");
    }
    assert_eq!(yard.leases.all().into_keys().collect::<Vec<_>>(), leases);
    there.lost_nothing("pod 1 to pod 3");
    back.lost_nothing("pod 3 to pod 2");
}

#[test]
fn takeover_stops_a_running_agent_and_goes_on_with_what_it_had() {
    let yard = Yard::new(2);
    let mut agents: Vec<_> = yard.seats().map(|seat| seat.ready(&[])).collect();
    yard.give_pods();
    let ping = Pinger::start(&yard.nodes[0].pod, &yard.pod_ip(1));
    let node = &yard.nodes[0];
    let (before, leases) = (rows(node.place), yard.leases.all().into_keys().collect::<Vec<_>>());
    let monitor = Monitor::start(node.place);
    let heir = node.seat.ready(&["--takeover"]);
    let old = agents.remove(0).running.wait();
    assert_eq!(old.code(), Some(0), "it was asked to end, not killed");
    monitor.saw_nothing("a takeover");
    assert_eq!(rows(node.place), before);
    assert_eq!(yard.leases.all().into_keys().collect::<Vec<_>>(), leases);
    assert!(node.seat.said().contains("Taking over from flanctl with pid"), "{}", node.seat.said());
    ping.lost_nothing("a takeover");
    drop(heir);
}

/// Device, rows and lease exactly as flanneld makes them, and a process of that name.
#[test]
fn a_flannelds_lease_device_and_rows_are_adopted_without_a_lost_reply_and_stay_when_we_go() {
    let yard = Yard::new(2);
    let [node, peer] = &yard.nodes[..] else { panic!("two nodes") };
    flanneld_left(&yard, 1);
    flanneld_left(&yard, 2);
    yard.give_pods_in(&["10.244.1.1/24", "10.244.2.1/24"]);
    let dir = tempfile::tempdir().unwrap();
    let stand_in = copy_of("/bin/sleep", &dir.path().join("flanneld"));
    let mut flanneld = node.place.start(Command::new(stand_in).arg("1000"), &dir.path().join("log"));
    let pid = flanneld.pid();
    until("it bears the name", || {
        let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
        (comm.trim() == "flanneld").then_some(())
    });
    let ping = Pinger::start(&node.pod, "10.244.2.2");
    let before = rows(node.place);

    // While it runs we keep out, and say so.
    let (code, _, said) = node.seat.output(&mut node.seat.command(&[]));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&format!("flanneld with pid {pid}")) && said.contains("--takeover"), "{said}");
    assert_eq!(flanneld.ended(), None);

    let monitor = Monitor::start(node.place);
    let mut agent = node.seat.ready(&["--takeover"]);
    assert!(flanneld.wait().code().is_none(), "it was stopped by a signal");
    monitor.saw_nothing("the adoption");
    assert_eq!(rows(node.place), before, "device, rows, MAC and ifindex are as it left them");
    let (key, lease) = yard.leases.of("PublicIP", "10.99.0.1");
    assert_eq!(key, "10.244.1.0-24");
    assert_eq!(lease["Node"], "node1");
    assert_eq!(lease["BackendData"]["VtepMAC"], "02:00:00:00:99:01");
    assert_eq!(yard.leases.all().len(), 2);
    assert_eq!(node.seat.env("FLANNEL_SUBNET"), Some("10.244.1.1/24".to_owned()));

    // The other way: what a flanneld would find after us is what it left.
    assert_eq!(agent.running.stop().code(), Some(0));
    assert_eq!(rows(node.place), before);
    // And the other node, where nothing of that name runs.
    let monitor = Monitor::start(peer.place);
    let before = rows(peer.place);
    peer.seat.ready(&[]).running.stop();
    monitor.saw_nothing("the adoption without a takeover");
    assert_eq!(rows(peer.place), before);
    ping.lost_nothing("both ways");
}

/// A flanctl under flanneld's name is known for what it is, link or copy.
#[test]
fn a_flanctl_named_flanneld_is_taken_over_too() {
    for copied in [false, true] {
        let yard = Yard::new(1);
        let node = &yard.nodes[0];
        let mut named = Seat::new(node.place, "node1", &[]);
        named.flags.clone_from(&node.seat.flags);
        named.program = named.file("flanneld");
        match copied {
            true => drop(copy_of(FLANCTL, &named.program)),
            false => symlink(FLANCTL, &named.program).unwrap(),
        }
        let mut first = named.ready(&[]);
        let (code, _, said) = node.seat.output(&mut node.seat.command(&[]));
        assert_eq!(code, 1, "copied {copied}: {said}");
        assert!(said.contains(&format!("with pid {}", first.running.pid())), "copied {copied}: {said}");
        let _second = node.seat.ready(&["--takeover"]);
        assert_eq!(first.running.wait().code(), Some(0), "copied {copied}");
    }
}

#[test]
fn plain_rows_become_nexthop_rows_and_plain_ones_again_without_a_lost_reply() {
    let yard = Yard::new(2);
    let mut agents: Vec<_> = yard.seats().map(|seat| seat.ready(&[])).collect();
    yard.give_pods();
    let node = &yard.nodes[0];
    let there = Pinger::start(&node.pod, &yard.pod_ip(1));
    let back = Pinger::start(&yard.nodes[1].pod, &yard.pod_ip(0));
    let hops = || node.place.run("ip", "-o nexthop show").lines().count();
    let shape = |place: &_| yard::route_shape(place, &yard.subnet(1));
    let plain = shape(node.place);
    assert!(plain.ends_with("dev flannel.1 onlink"), "{plain}");

    // Under a running agent.
    yard.crowd(1_500);
    until("nexthop objects", || (hops() == 1_501).then_some(()));
    until("their route", || shape(node.place).contains("nhid").then_some(()));
    there.goes_on("with nexthop objects");
    // Over a restart, which finds 1,500 peers gone.
    assert_eq!(agents[0].running.stop().code(), Some(0));
    yard.disperse(1_500);
    agents[0] = node.seat.ready(&[]);
    assert_eq!((hops(), shape(node.place)), (0, plain.clone()));
    assert_eq!(node.place.rows("bridge", "-j fdb show dev flannel.1").len(), 1);
    there.goes_on("with plain rows");
    // Over a restart, which finds 1,500 peers more.
    assert_eq!(agents[0].running.stop().code(), Some(0));
    yard.crowd(1_500);
    agents[0] = node.seat.ready(&[]);
    assert_eq!(hops(), 1_501);
    // Under a running agent.
    yard.disperse(1_500);
    until("plain rows", || (hops() == 0 && shape(node.place) == plain).then_some(()));
    there.lost_nothing("from the node whose rows changed");
    back.lost_nothing("towards it");
}

#[test]
fn a_takeover_of_what_does_not_end_gives_up_and_kills_nobody() {
    let yard = Yard::new(1);
    let node = &yard.nodes[0];
    let mut first = node.seat.ready(&[]);
    first.running.signal(Signal::SIGSTOP);
    let (code, _, said) = node.seat.output(&mut node.seat.command(&["--takeover"]));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("does not end"), "{said}");
    assert_eq!(first.running.ended(), None);
    first.running.signal(Signal::SIGCONT);
    assert_eq!(first.running.wait().code(), Some(0), "the SIGTERM is served once it may be");
}
