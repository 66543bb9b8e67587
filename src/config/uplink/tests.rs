use std::net::IpAddr;

use super::{UplinkError, choose};
use crate::config::{NetConf, RunArgs, Settings, Uplink};
use crate::net::IfName;
use crate::state::{
    Addr, AddrKey, Hop, Hops, Link, LinkKind, Nexthop, Route, RouteKey, RouteKind, State, proto, table,
};

const GOOD: u32 = Addr::PERMANENT;

fn dev(name: &str) -> IfName {
    name.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn link(state: &mut State, name: &str, addrs: &[(&str, u32)]) {
    let index = state.links.len() as u32 + 1;
    let kind = if name == "lo" { LinkKind::Loopback } else { LinkKind::Plain };
    let link = Link { index, mtu: 1500, up: true, lower_up: true, kind, ..Link::default() };
    state.links.insert(dev(name), link);
    for (net, flags) in addrs {
        let key = AddrKey { dev: dev(name), net: net.parse().unwrap() };
        state.put_addr(key, Addr { flags: *flags, ..Addr::default() });
    }
}

fn route(state: &mut State, dst: &str, metric: u32, hops: Hops) {
    let key = RouteKey { table: table::MAIN, dst: dst.parse().unwrap(), tos: 0, metric };
    let row = Route { kind: RouteKind::Unicast, proto: proto::BOOT, hops, ..Route::default() };
    state.routes.entry(key).or_default().push(row);
}

fn via(name: &str) -> Hop {
    Hop { dev: Some(dev(name)), ..Hop::default() }
}

/// The host of scenario group F: L, between a loopback and a second interface.
fn host() -> State {
    let mut state = State::default();
    link(&mut state, "lo", &[("127.0.0.1/8", GOOD), ("::1/128", GOOD)]);
    link(
        &mut state,
        "dummy0",
        &[
            ("1.10.100.1/24", GOOD),
            ("192.168.200.128/24", GOOD),
            ("172.16.30.18/24", GOOD),
            ("172.16.31.200/24", GOOD),
            ("172.16.32.100/24", GOOD),
            ("2001:db8::1/64", GOOD),
        ],
    );
    link(&mut state, "other0", &[("10.9.9.9/24", GOOD), ("2001:db8:9::9/64", GOOD)]);
    route(&mut state, "0.0.0.0/0", 100, Hops::One(via("other0")));
    state
}

/// `iface=…`, `regex=…`, `reach=…`, `ip=…`, `ip6=…` separated by blanks.
fn asked(words: &str) -> Settings {
    let mut s = Settings::from_layers(&RunArgs::default(), &|_| None, "a").unwrap();
    for (key, value) in words.split_whitespace().map(|w| w.split_once('=').unwrap()) {
        match key {
            "iface" => s.ifaces.push(value.to_owned()),
            "regex" => s.iface_regexes.push(value.to_owned()),
            "reach" => s.iface_can_reach = Some(value.to_owned()),
            "ip" => s.public_ip = Some(value.parse().unwrap()),
            "ip6" => s.public_ipv6 = Some(value.parse().unwrap()),
            other => panic!("{other}"),
        }
    }
    s
}

fn netconf(stack: &str) -> NetConf {
    let (v4, v6) = (stack != "v6", stack != "v4");
    NetConf::parse(&format!(
        r#"{{"EnableIPv4":{v4},"EnableIPv6":{v6},"Network":"10.244.0.0/16","IPv6Network":"fd00:10:244::/48",
            "Backend":{{"Type":"vxlan"}}}}"#
    ))
    .unwrap()
}

fn chosen(state: &State, stack: &str, words: &str) -> Result<(Uplink, Vec<String>), UplinkError> {
    let reach = |to: IpAddr| match to.to_string().as_str() {
        "172.16.32.254" => Some((dev("dummy0"), Some(ip("172.16.32.100")))),
        "2001:db8::ffff" => Some((dev("dummy0"), Some(ip("2001:db8::1")))),
        "10.9.9.1" => Some((dev("other0"), None)),
        _ => None,
    };
    let got = choose(state, &asked(words), &netconf(stack), &reach);
    if let Err(e) = &got {
        assert!(e.hint().is_some_and(|hint| !hint.is_empty()), "{words}");
    }
    got
}

