//! Repairs as shell lines: what a lease promises of a node's tables, and what stands in its way.
//! Decides the words; every line works as it is in `sh -c` on the finding's node.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::net::{IfName, Mac};

/// Past so many peers a repair names flanctl instead of each row.
const SPELLED_OUT: usize = 4;

/// One address family of one peer, and the rows that its lease promises here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRows {
    /// The owner's name.
    pub node: String,
    /// The leased subnet.
    pub net: IpNet,
    /// The device that leads there.
    pub dev: IfName,
    /// MAC of the far device.
    pub mac: Mac,
    /// Where outer packets go.
    pub public: IpAddr,
    /// Reached by a plain route instead of the tunnel.
    pub direct: bool,
}

impl PeerRows {
    /// The gateway on the tunnel device: the subnet's first address.
    pub fn gateway(&self) -> IpAddr {
        self.net.network()
    }

    /// The promised route, as `ip route` takes it.
    pub fn route(&self) -> String {
        if self.direct {
            // The protocol by which the agent knows its own routes outside its device.
            return format!("{} via {} proto 142", self.net, self.public);
        }
        format!("{} via {} dev {} onlink", self.net, self.gateway(), self.dev)
    }

    /// Writes the route.
    pub fn set_route(&self) -> String {
        format!("ip route replace {}", self.route())
    }

    /// Writes the neighbour.
    pub fn set_neigh(&self) -> String {
        format!("ip neigh replace {} lladdr {} dev {} nud permanent", self.gateway(), self.mac, self.dev)
    }

    /// Writes the forwarding entry. `append` would answer 0 and change nothing.
    pub fn set_fdb(&self) -> String {
        format!("bridge fdb replace {} dev {} dst {} self permanent", self.mac, self.dev, self.public)
    }

    /// How the lease reads as evidence.
    pub fn lease(&self) -> String {
        format!("lease {}: {} at {}, VTEP {}", self.node, self.net, self.public, self.mac)
    }
}

/// A tunnel device as config and lease want it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Name.
    pub dev: IfName,
    /// Network identifier.
    pub vni: u32,
    /// UDP port.
    pub port: u16,
    /// Source of outer packets.
    pub local: Option<IpAddr>,
    /// The device below.
    pub lower: Option<IfName>,
    /// Learns remotes.
    pub learning: bool,
    /// Group based policy.
    pub gbp: bool,
    /// VTEP MAC of the own lease.
    pub mac: Option<Mac>,
    /// Bytes.
    pub mtu: Option<u32>,
    /// Its own address.
    pub addr: Option<IpNet>,
}

impl Device {
    /// The attributes as `ip link … type vxlan` takes them.
    fn words(&self) -> String {
        let local = self.local.map(|ip| format!(" local {ip}")).unwrap_or_default();
        let lower = self.lower.map(|dev| format!(" dev {dev}")).unwrap_or_default();
        let learning = if self.learning { "learning" } else { "nolearning" };
        let gbp = if self.gbp { " gbp" } else { "" };
        format!("id {}{local}{lower} dstport {} {learning}{gbp}", self.vni, self.port)
    }

    /// Creates it, up.
    pub fn create(&self) -> Vec<String> {
        let mac = self.mac.map(|mac| format!(" address {mac}")).unwrap_or_default();
        let mtu = self.mtu.map(|mtu| format!(" mtu {mtu}")).unwrap_or_default();
        vec![format!("ip link add {}{mac}{mtu} type vxlan {}", self.dev, self.words()), self.set_up()]
    }

    /// Deletes what has the name, and creates it.
    pub fn recreate(&self) -> Vec<String> {
        let mut lines = vec![format!("ip link del {}", self.dev)];
        lines.extend(self.create());
        lines
    }

    /// Sets it up.
    pub fn set_up(&self) -> String {
        format!("ip link set {} up", self.dev)
    }

    /// Gives it its address; one that is there already stays.
    pub fn set_addr(&self) -> Option<String> {
        self.addr.map(|net| format!("ip addr replace {net} dev {}", self.dev))
    }
}

/// Which rows of every peer a repair writes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The device is new: all three.
    All,
    /// The device was down: its own address too, where the kernel took it.
    RoutesAndNeighs,
    /// The MAC changed: the kernel dropped the neighbours.
    Neighs,
}

