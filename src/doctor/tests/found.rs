//! One thing is wrong: the check that asks for it finds it, and nothing wrong is said beside it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::far;
use super::node::{
    RULES, answer, by, codes, dev, examined, firewall, give, ip, lease, mac, main_route, net, now, public,
};
use crate::doctor::{CHECKS, Word};
use crate::lease::{Expiry, VxlanData};
use crate::net::Mac;
use crate::snapshot::Snapshot;
use crate::state::{FdbKey, Link, LinkKind, NeighKey, Route, RouteKind, Rule, Vxlan, nud};

/// What is done to a node and its peer, the check that asks for it, and the codes that come of it.
pub(super) type Case = (&'static str, fn(&mut Snapshot, &mut Snapshot), &'static [&'static str]);

pub(super) fn link<'a>(node: &'a mut Snapshot, name: &str) -> &'a mut Link {
    node.state.links.get_mut(&dev(name)).unwrap()
}

pub(super) fn vxlan(node: &mut Snapshot) -> &mut Vxlan {
    match &mut link(node, "flannel.1").kind {
        LinkKind::Vxlan(vxlan) => vxlan,
        _ => panic!("a tunnel"),
    }
}

pub(super) fn fact(node: &mut Snapshot, key: &str, value: &str) {
    node.state.facts.insert(key.to_owned(), value.to_owned());
}

pub(super) fn filter(node: &mut Snapshot, rule: &str) {
    node.state.firewall = Some(firewall(
        &RULES
            .replace("COMMIT\n*filter", "COMMIT\n*filter")
            .replace(":OUTPUT ACCEPT [0:0]\nCOMMIT", &format!(":OUTPUT ACCEPT [0:0]\n{rule}\nCOMMIT")),
    ));
}

pub(super) fn neigh(n: u8) -> NeighKey {
    NeighKey { dev: dev("flannel.1"), ip: ip(&format!("10.244.{n}.0")) }
}

fn fdb(n: u8) -> FdbKey {
    FdbKey { dev: dev("flannel.1"), mac: mac(0x0b, n), vlan: 0, master: false }
}

fn leased(node: &mut Snapshot, n: u8) -> &mut crate::lease::Lease {
    let subnet = lease(n).subnet;
    node.leases.iter_mut().flatten().find(|lease| lease.subnet == subnet).unwrap()
}

