//! Addresses (`struct ifaddrmsg`, net/ipv4/devinet.c and net/ipv6/addrconf.c).

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, AddressScope};

use super::{Names, Read, emit};
use crate::state::{Addr, AddrKey, Row};

pub(super) fn row(message: AddressMessage, names: &Names) -> Read {
    let (mut local, mut address, mut flags) = (None, None, u32::from(message.header.flags.bits()));
    for attr in message.attributes {
        match attr {
            AddressAttribute::Local(ip) => local = Some(ip),
            AddressAttribute::Address(ip) => address = Some(ip),
            AddressAttribute::Flags(all) => flags = all.bits(),
            _ => {}
        }
    }
    // With both, ADDRESS is the peer's; IPv6 sends LOCAL only if there is a peer.
    let Some(ip) = local.or(address) else { return Read::Garbled };
    let Ok(net) = IpNet::new(ip, message.header.prefix_len) else { return Read::Garbled };
    let Some(dev) = names.name(message.header.index) else { return Read::Stranger };
    let peer = address.filter(|peer| *peer != ip);
    Read::Row(Row::Addr(
        AddrKey { dev, net },
        Addr { scope: message.header.scope.into(), flags, peer, order: 0 },
    ))
}

/// Adds an address. IPv6 without duplicate detection: the address is ours by lease, and a tentative one cannot
/// be used as a source.
pub(crate) fn add(buf: &mut Vec<u8>, index: u32, net: IpNet) {
    let mut message = request(index, net);
    if net.addr().is_ipv6() {
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
    }
    emit(buf, &message);
}

/// Deletes an address.
pub(crate) fn del(buf: &mut Vec<u8>, index: u32, net: IpNet) {
    emit(buf, &request(index, net));
}

fn request(index: u32, net: IpNet) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = match net {
        IpNet::V4(_) => AddressFamily::Inet,
        IpNet::V6(_) => AddressFamily::Inet6,
    };
    message.header.prefix_len = net.prefix_len();
    message.header.index = index;
    message.header.scope = match net.addr() {
        IpAddr::V4(ip) if ip.is_loopback() => AddressScope::Host,
        _ => AddressScope::Universe,
    };
    message.attributes = vec![AddressAttribute::Local(net.addr()), AddressAttribute::Address(net.addr())];
    message
}
