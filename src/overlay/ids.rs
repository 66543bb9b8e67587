//! Ids of nexthop objects: a pure function of VNI and subnet, so that a restart finds its own rows again.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// Ids are 2³¹ and above: far from the small numbers that the kernel and other programs hand out. Below the top bit
/// stands the subnet's number (its address without the host part), mixed with the VNI so that two overlays on one
/// host do not meet. Only subnets of the configured length get an id, which makes the function one to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NexthopIds {
    vni: u32,
    subnet_len: u8,
}

const TOP: u32 = 1 << 31;

impl NexthopIds {
    /// Ids for one overlay.
    pub fn new(vni: u32, subnet_len: u8) -> Self {
        Self { vni, subnet_len }
    }

    /// The id of a peer's subnet; `None` if its length is not the configured one (such a peer gets a plain route).
    pub fn id(self, net: Ipv4Net) -> Option<u32> {
        let ours = net.prefix_len() == self.subnet_len && (1..=31).contains(&self.subnet_len);
        ours.then(|| TOP | ((u32::from(net.network()) >> (32 - self.subnet_len)) ^ self.mix()))
    }

    /// The gateway (first address of the subnet) whose id this would be.
    pub fn gateway(self, id: u32) -> Option<Ipv4Addr> {
        let number = (id & !TOP) ^ self.mix();
        let fits = id & TOP != 0 && (1..=31).contains(&self.subnet_len) && number >> self.subnet_len == 0;
        fits.then(|| Ipv4Addr::from(number << (32 - self.subnet_len)))
    }

    /// A multiplicative hash of the VNI, below the top bit (Knuth's constant).
    fn mix(self) -> u32 {
        self.vni.wrapping_mul(2_654_435_761) & !TOP
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn an_id_leads_back_to_its_gateway_and_to_no_other(vni in 1u32..1 << 24, len in 1u8..=31, a: u32, b: u32) {
            let ids = NexthopIds::new(vni, len);
            let net = |ip: u32| Ipv4Net::new(ip.into(), len).unwrap().trunc();
            let id = ids.id(net(a)).unwrap();
            prop_assert!(id >= 1 << 31);
            prop_assert_eq!(ids.gateway(id), Some(net(a).network()));
            prop_assert_eq!(ids.id(net(b)) == Some(id), net(a) == net(b));
        }
    }
}