/// A repair that begins with `first` and writes lost rows again; one line, or flanctl's own form past a few peers.
pub fn replay(code: &str, first: Vec<String>, lost: Lost, peers: &[PeerRows]) -> String {
    let behind: Vec<&PeerRows> = peers.iter().filter(|peer| !peer.direct).collect();
    if behind.len() > SPELLED_OUT {
        return format!("flanctl doctor --fix --only {code}");
    }
    let rows = behind.iter().flat_map(|peer| match lost {
        Lost::All => vec![peer.set_neigh(), peer.set_fdb(), peer.set_route()],
        Lost::RoutesAndNeighs => vec![peer.set_neigh(), peer.set_route()],
        Lost::Neighs => vec![peer.set_neigh()],
    });
    first.into_iter().chain(rows).collect::<Vec<_>>().join(" && ")
}

/// What stands in a packet's way and can be taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A route, as `ip route` prints it.
    Route(String),
    /// A policy rule.
    Rule {
        /// Its priority.
        pref: u32,
        /// An IPv6 one.
        v6: bool,
        /// As `ip rule` prints it.
        text: String,
        /// What tells it from others of its priority, if there are any.
        among: Option<String>,
    },
    /// An address of this host.
    Address {
        /// With its length.
        net: IpNet,
        /// Where.
        dev: IfName,
    },
}

impl Obstacle {
    /// Takes it away.
    pub fn remove(&self) -> String {
        match self {
            Self::Route(words) => format!("ip route del {words}"),
            Self::Rule { pref, v6, among, .. } => {
                // By its priority alone the kernel deletes the first that has it, whoever's that is.
                let among = among.as_ref().map(|words| format!(" {words}")).unwrap_or_default();
                format!("ip{} rule del pref {pref}{among}", six(*v6))
            }
            Self::Address { net, dev } => format!("ip addr del {net} dev {dev}"),
        }
    }

    /// Shows it.
    pub fn see(&self) -> String {
        match self {
            Self::Route(words) => {
                let v6 = words.contains("::");
                format!("ip{} route show table all | grep -F '{}'", six(v6), destination(words))
            }
            Self::Rule { v6, .. } => format!("ip{} rule", six(*v6)),
            Self::Address { dev, .. } => format!("ip addr show dev {dev}"),
        }
    }
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Route(words) => write!(f, "route {words}"),
            Self::Rule { text, .. } => write!(f, "rule {text}"),
            Self::Address { net, dev } => write!(f, "address {net} on {dev}"),
        }
    }
}

/// `ip` takes this before its object, where nothing else tells the family.
pub(super) fn six(v6: bool) -> &'static str {
    if v6 { " -6" } else { "" }
}

/// The destination among the words of a route: the word that holds an address, or `default`.
fn destination(words: &str) -> &str {
    let is = |word: &&str| *word == "default" || word.contains('.') || word.contains(':');
    words.split(' ').find(is).unwrap_or(words)
}

#[cfg(test)]
mod tests {
    use super::{Lost, Obstacle, PeerRows, replay};

    fn peer(nr: u8) -> PeerRows {
        PeerRows {
            node: format!("node{nr}"),
            net: format!("10.244.{nr}.0/24").parse().unwrap(),
            dev: "flannel.1".parse().unwrap(),
            mac: crate::net::Mac([2, 0, 0, 0, 0, nr]),
            public: format!("192.168.50.{nr}").parse().unwrap(),
            direct: nr == 9,
        }
    }

    #[test]
    fn a_replay_is_one_line_until_flanctl_says_it_shorter() {
        let up = || vec!["ip link set flannel.1 up".to_owned()];
        let line = replay("vtep.down", up(), Lost::RoutesAndNeighs, &[peer(2), peer(9)]);
        assert_eq!(
            line,
            "ip link set flannel.1 up && ip neigh replace 10.244.2.0 lladdr 02:00:00:00:00:02 dev flannel.1 nud \
             permanent && ip route replace 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink"
        );
        let many: Vec<PeerRows> = (1..7).map(peer).collect();
        let line = replay("vtep.down", up(), Lost::All, &many);
        assert_eq!(line, "flanctl doctor --fix --only vtep.down");
    }

    #[test]
    fn a_rule_among_others_of_its_priority_is_deleted_by_what_it_says() {
        let rule = |among: Option<&str>| {
            let among = among.map(str::to_owned);
            Obstacle::Rule { pref: 1_536, v6: true, text: String::new(), among }.remove()
        };
        assert_eq!(rule(None), "ip -6 rule del pref 1536");
        assert_eq!(rule(Some("from all lookup 7")), "ip -6 rule del pref 1536 from all lookup 7");
    }

    #[test]
    fn an_obstacle_is_shown_by_its_destination() {
        let route = Obstacle::Route("blackhole fd00::8 dev lo metric 1024".to_owned());
        assert_eq!(route.see(), "ip -6 route show table all | grep -F 'fd00::8'");
        assert_eq!(route.remove(), "ip route del blackhole fd00::8 dev lo metric 1024");
    }
}
