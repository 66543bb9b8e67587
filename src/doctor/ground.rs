//! What every check looks at: the snapshot, and what follows from it at once.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::underlay::Way;
use crate::config::{Backend, NetConf, SubnetEnv, VxlanConf};
use crate::finding::repair::PeerRows;
use crate::lease::{Lease, VxlanData};
use crate::net::{IfName, Subnet};
use crate::readings::{Drift, Peer, Sight, drift, flannel_devices, goes_direct, own_lease};
use crate::snapshot::Snapshot;
use crate::state::{Link, LinkKind, Pod, State};

/// One node, seen for an examination.
pub struct Ground<'a> {
    /// The node.
    pub near: &'a Snapshot,
    /// Other nodes, where the user has a snapshot of them.
    pub others: &'a [Snapshot],
    /// The network config, if it was read.
    pub conf: Option<NetConf>,
    /// This node's own lease, if it can be told.
    pub own: Option<&'a Lease>,
    /// Tables beside leases; `None` without leases.
    pub drift: Option<Drift>,
    /// The overlay's devices, whether they are there or not.
    pub devices: Vec<Device>,
    /// The device that outer packets leave by.
    pub uplink: Option<IfName>,
    /// Bridges that carry pods of this node.
    pub bridges: Vec<IfName>,
    /// The ways of outer packets, once somebody asked for them.
    pub(super) ways: OnceCell<Vec<Way>>,
}

/// A device that the overlay has, or should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name.
    pub name: IfName,
    /// The one for IPv6.
    pub v6: bool,
    /// What the own lease says of it.
    pub lease: Option<VxlanData>,
    /// The own subnet of that family.
    pub subnet: Option<IpNet>,
}

/// A pod of this node, by the interface that the overlay reaches it at.
#[derive(Clone, Copy, Debug)]
pub struct PodView<'a> {
    /// The pod.
    pub pod: &'a Pod,
    /// Its interface.
    pub dev: IfName,
    /// Its address there.
    pub addr: IpNet,
    /// The other end of that veth pair, on the node.
    pub port: Option<IfName>,
}

impl<'a> PodView<'a> {
    fn of(state: &State, pod: &'a Pod, own: Subnet) -> Option<Self> {
        let (key, _) = pod.state.addrs.iter().find(|(key, _)| own.contains(key.net.addr()))?;
        let port = pod.state.links.get(&key.dev).and_then(|inner| port_of(state, pod, inner));
        Some(Self { pod, dev: key.dev, addr: key.net, port })
    }
}

/// The node's end of the veth pair of which `inner` is the pod's.
pub(super) fn port_of(state: &State, pod: &Pod, inner: &Link) -> Option<IfName> {
    let ends = state.links.iter().filter(|(_, link)| match link.kind {
        // The pair's ends name each other; the namespace's id tells pods with equal numbers apart.
        LinkKind::Veth { peer, netns } => peer == Some(inner.index) && netns.is_some() && netns == pod.nsid,
        _ => false,
    });
    ends.map(|(name, _)| *name).next()
}

/// What is said where leases are needed and there are none.
pub(super) const NO_LEASES: &str = "no leases in reach (name a store with --store or --etcd-endpoints)";
/// The same for the network config.
pub(super) const NO_CONF: &str = "the network config is not known";
/// The same for the device.
pub(super) const NO_DEVICE: &str = "there is no flannel device here";

impl<'a> Ground<'a> {
    /// Gathers it.
    pub fn of(near: &'a Snapshot, others: &'a [Snapshot]) -> Self {
        let conf = near.conf();
        let sight = Sight {
            state: &near.state,
            leases: near.leases.as_deref(),
            own: near.own,
            conf: conf.as_ref(),
            unreadable: &[],
        };
        let subnet = own_lease(&sight).map(|own| own.subnet);
        let own = near.leases.iter().flatten().find(|lease| Some(lease.subnet) == subnet);
        let drift = drift(&sight);
        let devices = devices(&near.state, conf.as_ref(), own);
        let lower = devices.iter().find_map(|dev| near.state.links.get(&dev.name)?.vxlan()?.lower);
        let uplink = near.uplink.as_ref().map(|uplink| uplink.dev).or(lower);
        let bridges = bridges(&near.state, own, conf.as_ref());
        Self { near, others, conf, own, drift, devices, uplink, bridges, ways: OnceCell::new() }
    }

