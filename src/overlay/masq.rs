//! The firewall rules that flannel traffic needs, as values: which packets leave under the node's address, and
//! which forwarded ones are let through. Decides only; `kernel::nft` and `kernel::iptables` spell the same values
//! in two languages, so that the two modes cannot drift apart.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::config::NetConf;
use crate::net::Subnet;

/// The packet mark by which kube-proxy asks for masquerading; such packets are left to it.
pub const KUBE_MARK: u32 = 0x4000;

/// An address family; each has tables of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// All rules of one family, in order. An empty list means that this part is not wanted at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruleset {
    /// Which family.
    pub family: Family,
    /// What happens to packets on their way out (`--ip-masq`).
    pub masquerade: Vec<Rule>,
    /// What happens to forwarded packets (`--iptables-forward-rules`).
    pub forward: Vec<Rule>,
}

/// One rule: a condition and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which packets.
    pub when: When,
    /// What becomes of them.
    pub then: Verdict,
}

/// Which packets a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Those that carry [`KUBE_MARK`].
    KubeMark,
    /// Those whose addresses fit; at least one side is given.
    Nets {
        /// Source address.
        src: Option<Side>,
        /// Destination address.
        dst: Option<Side>,
    },
}

/// Inside a net, or outside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// True for "outside".
    pub not: bool,
    /// The net.
    pub net: IpNet,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing of ours.
    Return,
    /// It passes.
    Accept,
    /// It leaves under the node's address.
    Masquerade {
        /// Source ports are drawn at random.
        fully_random: bool,
    },
}

/// Which parts the operator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// `--ip-masq`.
    pub ip_masq: bool,
    /// `--iptables-forward-rules`.
    pub forward: bool,
    /// Not `--ip-masq-fully-random-disable`.
    pub fully_random: bool,
}

impl Family {
    /// The other end of multicast: never masqueraded.
    fn multicast(self) -> IpNet {
        match self {
            Self::V4 => IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(224, 0, 0, 0), 4)),
            Self::V6 => IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8)),
        }
    }
}

impl Rule {
    /// The same rule without random ports, for programs that do not know them.
    #[must_use]
    pub fn plain(self) -> Self {
        match self.then {
            Verdict::Masquerade { .. } => Self { then: Verdict::Masquerade { fully_random: false }, ..self },
            Verdict::Return | Verdict::Accept => self,
        }
    }
}

impl Ruleset {
    /// True if nothing is wanted.
    pub fn is_empty(&self) -> bool {
        self.masquerade.is_empty() && self.forward.is_empty()
    }

    /// The same rules without random ports.
    #[must_use]
    pub fn plain(&self) -> Self {
        let plain = |rules: &[Rule]| rules.iter().map(|r| r.plain()).collect();
        Self { family: self.family, masquerade: plain(&self.masquerade), forward: plain(&self.forward) }
    }
}

/// The networks of a net config, one a family that is enabled.
pub fn networks(conf: &NetConf) -> Subnet {
    Subnet { v4: conf.v4.map(|r| r.network), v6: conf.v6.map(|r| r.network) }
}

/// The rules of a node: one set for each family that has both a network and an own subnet, IPv4 first.
pub fn rulesets(network: &Subnet, own: &Subnet, ask: Ask) -> Vec<Ruleset> {
    let v4 = network.v4.zip(own.v4).map(|(n, p)| ruleset(Family::V4, IpNet::V4(n), IpNet::V4(p), ask));
    let v6 = network.v6.zip(own.v6).map(|(n, p)| ruleset(Family::V6, IpNet::V6(n), IpNet::V6(p), ask));
    v4.into_iter().chain(v6).collect()
}

/// What the log says when the rules of an earlier run are about other nets; the rewrite of our chains replaces them.
pub fn recycled(old: (&Subnet, &Subnet), new: (&Subnet, &Subnet)) -> Option<String> {
    (old != new).then(|| {
        format!(
            "current network or subnet ({}, {}) is not the previous one ({}, {}): replacing the old firewall rules",
            new.0.cidrs(),
            new.1.cidrs(),
            old.0.cidrs(),
            old.1.cidrs()
        )
    })
}

fn ruleset(family: Family, network: IpNet, own: IpNet, ask: Ask) -> Ruleset {
    let masquerade =
        if ask.ip_masq { masquerade(family, network, own, ask.fully_random) } else { Vec::new() };
    let forward = if ask.forward { forward(network) } else { Vec::new() };
    Ruleset { family, masquerade, forward }
}

