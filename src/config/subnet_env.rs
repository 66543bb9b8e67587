//! subnet.env: what the agent tells container runtimes, and what it remembers of its last run.
//! Writes flannel's bytes; reads whatever can be read and skips the rest.

use std::fmt::{Display, Write};
use std::str::FromStr;

use ipnet::{Ipv4Net, Ipv6Net};

use crate::config::NetConf;
use crate::config::flags::go_bool;
use crate::net::Subnet;

/// The values of a subnet.env. Every key may hold a comma list; what the agent writes has one value a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubnetEnv {
    /// `FLANNEL_NETWORK`.
    pub networks: Vec<Ipv4Net>,
    /// `FLANNEL_SUBNET`: the node's subnet, written as its first address with the length.
    pub subnets: Vec<Ipv4Net>,
    /// `FLANNEL_IPV6_NETWORK`.
    pub ipv6_networks: Vec<Ipv6Net>,
    /// `FLANNEL_IPV6_SUBNET`.
    pub ipv6_subnets: Vec<Ipv6Net>,
    /// `FLANNEL_MTU`.
    pub mtu: Option<u32>,
    /// `FLANNEL_IPMASQ`.
    pub ip_masq: Option<bool>,
}

impl SubnetEnv {
    /// What the agent writes: only enabled families, the subnet as its base plus one.
    pub fn of(netconf: &NetConf, own: &Subnet, mtu: u32, ip_masq: bool) -> Self {
        let v4 = own.v4.filter(|_| netconf.v4.is_some());
        let v6 = own.v6.filter(|_| netconf.v6.is_some());
        let first4 =
            |n: Ipv4Net| Ipv4Net::new(u32::from(n.network()).saturating_add(1).into(), n.prefix_len()).ok();
        let first6 =
            |n: Ipv6Net| Ipv6Net::new(u128::from(n.network()).saturating_add(1).into(), n.prefix_len()).ok();
        Self {
            networks: netconf.v4.map(|r| r.network).into_iter().collect(),
            subnets: v4.and_then(first4).into_iter().collect(),
            ipv6_networks: netconf.v6.map(|r| r.network).into_iter().collect(),
            ipv6_subnets: v6.and_then(first6).into_iter().collect(),
            mtu: Some(mtu),
            ip_masq: Some(ip_masq),
        }
    }

    /// The file's bytes.
    pub fn render(&self) -> String {
        let Self { networks, subnets, ipv6_networks, ipv6_subnets, mtu, ip_masq } = self;
        let mut out = String::new();
        line(&mut out, "FLANNEL_NETWORK", networks);
        line(&mut out, "FLANNEL_SUBNET", subnets);
        line(&mut out, "FLANNEL_IPV6_NETWORK", ipv6_networks);
        line(&mut out, "FLANNEL_IPV6_SUBNET", ipv6_subnets);
        line(&mut out, "FLANNEL_MTU", mtu.as_slice());
        line(&mut out, "FLANNEL_IPMASQ", ip_masq.as_slice());
        out
    }

    /// Reads KEY=value lines; unknown keys, comments and values that do not parse are skipped. The last line of
    /// a key counts.
    pub fn parse(text: &str) -> Self {
        let mut env = Self::default();
        for line in text.lines() {
            let line = line.trim();
            let line = line.strip_prefix("export ").unwrap_or(line);
            let Some((key, value)) = line.split_once('=') else { continue };
            let value = unquoted(value.trim());
            match key.trim() {
                "FLANNEL_NETWORK" => env.networks = list(value),
                "FLANNEL_SUBNET" => env.subnets = list(value),
                "FLANNEL_IPV6_NETWORK" => env.ipv6_networks = list(value),
                "FLANNEL_IPV6_SUBNET" => env.ipv6_subnets = list(value),
                "FLANNEL_MTU" => env.mtu = value.parse().ok(),
                "FLANNEL_IPMASQ" => env.ip_masq = go_bool(value).ok(),
                _ => {}
            }
        }
        env
    }

    /// The subnet that this node had, host bits zero. A family with more than one value is ignored.
    pub fn previous(&self) -> Option<Subnet> {
        let v4 = one(&self.subnets).map(|n| n.trunc());
        let v6 = one(&self.ipv6_subnets).map(|n| n.trunc());
        (v4.is_some() || v6.is_some()).then_some(Subnet { v4, v6 })
    }
}

fn line<T: Display>(out: &mut String, key: &str, values: &[T]) {
    let Some((first, rest)) = values.split_first() else { return };
    // Writing to a String cannot fail.
    let _ = write!(out, "{key}={first}");
    for value in rest {
        let _ = write!(out, ",{value}");
    }
    out.push('\n');
}

fn list<T: FromStr>(value: &str) -> Vec<T> {
    value.split(',').filter_map(|part| part.trim().parse().ok()).collect()
}

fn one<T: Copy>(values: &[T]) -> Option<T> {
    match values {
        [only] => Some(*only),
        _ => None,
    }
}

