//! Addresses and MACs under a key. Two addresses share as many leading bits afterwards as before, so that every prefix
//! holds what it held (Xu, Fan, Ammar, Moon: prefix-preserving address anonymization); ranges with a meaning of their
//! own keep it, and the host part stays.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::prf::Key;
use crate::net::{Mac, Subnet};
use crate::snapshot::Snapshot;

/// How many leading bits of an address are replaced: never more than the shortest lease has, so that a lease's first
/// address stays its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Of IPv4, 24 at most.
    pub v4: u8,
    /// Of IPv6, 64 at most.
    pub v6: u8,
}

impl Cut {
    /// The cut that this node's leases ask for.
    pub fn of(node: &Snapshot) -> Self {
        let start = Self { v4: 24, v6: 64 };
        let subnets = node.leases.iter().flatten().map(|lease| lease.subnet).chain(node.own);
        subnets.fold(start, |Self { v4, v6 }, subnet| Self {
            v4: subnet.v4.map_or(v4, |net| v4.min(net.prefix_len())),
            v6: subnet.v6.map_or(v6, |net| v6.min(net.prefix_len())),
        })
    }
}

/// Ranges of IPv4 that stay as they are: this host, loopback, link-local, multicast and beyond.
const KEPT4: [(u32, u8); 4] = [(0, 8), (0x7f00_0000, 8), (0xa9fe_0000, 16), (0xe000_0000, 3)];

/// Ranges of IPv6 that stay within themselves: unspecified, loopback and mapped, Teredo, ORCHID, 6bone, 6to4, unique
/// local, link-local, site-local, multicast. The kernel chooses sources by them (net/ipv6/addrlabel.c).
const CLASS6: [(u128, u8); 9] = [
    (0, 16),
    (0x2001_0000 << 96, 32),
    (0x2001_0010 << 96, 28),
    (0x3ffe << 112, 16),
    (0x2002 << 112, 16),
    (0xfc00 << 112, 7),
    (0xfe80 << 112, 10),
    (0xfec0 << 112, 10),
    (0xff00 << 112, 8),
];

const LOW: u128 = 0xffff_ffff_ffff_ffff;

/// What a [`Key`] makes of addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Space {
    pub(super) key: Key,
    pub(super) cut: Cut,
}

impl Space {
    /// An address.
    pub(super) fn ip(&self, ip: IpAddr) -> IpAddr {
        match ip {
            IpAddr::V4(ip) => self.v4(ip).into(),
            IpAddr::V6(ip) => self.v6(ip).into(),
        }
    }

    /// An IPv4 address.
    pub(super) fn v4(&self, ip: Ipv4Addr) -> Ipv4Addr {
        let old = u32::from(ip);
        if KEPT4.iter().any(|(net, len)| same(old.into(), (*net).into(), 32, *len)) {
            return ip;
        }
        let kept = KEPT4.map(|(net, len)| (u128::from(net), len));
        (old ^ self.mask(old.into(), 32, self.cut.v4, &kept) as u32).into()
    }

    /// An IPv6 address. A MAC inside of it is the MAC that it became.
    pub(super) fn v6(&self, ip: Ipv6Addr) -> Ipv6Addr {
        if let Some(mapped) = ip.to_ipv4_mapped() {
            return self.v4(mapped).to_ipv6_mapped();
        }
        let old = u128::from(ip);
        let within = |at: usize| CLASS6.get(at).is_some_and(|(net, len)| same(old, *net, 128, *len));
        if within(0) {
            return ip;
        }
        if within(8) {
            // A solicited node's address shows the end of the one that it was made from.
            let solicited = same(old, 0xff02_0000_0000_0000_0000_0001_ff00_0000, 128, 104);
            return if solicited { (old & !0xff_ffff | u128::from(self.end(old as u32))).into() } else { ip };
        }
        let high = if within(6) { old } else { old ^ self.mask(old, 128, self.cut.v6, &CLASS6) };
        let host = old as u64;
        let host = match mac_in(host).filter(|_| self.cut.v6 == 64) {
            Some(mac) => host_of(self.mac(mac)),
            None if within(6) && host > 0xffff => self.key.hash(b'l', &host.to_be_bytes()),
            None => return high.into(),
        };
        (high & !LOW | u128::from(host)).into()
    }