fn masquerade(family: Family, network: IpNet, own: IpNet, fully_random: bool) -> Vec<Rule> {
    let inside = |net| Some(Side { not: false, net });
    let outside = |net| Some(Side { not: true, net });
    let rule = |src, dst, then| Rule { when: When::Nets { src, dst }, then };
    let masquerade = Verdict::Masquerade { fully_random };
    vec![
        // kube-proxy masquerades these itself.
        Rule { when: When::KubeMark, then: Verdict::Return },
        // Pod to pod keeps the sender's address, both ways.
        rule(inside(own), inside(network), Verdict::Return),
        rule(inside(network), inside(own), Verdict::Return),
        // So does the world to a pod of ours (host networks, load balancers): the pod sees who called.
        rule(outside(network), inside(own), Verdict::Return),
        // Pod to world leaves under the node's address; multicast would lose its meaning.
        rule(inside(network), outside(family.multicast()), masquerade),
        // This host, or what is routed through it, to a pod elsewhere: the answer must find the way back here.
        rule(outside(network), inside(network), masquerade),
    ]
}

fn forward(network: IpNet) -> Vec<Rule> {
    let side = Some(Side { not: false, net: network });
    vec![
        Rule { when: When::Nets { src: side, dst: None }, then: Verdict::Accept },
        Rule { when: When::Nets { src: None, dst: side }, then: Verdict::Accept },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(v4: Option<&str>, v6: Option<&str>) -> Subnet {
        Subnet { v4: v4.map(|s| s.parse().unwrap()), v6: v6.map(|s| s.parse().unwrap()) }
    }

    const ALL: Ask = Ask { ip_masq: true, forward: true, fully_random: true };

    #[test]
    fn a_family_has_rules_only_if_it_has_a_network_and_a_subnet() {
        let v4 = (Some("10.244.0.0/16"), Some("10.244.1.0/24"));
        let v6 = (Some("fd00:10:244::/48"), Some("fd00:10:244:1::/64"));
        for (a, b, want) in [
            (v4, v6, vec![Family::V4, Family::V6]),
            (v4, (None, None), vec![Family::V4]),
            ((None, None), v6, vec![Family::V6]),
            (v4, (v6.0, None), vec![Family::V4]),
        ] {
            let got: Vec<_> = rulesets(&subnet(a.0, b.0), &subnet(a.1, b.1), ALL)
                .into_iter()
                .map(|r| (r.family, r.masquerade.len(), r.forward.len()))
                .collect();
            let want: Vec<_> = want.into_iter().map(|f| (f, 6, 2)).collect();
            assert_eq!(got, want, "{a:?} {b:?}");
        }
    }

    #[test]
    fn each_part_is_there_only_if_asked_for() {
        let (network, own) = (subnet(Some("10.244.0.0/16"), None), subnet(Some("10.244.1.0/24"), None));
        for (ip_masq, forward, want) in
            [(true, true, (6, 2)), (true, false, (6, 0)), (false, true, (0, 2)), (false, false, (0, 0))]
        {
            let sets = rulesets(&network, &own, Ask { ip_masq, forward, fully_random: true });
            assert_eq!((sets[0].masquerade.len(), sets[0].forward.len()), want);
        }
    }

    #[test]
    fn without_random_ports_only_the_masquerade_rules_change() {
        let (network, own) = (subnet(Some("10.244.0.0/16"), None), subnet(Some("10.244.1.0/24"), None));
        let random = rulesets(&network, &own, ALL);
        let plain = rulesets(&network, &own, Ask { fully_random: false, ..ALL });
        assert_ne!(random, plain);
        assert_eq!(vec![random[0].plain()], plain);
    }

    #[test]
    fn a_moved_subnet_is_told_with_both_values() {
        let network = subnet(Some("10.244.0.0/16"), None);
        let (a, b) = (subnet(Some("10.244.1.0/24"), None), subnet(Some("10.244.2.0/24"), None));
        assert_eq!(recycled((&network, &a), (&network, &a)), None);
        let said = recycled((&network, &a), (&network, &b)).unwrap();
        assert!(
            said.contains(
                "(10.244.0.0/16, 10.244.2.0/24) is not the previous one (10.244.0.0/16, 10.244.1.0/24)"
            ),
            "{said}"
        );
    }
}
