//! What a bridge does with its ports (net/bridge/br_netlink.c, `br_port_fill_attrs`): one dump of its own, for readers.
//! The agent neither asks nor is told: a bridge announces its ports under a family that it does not listen to.

use super::KernelError;
use super::codec::{af, rtm};
use super::socket::{Asker, Dump};
use super::wire::{Attrs, put_attr};
use crate::state::{Port, State};

/// How often the dump is repeated while bridges change.
const TRIES: u32 = 8;

const IFLA_PROTINFO: u16 = 12;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_EXT_MASK: u16 = 29;
/// `RTEXT_FILTER_BRVLAN_COMPRESSED`: VLANs with the same flags as one range.
const VLAN_RANGES: u32 = 1 << 2;

const IFLA_BRPORT_STATE: u16 = 1;
const IFLA_BRPORT_MODE: u16 = 4;
const IFLA_BRPORT_LEARNING: u16 = 8;
const IFLA_BRPORT_UNICAST_FLOOD: u16 = 9;
const IFLA_BRPORT_ISOLATED: u16 = 33;

const IFLA_BRIDGE_VLAN_INFO: u16 = 2;
const PVID: u16 = 1 << 1;
const RANGE_BEGIN: u16 = 1 << 3;

/// Fills in the port of every link that is one. A bridge that will not hold still is read as it last was.
pub(super) fn observe(asker: &mut Asker, state: &mut State) -> Result<(), KernelError> {
    let mut body = vec![0; 16];
    if let Some(family) = body.first_mut() {
        *family = af::BRIDGE;
    }
    put_attr(&mut body, IFLA_EXT_MASK, &VLAN_RANGES.to_ne_bytes());
    for _ in 0..TRIES {
        let end = asker.dump(rtm::GETLINK, &body, |message| {
            if let Some((index, port)) = port(message.payload)
                && let Some(link) = state.links.values_mut().find(|link| link.index == index)
            {
                link.port = Some(port);
            }
        })?;
        if end == Dump::Whole {
            break;
        }
    }
    Ok(())
}

/// The device's number and what its bridge does with it; `None` for a bridge itself, which tells its VLANs alone.
fn port(payload: &[u8]) -> Option<(u32, Port)> {
    let ([family, _, _, _, i0, i1, i2, i3], _) = payload.split_first_chunk::<8>()?;
    let (_, attrs) = payload.split_first_chunk::<16>()?;
    let (mut found, mut vlans) = (None, Vec::new());
    for (kind, value) in Attrs(attrs) {
        match kind {
            IFLA_PROTINFO => found = Some(info(value)),
            IFLA_AF_SPEC => vlans = self::vlans(value),
            _ => {}
        }
    }
    let port = Port { vlans, ..found? };
    (*family == af::BRIDGE).then_some((u32::from_ne_bytes([*i0, *i1, *i2, *i3]), port))
}

fn info(attrs: &[u8]) -> Port {
    let mut port = Port::default();
    for (kind, value) in Attrs(attrs) {
        let byte = value.first().copied().unwrap_or(0);
        match kind {
            IFLA_BRPORT_STATE => port.state = byte,
            IFLA_BRPORT_MODE => port.hairpin = byte != 0,
            IFLA_BRPORT_LEARNING => port.learning = byte != 0,
            IFLA_BRPORT_UNICAST_FLOOD => port.flood = byte != 0,
            IFLA_BRPORT_ISOLATED => port.isolated = byte != 0,
            _ => {}
        }
    }
    port
}

/// `struct bridge_vlan_info`: flags, then the VLAN; a range takes two of them.
fn vlans(attrs: &[u8]) -> Vec<(u16, u16, bool)> {
    let mut all = Vec::new();
    let mut first = None;
    for (_, value) in Attrs(attrs).filter(|(kind, _)| *kind == IFLA_BRIDGE_VLAN_INFO) {
        let Some([f0, f1, v0, v1]) = value.first_chunk::<4>() else { continue };
        let (flags, vlan) = (u16::from_ne_bytes([*f0, *f1]), u16::from_ne_bytes([*v0, *v1]));
        if flags & RANGE_BEGIN != 0 {
            first = Some(vlan);
        } else {
            all.push((first.take().unwrap_or(vlan), vlan, flags & PVID != 0));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{Port, port, vlans};
    use crate::kernel::wire::put_attr;

    fn vlan(flags: u16, id: u16) -> Vec<u8> {
        let mut buf = Vec::new();
        put_attr(&mut buf, 2, &[flags.to_ne_bytes(), id.to_ne_bytes()].concat());
        buf
    }

    #[test]
    fn ranges_are_two_records_and_one_row() {
        let spec = [vlan(0b110, 1), vlan(0b1000, 10), vlan(0b10000, 19), vlan(0, 30)].concat();
        assert_eq!(vlans(&spec), [(1, 1, true), (10, 19, false), (30, 30, false)]);
    }

    #[test]
    fn a_message_without_port_attributes_is_no_port() {
        let mut head = vec![7, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        put_attr(&mut head, 26, &vlan(0b110, 1));
        assert_eq!(port(&head), None);
        let mut info = Vec::new();
        put_attr(&mut info, 1, &[3]);
        put_attr(&mut info, 33, &[1]);
        put_attr(&mut head, 12 | 0x8000, &info);
        let want = Port { state: 3, isolated: true, vlans: vec![(1, 1, true)], ..Port::default() };
        assert_eq!(port(&head), Some((u32::from_ne_bytes([9, 0, 0, 0]), want)));
    }
}
