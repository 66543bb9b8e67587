//! The vxlan backend: for each peer a permanent neighbour, a forwarding entry and a route, or a plain route where
//! the peer is on-link and `DirectRouting` is set. Rows and their form are flannel's
//! (backend/vxlan/vxlan_network.go); IPv4 and IPv6 are mirror images on two devices.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Device, NexthopIds, World};
use crate::config::{NetConf, Uplink, VxlanConf};
use crate::lease::{Ground, Lease, Path, vet};
use crate::net::{IfName, Mac};
use crate::state::{
    AddrKey, FdbKey, Hop, Hops, Key, NeighKey, Route, RouteKey, RouteKind, State, Vxlan, Want, WantLink,
    proto, table,
};

/// Bytes that encapsulation adds over IPv4: Ethernet 14, VXLAN 8, UDP 8, IPv4 20.
pub const OVERHEAD_V4: u32 = 50;
/// Bytes that encapsulation adds over IPv6. (flannel subtracts 50 here, too, and fragments.)
pub const OVERHEAD_V6: u32 = 70;

/// The metric of an IPv6 route that names none.
const V6_METRIC: u32 = 1024;

/// The overlay's devices: `flannel.<VNI>` for IPv4, `flannel-v6.<VNI>` for IPv6.
pub fn devices(conf: &NetConf, vxlan: &VxlanConf) -> impl Iterator<Item = Device> {
    // A VNI has at most 8 digits: both names always fit.
    let name = |text: String, v6| text.parse::<IfName>().ok().map(|name| Device { name, v6 });
    let v4 = conf.v4.and_then(|_| name(format!("flannel.{}", vxlan.vni), false));
    let v6 = conf.v6.and_then(|_| name(format!("flannel-v6.{}", vxlan.vni), true));
    v4.into_iter().chain(v6)
}

/// The MTU of one device: the underlay's less the encapsulation of its family.
pub fn device_mtu(vxlan: &VxlanConf, uplink_mtu: u32, v6: bool) -> u32 {
    // The kernel refuses more than the lower device can carry.
    let underlay = vxlan.mtu.map_or(uplink_mtu, |mtu| mtu.min(uplink_mtu));
    underlay.saturating_sub(if v6 { OVERHEAD_V6 } else { OVERHEAD_V4 })
}

/// The MTU for pods (subnet.env): the smallest of the devices in use.
pub fn pod_mtu(conf: &NetConf, vxlan: &VxlanConf, uplink_mtu: u32) -> u32 {
    device_mtu(vxlan, uplink_mtu, conf.v6.is_some())
}

/// The tunnel attributes of one device. `local` is always the uplink's own address, never a NAT address: a source
/// that the host does not own sends nothing (measured).
pub fn attributes(conf: &VxlanConf, uplink: &Uplink, v6: bool) -> Vxlan {
    Vxlan {
        vni: conf.vni,
        port: conf.port,
        local: if v6 { uplink.v6.map(IpAddr::V6) } else { uplink.v4.map(IpAddr::V4) },
        lower: Some(uplink.dev),
        learning: conf.learning,
        gbp: conf.gbp,
        ttl: 0,
        ..Vxlan::default()
    }
}

/// The wanted rows of one moment.
pub struct Overlay<'a> {
    world: &'a World,
    conf: &'a VxlanConf,
    have: &'a State,
    ground: Ground,
    devices: Vec<Device>,
    ids: Option<NexthopIds>,
    underlay: Underlay,
}

impl<'a> Overlay<'a> {
    /// Prepares what every row needs.
    pub fn new(world: &'a World, conf: &'a VxlanConf, have: &'a State) -> Self {
        let devices: Vec<Device> = devices(&world.conf, conf).collect();
        let underlay = if conf.direct_routing { Underlay::of(have, &devices) } else { Underlay::default() };
        let ids =
            world.conf.v4.filter(|_| world.objects).map(|range| NexthopIds::new(conf.vni, range.subnet_len));
        Self { world, conf, have, ground: world.ground(), devices, ids, underlay }
    }

    /// Everything.
    pub fn all(&self) -> Want {
        let mut want = Want::default();
        for device in &self.devices {
            self.device(*device, &mut want);
        }
        for lease in self.world.peers.iter() {
            for path in self.paths(lease) {
                self.peer(&path, &mut want);
            }
        }
        want
    }

