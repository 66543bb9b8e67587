//! What is told of flows: the values that the table and the document are made from.

use std::net::IpAddr;

use serde::Serialize;

use super::key::{End, Tunnel};
use super::point::{Flow, Place};
use super::rtt::Rtt;
use super::{Beat, Flows};
use crate::capture::nodes::Nodes;

/// All flows, or those with most bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Packets that were captured.
    pub captured: u64,
    /// Those that are not IP, or whose headers were not captured.
    pub other: u64,
    /// Those that are a counted packet on its next hop, or on another interface.
    pub copies: u64,
    /// Flows that are known; fewer may be shown.
    pub known: usize,
    /// Flows that made room for others.
    pub forgotten: u64,
    /// Time of the first packet, in seconds since 1970.
    pub first: Option<f64>,
    /// Time of the last packet.
    pub last: Option<f64>,
    /// Milliseconds of a span of `rate`.
    pub span_ms: f64,
    /// The flows, most bytes first.
    pub flows: Vec<Row>,
}

/// A flow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// `tcp`, `udp`, `icmp`, `icmp6`, `sctp`, or the protocol's number.
    pub proto: String,
    /// The identifier of an ICMP echo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u16>,
    /// Who began, as far as was seen.
    pub src: Host,
    /// The other end.
    pub dst: Host,
    /// The tunnel around.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<Around>,
    /// Where it was seen, the place that was first before the others; empty where no name is known.
    pub interfaces: Vec<String>,
    /// Time of the first packet, in seconds since 1970.
    pub first: f64,
    /// Time of the last packet.
    pub last: f64,
    /// From `src` to `dst`.
    pub out: Way,
    /// From `dst` to `src`.
    pub back: Way,
    /// ICMP errors about the flow's packets.
    pub icmp: Icmp,
    /// Bytes both ways in each span of time, the latest last.
    pub rate: Vec<u64>,
}

/// An end of a flow.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Host {
    /// Its address.
    pub addr: IpAddr,
    /// Its port, where the protocol has ports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The node whose address it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// A tunnel.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Around {
    /// `vxlan`, `vxlan-gpe`, `geneve`, `udp`.
    pub kind: &'static str,
    /// Which network of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vni: Option<u32>,
    /// Destination port of its packets.
    pub port: u16,
    /// The tunnel's end on the side of `src`.
    pub src: IpAddr,
    /// The tunnel's end on the side of `dst`.
    pub dst: IpAddr,
}

/// One direction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Way {
    /// Packets.
    pub packets: u64,
    /// Bytes of IP packets.
    pub bytes: u64,
    /// TCP segments that were sent again.
    pub retransmits: u64,
    /// TCP segments that others overtook.
    pub out_of_order: u64,
    /// Duplicate acknowledgements of TCP; of other protocols packets that came twice.
    pub dups: u64,
    /// From the place of capture to the receiver of this direction and back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt: Option<Trip>,
}

/// Round trips.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Trip {
    /// How many.
    pub samples: u64,
    /// The shortest, in microseconds.
    pub min_us: f64,
    /// The mean.
    pub avg_us: f64,
    /// The longest.
    pub max_us: f64,
}

/// ICMP errors.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Icmp {
    /// Something was unreachable.
    pub unreachable: u64,
    /// A packet was too long for a link: fragmentation needed, or packet too big.
    pub too_big: u64,
    /// One was under way too long.
    pub time_exceeded: u64,
    /// A header could not be right.
    pub parameter: u64,
    /// Type of the last.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<u8>,
    /// Code of the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u8>,
    /// Who sent the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<IpAddr>,
    /// The MTU that was told last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
}

/// Names for what packets bear numbers of.
#[derive(Debug, Default)]
pub struct Known {
    /// Whose an address is.
    pub nodes: Nodes,
    /// Names of the interfaces, by the packet's number of them.
    pub interfaces: Vec<String>,
    /// Names of this host's interfaces, by index.
    pub indexes: std::collections::HashMap<u32, String>,
}

impl Known {
    fn interface(&self, place: &Place) -> Option<String> {
        match place.index {
            // Where every interface is captured, that one's name says nothing about the packet.
            Some(index) => Some(self.indexes.get(&index).cloned().unwrap_or_else(|| format!("if{index}"))),
            None => self.interfaces.get(place.interface as usize).filter(|name| !name.is_empty()).cloned(),
        }
    }

    fn host(&self, proto: u8, End { addr, port }: End) -> Host {
        let port = matches!(proto, 6 | 17 | 33 | 132 | 136).then_some(port);
        Host { addr, port, node: self.nodes.of(addr).map(|node| node.name.clone()) }
    }
}

