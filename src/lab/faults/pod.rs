//! Faults between a pod and its node.

use super::{Fault, node, pod};

/// The rows.
pub(super) const ROWS: &[Fault] = &[
    Fault::near(
        "pod.noaddr",
        "the pod has lost its address",
        &["pod.noaddr"],
        &[pod("ip addr del {pod}/{len} dev eth0", "{pod.dress}")],
    ),
    Fault::near(
        "pod.noroute",
        "the pod has no default route",
        &["pod.noroute"],
        &[pod("ip route del default", "{pod.dress}")],
    ),
    Fault::near(
        "pod.neigh",
        "the pod has a dead MAC for its gateway, as after cni0 was made anew",
        &["pod.neigh"],
        &[pod(
            "ip neigh replace {gw} lladdr 02:00:00:00:00:99 dev eth0 nud permanent",
            "ip neigh del {gw} dev eth0",
        )],
    ),
    Fault::near(
        "pod.filter",
        "a firewall inside the pod drops what comes in: requests leave, answers die",
        &["pod.filter"],
        &[pod(
            "nft 'table ip guard { chain input { type filter hook input priority 0; policy drop; }; }'",
            "nft delete table ip guard",
        )],
    ),
    Fault::near(
        "veth.down",
        "the node's end of the pod's veth pair is down",
        &["veth.down"],
        &[node("ip link set veth0 down", "ip link set veth0 up")],
    ),
    Fault::near(
        "veth.down-pod",
        "the pod's end of its veth pair is down",
        &["veth.down"],
        &[pod("ip link set eth0 down", "ip link set eth0 up && {pod.dress}")],
    ),
    Fault::near(
        "bridge.port",
        "the pod's veth is no port of cni0",
        &["bridge.port"],
        &[node("ip link set veth0 nomaster", "ip link set veth0 master cni0")],
    ),
    Fault::near(
        "bridge.port-disabled",
        "the pod's port of cni0 does not forward",
        &["bridge.port"],
        &[node("bridge link set dev veth0 state 0", "bridge link set dev veth0 state 3")],
    ),
    Fault::near(
        "bridge.port-down",
        "cni0 is down, and every port with it",
        &["bridge.port"],
        &[node("ip link set cni0 down", "ip link set cni0 up")],
    ),
    Fault::near(
        "pod.neigh-node",
        "the node has a dead MAC for the pod, as after the pod was made anew: answers die",
        &["pod.neigh"],
        &[node(
            "ip neigh replace {pod} lladdr 02:00:00:00:00:99 dev cni0 nud permanent",
            "ip neigh del {pod} dev cni0",
        )],
    ),
    Fault::near(
        "bridge.stale",
        "cni0 kept another subnet's address, as after a new lease",
        &["bridge.stale"],
        &[
            node("ip addr add 10.244.255.1/24 dev cni0", "ip addr del 10.244.255.1/24 dev cni0"),
            node("ip addr del {gw}/{len} dev cni0", "ip addr replace {gw}/{len} brd + dev cni0"),
        ],
    ),
    Fault::near(
        "mtu.inner",
        "the pod and its bridge have MTU 1500, the tunnel less",
        &["mtu.inner"],
        &[
            pod("ip link set eth0 mtu 1500", "ip link set eth0 mtu {mtu}"),
            node("ip link set veth0 mtu 1500", "ip link set veth0 mtu {mtu}"),
            node("ip link set cni0 mtu 1500", "ip link set cni0 mtu {mtu}"),
        ],
    )
    .lives(),
];