    /// The wanted rows among `keys`, devices and addresses always included.
    pub fn only(&self, keys: &BTreeSet<Key>) -> Want {
        let mut all = Want::default();
        for device in &self.devices {
            self.device(*device, &mut all);
        }
        for key in keys {
            let leases = match key {
                Key::Neigh(n) => self.world.peers.at_gateway(n.ip),
                Key::Route(r) => self.world.peers.at_gateway(r.dst.network()),
                Key::Fdb(f) => self.world.peers.with_mac(f.mac),
                Key::Nexthop(id) => self.at_id(*id),
                Key::Link(_) | Key::Addr(_) => Vec::new(),
            };
            for lease in leases {
                for path in self.paths(lease) {
                    self.peer(&path, &mut all);
                }
            }
        }
        all.neighs.retain(|k, _| keys.contains(&Key::Neigh(*k)));
        all.fdb.retain(|k, _| keys.contains(&Key::Fdb(*k)));
        all.nexthops.retain(|k, _| keys.contains(&Key::Nexthop(*k)));
        all.routes.retain(|k, _| keys.contains(&Key::Route(*k)));
        all
    }

    /// Every key that a row of this lease may stand on.
    pub fn keys_of(&self, lease: &Lease) -> BTreeSet<Key> {
        let mut keys = BTreeSet::new();
        for path in self.paths(lease) {
            let Some(dev) = self.device_for(&path) else { continue };
            keys.insert(Key::Neigh(NeighKey { dev, ip: path.net.network() }));
            keys.insert(Key::Fdb(fdb_key(dev, path.mac)));
            keys.insert(Key::Route(route_key(path.net)));
            if let IpNet::V4(net) = path.net
                && let Some(range) = self.world.conf.v4
                && let Some(id) = NexthopIds::new(self.conf.vni, range.subnet_len).id(net)
            {
                keys.insert(Key::Nexthop(id));
            }
        }
        keys
    }

    fn at_id(&self, id: u32) -> Vec<&Lease> {
        let gateway = self.ids.and_then(|ids| ids.gateway(id));
        gateway.map(|g| self.world.peers.at_gateway(IpAddr::V4(g))).unwrap_or_default()
    }

    fn paths(&self, lease: &Lease) -> impl Iterator<Item = Path> {
        vet(lease, &self.ground).into_iter().filter_map(Result::ok)
    }

    fn device_for(&self, path: &Path) -> Option<IfName> {
        let v6 = matches!(path.net, IpNet::V6(_));
        self.devices.iter().find(|d| d.v6 == v6).map(|d| d.name)
    }

    /// The device, its address, and that it takes no router advertisements.
    fn device(&self, device: Device, want: &mut Want) {
        let World { uplink, own, .. } = self.world;
        let mac = if device.v6 { own.mac6 } else { own.mac };
        let mtu = device_mtu(self.conf, uplink.mtu, device.v6);
        let vxlan = attributes(self.conf, uplink, device.v6);
        want.links.insert(device.name, WantLink { vxlan, mac, mtu });
        want.sysctls.insert(accept_ra(device.name), "0".to_owned());
        let base = if device.v6 {
            own.subnet.v6.and_then(|n| Ipv6Net::new(n.network(), 128).ok()).map(IpNet::V6)
        } else {
            own.subnet.v4.and_then(|n| Ipv4Net::new(n.network(), 32).ok()).map(IpNet::V4)
        };
        if let Some(net) = base {
            want.addrs.insert(AddrKey { dev: device.name, net });
        }
    }

    /// One family of one peer. Where leases contend for a row, the newest one has it.
    fn peer(&self, path: &Path, want: &mut Want) {
        let Some(dev) = self.device_for(path) else { return };
        let route = route_key(path.net);
        if let Some(hop) = self.underlay.direct(path.vtep) {
            want.routes.insert(route, unicast(Hops::One(hop), proto::FLANCTL));
            return;
        }
        let gateway = path.net.network();
        want.neighs.insert(NeighKey { dev, ip: gateway }, self.mac_at(gateway).unwrap_or(path.mac));
        want.fdb.insert(fdb_key(dev, path.mac), self.home_of(path).unwrap_or(path.vtep));
        let hops = match self.object(path) {
            Some(id) => {
                want.nexthops.insert(id, (gateway, dev));
                Hops::Object(id)
            }
            None => Hops::One(Hop::onlink(gateway, dev)),
        };
        want.routes.insert(route, unicast(hops, proto::BOOT));
    }

