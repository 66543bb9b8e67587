//! What `trace` asks the running kernel: for its routing decision, for a probe's way, for devices of other kinds.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use flanctl::kernel::tracefs::watch;
use flanctl::kernel::{Kernel, LinuxKernel, ask, echo};
use flanctl::net::IfName;
use flanctl::snapshot::Snapshot;
use flanctl::state::fib::Flow;
use flanctl::state::{LinkKind, Seen, State, Told};
use flanctl::trace::{Query, Verdict, disagreement, trace};

use super::support::netns::{bridge, ip, run, scratch};
use super::support::space::{hold, until};

fn look() -> State {
    LinuxKernel::open().unwrap().observe().unwrap()
}

fn node(state: State) -> Snapshot {
    let text =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/readers/path.json")).unwrap();
    let base = Snapshot::decode(&text).unwrap();
    Snapshot { state, leases: None, own: None, config: None, ..base }
}

fn flow(dst: &str) -> Flow {
    ask::askable(&Flow { proto: 1, ..Flow::to(dst.parse().unwrap()) })
}

#[test]
fn the_kernels_first_decision_is_that_of_the_model() {
    scratch(|| {
        run("sysctl", "-qw net.ipv4.ip_forward=1");
        for line in [
            "route add 10.1.0.0/16 via 192.168.0.2",
            "route add 10.1.2.0/24 dev eth0 metric 7",
            "route add blackhole 10.2.0.0/16",
            "route add prohibit 10.3.0.0/16",
            "route add 10.4.0.0/16 nexthop via 192.168.0.3 nexthop via 192.168.0.4",
            "route add 10.5.0.0/16 via 192.168.0.5 table 100",
            "rule add to 10.5.0.0/16 lookup 100 pref 50",
            "nexthop add id 9 via 192.168.0.6 dev eth0",
            "route add 10.6.0.0/16 nhid 9",
            "-6 route add fd09::/64 via fd01::9",
            "-6 route add unreachable fd0a::/64",
        ] {
            ip(line);
        }
        let node = node(look());
        let mut rows = 0;
        let hosts = "192.168.0.1 192.168.0.77 10.1.9.1 10.1.2.3 10.2.0.1 10.3.0.1 10.4.0.1 10.5.0.1 10.6.0.1 8.8.8.8 \
            fd01::1 fd01::7 fd09::1 fd0a::1 2001:db8::1";
        for dst in hosts.split_whitespace() {
            let told = ask::route(&flow(dst), &node.state).unwrap();
            rows += usize::from(matches!(told, Told::Row(..)));
            assert_eq!(disagreement(&node, &flow(dst), &told), None, "{dst}: {told:?}");
        }
        assert_eq!(rows, 10);
        for dst in ["10.1.9.1", "10.2.0.1", "192.168.0.1", "10.6.0.1"] {
            let iif: IfName = "eth0".parse().unwrap();
            let forwarded = Flow { src: Some("192.168.0.50".parse().unwrap()), iif: Some(iif), ..flow(dst) };
            let told = ask::route(&forwarded, &node.state).unwrap();
            assert_eq!(disagreement(&node, &forwarded, &told), None, "{dst}: {told:?}");
        }
        // A table that was read before it changed: that is what a wrong model would look like.
        ip("route add 10.1.9.0/24 via 192.168.0.8");
        let told = ask::route(&flow("10.1.9.1"), &node.state).unwrap();
        let finding = disagreement(&node, &flow("10.1.9.1"), &told).unwrap();
        assert_eq!(finding.code, "model.disagrees");
        assert_eq!(
            finding.evidence[..2],
            ["kernel: 10.1.9.0/24 via 192.168.0.8 dev eth0", "model: 10.1.0.0/16 via 192.168.0.2 dev eth0"]
        );
    });
}

#[test]
fn a_tun_device_without_a_process_is_where_the_packet_dies() {
    scratch(|| {
        ip("tuntap add dev flannel0 mode tun");
        ip("addr add 10.9.1.0/32 dev flannel0");
        ip("link set flannel0 up");
        ip("route add 10.9.0.0/16 dev flannel0");
        let state = look();
        let dev: IfName = "flannel0".parse().unwrap();
        assert_eq!(state.links[&dev].kind, LinkKind::Other("tun".to_owned()));
        let path = trace(&node(state), &Query::to("10.9.2.3".parse().unwrap()));
        let codes: Vec<_> = path.findings.iter().map(|finding| finding.code).collect();
        assert!(codes.contains(&"tunnel.noreader"), "{path:#?}");
        assert_eq!(path.verdict, Verdict::Dropped);
    });
}

