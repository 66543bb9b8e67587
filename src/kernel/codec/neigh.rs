//! Neighbours and forwarding entries: one message type, told apart by family (`struct ndmsg`,
//! net/core/neighbour.c, net/bridge/br_fdb.c, drivers/net/vxlan/vxlan_core.c).

use std::net::IpAddr;

use netlink_packet_core::Nla;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};

use super::super::wire;
use super::{Names, Read, af, emit};
use crate::net::Mac;
use crate::state::{Fdb, FdbKey, Neigh, NeighKey, Row, nud};

const NDA_NH_ID: u16 = 13;

pub(super) fn row(message: NeighbourMessage, names: &Names) -> Read {
    match u8::from(message.header.family) {
        af::BRIDGE => fdb(message, names),
        af::INET | af::INET6 => neigh(message, names),
        _ => Read::Nothing,
    }
}

fn neigh(message: NeighbourMessage, names: &Names) -> Read {
    let (mut ip, mut mac) = (None, None);
    for attr in message.attributes {
        match attr {
            NeighbourAttribute::Destination(to) => ip = address(to),
            NeighbourAttribute::LinkLayerAddress(bytes) => mac = bytes.try_into().ok().map(Mac),
            _ => {}
        }
    }
    let Some(ip) = ip else { return Read::Garbled };
    // A proxy entry may stand for every device: it has none.
    let Some(dev) = names.name(message.header.ifindex) else {
        return if message.header.ifindex == 0 { Read::Nothing } else { Read::Stranger };
    };
    let state = u16::from(message.header.state);
    Read::Row(Row::Neigh(NeighKey { dev, ip }, Neigh { mac, state, flags: message.header.flags.bits() }))
}

fn fdb(message: NeighbourMessage, names: &Names) -> Read {
    let (mut mac, mut vlan, mut bridged) = (None, 0, false);
    let flags = message.header.flags;
    let mut entry = Fdb { state: message.header.state.into(), flags: flags.bits(), ..Fdb::default() };
    for attr in message.attributes {
        match attr {
            NeighbourAttribute::LinkLayerAddress(bytes) => mac = bytes.try_into().ok().map(Mac),
            NeighbourAttribute::Destination(to) => entry.dst = address(to),
            NeighbourAttribute::Vlan(id) => vlan = id,
            NeighbourAttribute::Port(port) => entry.port = Some(port),
            NeighbourAttribute::Vni(vni) => entry.vni = Some(vni),
            NeighbourAttribute::Controller(_) => bridged = true,
            NeighbourAttribute::IfIndex(_) => entry.via = true,
            NeighbourAttribute::Other(nla) if nla.kind() == NDA_NH_ID => {
                let mut value = vec![0; nla.value_len()];
                nla.emit_value(&mut value);
                entry.nhid = wire::u32_of(&value);
            }
            _ => {}
        }
    }
    let Some(mac) = mac else { return Read::Garbled };
    let Some(dev) = names.name(message.header.ifindex) else { return Read::Stranger };
    let master = bridged && !flags.contains(NeighbourFlags::Own);
    Read::Row(Row::Fdb(FdbKey { dev, mac, vlan, master }, entry))
}

/// Under AF_BRIDGE the library hands an address over as bytes.
fn address(to: NeighbourAddress) -> Option<IpAddr> {
    match to {
        NeighbourAddress::Inet(ip) => Some(ip.into()),
        NeighbourAddress::Inet6(ip) => Some(ip.into()),
        NeighbourAddress::Other(bytes) => wire::ip_of(&bytes),
        _ => None,
    }
}

/// Creates or replaces a permanent neighbour.
pub(crate) fn set_neigh(buf: &mut Vec<u8>, index: u32, ip: IpAddr, mac: Mac) {
    let mut message = to_neigh(index, ip);
    message.header.state = NeighbourState::Permanent;
    message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.0.to_vec()));
    emit(buf, &message);
}

/// Deletes a neighbour.
pub(crate) fn del_neigh(buf: &mut Vec<u8>, index: u32, ip: IpAddr) {
    emit(buf, &to_neigh(index, ip));
}

/// Creates or replaces a permanent forwarding entry, as `bridge fdb replace … permanent` writes it (NOARP too).
pub(crate) fn set_fdb(buf: &mut Vec<u8>, index: u32, key: &FdbKey, dst: IpAddr) {
    let mut message = to_fdb(index, key);
    message.header.state = NeighbourState::Other(nud::PERMANENT | nud::NOARP);
    message.attributes.push(NeighbourAttribute::Destination(dst.into()));
    emit(buf, &message);
}

/// Deletes a forwarding entry, or one remote of it.
pub(crate) fn del_fdb(buf: &mut Vec<u8>, index: u32, key: &FdbKey, dst: Option<IpAddr>) {
    let mut message = to_fdb(index, key);
    if let Some(dst) = dst {
        message.attributes.push(NeighbourAttribute::Destination(dst.into()));
    }
    emit(buf, &message);
}

fn to_neigh(index: u32, ip: IpAddr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = if ip.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    message.header.ifindex = index;
    message.attributes.push(NeighbourAttribute::Destination(ip.into()));
    message
}

fn to_fdb(index: u32, key: &FdbKey) -> NeighbourMessage {
    let FdbKey { dev: _, mac, vlan, master } = key;
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Bridge;
    message.header.ifindex = index;
    message.header.flags = if *master { NeighbourFlags::Controller } else { NeighbourFlags::Own };
    message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.0.to_vec()));
    if *vlan != 0 {
        message.attributes.push(NeighbourAttribute::Vlan(*vlan));
    }
    message
}
