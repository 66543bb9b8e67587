//! `--dry-run`: what would be leased and done, as iproute2 commands; nothing is written anywhere.
#![expect(clippy::disallowed_methods, reason = "asks the time, rolls dice")]

use std::io::Write;
use std::time::SystemTime;

use super::start::{Started, start};
use super::trouble::store_failure;
use crate::config::{NetConf, Settings};
use crate::error::{Failure, exit};
use crate::lease::{Attrs, Choice, Expiry, Identity, Lease, Peers, choose};
use crate::net::Subnet;
use crate::overlay::{World, wants_objects};
use crate::plan::plan;
use crate::store::LeaseStore;

/// Prints the plan to stdout.
pub async fn run(settings: Settings) -> Result<u8, Failure> {
    let started = start(&settings).await?;
    let Started { have, conf, uplink, lease, own, peers, .. } = started;
    let mut world = World { conf, uplink, own, peers: Peers::of(Some(lease.subnet)), objects: false };
    world.peers.reset(peers.unwrap_or_default());
    world.objects = wants_objects(world.peers.len(), false);
    let ops = plan(&have, &world.desired(&have), &world.ours());
    let mut out = std::io::stdout().lock();
    let told = ops.iter().try_for_each(|op| writeln!(out, "{op}")).and_then(|()| {
        writeln!(
            out,
            "# lease {}, {} peers, {} operations",
            lease.subnet.cidrs(),
            world.peers.len(),
            ops.len()
        )
    });
    told.map_err(|e| Failure::unreadable("writing the plan").because(e))?;
    Ok(exit::FINE)
}

/// The lease that would be taken, and the peers; the store is only read.
pub(super) async fn lease(
    store: &dyn LeaseStore,
    id: &Identity,
    conf: &NetConf,
    previous: Option<Subnet>,
    attrs: &dyn Fn(Subnet, Option<&Lease>) -> Attrs,
) -> Result<(Lease, Option<Vec<Lease>>), Failure> {
    let listing = store.list().await.map_err(store_failure)?;
    let choice = choose(&listing.leases, id, conf, previous, SystemTime::now(), &mut rand::rng());
    let fresh =
        |subnet| Lease { subnet, attrs: attrs(subnet, None), expires: Expiry::Unknown, revision: 0, id: 0 };
    let lease = match choice {
        Choice::Reuse(lease) | Choice::Adopt(lease) | Choice::Reserved(lease) => {
            Lease { attrs: attrs(lease.subnet, Some(&lease)), ..lease }
        }
        Choice::Create { subnet, previous: _ } => fresh(subnet),
        other => return Err(Failure::found(format!("no lease could be taken: {other:?}"))),
    };
    Ok((lease, Some(listing.leases)))
}
