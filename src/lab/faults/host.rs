//! Faults of forwarding, reverse path filtering and firewalls.

use super::{At, Fault, node, own};

/// The rows.
pub(super) const ROWS: &[Fault] = &[
    Fault::near(
        "forward.off",
        "IPv4 forwarding is off",
        &["forward.off"],
        &[node("sysctl -qw net.ipv4.ip_forward=0", "sysctl -qw net.ipv4.ip_forward=1")],
    ),
    Fault::near(
        "forward.off-bridge",
        "IPv4 forwarding is off on cni0 alone",
        &["forward.off"],
        &[node("sysctl -qw net.ipv4.conf.cni0.forwarding=0", "sysctl -qw net.ipv4.conf.cni0.forwarding=1")],
    ),
    Fault::near(
        "forward.off-v6",
        "IPv6 forwarding is off",
        &["forward.off"],
        &[node("sysctl -qw net.ipv6.conf.all.forwarding=0", "sysctl -qw net.ipv6.conf.all.forwarding=1")],
    )
    .ipv6(),
    Fault::near(
        "rpfilter.rejects",
        "cni0 filters reverse paths strictly, and packets of this node to the pod would leave by eth0",
        &["rpfilter.rejects"],
        &[
            node("sysctl -qw net.ipv4.conf.cni0.rp_filter=1", "sysctl -qw net.ipv4.conf.cni0.rp_filter={rp:cni0}"),
            node("ip route add {pod} dev eth0", "ip route del {pod} dev eth0"),
        ],
    ),
    Fault::near(
        "rpfilter.rejects-answer",
        "the tunnel filters strictly, requests bear a mark that answers lack, and without it the way leads to the world",
        &["route.shadowed", "rpfilter.rejects"],
        &[
            node(
                "nft 'table ip site { chain pre { type filter hook prerouting priority -150; iifname \"cni0\" meta mark set 0x7; }; }'",
                "nft delete table ip site",
            ),
            node("ip rule add pref 77 fwmark 0x7 lookup 77", "ip rule del pref 77"),
            node(
                "ip route add {other.subnet} via {other.base} dev {dev} onlink table 77",
                "ip route flush table 77",
            ),
            node("ip route add {other.half} via {world} dev eth0", "ip route del {other.half} via {world} dev eth0"),
            node("sysctl -qw net.ipv4.conf.{dev/}.rp_filter=1", "sysctl -qw net.ipv4.conf.{dev/}.rp_filter={rp:dev}"),
        ],
    )
    .traced(&["rpfilter.rejects"]),
    Fault::near(
        "filter.forward-nft",
        "an nft table of the site drops what is forwarded",
        &["filter.forward"],
        &[node(
            "nft 'table inet site { chain forward { type filter hook forward priority 10; policy drop; }; }'",
            "nft delete table inet site",
        )],
    ),
    Fault::near(
        "filter.forward-firewalld",
        "a table that firewalld owns rejects what no zone allows",
        &["filter.forward"],
        &[node(
            "nft 'table inet firewalld { chain filter_FORWARD { type filter hook forward priority filter + 10; \
             policy accept; ct state { established, related } accept; iifname \"lo\" accept; \
             reject with icmpx admin-prohibited; }; }'",
            "nft delete table inet firewalld",
        )],
    ),
    Fault::near(
        "filter.forward-set",
        "an nft set of blocked addresses holds the other node's subnet",
        &["filter.forward"],
        &[node(
            "nft 'table ip site { set blocked { type ipv4_addr; flags interval; elements = { {other.subnet} }; }; \
             chain forward { type filter hook forward priority -10; ip daddr @blocked drop; }; }'",
            "nft delete table ip site",
        )],
    ),
    Fault::near(
        "filter.forward-legacy",
        "iptables-legacy has FORWARD policy DROP, beside the rules of iptables-nft",
        &["filter.forward"],
        &[node("iptables-legacy -P FORWARD DROP", "iptables-legacy -P FORWARD ACCEPT")],
    ),
    Fault::near(
        "filter.forward-policy",
        "FORWARD policy is DROP, as docker sets it, and flannel's jump is gone",
        &["filter.forward"],
        &[
            node("iptables -P FORWARD DROP", "iptables -P FORWARD ACCEPT"),
            own("iptables -D FORWARD -m comment --comment 'flanneld forward' -j FLANNEL-FWD"),
        ],
    ),
    Fault::near(
        "filter.forward-reject",
        "a REJECT rule stands before flannel's jump",
        &["filter.forward"],
        &[node(
            "iptables -I FORWARD -s {subnet} -d {other.subnet} -j REJECT --reject-with icmp-admin-prohibited",
            "iptables -D FORWARD -s {subnet} -d {other.subnet} -j REJECT --reject-with icmp-admin-prohibited",
        )],
    ),
    Fault::near(
        "filter.forward-docker",
        "DOCKER-USER drops what leaves for the overlay",
        &["filter.forward"],
        &[
            node("iptables -N DOCKER-USER", "iptables -X DOCKER-USER"),
            node("iptables -A DOCKER-USER -o {dev} -j DROP", "iptables -F DOCKER-USER"),
            node("iptables -I FORWARD -j DOCKER-USER", "iptables -D FORWARD -j DOCKER-USER"),
        ],
    ),
    Fault::near(
        "filter.input",
        "the firewall drops what pods send to their node",
        &["filter.input"],
        &[node(
            "nft 'table ip site { chain input { type filter hook input priority 0; iifname \"cni0\" icmp type echo-request drop; }; }'",
            "nft delete table ip site",
        )],
    )
    .to("{gw}"),
    Fault::near(
        "filter.forward-answer",
        "an nft table of the site drops what comes out of the tunnel for pods: requests leave, answers die",
        &["filter.forward"],
        &[node(
            "nft 'table ip site { chain forward { type filter hook forward priority 0; iifname \"{dev}\" oifname \"cni0\" drop; }; }'",
            "nft delete table ip site",
        )],
    ),
    Fault::near(
        "filter.input-answer",
        "the firewall drops what pods elsewhere answer the node itself",
        &["filter.input"],
        &[node(
            "nft 'table ip site { chain input { type filter hook input priority 0; iifname \"{dev}\" icmp type echo-reply drop; }; }'",
            "nft delete table ip site",
        )],
    )
    .from(At::Node),
    Fault::near(
        "filter.output",
        "the firewall drops what the node itself sends to pods elsewhere",
        &["filter.output"],
        &[node(
            "nft 'table ip site { chain output { type filter hook output priority 0; ip daddr {other.subnet} drop; }; }'",
            "nft delete table ip site",
        )],
    )
    .from(At::Node),
    Fault::near(
        "masq.unexpected",
        "a rule of another owner masquerades pod to pod traffic",
        &["masq.unexpected"],
        &[node(
            "nft 'table ip site { chain post { type nat hook postrouting priority 90; oifname \"{dev}\" ip saddr {subnet} masquerade; }; }'",
            "nft delete table ip site",
        )],
    )
    .lives(),
    Fault::near(
        "masq.unexpected-docker",
        "docker's own masquerade rule stands before flannel's and catches the overlay",
        &["masq.unexpected"],
        &[node(
            "iptables -t nat -I POSTROUTING -s {subnet} ! -o cni0 -j MASQUERADE",
            "iptables -t nat -D POSTROUTING -s {subnet} ! -o cni0 -j MASQUERADE",
        )],
    )
    .lives(),
];
