//! Where everything of a lab goes: names, segments and addresses, as a pure function of what was asked for.
//! Decides only; `build` makes it true. Never looks at the machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

/// The most nodes that the address plan has room for.
pub const MOST_NODES: u16 = 100;

/// The longest name of a lab.
const LONGEST_NAME: usize = 32;

/// The address of the world that only a router reaches: on its lo, outside every segment.
const WORLD_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// The same for IPv6.
const WORLD_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// What the user asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Prefix of every namespace.
    pub name: String,
    /// How many nodes.
    pub nodes: u16,
    /// How many L2 segments the nodes alternate over: 1 or 2.
    pub segments: u8,
    /// Each node behind its own 1:1 NAT.
    pub nat: bool,
    /// IPv6 beside IPv4, underlay and overlay.
    pub ipv6: bool,
}

/// A shape that cannot be built.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadShape {
    /// The name would not make a namespace name.
    #[error("{0:?} is not a lab name (1 to {LONGEST_NAME} of a-z, 0-9 and -, a letter or digit first)")]
    Name(String),
    /// Too few or too many.
    #[error("{0} nodes (1 to {MOST_NODES})")]
    Nodes(u16),
    /// Neither one nor two.
    #[error("{0} segments (1 or 2)")]
    Segments(u8),
    /// 1:1 NAT is an IPv4 custom.
    #[error("--nat is IPv4 only")]
    NatV6,
}

/// One network interface to be made in a namespace: one end of a veth pair whose other end is a switch port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// Its namespace.
    pub netns: String,
    /// Its name there.
    pub name: &'static str,
    /// The port of the switch (or the inner NIC of the NAT box) at the other end.
    pub peer: Peer,
    /// Its addresses with prefix.
    pub addrs: Vec<IpNet>,
    /// Routes through it: where to, by whom.
    pub routes: Vec<(IpNet, IpAddr)>,
}

/// The other end of a [`Nic`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A port of a bridge in the switch.
    Port {
        /// Name of the port.
        port: String,
        /// `br0` or `br1`.
        bridge: &'static str,
    },
    /// A NIC in another namespace, with its addresses.
    Wire {
        /// That namespace.
        netns: String,
        /// Name there.
        name: &'static str,
        /// Addresses there.
        addrs: Vec<IpNet>,
    },
}

/// A NAT box: what is sent to `public` goes to `private` and comes from it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatBox {
    /// Its namespace.
    pub netns: String,
    /// The address that others see.
    pub public: Ipv4Addr,
    /// The node's own.
    pub private: Ipv4Addr,
}

/// One node and its pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// `node1`: the name of the node in its lease, and of its namespace behind the lab's name.
    pub name: String,
    /// `lab-node1`.
    pub netns: String,
    /// `lab-pod1`.
    pub pod_netns: String,
    /// `pod1`.
    pub pod: String,
    /// Address of eth0.
    pub addr: Ipv4Addr,
    /// `--public-ip`, behind NAT.
    pub public: Option<Ipv4Addr>,
}

/// The whole plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bridges of the switch: one a segment.
    pub bridges: Vec<&'static str>,
    /// Namespace of the switch.
    pub switch: String,
    /// Namespace of the outside host.
    pub world: String,
    /// Namespace of the router, with two segments.
    pub router: Option<String>,
    /// NAT boxes, node by node.
    pub nat: Vec<NatBox>,
    /// Nodes in order.
    pub nodes: Vec<Node>,
    /// All NICs, in the order in which they are made.
    pub nics: Vec<Nic>,
    /// The world's own addresses, which no segment holds.
    pub world_addrs: Vec<IpNet>,
}

