//! What other programs do in the namespace is read and heard rightly: the second opinion is iproute2's.

use std::collections::BTreeSet;

use flanctl::kernel::{Kernel, LinuxKernel, Replay};
use flanctl::net::Mac;
use flanctl::state::{Change, Folded, Hops, LinkKind, Rule, State, nud};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::support::netns::{bridge, ip, rows, run, scratch, try_ip};
use crate::support::seed::fixed;

fn tunnel() {
    ip(
        "link add flannel.1 address 02:00:00:00:00:01 type vxlan id 1 local 192.168.0.1 dev eth0 dstport 8472 nolearning",
    );
    ip("addr add 10.5.1.0/32 dev flannel.1");
    ip("link set flannel.1 up");
}

/// Rows of every kind that other programs make.
fn crowd() {
    tunnel();
    for args in [
        "link add br0 type bridge",
        "link add pod0 type veth peer name pod1",
        "link set pod0 master br0",
        "link set br0 up",
        "link set pod0 up",
        "addr add 10.5.1.1/24 dev br0",
        "addr add 10.77.0.1 peer 10.77.0.2/32 dev br0",
        "nexthop add id 5 via 10.5.2.0 dev flannel.1 onlink",
        "nexthop add id 6 via 10.5.3.0 dev flannel.1 onlink",
        "nexthop add id 7 blackhole",
        "nexthop add id 8 group 5,3/6",
        "route add 10.5.2.0/24 nhid 5",
        "route add 10.5.3.0/24 via 10.5.3.0 dev flannel.1 onlink",
        "route append 10.5.3.0/24 via 10.5.4.0 dev flannel.1 onlink",
        "route add 10.6.0.0/16 nexthop via 192.168.0.2 weight 3 nexthop via 192.168.0.3",
        "route add default via 192.168.0.254 table 1000",
        "route add blackhole 10.7.0.0/16 metric 9",
        "route add prohibit 10.8.0.0/16 table 70000",
        "-6 route add fd00:5::/64 via fd01::2",
        "-6 route add unreachable fd00:6::/64",
        "neigh add 10.5.2.0 lladdr 02:00:00:00:00:02 dev flannel.1 nud permanent",
        "neigh add proxy 10.5.9.9 dev eth0",
        "rule add from 10.5.0.0/16 to 10.6.0.0/16 iif eth0 fwmark 0x10/0xff table 1000 priority 100",
        "rule add not oif br0 ipproto tcp dport 80-90 sport 7 uidrange 0-0 goto 200 priority 150",
        "rule add priority 200 lookup main suppress_prefixlength 0",
        "rule add priority 210 tos 0x10 prohibit",
        "-6 rule add priority 300 from fd00::/8 l3mdev",
    ] {
        ip(args);
    }
    bridge("fdb add 02:00:00:00:00:02 dev flannel.1 dst 192.168.0.2 port 4789 vni 77 self permanent");
    bridge("fdb append 00:00:00:00:00:00 dev flannel.1 dst 192.168.0.3 self permanent");
    bridge("fdb append 00:00:00:00:00:00 dev flannel.1 dst 192.168.0.4 self permanent");
    bridge("fdb add 02:00:00:00:00:55 dev pod0 master static");
}

fn text(row: &Value, key: &str) -> String {
    row[key].as_str().map_or_else(|| row[key].to_string(), str::to_owned)
}

fn whole(dst: &str, v6: bool) -> String {
    match (dst, v6) {
        ("default", false) => "0.0.0.0/0".to_owned(),
        ("default", true) => "::/0".to_owned(),
        (dst, _) if dst.contains('/') => dst.to_owned(),
        (dst, v6) => format!("{dst}/{}", if v6 { 128 } else { 32 }),
    }
}

fn routes_of_ip() -> Vec<String> {
    let mut all = Vec::new();
    for (family, v6) in [("-4", false), ("-6", true)] {
        for row in rows("ip", &format!("-N -j {family} route show table all")) {
            let table = row["table"].as_str().map_or("254".to_owned(), str::to_owned);
            let dst = whole(row["dst"].as_str().unwrap(), v6);
            let kind = row["type"].as_str().unwrap_or("1").to_owned();
            let metric = row["metric"].as_u64().unwrap_or(0);
            let legs = row["nexthops"].as_array().map_or(1, Vec::len);
            let object = row["nhid"].as_u64().unwrap_or(0);
            all.push(format!("{dst} table {table} type {kind} metric {metric} legs {legs} nhid {object}"));
        }
    }
    all.sort();
    all
}