    /// A network, or an address with its length: host bits are kept only where there are some.
    pub(super) fn net(&self, net: IpNet) -> IpNet {
        let new = self.held(net);
        if net == net.trunc() { new.trunc() } else { new }
    }

    /// An address with its length, as devices hold it: the address counts, whatever its host bits are.
    pub(super) fn held(&self, net: IpNet) -> IpNet {
        IpNet::new(self.ip(net.addr()), net.prefix_len()).unwrap_or(net)
    }

    /// A lease's subnet.
    pub(super) fn subnet(&self, subnet: Subnet) -> Subnet {
        let v4 = subnet.v4.and_then(|net| Ipv4Net::new(self.v4(net.addr()), net.prefix_len()).ok());
        let v6 = subnet.v6.and_then(|net| Ipv6Net::new(self.v6(net.addr()), net.prefix_len()).ok());
        Subnet { v4: v4.map(|net| net.trunc()), v6: v6.map(|net| net.trunc()) }
    }

    /// A MAC. Zero, group addresses and the one that Calico gives all its ends stay.
    pub(super) fn mac(&self, mac: Mac) -> Mac {
        let [first, .., d, e, f] = mac.0;
        if let [0x33, 0x33, 0xff, ..] = mac.0 {
            let [_, d, e, f] = self.end(u32::from_be_bytes([0, d, e, f])).to_be_bytes();
            return Mac([0x33, 0x33, 0xff, d, e, f]);
        }
        if mac.is_zero() || mac.is_multicast() || mac.0 == [0xee; 6] {
            return mac;
        }
        let [a, b, c, d, e, f, ..] = self.key.hash(b'm', &mac.0).to_be_bytes();
        Mac([a & 0xfc | first & 3, b, c, d, e, f])
    }

    /// The last three bytes of an address, where they show by themselves.
    fn end(&self, old: u32) -> u32 {
        let [_, d, e, f] = old.to_be_bytes();
        self.key.hash(b'e', &[d, e, f]) as u32 & 0xff_ffff
    }

    /// The bits to turn over: each by what is left of it alone, so that equal beginnings stay equal. Not where one of
    /// the ranges that stay lies on either side.
    fn mask(&self, old: u128, bits: u8, cut: u8, kept: &[(u128, u8)]) -> u128 {
        let turned = (0..cut).filter(|at| {
            let before = head(old, bits, *at);
            let forced = kept.iter().any(|(net, len)| at < len && head(*net, bits, *at) == before);
            let mut data = [0; 18];
            data[..16].copy_from_slice(&before.to_be_bytes());
            data[16..].copy_from_slice(&[bits, *at]);
            !forced && self.key.hash(b'a', &data) & 1 == 1
        });
        turned.fold(0, |mask, at| mask | 1 << (bits - 1 - at))
    }

    /// A range as networks: a range does not stay one.
    pub(super) fn range(&self, from: IpAddr, to: IpAddr) -> Vec<IpNet> {
        let (bits, first, last) = match (from, to) {
            (IpAddr::V4(from), IpAddr::V4(to)) => (32, u32::from(from).into(), u32::from(to).into()),
            (IpAddr::V6(from), IpAddr::V6(to)) => (128, u128::from(from), u128::from(to)),
            _ => return Vec::new(),
        };
        let net = |at: u128, len: u8| {
            let addr = if bits == 32 { IpAddr::V4((at as u32).into()) } else { IpAddr::V6(at.into()) };
            IpNet::new(addr, len).map(|net| self.net(net)).ok()
        };
        blocks(first, last, bits).into_iter().filter_map(|(at, len)| net(at, len)).collect()
    }
}

/// The networks that make up a range, in order.
fn blocks(first: u128, last: u128, bits: u8) -> Vec<(u128, u8)> {
    let mut all = Vec::new();
    let mut at = first;
    while at <= last {
        let fits = |len: &u8| {
            let host = if *len == 0 { u128::MAX >> (128 - bits) } else { (1u128 << (bits - len)) - 1 };
            at & host == 0 && at | host <= last
        };
        let len = (0..=bits).find(fits).unwrap_or(bits);
        all.push((at, len));
        let size = 1u128.checked_shl(u32::from(bits - len));
        match size.and_then(|size| at.checked_add(size)) {
            Some(next) => at = next,
            None => break,
        }
    }
    all
}

/// The first `len` bits of a number of `bits`.
fn head(of: u128, bits: u8, len: u8) -> u128 {
    of.checked_shr(u32::from(bits - len)).unwrap_or(0)
}

