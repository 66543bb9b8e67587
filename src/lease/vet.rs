//! Which parts of a peer's lease may reach the kernel. A lease is untrusted input: whoever may write to the store
//! could otherwise take over our routes. What is refused is reported; everything else goes on.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{BadVxlanData, Lease, VxlanData};
use crate::net::{Mac, Subnet, overlap};

/// What a lease is held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// The networks of the config.
    pub networks: Vec<IpNet>,
    /// What this node holds.
    pub own: Subnet,
    /// Addresses of this node, advertised ones included.
    pub own_ips: Vec<IpAddr>,
    /// MACs of this node's VTEPs.
    pub own_macs: Vec<Mac>,
}

/// One family of an accepted lease: everything its three rows are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// The peer's subnet.
    pub net: IpNet,
    /// The peer's VTEP MAC.
    pub mac: Mac,
    /// Its VNI as the lease tells it; old leases do not (0).
    pub vni: u32,
    /// The peer's underlay address.
    pub vtep: IpAddr,
}

/// Why a lease, or one family of it, is refused.
#[derive(Debug)]
pub enum Refused {
    /// Another backend's; flannel ignores these, too.
    OtherBackend(String),
    /// Not inside any of our networks.
    OutsideNetwork(IpNet),
    /// Shares addresses with our own subnet.
    OverlapsOwn(IpNet),
    /// The public IP is one of ours, or can be nobody's.
    BadPublicIp(IpAddr, &'static str),
    /// No public IP for this family.
    NoPublicIp(IpNet),
    /// `BackendData` missing or unreadable.
    BadData(Option<BadVxlanData>),
    /// The VTEP MAC is zero, multicast or our own.
    BadMac(Mac, &'static str),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherBackend(kind) => write!(f, "ignoring non-vxlan lease: type={kind}"),
            Self::OutsideNetwork(net) => write!(f, "{net} is outside the configured network"),
            Self::OverlapsOwn(net) => write!(f, "{net} overlaps this node's own subnet"),
            Self::BadPublicIp(ip, why) => write!(f, "public IP {ip} {why}"),
            Self::NoPublicIp(net) => write!(f, "no public IP for {net}"),
            Self::BadData(None) => f.write_str("no BackendData"),
            Self::BadData(Some(bad)) => bad.fmt(f),
            Self::BadMac(mac, why) => write!(f, "VtepMAC {mac} {why}"),
        }
    }
}

/// The usable families of a vxlan lease, IPv4 first, each with its own verdict.
pub fn vet(lease: &Lease, ground: &Ground) -> Vec<Result<Path, Refused>> {
    if &*lease.attrs.backend_type != "vxlan" {
        return vec![Err(Refused::OtherBackend(lease.attrs.backend_type.to_string()))];
    }
    lease.subnet.nets().map(|net| vet_family(lease, net, ground)).collect()
}

fn vet_family(lease: &Lease, net: IpNet, ground: &Ground) -> Result<Path, Refused> {
    if !ground.networks.iter().any(|n| n.contains(&net)) {
        return Err(Refused::OutsideNetwork(net));
    }
    if ground.own.nets().any(|own| overlap(&own, &net)) {
        return Err(Refused::OverlapsOwn(net));
    }
    let (vtep, data) = match net {
        IpNet::V4(_) => (lease.attrs.public_ip.map(IpAddr::V4), &lease.attrs.backend_data),
        IpNet::V6(_) => (lease.attrs.public_ipv6.map(IpAddr::V6), &lease.attrs.backend_v6_data),
    };
    let vtep = vtep.ok_or(Refused::NoPublicIp(net))?;
    let text = data.as_deref().ok_or(Refused::BadData(None))?;
    let VxlanData { vni, mac } = VxlanData::parse(text).map_err(|e| Refused::BadData(Some(e)))?;
    if ground.own.contains(vtep) || lease.subnet.contains(vtep) {
        return Err(Refused::BadPublicIp(vtep, "is a pod's"));
    }
    vet_ip(vtep, ground)?;
    vet_mac(mac, ground)?;
    Ok(Path { net, mac, vni, vtep })
}

fn vet_ip(ip: IpAddr, ground: &Ground) -> Result<(), Refused> {
    let why = if ground.own_ips.contains(&ip) {
        "is this node's own"
    } else if ip.is_unspecified() {
        "is the unspecified address"
    } else if ip.is_multicast() {
        "is a multicast address"
    } else if ip.is_loopback() {
        "is a loopback address"
    } else if matches!(ip, IpAddr::V4(v4) if v4.is_broadcast()) {
        "is the broadcast address"
    } else {
        return Ok(());
    };
    Err(Refused::BadPublicIp(ip, why))
}

