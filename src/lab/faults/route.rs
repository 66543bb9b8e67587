//! Faults of routes and policy rules.

use super::{At, Fault, Line, node, own};

const VIA_WORLD: Line =
    node("ip route add {other.subnet} via {world} dev eth0 table 100", "ip route flush table 100");

/// The rows.
pub(super) const ROWS: &[Fault] = &[
    Fault::near(
        "route.missing",
        "the route to the other node's subnet is gone",
        &["route.missing"],
        &[own("ip route del {other.subnet} dev {dev}")],
    ),
    Fault::near(
        "agent-died-mid-add",
        "neighbours and forwarding entries stand and every route is missing: an agent died while it added peers",
        &["route.missing"],
        &[own("ip route del {each.subnet} dev {dev}")],
    ),
    Fault::near(
        "route.wrong",
        "the route to the other node's subnet leads to the world",
        &["route.wrong"],
        &[own("ip route replace {other.subnet} via {world} dev eth0")],
    ),
    Fault::near(
        "route.shadowed",
        "a longer prefix on the underlay wins over the overlay's route",
        &["route.shadowed"],
        &[node("ip route add {other.half} dev eth0", "ip route del {other.half} dev eth0")],
    ),
    Fault::near(
        "route.shadowed-host",
        "a route to the one pod, by a gateway that does not know it",
        &["route.shadowed"],
        &[node(
            "ip route add {other.pod} via {world} dev eth0",
            "ip route del {other.pod} via {world} dev eth0",
        )],
    ),
    Fault::near(
        "route.blackhole",
        "a blackhole route swallows the packet",
        &["route.blackhole"],
        &[node("ip route add blackhole {other.pod}", "ip route del blackhole {other.pod}")],
    ),
    Fault::near(
        "route.blackhole-subnet",
        "a blackhole route for half of the other node's subnet",
        &["route.blackhole"],
        &[node("ip route add blackhole {other.half}", "ip route del blackhole {other.half}")],
    ),
    Fault::near(
        "route.prohibit",
        "a prohibit route refuses the packet",
        &["route.prohibit"],
        &[node("ip route add prohibit {other.pod}", "ip route del prohibit {other.pod}")],
    ),
    Fault::near(
        "route.unreachable",
        "an unreachable route refuses the packet",
        &["route.unreachable"],
        &[node("ip route add unreachable {other.pod}", "ip route del unreachable {other.pod}")],
    ),
    Fault::near(
        "route.local",
        "the other pod's address is an address of this node, too: a ping is answered here",
        &["route.local"],
        &[node("ip addr add {other.pod}/32 dev lo", "ip addr del {other.pod}/32 dev lo")],
    )
    .misled(),
    Fault::near(
        "route.deadleg",
        "an ECMP route whose leg for this flow has no carrier",
        &["route.deadleg"],
        &[
            node("ip link add leg0 type veth peer name leg1", "ip link del leg0"),
            node("ip link set leg0 up && ip addr add 198.18.0.1/24 dev leg0", ""),
            // Which leg a flow takes hangs on a seed of the kernel: if it is the living one, they change places.
            node(
                "ip route add {other.half} nexthop via 198.18.0.2 dev leg0 nexthop via {other.base} dev {dev} onlink; \
                 ip route get {other.pod} from {pod} iif cni0 | grep -q leg0 || \
                 ip route replace {other.half} nexthop via {other.base} dev {dev} onlink nexthop via 198.18.0.2 dev leg0",
                "ip route del {other.half}",
            ),
        ],
    ),
    Fault::near(
        "route.stale",
        "a route to a subnet that nobody holds",
        &["route.stale"],
        &[own("ip route add 10.244.254.0/24 via 10.244.254.0 dev {dev} onlink")],
    )
    .lives()
    .traced(&[]),
    Fault::near(
        "rule.diverts",
        "a policy rule sends the other node's subnet to a table that leads to the world",
        &["rule.diverts"],
        &[VIA_WORLD, node("ip rule add pref 100 to {other.subnet} lookup 100", "ip rule del pref 100")],
    ),
    Fault::near(
        "rule.diverts-source",
        "a policy rule for this node's pods leads to the world",
        &["rule.diverts"],
        &[VIA_WORLD, node("ip rule add pref 100 from {subnet} lookup 100", "ip rule del pref 100")],
    ),
    Fault::near(
        "rule.diverts-mark",
        "a firewall rule marks the packet, and a policy rule sends what is marked to the world",
        &["rule.diverts"],
        &[
            VIA_WORLD,
            node("ip rule add pref 100 fwmark 0x77 lookup 100", "ip rule del pref 100"),
            node(
                "nft 'table ip site { chain pre { type filter hook prerouting priority mangle; \
                 ip daddr {other.subnet} meta mark set 0x77; }; }'",
                "nft delete table ip site",
            ),
        ],
    ),
    Fault::near(
        "rule.prohibits",
        "a policy rule refuses what goes to the other node's subnet",
        &["rule.prohibits"],
        &[node("ip rule add pref 100 to {other.subnet} prohibit", "ip rule del pref 100")],
    ),
    Fault::near(
        "route.missing-host",
        "the same route is gone, felt by the node itself",
        &["route.missing"],
        &[own("ip route del {other.subnet} dev {dev}")],
    )
    .from(At::Node),
    Fault::near(
        "route.missing-v6",
        "the IPv6 route to the other node's subnet is gone",
        &["route.missing"],
        &[own("ip -6 route del {other.subnet6} dev {dev6}")],
    )
    .ipv6(),
    Fault::near(
        "route.shadowed-metric",
        "an IPv6 route of a lower metric wins over the overlay's",
        &["route.shadowed"],
        &[node(
            "ip -6 route add {other.subnet6} via {world6} dev eth0 metric 10",
            "ip -6 route del {other.subnet6} via {world6} dev eth0 metric 10",
        )],
    )
    .ipv6(),
];
