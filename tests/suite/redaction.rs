//! A redacted snapshot gives the verdicts of the original and shows nothing of it: held on what labs leave behind, on
//! every fault of the catalogue, and on snapshots that proptest makes up.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Output};

use flanctl::doctor::examine;
use flanctl::firewall::iptables::parse;
use flanctl::firewall::{Owner, Ruleset};
use flanctl::lab::faults;
use flanctl::snapshot::Snapshot;
use flanctl::snapshot::redact::{Key, Map, Redacted, redact};
use flanctl::state::{Hop, Hops, Route, RouteKey, RouteKind, Rule};
use flanctl::trace::{Query, trace};
use ipnet::{IpNet, Ipv4Net};
use proptest::prelude::*;

use super::snapshots::read;

const FLANCTL: &str = env!("CARGO_BIN_EXE_flanctl");

/// What a trace comes to: verdict, codes, and stage by stage how it stands.
fn traced(node: &Snapshot, query: &Query) -> (String, Vec<&'static str>, Vec<String>) {
    let path = trace(node, query);
    let mut codes: Vec<&str> = path.findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    let steps = path.steps.iter().map(|step| format!("{} {:?}", step.id, step.mark));
    (path.verdict.word().to_owned(), codes, steps.collect())
}

/// What an examination comes to: the codes, and check by check the answer.
fn examined(node: &Snapshot) -> (Vec<&'static str>, Vec<String>) {
    let report = examine(node, &[]);
    let mut codes: Vec<&str> = report.findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    (codes, report.answers.iter().map(|answer| format!("{} {:?}", answer.id, answer.answer)).collect())
}

/// Packets that a node may be asked about: to every lease, to itself, to the world, from here and from its pods.
fn questions(node: &Snapshot) -> Vec<Query> {
    let inside = |net: IpNet| match net {
        IpNet::V4(net) => IpAddr::V4((u32::from(net.network()) + 2).into()),
        IpNet::V6(net) => IpAddr::V6((u128::from(net.network()) + 2).into()),
    };
    let leased = node.leases.iter().flatten().flat_map(|lease| lease.subnet.nets().collect::<Vec<_>>());
    let own = node.own.iter().flat_map(|own| own.nets().collect::<Vec<_>>()).map(inside);
    let held = node.state.addrs.keys().map(|key| key.net.addr());
    let public = node.leases.iter().flatten().filter_map(|lease| lease.attrs.public());
    let world = ["8.8.8.8", "192.0.2.1", "10.96.0.1", "2001:db8::1"].map(|ip| ip.parse().unwrap());
    let to: BTreeSet<IpAddr> = leased.map(inside).chain(held).chain(public).chain(world).collect();
    let from: Vec<Option<IpAddr>> = own.map(Some).chain([None]).collect();
    let pairs = to.iter().flat_map(|dst| from.iter().map(|src| (*dst, *src)));
    let kin = |(dst, src): &(IpAddr, Option<IpAddr>)| src.is_none_or(|src| src.is_ipv4() == dst.is_ipv4());
    let plain = pairs.filter(kin).map(|(dst, from)| Query { from, ..Query::to(dst) });
    let from_pods = node
        .pods
        .iter()
        .flat_map(|pod| to.iter().map(|dst| Query { pod: Some(pod.name.clone()), ..Query::to(*dst) }));
    plain.chain(from_pods).collect()
}

fn mapped(query: &Query, map: &Map) -> Query {
    let pod = query.pod.as_ref().map(|name| map.pairs.get(name).unwrap_or(name).clone());
    Query { dst: map.ip(query.dst), from: query.from.map(|ip| map.ip(ip)), pod, ..query.clone() }
}

/// Every word of the original that is still to be read.
fn left(text: &str, map: &Map) -> Vec<String> {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '.' | ':' | '_' | '-');
    let bounded = |old: &str, at: usize| {
        let before = text[..at].chars().next_back().is_some_and(part);
        // A full stop or a colon ends a word, too, if nothing follows.
        let after: String = text[at + old.len()..].chars().take(2).collect();
        let mut after = after.chars();
        let goes_on = match after.next() {
            Some('.' | ':') => after.next().is_some_and(|c| c.is_alphanumeric()),
            next => next.is_some_and(part),
        };
        !before && !goes_on
    };
    let olds =
        map.pairs.keys().filter(|old| text.match_indices(old.as_str()).any(|(at, _)| bounded(old, at)));
    olds.cloned().collect()
}

/// A key under which no original stands for another.
fn sound(node: &Snapshot, mut seed: u8) -> Redacted {
    loop {
        let done = redact(node.clone(), Key::new([seed; 16]), None);
        if !done.map.leaks() {
            return done;
        }
        seed = seed.wrapping_add(1);
    }
}

