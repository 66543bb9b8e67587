//! Nexthop objects, by hand: netlink-packet-route does not know them (`struct nhmsg` and `NHA_*` in
//! include/uapi/linux/nexthop.h, net/ipv4/nexthop.c).

use std::net::IpAddr;

use super::super::wire::{Attrs, ip_of, put_attr, put_ip, u32_of};
use super::{Names, Read, af};
use crate::state::{Hop, Nexthop, Row, proto};

const NHA_ID: u16 = 1;
const NHA_GROUP: u16 = 2;
const NHA_BLACKHOLE: u16 = 4;
const NHA_OIF: u16 = 5;
const NHA_GATEWAY: u16 = 6;
const NHA_FDB: u16 = 11;

const RTNH_F_DEAD: u32 = 1;
const RTNH_F_ONLINK: u32 = 4;
const RTNH_F_LINKDOWN: u32 = 16;

pub(super) fn row(payload: &[u8], names: &Names) -> Read {
    // struct nhmsg: family, scope, protocol, reserved, then 32 bits of RTNH_F_ flags.
    let Some(([_family, _scope, proto, _resvd, flags @ ..], attrs)) = payload.split_first_chunk::<8>() else {
        return Read::Garbled;
    };
    let flags = u32::from_ne_bytes(*flags);
    let mut id = None;
    let mut hop = Nexthop {
        proto: *proto,
        hop: Hop {
            onlink: flags & RTNH_F_ONLINK != 0,
            dead: flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN) != 0,
            linkdown: flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN) == RTNH_F_LINKDOWN,
            ..Hop::default()
        },
        blackhole: false,
        group: Vec::new(),
        fdb: false,
    };
    for (kind, value) in Attrs(attrs) {
        match kind {
            NHA_ID => id = u32_of(value),
            NHA_GROUP => hop.group = value.as_chunks::<8>().0.iter().map(member).collect(),
            NHA_BLACKHOLE => hop.blackhole = true,
            NHA_GATEWAY => hop.hop.via = ip_of(value),
            NHA_FDB => hop.fdb = true,
            NHA_OIF => match u32_of(value).map(|index| names.name(index)) {
                Some(Some(dev)) => hop.hop.dev = Some(dev),
                Some(None) => return Read::Stranger,
                None => return Read::Garbled,
            },
            _ => {}
        }
    }
    id.map_or(Read::Garbled, |id| Read::Row(Row::Nexthop(id, hop)))
}

/// `struct nexthop_grp`: id, low byte of weight - 1, high byte of it, two reserved.
fn member(bytes: &[u8; 8]) -> (u32, u16) {
    let [i0, i1, i2, i3, low, high, _, _] = *bytes;
    (u32::from_ne_bytes([i0, i1, i2, i3]), u16::from_le_bytes([low, high]).saturating_add(1))
}

/// Creates or replaces one: a gateway on a device, onlink, with our protocol number.
pub(crate) fn set(buf: &mut Vec<u8>, id: u32, via: IpAddr, index: u32) {
    let family = if via.is_ipv4() { af::INET } else { af::INET6 };
    buf.extend_from_slice(&[family, 0, proto::FLANCTL, 0]);
    buf.extend_from_slice(&RTNH_F_ONLINK.to_ne_bytes());
    put_attr(buf, NHA_ID, &id.to_ne_bytes());
    put_attr(buf, NHA_OIF, &index.to_ne_bytes());
    put_ip(buf, NHA_GATEWAY, via);
}

/// Deletes one, and the routes through it with it.
pub(crate) fn del(buf: &mut Vec<u8>, id: u32) {
    buf.extend_from_slice(&[0; 8]);
    put_attr(buf, NHA_ID, &id.to_ne_bytes());
}