#[test]
fn a_nexthop_group_in_the_forwarding_table_is_followed_on_the_kernels_own_rows() {
    scratch(|| {
        ip("link add flannel.1 type vxlan id 1 dev eth0 local 192.168.0.1 dstport 8472 nolearning");
        ip("link set flannel.1 up");
        ip("nexthop add id 1 via 192.168.0.2 fdb");
        ip("nexthop add id 2 via 192.168.0.3 fdb");
        ip("nexthop add id 10 group 1/2 fdb");
        bridge("fdb add 02:00:00:00:00:07 dev flannel.1 nhid 10 self permanent");
        ip("route add 10.9.2.0/24 via 10.9.2.0 dev flannel.1 onlink");
        ip("neigh add 10.9.2.0 lladdr 02:00:00:00:00:07 dev flannel.1 nud permanent");
        let path = trace(&node(look()), &Query::to("10.9.2.3".parse().unwrap()));
        let fdb = path.steps.iter().find(|step| step.id == "fdb").unwrap();
        assert_eq!(fdb.object, "02:00:00:00:00:07 -> one of 2 of nexthop group 10");
        assert_eq!(fdb.more, ["dst 192.168.0.2", "dst 192.168.0.3"]);
        let outer = path.steps.iter().filter(|step| step.id == "outer");
        assert_eq!(outer.count(), 2, "{path:#?}");
    });
}

/// Instances of a process that are left; tracefs is mounted for the question alone.
fn left(pid: u32) -> String {
    let ask = "mount -t tracefs t /sys/kernel/tracing && ls /sys/kernel/tracing/instances";
    let out = Command::new("unshare").args(["-m", "sh", "-c", ask]).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let all = String::from_utf8(out.stdout).unwrap();
    all.lines().filter(|line| *line == format!("flanctl-{pid}")).collect()
}

#[test]
fn a_probe_is_seen_on_its_way_and_where_it_is_dropped() {
    scratch(|| {
        ip("route add 10.8.0.0/16 via 192.168.0.2");
        ip("neigh add 192.168.0.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent");
        run("nft", "add table ip t");
        let to = "10.8.0.1".parse().unwrap();
        // The thread that watches has to send from this namespace.
        let here = std::fs::File::open("/proc/thread-self/ns/net").unwrap();
        let send = |to| {
            let _inside = flanctl::kernel::netns::InNetns::enter_file(&here).unwrap();
            echo::once(to, 84, true, 0, std::time::Duration::from_millis(50)).unwrap()
        };
        let watched = watch(|| send(to)).unwrap();
        assert_eq!(watched.sent, echo::Once::default(), "nobody answers");
        let seen = watched.seen.expect("tracefs can be mounted by root");
        let eth0: IfName = "eth0".parse().unwrap();
        assert!(seen.iter().any(|one| one.what == Seen::Sent(eth0, 98)), "{seen:?}");
        assert!(
            seen.iter().any(|one| matches!(&one.what, Seen::Looked { dev: Some(dev), .. } if *dev == eth0))
        );
        assert_eq!(left(std::process::id()), "");

        run("nft", "add chain ip t o { type filter hook output priority 0 ; policy drop ; }");
        let watched = watch(|| send(to)).unwrap();
        assert!(watched.sent.refused.is_some_and(|why| why.contains("not permitted")));
        let seen = watched.seen.unwrap();
        let dropped = |one: &&flanctl::state::Sighting| matches!(&one.what, Seen::Dropped { reason, .. } if reason == "NETFILTER_DROP");
        assert!(seen.iter().any(|one| dropped(&one)), "{seen:?}");
    });
}

#[test]
fn an_interrupted_probe_leaves_nothing_in_tracefs() {
    scratch(|| {
        ip("route add 10.8.0.0/16 via 192.168.0.2");
        ip("neigh add 192.168.0.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent");
        // Nobody answers: it waits for a second with its instance open. On a busy machine that may be over too soon.
        let interrupted = || {
            let mut trace = Command::new(env!("CARGO_BIN_EXE_flanctl"))
                .args(["trace", "10.8.0.1", "--live"])
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            until("the instance is there", || hold(!left(trace.id()).is_empty(), "not yet"));
            let pid = nix::unistd::Pid::from_raw(i32::try_from(trace.id()).unwrap());
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
            let status = trace.wait().unwrap();
            assert_eq!(left(trace.id()), "");
            status.signal() == Some(nix::libc::SIGINT)
        };
        assert!((0..5).any(|_| interrupted()), "five times the signal did not end it");
    });
}
