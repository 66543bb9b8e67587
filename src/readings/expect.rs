//! What the leases promise of this node's tables: for each peer and address family one route, one neighbour and
//! one forwarding entry, or one direct route instead of the three.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::row::Promise;
use super::{Sight, device_name, flannel_devices, own_lease};
use crate::lease::{Lease, VxlanData};
use crate::net::{IfName, Mac};
use crate::state::{Addr, State};

/// The leases' side of a reading.
pub(super) struct Expected {
    /// Devices whose rows are ours.
    pub(super) ours: BTreeSet<IfName>,
    /// One a peer and address family, in order of the subnets.
    pub(super) peers: Vec<Peer>,
    /// This node's name and its own subnets.
    pub(super) own: Vec<(String, IpNet)>,
    /// Leases that cannot be judged, one sentence each.
    pub(super) unseen: Vec<String>,
}

/// One address family of one peer's lease.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// The owner's name.
    pub(super) node: String,
    /// The leased subnet.
    pub(super) net: IpNet,
    /// The device that leads there.
    pub(super) dev: IfName,
    /// Where outer packets go.
    pub(super) public: IpAddr,
    /// The MAC of the far device.
    pub(super) mac: Mac,
    /// Network identifier.
    pub(super) vni: u32,
    /// Whether the config asks for a direct route; `None` if the config is unknown.
    pub(super) direct: Option<bool>,
}

impl Peer {
    /// The gateway on the overlay device: the subnet's first address.
    pub(super) fn gateway(&self) -> IpAddr {
        self.net.network()
    }

    /// The lease's half of a row that asks for `wants`.
    pub(super) fn promise(&self, wants: String) -> Promise {
        Promise {
            subnet: self.net,
            public_ip: Some(self.public),
            vni: Some(self.vni),
            mac: Some(self.mac),
            wants,
        }
    }
}

/// What a vxlan lease says of one address family; `None` if it is no such lease or says nothing readable.
pub(super) fn vxlan_data(lease: &Lease, v6: bool) -> Option<VxlanData> {
    let data = if v6 { &lease.attrs.backend_v6_data } else { &lease.attrs.backend_data };
    VxlanData::parse(data.as_deref()?).ok()
}

/// The VNI that this node speaks: its lease's, else its config's, else its device's, else flannel's default.
pub(super) fn own_vni(sight: &Sight<'_>) -> u32 {
    let own = own_lease(sight).and_then(|l| vxlan_data(l, false).or_else(|| vxlan_data(l, true)));
    own.map(|data| data.vni)
        .or(sight.conf.map(|conf| conf.vni))
        .or_else(|| flannel_devices(sight.state).first().map(|(_, vni)| *vni))
        .unwrap_or(1)
}

/// The leases' side, or `None` without leases.
pub(super) fn expected(sight: &Sight<'_>) -> Option<Expected> {
    let leases = sight.leases?;
    let own = own_lease(sight);
    let vni = own_vni(sight);
    let mut all = Expected {
        ours: [device_name(false, vni), device_name(true, vni)].into_iter().flatten().collect(),
        peers: Vec::with_capacity(leases.len()),
        own: own.map(|l| l.subnet.nets().map(|net| (l.attrs.name(), net)).collect()).unwrap_or_default(),
        unseen: Vec::new(),
    };
    if own.is_none() {
        all.unseen.push("no lease is this node's own: every lease counts as a peer's".to_owned());
    }
    for lease in leases.iter().filter(|lease| own.is_none_or(|own| own.subnet != lease.subnet)) {
        for net in lease.subnet.nets() {
            match peer(sight, lease, net, vni) {
                Ok(peer) => all.peers.push(peer),
                Err(why) => all.unseen.push(format!("lease {net} ({}): {why}", lease.attrs.name())),
            }
        }
    }
    all.peers.sort_by_key(|peer| peer.net);
    Some(all)
}

/// One family of one lease; the reason in words if it promises nothing here.
fn peer(sight: &Sight<'_>, lease: &Lease, net: IpNet, vni: u32) -> Result<Peer, String> {
    let v6 = net.addr().is_ipv6();
    let attrs = &lease.attrs;
    if &*attrs.backend_type != "vxlan" {
        let kind = if attrs.backend_type.is_empty() { "udp or alloc" } else { &*attrs.backend_type };
        return Err(format!("its backend is {kind}, not vxlan"));
    }
    let data = if v6 { &attrs.backend_v6_data } else { &attrs.backend_data };
    let data = data.as_deref().ok_or("no BackendData")?;
    let data = VxlanData::parse(data).map_err(|e| e.to_string())?;
    if data.vni != vni {
        return Err(format!("it is on VNI {}, this node on {vni}", data.vni));
    }
    if data.mac.is_multicast() || data.mac.is_zero() {
        return Err(format!("no node can own the MAC {}", data.mac));
    }
    let public = if v6 { attrs.public_ipv6.map(IpAddr::V6) } else { attrs.public_ip.map(IpAddr::V4) };
    let public = public.ok_or("no public address of this family")?;
    let dev = device_name(v6, vni).ok_or("the VNI is out of range")?;
    let direct = sight.conf.map(|conf| conf.direct_routing && on_link(sight.state, public));
    Ok(Peer { node: attrs.name(), net, dev, public, mac: data.mac, vni, direct })
}

/// True if an address of this host has `ip` on its own net.
fn on_link(state: &State, ip: IpAddr) -> bool {
    let usable = |addr: &Addr| addr.flags & Addr::DEPRECATED == 0;
    state.addrs.iter().any(|(key, addr)| {
        usable(addr) && key.net.prefix_len() < key.net.max_prefix_len() && key.net.contains(&ip)
    })
}

/// The node whose lease names this public address or holds this overlay address; `-` if none does.
pub(super) fn node_of(peers: &[Peer], ip: IpAddr) -> &str {
    let found = peers.iter().find(|peer| peer.public == ip || peer.net.contains(&ip));
    found.map_or("-", |peer| peer.node.as_str())
}