fn seconds(nanos: i64) -> f64 {
    // To the microsecond: a double has no more digits left beside the seconds of this century.
    (nanos as f64 / 1e3).round() / 1e6
}

fn trip(rtt: Rtt) -> Option<Trip> {
    let micros = |nanos: i64| nanos as f64 / 1e3;
    let (min, avg, max) = (rtt.min()?, rtt.mean()?, rtt.max()?);
    Some(Trip { samples: rtt.samples, min_us: micros(min), avg_us: micros(avg), max_us: micros(max) })
}

/// What the protocol is called.
fn proto(number: u8) -> String {
    match number {
        1 => "icmp".to_owned(),
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        58 => "icmp6".to_owned(),
        132 => "sctp".to_owned(),
        _ => number.to_string(),
    }
}

impl Flows {
    /// The flows with most bytes, at most so many, at the time `now`.
    pub fn report(&self, most: Option<usize>, known: &Known, now: i64) -> Report {
        let mut flows: Vec<(u64, &Flow)> = self.store.all().map(|flow| (flow.bytes(), flow)).collect();
        let count = flows.len();
        // Of equals the earlier: a row keeps its place from one table to the next.
        flows.sort_by(|(one, a), (other, b)| other.cmp(one).then(a.first.cmp(&b.first)));
        flows.truncate(most.unwrap_or(count));
        Report {
            captured: self.captured,
            other: self.other,
            copies: self.copies,
            known: count,
            forgotten: self.store.forgotten,
            first: self.first.map(seconds),
            last: self.first.map(|_| seconds(self.last)),
            span_ms: self.beat.length() as f64 / 1e6,
            flows: flows.into_iter().map(|(_, flow)| row(flow, known, &self.beat, now)).collect(),
        }
    }
}

fn row(flow: &Flow, known: &Known, beat: &Beat, now: i64) -> Row {
    let ([src, dst], tunnel) = flow.key.turned(flow.back);
    let proto_number = flow.key.proto;
    let echo = matches!(proto_number, 1 | 58) && src.port != 0;
    let errors = flow.errors();
    let mut interfaces: Vec<String> = Vec::new();
    for name in flow.points.iter().filter_map(|point| known.interface(&point.place)) {
        if !interfaces.contains(&name) {
            interfaces.push(name);
        }
    }
    Row {
        proto: proto(proto_number),
        id: echo.then_some(src.port),
        src: known.host(proto_number, src),
        dst: known.host(proto_number, dst),
        tunnel: tunnel.map(around),
        interfaces,
        first: seconds(flow.first),
        last: seconds(flow.last),
        out: way(flow, flow.back),
        back: way(flow, !flow.back),
        icmp: Icmp {
            unreachable: errors.unreachable,
            too_big: errors.too_big,
            time_exceeded: errors.time_exceeded,
            parameter: errors.parameter,
            kind: errors.last.map(|(kind, ..)| kind),
            code: errors.last.map(|(_, code, _)| code),
            from: errors.last.map(|(.., from)| from),
            mtu: errors.mtu,
        },
        rate: rate(flow, beat, now),
    }
}

fn around(Tunnel { kind, vni, port, ends: [src, dst] }: Tunnel) -> Around {
    Around { kind: kind.name(), vni, port, src, dst }
}

fn way(flow: &Flow, back: bool) -> Way {
    let Some((_, side)) = flow.side(back) else {
        return Way { packets: 0, bytes: 0, retransmits: 0, out_of_order: 0, dups: 0, rtt: None };
    };
    let stream = &side.stream;
    Way {
        packets: side.packets,
        bytes: side.bytes,
        retransmits: stream.retransmits,
        out_of_order: stream.out_of_order,
        dups: stream.dups + side.twice,
        rtt: trip(stream.rtt),
    }
}

/// The spans of the place that both directions are told of, or of both.
fn rate(flow: &Flow, beat: &Beat, now: i64) -> Vec<u64> {
    let point = |back| flow.side(back).map(|(point, _)| point);
    let (one, other) = (point(false), point(true));
    let shown = |point: Option<&super::point::Point>| point.map(|point| point.spark.shown(beat, now));
    match (shown(one), shown(other)) {
        (Some(mut spans), Some(more)) if one.map(|p| p.place) != other.map(|p| p.place) => {
            spans.iter_mut().zip(more).for_each(|(span, more)| *span += more);
            spans
        }
        (Some(spans), _) | (None, Some(spans)) => spans,
        (None, None) => Vec::new(),
    }
}