fn routes_of(state: &State) -> Vec<String> {
    let mut all = Vec::new();
    for (key, twins) in &state.routes {
        for route in twins {
            let kind = serde_json::to_value(route.kind).unwrap();
            let words = [
                "",
                "unicast",
                "local",
                "broadcast",
                "anycast",
                "multicast",
                "blackhole",
                "unreachable",
                "prohibit",
            ];
            let kind = words.iter().position(|w| Some(*w) == kind.as_str()).unwrap();
            let (legs, object) = match &route.hops {
                Hops::Multi(legs) => (legs.len(), 0),
                Hops::Object(id) => (1, *id),
                _ => (1, 0),
            };
            all.push(format!(
                "{} table {} type {kind} metric {} legs {legs} nhid {object}",
                key.dst, key.table, key.metric
            ));
        }
    }
    all.sort();
    all
}

/// A reading after which nothing moved for a while: IPv6 goes on detecting duplicates and joining groups for a
/// second or two after a device came up, and the two opinions must be about the same moment.
fn settled(kernel: &mut LinuxKernel) -> State {
    for _ in 0..40 {
        let state = kernel.observe().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(700));
        if kernel.changes().unwrap().is_empty() {
            return state;
        }
    }
    panic!("the namespace never came to rest");
}

#[test]
fn a_crowd_of_foreign_rows_is_read_as_iproute2_reads_it() {
    scratch(|| {
        crowd();
        let mut kernel = LinuxKernel::open().unwrap();
        let state = settled(&mut kernel);
        assert_eq!(kernel.skipped(), 0);

        let links: BTreeSet<_> =
            rows("ip", "-j link").iter().map(|r| format!("{} {}", text(r, "ifname"), r["mtu"])).collect();
        assert_eq!(state.links.iter().map(|(n, l)| format!("{n} {}", l.mtu)).collect::<BTreeSet<_>>(), links);
        assert_eq!(state.links[&"pod0".parse().unwrap()].master, Some("br0".parse().unwrap()));
        assert_eq!(state.links[&"br0".parse().unwrap()].kind, LinkKind::Bridge);
        let far = state.links[&"far0".parse().unwrap()].index;
        assert_eq!(
            state.links[&"eth0".parse().unwrap()].kind,
            LinkKind::Veth { peer: Some(far), netns: None }
        );

        let addrs: BTreeSet<_> = rows("ip", "-j addr")
            .iter()
            .flat_map(|r| {
                let name = text(r, "ifname");
                let infos = r["addr_info"].as_array().cloned().unwrap_or_default();
                infos.into_iter().map(move |a| format!("{name} {}/{}", text(&a, "local"), a["prefixlen"]))
            })
            .collect();
        assert_eq!(
            state.addrs.keys().map(|k| format!("{} {}", k.dev, k.net)).collect::<BTreeSet<_>>(),
            addrs
        );
        assert_eq!(routes_of(&state), routes_of_ip());

        // Entries that the kernel makes for packets of its own come and go without a notice: those aside.
        let neighs: BTreeSet<_> = rows("ip", "-j neigh show nud permanent")
            .iter()
            .chain(&rows("ip", "-j neigh show proxy"))
            .map(|r| format!("{} {}", text(r, "dev"), text(r, "dst")))
            .collect();
        let have = state.neighs.iter().filter(|(_, n)| n.permanent() || n.flags & 0x08 != 0);
        assert_eq!(have.map(|(k, _)| format!("{} {}", k.dev, k.ip)).collect::<BTreeSet<_>>(), neighs);

        // What a bridge learns from a packet comes at its own time, too, and so do the groups that IPv6 joins and leaves:
        // without a notice.
        let group = |mac: &str| mac.parse::<Mac>().unwrap().0[0] & 1 == 1;
        let fdb: BTreeSet<_> = rows("bridge", "-j fdb show")
            .iter()
            .filter(|r| ["permanent", "static"].contains(&text(r, "state").as_str()))
            .filter(|r| !group(&text(r, "mac")))
            .map(|r| {
                let vlan = r["vlan"].as_u64().unwrap_or(0);
                format!("{} {} {vlan} {}", text(r, "ifname"), text(r, "mac"), r["master"].is_string())
            })
            .collect();
        let lasting = state.fdb.iter().filter(|(_, row)| row.state & (nud::PERMANENT | nud::NOARP) != 0);
        let have = lasting
            .filter(|(k, _)| k.mac.0[0] & 1 == 0)
            .map(|(k, _)| format!("{} {} {} {}", k.dev, k.mac, k.vlan, k.master));
        assert_eq!(have.collect::<BTreeSet<_>>(), fdb);
        let tunnel = state.fdb.iter().find(|(k, _)| k.mac.0[5] == 2).unwrap().1;
        assert_eq!((tunnel.port, tunnel.vni), (Some(4789), Some(77)));
        let flood = state.fdb.iter().find(|(k, _)| k.mac.is_zero()).unwrap().1;
        assert_eq!(flood.more.len(), 1);

        let ids: Vec<_> = rows("ip", "-j nexthop").iter().map(|r| r["id"].as_u64().unwrap() as u32).collect();
        assert_eq!(state.nexthops.keys().copied().collect::<Vec<_>>(), ids);
        assert!(state.nexthops[&7].blackhole);
        assert_eq!(state.nexthops[&8].group, [(5, 3), (6, 1)]);
        rules(&state);
    });
}

