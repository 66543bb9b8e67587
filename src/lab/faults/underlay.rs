//! Faults below the tunnel: the way to the other node's public address.

use super::{At, Fault, Line, Mend, node, switch};

const FEEL: Line = node("ping -n -c 1 -W 1 {other.ip} || true", "true");

/// The rows.
pub(super) const ROWS: &[Fault] = &[
    Fault::near(
        "outer.noroute",
        "there is no route to the other node at all",
        &["outer.noroute"],
        &[node("ip route del default && ip route del {underlay} dev eth0", "{dress}")],
    ),
    Fault::near(
        "outer.noroute-unreachable",
        "an unreachable route stands on the other node's public address",
        &["outer.noroute"],
        &[node("ip route add unreachable {other.ip}", "ip route del unreachable {other.ip}")],
    ),
    Fault::near(
        "outer.loop",
        "the way to the other node's public address leads back into the tunnel",
        &["outer.loop"],
        &[node("ip route add {other.ip} dev {dev}", "ip route del {other.ip} dev {dev}")],
    ),
    Fault::near(
        "outer.local",
        "the other node's public address is an address of this node, too",
        &["outer.local"],
        &[node("ip addr add {other.ip}/32 dev lo", "ip addr del {other.ip}/32 dev lo")],
    ),
    Fault::near(
        "outer.wrongdev",
        "the way to the other node's public address leaves by another device",
        &["outer.wrongdev"],
        &[
            node("ip link add wire0 type veth peer name wire1", "ip link del wire0"),
            node("ip link set wire0 up && ip link set wire1 up && ip addr add 198.18.1.1/24 dev wire0", ""),
            node("ip route add {other.ip} dev wire0", ""),
        ],
    ),
    Fault::near(
        "outer.neigh",
        "the other node is unplugged: nobody answers ARP for its public address",
        &["outer.neigh"],
        &[
            switch("ip link set {other.name} down", "ip link set {other.name} up"),
            node("ip neigh flush dev eth0", ""),
            FEEL,
        ],
    )
    .mended(Mend::Nothing("the other node's cable is out, and no command here puts it back")),
    Fault::near(
        "outer.neigh-mac",
        "the other node's public address is pinned to a MAC that nobody has",
        &["outer.neigh"],
        &[node(
            "ip neigh replace {other.ip} lladdr 02:00:00:00:00:99 dev eth0 nud permanent",
            "ip neigh del {other.ip} dev eth0",
        )],
    )
    // Only the other node knows its own MAC.
    .flags("", "--peer {other.netns}"),
    Fault::near(
        "outer.down",
        "the uplink is down",
        &["outer.down"],
        &[node("ip link set eth0 down", "ip link set eth0 up && {dress}")],
    ),
    Fault::near(
        "outer.down-carrier",
        "the uplink's cable is out",
        &["outer.down"],
        &[switch("ip link set {name} down", "ip link set {name} up")],
    )
    .mended(Mend::Nothing("the cable is out, and no command puts it back")),
    Fault::near(
        "outer.filtered",
        "the firewall drops what the tunnel sends",
        &["outer.filtered"],
        &[node(
            "nft 'table ip site { chain output { type filter hook output priority 0; udp dport {port} drop; }; }'",
            "nft delete table ip site",
        )],
    ),
    Fault::near(
        "outer.filtered-legacy",
        "iptables-legacy rejects the tunnel's UDP port",
        &["outer.filtered"],
        &[node(
            "iptables-legacy -A OUTPUT -p udp --dport {port} -j REJECT",
            "iptables-legacy -D OUTPUT -p udp --dport {port} -j REJECT",
        )],
    ),
    Fault::near(
        "outer.filtered-input",
        "the firewall drops the tunnel's packets that come in: requests leave, answers die",
        &["outer.filtered"],
        &[node(
            "nft 'table ip site { chain input { type filter hook input priority 0; udp dport {port} drop; }; }'",
            "nft delete table ip site",
        )],
    ),
    Fault::near(
        "mtu.outer",
        "the uplink's MTU was lowered under the tunnel's: large packets die",
        &["mtu.outer"],
        &[node("ip link set eth0 mtu 1400", "ip link set eth0 mtu 1500")],
    )
    .flags("-s 1394", "--size 1422")
    .mended(Mend::Everywhere),
    Fault::near(
        "outer.local-host",
        "the same address, felt by the node itself",
        &["outer.local"],
        &[node("ip addr add {other.ip}/32 dev lo", "ip addr del {other.ip}/32 dev lo")],
    )
    .from(At::Node),
];
