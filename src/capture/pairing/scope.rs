//! Which packets are followed, and which points each is to pass. Where nothing is known nothing is expected: a packet
//! is never called lost because somebody did not know where it goes.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::key::Seen;
use super::{Point, Stage};
use crate::capture::nodes::within;

/// A net: address and prefix length.
pub type Net = (IpAddr, u8);

/// How another node's pods are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Through the tunnel of this point.
    Tunnel(usize),
    /// By this uplink, without a tunnel.
    Direct(usize),
}

/// What is known of the node.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Its own addresses.
    pub own: HashSet<IpAddr>,
    /// The nets of its pods.
    pub local: Vec<Net>,
    /// The nets of other nodes' pods.
    pub remote: Vec<(Net, Way)>,
    /// Behind which point a pod's address is.
    pub pods: HashMap<IpAddr, usize>,
    /// The pods' bridge.
    pub bridge: Option<usize>,
    /// The uplink below each tunnel's point.
    pub below: HashMap<usize, usize>,
    /// Addresses of which one has to be an end of a packet; none if any may be.
    pub only: HashSet<IpAddr>,
}

/// A point of a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub point: usize,
    /// The packet has to pass it: a packet between two pods of this node passes their bridge's device only if it is
    /// routed.
    pub needed: bool,
}

/// The way of a packet through the node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// The points that it passes, in order.
    pub steps: Vec<Step>,
    /// The order of stages is from the outside to the pod.
    pub inward: bool,
    /// Its end is known: what does not arrive there is lost. Else it is told of only once it turns out to be in the
    /// overlay, as a packet to a service's address does.
    pub known: bool,
}

/// Where an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Own,
    Pod,
    Remote(Way),
    Beyond,
}

impl Scope {
    fn place(&self, ip: IpAddr) -> Place {
        if self.own.contains(&ip) {
            return Place::Own;
        }
        if self.pods.contains_key(&ip) || self.is_local(ip) {
            return Place::Pod;
        }
        let fits = self.remote.iter().filter(|(net, _)| within(*net, ip));
        fits.max_by_key(|((_, bits), _)| *bits).map_or(Place::Beyond, |(_, way)| Place::Remote(*way))
    }

    /// True if packets to this address end on this node.
    pub fn ends_here(&self, ip: IpAddr) -> bool {
        self.own.contains(&ip) || self.pods.contains_key(&ip) || self.is_local(ip)
    }

    fn is_local(&self, ip: IpAddr) -> bool {
        self.local.iter().any(|net| within(*net, ip))
    }

    /// The way of a packet that was first seen at a point, in the tunnel or not; nothing for one that is not followed.
    pub fn course(&self, ends: (IpAddr, IpAddr), points: &[Point], at: (usize, bool)) -> Option<Course> {
        let (src, dst) = ends;
        if !self.only.is_empty() && !self.only.contains(&src) && !self.only.contains(&dst) {
            return None;
        }
        self.rerouted(ends, points, at)
    }

    /// As [`Self::course`], of a packet that is followed already and has other addresses now.
    pub fn rerouted(
        &self,
        (src, dst): (IpAddr, IpAddr),
        points: &[Point],
        at: (usize, bool),
    ) -> Option<Course> {
        let (at, tunnelled) = at;
        if src == dst || dst.is_multicast() || self.broadcast(dst) {
            return None;
        }
        let stage = points.get(at)?.stage;
        let outside = tunnelled || stage == Stage::Tunnel;
        let bare = stage == Stage::Uplink && !tunnelled;
        let pod = |ip| self.pods.get(&ip).copied();
        let way = |points: &[Option<usize>], inward, known| {
            let steps = points.iter().copied().flatten().map(|point| Step { point, needed: true });
            Some(Course { steps: steps.collect(), inward, known })
        };
        match (self.place(src), self.place(dst)) {
            (Place::Pod, Place::Remote(to)) => {
                let [tunnel, uplink] = self.out(to);
                way(&[pod(src), self.bridge, tunnel, uplink], false, true)
            }
            (Place::Own | Place::Beyond, Place::Remote(to)) => way(&self.out(to), false, true),
            // It came by the uplink without the tunnel that leads back: its sender routes directly.
            (Place::Remote(_), Place::Pod) if bare => way(&[Some(at), self.bridge, pod(dst)], true, true),
            (Place::Remote(_), Place::Own) if bare => None,
            (Place::Remote(from), Place::Pod) => {
                let [tunnel, uplink] = self.out(from);
                way(&[uplink, tunnel, self.bridge, pod(dst)], true, true)
            }
            (Place::Remote(from), Place::Own) => {
                let [tunnel, uplink] = self.out(from);
                way(&[uplink, tunnel], true, true)
            }
            (Place::Beyond, Place::Pod) if outside => {
                let tunnel = if stage == Stage::Tunnel { Some(at) } else { self.above(at) };
                let uplink = tunnel.and_then(|tunnel| self.below.get(&tunnel)).copied();
                way(&[uplink, tunnel, self.bridge, pod(dst)], true, true)
            }
            (Place::Own | Place::Beyond, Place::Pod) => way(&[self.bridge, pod(dst)], true, true),
            (Place::Pod, Place::Pod) => {
                let mut course = way(&[pod(src), self.bridge, pod(dst)], false, true)?;
                course.steps.iter_mut().for_each(|step| step.needed = Some(step.point) != self.bridge);
                Some(course)
            }
            (Place::Pod, Place::Own) if self.is_local(dst) => way(&[pod(src), self.bridge], false, true),
            (Place::Pod, Place::Own | Place::Beyond) => way(&[pod(src), self.bridge], false, false),
            _ => None,
        }
    }

    /// True if NAT may have made the one packet the other: a pod's address becomes the node's or a service's, or these
    /// become a pod's. One pod's never becomes another's.
    pub fn rewrites(&self, known: &Seen, seen: &Seen) -> bool {
        let (from, to) = (known.ends, seen.ends);
        match (from.src == to.src, from.dst == to.dst) {
            (false, true) => matches!(
                (self.place(from.src), self.place(to.src)),
                (Place::Pod, Place::Own) | (Place::Pod | Place::Remote(_), Place::Beyond)
            ),
            (true, false) => matches!(
                (self.place(from.dst), self.place(to.dst)),
                (Place::Beyond, Place::Pod | Place::Remote(_)) | (Place::Own, Place::Pod | Place::Beyond)
            ),
            _ => false,
        }
    }

    /// Tunnel and uplink of a way.
    fn out(&self, way: Way) -> [Option<usize>; 2] {
        match way {
            Way::Tunnel(tunnel) => [Some(tunnel), self.below.get(&tunnel).copied()],
            Way::Direct(uplink) => [None, Some(uplink)],
        }
    }

    /// A tunnel above an uplink.
    fn above(&self, uplink: usize) -> Option<usize> {
        self.below.iter().filter(|(_, below)| **below == uplink).map(|(tunnel, _)| *tunnel).min()
    }

    fn broadcast(&self, ip: IpAddr) -> bool {
        let IpAddr::V4(v4) = ip else { return false };
        let last = |(net, bits): &Net| match net {
            IpAddr::V4(net) => {
                net.to_bits() | u32::MAX.checked_shr(u32::from(*bits)).unwrap_or(0) == v4.to_bits()
            }
            IpAddr::V6(_) => false,
        };
        v4.is_broadcast() || self.local.iter().any(last)
    }
}
