//! Faults of the tunnel device: its neighbours, its forwarding entries, itself.

use super::{Fault, Line, node, own};

/// What the agent would have written for every peer on a device that was made by hand.
const NEIGHS: Line = own("ip neigh replace {each.base} lladdr {each.mac} dev {dev} nud permanent");
const FDBS: Line = own("bridge fdb replace {each.mac} dev {dev} dst {each.ip} self permanent");
const ROUTES: Line = own("ip route replace {each.subnet} via {each.base} dev {dev} onlink");
const DRESS: Line = own("ip link set {dev} address {mac} mtu {mtu} up && ip addr add {base}/32 dev {dev}");
const GONE: Line = own("ip link del {dev}");

/// The rows.
pub(super) const ROWS: &[Fault] = &[
    Fault::near(
        "neigh.missing",
        "the tunnel has no MAC for the other node's end point",
        &["neigh.missing"],
        &[own("ip neigh del {other.base} dev {dev}")],
    ),
    Fault::near(
        "neigh.wrong",
        "the tunnel has another MAC for the other node's end point",
        &["neigh.wrong"],
        &[own("ip neigh replace {other.base} lladdr 02:00:00:00:00:99 dev {dev} nud permanent")],
    ),
    Fault::near(
        "neigh.failed",
        "the kernel asked for the other node's end point, and nobody answered",
        &["neigh.failed"],
        &[own("ip neigh change {other.base} dev {dev} nud failed")],
    )
    // The next packet makes it incomplete, as one that was never there.
    .traced(&["neigh.missing"]),
    Fault::near(
        "neigh.notpermanent",
        "the other node's end point is known, but not for good",
        &["neigh.notpermanent"],
        &[own("ip neigh replace {other.base} lladdr {other.mac} dev {dev} nud stale")],
    )
    .lives(),
    Fault::near(
        "neigh.stale",
        "a neighbour entry that belongs to nobody",
        &["neigh.stale"],
        &[own("ip neigh replace 10.244.254.0 lladdr 02:00:00:00:00:99 dev {dev} nud permanent")],
    )
    .lives()
    .traced(&[]),
    Fault::near(
        "neigh.missing-v6",
        "the IPv6 tunnel has no MAC for the other node's end point",
        &["neigh.missing"],
        &[own("ip -6 neigh del {other.base6} dev {dev6}")],
    )
    .ipv6(),
    Fault::near(
        "fdb.missing",
        "the tunnel has no remote for the other node's MAC",
        &["fdb.missing"],
        &[own("bridge fdb del {other.mac} dev {dev} dst {other.ip} self")],
    ),
    Fault::near(
        "fdb.wrong",
        "the other node's MAC is sent to an address where nobody is",
        &["fdb.wrong"],
        &[own("bridge fdb replace {other.mac} dev {dev} dst {nobody} self permanent")],
    ),
    Fault::near(
        "fdb.flood",
        "all-zero entries send everything everywhere and hide that the other node's is missing",
        &["fdb.flood"],
        &[
            own("bridge fdb del {other.mac} dev {dev} dst {other.ip} self"),
            node(
                "bridge fdb append 00:00:00:00:00:00 dev {dev} dst {each.ip} self permanent",
                "bridge fdb del 00:00:00:00:00:00 dev {dev} dst {each.ip} self",
            ),
        ],
    )
    .lives(),
    Fault::near(
        "fdb.learned",
        "the tunnel learns remotes from what comes in",
        &["fdb.learned"],
        &[own("ip link set {dev} type vxlan id {vni} learning")],
    )
    .lives(),
    Fault::near(
        "fdb.stale",
        "a forwarding entry that belongs to nobody",
        &["fdb.stale"],
        &[own("bridge fdb replace 02:00:00:00:00:99 dev {dev} dst {nobody} self permanent")],
    )
    .lives()
    .traced(&[]),
    Fault::near(
        "fdb.missing-v6",
        "the IPv6 tunnel has no remote for the other node's MAC",
        &["fdb.missing"],
        &[own("bridge fdb del {other.mac6} dev {dev6} dst {other.ip6} self")],
    )
    .ipv6(),
    Fault::near("vtep.missing", "the tunnel device is gone", &["vtep.missing"], &[GONE]),
    Fault::near("vtep.down", "the tunnel device is down", &["vtep.down"], &[own("ip link set {dev} down")]),
    Fault::near(
        "vtep.bounced",
        "the tunnel device was down and came back: forwarding entries stand, neighbours and routes are gone",
        &["vtep.bounced"],
        &[own("ip link set {dev} down && ip link set {dev} up")],
    ),
    Fault::near(
        "vtep.mac",
        "the tunnel device got another MAC: the kernel forgot its neighbours, and peers ignore what comes",
        &["vtep.mac"],
        &[own("ip link set {dev} address 02:00:00:00:00:cc")],
    ),
    Fault::near(
        "vtep.addr",
        "the tunnel device lost its address, and with it every route and neighbour",
        &["vtep.addr"],
        &[own("ip addr del {base}/32 dev {dev}")],
    ),
    Fault::near(
        "vtep.foreign_addr",
        "the tunnel device got an address from a DHCP client",
        &["vtep.foreign_addr"],
        &[node("ip addr add 169.254.7.7/16 dev {dev}", "ip addr del 169.254.7.7/16 dev {dev}")],
    )
    .lives(),
    Fault::near(
        "vtep.vni",
        "the tunnel device was made with another VNI",
        &["vtep.vni"],
        &[
            GONE,
            own("ip link add {dev} type vxlan id 77 dev eth0 local {addr} dstport {port} nolearning"),
            DRESS,
            NEIGHS,
            FDBS,
            ROUTES,
        ],
    ),
    Fault::near(
        "vtep.port",
        "the tunnel device was made with another UDP port",
        &["vtep.port"],
        &[
            GONE,
            own("ip link add {dev} type vxlan id {vni} dev eth0 local {addr} dstport 4789 nolearning"),
            DRESS,
            NEIGHS,
            FDBS,
            ROUTES,
        ],
    ),
    Fault::near(
        "vtep.local",
        "the tunnel device sends from an address that the uplink does not have",
        &["vtep.local"],
        &[
            GONE,
            own("ip link add {dev} type vxlan id {vni} dev eth0 local {nobody} dstport {port} nolearning"),
            DRESS,
            NEIGHS,
            FDBS,
            ROUTES,
        ],
    ),
    Fault::near(
        "vtep.gbp",
        "the tunnel device was made with group based policy, which the config does not want",
        &["vtep.gbp"],
        &[
            GONE,
            own("ip link add {dev} type vxlan id {vni} dev eth0 local {addr} dstport {port} nolearning gbp"),
            DRESS,
            NEIGHS,
            FDBS,
            ROUTES,
        ],
    )
    .lives(),
];