    /// The kernel's tables.
    pub fn state(&self) -> &'a State {
        &self.near.state
    }

    /// The node's name.
    pub fn node(&self) -> &'a str {
        &self.near.host
    }

    /// Options of the vxlan backend.
    pub fn vxlan(&self) -> Option<VxlanConf> {
        self.conf.as_ref().map(|conf| {
            let Backend::Vxlan(vxlan) = conf.backend;
            vxlan
        })
    }

    /// A fact by its key.
    pub fn fact(&self, key: &str) -> Option<&'a str> {
        self.near.state.fact(key)
    }

    /// The number in a sysctl.
    pub fn sysctl(&self, name: &str) -> Option<i64> {
        self.fact(&format!("sysctl:{name}"))?.trim().parse().ok()
    }

    /// The number in `net.ipv4.conf.DEV.NAME`.
    pub fn dev_sysctl(&self, family: &str, dev: &str, name: &str) -> Option<i64> {
        self.sysctl(&format!("net.{family}.conf.{}.{name}", dev.replace('.', "/")))
    }

    /// The overlay's devices that are there.
    pub fn there(&self) -> impl Iterator<Item = (Device, &'a Link)> {
        let links = &self.near.state.links;
        self.devices.iter().filter_map(|dev| Some((*dev, links.get(&dev.name)?)))
    }

    /// The peers, one an address family.
    pub fn peers(&self) -> &[Peer] {
        self.drift.as_ref().map(|drift| drift.peers.as_slice()).unwrap_or_default()
    }

    /// The peer that holds exactly this subnet.
    pub fn peer(&self, net: IpNet) -> Option<&Peer> {
        let found = self.peers().binary_search_by_key(&net, |peer| peer.net).ok()?;
        self.peers().get(found)
    }

    /// What a peer's lease promises of this node's tables, for the wording of findings.
    pub fn rows(&self, peer: &Peer) -> PeerRows {
        let Peer { node, net, dev, public, mac, .. } = peer;
        let direct = goes_direct(self.state(), peer);
        PeerRows { node: node.clone(), net: *net, dev: *dev, mac: *mac, public: *public, direct }
    }

    /// The networks of the config; else what the own lease and the peers' span.
    pub fn networks(&self) -> Vec<IpNet> {
        self.conf.as_ref().map(NetConf::networks).unwrap_or_default()
    }

    /// subnet.env as the runtimes read it, if it was seen.
    pub fn subnet_env(&self) -> Option<SubnetEnv> {
        self.fact("file:/run/flannel/subnet.env").map(SubnetEnv::parse)
    }

    /// True if this is the machine's own namespace: only then what runs on the machine concerns it.
    pub fn is_machine(&self) -> bool {
        self.fact("netns:machine") == Some("yes")
    }

    /// True if a peer is reached by a direct route.
    pub fn is_direct(&self, peer: &Peer) -> bool {
        goes_direct(self.state(), peer)
    }

    /// A peer of which every row is right, to imagine packets with; else any that fits.
    pub fn sound_peer(&self, fits: impl Fn(&Peer) -> bool) -> Option<&Peer> {
        let drift = self.drift.as_ref()?;
        let rows = || [&drift.routes, &drift.neighs, &drift.fdb].into_iter().flatten();
        let off: BTreeSet<IpNet> = rows().filter_map(|row| Some(row.lease.as_ref()?.subnet)).collect();
        let mut all = drift.peers.iter().filter(|peer| fits(peer));
        all.clone().find(|peer| !off.contains(&peer.net)).or_else(|| all.next())
    }

    /// The pods that have an address of this node's subnet.
    pub fn pods(&self) -> impl Iterator<Item = PodView<'a>> {
        let own = self.own.map(|own| own.subnet);
        let state = self.state();
        self.near.pods.iter().filter_map(move |pod| PodView::of(state, pod, own?))
    }

    /// An address of a pod of this node, where one is known, else one that a pod may get.
    pub fn pod_addr(&self, v6: bool) -> Option<IpAddr> {
        let own = self.own?.subnet.nets().find(|net| net.addr().is_ipv6() == v6)?;
        let mut all = self.near.pods.iter().flat_map(|pod| pod.state.addrs.keys().map(|key| key.net.addr()));
        Some(all.find(|ip| own.contains(ip)).unwrap_or_else(|| nth(own, 2)))
    }
}

/// The address at this place of a net.
pub(super) fn nth(net: IpNet, place: u32) -> IpAddr {
    match net {
        IpNet::V4(net) => IpAddr::V4(u32::from(net.network()).saturating_add(place).into()),
        IpNet::V6(net) => IpAddr::V6(u128::from(net.network()).saturating_add(place.into()).into()),
    }
}

/// What the lease says of one family's device.
fn data(own: &Lease, v6: bool) -> Option<VxlanData> {
    let text = if v6 { &own.attrs.backend_v6_data } else { &own.attrs.backend_data };
    VxlanData::parse(text.as_deref()?).ok()
}

/// The config's devices; without it those of the own lease, or those that are there.
fn devices(state: &State, conf: Option<&NetConf>, own: Option<&Lease>) -> Vec<Device> {
    let subnet = |v6: bool| own?.subnet.nets().find(|net| net.addr().is_ipv6() == v6);
    let lease = |v6: bool| own.and_then(|own| data(own, v6));
    let device = |name: IfName, v6| Device { name, v6, lease: lease(v6), subnet: subnet(v6) };
    if let Some(conf) = conf {
        let Backend::Vxlan(vxlan) = &conf.backend;
        return crate::overlay::vxlan::devices(conf, vxlan).map(|d| device(d.name, d.v6)).collect();
    }
    let named = |vni: u32, v6: bool| {
        let name = format!("{}.{vni}", if v6 { "flannel-v6" } else { "flannel" });
        name.parse::<IfName>().ok().map(|name| device(name, v6))
    };
    let told: Vec<Device> = [false, true].iter().filter_map(|v6| named(lease(*v6)?.vni, *v6)).collect();
    if !told.is_empty() {
        return told;
    }
    let found = flannel_devices(state).into_iter();
    found.map(|(name, _)| device(name, name.as_str().starts_with("flannel-v6"))).collect()
}

/// cni0, docker0 and what else carries an address of this node's subnet.
fn bridges(state: &State, own: Option<&Lease>, conf: Option<&NetConf>) -> Vec<IfName> {
    let networks = conf.map(NetConf::networks).unwrap_or_default();
    let of_pods = |dev: IfName| {
        let ours = state.addrs_of(dev).any(|(net, _)| {
            own.is_some_and(|own| own.subnet.contains(net.addr()))
                || networks.iter().any(|n| n.contains(&net))
        });
        ours || dev.as_str() == "cni0"
    };
    let bridges = state.links.iter().filter(|(_, link)| link.kind == LinkKind::Bridge);
    bridges.map(|(dev, _)| *dev).filter(|dev| of_pods(*dev)).collect()
}
