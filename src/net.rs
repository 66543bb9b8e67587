//! The nouns below everything: a MAC, an interface name, a lease's subnet and its key.
//! Parses at the door; after that every value is right by construction.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An Ethernet address. Text form is lower-case with colons, as iproute2 and flannel write it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

/// The text is not six colon-separated hexadecimal octets.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a MAC address")]
pub struct BadMac(pub String);

impl Mac {
    /// The all-zero address: on a VXLAN device the key of flood entries.
    pub const ZERO: Self = Self([0; 6]);

    /// A random unicast, locally administered address from six dice, as flannel makes one.
    pub fn local_from(dice: [u8; 6]) -> Self {
        let [first, rest @ ..] = dice;
        let [b, c, d, e, f] = rest;
        Self([(first & 0xfe) | 0x02, b, c, d, e, f])
    }

    /// True for group addresses (multicast and broadcast): no node can own one.
    pub fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// True for 00:00:00:00:00:00.
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Mac {
    type Err = BadMac;
    fn from_str(s: &str) -> Result<Self, BadMac> {
        let bad = || BadMac(s.to_owned());
        let mut octets = [0u8; 6];
        let mut parts = s.split(':');
        for octet in &mut octets {
            let part = parts.next().ok_or_else(bad)?;
            if part.len() != 2 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(bad());
            }
            *octet = u8::from_str_radix(part, 16).map_err(|_| bad())?;
        }
        if parts.next().is_some() { Err(bad()) } else { Ok(Self(octets)) }
    }
}

/// The name of a network interface: 1 to 15 bytes, no slash, no white space (`dev_valid_name` in net/core/dev.c).
/// Small and `Copy`, because every row of every table carries one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IfName {
    bytes: [u8; 15],
    len: u8,
}

/// The text cannot be an interface name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an interface name (1 to 15 bytes, no slash, no blank)")]
pub struct BadIfName(pub String);

impl IfName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        // Built from a &str only, and never cut inside a character.
        std::str::from_utf8(self.bytes.get(..usize::from(self.len)).unwrap_or_default()).unwrap_or_default()
    }
}

impl FromStr for IfName {
    type Err = BadIfName;
    fn from_str(s: &str) -> Result<Self, BadIfName> {
        let wrong = s.contains(|c: char| c == '/' || c == ':' || c.is_whitespace()) || s == "." || s == "..";
        let mut bytes = [0; 15];
        match bytes.get_mut(..s.len()) {
            Some(room) if !s.is_empty() && !wrong => room.copy_from_slice(s.as_bytes()),
            _ => return Err(BadIfName(s.to_owned())),
        }
        Ok(Self { bytes, len: s.len() as u8 })
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The subnet of one lease: what a node owns. At least one family is present.
///
/// Text form is flannel's etcd key: `10.5.1.0-24`, `10.5.1.0-24&fd00:12:13::-56`; a lease with IPv6 only has an
/// all-zero IPv4 part (`0.0.0.0-0&fd00:12:13::-56`), as flannel writes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subnet {
    /// The IPv4 subnet, host bits zero.
    pub v4: Option<Ipv4Net>,
    /// The IPv6 subnet, host bits zero.
    pub v6: Option<Ipv6Net>,
}

/// The text is not a lease key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a lease key (like 10.5.1.0-24 or 10.5.1.0-24&fd00:12:13::-56)")]
pub struct BadSubnet(pub String);

impl Subnet {
    /// An IPv4-only subnet.
    pub fn v4(net: Ipv4Net) -> Self {
        Self { v4: Some(net.trunc()), v6: None }
    }

    /// Both families as a list, IPv4 first.
    pub fn nets(&self) -> impl Iterator<Item = IpNet> {
        self.v4.map(IpNet::V4).into_iter().chain(self.v6.map(IpNet::V6))
    }

    /// True if any address belongs to both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.nets().any(|a| other.nets().any(|b| overlap(&a, &b)))
    }

    /// True if `ip` lies in one of the nets.
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.nets().any(|net| net.contains(&ip))
    }

    /// How people write it: `10.5.1.0/24`, with IPv6 `10.5.1.0/24,fd00:12:13::/56`.
    pub fn cidrs(&self) -> String {
        self.nets().map(|n| n.to_string()).collect::<Vec<_>>().join(",")
    }
}

