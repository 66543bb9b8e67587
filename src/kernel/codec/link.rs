//! Devices (`struct ifinfomsg`, net/core/rtnetlink.c) and the attributes of VXLAN ones
//! (drivers/net/vxlan/vxlan_core.c).

use std::net::IpAddr;

use netlink_packet_route::link::{
    InfoBridge, InfoData, InfoIpTunnel, InfoKind, InfoVrf, InfoVxlan, LinkAttribute, LinkFlags, LinkInfo,
    LinkLayerType, LinkMessage, VxlanDf,
};
use rtnetlink::{LinkMessageBuilder, LinkUnspec, LinkVxlan};

use super::{Names, Read, emit};
use crate::net::{IfName, Mac};
use crate::state::{Df, Encap, IpTunnel, Link, LinkKind, Row, Vxlan, WantLink};

pub(super) const IFLA_IFNAME: u16 = 3;

#[derive(Default)]
struct Parts {
    name: Option<String>,
    mac: Option<Mac>,
    mtu: Option<u32>,
    link: Option<u32>,
    netns: Option<i32>,
    master: Option<u32>,
    group: u32,
    kind: Option<InfoKind>,
    data: Option<InfoData>,
}

pub(super) fn row(message: LinkMessage, names: &Names) -> Read {
    // A bridge announces its ports with its own family; a port that leaves it is not a device that went.
    if u8::from(message.header.interface_family) != 0 {
        return Read::Nothing;
    }
    let mut parts = Parts::default();
    for attr in message.attributes {
        match attr {
            LinkAttribute::IfName(name) => parts.name = Some(name),
            LinkAttribute::Address(bytes) => parts.mac = bytes.try_into().ok().map(Mac),
            LinkAttribute::Mtu(mtu) => parts.mtu = Some(mtu),
            LinkAttribute::Link(index) => parts.link = Some(index),
            LinkAttribute::LinkNetNsId(id) => parts.netns = Some(id),
            LinkAttribute::Controller(index) => parts.master = Some(index),
            LinkAttribute::Group(number) => parts.group = number,
            LinkAttribute::LinkInfo(infos) => {
                for info in infos {
                    match info {
                        LinkInfo::Kind(kind) => parts.kind = Some(kind),
                        LinkInfo::Data(data) => parts.data = Some(data),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    // Wireless events come as link messages without a size.
    let Some(mtu) = parts.mtu else { return Read::Nothing };
    let Some(name) = parts.name.take().and_then(|n| n.parse::<IfName>().ok()) else { return Read::Garbled };
    let flags = message.header.flags;
    let link = Link {
        index: message.header.index,
        mac: parts.mac.filter(|_| message.header.link_layer_type == LinkLayerType::Ether),
        mtu,
        up: flags.contains(LinkFlags::Up),
        lower_up: flags.contains(LinkFlags::LowerUp),
        master: parts.master.and_then(|index| names.name(index)),
        group: parts.group,
        vrf: parts.data.as_ref().and_then(vrf_table),
        vlan_filtering: parts.data.as_ref().is_some_and(filters_vlans),
        encap: parts.data.as_ref().and_then(encap),
        tunnel: parts.data.as_ref().and_then(|data| ip_tunnel(data, names)).map(Box::new),
        port: None,
        kind: kind(parts, message.header.link_layer_type, names),
    };
    Read::Row(Row::Link(name, link))
}

fn vrf_table(data: &InfoData) -> Option<u32> {
    let InfoData::Vrf(attrs) = data else { return None };
    attrs.iter().find_map(|attr| match attr {
        InfoVrf::TableId(table) => Some(*table),
        _ => None,
    })
}

fn filters_vlans(data: &InfoData) -> bool {
    matches!(data, InfoData::Bridge(attrs) if attrs.contains(&InfoBridge::VlanFiltering(true)))
}

fn kind(parts: Parts, layer: LinkLayerType, names: &Names) -> LinkKind {
    match (parts.kind, parts.data) {
        (Some(InfoKind::Vxlan), Some(InfoData::Vxlan(data))) => {
            // IFLA_LINK of a tunnel whose other side is in another namespace counts over there.
            let names = if parts.netns.is_some() { &Names::default() } else { names };
            LinkKind::Vxlan(vxlan(data, names))
        }
        (Some(InfoKind::Bridge), _) => LinkKind::Bridge,
        (Some(InfoKind::Veth), _) => {
            LinkKind::Veth { peer: parts.link.filter(|i| *i != 0), netns: parts.netns }
        }
        (Some(other), _) => LinkKind::Other(other.to_string()),
        (None, _) if layer == LinkLayerType::Loopback => LinkKind::Loopback,
        (None, _) => LinkKind::Plain,
    }
}

fn vxlan(data: Vec<InfoVxlan>, names: &Names) -> Vxlan {
    let mut row = Vxlan {
        vni: 0,
        port: 0,
        local: None,
        lower: None,
        learning: false,
        gbp: false,
        ttl: 0,
        group: None,
        l2miss: false,
        l3miss: false,
    };
    for attr in data {
        match attr {
            InfoVxlan::Id(vni) => row.vni = vni,
            InfoVxlan::Port(port) => row.port = port,
            InfoVxlan::Local(ip) => row.local = some(ip.into()),
            InfoVxlan::Local6(ip) => row.local = some(ip.into()),
            InfoVxlan::Link(index) => row.lower = names.name(index),
            InfoVxlan::Learning(on) => row.learning = on,
            InfoVxlan::Gbp => row.gbp = true,
            InfoVxlan::Ttl(ttl) => row.ttl = ttl,
            InfoVxlan::Group(ip) => row.group = some(ip.into()),
            InfoVxlan::Group6(ip) => row.group = some(ip.into()),
            InfoVxlan::L2Miss(on) => row.l2miss = on,
            InfoVxlan::L3Miss(on) => row.l3miss = on,
            _ => {}
        }
    }
    row
}

/// What the message does not say is as the kernel's defaults have it: an older kernel does not know all of it.
fn encap(data: &InfoData) -> Option<Encap> {
    let InfoData::Vxlan(attrs) = data else { return None };
    let mut row = Encap::default();
    for attr in attrs {
        match attr {
            InfoVxlan::TtlInherit(on) => row.ttl_inherit = *on != 0,
            InfoVxlan::TtlInheritFlag => row.ttl_inherit = true,
            InfoVxlan::Tos(tos) => row.tos = *tos,
            InfoVxlan::Df(VxlanDf::Set) => row.df = Df::Set,
            InfoVxlan::Df(VxlanDf::Inherit) => row.df = Df::Inherit,
            InfoVxlan::UDPCsum(on) => row.csum = *on,
            InfoVxlan::UDPZeroCsumTX(on) => row.zero_csum6_tx = *on,
            InfoVxlan::UDPZeroCsumRX(on) => row.zero_csum6_rx = *on,
            InfoVxlan::Gpe => row.gpe = true,
            InfoVxlan::Proxy(on) => row.proxy = *on,
            InfoVxlan::Rsc(on) => row.rsc = *on,
            InfoVxlan::CollectMetadata(on) => row.metadata = *on,
            InfoVxlan::Vnifilter(on) => row.vnifilter = *on,
            InfoVxlan::Localbypass(on) => row.localbypass = *on,
            InfoVxlan::Ageing(seconds) => row.ageing = *seconds,
            InfoVxlan::Limit(entries) => row.limit = *entries,
            InfoVxlan::PortRange(ports) => row.ports = *ports,
            _ => {}
        }
    }
    Some(row)
}

/// What a device that wraps IP in IP says of its outer packets.
fn ip_tunnel(data: &InfoData, names: &Names) -> Option<IpTunnel> {
    let InfoData::IpTunnel(attrs) = data else { return None };
    let mut row = IpTunnel::default();
    for attr in attrs {
        match attr {
            InfoIpTunnel::Local(ip) => row.local = some(*ip),
            InfoIpTunnel::Remote(ip) => row.remote = some(*ip),
            InfoIpTunnel::Link(index) => row.lower = names.name(*index),
            InfoIpTunnel::Ttl(ttl) => row.ttl = *ttl,
            InfoIpTunnel::PMtuDisc(on) => row.pmtudisc = *on,
            InfoIpTunnel::CollectMetadata => row.metadata = true,
            _ => {}
        }
    }
    Some(row)
}

fn some(ip: IpAddr) -> Option<IpAddr> {
    (!ip.is_unspecified()).then_some(ip)
}

/// Creates a VXLAN device, down. The MAC is explicit, so that udev's MAC policy leaves it alone.
pub(crate) fn add_vxlan(buf: &mut Vec<u8>, dev: IfName, want: &WantLink, lower: Option<u32>) {
    let WantLink { vxlan, mac, mtu } = want;
    let Vxlan { vni, port, local, lower: _, learning, gbp, ttl, group, l2miss, l3miss } = vxlan;
    let mut new = LinkVxlan::new(dev.as_str(), *vni)
        .address(mac.0.to_vec())
        .mtu(*mtu)
        .port(*port)
        .learning(*learning)
        .ttl(*ttl)
        .l2miss(*l2miss)
        .l3miss(*l3miss);
    if let Some(index) = lower {
        new = new.dev(index);
    }
    new = match local {
        Some(IpAddr::V4(ip)) => new.local(*ip),
        Some(IpAddr::V6(ip)) => new.local6(*ip),
        None => new,
    };
    new = match group {
        Some(IpAddr::V4(ip)) => new.group(*ip),
        Some(IpAddr::V6(ip)) => new.group6(*ip),
        None => new,
    };
    if *gbp {
        new = new.gbp();
    }
    emit(buf, &new.build());
}

/// Alters in place what `vxlan_nl2conf` lets be altered: local, lower device, TTL and learning. Port and GBP are
/// refused even when they stay the same, so they are not sent; the VNI may be repeated.
pub(crate) fn set_vxlan(buf: &mut Vec<u8>, index: u32, want: &WantLink, lower: Option<u32>) {
    let vxlan = &want.vxlan;
    let mut data = vec![
        InfoVxlan::Id(vxlan.vni),
        InfoVxlan::Link(lower.unwrap_or(0)),
        InfoVxlan::Ttl(vxlan.ttl),
        InfoVxlan::Learning(vxlan.learning),
    ];
    match vxlan.local {
        Some(IpAddr::V4(ip)) => data.push(InfoVxlan::Local(ip)),
        Some(IpAddr::V6(ip)) => data.push(InfoVxlan::Local6(ip)),
        None => {}
    }
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.attributes = vec![LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Vxlan),
        LinkInfo::Data(InfoData::Vxlan(data)),
    ])];
    emit(buf, &message);
}

/// Deletes a device.
pub(crate) fn del(buf: &mut Vec<u8>, index: u32) {
    emit(buf, &LinkUnspec::new_with_index(index).build());
}

/// Sets the hardware address.
pub(crate) fn set_mac(buf: &mut Vec<u8>, index: u32, mac: Mac) {
    emit(buf, &of(index).address(mac.0.to_vec()).build());
}

/// Sets the MTU.
pub(crate) fn set_mtu(buf: &mut Vec<u8>, index: u32, mtu: u32) {
    emit(buf, &of(index).mtu(mtu).build());
}

/// Sets the device up.
pub(crate) fn set_up(buf: &mut Vec<u8>, index: u32) {
    emit(buf, &of(index).up().build());
}

fn of(index: u32) -> LinkMessageBuilder<LinkUnspec> {
    LinkUnspec::new_with_index(index)
}
