//! The overlay's devices: each beside the own lease, the config, its uplink and the addresses of this host.

use std::net::IpAddr;

use ipnet::IpNet;

use super::expect::{own_vni, vxlan_data};
use super::row::{Device, Kernel, Promise, Row, Standing};
use super::words::device_half;
use super::{Sight, device_name, flannel_devices, own_lease};
use crate::config::VxlanConf;
use crate::lease::Lease;
use crate::net::IfName;
use crate::state::{Link, State};

/// One row a flannel device, held against the own lease and the config, and against the host.
pub(super) fn device_rows(sight: &Sight<'_>) -> Vec<Row> {
    let Some(own) = own_lease(sight) else {
        let devices = flannel_devices(sight.state).into_iter();
        let halves = devices.filter_map(|(dev, _)| device_half(sight.state, dev));
        return halves
            .map(|half| {
                let faults = device_faults(sight.state, &half, sight.vxlan());
                let standing = if half.up { Standing::Ok } else { Standing::Broken };
                Row::new(standing, "-", Some(Kernel::Link(half)), None).note(faults.join("; "))
            })
            .collect();
    };
    let vni = own_vni(sight);
    let nets = own.subnet.nets().filter_map(|net| Some((net, device_name(net.addr().is_ipv6(), vni)?)));
    nets.map(|(net, dev)| device_row(sight, dev, own.attrs.name(), promise(sight, own, net, dev))).collect()
}

/// What the own lease and the config promise of the device of one family.
fn promise(sight: &Sight<'_>, own: &Lease, net: IpNet, dev: IfName) -> Promise {
    let v6 = net.addr().is_ipv6();
    let vni = own_vni(sight);
    let public = if v6 { own.attrs.public_ipv6.map(IpAddr::V6) } else { own.attrs.public_ip.map(IpAddr::V4) };
    let mac = vxlan_data(own, v6).map(|data| data.mac);
    let lladdr = mac.map(|mac| format!(" lladdr {mac}")).unwrap_or_default();
    let half = device_half(sight.state, dev);
    let mtu = sight.vxlan().zip(half).and_then(|(conf, half)| wanted_mtu(sight.state, conf, &half));
    let mtu = mtu.map(|mtu| format!(" mtu {mtu}")).unwrap_or_default();
    let wants = format!("{dev} vxlan id {vni}{mtu}{lladdr} addr {}", overlay_address(net));
    Promise { subnet: net, public_ip: public, vni: Some(vni), mac, wants }
}

/// The address that a device of this subnet carries.
fn overlay_address(net: IpNet) -> IpNet {
    net.network().into()
}

fn device_row(sight: &Sight<'_>, dev: IfName, node: String, promise: Promise) -> Row {
    let state = sight.state;
    if !state.links.contains_key(&dev) {
        let note = format!("there is no device {dev}");
        return Row::new(Standing::Missing, &node, None, Some(promise)).note(note);
    }
    let Some(half) = device_half(state, dev) else {
        let note = format!("{dev} is not a vxlan device");
        return Row::new(Standing::Wrong, &node, None, Some(promise)).note(note);
    };
    let mut faults = Vec::new();
    if promise.mac.is_some() && promise.mac != half.mac {
        faults.push("another MAC than the lease's: peers' packets are ignored".to_owned());
    }
    if promise.vni.is_some_and(|vni| vni != half.vni) {
        faults.push("another VNI than the lease's".to_owned());
    }
    faults.extend(device_faults(state, &half, sight.vxlan()));
    let wanted = overlay_address(promise.subnet);
    // A state without any address is one in which nobody looked for them.
    if !state.addrs.is_empty() && !half.addrs.contains(&wanted) {
        faults.push(format!("lacks its address {wanted}"));
    }
    faults.extend(
        half.addrs.iter().filter(|addr| **addr != wanted).map(|addr| format!("{addr} is not its address")),
    );
    let standing = if faults.is_empty() { Standing::Ok } else { Standing::Wrong };
    Row::new(standing, &node, Some(Kernel::Link(half)), Some(promise)).note(faults.join("; "))
}

/// The device that outer packets leave by.
fn uplink<'a>(state: &'a State, half: &Device) -> Option<&'a Link> {
    half.lower.and_then(|lower| state.links.get(&lower))
}

/// Outer IPv4 and UDP, VXLAN and the inner Ethernet header; over IPv6 20 bytes more.
const OVERHEAD: u32 = 50;
const OVERHEAD_V6: u32 = 70;

/// The MTU that the agent gives this device; `None` if neither the config nor an uplink tells.
fn wanted_mtu(state: &State, conf: &VxlanConf, half: &Device) -> Option<u32> {
    let underlay = conf.mtu.or(uplink(state, half).map(|link| link.mtu))?;
    Some(underlay.saturating_sub(if is_v6(half) { OVERHEAD_V6 } else { OVERHEAD }))
}

/// True for the device of IPv6 packets.
fn is_v6(half: &Device) -> bool {
    device_name(true, half.vni) == Some(half.dev)
}

/// What is wrong with a device whatever the lease says.
fn device_faults(state: &State, half: &Device, conf: Option<&VxlanConf>) -> Vec<String> {
    let mut faults = Vec::new();
    if !half.up {
        faults.push("down".to_owned());
    }
    // Behind NAT, `local` is not the public address; but it must be the host's.
    if let Some(local) =
        half.local.filter(|local| state.owner_of(*local).is_none() && !state.addrs.is_empty())
    {
        faults.push(format!("local {local} is no address of this host"));
    }
    if let Some(conf) = conf {
        if conf.port != half.port {
            faults.push(format!("the config asks for port {}", conf.port));
        }
        if conf.learning != half.learning {
            let asked = if conf.learning { "learning" } else { "nolearning" };
            faults.push(format!("the config asks for {asked}"));
        }
    }
    let overhead = if half.local.is_some_and(|ip| ip.is_ipv6()) { OVERHEAD_V6 } else { OVERHEAD };
    let room = uplink(state, half).map(|link| link.mtu.saturating_sub(overhead));
    if let Some(room) = room.filter(|room| half.mtu > *room) {
        faults.push(format!("an MTU over {room} does not fit the uplink"));
    } else if let Some(mtu) =
        conf.and_then(|conf| wanted_mtu(state, conf, half)).filter(|mtu| *mtu != half.mtu)
    {
        faults.push(format!("the agent gives it MTU {mtu}"));
    }
    faults
}
