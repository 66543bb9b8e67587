//! The wording of what is wrong with the host around the overlay: the agent, the kernel's abilities, its tables.

use ipnet::IpNet;

use super::repair::PeerRows;
use super::{Confidence, Finding};

/// The agent of this node is stopped, or gone without having been told to.
pub fn agent_stopped(node: &str, how: &str, pid: Option<u32>) -> Finding {
    let who = pid.map_or_else(|| "the agent".to_owned(), |pid| format!("the agent (pid {pid})"));
    let see = pid.map_or_else(|| "pgrep -a flan".to_owned(), |pid| format!("grep State /proc/{pid}/status"));
    let cause = format!("{who} {how}: nothing here follows the leases any more");
    let found = Finding::new("agent.stopped", node, cause, see);
    match (how, pid) {
        ("is stopped", Some(pid)) => {
            found.evidence(format!("process {pid} is in state T")).fix(format!("kill -CONT {pid}"))
        }
        _ => found.evidence("its state file stands, its process does not run"),
    }
}

/// The connection table is full, or nearly so.
pub fn conntrack_full(node: &str, count: u64, most: u64) -> Finding {
    let cause = format!("the connection table holds {count} of {most} entries: new connections are dropped");
    Finding::new("conntrack.full", node, cause, "cat /proc/sys/net/netfilter/nf_conntrack_count")
        .evidence(format!("net.netfilter.nf_conntrack_count {count}, nf_conntrack_max {most}"))
        .fix(format!("sysctl -w net.netfilter.nf_conntrack_max={}", most.saturating_mul(2)))
        .lasting(
            "write it to a file in /etc/sysctl.d, and look who opens so many connections: `conntrack -S`",
        )
}

/// The kernel has no VXLAN.
pub fn module_missing(node: &str, module: &str, why: &str) -> Finding {
    let cause = format!("this kernel has no {module}: {why}");
    Finding::new("module.missing", node, cause, format!("modinfo {module}"))
        .evidence(format!("module {module}: neither loaded nor built in"))
        .fix(format!("modprobe {module}"))
        .lasting(format!("name {module} in a file in /etc/modules-load.d"))
}

/// The kernel knows no nexthop objects, and the cluster is large.
pub fn nexthop_unsupported(node: &str, peers: usize) -> Finding {
    let cause = format!(
        "this kernel knows no nexthop objects (Linux 5.3 has them): {peers} routes on one device are slow to write"
    );
    Finding::new("nexthop.unsupported", node, cause, "ip nexthop list").evidence("RTM_GETNEXTHOP is refused")
}

/// Another program holds the tunnel's UDP port.
pub fn socket_taken(node: &str, port: u16, owner: &str) -> Finding {
    let cause = format!("UDP port {port} belongs to {owner}: the tunnel device cannot open it");
    Finding::new("vtep.socket", node, cause, format!("ss -ulnp sport = :{port}"))
        .evidence(format!("udp port {port}: {owner}"))
}

/// The clocks of this node and of the store differ.
pub fn clock_skew(node: &str, offset_ms: i64) -> Finding {
    let secs = offset_ms.unsigned_abs() / 1_000;
    let side = if offset_ms > 0 { "ahead of" } else { "behind" };
    let cause =
        format!("this node's clock is {secs} s {side} the store's: leases are renewed at the wrong time");
    Finding::new("clock.skew", node, cause, "date -u")
        .evidence(format!("offset to the store: {offset_ms} ms"))
        .confidence(Confidence::Likely)
}

/// The lease store does not answer.
pub fn store_silent(node: &str, why: &str) -> Finding {
    Finding::new("store.silent", node, format!("the lease store does not answer: {why}"), "flanctl lease")
        .evidence("what is there stays as it is, and no lease is followed or renewed meanwhile")
        .confidence(Confidence::Likely)
}

/// Bridged packets pass the kernel's firewall by, and kube-proxy's rules with it.
pub fn bridge_netfilter(node: &str, name: &str, value: Option<&str>) -> Finding {
    let cause = "packets between pods of this node do not pass the firewall, which Kubernetes services need";
    let evidence = match value {
        Some(value) => format!("{name} = {value}"),
        None => format!("there is no {name}: br_netfilter is not loaded"),
    };
    let fix = format!("modprobe br_netfilter && sysctl -w {name}=1");
    Finding::new("bridge.netfilter", node, cause, format!("sysctl {name}"))
        .evidence(evidence)
        .fix(fix)
        .lasting("name br_netfilter in /etc/modules-load.d, and the sysctl in /etc/sysctl.d")
}

/// Several of a peer's three rows are missing: (route, neighbour, forwarding entry).
pub fn peer_missing(node: &str, peer: &PeerRows, (route, neigh, fdb): (bool, bool, bool)) -> Finding {
    let names = [(route, "route"), (neigh, "neighbour"), (fdb, "forwarding entry")];
    let gone: Vec<&str> = names.iter().filter(|(gone, _)| *gone).map(|(_, name)| *name).collect();
    let cause = format!("of {}'s {} this node lacks {}", peer.node, peer.net, gone.join(" and "));
    // The route last: it must not lead to a neighbour that is not known yet.
    let lines = [(neigh, peer.set_neigh()), (fdb, peer.set_fdb()), (route, peer.set_route())];
    let lines: Vec<String> = lines.into_iter().filter(|(gone, _)| *gone).map(|(_, line)| line).collect();
    Finding::new("peer.missing", node, cause, format!("ip route show {}", peer.net))
        .evidence(peer.lease())
        .evidence(format!("expected: {}", peer.route()))
        .fix(lines.join(" && "))
        .lasting("look why the agent did not write them: flanctl run, or flanneld, must be running")
}

/// The own lease is not among the leases.
pub fn lease_lost(node: &str, subnet: &str) -> Finding {
    let cause = format!("this node's lease {subnet} is not in the store: peers have no way here");
    Finding::new("lease.lost", node, cause, "flanctl lease")
        .evidence("a running agent takes it again, unless another node has the subnet")
}

/// The masquerade rules that subnet.env promises are gone.
pub fn masq_missing(node: &str, network: IpNet) -> Finding {
    let cause = format!(
        "subnet.env promises masquerading, and nothing rewrites what leaves {network}: pods do not reach the world"
    );
    Finding::new("masq.missing", node, cause, "nft list ruleset; iptables -t nat -S")
        .evidence("FLANNEL_IPMASQ=true")
        .fix(format!("iptables -t nat -A POSTROUTING -s {network} ! -d {network} -j MASQUERADE"))
        .lasting("a running agent puts its own rules back by itself")
}
