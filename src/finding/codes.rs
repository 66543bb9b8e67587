//! Every code that `trace` and `doctor` can name. Codes are an interface: they are added, never renamed.

use super::Level;

/// A code, how bad it is, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeRow {
    /// The code.
    pub code: &'static str,
    /// How bad.
    pub level: Level,
    /// One line.
    pub about: &'static str,
}

const fn row(code: &'static str, level: Level, about: &'static str) -> CodeRow {
    CodeRow { code, level, about }
}

use Level::{Error, Info, Warn};

/// The table, by stage of the packet's way.
pub const CODES: &[CodeRow] = &[
    row("pod.noaddr", Error, "the pod does not have the source address"),
    row("pod.noroute", Error, "the pod has no route that leads to its node"),
    row("pod.neigh", Error, "the pod's entry for its gateway is wrong or failed"),
    row("pod.filter", Error, "the pod's own firewall drops the packet"),
    row("veth.down", Error, "one end of the pod's veth pair is down"),
    row("bridge.port", Error, "the pod's veth is no port of the bridge, or the port does not forward"),
    row("bridge.stale", Error, "the bridge has another subnet than subnet.env"),
    row("route.missing", Error, "no route to a peer's subnet"),
    row("route.wrong", Error, "the route to a peer's subnet leads elsewhere than the lease says"),
    row("route.shadowed", Error, "a longer prefix or a lower metric wins over the overlay's route"),
    row("route.blackhole", Error, "a blackhole route discards the packet"),
    row("route.prohibit", Error, "a prohibit route refuses the packet"),
    row("route.unreachable", Error, "an unreachable route refuses the packet"),
    row("route.local", Error, "a peer's pod address is an address of this host"),
    row("route.deadleg", Error, "a leg of a multipath route is dead"),
    row("route.stale", Warn, "a route has no lease behind it"),
    row("rule.diverts", Error, "a policy rule sends the packet to a table that leads elsewhere"),
    row("rule.prohibits", Error, "a policy rule refuses the packet"),
    row("rpfilter.rejects", Error, "strict reverse path filtering drops the packet"),
    row("forward.off", Error, "forwarding is off"),
    row("filter.forward", Error, "the firewall drops forwarded packets"),
    row("filter.input", Error, "the firewall drops packets for this host"),
    row("filter.output", Error, "the firewall drops packets of this host"),
    row("filter.hidden", Info, "the firewall could not be read"),
    row("masq.unexpected", Warn, "pod to pod traffic would be masqueraded"),
    row("neigh.missing", Error, "the tunnel device has no entry for a peer's end point"),
    row("neigh.wrong", Error, "the tunnel device has another MAC for a peer than its lease"),
    row("neigh.failed", Error, "the neighbour entry of a peer's end point is failed or incomplete"),
    row("neigh.notpermanent", Warn, "a peer's neighbour entry is not permanent"),
    row("fdb.missing", Error, "the tunnel device has no remote for a peer's MAC"),
    row("fdb.wrong", Error, "a peer's MAC is sent to another address than its lease says"),
    row("fdb.flood", Warn, "an all-zero forwarding entry hides a missing one"),
    row("fdb.learned", Warn, "the tunnel device learns remotes from traffic"),
    row("fdb.stale", Warn, "a forwarding entry has no lease behind it"),
    row("neigh.stale", Warn, "a neighbour entry has no lease behind it"),
    row("vtep.missing", Error, "the tunnel device is not there"),
    row("vtep.mac", Error, "the tunnel device's MAC is not the one that this node's lease announces"),
    row(
        "vtep.bounced",
        Error,
        "the tunnel device was down: routes and neighbours are gone, forwarding entries stand",
    ),
    row("vtep.vni", Error, "the tunnel device has another VNI than the config or the peer"),
    row("vtep.port", Error, "the tunnel device has another UDP port than the config"),
    row("vtep.local", Error, "the tunnel device's local address is not the uplink's"),
    row("vtep.gbp", Error, "the tunnel device and the config differ in group based policy"),
    row("vtep.down", Error, "the tunnel device is down"),
    row("vtep.addr", Error, "the tunnel device lacks its address"),
    row("vtep.foreign_addr", Warn, "the tunnel device carries an address that is not flannel's"),
    row("tunnel.down", Error, "a tunnel device of another kind than vxlan is down"),
    row("tunnel.missing", Error, "no tunnel device takes the packet that comes in"),
    row("tunnel.noreader", Error, "no process reads the tun device"),
    row("tunnel.nopeer", Error, "the WireGuard device has no peer for the address"),
    row("tunnel.noendpoint", Error, "the WireGuard peer has no end point"),
    row("service.empty", Error, "an IPVS service has no server"),
    row("outer.noroute", Error, "there is no route to a peer's public address"),
    row("outer.loop", Error, "the way to a peer's public address leads into the tunnel"),
    row("outer.local", Error, "a peer's public address is an address of this host"),
    row("outer.wrongdev", Error, "the way to a peer's public address leaves by another device"),
    row("outer.neigh", Error, "a peer's public address does not answer on the underlay"),
    row("outer.down", Error, "the uplink is down or without carrier"),
    row("outer.filtered", Error, "the tunnel's UDP port is blocked"),
    row("mtu.inner", Warn, "the pod's MTU is larger than the tunnel's"),
    row("mtu.outer", Error, "the tunnel's MTU does not fit the underlay"),
    row("mtu.asymmetric", Warn, "the two nodes have different MTUs"),
    row("offload.checksum", Warn, "checksum offload on the tunnel device spoils packets"),
    row("lease.dup", Error, "two leases announce the same public address"),
    row("lease.none", Error, "no lease covers the address"),
    row("lease.expired", Warn, "a lease runs out and was not renewed"),
    row("remote.port", Error, "the peer listens on another UDP port"),
    row("remote.vni", Error, "the peer's device has another VNI"),
    row("remote.mac", Error, "the peer's device has another MAC than its lease"),
    row("remote.tunnel", Error, "the peer's tunnel, of another kind than vxlan, does not take the packet"),
    row("remote.noreturn", Error, "the peer has no way back"),
    row("remote.asymmetric", Warn, "the peer answers by another way than the packet came"),
    row("remote.rpfilter", Error, "the peer's reverse path filter drops the packet"),
    row("remote.podgone", Error, "the pod is not there on the peer"),
    row("remote.forward", Error, "the peer does not forward"),
    row("remote.filter", Error, "the peer's firewall drops the packet"),
    row("peer.missing", Error, "several of a peer's rows are missing"),
    row("agent.stopped", Warn, "the agent of this node does not run"),
    row("conntrack.full", Warn, "the connection table is full, or nearly so"),
    row("module.missing", Error, "the kernel lacks a module that the overlay needs"),
    row("nexthop.unsupported", Info, "the kernel knows no nexthop objects, and the cluster is large"),
    row("vtep.socket", Error, "another program holds the tunnel's UDP port"),
    row("vtep.rival", Error, "another tunnel device has the port and VNI of flannel's"),
    row("vtep.macpolicy", Warn, "systemd would give the tunnel device another MAC"),
    row("vtep.managed", Warn, "a network manager looks after the tunnel device"),
    row("bridge.netfilter", Warn, "bridged packets pass the firewall by, which Kubernetes services need"),
    row("cni.two", Warn, "more than one CNI is configured on the host"),
    row("subnetenv.missing", Warn, "subnet.env is not there"),
    row("subnetenv.stale", Warn, "subnet.env differs from the lease and the config"),
    row("clock.skew", Warn, "the clocks of this node and of the store differ"),
    row("lease.refused", Warn, "a lease cannot be honoured"),
    row("store.silent", Warn, "the lease store does not answer"),
    row("lease.lost", Error, "this node's own lease is not among the leases"),
    row("masq.missing", Warn, "the masquerade rules that subnet.env promises are not there"),
    row("probe.lost", Error, "a real probe got no answer though nothing was seen in its way"),
    row("model.disagrees", Warn, "the kernel and flanctl's model of it disagree: a bug of flanctl"),
    row("stage.unknown", Info, "a stage was not seen; the verdict is conditional"),
];

/// The row of a code.
pub fn about(code: &str) -> Option<&'static CodeRow> {
    CODES.iter().find(|row| row.code == code)
}