impl Shape {
    /// Refuses what cannot be built.
    pub fn check(&self) -> Result<(), BadShape> {
        let Self { name, nodes, segments, nat, ipv6 } = self;
        let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !name.chars().all(ok) || name.starts_with('-') || !(1..=LONGEST_NAME).contains(&name.len()) {
            return Err(BadShape::Name(name.clone()));
        }
        if !(1..=MOST_NODES).contains(nodes) {
            return Err(BadShape::Nodes(*nodes));
        }
        if !(1..=2).contains(segments) {
            return Err(BadShape::Segments(*segments));
        }
        if *nat && *ipv6 { Err(BadShape::NatV6) } else { Ok(()) }
    }

    /// The namespace of `member`: `node1`, `pod1`, `switch`, `world`, `router`, `nat1`.
    pub fn netns(&self, member: &str) -> String {
        format!("{}-{member}", self.name)
    }

    /// The plan of this shape.
    pub fn layout(&self) -> Layout {
        let mut plan = Layout {
            bridges: if self.segments == 2 { vec!["br0", "br1"] } else { vec!["br0"] },
            switch: self.netns("switch"),
            world: self.netns("world"),
            router: (self.segments == 2).then(|| self.netns("router")),
            nat: Vec::new(),
            nodes: Vec::new(),
            nics: Vec::new(),
            world_addrs: self.with_v6(IpNet::from(IpAddr::V4(WORLD_V4)), IpNet::from(IpAddr::V6(WORLD_V6))),
        };
        plan.nics.push(self.world_nic());
        if let Some(router) = &plan.router {
            // The segments are on-link here; all that is left is the world's own address. No default route, or
            // what nobody owns would go round between router and world.
            let to_world = plan.world_addrs.iter().copied().zip(self.hosts(0, 2)).collect();
            plan.nics.push(self.port(router, "eth0", "router0", 0, 1, to_world));
            plan.nics.push(self.port(router, "eth1", "router1", 1, 1, Vec::new()));
        }
        for i in 1..=self.nodes {
            self.add_node(i, &mut plan);
        }
        plan
    }

    fn world_nic(&self) -> Nic {
        // To the other segment only: the world has no route to the overlay, so what it hears without a masquerade
        // it cannot answer.
        let other = self.with_v6(IpNet::V4(self.v4(1)), IpNet::V6(self.v6(1)));
        let far =
            if self.segments == 2 { other.into_iter().zip(self.hosts(0, 1)).collect() } else { Vec::new() };
        self.port(&self.netns("world"), "eth0", "world", 0, 2, far)
    }

    fn add_node(&self, i: u16, plan: &mut Layout) {
        let segment = if self.segments == 2 { (i - 1) % 2 } else { 0 };
        let host = 10 + i;
        // With two segments the router is the way out, with one the world itself.
        let gateways = if self.segments == 2 { self.hosts(segment, 1) } else { self.hosts(0, 2) };
        let out = gateways.into_iter().map(default_by).collect();
        let outer = self.v4(segment).nth(host);
        let mut node = Node {
            name: format!("node{i}"),
            netns: self.netns(&format!("node{i}")),
            pod_netns: self.netns(&format!("pod{i}")),
            pod: format!("pod{i}"),
            addr: outer,
            public: None,
        };
        let port = format!("node{i}");
        if self.nat {
            let inside = Ipv4Net::new_assert(Ipv4Addr::new(10, 0, i as u8, 0), 24);
            let nat = self.netns(&format!("nat{i}"));
            node.addr = inside.nth(2);
            node.public = Some(outer);
            plan.nat.push(NatBox { netns: nat.clone(), public: outer, private: node.addr });
            plan.nics.push(self.port(&nat, "wan", &port, segment, host, out));
            plan.nics.push(Nic {
                netns: node.netns.clone(),
                name: "eth0",
                peer: Peer::Wire { netns: nat, name: "lan", addrs: vec![at(inside.nth(1), inside)] },
                addrs: vec![at(node.addr, inside)],
                routes: vec![default_by(inside.nth(1).into())],
            });
        } else {
            plan.nics.push(self.port(&node.netns, "eth0", &port, segment, host, out));
        }
        plan.nodes.push(node);
    }

