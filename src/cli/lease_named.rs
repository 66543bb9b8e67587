//! Which lease a word means: a subnet in either spelling, an address, a node.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::error::Failure;
use crate::lease::Lease;
use crate::net::Subnet;

/// True if `what` is the lease's subnet, an address in it, or its node's address or name.
pub(super) fn answers_to(lease: &Lease, what: &str) -> bool {
    if let Ok(ip) = what.parse::<IpAddr>() {
        let public = [lease.attrs.public_ip.map(IpAddr::V4), lease.attrs.public_ipv6.map(IpAddr::V6)];
        return lease.subnet.contains(ip) || public.contains(&Some(ip));
    }
    match (what.parse::<IpNet>(), what.parse::<Subnet>()) {
        (Ok(net), _) => lease.subnet.nets().any(|own| own == net.trunc()),
        (_, Ok(key)) => lease.subnet == key,
        _ => lease.attrs.node.as_deref() == Some(what),
    }
}

/// True if the last part of a store's key is a subnet that `what` is, or is an address of.
pub(super) fn key_answers_to(key: &str, what: &str) -> bool {
    let Ok(subnet) = key.rsplit('/').next().unwrap_or(key).parse::<Subnet>() else { return false };
    match (what.parse::<IpAddr>(), what.parse::<IpNet>()) {
        (Ok(ip), _) => subnet.contains(ip),
        (_, Ok(net)) => subnet.nets().any(|own| own == net.trunc()),
        _ => what.parse::<Subnet>().is_ok_and(|key| key == subnet),
    }
}

/// A lease key or a CIDR (or both CIDRs of a dual-stack lease, with a comma).
pub(super) fn subnet_of(what: &str) -> Result<Subnet, Failure> {
    if let Ok(key) = what.parse::<Subnet>() {
        return Ok(key);
    }
    let mut subnet = Subnet { v4: None, v6: None };
    for part in what.split(',') {
        match part.parse::<IpNet>() {
            Ok(IpNet::V4(net)) => subnet.v4 = Some(net.trunc()),
            Ok(IpNet::V6(net)) => subnet.v6 = Some(net.trunc()),
            Err(e) => return Err(Failure::usage(format!("{what:?} is not a subnet")).because(e)),
        }
    }
    Ok(subnet)
}
