//! Which lease a node takes. Decides only; [`crate::store::acquire()`] makes it true.
//! Never reads a clock or a socket: callers pass the listing, the time and the dice.

mod free;

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rand::Rng;

use self::free::{Span, Taken};
use super::{Expiry, Identity, Lease, TTL_SECS};
use crate::config::NetConf;
use crate::net::Subnet;

/// What to do next to have a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It is ours already: the `Node` says so.
    Reuse(Lease),
    /// A lease without `Node` from our address: a flanneld on this host held it.
    Adopt(Lease),
    /// A key without a time to live and without `Node`, with our address: an operator keeps it for us.
    Reserved(Lease),
    /// Nothing is ours: make this one.
    Create {
        /// What to lease.
        subnet: Subnet,
        /// True if at least one family of it is the one held before.
        previous: bool,
    },
    /// Ours, but the network config changed: release it, then choose again with it as the previous subnet (a
    /// family that still fits is kept).
    Incompatible(Lease),
    /// Another node advertises our address: two nodes would overwrite each other.
    Refused {
        /// The other's lease.
        other: Lease,
        /// Which address both claim.
        ip: IpAddr,
    },
    /// No subnet is free.
    Exhausted {
        /// `10.3.1.0 ... 10.3.25.0 of 10.3.0.0/16`.
        range: String,
        /// Length of the subnets looked for.
        subnet_len: u8,
    },
}

/// Picks for `id`. The leases of `listing` must be all there are, each once; a lease of ours is no obstacle.
///
/// Ours is what has our `Node` and our public address, or is `previous`; and what has no `Node` and our public address.
/// Our name with a strange address and no memory of that subnet is another node's lease: two hosts may have one name.
/// `previous` counts family by family, if free and inside the config's range. Else one of the first `free::CANDIDATES` free
/// subnets, each as likely (flannel takes one of 100: nodes that start together collide).
pub fn choose<R: Rng + ?Sized>(
    listing: &[Lease],
    id: &Identity,
    conf: &NetConf,
    previous: Option<Subnet>,
    now: SystemTime,
    dice: &mut R,
) -> Choice {
    if let Some((other, ip)) = rival(listing, id, conf, now) {
        return Choice::Refused { other: other.clone(), ip };
    }
    let claim = |lease: &Lease| claim(lease, id, conf, previous);
    let mine = |lease: &&Lease| claim(lease).is_some();
    // Best first: fits the config, says our name, is the one held before.
    let best = listing.iter().filter(mine).min_by_key(|lease| {
        (!conf.covers(&lease.subnet), claim(lease), Some(lease.subnet) != previous, lease.subnet)
    });
    match best {
        Some(lease) if !conf.covers(&lease.subnet) => Choice::Incompatible(lease.clone()),
        Some(lease) => match (claim(lease), lease.expires) {
            (Some(Claim::Name), _) => Choice::Reuse(lease.clone()),
            (_, Expiry::Never) => Choice::Reserved(lease.clone()),
            (_, Expiry::At(_) | Expiry::Unknown) => Choice::Adopt(lease.clone()),
        },
        None => create(listing, conf, previous, dice),
    }
}

/// Why a lease is ours; the stronger first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    Name,
    Address,
}

fn claim(lease: &Lease, id: &Identity, conf: &NetConf, previous: Option<Subnet>) -> Option<Claim> {
    let here = shared_address(lease, id, conf).is_some();
    match &lease.attrs.node {
        Some(node) if **node == *id.node => {
            // A subnet that changed its form (dual stack came) is remembered by a part of it.
            let known = previous.is_some_and(|p| p.overlaps(&lease.subnet));
            (here || known).then_some(Claim::Name)
        }
        Some(_) => None,
        None => here.then_some(Claim::Address),
    }
}

/// A lease with our name that is not ours by [`choose`]'s rule: another host of that name, or this one before it was
/// given a new address and lost its memory.
pub(crate) fn namesake<'a>(
    listing: &'a [Lease],
    id: &Identity,
    conf: &NetConf,
    previous: Option<Subnet>,
) -> Option<&'a Lease> {
    let named = |lease: &&Lease| lease.attrs.node.as_deref() == Some(&*id.node);
    listing.iter().filter(named).find(|lease| claim(lease, id, conf, previous).is_none())
}

/// Whether `lease` would be taken for ours.
pub(crate) fn is_ours(lease: &Lease, id: &Identity, conf: &NetConf, previous: Option<Subnet>) -> bool {
    claim(lease, id, conf, previous).is_some()
}

