//! Faults of the node at the other end, which one sees with that node's snapshot beside one's own.

use super::{Fault, Line, Mend, node, own, pod};

const NEIGHS: Line = own("ip neigh replace {each.base} lladdr {each.mac} dev {dev} nud permanent");
const FDBS: Line = own("bridge fdb replace {each.mac} dev {dev} dst {each.ip} self permanent");
const ROUTES: Line = own("ip route replace {each.subnet} via {each.base} dev {dev} onlink");
const DRESS: Line = own("ip link set {dev} address {mac} mtu {mtu} up && ip addr add {base}/32 dev {dev}");

/// The rows.
pub(super) const ROWS: &[Fault] = &[
    Fault::far(
        "remote.port",
        "the far node's tunnel listens on another UDP port",
        &["remote.port"],
        &["vtep.port"],
        &[
            own("ip link del {dev}"),
            own("ip link add {dev} type vxlan id {vni} dev eth0 local {addr} dstport 4789 nolearning"),
            DRESS,
            NEIGHS,
            FDBS,
            ROUTES,
        ],
    ),
    Fault::far(
        "remote.vni",
        "the far node's tunnel has another VNI",
        &["remote.vni"],
        &["vtep.vni"],
        &[
            own("ip link del {dev}"),
            own("ip link add {dev} type vxlan id 77 dev eth0 local {addr} dstport {port} nolearning"),
            DRESS,
            NEIGHS,
            FDBS,
            ROUTES,
        ],
    ),
    Fault::far(
        "remote.mac",
        "the far node's tunnel has another MAC than its lease: packets arrive and are ignored",
        &["remote.mac"],
        &["vtep.mac"],
        &[own("ip link set {dev} address 02:00:00:00:00:cc"), NEIGHS],
    ),
    Fault::far(
        "remote.noreturn",
        "the far node has no route back",
        &["remote.noreturn"],
        &["route.missing"],
        &[own("ip route del {other.subnet} dev {dev}")],
    ),
    Fault::far(
        "remote.noreturn-rule",
        "a policy rule of the far node refuses the way back",
        &["remote.noreturn"],
        &["rule.prohibits"],
        &[node("ip rule add pref 100 to {other.subnet} prohibit", "ip rule del pref 100")],
    ),
    Fault::far(
        "remote.rpfilter",
        "the far node filters reverse paths strictly, and answers past the tunnel",
        &["remote.rpfilter"],
        &["route.wrong", "rpfilter.rejects"],
        &[
            own("ip route replace {other.subnet} via {other.addr} dev eth0"),
            node("sysctl -qw net.ipv4.conf.{dev/}.rp_filter=1", "sysctl -qw net.ipv4.conf.{dev/}.rp_filter={rp:dev}"),
        ],
    ),
    Fault::far(
        "remote.asymmetric",
        "the far node answers past the tunnel, and nobody minds",
        &["remote.asymmetric"],
        &["route.wrong"],
        &[own("ip route replace {other.subnet} via {other.addr} dev eth0")],
    )
    .lives(),
    Fault::far(
        "remote.podgone",
        "the pod is gone, and its address with it",
        &["remote.podgone"],
        &[],
        &[
            pod("true", "ip link set eth0 up && {pod.dress}"),
            node("true", "ip link set veth0 master cni0 up"),
            node(
                "ip link del veth0",
                "ip link add veth0 address {ether:veth0} mtu {mtu} type veth peer name eth0 address {pod.ether:eth0} mtu {mtu} netns {podns}",
            ),
        ],
    )
    .mended(Mend::Nothing("whoever made the pod has to make it again")),
    Fault::far(
        "remote.forward",
        "the far node does not forward",
        &["remote.forward"],
        &["forward.off"],
        &[node("sysctl -qw net.ipv4.ip_forward=0", "sysctl -qw net.ipv4.ip_forward=1")],
    ),
    Fault::far(
        "remote.filter",
        "the far node's firewall drops what is forwarded",
        &["remote.filter"],
        &["filter.forward"],
        &[node(
            "nft 'table inet site { chain forward { type filter hook forward priority 10; policy drop; }; }'",
            "nft delete table inet site",
        )],
    ),
    Fault::far(
        "remote.filter-outer",
        "the far node's firewall drops the tunnel's UDP port",
        &["remote.filter"],
        &["outer.filtered"],
        &[node(
            "nft 'table ip site { chain input { type filter hook input priority 0; udp dport {port} drop; }; }'",
            "nft delete table ip site",
        )],
    ),
    Fault::far(
        "mtu.asymmetric",
        "the far node's tunnel takes smaller packets than this one's",
        &["mtu.asymmetric"],
        &["mtu.inner"],
        &[own("ip link set {dev} mtu 1350")],
    )
    .lives(),
];
