//! The overlay's own device, beside the own lease, the config and the uplink.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Outcome;
use super::ground::{Device, Ground, NO_CONF, NO_DEVICE, NO_LEASES};
use crate::finding::repair::{Device as Wanted, PeerRows};
use crate::finding::{Confidence, Finding, fdb, vtep};
use crate::overlay::vxlan::device_mtu;
use crate::readings::Standing;
use crate::state::{Link, Vxlan};

/// Is there a device for every address family?
pub(super) fn there(ground: &Ground<'_>) -> Outcome {
    if ground.state().links.is_empty() {
        return Outcome::unseen("no devices were read");
    }
    if ground.devices.is_empty() {
        return Outcome::unseen(format!("{NO_DEVICE}, and no config or lease tells of one"));
    }
    let found = ground.devices.iter().filter_map(|dev| {
        let link = ground.state().links.get(&dev.name);
        if link.is_some_and(|link| link.vxlan().is_some()) {
            return None;
        }
        let want = wanted(ground, dev);
        let peers = behind(ground, dev);
        match link {
            Some(_) => {
                // Another program's device has the name: it has to go first.
                let finding = vtep::missing(ground.node(), &want, &peers);
                let fix = finding.fix.as_ref().map(|fix| fix.command.clone()).unwrap_or_default();
                let cause = format!("{} is not a vxlan device", dev.name);
                let fix = match fix.starts_with("flanctl ") {
                    true => fix,
                    false => format!("ip link del {} && {fix}", dev.name),
                };
                Some(Finding { cause, ..finding }.fix(fix))
            }
            None => Some(vtep::missing(ground.node(), &want, &peers)),
        }
    });
    Outcome::of(found.collect())
}

/// The line that makes a device anew, with its rows.
pub(super) fn again(ground: &Ground<'_>, dev: &Device) -> Option<String> {
    let finding = vtep::missing(ground.node(), &wanted(ground, dev), &behind(ground, dev));
    finding.fix.map(|fix| fix.command)
}

/// Is it up, and has it been up all the time?
pub(super) fn up(ground: &Ground<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    for (dev, link) in ground.there() {
        seen = true;
        let sides = || (wanted(ground, &dev), behind(ground, &dev));
        if !link.up {
            let (want, peers) = sides();
            found.push(vtep::down(ground.node(), &want, &peers));
        } else if bounced(ground, &dev) {
            let (want, peers) = sides();
            found.push(vtep::bounced(ground.node(), &want, &peers));
        }
    }
    if seen { Outcome::of(found) } else { Outcome::unseen(NO_DEVICE) }
}

/// The signature of a device that was down: every peer's forwarding entry stands, routes and neighbours of all are
/// gone.
fn bounced(ground: &Ground<'_>, dev: &Device) -> bool {
    let Some(drift) = &ground.drift else { return false };
    // An IPv4 device keeps its address when it goes down; without it, that is what took the rows away.
    let addr = wanted(ground, dev).addr;
    if !dev.v6 && !ground.state().addrs_of(dev.name).any(|(net, _)| Some(net) == addr) {
        return false;
    }
    let behind = |row: &&crate::readings::Row| {
        let net = row.lease.as_ref().map(|promise| promise.subnet);
        net.and_then(|net| ground.peer(net))
            .is_some_and(|peer| peer.dev == dev.name && !ground.is_direct(peer))
    };
    let gone = |rows: &[crate::readings::Row]| {
        rows.iter().filter(|row| row.state == Standing::Missing).filter(behind).count()
    };
    // What the kernel tried to resolve since has an entry again, an unresolved one.
    let neighs = drift.neighs.iter().filter(behind).filter(|row| row.state != Standing::Ok).count();
    let all = ground.peers().iter().filter(|peer| peer.dev == dev.name && !ground.is_direct(peer)).count();
    all > 0 && gone(&drift.routes) == all && neighs == all && gone(&drift.fdb) == 0
}

/// Does it have the MAC that the own lease announces?
pub(super) fn mac(ground: &Ground<'_>) -> Outcome {
    if ground.own.is_none() {
        return Outcome::unseen(NO_LEASES);
    }
    each(ground, |dev, link, want, peers| {
        let (lease, have) = (dev.lease?.mac, link.mac?);
        (lease != have).then(|| vtep::mac(ground.node(), want, have, lease, peers))
    })
}

/// Does it speak the network's VNI, port and mode?
pub(super) fn attributes(ground: &Ground<'_>) -> Outcome {
    let Some(conf) = ground.vxlan() else { return Outcome::unseen(NO_CONF) };
    each(ground, |_, link, want, peers| {
        let Vxlan { vni, port, gbp, .. } = link.vxlan()?;
        let node = ground.node();
        if *vni != conf.vni {
            return Some(vtep::vni(node, want, *vni, peers));
        }
        if *port != conf.port {
            return Some(vtep::port(node, want, *port, peers));
        }
        (*gbp != conf.gbp).then(|| vtep::gbp(node, want, peers))
    })
}

