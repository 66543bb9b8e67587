//! The subnets that a range holds: how many, which is the n-th, is this one of them.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::config::{Range4, Range6};

impl Range4 {
    /// Addresses of one subnet.
    fn size(&self) -> u64 {
        1 << 32u8.saturating_sub(self.subnet_len)
    }

    /// How many subnets lie in min..=max.
    pub fn count(&self) -> u64 {
        let span = u64::from(u32::from(self.max)).checked_sub(u32::from(self.min).into());
        span.map_or(0, |span| span / self.size() + 1)
    }

    /// The n-th subnet from min on, if it is not past max.
    pub fn nth(&self, n: u64) -> Option<Ipv4Net> {
        let at = u64::from(u32::from(self.min)).checked_add(n.checked_mul(self.size())?)?;
        let base = u32::try_from(at).ok().map(Ipv4Addr::from).filter(|base| *base <= self.max)?;
        Ipv4Net::new(base, self.subnet_len).ok()
    }

    /// All subnets in order.
    pub fn subnets(&self) -> impl Iterator<Item = Ipv4Net> + use<'_> {
        (0..self.count()).map_while(|n| self.nth(n))
    }

    /// True if `net` can be leased from this range: of the right length, in min..=max, on a subnet's border.
    pub fn allows(&self, net: Ipv4Net) -> bool {
        net.prefix_len() == self.subnet_len
            && net.network() == net.addr()
            && (self.min..=self.max).contains(&net.addr())
    }
}

impl Range6 {
    /// Addresses of one subnet.
    fn size(&self) -> u128 {
        1u128.checked_shl(128u8.saturating_sub(self.subnet_len).into()).unwrap_or(u128::MAX)
    }

    /// How many subnets lie in min..=max.
    pub fn count(&self) -> u128 {
        let span = u128::from(self.max).checked_sub(u128::from(self.min));
        span.map_or(0, |span| (span / self.size()).saturating_add(1))
    }

    /// The n-th subnet from min on, if it is not past max.
    pub fn nth(&self, n: u128) -> Option<Ipv6Net> {
        let at = u128::from(self.min).checked_add(n.checked_mul(self.size())?)?;
        let base = Some(Ipv6Addr::from(at)).filter(|base| *base <= self.max)?;
        Ipv6Net::new(base, self.subnet_len).ok()
    }

    /// All subnets in order.
    pub fn subnets(&self) -> impl Iterator<Item = Ipv6Net> + use<'_> {
        (0..self.count()).map_while(|n| self.nth(n))
    }

    /// True if `net` can be leased from this range: of the right length, in min..=max, on a subnet's border.
    pub fn allows(&self, net: Ipv6Net) -> bool {
        net.prefix_len() == self.subnet_len
            && net.network() == net.addr()
            && (self.min..=self.max).contains(&net.addr())
    }
}