fn vet_mac(mac: Mac, ground: &Ground) -> Result<(), Refused> {
    let why = if mac.is_zero() {
        "is all zero"
    } else if mac.is_multicast() {
        "is a multicast address"
    } else if ground.own_macs.contains(&mac) {
        "is this node's own"
    } else {
        return Ok(());
    };
    Err(Refused::BadMac(mac, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::{Attrs, Expiry};

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn what_could_harm_is_refused_and_the_rest_passes() {
        let ground = Ground {
            networks: vec!["10.244.0.0/16".parse().unwrap(), "fd00:10:244::/56".parse().unwrap()],
            own: "10.244.1.0-24&fd00:10:244:1::-64".parse().unwrap(),
            own_ips: vec!["192.168.50.11".parse().unwrap()],
            own_macs: vec!["02:00:00:00:00:01".parse().unwrap()],
        };
        let rows: &[(&str, &str, &str, &str)] = &[
            ("10.244.2.0-24", "192.168.50.12", "02:00:00:00:00:02", "ok"),
            (
                "10.245.2.0-24",
                "192.168.50.12",
                "02:00:00:00:00:02",
                "10.245.2.0/24 is outside the configured network",
            ),
            (
                "0.0.0.0-1",
                "192.168.50.12",
                "02:00:00:00:00:02",
                "0.0.0.0/1 is outside the configured network",
            ),
            (
                "10.244.1.128-25",
                "192.168.50.12",
                "02:00:00:00:00:02",
                "10.244.1.128/25 overlaps this node's own subnet",
            ),
            (
                "10.244.0.0-16",
                "192.168.50.12",
                "02:00:00:00:00:02",
                "10.244.0.0/16 overlaps this node's own subnet",
            ),
            (
                "10.244.2.0-24",
                "192.168.50.11",
                "02:00:00:00:00:02",
                "public IP 192.168.50.11 is this node's own",
            ),
            ("10.244.2.0-24", "224.0.0.1", "02:00:00:00:00:02", "public IP 224.0.0.1 is a multicast address"),
            ("10.244.2.0-24", "127.0.0.1", "02:00:00:00:00:02", "public IP 127.0.0.1 is a loopback address"),
            (
                "10.244.2.0-24",
                "255.255.255.255",
                "02:00:00:00:00:02",
                "public IP 255.255.255.255 is the broadcast address",
            ),
            ("10.244.2.0-24", "192.168.50.12", "00:00:00:00:00:00", "VtepMAC 00:00:00:00:00:00 is all zero"),
            (
                "10.244.2.0-24",
                "192.168.50.12",
                "01:00:5e:00:00:01",
                "VtepMAC 01:00:5e:00:00:01 is a multicast address",
            ),
            (
                "10.244.2.0-24",
                "192.168.50.12",
                "02:00:00:00:00:01",
                "VtepMAC 02:00:00:00:00:01 is this node's own",
            ),
        ];
        for (subnet, ip, mac, want) in rows {
            let lease = Lease {
                subnet: subnet.parse().unwrap(),
                attrs: Attrs {
                    public_ip: Some(ip.parse().unwrap()),
                    backend_type: "vxlan".into(),
                    backend_data: Some(format!(r#"{{"VNI":1,"VtepMAC":"{mac}"}}"#).into()),
                    ..Attrs::default()
                },
                expires: Expiry::Unknown,
                revision: 1,
                id: 0,
            };
            let got = match vet(&lease, &ground).pop().unwrap() {
                Ok(path) => {
                    assert_eq!(
                        (path.vtep.to_string(), path.mac.to_string()),
                        ((*ip).to_owned(), (*mac).to_owned())
                    );
                    "ok".to_owned()
                }
                Err(refused) => refused.to_string(),
            };
            assert_eq!(&got, want, "{subnet} {ip} {mac}");
        }
    }

    #[test]
    fn one_bad_family_does_not_stop_the_other() {
        let ground = Ground {
            networks: vec!["10.244.0.0/16".parse().unwrap(), "fd00:10:244::/56".parse().unwrap()],
            own: "10.244.1.0-24".parse().unwrap(),
            own_ips: vec![],
            own_macs: vec![],
        };
        let lease = Lease {
            subnet: "10.244.2.0-24&fd00:10:244:2::-64".parse().unwrap(),
            attrs: Attrs {
                public_ip: Some("192.168.50.12".parse().unwrap()),
                backend_type: "vxlan".into(),
                backend_data: Some(r#"{"VNI":1,"VtepMAC":"02:00:00:00:00:02"}"#.into()),
                ..Attrs::default()
            },
            expires: Expiry::Unknown,
            revision: 1,
            id: 0,
        };
        let verdicts = vet(&lease, &ground);
        assert!(verdicts[0].is_ok());
        assert_eq!(verdicts[1].as_ref().unwrap_err().to_string(), "no public IP for fd00:10:244:2::/64");
    }
}