/// What differs between a node and its redaction, or is left of it.
fn differences(name: &str, node: &Snapshot, seed: u8) -> Vec<String> {
    let Redacted { snapshot, map } = sound(node, seed);
    let mut wrong = Vec::new();
    for query in questions(node) {
        let (before, after) = (traced(node, &query), traced(&snapshot, &mapped(&query, &map)));
        if before != after {
            wrong.push(format!("{name}: {query:?}\n  {before:?}\n  {after:?}"));
        }
    }
    let (before, after) = (examined(node), examined(&snapshot));
    if before != after {
        wrong.push(format!("{name}: doctor\n  {before:?}\n  {after:?}"));
    }
    let text = snapshot.encode().unwrap();
    wrong.extend(left(&text, &map).into_iter().map(|old| format!("{name}: {old} is left")));
    if Snapshot::decode(text.as_bytes()).unwrap() != snapshot {
        wrong.push(format!("{name}: is not read back as it was written"));
    }
    wrong
}

#[test]
fn what_labs_left_behind_says_the_same_redacted_and_shows_nothing() {
    let mut wrong = Vec::new();
    for file in ["snapshots/v1.json", "readers/healthy.json", "readers/drift.json", "readers/38-nodes.json"] {
        let node = read(file);
        assert!(questions(&node).len() > 4, "{file}");
        wrong.extend((0..4).flat_map(|seed| differences(file, &node, seed * 16)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_kept_from_the_eye_by_leaving_it_out_of_the_map() {
    let node = read("snapshots/v1.json");
    let Redacted { snapshot, map } = sound(&node, 1);
    let text = snapshot.encode().unwrap();
    let own: Vec<String> = node
        .leases
        .iter()
        .flatten()
        .flat_map(|lease| lease.subnet.nets().map(|net| net.to_string()).collect::<Vec<_>>())
        .chain(node.leases.iter().flatten().filter_map(|lease| Some(lease.attrs.public()?.to_string())))
        .chain(node.leases.iter().flatten().filter_map(|lease| Some(lease.attrs.node.clone()?.to_string())))
        .chain(
            node.state
                .links
                .values()
                .filter_map(|link| link.mac)
                .filter(|mac| !mac.is_zero())
                .map(|mac| mac.to_string()),
        )
        .chain(node.pods.iter().map(|pod| pod.name.clone()))
        .chain([node.host.clone()])
        .collect();
    assert!(own.len() > 10);
    for old in own {
        assert!(map.pairs.contains_key(&old), "{old} is not in the map");
        assert!(!text.contains(&format!("\"{old}\"")), "{old} is left");
    }
}

/// A lab of one test, gone when the test ends.
struct Lab(&'static str);

impl Lab {
    fn says(&self, words: &[&str]) -> Output {
        Command::new(FLANCTL).arg("lab").args(words).args(["--name", self.0]).output().unwrap()
    }

    fn snapshot(&self, node: &str) -> Snapshot {
        let output = Command::new(FLANCTL)
            .args(["snapshot", "--netns", &format!("{}-{node}", self.0)])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Snapshot::decode(&output.stdout).unwrap()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.says(&["down"]);
    }
}

#[test]
fn every_fault_of_the_lab_is_found_in_the_redacted_snapshot_too() {
    let lab = Lab("t-redact");
    let up = lab.says(&["up", "--nodes", "3", "--ipv6"]);
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    let mut wrong = differences("healthy", &lab.snapshot("node1"), 5);
    for (seed, fault) in (0..).zip(faults::all()) {
        let node = fault.default_node();
        assert!(lab.says(&["break", fault.id]).status.success(), "{}", fault.id);
        wrong.extend(differences(fault.id, &lab.snapshot(node), seed));
        lab.says(&["heal"]);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Addresses near those of the lab, and others.
fn address() -> impl Strategy<Value = Ipv4Addr> {
    prop_oneof![
        (prop::sample::select(vec![54u8, 178, 252, 179]), any::<u8>())
            .prop_map(|(net, host)| Ipv4Addr::new(10, 244, net, host)),
        (8u8..16).prop_map(|host| Ipv4Addr::new(192, 168, 50, host)),
        any::<u32>().prop_map(Ipv4Addr::from),
    ]
}

fn net() -> impl Strategy<Value = Ipv4Net> {
    (address(), 0u8..=32).prop_map(|(ip, len)| Ipv4Net::new(ip, len).unwrap().trunc())
}

fn dev() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["eth0", "flannel.1", "cni0", "lo"])
}

/// A route anywhere, often where one of the lab's stands.
fn route() -> impl Strategy<Value = (RouteKey, Route)> {
    let kind = prop::sample::select(vec![
        RouteKind::Unicast,
        RouteKind::Unicast,
        RouteKind::Unicast,
        RouteKind::Blackhole,
        RouteKind::Unreachable,
        RouteKind::Throw,
    ]);
    let table = prop::sample::select(vec![254u32, 254, 254, 255, 100]);
    (net(), kind, table, address(), dev(), any::<bool>(), 0u32..3).prop_map(
        |(dst, kind, table, via, dev, gateway, metric)| {
            let via = gateway.then_some(IpAddr::V4(via));
            let hop = Hop { via, dev: dev.parse().ok(), onlink: true, ..Hop::default() };
            let hops = if kind == RouteKind::Unicast { Hops::One(hop) } else { Hops::None };
            (RouteKey { table, dst: dst.into(), tos: 0, metric }, Route { kind, hops, ..Route::default() })
        },
    )
}

/// A policy rule before those that every host has.
fn policy() -> impl Strategy<Value = Rule> {
    let maybe = || prop::option::of(net().prop_map(IpNet::V4));
    (1u32..100, maybe(), maybe(), prop::option::of(dev()), any::<bool>()).prop_map(
        |(priority, from, to, iif, not)| Rule {
            priority,
            from,
            to,
            not,
            iif: iif.map(str::to_owned),
            action: 1,
            table: 100,
            ..Rule::default()
        },
    )
}

/// A line of iptables-save.
fn line() -> impl Strategy<Value = String> {
    let hook = prop::sample::select(vec!["FORWARD", "FORWARD", "OUTPUT", "INPUT"]);
    let not = || prop::sample::select(vec!["", "! "]);
    let range = || (address(), address()).prop_map(|(a, b)| (a.min(b), a.max(b)));
    let what = prop_oneof![
        (not(), net()).prop_map(|(not, net)| format!("{not}-s {net}")),
        (not(), net()).prop_map(|(not, net)| format!("{not}-d {net}")),
        (not(), range()).prop_map(|(not, (a, b))| format!("-m iprange {not}--src-range {a}-{b}")),
        (not(), range()).prop_map(|(not, (a, b))| format!("-m iprange {not}--dst-range {a}-{b}")),
        (address(), prop::sample::select(vec!["255.255.0.0", "255.255.255.0", "0.0.0.255", "255.0.0.0"]))
            .prop_map(|(ip, mask)| {
                let masked = u32::from(ip) & u32::from(mask.parse::<Ipv4Addr>().unwrap());
                format!("-d {}/{mask}", Ipv4Addr::from(masked))
            }),
        dev().prop_map(|dev| format!("-o {dev}")),
        prop::sample::select(vec!["veth+", "eth+", "v+", "e+", "flannel+"])
            .prop_map(|head| format!("-i {head}")),
    ];
    let target =
        prop::sample::select(vec!["DROP", "ACCEPT", "REJECT --reject-with icmp-port-unreachable", "RETURN"]);
    (hook, prop::collection::vec(what, 1..3), target).prop_map(|(hook, what, target)| {
        format!("-A {hook} {} -m comment --comment \"10.244.178.2 of acme\" -j {target}\n", what.join(" "))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_tables_and_rules_a_node_has_its_verdicts_survive(
        routes in prop::collection::vec(route(), 0..6),
        rules in prop::collection::vec(policy(), 0..3),
        lines in prop::collection::vec(line(), 0..6),
        lost in prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        more in prop::collection::vec(address(), 1..6),
        key: [u8; 16],
    ) {
        let mut node = read("snapshots/v1.json");
        let state = &mut node.state;
        for (at, (key, route)) in lost.iter().zip(&routes) {
            let place = *state.routes.keys().nth(at.index(state.routes.len())).unwrap();
            state.routes.remove(&place);
            state.routes.insert(*key, vec![route.clone()]);
        }
        state.routes.extend(routes.into_iter().map(|(key, route)| (key, vec![route])));
        for rule in rules {
            state.rules.insert(1, rule);
        }
        let text = format!("*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{}COMMIT\n", lines.concat());
        state.firewall = Some(Ruleset { tables: parse(&text, "ip", Owner::IptablesNft), unseen: Vec::new() });
        let Redacted { snapshot, map } = redact(node.clone(), Key::new(key), None);
        let from: IpAddr = "10.244.54.2".parse().unwrap();
        for dst in more.into_iter().map(IpAddr::V4).chain(["10.244.178.2".parse().unwrap(), "10.244.252.2".parse().unwrap()]) {
            for query in [Query::to(dst), Query { from: Some(from), ..Query::to(dst) }] {
                prop_assert_eq!(traced(&node, &query), traced(&snapshot, &mapped(&query, &map)), "{:?}\n{}", query, lines.concat());
            }
        }
        prop_assert_eq!(examined(&node), examined(&snapshot));
        prop_assert!(!snapshot.encode().unwrap().contains("acme"));
    }
}