/// Interface, own and advertised addresses on one line.
fn line(state: &State, stack: &str, words: &str) -> String {
    let (Uplink { dev, mtu: _, v4, v6, ext_v4, ext_v6 }, _) =
        chosen(state, stack, words).unwrap_or_else(|e| panic!("{stack} {words}: {e:?}"));
    let mut out = dev.to_string();
    for (own, ext) in
        [(v4.map(IpAddr::V4), ext_v4.map(IpAddr::V4)), (v6.map(IpAddr::V6), ext_v6.map(IpAddr::V6))]
    {
        match (own, ext) {
            (Some(own), Some(ext)) if own == ext => out.push_str(&format!(" {own}")),
            (Some(own), Some(ext)) => out.push_str(&format!(" {own}({ext})")),
            (None, None) => {}
            odd => panic!("{odd:?}"),
        }
    }
    out
}

fn refused(state: &State, stack: &str, words: &str) -> UplinkError {
    match chosen(state, stack, words) {
        Err(UplinkError::NothingMatched { mut tried, .. }) if tried.len() == 1 => tried.remove(0).1,
        Err(e) => e,
        Ok(got) => panic!("{stack} {words}: {got:?}"),
    }
}

#[test]
fn a_selector_finds_the_interface_and_the_address() {
    for (stack, words, want) in [
        ("v4", r"regex=192\.168\.200\.\d+", "dummy0 192.168.200.128"),
        ("v4", "regex=dum.*", "dummy0 1.10.100.1"),
        ("v4", "iface=dummy0", "dummy0 1.10.100.1"),
        ("v4", "iface=172.16.30.18", "dummy0 172.16.30.18"),
        ("dual", "iface=172.16.30.18", "dummy0 172.16.30.18 2001:db8::1"),
        ("v4", r"regex=172\.16\.30\.\d+ ip=172.16.31.200", "dummy0 172.16.30.18(172.16.31.200)"),
        ("v4", "reach=172.16.32.254", "dummy0 172.16.32.100"),
        // The other family's literal, NAT addresses, and both given.
        ("v6", "iface=2001:db8::1", "dummy0 2001:db8::1"),
        ("dual", "iface=2001:db8::1", "dummy0 1.10.100.1 2001:db8::1"),
        ("dual", "iface=2001:db8::1 ip=172.16.31.200", "dummy0 172.16.31.200 2001:db8::1"),
        ("dual", "iface=172.16.30.18 ip6=2001:db8::1", "dummy0 172.16.30.18 2001:db8::1"),
        (
            "dual",
            "iface=172.16.30.18 ip6=2001:db8:ffff::1",
            "dummy0 172.16.30.18 2001:db8::1(2001:db8:ffff::1)",
        ),
        ("v4", "iface=dummy0 ip=8.8.4.4", "dummy0 1.10.100.1(8.8.4.4)"),
        ("v6", "iface=dummy0", "dummy0 2001:db8::1"),
        ("dual", "iface=dummy0", "dummy0 1.10.100.1 2001:db8::1"),
        // Regular expressions by family.
        ("v6", "regex=2001:db8", "dummy0 2001:db8::1"),
        ("v6", "regex=^2001:db8:9", "other0 2001:db8:9::9"),
        ("dual", "regex=1", "dummy0 1.10.100.1 2001:db8::1"),
        ("dual", r"regex=^(172\.16\.31\.200|2001:db8::1)$", "dummy0 172.16.31.200 2001:db8::1"),
        // Reaching with and without a preferred source.
        ("v4", "reach=10.9.9.1", "other0 10.9.9.9"),
        ("v6", "reach=2001:db8::ffff", "dummy0 2001:db8::1"),
        ("dual", "reach=2001:db8::ffff", "dummy0 1.10.100.1 2001:db8::1"),
        ("v4", "reach=2001:db8::ffff", "dummy0 1.10.100.1"),
        // In order: every iface, every regex, can-reach; the first success counts.
        ("v4", "iface=nope iface=other0 regex=dummy", "other0 10.9.9.9"),
        ("v4", "regex=dummy iface=other0", "other0 10.9.9.9"),
        ("v4", "regex=nope regex=other reach=172.16.32.254", "other0 10.9.9.9"),
        ("v4", "reach=172.16.32.254 iface=nope", "dummy0 172.16.32.100"),
        // Nothing given: a public address that is on the host, else the default route.
        ("v4", "ip=172.16.31.200", "dummy0 172.16.31.200"),
        ("dual", "ip=172.16.31.200 ip6=2001:db8::1", "dummy0 172.16.31.200 2001:db8::1"),
        ("dual", "ip6=2001:db8::1", "dummy0 1.10.100.1 2001:db8::1"),
        ("v6", "ip=9.9.9.9 ip6=2001:db8::1", "dummy0 2001:db8::1"),
        ("v4", "", "other0 10.9.9.9"),
        ("v4", "ip6=2001:db8::1", "other0 10.9.9.9"),
    ] {
        assert_eq!(line(&host(), stack, words), want, "{stack} {words}");
    }
}

