//! Netlink messages into rows of the state, and operations into netlink messages. Pure: bytes and rows only.
//! Messages go through netlink-packet-route's types, except nexthop objects, which it does not know.

mod addr;
mod link;
mod neigh;
mod nexthop;
mod route;
mod rule;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use netlink_packet_core::{Emitable, Parseable};
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::LinkMessage;
use netlink_packet_route::neighbour::NeighbourMessage;
use netlink_packet_route::route::RouteMessage;
use netlink_packet_route::rule::RuleMessage;

pub(crate) use addr::{add as add_addr, del as del_addr};
pub(crate) use link::{add_vxlan, del as del_link, set_mac, set_mtu, set_up, set_vxlan};
pub(crate) use neigh::{del_fdb, del_neigh, set_fdb, set_neigh};
pub(crate) use nexthop::{del as del_nexthop, set as set_nexthop};
pub(crate) use route::{del as del_route, get as get_route, hop as route_hop, set as set_route};

use crate::net::IfName;
use crate::state::Row;

/// Message types, `include/uapi/linux/rtnetlink.h`.
pub(crate) mod rtm {
    pub(crate) const NEWLINK: u16 = 16;
    pub(crate) const DELLINK: u16 = 17;
    pub(crate) const GETLINK: u16 = 18;
    pub(crate) const SETLINK: u16 = 19;
    pub(crate) const NEWADDR: u16 = 20;
    pub(crate) const DELADDR: u16 = 21;
    pub(crate) const GETADDR: u16 = 22;
    pub(crate) const NEWROUTE: u16 = 24;
    pub(crate) const DELROUTE: u16 = 25;
    pub(crate) const GETROUTE: u16 = 26;
    pub(crate) const NEWNEIGH: u16 = 28;
    pub(crate) const DELNEIGH: u16 = 29;
    pub(crate) const GETNEIGH: u16 = 30;
    pub(crate) const NEWRULE: u16 = 32;
    pub(crate) const DELRULE: u16 = 33;
    pub(crate) const GETRULE: u16 = 34;
    pub(crate) const NEWNEXTHOP: u16 = 104;
    pub(crate) const DELNEXTHOP: u16 = 105;
    pub(crate) const GETNEXTHOP: u16 = 106;
}

/// Address families.
pub(crate) mod af {
    pub(crate) const INET: u8 = 2;
    pub(crate) const BRIDGE: u8 = 7;
    pub(crate) const INET6: u8 = 10;
}

/// Which device has which number, both ways.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    names: HashMap<u32, IfName>,
}

impl Names {
    /// The name of a device.
    pub(crate) fn name(&self, index: u32) -> Option<IfName> {
        self.names.get(&index).copied()
    }

    /// Records a device, new or renamed.
    pub(crate) fn put(&mut self, index: u32, name: IfName) {
        self.names.insert(index, name);
    }

    /// Forgets a device.
    pub(crate) fn take(&mut self, index: u32) {
        self.names.remove(&index);
    }
}

/// What a message turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// A row.
    Row(Row),
    /// Nothing that the state keeps: a cloned route, a bridge port's private notice, another family.
    Nothing,
    /// A row of a device that the names do not know.
    Stranger,
    /// No sense could be made of it.
    Garbled,
}

/// Reads the row of a `NEW…` or `DEL…` message.
pub(crate) fn read(kind: u16, payload: &[u8], names: &Names) -> Read {
    match kind {
        rtm::NEWLINK | rtm::DELLINK => with(LinkMessage::parse(payload), |m| link::row(m, names)),
        rtm::NEWADDR | rtm::DELADDR => with(AddressMessage::parse(payload), |m| addr::row(m, names)),
        rtm::NEWROUTE | rtm::DELROUTE => with(RouteMessage::parse(payload), |m| route::row(m, names)),
        rtm::NEWNEIGH | rtm::DELNEIGH => with(NeighbourMessage::parse(payload), |m| neigh::row(m, names)),
        rtm::NEWRULE | rtm::DELRULE => with(RuleMessage::parse(payload), |m| rule::row(&m)),
        rtm::NEWNEXTHOP | rtm::DELNEXTHOP => nexthop::row(payload, names),
        _ => Read::Nothing,
    }
}

/// Index and name of a link message, if it is about the device itself (not about a bridge's port).
pub(crate) fn link_name(payload: &[u8]) -> Option<(u32, IfName)> {
    let ([family, _, _, _, i0, i1, i2, i3], _) = payload.split_first_chunk::<8>()?;
    let (_, attrs) = payload.split_first_chunk::<16>()?;
    let (_, text) = super::wire::Attrs(attrs).find(|(kind, _)| *kind == link::IFLA_IFNAME)?;
    let text = std::str::from_utf8(text.split(|b| *b == 0).next()?).ok()?;
    (*family == 0).then_some((u32::from_ne_bytes([*i0, *i1, *i2, *i3]), text.parse().ok()?))
}

fn with<M, E>(message: Result<M, E>, read: impl FnOnce(M) -> Read) -> Read {
    match message {
        Ok(message) => read(message),
        Err(_) => Read::Garbled,
    }
}

/// Appends a message of the library.
fn emit(buf: &mut Vec<u8>, message: &impl Emitable) {
    let start = buf.len();
    buf.resize(start + message.buffer_len(), 0);
    if let Some(room) = buf.get_mut(start..) {
        message.emit(room);
    }
}
