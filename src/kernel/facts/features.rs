//! What devices and kernel can do: offloads over ethtool's netlink family (net/ethtool/features.c), drivers from
//! sysfs, nexthop objects by asking for one.

#![expect(clippy::disallowed_methods, reason = "sysfs is files")]

use std::collections::BTreeMap;
use std::path::Path;

use nix::errno::Errno;

use crate::kernel::codec::rtm;
use crate::kernel::socket::{Asker, Dump};
use crate::kernel::wire::{Attrs, put_attr, u32_of};
use crate::net::IfName;
use crate::state::{Link, LinkKind};

/// Features that a tunnel's packets meet, by ethtool's names.
const FEATURES: &[&str] = &[
    "rx-checksum",
    "rx-gro",
    "rx-lro",
    "rx-udp_tunnel-port-offload",
    "tx-checksum-ip-generic",
    "tx-checksum-ipv4",
    "tx-checksum-ipv6",
    "tx-generic-segmentation",
    "tx-tcp-segmentation",
    "tx-udp-segmentation",
    "tx-udp_tnl-csum-segmentation",
    "tx-udp_tnl-segmentation",
];

/// `GENL_ID_CTRL`: the family that tells of families.
const CTRL: u16 = 16;
const CTRL_GETFAMILY: u8 = 3;
const CTRL_FAMILY_ID: u16 = 1;
const CTRL_FAMILY_NAME: u16 = 2;

const FEATURES_GET: u8 = 11;
const FEATURES_HEADER: u16 = 1;
const FEATURES_ACTIVE: u16 = 4;
const HEADER_DEV_NAME: u16 = 2;
const BITSET_BITS: u16 = 3;
const BIT_NAME: u16 = 2;
const BIT_VALUE: u16 = 3;

const NHA_ID: u16 = 1;

/// `offload:DEV/FEATURE` = on or off. Nothing where the kernel has no such family (before 5.6).
pub(super) fn offloads() -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let Ok(mut asker) = Asker::generic() else { return facts };
    let Some(family) = family(&mut asker, "ethtool") else { return facts };
    let mut body = vec![FEATURES_GET, 1, 0, 0];
    put_attr(&mut body, FEATURES_HEADER | NESTED, &[]);
    // A device that comes or goes meanwhile is the next reader's.
    let _: Option<Dump> = asker
        .dump(family, &body, |message| {
            if let Some((dev, active)) = features(message.payload) {
                for feature in FEATURES {
                    let on = active.iter().any(|name| name == feature);
                    facts
                        .insert(format!("offload:{dev}/{feature}"), if on { "on" } else { "off" }.to_owned());
                }
            }
        })
        .ok();
    facts
}

const NESTED: u16 = 0x8000;

/// The number of a generic family; `None` where the kernel has no such one.
pub(crate) fn family(asker: &mut Asker, name: &str) -> Option<u16> {
    let fill = |buf: &mut Vec<u8>| {
        buf.extend_from_slice(&[CTRL_GETFAMILY, 1, 0, 0]);
        put_attr(buf, CTRL_FAMILY_NAME, &[name.as_bytes(), &[0]].concat());
    };
    let read = |payload: &[u8]| {
        let (_, id) = Attrs(payload.get(4..)?).find(|(kind, _)| *kind == CTRL_FAMILY_ID)?;
        Some(u16::from_ne_bytes(*id.first_chunk::<2>()?))
    };
    asker.get(CTRL, fill, |message| read(message.payload)).ok()?.ok()?
}

/// The device and the features that are on. Without the compact flag a list holds only bits that are set, by name.
fn features(payload: &[u8]) -> Option<(String, Vec<String>)> {
    let (mut dev, mut active) = (None, Vec::new());
    for (kind, value) in Attrs(payload.get(4..)?) {
        match kind {
            FEATURES_HEADER => {
                dev = Attrs(value).find(|(kind, _)| *kind == HEADER_DEV_NAME).map(|(_, v)| text(v))
            }
            FEATURES_ACTIVE => {
                let bits =
                    Attrs(value).filter(|(kind, _)| *kind == BITSET_BITS).flat_map(|(_, bits)| Attrs(bits));
                active = bits.filter_map(|(_, bit)| set_bit(bit)).collect();
            }
            _ => {}
        }
    }
    Some((dev?, active))
}

fn set_bit(bit: &[u8]) -> Option<String> {
    let name = Attrs(bit).find(|(kind, _)| *kind == BIT_NAME).map(|(_, value)| text(value))?;
    // With a mask every bit is listed, and one that is set says so.
    let listed = Attrs(bit).any(|(kind, _)| kind == BIT_VALUE);
    let masked = Attrs(bit).count() > 2 || listed;
    (listed || !masked).then_some(name)
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value.split(|b| *b == 0).next().unwrap_or_default()).into_owned()
}

/// `driver:DEV`: a virtual device's kind, or the module behind a physical one. sysfs shows the namespace in which it
/// was mounted, so it is believed only of a device with the same number.
pub(super) fn drivers(links: &BTreeMap<IfName, Link>) -> BTreeMap<String, String> {
    let driver = |dev: &IfName, link: &Link| match &link.kind {
        LinkKind::Vxlan(_) => Some("vxlan".to_owned()),
        LinkKind::Bridge => Some("bridge".to_owned()),
        LinkKind::Veth { .. } => Some("veth".to_owned()),
        LinkKind::Other(kind) => Some(kind.clone()),
        LinkKind::Loopback => None,
        LinkKind::Plain => {
            let dir = Path::new("/sys/class/net").join(dev.as_str());
            let index = std::fs::read_to_string(dir.join("ifindex")).ok()?;
            let target = std::fs::read_link(dir.join("device/driver")).ok()?;
            let name = target.file_name()?.to_str()?.to_owned();
            (index.trim() == link.index.to_string()).then_some(name)
        }
    };
    let rows = links.iter().filter_map(|(dev, link)| Some((format!("driver:{dev}"), driver(dev, link)?)));
    rows.collect()
}

/// Whether the kernel has nexthop objects: asked for one that is not there, it says so, or that it knows no such thing.
pub(super) fn nexthop_objects() -> Option<bool> {
    let mut asker = Asker::open().ok()?;
    let fill = |buf: &mut Vec<u8>| {
        buf.extend_from_slice(&[0; 8]);
        put_attr(buf, NHA_ID, &u32::MAX.to_ne_bytes());
    };
    match asker.get(rtm::GETNEXTHOP, fill, |message| u32_of(message.payload)).ok()? {
        Ok(_) => Some(true),
        Err(refusal) => match Errno::from_raw(refusal.errno) {
            Errno::ENOENT => Some(true),
            Errno::EOPNOTSUPP | Errno::EINVAL => Some(false),
            _ => None,
        },
    }
}