#[test]
fn what_cannot_be_chosen_says_what_there_is() {
    let v4 = "lo:[], dummy0:[1.10.100.1, 192.168.200.128, 172.16.30.18, 172.16.31.200, 172.16.32.100], \
              other0:[10.9.9.9]";
    let v6 = "lo:[], dummy0:[2001:db8::1], other0:[2001:db8:9::9]";
    for (stack, words, want) in [
        ("v4", "iface=eth9", format!("no interface eth9 (there are {v4})")),
        (
            "v6",
            "iface=a-name-that-is-too-long",
            format!("no interface a-name-that-is-too-long (there are {v6})"),
        ),
        ("v4", "iface=9.9.9.9", format!("no interface has the address 9.9.9.9 (there are {v4})")),
        ("v4", "ip=9.9.9.9", format!("no interface has the address 9.9.9.9 (there are {v4})")),
        (
            "v4",
            "regex=^nope$",
            format!("could not match pattern ^nope$ to any of the available network interfaces ({v4})"),
        ),
        ("v4", "regex=a[", "could not compile the IP address regex 'a['".to_owned()),
        (
            "v4",
            "iface=2001:db8::1",
            "2001:db8::1 cannot select an interface: the network has IPv4 only".to_owned(),
        ),
        ("v6", "iface=10.9.9.9", "10.9.9.9 cannot select an interface: the network has IPv6 only".to_owned()),
        (
            "dual",
            "iface=172.16.30.18 ip6=2001:db8:9::9",
            "v6 interface other0 must be the same with v4 interface dummy0".to_owned(),
        ),
        (
            "dual",
            "ip=10.9.9.9 ip6=2001:db8::1",
            "v6 interface dummy0 must be the same with v4 interface other0".to_owned(),
        ),
        ("v4", "reach=203.0.113.1", "no route to 203.0.113.1".to_owned()),
        ("v4", "reach=there", "there is not an IP address".to_owned()),
        ("v4", "iface=lo", "failed to find IPv4 address for interface lo".to_owned()),
        ("v6", "iface=lo", "failed to find IPv6 address for interface lo".to_owned()),
        ("v6", "", "failed to get default v6 interface: unable to find default v6 route".to_owned()),
    ] {
        assert_eq!(refused(&host(), stack, words).to_string(), want, "{stack} {words}");
    }
    let all = chosen(&host(), "v4", "iface=eth9 regex=nope").unwrap_err();
    assert_eq!(
        all.to_string(),
        "Failed to find interface to use that matches the interfaces and/or regexes provided"
    );
    assert_eq!(all.hint().unwrap(), format!("choose among {v4}"));

    let mut state = host();
    state.links.get_mut(&dev("dummy0")).unwrap().mtu = 0;
    assert_eq!(refused(&state, "v4", "iface=dummy0").to_string(), "failed to determine MTU for dummy0");
}