/// The address that a lease advertises and that is ours: IPv4, or IPv6 in a network that has nothing else.
fn shared_address(lease: &Lease, id: &Identity, conf: &NetConf) -> Option<IpAddr> {
    let (theirs, ours) = match conf.v4 {
        Some(_) => (lease.attrs.public_ip.map(IpAddr::V4), id.public_ip.map(IpAddr::V4)),
        None => (lease.attrs.public_ipv6.map(IpAddr::V6), id.public_ipv6.map(IpAddr::V6)),
    };
    theirs.filter(|ip| Some(*ip) == ours)
}

/// A living lease of another node that advertises our address.
pub(crate) fn rival<'a>(
    listing: &'a [Lease],
    id: &Identity,
    conf: &NetConf,
    now: SystemTime,
) -> Option<(&'a Lease, IpAddr)> {
    listing.iter().find_map(|lease| {
        let named = lease.attrs.node.as_ref().is_some_and(|node| **node != *id.node);
        let alive = !matches!(lease.expires, Expiry::At(end) if end <= now);
        let ip = shared_address(lease, id, conf)?;
        (named && alive).then_some((lease, ip))
    })
}

/// How long ago a lease was renewed, as far as its end tells: `last renewed 3 h ago`.
pub fn last_renewed(expires: Expiry, now: SystemTime) -> String {
    match expires {
        Expiry::Never => "a reservation, it never expires".to_owned(),
        Expiry::Unknown => "last renewed at an unknown time".to_owned(),
        Expiry::At(end) => {
            let left = end.duration_since(now).unwrap_or_default();
            let ago = Duration::from_secs(TTL_SECS).saturating_sub(left).as_secs();
            match ago {
                0..120 => format!("last renewed {ago} s ago"),
                120..7_200 => format!("last renewed {} min ago", ago / 60),
                _ => format!("last renewed {} h ago", ago / 3_600),
            }
        }
    }
}

fn create<R: Rng + ?Sized>(
    listing: &[Lease],
    conf: &NetConf,
    previous: Option<Subnet>,
    dice: &mut R,
) -> Choice {
    let nets = || listing.iter().flat_map(|lease| lease.subnet.nets());
    let mut reused = false;
    let mut subnet = Subnet { v4: None, v6: None };
    if let Some(range) = conf.v4 {
        let taken = Taken::of(nets().filter_map(|net| match net {
            IpNet::V4(net) => Some((u32::from(net.network()).into(), u32::from(net.broadcast()).into())),
            IpNet::V6(_) => None,
        }));
        let before = previous.and_then(|p| p.v4).filter(|net| {
            range.allows(*net)
                && taken.is_free(u32::from(net.network()).into(), u32::from(net.broadcast()).into())
        });
        let span = Span::new(
            u32::from(range.min).into(),
            u32::from(range.max).into(),
            32 - u32::from(range.subnet_len),
        );
        let picked = || {
            let base = u32::try_from(taken.pick(&span, dice)?).ok()?;
            Ipv4Net::new(base.into(), range.subnet_len).ok()
        };
        reused |= before.is_some();
        subnet.v4 = before.or_else(picked);
        if subnet.v4.is_none() {
            let range_text = format!("{} ... {} of {}", range.min, range.max, range.network);
            return Choice::Exhausted { range: range_text, subnet_len: range.subnet_len };
        }
    }
    if let Some(range) = conf.v6 {
        let taken = Taken::of(nets().filter_map(|net| match net {
            IpNet::V6(net) => Some((net.network().into(), net.broadcast().into())),
            IpNet::V4(_) => None,
        }));
        let before = previous
            .and_then(|p| p.v6)
            .filter(|net| range.allows(*net) && taken.is_free(net.network().into(), net.broadcast().into()));
        let span = Span::new(range.min.into(), range.max.into(), 128 - u32::from(range.subnet_len));
        let picked = || Ipv6Net::new(taken.pick(&span, dice)?.into(), range.subnet_len).ok();
        reused |= before.is_some();
        subnet.v6 = before.or_else(picked);
        if subnet.v6.is_none() {
            let range_text = format!("{} ... {} of {}", range.min, range.max, range.network);
            return Choice::Exhausted { range: range_text, subnet_len: range.subnet_len };
        }
    }
    Choice::Create { subnet, previous: reused }
}

#[cfg(test)]
#[path = "choose_tests.rs"]
mod tests;
