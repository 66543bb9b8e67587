//! Which packets a path is told of, and what the kernel lets through for it.

use crate::capture::inner::{self, Inner, Kind};
use crate::capture::nodes::{Nodes, addresses};
use crate::capture::packet::Packet;
use crate::capture::pairing::key::Seen;
use crate::capture::pairing::order::Sighting;
use crate::capture::pairing::record::Outer;
use crate::capture::pairing::{Point, Stage};
use crate::capture::reader::after;
use crate::capture::select::{Held, Select};
use crate::cli::capture::flags::Flags;
use crate::cli::capture::gate;
use crate::cli::capture::uplink;
use crate::error::Failure;

use super::points::Plan;

/// Takes packets apart and says which are wanted.
#[derive(Debug)]
pub struct Filter {
    wanted: Vec<Select>,
    tunnels: crate::capture::ctx::Tunnels,
    others: std::collections::HashSet<(u32, u16)>,
    vni: Option<u32>,
}

impl Filter {
    /// The expression and that of `--inner`: both are about the packet inside, which is the same at every point.
    pub fn new(flags: &Flags, expr: &str, nodes: &Nodes, plan: &Plan) -> Result<Self, Failure> {
        let given = [expr, flags.inner.as_deref().unwrap_or_default()];
        let given = given.into_iter().filter(|text| !text.trim().is_empty());
        let wanted = given.map(|text| gate::select(text, nodes, flags.optimize)).collect::<Result<_, _>>()?;
        Ok(Self { wanted, tunnels: flags.print.tunnels.clone(), others: plan.others.clone(), vni: plan.vni })
    }

    /// A packet at a point, if it is one to be followed.
    pub fn sighting(&self, packet: &Packet<'_>, at: i64, place: usize, point: &Point) -> Option<Sighting> {
        let within = if point.stage == Stage::Uplink { inner::find(packet, &self.tunnels) } else { None };
        let (link, data, len) =
            within.map_or((packet.link, packet.data, packet.len), |w| (w.link, w.data, w.len));
        if within.is_some_and(|within| self.is_others(packet, &within)) {
            return None;
        }
        let outer = within.and_then(|within| {
            let (src, dst) = addresses(inner::ip(packet.link, packet.data).ok()?.ends);
            Some(Outer { vni: within.vni, src, dst })
        });
        let (seen, start) = Seen::read(link, data, len)?;
        // At every point it is a packet of flannel's network, wherever it bears its number.
        let inside = Inner { kind: Kind::Vxlan, vni: self.vni, group: None, link, data, len };
        let held = Held { link, data, len, tunnel: within.or(Some(inside)) };
        let wanted = self.wanted.iter().all(|select| select.takes(&held));
        let bytes = data.get(start..)?.into();
        Some(Sighting { at, point: place, seen, outer, bytes, len: len.saturating_sub(start as u32), wanted })
    }

    /// True if another tunnel of this host has the packet.
    fn is_others(&self, packet: &Packet<'_>, within: &Inner<'_>) -> bool {
        let outer = inner::ip(packet.link, packet.data).ok();
        let udp = outer.and_then(|outer| inner::udp(after(packet.data, outer.body)).ok());
        let port = udp.map(|udp| udp.ports.1);
        within.vni.zip(port).is_some_and(|network| self.others.contains(&network))
    }
}

/// The filter in the kernel for a point: everything that may have to be known again.
pub fn in_kernel(point: &Point, flags: &Flags, plan: &Plan) -> String {
    if point.stage != Stage::Uplink {
        return "ip or ip6".to_owned();
    }
    let nets = plan.nets.iter().map(|(net, bits)| format!("net {net}/{bits}"));
    let bare: Vec<String> = std::iter::once(uplink::ports(&flags.print.tunnels)).chain(nets).collect();
    bare.join(" or ")
}
