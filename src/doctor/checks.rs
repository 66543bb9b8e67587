//! The table of checks, in the order in which causes come before their consequences: whoever reads the findings from
//! the top mends the first things first.

use super::{
    Check, Ground, Outcome, cni, device, firewall, host, leases, managers, mtu, pods, remote, tables,
};
use super::{underlay, ways};

const fn check(id: &'static str, question: &'static str, run: fn(&Ground<'_>) -> Outcome) -> Check {
    Check { id, question, run }
}

/// Every check.
pub const CHECKS: &[Check] = &[
    // The underlay and the device: everything hangs on them.
    check("uplink.up", "is the uplink up, and has it carrier?", underlay::uplink),
    check("kernel.modules", "does the kernel have VXLAN?", host::modules),
    check("device.there", "is there a tunnel device for every address family?", device::there),
    check("device.up", "is the device up, and was it never down since its rows were written?", device::up),
    check("device.attributes", "does the device speak the network's VNI, port and mode?", device::attributes),
    check("device.local", "does the device send from the uplink's address?", device::local),
    check("device.mac", "does the device have the MAC that this node's lease announces?", device::mac),
    check("device.addresses", "does the device have its own address and no other?", device::addresses),
    check("device.learning", "does the device keep to the entries that it was given?", device::learning),
    check("device.socket", "does the kernel's tunnel own its UDP port?", host::socket),
    check("device.rivals", "is no other tunnel on the device's port and VNI?", managers::rivals),
    // The leases.
    check("lease.own", "is this node's own lease among the leases?", leases::own),
    check("lease.dup", "does every lease announce an address of its own?", leases::duplicates),
    check("lease.honoured", "can every peer's lease be honoured?", leases::honoured),
    check("lease.expiry", "is every lease renewed in time?", leases::expiry),
    check("store.answers", "does the lease store answer?", host::store),
    // The tables beside the leases.
    check(
        "tables.missing",
        "does every peer have its route, neighbour and forwarding entry?",
        tables::missing,
    ),
    check("route.leads", "does every peer's route lead where its lease says?", tables::routes_lead),
    check("route.detours", "does no other route take peers' packets?", tables::detours),
    check("route.local", "is no peer's address an address of this host?", tables::local),
    check("rule.detours", "do policy rules leave the overlay's packets alone?", ways::rules),
    check("neigh.right", "does every peer's neighbour entry hold its MAC, for good?", tables::neighbours),
    check("fdb.right", "is every peer's MAC sent to its public address?", tables::forwarding),
    check("tables.leftovers", "does a lease stand behind every row on the device?", tables::leftovers),
    // The way of the outer packet.
    check(
        "outer.routes",
        "does a route lead to every peer's public address, out by the uplink?",
        underlay::routes,
    ),
    check(
        "outer.neighbours",
        "do the peers answer on the underlay, as far as they were asked?",
        underlay::neighbours,
    ),
    check("mtu.outer", "does a full packet of the tunnel fit the underlay?", mtu::outer),
    check("offload.checksum", "do checksums survive the network card?", mtu::checksums),
    // The host between pod and tunnel.
    check("forward.on", "does the node forward?", ways::forwarding),
    check("rpfilter.passes", "do reverse path filters let the overlay's packets in?", ways::reverse_path),
    check("firewall.seen", "could all of the firewall be read?", firewall::readable),
    check(
        "firewall.forward",
        "does the firewall let pods' packets through, both ways (128 peers at most are tried)?",
        firewall::forward,
    ),
    check("firewall.input", "does the firewall let pods speak to their own node?", firewall::input),
    check("firewall.output", "does the firewall let this node speak to pods elsewhere?", firewall::output),
    check("firewall.tunnel", "does the firewall let the tunnel's UDP port out and in?", firewall::tunnel),
    check("masq.between", "does traffic between pods keep its addresses?", firewall::masquerade),
    check(
        "masq.world",
        "do pods reach the world under the node's address, where subnet.env says so?",
        firewall::promised,
    ),
    check("conntrack.room", "is there room for new connections?", host::conntrack),
    check(
        "bridge.netfilter",
        "does bridged traffic pass the firewall, where Kubernetes needs that?",
        host::bridge_netfilter,
    ),
    check(
        "kernel.nexthops",
        "does the kernel know nexthop objects, where the cluster is large?",
        host::nexthops,
    ),
    // The pods' side.
    check("bridge.subnet", "does every bridge of pods have this node's subnet?", pods::bridges),
    check("pod.wires", "is every pod's veth pair up, and a port of the bridge?", pods::wires),
    check("pod.addresses", "does every pod on a bridge have an address?", pods::addresses),
    check("pod.ways", "does every pod have a way to its node?", pods::ways),
    check(
        "pod.firewall",
        "does no pod's own firewall drop all that it sends, or every answer?",
        firewall::inside_pods,
    ),
    check("mtu.inner", "do pods send no larger packets than the tunnel takes?", mtu::inner),
    check("subnetenv.there", "is subnet.env there?", cni::subnet_env_there),
    check("subnetenv.right", "does subnet.env say what lease and config say?", cni::subnet_env),
    check("cni.one", "is one CNI configured only?", cni::one_cni),
    // Who else works on this machine.
    check("agent.runs", "does the agent run?", host::agent),
    check("device.macpolicy", "does systemd leave the device its MAC?", managers::mac_policy),
    check("device.managed", "does no network manager look after the device?", managers::managed),
    check("clock.agrees", "do the clocks of this node and of the store agree?", host::clock),
    // The far side, as far as snapshots of it are given.
    check("remote.device", "does every given peer's device fit ours and its lease?", remote::devices),
    check("remote.return", "does every given peer have a way back?", remote::returns),
    check(
        "remote.firewall",
        "does every given peer's firewall let this node's packets in?",
        remote::firewalls,
    ),
    check("mtu.symmetric", "do both ends of the tunnel have the same MTU?", mtu::symmetric),
];