    /// The nexthop object of this peer, unless a stranger holds its id.
    fn object(&self, path: &Path) -> Option<u32> {
        let IpNet::V4(net) = path.net else { return None };
        let id = self.ids?.id(net)?;
        let stranger = self.have.nexthops.get(&id).is_some_and(|n| {
            // Without a device (a blackhole) it is a damaged one of ours: no other overlay has this id.
            let here = n.hop.dev.map_or(n.blackhole, |d| self.devices.iter().any(|o| o.name == d));
            n.proto != proto::FLANCTL || !here
        });
        (!stranger).then_some(id)
    }

    /// The MAC of the newest lease at this gateway (leases of different length can begin at one address).
    fn mac_at(&self, gateway: IpAddr) -> Option<Mac> {
        let leases = self.world.peers.at_gateway(gateway);
        leases.iter().flat_map(|l| self.paths(l)).find(|p| p.net.network() == gateway).map(|p| p.mac)
    }

    /// Where the newest lease with this MAC lives.
    fn home_of(&self, path: &Path) -> Option<IpAddr> {
        let leases = self.world.peers.with_mac(path.mac);
        let same = |p: &Path| p.mac == path.mac && p.vtep.is_ipv4() == path.vtep.is_ipv4();
        leases
            .iter()
            .flat_map(|l| self.paths(l))
            .find(|p| same(p) && self.underlay.direct(p.vtep).is_none())
            .map(|p| p.vtep)
    }
}

/// `net.ipv6.conf.<dev>.accept_ra`, with a slash for the dot in the name (sysctl.d(5)).
fn accept_ra(dev: IfName) -> String {
    format!("net.ipv6.conf.{}.accept_ra", dev.as_str().replace('.', "/"))
}

fn route_key(dst: IpNet) -> RouteKey {
    let metric = if matches!(dst, IpNet::V6(_)) { V6_METRIC } else { 0 };
    RouteKey { table: table::MAIN, dst, tos: 0, metric }
}

fn fdb_key(dev: IfName, mac: Mac) -> FdbKey {
    FdbKey { dev, mac, vlan: 0, master: false }
}

fn unicast(hops: Hops, proto: u8) -> Route {
    Route { kind: RouteKind::Unicast, proto, hops, ..Route::default() }
}

/// The foreign routes of the main table, longest prefix first: who is on-link.
#[derive(Default)]
struct Underlay {
    routes: Vec<(IpNet, u32, Option<IfName>)>,
}

impl Underlay {
    fn of(have: &State, devices: &[Device]) -> Self {
        let foreign = |dev: Option<IfName>| !devices.iter().any(|d| Some(d.name) == dev);
        let mut routes = Vec::new();
        for (key, twins) in have.routes.iter().filter(|(k, _)| k.table == table::MAIN) {
            let Some(route) = twins.first() else { continue };
            match &route.hops {
                // Ours lead to peers' pods, not to peers; as foreign rows they would make the answer depend on us.
                Hops::One(hop) if route.proto == proto::FLANCTL || !foreign(hop.dev) => {}
                Hops::One(hop) => {
                    let onlink = hop.dev.filter(|_| hop.via.is_none() && !hop.dead);
                    routes.push((key.dst, key.metric, onlink));
                }
                Hops::Object(id) if have.nexthops.get(id).is_some_and(|n| n.proto == proto::FLANCTL) => {}
                Hops::None | Hops::Object(_) | Hops::Multi(_) => routes.push((key.dst, key.metric, None)),
            }
        }
        routes.sort_by_key(|(dst, metric, _)| (std::cmp::Reverse(dst.prefix_len()), *metric));
        Self { routes }
    }

    /// The hop of a direct route: the peer itself, if one connected net holds it.
    fn direct(&self, vtep: IpAddr) -> Option<Hop> {
        let (_, _, dev) = self.routes.iter().find(|(dst, _, _)| dst.contains(&vtep))?;
        dev.map(|dev| Hop { via: Some(vtep), dev: Some(dev), ..Hop::default() })
    }
}
