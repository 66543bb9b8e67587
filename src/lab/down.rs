//! Removes a lab: processes, namespaces, state. Can be repeated, and goes on over whatever it cannot do.

use std::time::{Duration, Instant};

use super::manifest::{Home, Manifest};
use super::process::{self, Process};
use super::{etcd, ns};
use crate::error::Failure;

/// How long somebody else may take to let go of the lab.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a `down` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Processes that ran.
    pub processes: usize,
    /// Namespaces that were there.
    pub namespaces: usize,
}

/// Removes lab `name`; `None` if there is none.
pub fn down(name: &str) -> Result<Option<Removed>, Failure> {
    let home = Home::of(name);
    if !home.path().exists() {
        return Ok(None);
    }
    let Some(_lock) = lock(&home).map_err(|e| Failure::unreadable(format!("lab {name}")).because(e))? else {
        return Err(Failure::found(format!("lab {name} is being made or removed by another process"))
            .hint("wait for it, or interrupt it"));
    };
    let mut errors: Vec<String> = Vec::new();
    let mut removed = Removed { processes: 0, namespaces: 0 };
    if home.exists() {
        let manifest = home.manifest()?;
        removed.processes = end_processes(&home, &manifest, &mut errors);
        for netns in manifest.namespaces.iter().rev().filter(|n| ns::exists(n)) {
            removed.namespaces += 1;
            ns::delete(netns).unwrap_or_else(|e| errors.push(format!("namespace {netns}: {e}")));
        }
        if let Some(url) = &manifest.etcd {
            etcd::clear(url, name).unwrap_or_else(|e| errors.push(e.chain()));
        }
    }
    // While something is left the manifest must stay, or nobody would know whose it is.
    if errors.is_empty() {
        home.remove().unwrap_or_else(|e| errors.push(format!("{}: {e}", home.path().display())));
    }
    match errors.is_empty() {
        true => Ok(Some(removed)),
        false => Err(Failure::unreadable(format!("lab {name} is not all gone")).because(errors.join("; "))),
    }
}

fn end_processes(home: &Home, manifest: &Manifest, errors: &mut Vec<String>) -> usize {
    let noted = (1..=manifest.shape.nodes)
        .map(|i| format!("node{i}"))
        .chain(["relay".to_owned()])
        .filter_map(|n| Process::noted(&home.node(&n).join("agent.pid")))
        .filter(|p| p.alive());
    let mut all: Vec<Process> = noted.chain(process::marked(&manifest.mark())).collect();
    all.sort();
    all.dedup();
    process::end(&all).unwrap_or_else(|e| errors.push(e.to_string()));
    all.len()
}

fn lock(home: &Home) -> std::io::Result<Option<nix::fcntl::Flock<std::fs::File>>> {
    let until = now() + PATIENCE;
    loop {
        match home.lock()? {
            None if now() < until => std::thread::sleep(Duration::from_millis(20)),
            other => return Ok(other),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how long to wait for a lock")]
fn now() -> Instant {
    Instant::now()
}