    fn port(
        &self,
        netns: &str,
        name: &'static str,
        port: &str,
        segment: u16,
        host: u16,
        routes: Vec<(IpNet, IpAddr)>,
    ) -> Nic {
        let (v4, v6) = (self.v4(segment), self.v6(segment));
        let v6_host = IpNet::V6(Ipv6Net::new_assert(v6.nth(host), v6.prefix_len()));
        Nic {
            netns: netns.to_owned(),
            name,
            peer: Peer::Port { port: port.to_owned(), bridge: if segment == 0 { "br0" } else { "br1" } },
            addrs: self.with_v6(at(v4.nth(host), v4), v6_host),
            routes,
        }
    }

    /// The hosts number `host` of a segment, IPv4 first.
    fn hosts(&self, segment: u16, host: u16) -> Vec<IpAddr> {
        self.with_v6(self.v4(segment).nth(host).into(), self.v6(segment).nth(host).into())
    }

    fn with_v6<T>(&self, v4: T, v6: T) -> Vec<T> {
        if self.ipv6 { vec![v4, v6] } else { vec![v4] }
    }

    /// Behind NAT the underlay is the public Internet (documentation ranges), else somebody's data centre.
    fn v4(&self, segment: u16) -> Ipv4Net {
        let net = match (self.nat, segment) {
            (false, 0) => Ipv4Addr::new(192, 168, 50, 0),
            (false, _) => Ipv4Addr::new(192, 168, 60, 0),
            (true, 0) => Ipv4Addr::new(203, 0, 113, 0),
            (true, _) => Ipv4Addr::new(198, 51, 100, 0),
        };
        Ipv4Net::new_assert(net, 24)
    }

    fn v6(&self, segment: u16) -> Ipv6Net {
        let first = if segment == 0 { 0xfd50 } else { 0xfd60 };
        Ipv6Net::new_assert(Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0), 64)
    }
}

impl Layout {
    /// Every namespace, in the order in which they are made.
    pub fn namespaces(&self) -> Vec<String> {
        let shared = [&self.switch, &self.world].into_iter().chain(self.router.as_ref());
        let nat = self.nat.iter().map(|n| &n.netns);
        let nodes = self.nodes.iter().flat_map(|n| [&n.netns, &n.pod_netns]);
        shared.chain(nat).chain(nodes).cloned().collect()
    }

    /// Those that forward packets: nodes, router and NAT boxes.
    pub fn forwarding(&self) -> impl Iterator<Item = &str> {
        let nat = self.nat.iter().map(|n| n.netns.as_str());
        let nodes = self.nodes.iter().map(|n| n.netns.as_str());
        nodes.chain(self.router.as_deref()).chain(nat)
    }
}

/// The default route of the gateway's family.
fn default_by(gateway: IpAddr) -> (IpNet, IpAddr) {
    match gateway {
        IpAddr::V4(_) => (IpNet::V4(Ipv4Net::default()), gateway),
        IpAddr::V6(_) => (IpNet::V6(Ipv6Net::default()), gateway),
    }
}

fn at(addr: Ipv4Addr, net: Ipv4Net) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(addr, net.prefix_len()))
}

/// Host number `n` of a net, counted from its base. Small numbers only: the nets here are /24 and /64.
trait Nth {
    type Addr;
    fn nth(&self, n: u16) -> Self::Addr;
}

impl Nth for Ipv4Net {
    type Addr = Ipv4Addr;
    fn nth(&self, n: u16) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.network().to_bits() + u32::from(n))
    }
}

impl Nth for Ipv6Net {
    type Addr = Ipv6Addr;
    /// In decimal digits as people write it: host 11 is `::11`.
    fn nth(&self, n: u16) -> Ipv6Addr {
        let digits = u128::from_str_radix(&n.to_string(), 16).unwrap_or_default();
        Ipv6Addr::from_bits(self.network().to_bits() + digits)
    }
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
