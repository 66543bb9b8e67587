//! Runs a command inside a member of a lab: the process becomes it.
#![expect(clippy::disallowed_methods, reason = "a room of hands: becomes another program")]

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use nix::sched::{CloneFlags, setns};

use super::interrupt::Interrupt;
use super::manifest::Home;
use super::ns;
use super::process::MARK;
use crate::error::Failure;

/// Becomes `command` inside `member` (`node1`, `pod1`, `world`) of lab `name`; comes back only if it cannot.
pub fn exec(name: &str, member: &str, command: &[OsString]) -> Failure {
    match prepared(name, member, command) {
        Ok(mut ready) => refused(command, &ready.exec()),
        Err(failure) => failure,
    }
}

/// Runs the user's shell beside lab `name` and waits for it: what `up` is for an ordinary user, whose lab lives
/// as long as the process that made it.
pub fn shell(name: &str, interrupt: &Interrupt) -> Result<ExitStatus, Failure> {
    let shell = std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
    let mut command = Command::new(&shell);
    equip(&mut command, &Home::of(name));
    let child = interrupt.released(|| command.spawn()).and_then(|started| started);
    child.and_then(|mut child| child.wait()).map_err(|e| refused(&[shell], &e))
}

fn prepared(name: &str, member: &str, command: &[OsString]) -> Result<Command, Failure> {
    let (home, manifest) = Home::existing(name)?;
    let netns = manifest.shape.netns(member);
    if !manifest.namespaces.contains(&netns) {
        let prefix = manifest.shape.netns("");
        let all: Vec<_> = manifest.namespaces.iter().filter_map(|n| n.strip_prefix(&prefix)).collect();
        return Err(
            Failure::usage(format!("lab {name} has no {member}")).hint(format!("it has {}", all.join(", ")))
        );
    }
    let Some((program, args)) = command.split_first() else { return Err(Failure::usage("no command")) };
    let enter = || -> io::Result<()> { Ok(setns(File::open(ns::path(&netns))?, CloneFlags::CLONE_NEWNET)?) };
    enter().map_err(|e| {
        let denied = e.kind() == io::ErrorKind::PermissionDenied;
        let failure = Failure::unreadable(format!("entering {netns}")).because(e);
        if denied { failure.hint("sudo flanctl lab exec …") } else { failure }
    })?;
    let mut ready = Command::new(program);
    ready.args(args).env(MARK, manifest.mark());
    equip(&mut ready, &home);
    Ok(ready)
}

/// The agents' state files and this very build of flanctl are what a command in the lab should find.
fn equip(command: &mut Command, home: &Home) {
    command.env("FLANCTL_RUN_DIR", home.run_dir());
    let Some(bin) = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf)) else {
        return;
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(bin).chain(std::env::split_paths(&path));
    // Refused for a directory with a colon in its name: then PATH stays as it is.
    if let Ok(path) = std::env::join_paths(all) {
        command.env("PATH", path);
    }
}

/// As a shell tells it: 127 for no such program, 126 for one that cannot be run.
fn refused(command: &[OsString], error: &io::Error) -> Failure {
    let program = command.first().map(|p| p.display().to_string()).unwrap_or_default();
    let mut failure = Failure::found(format!("running {program}")).because(error.to_string());
    failure.exit = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    failure
}
