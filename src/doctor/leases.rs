//! The leases themselves.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Outcome;
use super::ground::{Ground, NO_LEASES};
use crate::finding::{Finding, Level, host, lease};
use crate::lease::{Expiry, Lease};
use crate::readings::ending;

/// Does every lease announce an address of its own?
pub(super) fn duplicates(ground: &Ground<'_>) -> Outcome {
    let Some(leases) = &ground.near.leases else { return Outcome::unseen(NO_LEASES) };
    let mut owners: BTreeMap<IpAddr, Vec<&Lease>> = BTreeMap::new();
    for lease in leases {
        let v4 = lease.attrs.public_ip.map(IpAddr::V4);
        for ip in v4.into_iter().chain(lease.attrs.public_ipv6.map(IpAddr::V6)) {
            owners.entry(ip).or_default().push(lease);
        }
    }
    let shared = owners.into_iter().filter(|(_, owners)| owners.len() > 1);
    let found = shared.map(|(ip, owners)| {
        let names: Vec<String> =
            owners.iter().map(|lease| format!("{} ({})", lease.attrs.name(), lease.subnet.cidrs())).collect();
        lease::duplicate(ground.node(), ip, &names)
    });
    Outcome::of(found.collect())
}

/// Is every lease renewed in time?
pub(super) fn expiry(ground: &Ground<'_>) -> Outcome {
    let Some(leases) = &ground.near.leases else { return Outcome::unseen(NO_LEASES) };
    if !leases.is_empty() && leases.iter().all(|lease| lease.expires == Expiry::Unknown) {
        return Outcome::unseen("the store was not asked when leases end (flanctl lease does)");
    }
    let now = ground.near.at;
    let found = leases.iter().filter_map(|held| {
        let when = ending(held, now)?;
        Some(lease::expired(ground.node(), &held.attrs.name(), &when))
    });
    Outcome::of(found.collect())
}

/// Can every peer's lease be honoured?
pub(super) fn honoured(ground: &Ground<'_>) -> Outcome {
    let Some(drift) = &ground.drift else { return Outcome::unseen(NO_LEASES) };
    let found: Vec<Finding> = drift
        .refused
        .iter()
        .map(|row| {
            let why = row.note.as_deref().unwrap_or("it says nothing of use");
            let net = row.lease.as_ref().map(|promise| format!(" ({})", promise.subnet)).unwrap_or_default();
            let finding = lease::refused(ground.node(), &format!("{}{net}", row.node), why);
            // Nobody asks for an address here: the lease itself is the matter.
            Finding { code: "lease.refused", level: Level::Warn, ..finding }
        })
        .collect();
    Outcome::of(found)
}

/// Is this node's own lease among them?
pub(super) fn own(ground: &Ground<'_>) -> Outcome {
    let Some(leases) = &ground.near.leases else { return Outcome::unseen(NO_LEASES) };
    match (ground.near.own, ground.own) {
        (Some(own), None) => Outcome::Found(vec![host::lease_lost(ground.node(), &own.cidrs())]),
        (_, Some(_)) => Outcome::Fine,
        (None, None) if leases.is_empty() => Outcome::unseen("there are no leases"),
        (None, None) => Outcome::unseen("no lease carries this node's MAC or address"),
    }
}
