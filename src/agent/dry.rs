//! `--dry-run`: what would be leased and done, as a script of iproute2's and the firewall's programs; nothing is
//! written anywhere.
#![expect(clippy::disallowed_methods, reason = "asks the time, rolls dice, looks at subnet.env")]

use std::io::Write;
use std::path::Path;
use std::time::SystemTime;

use super::single::{self, Rival};
use super::start::{Started, lock_file, start};
use super::trouble::store_failure;
use super::upkeep;
use crate::config::{NetConf, Settings};
use crate::error::{Failure, exit};
use crate::kernel::firewall::{Step, at_first};
use crate::lease::{Attrs, Choice, Expiry, Identity, Lease, Peers, choose, vet};
use crate::net::Subnet;
use crate::overlay::{World, masq, wants_objects};
use crate::plan::plan;
use crate::store::LeaseStore;

/// Prints the plan to stdout: a script whose comments say what else there is to know.
pub async fn run(settings: Settings) -> Result<u8, Failure> {
    let started = start(&settings).await?;
    let notes = notes(&started, &settings);
    let Started { have, conf, uplink, lease, own, peers, .. } = started;
    let mut world = World { conf, uplink, own, peers: Peers::of(Some(lease.subnet)), objects: false };
    world.peers.reset(peers.unwrap_or_default());
    world.objects = wants_objects(world.peers.len(), false);
    let ops = plan(&have, &world.desired(&have), &world.ours());
    let ground = world.ground();
    let accepted = world.peers.iter().filter(|peer| vet(peer, &ground).iter().any(Result::is_ok)).count();
    let files = [firewall(&world, &settings), file(&world, &settings)].concat();
    let ended = format!("# lease {}, {accepted} peers, {} operations", lease.subnet.cidrs(), ops.len());
    let mut out = std::io::stdout().lock();
    let mut print = || -> std::io::Result<()> {
        notes.iter().try_for_each(|line| writeln!(out, "# {line}"))?;
        ops.iter().try_for_each(|op| writeln!(out, "{op}"))?;
        files.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        writeln!(out, "{ended}")
    };
    print().map_err(|e| Failure::unreadable("writing the plan").because(e))?;
    Ok(exit::FINE)
}

/// What would be in the way, and what would come out otherwise another time.
fn notes(started: &Started, settings: &Settings) -> Vec<String> {
    let Started { device, netns, lease, own, have, previous, .. } = started;
    let rival =
        single::rival(*device, &lock_file(settings, *netns, *device)).map(|Rival { pid, name }| match pid {
            0 => format!("{name} runs here, out of sight: run would be refused"),
            pid => format!("an agent runs here ({name}, pid {pid}): run needs --takeover"),
        });
    // Of the store's leases each has a revision.
    let fresh = lease.revision == 0;
    let mac = fresh && have.links.get(device).and_then(|link| link.mac) != Some(own.mac);
    let drawn = match (fresh && previous.previous() != Some(lease.subnet), mac) {
        (true, true) => Some("subnet and MAC are examples, drawn at start"),
        (true, false) => Some("the subnet is an example, drawn at start"),
        (false, true) => Some("the MAC is an example, drawn at start"),
        (false, false) => None,
    };
    rival.into_iter().chain(drawn.map(str::to_owned)).collect()
}

/// What would change in the firewall.
fn firewall(world: &World, settings: &Settings) -> Vec<String> {
    let ask = upkeep::ask(settings);
    let want = masq::rulesets(&masq::networks(&world.conf), &world.own.subnet, ask);
    let mut firewall = upkeep::firewall(&world.conf);
    let looks = match ask.ip_masq || ask.forward {
        true => vec![firewall.check_other_mode(), firewall.check(&want)],
        false => vec![firewall.check_other_mode()],
    };
    let mut lines = Vec::new();
    for look in looks {
        match look {
            Ok(steps) => steps.iter().for_each(|Step { command, input, found }| {
                let found: Vec<String> = found.iter().map(|found| at_first(found)).collect();
                lines.push(format!("# firewall: {}", found.join(", ")));
                lines.push(here(command, input));
            }),
            Err(e) => lines.push(format!("# firewall: {}", e.to_string().replace('\n', "; "))),
        }
    }
    lines
}

/// What would change in subnet.env.
fn file(world: &World, settings: &Settings) -> Vec<String> {
    let (path, text) = (&settings.subnet_file, upkeep::subnet_env(world, settings));
    if std::fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Vec::new();
    }
    let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
    let dir = path.parent().unwrap_or(Path::new("."));
    vec![format!("mkdir -p {}", quoted(dir)), here(&format!("cat >{}", quoted(path)), &text)]
}

/// A command and its standard input, as a shell reads them.
fn here(command: &str, input: &str) -> String {
    format!("{command} <<'END'\n{}\nEND", input.trim_end())
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
