//! Asks the kernel for its routing decision (`RTM_GETROUTE` with `RTM_F_FIB_MATCH`: the row itself, not one leg of it).

use super::codec::{self, Names, Read, af, rtm};
use super::socket::Asker;
use super::wire::{put_attr, put_ip};
use super::{KernelError, Refusal};
use crate::state::fib::Flow;
use crate::state::{Row, State, Told};

/// The row itself; and, for IPv4, the table that it stands in (IPv6 always tells, and takes no other flag).
const FIB_MATCH: u32 = 0x2000;
const LOOKUP_TABLE: u32 = 0x1000;
const RTA_DST: u16 = 1;
const RTA_SRC: u16 = 2;
const RTA_IIF: u16 = 3;
const RTA_MARK: u16 = 16;
const RTA_UID: u16 = 25;
const RTA_IP_PROTO: u16 = 27;
const RTA_SPORT: u16 = 28;
const RTA_DPORT: u16 = 29;

/// Protocols that the kernel takes in the question (`rtm_getroute_parse_ip_proto`); without one it asks for UDP.
const KNOWN: [u8; 2] = [6, UDP];
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;

/// The flow as the kernel can be asked about it.
pub fn askable(flow: &Flow) -> Flow {
    let ports = matches!(flow.proto, 6 | UDP);
    let echo = if flow.dst.is_ipv6() { ICMP_V6 } else { ICMP };
    let known = KNOWN.contains(&flow.proto) || flow.proto == echo;
    let proto = if known { flow.proto } else { UDP };
    Flow { proto, sport: flow.sport.filter(|_| ports), dport: flow.dport.filter(|_| ports), ..flow.clone() }
}

/// The decision for an [`askable`] flow, in the namespace of the calling thread. `state` names the devices.
pub fn route(flow: &Flow, state: &State) -> Result<Told, KernelError> {
    let mut names = Names::default();
    state.links.iter().for_each(|(dev, link)| names.put(link.index, *dev));
    let index = |dev| state.links.get(&dev).map(|link| link.index);
    let fill = |buf: &mut Vec<u8>| {
        let (family, bits) = if flow.dst.is_ipv6() { (af::INET6, 128) } else { (af::INET, 32) };
        let from = if flow.src.is_some() { bits } else { 0 };
        buf.extend_from_slice(&[family, bits, from, flow.tos, 0, 0, 0, 0]);
        let flags = if flow.dst.is_ipv6() { FIB_MATCH } else { FIB_MATCH | LOOKUP_TABLE };
        buf.extend_from_slice(&flags.to_ne_bytes());
        put_ip(buf, RTA_DST, flow.dst);
        if let Some(src) = flow.src {
            put_ip(buf, RTA_SRC, src);
        }
        match flow.iif.and_then(index) {
            Some(index) => put_attr(buf, RTA_IIF, &index.to_ne_bytes()),
            None => put_attr(buf, RTA_UID, &flow.uid.to_ne_bytes()),
        }
        if flow.mark != 0 {
            put_attr(buf, RTA_MARK, &flow.mark.to_ne_bytes());
        }
        put_attr(buf, RTA_IP_PROTO, &[flow.proto]);
        for (kind, port) in [(RTA_SPORT, flow.sport), (RTA_DPORT, flow.dport)] {
            if let Some(port) = port {
                put_attr(buf, kind, &port.to_be_bytes());
            }
        }
    };
    let mut asker = Asker::open()?;
    let broken = |source| KernelError::Io { what: "asking for a route".to_owned(), source };
    let read = |message: super::wire::Message<'_>| match codec::read(message.kind, message.payload, &names) {
        Read::Row(Row::Route(key, route)) => Some(Told::Row(key, Box::new(route))),
        _ => None,
    };
    match asker.get(rtm::GETROUTE, fill, read).map_err(broken)? {
        Ok(Some(told)) => Ok(told),
        Ok(None) => Err(broken(std::io::Error::other("the answer names no route"))),
        Err(refusal @ Refusal { .. }) => Ok(Told::Refused(refusal.to_string())),
    }
}