fn unquoted(value: &str) -> &str {
    let within = |quote| value.strip_prefix(quote).and_then(|v| v.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::SubnetEnv;
    use crate::config::NetConf;

    fn netconf(json: &str) -> NetConf {
        NetConf::parse(json).unwrap()
    }

    #[test]
    fn the_bytes_are_flannels() {
        let dual = r#"{"Network":"10.244.0.0/16","EnableIPv6":true,"IPv6Network":"fd00:10:244::/56",
                       "IPv6SubnetLen":64,"Backend":{"Type":"vxlan"}}"#;
        let v4 = r#"{"Network":"10.244.0.0/16","Backend":{"Type":"vxlan"}}"#;
        let v6 = r#"{"EnableIPv4":false,"EnableIPv6":true,"IPv6Network":"fd00:10:244::/56",
                     "IPv6SubnetLen":64,"Backend":{"Type":"vxlan"}}"#;
        let rows = [
            (
                dual,
                "10.244.1.0-24&fd00:10:244:1::-64",
                "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.1.1/24\n\
                 FLANNEL_IPV6_NETWORK=fd00:10:244::/56\nFLANNEL_IPV6_SUBNET=fd00:10:244:1::1/64\n\
                 FLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n",
            ),
            (
                v4,
                "10.244.1.0-24",
                "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.1.1/24\nFLANNEL_MTU=1450\n\
                 FLANNEL_IPMASQ=true\n",
            ),
            (
                v6,
                "0.0.0.0-0&fd00:10:244:1::-64",
                "FLANNEL_IPV6_NETWORK=fd00:10:244::/56\nFLANNEL_IPV6_SUBNET=fd00:10:244:1::1/64\n\
                 FLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n",
            ),
        ];
        for (json, own, want) in rows {
            let own = own.parse().unwrap();
            let env = SubnetEnv::of(&netconf(json), &own, 1450, true);
            assert_eq!(env.render(), want, "{own}");
            assert_eq!(SubnetEnv::parse(&env.render()), env, "{own}");
            assert_eq!(env.previous(), Some(own), "{own}");
        }
    }

    #[test]
    fn what_does_not_parse_is_skipped() {
        let env = SubnetEnv::parse(
            "FLANNEL_SUBNET=10.244.1.0/24,not-a-cidr,10.244.2.0/24\n\
             FLANNEL_IPV6_SUBNET=fd00:1::/64,not-a-cidr,fd00:2::/64\nFLANNEL_MTU=many\nFLANNEL_IPMASQ=perhaps\n",
        );
        assert_eq!(env.subnets, ["10.244.1.0/24".parse().unwrap(), "10.244.2.0/24".parse().unwrap()]);
        assert_eq!(env.ipv6_subnets, ["fd00:1::/64".parse().unwrap(), "fd00:2::/64".parse().unwrap()]);
        assert_eq!((env.mtu, env.ip_masq), (None, None));
        let none = SubnetEnv::parse("FLANNEL_SUBNET=x,y\nFLANNEL_IPV6_SUBNET=,\nstray\n# FLANNEL_MTU=1\n");
        assert_eq!(none, SubnetEnv::default());
    }

    #[test]
    fn a_previous_subnet_is_one_value_a_family_with_host_bits_zero() {
        let rows = [
            ("FLANNEL_SUBNET=10.5.1.1/24", Some("10.5.1.0-24")),
            ("FLANNEL_SUBNET=\"10.5.1.1/24\"\r\n", Some("10.5.1.0-24")),
            ("export FLANNEL_SUBNET = '10.5.1.1/24'", Some("10.5.1.0-24")),
            ("FLANNEL_SUBNET=10.5.1.1/24\nFLANNEL_SUBNET=10.5.2.1/24", Some("10.5.2.0-24")),
            ("FLANNEL_SUBNET=10.5.1.1/24,junk", Some("10.5.1.0-24")),
            ("FLANNEL_SUBNET=10.5.1.1/24,10.5.2.1/24", None),
            ("FLANNEL_SUBNET=10.5.1.1/24\nFLANNEL_IPV6_SUBNET=fd00:1::1/64", Some("10.5.1.0-24&fd00:1::-64")),
            (
                "FLANNEL_SUBNET=10.5.1.1/24,10.5.2.1/24\nFLANNEL_IPV6_SUBNET=fd00:1::1/64",
                Some("0.0.0.0-0&fd00:1::-64"),
            ),
            ("FLANNEL_SUBNET=junk", None),
            ("", None),
        ];
        for (text, want) in rows {
            assert_eq!(SubnetEnv::parse(text).previous(), want.map(|w| w.parse().unwrap()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*", lines in "(FLANNEL_(SUBNET|MTU|NETWORK|IPV6_SUBNET)=[0-9a-f./,:]*\n)*") {
            SubnetEnv::parse(&text).previous();
            let env = SubnetEnv::parse(&lines);
            prop_assert_eq!(SubnetEnv::parse(&env.render()), env);
        }
    }
}