fn same(a: u128, b: u128, bits: u8, len: u8) -> bool {
    head(a, bits, len) == head(b, bits, len)
}

/// The MAC that a host part was made from (EUI-64).
fn mac_in(host: u64) -> Option<Mac> {
    match host.to_be_bytes() {
        [a, b, c, 0xff, 0xfe, d, e, f] => Some(Mac([a ^ 2, b, c, d, e, f])),
        _ => None,
    }
}

fn host_of(mac: Mac) -> u64 {
    let [a, b, c, d, e, f] = mac.0;
    u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use ipnet::IpNet;
    use proptest::prelude::*;

    use super::{Cut, Key, Space, blocks};

    fn space(seed: [u8; 16]) -> Space {
        Space { key: Key::new(seed), cut: Cut { v4: 24, v6: 64 } }
    }

    fn shared(a: u128, b: u128) -> u32 {
        (a ^ b).leading_zeros()
    }

    fn parsed(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ranges_with_a_meaning_stay_in_their_place() {
        let space = space([7; 16]);
        for kept in
            ["0.0.0.0", "127.0.0.53", "169.254.169.254", "224.0.0.1", "255.255.255.0", "::1", "::", "fe80::1"]
        {
            assert_eq!(space.ip(parsed(kept)), parsed(kept));
        }
        for (net, within) in [
            ("fc00::/7", "fd12:3456::1"),
            ("2002::/16", "2002:a00:1::1"),
            ("fe80::/10", "fe80::5054:ff:fe12:3456"),
        ] {
            let (net, old): (IpNet, IpAddr) = (net.parse().unwrap(), parsed(within));
            assert!(net.contains(&space.ip(old)) && space.ip(old) != old, "{within}: {}", space.ip(old));
        }
        assert_ne!(space.ip(parsed("10.244.1.7")), parsed("10.244.1.7"));
    }

    #[test]
    fn a_mac_in_an_address_is_the_mac_that_it_became() {
        let space = space([9; 16]);
        let mac = space.mac("52:54:00:12:34:56".parse().unwrap());
        let IpAddr::V6(ip) = space.ip(parsed("2001:db8::5054:ff:fe12:3456")) else {
            panic!("of another family")
        };
        assert_eq!(super::mac_in(u128::from(ip) as u64), Some(mac));
    }

    #[test]
    fn a_range_is_cut_into_networks_and_nothing_is_lost() {
        assert_eq!(blocks(0, 255, 8), [(0, 0)]);
        assert_eq!(blocks(5, 9, 8), [(5, 8), (6, 7), (8, 7)]);
        assert_eq!(blocks(255, 255, 8), [(255, 8)]);
        assert_eq!(blocks(0, u128::MAX, 128), [(0, 0)]);
    }

    proptest! {
        #[test]
        fn two_addresses_share_as_many_bits_as_before(seed: [u8; 16], a: u32, b: u32, near in 0u32..32) {
            // Random pairs hardly share anything.
            let b = if near % 2 == 0 { a ^ (b >> near) } else { b };
            let image = |ip: u32| u32::from(space(seed).v4(ip.into()));
            prop_assert_eq!(shared(a.into(), b.into()), shared(image(a).into(), image(b).into()));
            prop_assert_eq!(a as u8, image(a) as u8);
        }

        #[test]
        fn the_same_for_ipv6(seed: [u8; 16], a: u128, b: u128, near in 0u32..128) {
            let b = if near % 2 == 0 { a ^ (b >> near) } else { b };
            let image = |ip: u128| u128::from(space(seed).v6(ip.into()));
            let (before, after) = (shared(a, b), shared(image(a), image(b)));
            // Host parts of link-local addresses have no structure.
            prop_assert!(before == after || before.min(after) >= 64, "{} {}", before, after);
        }

        #[test]
        fn what_lay_in_a_range_lies_in_its_networks_and_nothing_else_does(seed: [u8; 16], a: u32, b: u32, at: u32) {
            let (from, to) = (a.min(b), a.max(b));
            let space = space(seed);
            let nets = space.range(IpAddr::V4(from.into()), IpAddr::V4(to.into()));
            let image = IpAddr::V4(space.v4(at.into()));
            prop_assert_eq!((from..=to).contains(&at), nets.iter().any(|net| net.contains(&image)));
        }
    }
}