fn rules(state: &State) {
    let find =
        |priority, v6| state.rules.iter().find(|r| (r.priority, r.v6) == (priority, v6)).unwrap().clone();
    let common = Rule::default();
    let want = Rule {
        priority: 100,
        from: Some("10.5.0.0/16".parse().unwrap()),
        to: Some("10.6.0.0/16".parse().unwrap()),
        iif: Some("eth0".to_owned()),
        fwmark: Some((0x10, 0xff)),
        action: 1,
        table: 1000,
        ..common.clone()
    };
    assert_eq!(find(100, false), want);
    let want = Rule {
        priority: 150,
        oif: Some("br0".to_owned()),
        not: true,
        ipproto: Some(6),
        dport: Some((80, 90)),
        sport: Some((7, 7)),
        uidrange: Some((0, 0)),
        action: 2,
        goto: Some(200),
        ..common.clone()
    };
    assert_eq!(find(150, false), want);
    let want =
        Rule { priority: 200, action: 1, table: 254, suppress_prefixlength: Some(0), ..common.clone() };
    assert_eq!(find(200, false), want);
    assert_eq!(find(210, false), Rule { priority: 210, tos: 0x10, action: 8, ..common });
    assert!(find(300, true).l3mdev);
    let order: Vec<_> = state.rules.iter().filter(|r| !r.v6).map(|r| r.priority).collect();
    assert_eq!(order, [0, 100, 150, 200, 210, 32766, 32767]);
}

#[test]
fn an_unread_burst_is_an_overrun_and_the_next_reading_is_right() {
    scratch(|| {
        tunnel();
        let mut kernel = LinuxKernel::open().unwrap();
        kernel.observe().unwrap();
        let batch = std::env::temp_dir().join(format!("flanctl-burst-{}", std::process::id()));
        let lines = |verb: &str| {
            (0..10_000u32)
                .map(|n| format!("neigh {verb} 10.{}.{}.0 dev flannel.1\n", 64 + n / 250, n % 250))
                .collect::<String>()
        };
        let add = lines("replace").replace(" dev", " lladdr 02:00:00:00:00:07 nud permanent dev");
        std::fs::write(&batch, (add.clone() + &lines("del")).repeat(6) + &add).unwrap();
        let text = batch.to_str().unwrap().to_owned();
        run("ip", &format!("-batch {text}"));
        std::fs::remove_file(&batch).unwrap();
        let changes = kernel.changes().unwrap();
        assert!(changes.contains(&Change::Overrun), "{} notices heard, none lost", changes.len());
        let state = kernel.observe().unwrap();
        let ours = state.neighs.keys().filter(|k| k.dev.as_str() == "flannel.1" && k.ip.is_ipv4()).count();
        assert_eq!(ours, 10_000);
        assert!(!kernel.changes().unwrap().contains(&Change::Overrun));
    });
}

