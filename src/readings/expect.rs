//! What the leases promise of this node's tables: for each peer and address family one route, one neighbour and
//! one forwarding entry, or one direct route instead of the three.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::row::{Promise, Row, Standing};
use super::{Sight, device_name, flannel_devices, own_lease};
use crate::config::NetConf;
use crate::lease::{Ground, Lease, Path, VxlanData, vet};
use crate::net::{IfName, Mac, Subnet};
use crate::state::{Addr, State};

/// The leases' side of a reading.
pub(super) struct Expected {
    /// Devices whose rows are ours.
    pub(super) ours: BTreeSet<IfName>,
    /// One a peer and address family, in order of the subnets.
    pub(super) peers: Vec<Peer>,
    /// This node's name and its own subnets.
    pub(super) own: Vec<(String, IpNet)>,
    /// Leases that no node can honour, and records that are none.
    pub(super) refused: Vec<Row>,
    /// What cannot be judged, one sentence each.
    pub(super) unseen: Vec<String>,
}

/// One address family of one peer's lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The owner's name.
    pub node: String,
    /// The leased subnet.
    pub net: IpNet,
    /// The device that leads there.
    pub dev: IfName,
    /// Where outer packets go.
    pub public: IpAddr,
    /// The MAC of the far device.
    pub mac: Mac,
    /// Network identifier.
    pub vni: u32,
    /// Whether the config asks for a direct route; `None` if the config is unknown.
    pub direct: Option<bool>,
}

impl Peer {
    /// The gateway on the overlay device: the subnet's first address.
    pub fn gateway(&self) -> IpAddr {
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
        .or(sight.vxlan().map(|conf| conf.vni))
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
        refused: Vec::new(),
        unseen: Vec::new(),
    };
    if own.is_none() {
        all.unseen.push("no lease is this node's own: every lease counts as a peer's".to_owned());
    }
    let ground = ground(sight, own);
    for lease in leases.iter().filter(|lease| own.is_none_or(|own| own.subnet != lease.subnet)) {
        for (net, verdict) in verdicts(lease, &ground) {
            match verdict.and_then(|path| peer(sight, lease, path, vni)) {
                Ok(peer) => all.peers.push(peer),
                Err(why) => all.refused.push(refused(lease, net, why)),
            }
        }
    }
    all.peers.sort_by_key(|peer| peer.net);
    all.refused.sort_by_key(|row| row.lease.as_ref().map(|lease| lease.subnet));
    let unreadable =
        sight.unreadable.iter().map(|bad| Row::new(Standing::Refused, "-", None, None).note(bad));
    all.refused.extend(unreadable);
    Some(all)
}

/// What the agent holds peers' leases against, as far as it is known here.
fn ground(sight: &Sight<'_>, own: Option<&Lease>) -> Ground {
    let anything = || vec![IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())];
    let attrs = own.map(|own| &own.attrs);
    let v4 = attrs.and_then(|attrs| attrs.public_ip).map(IpAddr::V4);
    let v6 = attrs.and_then(|attrs| attrs.public_ipv6).map(IpAddr::V6);
    let macs = own.map(|own| [vxlan_data(own, false), vxlan_data(own, true)]).unwrap_or_default();
    Ground {
        networks: sight.conf.map_or_else(anything, NetConf::networks),
        own: own.map_or(Subnet { v4: None, v6: None }, |own| own.subnet),
        own_ips: v4.into_iter().chain(v6).collect(),
        own_macs: macs.into_iter().flatten().map(|data| data.mac).collect(),
    }
}

/// Each family of a lease, as the agent takes or refuses it.
fn verdicts(lease: &Lease, ground: &Ground) -> Vec<(IpNet, Result<Path, String>)> {
    let kind = match &*lease.attrs.backend_type {
        "vxlan" => {
            let verdicts =
                vet(lease, ground).into_iter().map(|verdict| verdict.map_err(|why| why.to_string()));
            return lease.subnet.nets().zip(verdicts).collect();
        }
        "" => "udp or alloc",
        kind => kind,
    };
    let why = format!("its backend is {kind}, not vxlan");
    lease.subnet.nets().map(|net| (net, Err(why.clone()))).collect()
}

/// One family of one lease; the reason in words if it promises nothing here.
fn peer(sight: &Sight<'_>, lease: &Lease, path: Path, vni: u32) -> Result<Peer, String> {
    let Path { net, mac, vtep, vni: theirs } = path;
    if theirs != vni {
        return Err(format!("it is on VNI {theirs}, this node on {vni}"));
    }
    let dev = device_name(net.addr().is_ipv6(), vni).ok_or("the VNI is out of range")?;
    let direct = sight.vxlan().map(|conf| conf.direct_routing && on_link(sight.state, vtep));
    Ok(Peer { node: lease.attrs.name(), net, dev, public: vtep, mac, vni, direct })
}

/// The row of a lease that no node can honour.
fn refused(lease: &Lease, net: IpNet, why: String) -> Row {
    let v6 = net.addr().is_ipv6();
    let data = vxlan_data(lease, v6);
    let public =
        if v6 { lease.attrs.public_ipv6.map(IpAddr::V6) } else { lease.attrs.public_ip.map(IpAddr::V4) };
    let promise = Promise {
        subnet: net,
        public_ip: public,
        vni: data.map(|data| data.vni),
        mac: data.map(|data| data.mac),
        wants: String::new(),
    };
    Row::new(Standing::Refused, lease.attrs.name(), None, Some(promise)).note(why)
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
