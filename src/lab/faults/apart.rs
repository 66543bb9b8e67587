//! Faults that no packet's way shows, or only in part: an examination of the whole node does.

use super::{Fault, Mend, node, own};

/// The rows.
pub(super) const ROWS: &[Fault] = &[
    Fault::near(
        "peer.missing",
        "route, neighbour and forwarding entry of the other node are gone, as after an event that was lost",
        &["peer.missing"],
        &[own("ip route del {other.subnet} dev {dev} && ip neigh del {other.base} dev {dev} && \
             bridge fdb del {other.mac} dev {dev} dst {other.ip} self")],
    )
    .traced(&["route.missing"]),
    Fault::near(
        "vtep.rival",
        "another program's tunnel has the port and VNI of flannel's, which cannot be made beside it",
        &["vtep.rival"],
        &[
            own("ip link del {dev}"),
            node(
                "ip link add rival0 type vxlan id {vni} dev eth0 dstport {port} nolearning",
                "ip link del rival0 2>/dev/null || true",
            ),
        ],
    ),
    Fault::near(
        "masq.missing",
        "the rules that let pods speak to the world under the node's address are gone",
        &["masq.missing"],
        &[own("iptables -t nat -F FLANNEL-POSTRTG")],
    )
    .lives()
    .traced(&[]),
    Fault::near(
        "subnetenv.missing",
        "subnet.env is gone: no new pod can be made",
        &["subnetenv.missing"],
        &[node(
            "mv {home}/{name}/subnet.env {home}/{name}/subnet.kept",
            "mv {home}/{name}/subnet.kept {home}/{name}/subnet.env",
        )],
    )
    .lives()
    .traced(&[])
    .mended(Mend::Nothing("the agent writes it when it starts")),
    Fault::near(
        "subnetenv.stale",
        "subnet.env tells another subnet than the lease, as after a copy of the machine",
        &["subnetenv.stale"],
        &[node(
            "cp {home}/{name}/subnet.env {home}/{name}/subnet.kept && \
             sed -i 's|^FLANNEL_SUBNET=.*|FLANNEL_SUBNET=10.244.255.1/24|' {home}/{name}/subnet.env",
            "mv {home}/{name}/subnet.kept {home}/{name}/subnet.env",
        )],
    )
    .lives()
    .traced(&[])
    .mended(Mend::Nothing("the agent writes it when it starts")),
];
