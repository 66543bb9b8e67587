//! What is wrong with the leases themselves.

use std::net::IpAddr;

use super::{Confidence, Finding};

/// Two leases announce one public address; `owners` names them with their subnets.
pub fn duplicate(node: &str, public: IpAddr, owners: &[String]) -> Finding {
    let cause = format!("{} announce the same public address {public}", owners.join(" and "));
    let finding = Finding::new("lease.dup", node, cause, "flanctl lease")
        .evidence("packets for all of them go to whichever node answers there");
    owners
        .iter()
        .fold(finding, |finding, owner| finding.evidence(format!("lease {owner}: public address {public}")))
}

/// No lease covers an address. `nearest` is a lease beside it, `network` the configured network it lies in.
pub fn none(node: &str, dst: IpAddr, nearest: Option<&str>, network: Option<&str>) -> Finding {
    let place = match network {
        Some(net) => format!("inside the network {net}"),
        None => "outside the configured network".to_owned(),
    };
    let finding = Finding::new(
        "lease.none",
        node,
        format!("no lease covers {dst}, which is {place}: no node owns it"),
        "flanctl lease",
    );
    match nearest {
        Some(nearest) => finding.evidence(format!("nearest lease: {nearest}")),
        None => finding,
    }
}

/// A lease that its node can no longer be reached by, as the agent refuses it; `why` in its words.
pub fn refused(node: &str, owner: &str, why: &str) -> Finding {
    Finding::new(
        "lease.none",
        node,
        format!("the lease of {owner} cannot be honoured: {why}"),
        "flanctl lease",
    )
}

/// A lease runs out, or ran out; `when` in words.
pub fn expired(node: &str, owner: &str, when: &str) -> Finding {
    Finding::new("lease.expired", node, format!("the lease of {owner} {when}"), "flanctl lease -o wide")
        .evidence("an agent renews its lease long before it ends")
        .evidence(format!("look at the agent of {owner}"))
        .confidence(Confidence::Likely)
}