const CASES: &[Case] = &[
    ("uplink.up", |near, _| link(near, "eth0").lower_up = false, &["outer.down"]),
    ("uplink.up", |near, _| link(near, "eth0").up = false, &["outer.down"]),
    (
        "kernel.modules",
        |near, _| {
            near.state.links.remove(&dev("flannel.1"));
            fact(near, "module:vxlan", "absent");
        },
        &["module.missing", "vtep.missing"],
    ),
    ("device.there", |near, _| drop(near.state.links.remove(&dev("flannel.1"))), &["vtep.missing"]),
    ("device.up", |near, _| link(near, "flannel.1").up = false, &["vtep.down"]),
    ("device.attributes", |near, _| vxlan(near).vni = 77, &["remote.vni", "vtep.vni"]),
    ("device.attributes", |near, _| vxlan(near).gbp = true, &["vtep.gbp"]),
    ("device.local", |near, _| vxlan(near).local = Some(ip("192.168.50.99")), &["vtep.local"]),
    ("device.mac", |near, _| link(near, "flannel.1").mac = Some(mac(0x0b, 9)), &["vtep.mac"]),
    (
        "device.addresses",
        |near, _| {
            near.state.addrs.retain(|key, _| key.dev != dev("flannel.1"));
        },
        &["vtep.addr"],
    ),
    (
        "device.addresses",
        |near, _| give(&mut near.state, "flannel.1", "169.254.7.7/16"),
        &["vtep.foreign_addr"],
    ),
    ("device.learning", |near, _| vxlan(near).learning = true, &["fdb.learned"]),
    ("device.socket", |near, _| fact(near, "socket:udp:8472", "pid 7 nginx"), &["vtep.socket"]),
    (
        "device.rivals",
        |near, _| {
            let rival = link(near, "flannel.1").clone();
            near.state.links.insert(dev("vxlan.calico"), rival);
        },
        &["vtep.rival"],
    ),
    (
        "lease.own",
        |near, _| near.leases.as_mut().unwrap().retain(|l| l.subnet != lease(1).subnet),
        &["lease.lost"],
    ),
    (
        "lease.dup",
        |near, _| {
            leased(near, 3).attrs.public_ip = lease(2).attrs.public_ip;
            near.state.fdb.get_mut(&fdb(3)).unwrap().dst = Some(public(2));
        },
        &["lease.dup"],
    ),
    (
        "lease.honoured",
        |near, _| {
            leased(near, 3).attrs.backend_data =
                Some(VxlanData { vni: 2, mac: mac(0x0b, 3) }.to_json().into());
            for table in [main_route("10.244.3.0/24")] {
                near.state.routes.remove(&table);
            }
            near.state.neighs.remove(&neigh(3));
            near.state.fdb.remove(&fdb(3));
        },
        &["lease.refused"],
    ),
    (
        "lease.expiry",
        |near, _| leased(near, 2).expires = Expiry::At(now() + Duration::from_secs(100)),
        &["lease.expired"],
    ),
    ("store.answers", |near, _| fact(near, "store:silent", "no answer within 2 s"), &["store.silent"]),
    (
        "tables.missing",
        |near, _| drop(near.state.routes.remove(&main_route("10.244.2.0/24"))),
        &["route.missing"],
    ),
    (
        "tables.missing",
        |near, _| {
            near.state.neighs.remove(&neigh(2));
        },
        &["neigh.missing"],
    ),
    ("tables.missing", |near, _| drop(near.state.fdb.remove(&fdb(2))), &["fdb.missing"]),
    (
        "tables.missing",
        |near, _| {
            near.state.neighs.remove(&neigh(2));
            near.state.fdb.remove(&fdb(2));
        },
        &["peer.missing"],
    ),
    (
        "route.leads",
        |near, _| {
            near.state.routes.insert(main_route("10.244.2.0/24"), vec![by("eth0", Some("192.168.50.1"))]);
        },
        &["route.wrong"],
    ),
    (
        "route.detours",
        |near, _| {
            near.state.routes.insert(main_route("10.244.2.0/25"), vec![by("eth0", None)]);
        },
        &["route.shadowed"],
    ),
    (
        "route.detours",
        |near, _| {
            let hole = Route { kind: RouteKind::Blackhole, ..Route::default() };
            near.state.routes.insert(main_route("10.244.2.8/32"), vec![hole]);
        },
        &["route.blackhole"],
    ),
    ("route.local", |near, _| give(&mut near.state, "lo", "10.244.2.8/32"), &["route.local"]),
    (
        "rule.detours",
        |near, _| {
            let to = Some(net("10.244.2.0/24"));
            near.state.rules.insert(1, Rule { priority: 100, to, action: 8, ..Rule::default() });
        },
        &["rule.prohibits"],
    ),
    (
        "neigh.right",
        |near, _| near.state.neighs.get_mut(&neigh(2)).unwrap().mac = Some(mac(0x0b, 9)),
        &["neigh.wrong"],
    ),
    (
        "neigh.right",
        |near, _| near.state.neighs.get_mut(&neigh(2)).unwrap().state = nud::STALE,
        &["neigh.notpermanent"],
    ),
    (
        "fdb.right",
        |near, _| near.state.fdb.get_mut(&fdb(2)).unwrap().dst = Some(ip("192.168.50.99")),
        &["fdb.wrong"],
    ),
    (
        "tables.leftovers",
        |near, _| {
            let lost = near.state.neighs.get(&neigh(2)).copied().unwrap();
            near.state.neighs.insert(neigh(254), lost);
        },
        &["neigh.stale"],
    ),
    (
        "outer.routes",
        |near, _| {
            near.state.routes.remove(&main_route("0.0.0.0/0"));
            near.state.routes.remove(&main_route("192.168.50.0/24"));
        },
        &["outer.noroute"],
    ),
    (
        "outer.neighbours",
        |near, _| {
            let key = NeighKey { dev: dev("eth0"), ip: public(2) };
            let entry = near.state.neighs.get_mut(&key).unwrap();
            (entry.mac, entry.state) = (None, nud::FAILED);
        },
        &["outer.neigh"],
    ),
    (
        "outer.neighbours",
        |near, _| {
            let key = NeighKey { dev: dev("eth0"), ip: public(2) };
            let entry = near.state.neighs.get_mut(&key).unwrap();
            (entry.mac, entry.state) = (Some(Mac([2; 6])), nud::PERMANENT);
        },
        &["outer.neigh"],
    ),
    ("mtu.outer", |near, _| link(near, "eth0").mtu = 1_400, &["mtu.outer"]),
    (
        "mtu.outer",
        |near, _| {
            let narrow = near.state.routes.get_mut(&main_route("192.168.50.0/24")).unwrap();
            narrow.iter_mut().for_each(|route| route.mtu = Some(1_400));
        },
        &["mtu.outer"],
    ),
    ("offload.checksum", |near, _| fact(near, "driver:eth0", "vmxnet3"), &["offload.checksum"]),
    ("forward.on", |near, _| fact(near, "sysctl:net.ipv4.ip_forward", "0"), &["forward.off"]),
    ("forward.on", |near, _| fact(near, "sysctl:net.ipv4.conf.cni0.forwarding", "0"), &["forward.off"]),
    (
        "rpfilter.passes",
        |near, _| {
            fact(near, "sysctl:net.ipv4.conf.cni0.rp_filter", "1");
            near.state.routes.insert(main_route("10.244.1.2/32"), vec![by("eth0", None)]);
        },
        &["rpfilter.rejects"],
    ),
    ("firewall.seen", |near, _| near.state.firewall = None, &["filter.hidden"]),
    ("firewall.forward", |near, _| filter(near, "-A FORWARD -j DROP"), &["filter.forward"]),
    ("firewall.input", |near, _| filter(near, "-A INPUT -i cni0 -j DROP"), &["filter.input"]),
    ("firewall.output", |near, _| filter(near, "-A OUTPUT -d 10.244.2.0/24 -j REJECT"), &["filter.output"]),
    (
        "firewall.tunnel",
        |near, _| filter(near, "-A INPUT -p udp -m udp --dport 8472 -j DROP"),
        &["outer.filtered"],
    ),
    (
        "masq.between",
        |near, _| {
            near.state.firewall = Some(firewall(
                "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 10.244.1.0/24 ! -o docker0 -j MASQUERADE\nCOMMIT\n",
            ))
        },
        &["masq.unexpected"],
    ),
    (
        "masq.world",
        |near, _| near.state.firewall = Some(firewall("*nat\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n")),
        &["masq.missing"],
    ),
    ("conntrack.room", |near, _| fact(near, "conntrack:count", "262000"), &["conntrack.full"]),
    (
        "bridge.netfilter",
        |near, _| {
            near.state.firewall =
                Some(firewall(&RULES.replace(":POSTROUTING", ":KUBE-SERVICES - [0:0]\n:POSTROUTING")));
        },
        &["bridge.netfilter"],
    ),
    (
        "kernel.nexthops",
        |near, _| {
            fact(near, "nexthop:objects", "no");
            near.config =
                Some(r#"{"Network":"10.0.0.0/8","SubnetLen":24,"Backend":{"Type":"vxlan"}}"#.to_owned());
            let more = (0..=u8::MAX).flat_map(|b| (0..8).map(move |c| (b, c)));
            let more = more.map(|(b, c)| crate::lease::Lease {
                subnet: format!("10.{}.{b}.0-24", 100 + c).parse().unwrap(),
                ..lease(3)
            });
            near.leases.as_mut().unwrap().extend(more);
        },
        &[],
    ),
    (
        "bridge.subnet",
        |near, _| {
            near.state.addrs.retain(|key, _| key.dev != dev("cni0"));
            give(&mut near.state, "cni0", "10.244.255.1/24");
        },
        &["bridge.stale"],
    ),
    ("pod.wires", |near, _| link(near, "veth0").up = false, &["veth.down"]),
    ("pod.wires", |near, _| link(near, "veth0").port.as_mut().unwrap().state = 0, &["bridge.port"]),
    ("pod.wires", |near, _| link(near, "veth0").master = None, &["bridge.port"]),
    (
        "pod.addresses",
        |near, _| near.pods.iter_mut().for_each(|pod| pod.state.addrs.clear()),
        &["pod.noaddr"],
    ),
    (
        "pod.ways",
        |near, _| {
            near.pods.iter_mut().for_each(|pod| drop(pod.state.routes.remove(&main_route("0.0.0.0/0"))))
        },
        &["pod.noroute"],
    ),
    (
        "pod.ways",
        |near, _| {
            let entries = near.pods.iter_mut().flat_map(|pod| pod.state.neighs.values_mut());
            entries.for_each(|entry| entry.mac = Some(Mac([2; 6])));
        },
        &["pod.neigh"],
    ),
    (
        "mtu.inner",
        |near, _| {
            near.pods
                .iter_mut()
                .flat_map(|pod| pod.state.links.values_mut())
                .for_each(|link| link.mtu = 1_500)
        },
        &["mtu.inner"],
    ),
    (
        "subnetenv.there",
        |near, _| {
            near.state.facts.remove("file:/run/flannel/subnet.env");
            fact(near, "file:/run/flannel/subnet.env:missing", "/run/flannel/subnet.env");
        },
        &["subnetenv.missing"],
    ),
    (
        "subnetenv.right",
        |near, _| {
            fact(
                near,
                "file:/run/flannel/subnet.env",
                "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.9.1/24\nFLANNEL_MTU=1450\n",
            )
        },
        &["subnetenv.stale"],
    ),
    ("cni.one", |near, _| fact(near, "cni:conf", "05-calico.conflist 10-flannel.conflist"), &["cni.two"]),
    ("agent.runs", |near, _| fact(near, "agent:state", "gone"), &["agent.stopped"]),
    (
        "device.macpolicy",
        |near, _| fact(near, "link-policy:", "/usr/lib/systemd/network/99-default.link"),
        &["vtep.macpolicy"],
    ),
    ("device.managed", |near, _| fact(near, "managed:NetworkManager/flannel.1", "yes"), &["vtep.managed"]),
    ("clock.agrees", |near, _| fact(near, "clock:offset-to-store-ms", "-90000"), &["clock.skew"]),
    (
        "clock.agrees",
        |near, _| {
            near.state.facts.remove("clock:offset-to-store-ms");
            leased(near, 2).expires = Expiry::At(now() + Duration::from_secs(86_400 + 120));
        },
        &["clock.skew"],
    ),
];

#[test]
fn what_is_wrong_is_found_by_its_check_and_nothing_beside_it() {
    let mut wrong = Vec::new();
    for (nr, (id, change, want)) in CASES.iter().chain(far::CASES).enumerate() {
        let report = examined(change);
        let (word, said) = (answer(&report, id).0, codes(&report));
        // An empty list: many findings, of which only the check's own matter.
        if word != Word::Found || (!want.is_empty() && said != *want) {
            wrong.push(format!("case {nr}, {id}: {word:?} {said:?}, not {want:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_check_can_find_something() {
    let tried: BTreeSet<&str> = CASES.iter().chain(far::CASES).map(|(id, ..)| *id).collect();
    let all: BTreeSet<&str> = CHECKS.iter().map(|check| check.id).collect();
    assert_eq!(tried, all);
}