#[test]
fn a_pattern_never_pairs_addresses_of_two_interfaces() {
    let mut state = State::default();
    link(&mut state, "eth0", &[("10.0.0.1/24", GOOD)]);
    link(&mut state, "eth1", &[("192.168.0.1/24", GOOD), ("fd00::1/64", GOOD)]);
    // eth0's IPv4 address matches, its IPv6 does not exist; eth1 matches by name only.
    assert_eq!(line(&state, "dual", r"regex=^(10\.0\.0\.1|eth1)$"), "eth1 192.168.0.1 fd00::1");
    assert_eq!(
        line(&state, "dual", r"regex=^(10\.0\.0\.1|192\.168\.0\.1|fd00::1)$"),
        "eth1 192.168.0.1 fd00::1"
    );
}

#[test]
fn the_overlays_own_device_is_never_its_uplink() {
    let mut state = State::default();
    link(&mut state, "flannel.1", &[("10.244.1.0/32", GOOD)]);
    link(&mut state, "eth0", &[("10.0.0.1/24", GOOD)]);
    link(&mut state, "flannel.7", &[("10.7.0.1/24", GOOD)]);
    assert_eq!(line(&state, "v4", r"regex=^10\."), "eth0 10.0.0.1");
    assert_eq!(line(&state, "v4", "iface=flannel.7"), "flannel.7 10.7.0.1");
    for words in ["iface=flannel.1", "iface=10.244.1.0"] {
        let e = refused(&state, "v4", words).to_string();
        assert_eq!(e, "flannel.1 is the overlay's own device", "{words}");
    }
}

#[test]
fn the_best_address_of_an_interface_is_taken() {
    let (dynamic, temporary, deprecated) = (0, GOOD | Addr::TEMPORARY, GOOD | Addr::DEPRECATED);
    for (stack, addrs, want) in [
        ("v4", &[("169.254.0.1/16", GOOD), ("192.0.2.1/24", 0)][..], "e0 192.0.2.1"),
        ("v4", &[("10.0.0.1/24", dynamic), ("10.0.0.2/24", GOOD)], "e0 10.0.0.2"),
        ("v4", &[("10.0.0.1/24", temporary), ("10.0.0.2/24", GOOD)], "e0 10.0.0.2"),
        ("v4", &[("10.0.0.1/24", temporary), ("10.0.0.2/24", dynamic)], "e0 10.0.0.1"),
        ("v4", &[("10.0.0.1/24", deprecated), ("10.0.0.2/24", dynamic)], "e0 10.0.0.2"),
        ("v4", &[("169.254.0.1/16", GOOD)], "e0 169.254.0.1"),
        ("v6", &[("fe80::1/64", GOOD), ("fd00::1/64", dynamic)], "e0 fd00::1"),
        ("v6", &[("fd00::1/64", temporary & !GOOD), ("fd00::2/64", dynamic)], "e0 fd00::2"),
        ("v6", &[("fd00::1/64", deprecated), ("fe80::1/64", GOOD)], "e0 fe80::1"),
    ] {
        let mut state = State::default();
        link(&mut state, "e0", addrs);
        assert_eq!(line(&state, stack, "iface=e0"), want, "{addrs:?}");
    }
    let mut state = State::default();
    link(&mut state, "e0", &[("10.0.0.1/24", deprecated), ("224.0.0.5/32", GOOD)]);
    assert!(matches!(refused(&state, "v4", "iface=e0"), UplinkError::NoAddress { family: "IPv4", .. }));
    // Named outright, a deprecated address is good enough.
    assert_eq!(line(&state, "v4", "iface=10.0.0.1"), "e0 10.0.0.1");
}