fn deeds() -> impl Strategy<Value = String> {
    let n = 2u8..5;
    prop_oneof![
        (n.clone(), n.clone())
            .prop_map(|(n, g)| format!("route replace 10.5.{n}.0/24 via 10.5.{g}.0 dev flannel.1 onlink")),
        (n.clone(), n.clone())
            .prop_map(|(n, g)| format!("route append 10.5.{n}.0/24 via 10.5.{g}.0 dev flannel.1 onlink")),
        n.clone().prop_map(|n| format!("route del 10.5.{n}.0/24")),
        (n.clone(), n.clone()).prop_map(|(n, i)| format!("route replace 10.5.{n}.0/24 nhid {i}")),
        n.clone().prop_map(|n| format!("-6 route replace fd00:5:0:{n}::/64 via fd01::{n}")),
        n.clone().prop_map(|n| format!("-6 route del fd00:5:0:{n}::/64")),
        (n.clone(), n.clone())
            .prop_map(|(n, i)| format!("nexthop replace id {i} via 10.5.{n}.0 dev flannel.1 onlink")),
        n.clone().prop_map(|i| format!("nexthop del id {i}")),
        (n.clone(), n.clone()).prop_map(|(n, m)| format!(
            "neigh replace 10.5.{n}.0 lladdr 02:00:00:00:00:0{m} dev flannel.1 nud permanent"
        )),
        n.clone().prop_map(|n| format!("neigh del 10.5.{n}.0 dev flannel.1")),
        Just("link set flannel.1 down".to_owned()),
        Just("link set flannel.1 up".to_owned()),
        n.clone().prop_map(|n| format!("link set flannel.1 address 02:00:00:00:01:0{n}")),
        Just("addr del 10.5.1.0/32 dev flannel.1".to_owned()),
        Just("addr add 10.5.1.0/32 dev flannel.1".to_owned()),
        Just("link add other0 type veth peer name other1".to_owned()),
        Just("link set other0 name other2".to_owned()),
        Just("link del other1".to_owned()),
        (n.clone(), n).prop_map(|(n, m)| format!(
            "fdb replace 02:00:00:00:00:0{m} dev flannel.1 dst 192.168.0.{n} self permanent"
        )),
        (2u8..5).prop_map(|m| format!("fdb del 02:00:00:00:00:0{m} dev flannel.1 self")),
        (2u8..5).prop_map(|n| format!(
            "fdb append 00:00:00:00:00:00 dev flannel.1 dst 192.168.0.{n} self permanent"
        )),
        (2u8..5).prop_map(|n| format!("fdb del 00:00:00:00:00:00 dev flannel.1 dst 192.168.0.{n} self")),
    ]
}

/// The agent's way: fold what is heard, read everything again where folding says so.
#[test]
fn what_is_heard_and_folded_equals_a_fresh_reading() {
    let config = Config { cases: 40, failure_persistence: None, rng_seed: fixed(6), ..Config::default() };
    let cases = proptest::collection::vec(deeds(), 1..25);
    let done = TestRunner::new(config).run(&cases, |deeds| {
        scratch(move || {
            tunnel();
            let mut kernel = LinuxKernel::open().unwrap();
            let mut other = LinuxKernel::open().unwrap();
            let mut state = kernel.observe().unwrap();
            for deed in &deeds {
                match deed.strip_prefix("fdb ") {
                    Some(_) => {
                        drop(std::process::Command::new("bridge").args(deed.split(' ')).output().unwrap())
                    }
                    None => drop(try_ip(deed)),
                }
                let changes = kernel.changes().unwrap();
                let mut again = false;
                for change in changes {
                    again |= matches!(state.fold(change), Folded::Everything | Folded::Device(_));
                }
                if again {
                    state = kernel.observe().unwrap();
                }
                let fresh = Replay::comparable(other.observe().unwrap());
                let folded = Replay::comparable(state.clone());
                prop_assert_eq!(&folded.routes, &fresh.routes, "after {}", deed);
                prop_assert_eq!(&folded.neighs, &fresh.neighs, "after {}", deed);
                prop_assert_eq!(&folded.fdb, &fresh.fdb, "after {}", deed);
                prop_assert_eq!(&folded.nexthops, &fresh.nexthops, "after {}", deed);
                prop_assert_eq!(&folded.links, &fresh.links, "after {}", deed);
                prop_assert_eq!(&folded.addrs, &fresh.addrs, "after {}", deed);
            }
            Ok(())
        })
    });
    if let Err(failed) = done {
        panic!("{failed}");
    }
}
