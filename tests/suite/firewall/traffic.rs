//! What the rules do to packets: who is seen as the sender.

use flanctl::kernel::firewall::Firewall;

use super::{VARIANTS, changed, scratch, sh, wanted};

/// A node with a pod, a far pod behind the overlay, and the world outside; who is seen as the sender is collected in
/// a set at each end.
const AROUND: &str = "
    link() { ip netns add $1; ip link add $2 type veth peer name e0 netns $1; ip link set $2 up
             ip -n $1 link set e0 up; ip -n $1 addr add $3 dev e0
             ip netns exec $1 nft 'add table ip t; add set ip t seen { type ipv4_addr; size 64; flags dynamic; }
                 add chain ip t in { type filter hook input priority 0; }
                 add rule ip t in icmp type echo-request add @seen { ip saddr }'; }
    link pod p0 10.244.1.2/24; link far f0 10.244.2.2/24; link world w0 192.168.50.1/24
    ip link set lo up; echo 1 > /proc/sys/net/ipv4/ip_forward
    ip addr add 10.244.1.1/24 dev p0; ip addr add 10.244.1.0/32 dev f0; ip addr add 192.168.50.11/24 dev w0
    ip route add 10.244.2.0/24 dev f0
    ip -n pod route add default via 10.244.1.1
    ip -n far route add default via 10.244.1.0 dev e0 onlink
    ip -n world route add 10.244.0.0/16 via 192.168.50.11";

#[test]
fn pods_are_seen_by_their_own_address_and_the_world_sees_the_nodes() {
    for iptables in [None, Some("iptables-nft"), Some("iptables-legacy")] {
        scratch(move || {
            sh(AROUND);
            let variant = iptables.and_then(|i| VARIANTS.into_iter().find(|v| i.ends_with(v)));
            let mut firewall = variant.map_or_else(Firewall::nft, Firewall::iptables_variant);
            assert!(changed(firewall.ensure(&wanted("10.244.0.0-16", "10.244.1.0-24"))));
            if let Some(ipt) = iptables {
                // As docker sets it: only what is accepted by name gets through.
                sh(&format!("{ipt} -P FORWARD DROP"));
            }
            for (from, to, at, seen) in [
                ("ip netns exec pod", "10.244.2.2", "far", "10.244.1.2"),
                ("ip netns exec far", "10.244.1.2", "pod", "10.244.2.2"),
                ("ip netns exec pod", "192.168.50.1", "world", "192.168.50.11"),
                ("ip netns exec world", "10.244.1.2", "pod", "192.168.50.1"),
                // The node's own address means nothing to a far pod's network: the overlay device's is used.
                ("", "10.244.2.2 -I 192.168.50.11", "far", "10.244.1.0"),
            ] {
                sh(&format!("ip netns exec {at} nft flush set ip t seen; {from} ping -c 1 -W 2 {to}"));
                let set = sh(&format!("ip netns exec {at} nft list set ip t seen"));
                let elements =
                    set.split_once("elements = { ").map_or("", |(_, e)| e.split_once(" }").unwrap().0);
                assert_eq!(elements, seen, "{from} to {to}: {firewall:?}");
            }
        });
    }
}