#[test]
fn the_default_route_of_the_lowest_metric_counts() {
    let base = || {
        let mut state = State::default();
        for (i, name) in ["e0", "e1", "e2"].iter().enumerate() {
            let nets = (format!("10.0.{i}.1/24"), format!("fd00:{i}::1/64"));
            link(&mut state, name, &[(&nets.0, GOOD), (&nets.1, GOOD)]);
        }
        state
    };
    let dead = |name| Hop { dead: true, ..via(name) };
    let bare = Hop { via: Some(ip("10.0.0.254")), ..Hop::default() };
    let one = |name| Hops::One(via(name));
    let rows = [
        ("metric", vec![(200, one("e0")), (100, one("e1"))], "e1 10.0.1.1"),
        ("dead", vec![(0, Hops::One(dead("e0"))), (600, one("e2"))], "e2 10.0.2.1"),
        ("only dead", vec![(0, Hops::One(dead("e0")))], "e0 10.0.0.1"),
        ("multipath", vec![(0, Hops::Multi(vec![(bare, 1), (via("e1"), 1), (via("e2"), 9)]))], "e1 10.0.1.1"),
        ("dead leg", vec![(0, Hops::Multi(vec![(dead("e1"), 1), (via("e2"), 1)]))], "e2 10.0.2.1"),
        ("object", vec![(0, Hops::Object(7))], "e1 10.0.1.1"),
        ("group", vec![(0, Hops::Object(8))], "e1 10.0.1.1"),
        ("no object", vec![(0, Hops::Object(9)), (5, one("e0"))], "e0 10.0.0.1"),
        ("blackhole", vec![(0, Hops::None), (5, one("e0"))], "e0 10.0.0.1"),
        ("twins", vec![(5, Hops::One(dead("e0"))), (5, one("e1"))], "e1 10.0.1.1"),
    ];
    for (what, routes, want) in rows {
        let mut state = base();
        let plain =
            Nexthop { proto: proto::STATIC, hop: via("e1"), blackhole: false, group: vec![], fdb: false };
        state.nexthops.insert(8, Nexthop { hop: Hop::default(), group: vec![(7, 1)], ..plain.clone() });
        state.nexthops.insert(7, plain);
        for (metric, hops) in routes {
            route(&mut state, "0.0.0.0/0", metric, hops);
        }
        assert_eq!(line(&state, "v4", ""), want, "{what}");
    }
    let mut state = base();
    assert!(matches!(refused(&state, "v4", ""), UplinkError::NoDefault { family: "" }));
    route(&mut state, "0.0.0.0/0", 0, Hops::One(bare));
    let e = refused(&state, "v4", "").to_string();
    assert_eq!(e, "failed to get default interface: found default route but could not determine interface");

    let mut state = base();
    route(&mut state, "0.0.0.0/0", 0, one("e0"));
    route(&mut state, "::/0", 1024, one("e0"));
    route(&mut state, "::/0", 2048, one("e1"));
    assert_eq!(line(&state, "dual", ""), "e0 10.0.0.1 fd00::1");
    route(&mut state, "::/0", 512, one("e1"));
    let e = refused(&state, "dual", "").to_string();
    assert_eq!(e, "v6 default route interface e1 must be the same with v4 default route interface e0");
    assert_eq!(line(&state, "v6", ""), "e1 fd00:1::1");
}

#[test]
fn the_log_reads_as_flannels() {
    for (stack, words, want) in [
        (
            "v4",
            "",
            &[
                "Determining IP address of default interface",
                "Using interface with name other0 and address 10.9.9.9",
                "Defaulting external address to interface address (10.9.9.9)",
            ][..],
        ),
        (
            "dual",
            "iface=dummy0 ip=8.8.4.4",
            &[
                "Searching for interface using dummy0",
                "Using interface with name dummy0 and address 1.10.100.1",
                "Using interface with name dummy0 and v6 address 2001:db8::1",
                "Using 8.8.4.4 as external address",
                "Defaulting external v6 address to interface address (2001:db8::1)",
            ],
        ),
        (
            "v6",
            "regex=nope reach=2001:db8::ffff ip6=2001:db8:ffff::1",
            &[
                "Searching for interface using nope",
                "Could not find valid interface matching nope: could not match pattern nope to any of the available \
                 network interfaces (lo:[], dummy0:[2001:db8::1], other0:[2001:db8:9::9])",
                "Determining interface to use based on given ifcanreach: 2001:db8::ffff",
                "Using interface with name dummy0 and v6 address 2001:db8::1",
                "Using 2001:db8:ffff::1 as external address",
            ],
        ),
        (
            "v4",
            "reach=9.9.9.9 iface=lo iface=other0",
            &[
                "Searching for interface using lo",
                "Could not find valid interface matching lo: failed to find IPv4 address for interface lo",
                "Searching for interface using other0",
                "Using interface with name other0 and address 10.9.9.9",
                "Defaulting external address to interface address (10.9.9.9)",
            ],
        ),
    ] {
        assert_eq!(chosen(&host(), stack, words).unwrap().1, want, "{stack} {words}");
    }
}
