//! What is wrong with the tunnel device itself. A repair puts back whatever the kernel dropped with it.

use std::net::IpAddr;

use ipnet::IpNet;

use super::repair::{Device, Lost, PeerRows, replay};
use super::{Confidence, Finding};
use crate::net::{IfName, Mac};

fn found(code: &'static str, node: &str, dev: IfName, cause: String) -> Finding {
    Finding::new(code, node, cause, format!("ip -d addr show {dev}"))
}

/// `recreate`, its address, every peer's rows.
fn anew(code: &str, mut first: Vec<String>, want: &Device, peers: &[PeerRows]) -> String {
    first.extend(want.set_addr());
    replay(code, first, Lost::All, peers)
}

/// The device is not there.
pub fn missing(node: &str, want: &Device, peers: &[PeerRows]) -> Finding {
    found("vtep.missing", node, want.dev, format!("there is no device {}", want.dev))
        .evidence(format!("expected: {} vxlan id {} dstport {}", want.dev, want.vni, want.port))
        .fix(anew("vtep.missing", want.create(), want, peers))
        .lasting("the agent creates it when it starts")
}

/// The MAC is not the one that this node's lease announces.
pub fn mac(node: &str, want: &Device, have: Mac, lease: Mac, peers: &[PeerRows]) -> Finding {
    let dev = want.dev;
    let cause =
        format!("{dev} has MAC {have}, this node's lease announces {lease}: peers' packets are ignored");
    let first = vec![format!("ip link set {dev} address {lease}")];
    found("vtep.mac", node, dev, cause)
        .evidence(format!("link {dev} address {have}"))
        .evidence(format!("own lease: VtepMAC {lease}"))
        .evidence("when the MAC changes, the kernel deletes every neighbour of the device")
        .fix(replay("vtep.mac", first, Lost::Neighs, peers))
        .lasting("a .link file with MACAddressPolicy=none keeps systemd-udevd from changing it")
}

/// The device was down and came back.
pub fn bounced(node: &str, want: &Device, peers: &[PeerRows]) -> Finding {
    let dev = want.dev;
    let cause =
        format!("{dev} was down and came back: forwarding entries stand, routes and neighbours are gone");
    found("vtep.bounced", node, dev, cause)
        .evidence("a device that goes down loses routes and neighbours, the permanent ones too")
        .fix(replay("vtep.bounced", want.set_addr().into_iter().collect(), Lost::RoutesAndNeighs, peers))
        .lasting("a running agent puts the rows back by itself")
}

/// The device is down.
pub fn down(node: &str, want: &Device, peers: &[PeerRows]) -> Finding {
    let mut first = vec![want.set_up()];
    first.extend(want.set_addr());
    found("vtep.down", node, want.dev, format!("{} is down", want.dev))
        .evidence("its routes and neighbours went with it")
        .fix(replay("vtep.down", first, Lost::RoutesAndNeighs, peers))
}

/// The device has another VNI than config or lease.
pub fn vni(node: &str, want: &Device, have: u32, peers: &[PeerRows]) -> Finding {
    let cause = format!("{} has VNI {have}, the network has {}", want.dev, want.vni);
    found("vtep.vni", node, want.dev, cause).evidence(format!("{} vxlan id {have}", want.dev)).fix(anew(
        "vtep.vni",
        want.recreate(),
        want,
        peers,
    ))
}

/// The device has another UDP port than the config.
pub fn port(node: &str, want: &Device, have: u16, peers: &[PeerRows]) -> Finding {
    let cause = format!("{} sends to UDP port {have}, the network uses {}", want.dev, want.port);
    found("vtep.port", node, want.dev, cause)
        .evidence(format!("{} vxlan dstport {have}", want.dev))
        .fix(anew("vtep.port", want.recreate(), want, peers))
}

/// The device's source address is not the uplink's.
pub fn local(node: &str, want: &Device, have: Option<IpAddr>, peers: &[PeerRows]) -> Finding {
    let said = have.map_or_else(|| "no source address".to_owned(), |ip| format!("the source address {ip}"));
    let asked = want.local.map(|ip| format!(", the uplink has {ip}")).unwrap_or_default();
    found("vtep.local", node, want.dev, format!("{} has {said}{asked}", want.dev))
        .evidence(format!("{} vxlan local {}", want.dev, have.map_or("-".to_owned(), |ip| ip.to_string())))
        .fix(anew("vtep.local", want.recreate(), want, peers))
}

/// Device and config differ in group based policy.
pub fn gbp(node: &str, want: &Device, peers: &[PeerRows]) -> Finding {
    let (has, asks) = if want.gbp { ("off", "on") } else { ("on", "off") };
    let cause = format!("group based policy is {has} on {}, the config asks for {asks}", want.dev);
    found("vtep.gbp", node, want.dev, cause).fix(anew("vtep.gbp", want.recreate(), want, peers))
}

/// It lacks its own address; with an IPv4 device's last one the kernel drops its routes and neighbours.
pub fn addr(node: &str, want: &Device, net: IpNet, peers: &[PeerRows]) -> Finding {
    found("vtep.addr", node, want.dev, format!("{} lacks its address {net}", want.dev))
        .evidence("packets of this host to pods leave under another source, and answers do not come back")
        .fix(replay(
            "vtep.addr",
            vec![format!("ip addr replace {net} dev {}", want.dev)],
            Lost::RoutesAndNeighs,
            peers,
        ))
}

/// The device carries an address that is not flannel's.
pub fn foreign_addr(node: &str, dev: IfName, net: IpNet) -> Finding {
    found("vtep.foreign_addr", node, dev, format!("{dev} carries {net}, which flannel did not give it"))
        .evidence(format!("{net} dev {dev}"))
        .fix(format!("ip addr del {net} dev {dev}"))
        .lasting("tell dhcpcd, NetworkManager or avahi to leave the device alone (denyinterfaces, unmanaged-devices)")
        .confidence(Confidence::Likely)
}
