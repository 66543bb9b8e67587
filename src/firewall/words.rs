//! The names that nft and iptables print in place of numbers. A name that is not here is not guessed at.

/// IP protocols, as both tools and /etc/protocols call them.
const PROTOCOLS: &[(&str, u64)] = &[
    ("ip", 0),
    ("hopopt", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("ipencap", 4),
    ("ipip", 4),
    ("ipv4", 4),
    ("tcp", 6),
    ("udp", 17),
    ("dccp", 33),
    ("ipv6", 41),
    ("ipv6-route", 43),
    ("ipv6-frag", 44),
    ("gre", 47),
    ("esp", 50),
    ("ipv6-crypt", 50),
    ("ah", 51),
    ("ipv6-auth", 51),
    ("ipv6-icmp", 58),
    ("icmpv6", 58),
    ("icmp6", 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("eigrp", 88),
    ("ospf", 89),
    ("ospfigp", 89),
    ("pim", 103),
    ("comp", 108),
    ("ipcomp", 108),
    ("vrrp", 112),
    ("l2tp", 115),
    ("sctp", 132),
    ("udplite", 136),
];

/// Bits of a packet's state in conntrack.
const CT_STATES: &[(&str, u64)] =
    &[("invalid", 1), ("established", 2), ("related", 4), ("new", 8), ("untracked", 64)];

/// Bits of a connection's status (enum ip_conntrack_status).
const CT_STATUS: &[(&str, u64)] = &[
    ("expected", 1),
    ("seen-reply", 2),
    ("assured", 4),
    ("confirmed", 8),
    ("snat", 16),
    ("dnat", 32),
    ("dying", 512),
];

const CT_DIRECTIONS: &[(&str, u64)] = &[("original", 0), ("reply", 1)];

const TCP_FLAGS: &[(&str, u64)] =
    &[("fin", 1), ("syn", 2), ("rst", 4), ("psh", 8), ("ack", 16), ("urg", 32), ("ecn", 64), ("cwr", 128)];

const DSCP: &[(&str, u64)] = &[
    ("cs0", 0),
    ("df", 0),
    ("be", 0),
    ("lephb", 1),
    ("cs1", 8),
    ("af11", 10),
    ("af12", 12),
    ("af13", 14),
    ("cs2", 16),
    ("af21", 18),
    ("af22", 20),
    ("af23", 22),
    ("cs3", 24),
    ("af31", 26),
    ("af32", 28),
    ("af33", 30),
    ("cs4", 32),
    ("af41", 34),
    ("af42", 36),
    ("af43", 38),
    ("cs5", 40),
    ("va", 44),
    ("ef", 46),
    ("cs6", 48),
    ("cs7", 56),
];

const ICMP_TYPES: &[(&str, u64)] = &[
    ("echo-reply", 0),
    ("destination-unreachable", 3),
    ("source-quench", 4),
    ("redirect", 5),
    ("echo-request", 8),
    ("router-advertisement", 9),
    ("router-solicitation", 10),
    ("time-exceeded", 11),
    ("parameter-problem", 12),
    ("timestamp-request", 13),
    ("timestamp-reply", 14),
    ("info-request", 15),
    ("info-reply", 16),
    ("address-mask-request", 17),
    ("address-mask-reply", 18),
];

const ICMP_CODES: &[(&str, u64)] = &[
    ("net-unreachable", 0),
    ("host-unreachable", 1),
    ("prot-unreachable", 2),
    ("port-unreachable", 3),
    ("frag-needed", 4),
    ("net-prohibited", 9),
    ("host-prohibited", 10),
    ("admin-prohibited", 13),
];

const ICMP6_TYPES: &[(&str, u64)] = &[
    ("destination-unreachable", 1),
    ("packet-too-big", 2),
    ("time-exceeded", 3),
    ("parameter-problem", 4),
    ("echo-request", 128),
    ("echo-reply", 129),
    ("mld-listener-query", 130),
    ("mld-listener-report", 131),
    ("mld-listener-done", 132),
    ("mld-listener-reduction", 132),
    ("nd-router-solicit", 133),
    ("router-solicitation", 133),
    ("nd-router-advert", 134),
    ("router-advertisement", 134),
    ("nd-neighbor-solicit", 135),
    ("neighbour-solicitation", 135),
    ("neighbor-solicitation", 135),
    ("nd-neighbor-advert", 136),
    ("neighbour-advertisement", 136),
    ("neighbor-advertisement", 136),
    ("nd-redirect", 137),
    ("redirect", 137),
    ("router-renumbering", 138),
    ("ind-neighbor-solicit", 141),
    ("ind-neighbor-advert", 142),
    ("mld2-listener-report", 143),
];

const ICMP6_CODES: &[(&str, u64)] = &[
    ("no-route", 0),
    ("admin-prohibited", 1),
    ("addr-unreachable", 3),
    ("port-unreachable", 4),
    ("policy-fail", 5),
    ("reject-route", 6),
];

const PACKET_TYPES: &[(&str, u64)] =
    &[("host", 0), ("unicast", 0), ("broadcast", 1), ("multicast", 2), ("other", 3)];

const FAMILIES: &[(&str, u64)] = &[("ipv4", 2), ("ipv6", 10)];

const ETHER_TYPES: &[(&str, u64)] =
    &[("ip", 0x0800), ("arp", 0x0806), ("vlan", 0x8100), ("8021q", 0x8100), ("ip6", 0x86dd)];

/// What the routing tables call an address (RTN_…).
const ADDR_TYPES: &[(&str, u64)] = &[
    ("unspec", 0),
    ("unicast", 1),
    ("local", 2),
    ("broadcast", 3),
    ("anycast", 4),
    ("multicast", 5),
    ("blackhole", 6),
    ("unreachable", 7),
    ("prohibit", 8),
];

const BOOLEANS: &[(&str, u64)] = &[("missing", 0), ("exists", 1), ("false", 0), ("true", 1)];

/// What a name may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Protocol,
    CtState,
    CtStatus,
    CtDirection,
    TcpFlags,
    Dscp,
    IcmpType,
    IcmpCode,
    Icmp6Type,
    Icmp6Code,
    PacketType,
    Family,
    EtherType,
    AddrType,
    Boolean,
    /// A device or a MAC: the name itself.
    Name,
    /// An address.
    Address,
    /// A plain number.
    Number,
}

impl Kind {
    const fn table(self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Protocol => PROTOCOLS,
            Self::CtState => CT_STATES,
            Self::CtStatus => CT_STATUS,
            Self::CtDirection => CT_DIRECTIONS,
            Self::TcpFlags => TCP_FLAGS,
            Self::Dscp => DSCP,
            Self::IcmpType => ICMP_TYPES,
            Self::IcmpCode => ICMP_CODES,
            Self::Icmp6Type => ICMP6_TYPES,
            Self::Icmp6Code => ICMP6_CODES,
            Self::PacketType => PACKET_TYPES,
            Self::Family => FAMILIES,
            Self::EtherType => ETHER_TYPES,
            Self::AddrType => ADDR_TYPES,
            Self::Boolean => BOOLEANS,
            Self::Name | Self::Address | Self::Number => &[],
        }
    }

    /// The number that `word` stands for: by its name, or decimal or hexadecimal.
    pub(super) fn number(self, word: &str) -> Option<u64> {
        let named = self.table().iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        named.map(|(_, number)| *number).or_else(|| number(word))
    }
}

/// `80`, `0x50`.
pub(super) fn number(word: &str) -> Option<u64> {
    match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => word.parse().ok(),
    }
}