/// Does it send from the uplink's address?
pub(super) fn local(ground: &Ground<'_>) -> Outcome {
    if ground.state().addrs.is_empty() {
        return Outcome::unseen("no addresses were read");
    }
    each(ground, |_, link, want, peers| {
        let have = link.vxlan()?.local;
        let lost = have.is_some_and(|ip| ground.state().owner_of(ip).is_none());
        // Without a source of its own the kernel chooses one: right as long as it is the uplink's.
        let other = have.zip(want.local).is_some_and(|(have, want)| have != want);
        (lost || other).then(|| vtep::local(ground.node(), want, have, peers))
    })
}

/// Does it have its address, and no other?
pub(super) fn addresses(ground: &Ground<'_>) -> Outcome {
    if ground.state().addrs.is_empty() {
        return Outcome::unseen("no addresses were read");
    }
    if ground.own.is_none() {
        return Outcome::unseen(NO_LEASES);
    }
    let mut found = Vec::new();
    let mut seen = false;
    for (dev, _) in ground.there() {
        seen = true;
        let want = wanted(ground, &dev);
        let have: Vec<IpNet> = ground.state().addrs_of(dev.name).map(|(net, _)| net).collect();
        if let Some(addr) = want.addr.filter(|addr| !have.contains(addr)) {
            found.push(vtep::addr(ground.node(), &want, addr, &behind(ground, &dev)));
        }
        let foreign = have.iter().filter(|net| Some(**net) != want.addr && !kernels_own(net.addr()));
        found.extend(foreign.map(|net| vtep::foreign_addr(ground.node(), dev.name, *net)));
    }
    if seen { Outcome::of(found) } else { Outcome::unseen(NO_DEVICE) }
}

/// The link-local address that every IPv6 device has; over IPv4 it is somebody's.
fn kernels_own(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// Does it keep to the entries that it was given?
pub(super) fn learning(ground: &Ground<'_>) -> Outcome {
    let asked = ground.vxlan().map(|conf| conf.learning);
    each(ground, |dev, link, _, _| {
        let learns = link.vxlan()?.learning;
        (learns && asked != Some(true)).then(|| {
            let finding = fdb::learned(ground.node(), dev.name);
            if asked.is_none() { finding.confidence(Confidence::Likely) } else { finding }
        })
    })
}

/// Runs `judge` over the devices that are there.
fn each(
    ground: &Ground<'_>,
    judge: impl Fn(&Device, &Link, &Wanted, &[PeerRows]) -> Option<Finding>,
) -> Outcome {
    let there: Vec<(Device, &Link)> = ground.there().filter(|(_, link)| link.vxlan().is_some()).collect();
    if there.is_empty() {
        return Outcome::unseen(NO_DEVICE);
    }
    let found = there.iter().filter_map(|(dev, link)| {
        // The repair needs the peers; most devices need no repair.
        judge(dev, link, &wanted(ground, dev), &[])?;
        judge(dev, link, &wanted(ground, dev), &behind(ground, dev))
    });
    Outcome::of(found.collect())
}

/// The peers behind a device.
fn behind(ground: &Ground<'_>, dev: &Device) -> Vec<PeerRows> {
    ground.peers().iter().filter(|peer| peer.dev == dev.name).map(|peer| ground.rows(peer)).collect()
}

/// The device as config, lease and uplink want it.
pub(super) fn wanted(ground: &Ground<'_>, dev: &Device) -> Wanted {
    let link = ground.state().links.get(&dev.name);
    let have = link.and_then(Link::vxlan);
    let conf = ground.vxlan();
    let vni = conf.map(|conf| conf.vni).or(dev.lease.map(|data| data.vni)).or(have.map(|have| have.vni));
    let uplink = ground.near.uplink.as_ref();
    let address = uplink.and_then(|uplink| match dev.v6 {
        false => uplink.v4.map(IpAddr::V4),
        true => uplink.v6.map(IpAddr::V6),
    });
    let under = ground.uplink.and_then(|name| ground.state().links.get(&name)).map(|link| link.mtu);
    let mtu = conf.zip(under).map(|(conf, under)| device_mtu(&conf, under, dev.v6));
    let addr = dev.subnet.and_then(|net| IpNet::new(net.network(), net.max_prefix_len()).ok());
    Wanted {
        dev: dev.name,
        vni: vni.unwrap_or(1),
        port: conf.map(|conf| conf.port).or(have.map(|have| have.port)).unwrap_or(8472),
        local: address
            .or(have.and_then(|have| have.local).filter(|ip| ground.state().owner_of(*ip).is_some())),
        lower: ground.uplink,
        learning: conf.is_some_and(|conf| conf.learning),
        gbp: conf.is_some_and(|conf| conf.gbp),
        mac: dev.lease.map(|data| data.mac),
        mtu: mtu.or(link.map(|link| link.mtu)),
        addr,
    }
}
