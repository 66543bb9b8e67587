//! The host around the overlay: agent, sysctls, modules, connection table, who holds the tunnel's port.

use std::time::Duration;

use super::ground::{Ground, NO_CONF};
use super::{Outcome, ground};
use crate::finding::host;
use crate::lease::{Expiry, TTL_SECS};

/// Is the agent running?
pub(super) fn agent(ground: &Ground<'_>) -> Outcome {
    let pid = ground.fact("agent:pid").and_then(|pid| pid.parse().ok());
    match ground.fact("agent:state") {
        Some("running") => Outcome::Fine,
        Some("stopped") => Outcome::Found(vec![host::agent_stopped(ground.node(), "is stopped", pid)]),
        Some("gone") => Outcome::Found(vec![host::agent_stopped(ground.node(), "does not run", pid)]),
        Some(other) => Outcome::unseen(format!("the agent's state is {other:?}")),
        None => Outcome::unseen("no agent's state file was found for this namespace"),
    }
}

/// Does the kernel have what the overlay is made of?
pub(super) fn modules(ground: &Ground<'_>) -> Outcome {
    // A device that is there proves it.
    if ground.there().any(|(_, link)| link.vxlan().is_some()) {
        return Outcome::Fine;
    }
    match ground.fact("module:vxlan") {
        // The kernel loads it with the first device.
        Some("loaded" | "builtin" | "available") => Outcome::Fine,
        Some("absent") => {
            Outcome::Found(vec![host::module_missing(ground.node(), "vxlan", "no tunnel device can be made")])
        }
        _ => Outcome::unseen("neither a vxlan device nor the module list was seen"),
    }
}

/// Many peers are only quick with nexthop objects.
pub(super) fn nexthops(ground: &Ground<'_>) -> Outcome {
    let peers = ground.peers().len();
    if peers <= crate::overlay::OBJECTS_ON {
        return match ground.drift {
            Some(_) => Outcome::Fine,
            None => Outcome::unseen(ground::NO_LEASES),
        };
    }
    match ground.fact("nexthop:objects") {
        Some("yes") => Outcome::Fine,
        Some("no") => Outcome::Found(vec![host::nexthop_unsupported(ground.node(), peers)]),
        _ if !ground.state().nexthops.is_empty() => Outcome::Fine,
        _ => Outcome::unseen("whether the kernel knows nexthop objects was not asked"),
    }
}

/// Is there room for new connections?
pub(super) fn conntrack(ground: &Ground<'_>) -> Outcome {
    let number = |key| ground.fact(key).and_then(|text| text.trim().parse::<u64>().ok());
    match (number("conntrack:count"), number("conntrack:max")) {
        (Some(count), Some(most)) if most > 0 && count.saturating_mul(10) >= most.saturating_mul(9) => {
            Outcome::Found(vec![host::conntrack_full(ground.node(), count, most)])
        }
        (Some(_), Some(_)) => Outcome::Fine,
        _ => Outcome::unseen("nf_conntrack's counters are not readable, or it is not loaded"),
    }
}

/// Does the kernel's tunnel own its UDP port?
pub(super) fn socket(ground: &Ground<'_>) -> Outcome {
    let Some(vxlan) = ground.vxlan() else { return Outcome::unseen(NO_CONF) };
    let port = vxlan.port;
    match ground.fact(&format!("socket:udp:{port}")) {
        Some(owner) if owner.starts_with("kernel") => Outcome::Fine,
        Some("unknown") => Outcome::unseen(format!("who holds UDP port {port} is hidden (needs root)")),
        Some(owner) => Outcome::Found(vec![host::socket_taken(ground.node(), port, owner)]),
        None => Outcome::unseen(format!("who holds UDP port {port} was not seen")),
    }
}

/// More than this, and a lease is renewed at the wrong time.
const SKEW_MS: i64 = 30_000;

/// Does the lease store answer?
pub(super) fn store(ground: &Ground<'_>) -> Outcome {
    match (ground.fact("store:silent"), ground.fact("store:asked")) {
        (Some(why), _) => Outcome::Found(vec![host::store_silent(ground.node(), why)]),
        (None, Some(_)) => Outcome::Fine,
        (None, None) => Outcome::unseen("the lease store was not asked: the agent told of the leases"),
    }
}

/// Do the clocks agree?
pub(super) fn clock(ground: &Ground<'_>) -> Outcome {
    let asked = ground.fact("clock:offset-to-store-ms").and_then(|text| text.parse::<i64>().ok());
    match asked.or_else(|| ahead(ground)) {
        Some(offset) if offset.abs() > SKEW_MS => {
            Outcome::Found(vec![host::clock_skew(ground.node(), offset)])
        }
        Some(_) => Outcome::Fine,
        None => Outcome::unseen("the store does not tell its time"),
    }
}

/// What leases tell of the clocks of those who wrote them: none may end later than a whole term from now. This node is
/// behind by what is beyond that.
fn ahead(ground: &Ground<'_>) -> Option<i64> {
    let whole = Duration::from_secs(TTL_SECS);
    let beyond = ground.near.leases.iter().flatten().filter_map(|lease| match lease.expires {
        Expiry::At(end) => {
            let left = end.duration_since(ground.near.at).unwrap_or_default();
            i64::try_from(left.saturating_sub(whole).as_millis()).ok()
        }
        Expiry::Unknown | Expiry::Never => None,
    });
    beyond.max().map(|most| -most)
}

/// Does bridged traffic pass the firewall where Kubernetes needs it?
pub(super) fn bridge_netfilter(ground: &Ground<'_>) -> Outcome {
    if !kubernetes(ground) {
        return match &ground.state().firewall {
            // Without services nothing depends on it.
            Some(_) => Outcome::Fine,
            None => {
                Outcome::unseen("whether kube-proxy works here was not seen: the firewall could not be read")
            }
        };
    }
    let name = "net.bridge.bridge-nf-call-iptables";
    match ground.fact(&format!("sysctl:{name}")) {
        Some("1") => Outcome::Fine,
        value => Outcome::Found(vec![host::bridge_netfilter(ground.node(), name, value)]),
    }
}

/// True if kube-proxy's chains stand in this namespace's firewall.
fn kubernetes(ground: &Ground<'_>) -> bool {
    let tables = ground.state().firewall.iter().flat_map(|rules| rules.tables.iter());
    let mut chains = tables.flat_map(|table| table.chains.iter()).map(|chain| chain.name.as_str());
    chains.any(|chain| chain.starts_with("KUBE-SERVICES") || chain.starts_with("KUBE-SVC-"))
}
