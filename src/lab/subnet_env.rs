//! subnet.env as the lab reads it: what a node was given.
#![expect(clippy::disallowed_methods, reason = "a room of hands: reads subnet.env")]

use std::path::Path;

use ipnet::IpNet;

/// What a node's agent wrote when it had its lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetEnv {
    /// The bridge's addresses with prefix: first of the subnet, IPv4 before IPv6.
    pub bridge: Vec<IpNet>,
    /// MTU inside the overlay.
    pub mtu: u32,
}

impl SubnetEnv {
    /// Reads the file; `None` while it is absent or not whole.
    pub fn read(file: &Path) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(file).ok()?)
    }

    /// The leased subnets.
    pub fn subnets(&self) -> Vec<IpNet> {
        self.bridge.iter().map(IpNet::trunc).collect()
    }

    /// The addresses of the pod: next to the bridge's.
    pub fn pod(&self) -> Vec<IpNet> {
        let next = |net: &IpNet| match net {
            IpNet::V4(n) => {
                IpNet::new(std::net::Ipv4Addr::from_bits(n.addr().to_bits() + 1).into(), n.prefix_len())
            }
            IpNet::V6(n) => {
                IpNet::new(std::net::Ipv6Addr::from_bits(n.addr().to_bits() + 1).into(), n.prefix_len())
            }
        };
        self.bridge.iter().filter_map(|net| next(net).ok()).collect()
    }

    fn parse(text: &str) -> Option<Self> {
        let value = |key: &str| text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix('='));
        let bridge: Vec<IpNet> = ["FLANNEL_SUBNET", "FLANNEL_IPV6_SUBNET"]
            .into_iter()
            .filter_map(value)
            .map(|net| net.trim().parse().ok())
            .collect::<Option<_>>()?;
        let mtu = value("FLANNEL_MTU")?.trim().parse().ok()?;
        (!bridge.is_empty()).then_some(Self { bridge, mtu })
    }
}

#[cfg(test)]
mod tests {
    use super::SubnetEnv;

    #[test]
    fn a_whole_file_is_read_and_a_part_of_one_is_not() {
        let whole = "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.7.1/24\n\
                     FLANNEL_IPV6_SUBNET=fd00:10:244:7::1/64\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n";
        let lease = SubnetEnv::parse(whole).unwrap();
        let text = |nets: Vec<ipnet::IpNet>| nets.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(text(lease.subnets()), ["10.244.7.0/24", "fd00:10:244:7::/64"]);
        assert_eq!(text(lease.pod()), ["10.244.7.2/24", "fd00:10:244:7::2/64"]);
        assert_eq!(lease.mtu, 1450);
        for part in
            ["", "FLANNEL_SUBNET=10.244.7.1/24\n", "FLANNEL_MTU=1450\n", "FLANNEL_SUBNET=x\nFLANNEL_MTU=1450"]
        {
            assert_eq!(SubnetEnv::parse(part), None, "{part:?}");
        }
    }
}
