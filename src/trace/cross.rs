//! From one node to the next: what left one arrives at the other, around another packet or as it is.

use std::net::IpAddr;

use super::arrive::Wrapped;
use super::{Exit, Verdict, Walk};
use crate::finding::repair::PeerRows;
use crate::finding::{outer, remote};
use crate::net::IfName;
use crate::overlay::vxlan::{OVERHEAD_V4, OVERHEAD_V6};
use crate::readings::{neigh_state, own_lease};
use crate::state::{LinkKind, Neigh, NeighKey, nud};

/// Walks `to` on with what left `from`. False if it left for no other node.
pub(super) fn arrives(from: &Walk<'_>, to: &mut Walk<'_>) -> bool {
    match from.exit.as_ref() {
        Some(Exit::Tunnel(peer)) => {
            mistaken(from, to, peer.public, &peer.node);
            if let Some(outer) = sent(from, peer).filter(|_| to.end.is_none()) {
                to.receive(&outer);
            }
        }
        Some(Exit::Wire(dev)) => {
            if let Some((ip, _)) = from.handed {
                let name = to.host().to_owned();
                mistaken(from, to, ip, &name);
            }
            match &from.parcel {
                _ if to.end.is_some() => {}
                Some(parcel) => to.unpack(parcel),
                None if from.wraps(*dev) => {
                    let why = format!("how {dev} of {} wraps the packet was not seen", from.host());
                    to.unseen("tunnel", &why, &format!("ip -d link show {dev}"));
                    to.end = Some(Verdict::DeliveredIf);
                }
                None => as_it_is(from, to),
            }
        }
        Some(Exit::Pod(_) | Exit::Here) | None => return false,
    }
    true
}

/// The sender has another MAC for the receiver than the receiver has, on the net of both: the frame is for nobody.
fn mistaken(from: &Walk<'_>, to: &mut Walk<'_>, ip: IpAddr, name: &str) {
    let real = to.node.state.owner_of(ip).and_then(|dev| to.node.state.links.get(&dev)?.mac);
    let known = |(key, have): (&NeighKey, &Neigh)| {
        let mac = have.mac.filter(|_| key.ip == ip && have.state & (nud::FAILED | nud::INCOMPLETE) == 0)?;
        Some((key.dev, mac, neigh_state(have.state)))
    };
    let Some((dev, mac, state)) = from.node.state.neighs.iter().find_map(known) else { return };
    let Some(real) = real.filter(|real| *real != mac) else { return };
    let what = outer::Silent { peer: name, to: ip, ask: ip, dev, state: &state };
    let mut finding = outer::wrong_mac(from.host(), what, mac, Some(real));
    if to.role.reply {
        finding = remote::renamed("remote.noreturn", finding);
    }
    to.fail("outer", format!("{ip} is {real}, {} sends to {mac}", from.host()), finding, Verdict::Dropped);
}

/// The tunnel's packet as it reaches the other node: behind NAT with its sender's public address.
fn sent(walk: &Walk<'_>, peer: &PeerRows) -> Option<Wrapped> {
    let v6 = peer.public.is_ipv6();
    let outer = walk.wrapped(peer, if v6 { OVERHEAD_V6 } else { OVERHEAD_V4 })?;
    let own = own_lease(&walk.sight).map(|own| &own.attrs);
    let public =
        own.and_then(|own| if v6 { own.public_ipv6.map(IpAddr::V6) } else { own.public_ip.map(IpAddr::V4) });
    // Nobody sends with the address of the one that he sends to, whatever his lease announces.
    Some(Wrapped { from: public.filter(|ip| *ip != peer.public).or(outer.from), ..outer })
}

/// A packet that comes without a tunnel: by the device with the address that took it from the wire.
fn as_it_is(from: &Walk<'_>, to: &mut Walk<'_>) {
    let dst = from.query.dst;
    let peer = from.promised.owner(dst).map(|peer| peer.public);
    let state = &to.node.state;
    let taken = from.handed.and_then(|(ip, _)| state.owner_of(ip));
    if !to.role.reply && peer.is_none() && taken.is_none() && !in_reach(from, to) {
        let why = format!("what lies between {} and {} was not seen", from.host(), to.host());
        to.unseen("outer", &why, &format!("traceroute -n {dst}"));
    }
    let by = peer.unwrap_or(to.query.dst);
    let uplink = to.node.uplink.as_ref().map(|uplink| uplink.dev);
    let dev: Option<IfName> = taken.or_else(|| state.owner_of(by)).or(uplink);
    match dev {
        Some(dev) => to.enter(dev),
        None => to.unseen("outer", &format!("which device has {by} is not known"), "ip addr"),
    }
}

/// An address of the far node is reached as it is: on a net of both, or as the one that its lease announces. Behind NAT
/// it may be another node's here.
fn in_reach(near: &Walk<'_>, far: &Walk<'_>) -> bool {
    let dst = near.query.dst;
    let own = own_lease(&far.sight).map(|own| &own.attrs);
    let public = own.map(|own| [own.public_ip.map(IpAddr::V4), own.public_ipv6.map(IpAddr::V6)]);
    public.is_some_and(|public| public.contains(&Some(dst)))
        || near.node.state.addrs.keys().any(|held| held.net.contains(&dst))
}

impl Walk<'_> {
    /// True if a device puts packets into others.
    pub(super) fn wraps(&self, dev: IfName) -> bool {
        self.node.state.links.get(&dev).is_some_and(|link| match &link.kind {
            LinkKind::Other(kind) => matches!(kind.as_str(), "wireguard" | "tun") || link.tunnel.is_some(),
            LinkKind::Vxlan(_) => true,
            _ => false,
        })
    }
}
