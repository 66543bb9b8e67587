//! What the left side of a comparison looks at, and in which words its values are told.

use serde_json::Value as Json;

use super::text;
use crate::firewall::says::Field;
use crate::firewall::words::Kind;

/// A field of the packet and the kind of its values; nothing if it is not one that a packet is known to have.
pub(super) fn field(json: &Json) -> Option<(Field, Kind)> {
    let (what, object) = json.as_object()?.iter().next()?;
    match what.as_str() {
        "payload" => payload(text(object, "protocol"), text(object, "field")).or_else(|| raw_payload(object)),
        "meta" => meta(text(object, "key")),
        "ct" => ct(text(object, "key"), text(object, "dir")),
        "fib" => fib(object),
        _ => None,
    }
}

fn payload(protocol: &str, field: &str) -> Option<(Field, Kind)> {
    Some(match (protocol, field) {
        ("ip", "saddr") => (Field::V4Source, Kind::Address),
        ("ip", "daddr") => (Field::V4Destination, Kind::Address),
        ("ip", "protocol") => (Field::V4Protocol, Kind::Protocol),
        ("ip", "version") => (Field::V4Version, Kind::Number),
        ("ip", "length") => (Field::V4Length, Kind::Number),
        ("ip", "frag-off") => (Field::V4Fragment, Kind::Number),
        ("ip", "dscp") => (Field::V4Dscp, Kind::Dscp),
        ("ip", "ttl") => (Field::V4Ttl, Kind::Number),
        ("ip6", "saddr") => (Field::V6Source, Kind::Address),
        ("ip6", "daddr") => (Field::V6Destination, Kind::Address),
        ("ip6", "nexthdr") => (Field::V6NextHeader, Kind::Protocol),
        ("ip6", "version") => (Field::V6Version, Kind::Number),
        ("ip6", "length") => (Field::V6Length, Kind::Number),
        ("ip6", "dscp") => (Field::V6Dscp, Kind::Dscp),
        ("ip6", "hoplimit") => (Field::V6HopLimit, Kind::Number),
        ("tcp", "flags") => (Field::TcpFlags, Kind::TcpFlags),
        ("icmp", "type") => (Field::IcmpType(1), Kind::IcmpType),
        ("icmp", "code") => (Field::IcmpCode(1), Kind::IcmpCode),
        ("icmpv6", "type") => (Field::IcmpType(58), Kind::Icmp6Type),
        ("icmpv6", "code") => (Field::IcmpCode(58), Kind::Icmp6Code),
        ("ether", "saddr") => (Field::SourceMac, Kind::Name),
        ("ether", "type") => (Field::EtherType, Kind::EtherType),
        (protocol, "sport") => (Field::SourcePort(ported(protocol)?), Kind::Number),
        (protocol, "dport") => (Field::DestinationPort(ported(protocol)?), Kind::Number),
        _ => return None,
    })
}

/// The protocol whose ports are meant; `th` means whichever it is.
fn ported(protocol: &str) -> Option<Option<u8>> {
    match protocol {
        "th" => Some(None),
        "tcp" => Some(Some(6)),
        "udp" => Some(Some(17)),
        "dccp" => Some(Some(33)),
        "sctp" => Some(Some(132)),
        "udplite" => Some(Some(136)),
        _ => None,
    }
}

/// `@th,0,16` and `@th,16,16` are ports, too.
fn raw_payload(object: &Json) -> Option<(Field, Kind)> {
    let number = |key| object.get(key).and_then(Json::as_u64);
    match (text(object, "base"), number("offset")?, number("len")?) {
        ("th", 0, 16) => Some((Field::SourcePort(None), Kind::Number)),
        ("th", 16, 16) => Some((Field::DestinationPort(None), Kind::Number)),
        _ => None,
    }
}

fn meta(key: &str) -> Option<(Field, Kind)> {
    Some(match key {
        "l4proto" => (Field::Protocol, Kind::Protocol),
        "nfproto" => (Field::Family, Kind::Family),
        "protocol" => (Field::EtherType, Kind::EtherType),
        "mark" => (Field::Mark, Kind::Number),
        "iif" | "iifname" => (Field::InDevice, Kind::Name),
        "oif" | "oifname" => (Field::OutDevice, Kind::Name),
        "length" => (Field::Length, Kind::Number),
        "pkttype" => (Field::PacketType, Kind::PacketType),
        _ => return None,
    })
}

fn ct(key: &str, dir: &str) -> Option<(Field, Kind)> {
    Some(match (key, dir) {
        ("state", "") => (Field::CtState, Kind::CtState),
        ("status", "") => (Field::CtStatus, Kind::CtStatus),
        ("direction", "") => (Field::CtDirection, Kind::CtDirection),
        ("mark", "") => (Field::CtMark, Kind::Number),
        ("ip saddr" | "ip6 saddr" | "saddr", "original") => (Field::CtSource, Kind::Address),
        ("ip daddr" | "ip6 daddr" | "daddr", "original") => (Field::CtDestination, Kind::Address),
        ("proto-src", "original") => (Field::CtSourcePort, Kind::Number),
        ("proto-dst", "original") => (Field::CtDestinationPort, Kind::Number),
        ("protocol", "original") => (Field::CtProtocol, Kind::Protocol),
        _ => return None,
    })
}

fn fib(object: &Json) -> Option<(Field, Kind)> {
    let mut flags: Vec<&str> = match object.get("flags")? {
        Json::Array(list) => list.iter().filter_map(Json::as_str).collect(),
        one => vec![one.as_str()?],
    };
    flags.sort_unstable();
    match (text(object, "result"), flags.as_slice()) {
        ("type", ["daddr"]) => Some((Field::DestinationType, Kind::AddrType)),
        ("type", ["saddr"]) => Some((Field::SourceType, Kind::AddrType)),
        ("oif", ["iif", "saddr"] | ["iif", "mark", "saddr"]) => Some((Field::Reverse, Kind::Boolean)),
        _ => None,
    }
}

/// The kinds of a set's parts: `ipv4_addr`, `ipv4_addr . inet_service`, or a list of such.
pub(super) fn kinds_of_type(json: Option<&Json>) -> Option<Vec<Kind>> {
    let words: Vec<&str> = match json? {
        Json::String(one) => one.split(" . ").collect(),
        Json::Array(list) => list.iter().map(Json::as_str).collect::<Option<_>>()?,
        _ => return None,
    };
    words.into_iter().map(kind_of_type).collect()
}

fn kind_of_type(word: &str) -> Option<Kind> {
    Some(match word {
        "ipv4_addr" | "ipv6_addr" => Kind::Address,
        "inet_service" | "mark" | "integer" => Kind::Number,
        "inet_proto" => Kind::Protocol,
        "ifname" | "iface_index" | "ether_addr" => Kind::Name,
        "icmp_type" => Kind::IcmpType,
        "icmp_code" => Kind::IcmpCode,
        "icmpv6_type" => Kind::Icmp6Type,
        "icmpv6_code" => Kind::Icmp6Code,
        "ct_state" => Kind::CtState,
        "ct_status" => Kind::CtStatus,
        "ct_dir" => Kind::CtDirection,
        "dscp" => Kind::Dscp,
        "tcp_flag" => Kind::TcpFlags,
        "pkt_type" => Kind::PacketType,
        "nf_proto" => Kind::Family,
        "ether_type" => Kind::EtherType,
        "fib_addrtype" => Kind::AddrType,
        _ => return None,
    })
}
