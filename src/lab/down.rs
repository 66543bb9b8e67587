//! Removes a lab: processes, namespaces, state. Can be repeated, and goes on over whatever it cannot do.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use nix::fcntl::Flock;

use super::manifest::{Home, Manifest};
use super::process::{self, Process};
use super::{etcd, ns};
use crate::error::Failure;

/// How long somebody else may take to let go of the lab.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often processes are looked for.
const ROUNDS: u32 = 10;

/// What a `down` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Processes that ran.
    pub processes: usize,
    /// Namespaces that were there.
    pub namespaces: usize,
    /// What stays in an etcd outside because it could not be reached: its lab's prefix, and why.
    pub left: Option<String>,
}

/// Removes lab `name`; `None` if there is none.
pub fn down(name: &str) -> Result<Option<Removed>, Failure> {
    let home = Home::of(name);
    if !home.path().exists() {
        return Ok(None);
    }
    let Some(lock) = lock(&home).map_err(|e| locked_out(name, e))? else {
        return Err(Failure::found(format!("lab {name} is being made or removed by another process"))
            .hint("wait for it, or interrupt it"));
    };
    remove(&home, &lock)
}

/// Removes what a lab has made, for the holder of its lock.
pub fn remove(home: &Home, _lock: &Flock<File>) -> Result<Option<Removed>, Failure> {
    let mut errors: Vec<String> = Vec::new();
    let mut removed = Removed { processes: 0, namespaces: 0, left: None };
    if home.exists() {
        let manifest = home.manifest()?;
        removed.processes = end_processes(home, &manifest, &mut errors);
        for netns in manifest.namespaces.iter().rev().filter(|n| ns::exists(n)) {
            removed.namespaces += 1;
            ns::delete(netns).unwrap_or_else(|e| errors.push(format!("namespace {netns}: {e}")));
        }
        if let Some(url) = &manifest.etcd {
            // No reason to keep the rest: an etcd that is gone for good must not hold the lab here.
            removed.left = etcd::clear(url, &manifest.shape.name).err().map(|e| {
                format!("what is under {} there stays ({})", etcd::prefix(&manifest.shape.name), e.chain())
            });
        }
    }
    // While something is left the manifest must stay, or nobody would know whose it is.
    if errors.is_empty() {
        home.remove().unwrap_or_else(|e| errors.push(format!("{}: {e}", home.path().display())));
    }
    match errors.is_empty() {
        true => Ok(Some(removed)),
        false => Err(Failure::unreadable(format!("{} is not all gone", home.path().display()))
            .because(errors.join("; "))),
    }
}

/// Ends the agents, and whatever bears the lab's mark: children of theirs, commands of `lab exec`.
fn end_processes(home: &Home, manifest: &Manifest, errors: &mut Vec<String>) -> usize {
    let noted = (1..=manifest.shape.nodes)
        .map(|i| format!("node{i}"))
        .chain(["relay".to_owned()])
        .filter_map(|n| Process::noted(&home.node(&n).join("agent.pid")))
        .filter(|p| p.alive());
    let mut all: Vec<Process> = noted.chain(process::marked(&manifest.mark())).collect();
    let mut ended = BTreeSet::new();
    // Once more for what one of them started between our look and its end.
    for _ in 0..ROUNDS {
        if all.is_empty() {
            return ended.len();
        }
        ended.extend(all.iter().copied());
        if let Err(e) = process::end(&all) {
            errors.push(e.to_string());
            return ended.len();
        }
        all = process::marked(&manifest.mark());
    }
    if !all.is_empty() {
        errors.push("its processes start new ones faster than they end".to_owned());
    }
    ended.len()
}

fn locked_out(name: &str, error: io::Error) -> Failure {
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    let failure = Failure::unreadable(format!("locking lab {name}")).because(error);
    if denied { failure.hint(format!("sudo flanctl lab down --name {name}")) } else { failure }
}

fn lock(home: &Home) -> io::Result<Option<Flock<File>>> {
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
