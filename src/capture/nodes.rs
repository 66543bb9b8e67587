//! Whose an address is: nodes with the subnets they lease and their addresses on the underlay.

use std::net::IpAddr;

use super::proto::l3::Ends;

/// What the line of a lease begins with in a capture file's comments.
const LEASE: &str = "flannel lease ";

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// What it leases: network address and prefix length.
    pub nets: Vec<(IpAddr, u8)>,
    /// Where it is on the underlay.
    pub publics: Vec<IpAddr>,
}

impl Node {
    /// The node as a line of text, as a capture file keeps it.
    pub fn told(&self) -> String {
        let nets: Vec<String> = self.nets.iter().map(|(net, bits)| format!("{net}/{bits}")).collect();
        let publics: Vec<String> = self.publics.iter().map(IpAddr::to_string).collect();
        format!("{LEASE}{} {} at {}", nets.join(","), self.name, publics.join(","))
    }

    /// The node that such a line tells of.
    fn read(line: &str) -> Option<Self> {
        let (nets, rest) = line.strip_prefix(LEASE)?.split_once(' ')?;
        let (name, publics) = rest.rsplit_once(" at ")?;
        let net = |text: &str| {
            let (net, bits) = text.split_once('/')?;
            Some((net.parse().ok()?, bits.parse().ok()?))
        };
        Some(Self {
            name: name.to_owned(),
            nets: nets.split(',').filter_map(net).collect(),
            publics: publics.split(',').filter_map(|ip| ip.parse().ok()).collect(),
        })
    }

    /// True if the address is one of its pods' or its own.
    pub fn owns(&self, addr: IpAddr) -> bool {
        self.publics.contains(&addr) || self.nets.iter().any(|net| within(*net, addr))
    }
}

/// The nodes of the overlay, as its leases tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nodes(pub Vec<Node>);

impl Nodes {
    /// The nodes that a capture file's comments tell of.
    pub fn of_comments(comments: &[String]) -> Self {
        Self(comments.iter().filter_map(|line| Node::read(line)).collect())
    }

    /// The node whose address it is.
    pub fn of(&self, addr: IpAddr) -> Option<&Node> {
        self.0.iter().find(|node| node.owns(addr))
    }

    /// The node of this name.
    pub fn named(&self, name: &str) -> Option<&Node> {
        self.0.iter().find(|node| node.name == name)
    }
}

/// True if the net holds the address.
pub fn within((net, bits): (IpAddr, u8), addr: IpAddr) -> bool {
    match (net, addr) {
        (IpAddr::V4(net), IpAddr::V4(addr)) => {
            let apart = net.to_bits() ^ addr.to_bits();
            apart.checked_shr(32 - u32::from(bits.min(32))).unwrap_or(0) == 0
        }
        (IpAddr::V6(net), IpAddr::V6(addr)) => {
            let apart = net.to_bits() ^ addr.to_bits();
            apart.checked_shr(128 - u32::from(bits.min(128))).unwrap_or(0) == 0
        }
        _ => false,
    }
}

/// Both addresses of a packet.
pub fn addresses(ends: Ends) -> (IpAddr, IpAddr) {
    match ends {
        Ends::V4(src, dst) => (src.into(), dst.into()),
        Ends::V6(src, dst) => (src.into(), dst.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, Nodes};

    #[test]
    fn an_address_is_its_leaseholders_or_nobodys() {
        let node = |name: &str, net: &str, bits, public: &str| Node {
            name: name.into(),
            nets: vec![(net.parse().unwrap(), bits)],
            publics: vec![public.parse().unwrap()],
        };
        let nodes = Nodes(vec![
            node("a", "10.244.1.0", 24, "192.168.50.11"),
            node("b", "fd00:2::", 64, "192.168.50.12"),
        ]);
        let name = |addr: &str| nodes.of(addr.parse().unwrap()).map(|node| node.name.as_str());
        assert_eq!(name("10.244.1.255"), Some("a"));
        assert_eq!(name("10.244.2.0"), None);
        assert_eq!(name("fd00:2::8"), Some("b"));
        assert_eq!(name("fd00:2:0:1::8"), None);
        assert_eq!(name("192.168.50.12"), Some("b"));
        let comments: Vec<String> = nodes.0.iter().map(Node::told).chain(["by hand".to_owned()]).collect();
        assert_eq!(comments[0], "flannel lease 10.244.1.0/24 a at 192.168.50.11");
        assert_eq!(Nodes::of_comments(&comments), nodes);
    }
}
