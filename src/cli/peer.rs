//! Snapshots of other nodes: from a file, over ssh, or from another namespace of this machine.
#![expect(clippy::disallowed_methods, reason = "runs ssh, and looks which files are there")]

use std::path::Path;
use std::process::{Command, Stdio};

use super::Global;
use super::gather::{Depth, gather, read_snapshot};
use super::look::LookArgs;
use crate::error::Failure;
use crate::kernel::netns::RUN_DIR;
use crate::snapshot::Snapshot;

/// What stands before a host's name.
const SSH: &str = "ssh:";

/// Every snapshot that `--peer` names; leases of a namespace are where `look` says.
pub fn peers(named: &[String], look: &LookArgs, global: &Global) -> Result<Vec<Snapshot>, Failure> {
    named.iter().map(|name| peer(name, look, global)).collect()
}

/// `ssh:HOST`, a file, or a namespace that `ip netns` lists (a lab's node).
fn peer(name: &str, look: &LookArgs, global: &Global) -> Result<Snapshot, Failure> {
    if let Some(host) = name.strip_prefix(SSH) {
        return over_ssh(host);
    }
    let file = Path::new(name);
    let plain = !name.contains('/') && !name.is_empty();
    if plain && !file.exists() && Path::new(RUN_DIR).join(name).exists() {
        let there = Global { netns: Some(name.to_owned()), ..global.clone() };
        let look = LookArgs { snapshot: None, device: None, near: look.near.clone() };
        return Ok(gather(&there, &look, Depth::WHOLE)?.snapshot);
    }
    read_snapshot(file).map_err(|failure| failure.hint(hint(name)))
}

/// What `--peer` takes; and the namespaces that the name may stand for, as `node2` for `lab-node2`.
fn hint(name: &str) -> String {
    let all = std::fs::read_dir(RUN_DIR).into_iter().flatten().flatten();
    let end = format!("-{name}");
    let mut meant: Vec<String> = all.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    meant.retain(|netns| netns.ends_with(&end));
    meant.sort();
    let takes = "--peer takes a snapshot file, ssh:HOST or a namespace's name";
    if meant.is_empty() { takes.to_owned() } else { format!("{takes}, such as {}", meant.join(", ")) }
}

/// What `flanctl snapshot -` says on that host. Asks nobody for a password: where there is nobody to ask, it ends.
fn over_ssh(host: &str) -> Result<Snapshot, Failure> {
    // ssh would take it for a flag.
    if host.is_empty() || host.starts_with('-') {
        return Err(Failure::usage(format!("{SSH}{host} names no host")).hint("--peer ssh:root@node2"));
    }
    let what = || Failure::unreadable(format!("the snapshot of {host}"));
    let output = Command::new("ssh")
        .args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "--", host, "flanctl", "snapshot", "-"])
        .stdin(Stdio::null())
        .output()
        .map_err(|e| what().because(e).hint("it is fetched by ssh: is that installed?"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("ssh says nothing");
        let how = format!("{last} ({})", output.status);
        return Err(what()
            .because(how)
            .hint(format!("try it by hand: ssh -o BatchMode=yes {host} flanctl snapshot -")));
    }
    Snapshot::decode(&output.stdout).map_err(|e| what().because(e))
}
