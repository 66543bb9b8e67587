//! The kernel's rows in iproute2's words.

use std::fmt::Write;

use ipnet::IpNet;

use super::row::{Device, FdbHalf, NeighHalf, RouteHalf};
use crate::net::IfName;
use crate::plan::route_words;
use crate::state::{Fdb, FdbKey, Hop, Hops, Neigh, NeighKey, Route, RouteKey, State, nud, proto};

/// The states of a neighbour, strongest first, as `ip neigh` names them.
const NUD: &[(u16, &str)] = &[
    (nud::PERMANENT, "PERMANENT"),
    (nud::NOARP, "NOARP"),
    (nud::REACHABLE, "REACHABLE"),
    (nud::STALE, "STALE"),
    (nud::DELAY, "DELAY"),
    (nud::PROBE, "PROBE"),
    (nud::FAILED, "FAILED"),
    (nud::INCOMPLETE, "INCOMPLETE"),
];

/// Route protocols that people know by name (rt_protos).
const PROTOS: &[(u8, &str)] = &[
    (1, "redirect"),
    (proto::KERNEL, "kernel"),
    (proto::BOOT, "boot"),
    (proto::STATIC, "static"),
    (9, "ra"),
    (16, "dhcp"),
    (186, "bgp"),
    (188, "ospf"),
    (proto::FLANCTL, "flanctl"),
];

/// `PERMANENT`, `STALE`, … for the state bits of a neighbour.
pub fn neigh_state(state: u16) -> String {
    NUD.iter()
        .find(|(bit, _)| state & bit != 0)
        .map_or_else(|| format!("{state:#x}"), |(_, w)| (*w).to_owned())
}

/// `permanent`, `static`, or nothing for an entry that ages.
pub(super) fn fdb_state(state: u16) -> &'static str {
    match (state & nud::PERMANENT != 0, state & nud::NOARP != 0) {
        (true, _) => "permanent",
        (false, true) => "static",
        (false, false) => "",
    }
}

/// The protocol's name, or its number.
pub fn protocol(number: u8) -> String {
    PROTOS.iter().find(|(n, _)| *n == number).map_or_else(|| number.to_string(), |(_, w)| (*w).to_owned())
}

/// The first hop of a route, through a nexthop object if it has one.
pub(super) fn first_hop(state: &State, route: &Route) -> Option<Hop> {
    match &route.hops {
        Hops::None => None,
        Hops::One(hop) => Some(*hop),
        Hops::Multi(legs) => legs.first().map(|(hop, _)| *hop),
        Hops::Object(id) => object_hop(state, *id),
    }
}

/// The hop of a nexthop object, or of the first member of a group (a group has no groups in it).
fn object_hop(state: &State, id: u32) -> Option<Hop> {
    let object = state.nexthops.get(&id)?;
    match object.group.first() {
        Some((member, _)) => state.nexthops.get(member).map(|m| m.hop),
        None => Some(object.hop).filter(|_| !object.blackhole),
    }
}

/// A route as a half row.
pub(super) fn route_half(state: &State, key: &RouteKey, route: &Route) -> RouteHalf {
    let hop = first_hop(state, route);
    let nhid = match route.hops {
        Hops::Object(id) => Some(id),
        _ => None,
    };
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = route_words(&mut text, key, route);
    if let (Some(_), Some(hop)) = (nhid, hop) {
        // `ip route` shows the object's hop behind its id.
        if let Some(via) = hop.via {
            let _ = write!(text, " via {via}");
        }
        if let Some(dev) = hop.dev {
            let _ = write!(text, " dev {dev}");
        }
        if hop.onlink {
            text.push_str(" onlink");
        }
    }
    RouteHalf {
        dst: key.dst,
        via: hop.and_then(|h| h.via),
        dev: hop.and_then(|h| h.dev),
        nhid,
        of_table: key.table,
        metric: key.metric,
        proto: route.proto,
        text,
    }
}

/// A neighbour as a half row.
pub(super) fn neigh_half(key: &NeighKey, neigh: &Neigh) -> NeighHalf {
    NeighHalf { ip: key.ip, dev: key.dev, mac: neigh.mac, nud: neigh_state(neigh.state) }
}

/// A forwarding entry as a half row.
pub(super) fn fdb_half(key: &FdbKey, fdb: &Fdb) -> FdbHalf {
    FdbHalf {
        mac: key.mac,
        dev: key.dev,
        dst: fdb.dst,
        more: fdb.more.clone(),
        master: key.master,
        nud: fdb_state(fdb.state).to_owned(),
    }
}

/// True for a net that no router leads into.
pub(super) fn is_link_local(net: IpNet) -> bool {
    match net {
        IpNet::V4(net) => net.addr().is_link_local(),
        IpNet::V6(net) => net.addr().is_unicast_link_local(),
    }
}

/// A VXLAN device as a half row; `None` for another kind of device.
pub(super) fn device_half(state: &State, dev: IfName) -> Option<Device> {
    let link = state.links.get(&dev)?;
    let vxlan = link.vxlan()?;
    // The kernel gives an IPv6 device a link-local address by itself.
    let addrs = state.addrs_of(dev).map(|(net, _)| net).filter(|net| !is_link_local(*net));
    Some(Device {
        dev,
        vni: vxlan.vni,
        mac: link.mac,
        local: vxlan.local,
        lower: vxlan.lower,
        port: vxlan.port,
        learning: vxlan.learning,
        mtu: link.mtu,
        addrs: addrs.collect(),
        up: link.up,
    })
}

/// As `ip neigh show` prints it.
pub fn neigh_line(n: &NeighHalf) -> String {
    match n.mac {
        Some(mac) => format!("{} dev {} lladdr {mac} {}", n.ip, n.dev, n.nud),
        None => format!("{} dev {} {}", n.ip, n.dev, n.nud),
    }
}

/// As `bridge fdb show` prints it.
pub fn fdb_line(f: &FdbHalf) -> String {
    let mut line = format!("{} dev {}", f.mac, f.dev);
    for dst in f.dst.iter().chain(&f.more) {
        let _ = write!(line, " dst {dst}");
    }
    line.push_str(if f.master { " master" } else { " self" });
    if !f.nud.is_empty() {
        line.push(' ');
        line.push_str(&f.nud);
    }
    line
}

/// As `ip -d link` prints the vxlan part, with MAC, MTU and whether it is up.
pub fn device_line(d: &Device) -> String {
    let mut line = format!("{} vxlan id {}", d.dev, d.vni);
    if let Some(local) = d.local {
        let _ = write!(line, " local {local}");
    }
    if let Some(lower) = d.lower {
        let _ = write!(line, " dev {lower}");
    }
    let learning = if d.learning { "learning" } else { "nolearning" };
    let _ = write!(line, " dstport {} {learning} mtu {}", d.port, d.mtu);
    if let Some(mac) = d.mac {
        let _ = write!(line, " lladdr {mac}");
    }
    for addr in &d.addrs {
        let _ = write!(line, " addr {addr}");
    }
    line.push_str(if d.up { " up" } else { " down" });
    line
}