/// True if the two nets are of one family and share an address.
pub fn overlap(a: &IpNet, b: &IpNet) -> bool {
    match (a, b) {
        (IpNet::V4(a), IpNet::V4(b)) => a.contains(&b.network()) || b.contains(&a.network()),
        (IpNet::V6(a), IpNet::V6(b)) => a.contains(&b.network()) || b.contains(&a.network()),
        _ => false,
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.v4 {
            Some(net) => write!(f, "{}-{}", net.network(), net.prefix_len())?,
            None => f.write_str("0.0.0.0-0")?,
        }
        match self.v6 {
            Some(net) => write!(f, "&{}-{}", net.network(), net.prefix_len()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cidrs())
    }
}

impl FromStr for Subnet {
    type Err = BadSubnet;
    fn from_str(s: &str) -> Result<Self, BadSubnet> {
        let bad = || BadSubnet(s.to_owned());
        let (v4, v6) = match s.split_once('&') {
            Some((v4, v6)) => (v4, Some(v6)),
            None => (s, None),
        };
        let (addr, len) = v4.rsplit_once('-').ok_or_else(bad)?;
        let v4 = Ipv4Net::new(addr.parse().map_err(|_| bad())?, prefix(len, 31).ok_or_else(bad)?)
            .map_err(|_| bad())?;
        let v6 = match v6 {
            None => None,
            Some(text) => {
                let (addr, len) = text.rsplit_once('-').ok_or_else(bad)?;
                let addr: Ipv6Addr = addr.parse().map_err(|_| bad())?;
                Some(Ipv6Net::new(addr, prefix(len, 127).ok_or_else(bad)?).map_err(|_| bad())?.trunc())
            }
        };
        // Length 0 is no subnet but everybody's default route: beside an IPv6 part it says "no IPv4".
        let none = v4.addr() == Ipv4Addr::UNSPECIFIED && v4.prefix_len() == 0;
        match (v4.prefix_len(), v6) {
            (_, Some(v6)) if v6.prefix_len() == 0 => Err(bad()),
            (0, Some(v6)) if none => Ok(Self { v4: None, v6: Some(v6) }),
            (0, _) => Err(bad()),
            (_, v6) => Ok(Self { v4: Some(v4.trunc()), v6 }),
        }
    }
}

/// Decimal digits only, at most `max` (flannel reads 5 bits for IPv4 and 7 for IPv6).
fn prefix(text: &str, max: u8) -> Option<u8> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|n| digits && *n <= max)
}

macro_rules! text_serde {
    ($($kind:ty),*) => {$(
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
text_serde!(Mac, IfName, Subnet);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{IfName, Mac, Subnet};

    #[test]
    fn a_random_mac_is_unicast_and_local() {
        for first in 0..=255 {
            let mac = Mac::local_from([first, 2, 3, 4, 5, 6]);
            assert_eq!(mac.0[0] & 0b11, 0b10, "{mac}");
            assert_eq!(mac.0[1..], [2, 3, 4, 5, 6], "{mac}");
            assert!(!mac.is_multicast() && !mac.is_zero(), "{mac}");
        }
    }

    #[test]
    fn a_lease_key_reads_and_writes_the_same() {
        for (key, cidrs) in [
            ("10.12.13.0-24", "10.12.13.0/24"),
            ("10.12.13.0-24&fd00:12:13::-56", "10.12.13.0/24,fd00:12:13::/56"),
            ("0.0.0.0-0&fd00:12:13::-56", "fd00:12:13::/56"),
            ("10.0.0.0-31", "10.0.0.0/31"),
        ] {
            let subnet: Subnet = key.parse().unwrap_or_else(|e| panic!("{key}: {e}"));
            assert_eq!((subnet.to_string().as_str(), subnet.cidrs().as_str()), (key, cidrs));
        }
    }

    #[test]
    fn a_malformed_lease_key_is_refused() {
        for key in [
            "10",
            "10.12.13.0",
            "10.12.13-24",
            "10.12.13.300-24",
            "10.12.13.0-24hi",
            "&2001::-56",
            "10.12.13.0-24&:12:13:-56",
            "10.12.13.0-24&20011::-56",
            "10.12.13.0-24&2001-56",
            "10.12.13.0-24&2001::",
            "10.12.13.0-24&2001::-56hi",
            "",
            "0.0.0.0-0",
            "0.0.0.1-0",
            "10.0.0.0-0&2001::-56",
            "10.12.13.0-24&::-0",
            "0.0.0.0-0&2001::-0",
            "10.12.13.0-32",
            "10.12.13.0-+4",
            "10.12.13.0--24",
            "10.12.13.0-24&",
            "10.12.13.0-24&2001::-128",
            "10.12.13.0-24&2001::-56&2002::-56",
            " 10.12.13.0-24",
        ] {
            assert!(key.parse::<Subnet>().is_err(), "{key}");
        }
    }

    proptest! {
        #[test]
        fn every_subnet_survives_its_key(v4: (u32, u8), v6: (u128, u8), families in 1u8..4) {
            let v4 = ipnet::Ipv4Net::new(v4.0.into(), 1 + v4.1 % 31).unwrap().trunc();
            let v6 = ipnet::Ipv6Net::new(v6.0.into(), 1 + v6.1 % 127).unwrap().trunc();
            let (v4, v6) = (Some(v4).filter(|_| families & 1 != 0), Some(v6).filter(|_| families & 2 != 0));
            let subnet = Subnet { v4, v6 };
            prop_assert_eq!(subnet.to_string().parse(), Ok(subnet));
        }

        #[test]
        fn no_text_makes_a_noun_panic(text in ".*", key in r"[0-9.]{0,15}-[0-9]{0,3}(&[0-9a-f:]{0,20}-[0-9]{0,3})?") {
            let _ = (text.parse::<Subnet>(), text.parse::<Mac>(), text.parse::<IfName>());
            if let Ok(subnet) = key.parse::<Subnet>() {
                prop_assert_eq!(subnet.to_string().parse(), Ok(subnet));
            }
        }

        #[test]
        fn a_mac_survives_its_text(bytes: [u8; 6]) {
            prop_assert_eq!(Mac(bytes).to_string().parse(), Ok(Mac(bytes)));
        }
    }
}
