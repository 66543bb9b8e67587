//! Injects a fault: the journal first, then the agent stands still, then it is done.
#![expect(clippy::disallowed_methods, reason = "a room of hands: the clock while an agent comes to a halt")]

use std::fs::File;
use std::time::{Duration, Instant};

use nix::fcntl::Flock;

use super::super::manifest::{Home, Manifest};
use super::journal::{self, Journal};
use super::site::{Site, shell};
use super::{At, Fault, all, before, find, nearest, probe};
use crate::error::Failure;

/// How long an agent may take to stand still.
const HALT: Duration = Duration::from_secs(2);

/// A node that is broken now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub node: String,
    /// By what.
    pub fault: &'static Fault,
    /// Who feels it: a member of the lab.
    pub from: String,
    /// The words behind `ping` that feel it.
    pub ping: String,
    /// Where the trace starts: a node of the lab.
    pub tracer: String,
    /// The words behind `flanctl trace` that foretell it.
    pub trace: String,
}

/// Breaks a node of lab `name`; without a node, the one that the fault is about.
pub fn inject(name: &str, id: &str, node: Option<&str>) -> Result<Broken, Failure> {
    let fault = find(id).ok_or_else(|| unknown(id))?;
    let (home, manifest) = Home::existing(name)?;
    let node = node.unwrap_or(fault.default_node());
    if fault.v6 && !manifest.shape.ipv6 {
        return Err(
            Failure::usage(format!("{id} needs IPv6, and lab {name} has none")).hint("flanctl lab up --ipv6")
        );
    }
    let _lock = lock(&home, name)?;
    if let Some(has) = journal::of_node(&home, node) {
        return Err(Failure::found(format!("{node} of lab {name} is broken already: {has}"))
            .hint(format!("flanctl lab heal --name {name}")));
    }
    let site = Site::read(&home, &manifest, node)?;
    let (runs, undo) = commands(&site, fault)?;
    let members = [At::Node, At::Pod].map(|at| site.netns(at).to_owned());
    let before = before::look(&members.each_ref().map(String::as_str));
    let journal = Journal { fault: id.to_owned(), undo, members: members.to_vec(), before };
    journal::write(&home, node, &journal)
        .map_err(|e| Failure::unreadable(format!("writing the journal of {node}")).because(e))?;
    let done = halt(&home, &manifest, node).and_then(|()| run(&runs));
    if let Err(failure) = done {
        journal::take_back(&home, &manifest, node, journal)?;
        return Err(failure);
    }
    let (ping, trace) = probe(&site, fault)?;
    let member = |at: At| site.netns(at).trim_start_matches(&format!("{name}-")).to_owned();
    let (from, tracer) =
        (member(fault.probe.from), member(if fault.is_far() { At::Other } else { At::Node }));
    Ok(Broken { node: node.to_owned(), fault, from, ping, tracer, trace })
}

/// Namespaces and lines of shell.
type Lines = Vec<(String, String)>;

/// What is run, and what takes it back, last first.
fn commands(site: &Site, fault: &Fault) -> Result<(Lines, Lines), Failure> {
    let (mut runs, mut undo) = (Vec::new(), Vec::new());
    for line in fault.lines {
        let at = |text: String| (site.netns(line.at).to_owned(), text);
        runs.extend(site.fill(line.run)?.into_iter().map(at));
        undo.extend(site.fill(line.undo)?.into_iter().filter(|text| !text.is_empty()).map(at));
    }
    undo.reverse();
    Ok((runs, undo))
}

fn run(lines: &Lines) -> Result<(), Failure> {
    for (netns, line) in lines {
        let what = || Failure::unreadable(format!("in {netns}: {line}"));
        let output = shell(netns, line).map_err(|e| what().because(e))?;
        if !output.status.success() {
            return Err(what().because(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
    }
    Ok(())
}

/// Lets the node's agent stand still, or it would put everything right at once.
fn halt(home: &Home, manifest: &Manifest, node: &str) -> Result<(), Failure> {
    let Some(agent) = journal::agent(home, manifest, node) else {
        return Err(Failure::found(format!("no agent runs on {node}"))
            .hint("flanctl lab list shows what runs; make the lab anew"));
    };
    agent.pause().map_err(|e| Failure::unreadable(format!("pausing the agent of {node}")).because(e))?;
    let until = Instant::now() + HALT;
    while !agent.stopped() {
        if Instant::now() >= until {
            return Err(Failure::unreadable(format!("the agent of {node} does not stand still")));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// The lab's lock, for who breaks and heals.
pub(super) fn lock(home: &Home, name: &str) -> Result<Flock<File>, Failure> {
    match home.lock() {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err(Failure::found(format!("lab {name} is being changed by another process"))
            .hint("wait for it, or interrupt it")),
        Err(e) => {
            Err(Failure::unreadable(format!("locking lab {name}")).because(e).hint("sudo flanctl lab …"))
        }
    }
}

fn unknown(id: &str) -> Failure {
    let failure = Failure::usage(format!("there is no fault named {id}"));
    match nearest(id, all().map(|fault| fault.id)).as_slice() {
        [] => failure.hint("flanctl lab break --list shows them all"),
        near => {
            failure.hint(format!("did you mean {}? flanctl lab break --list shows them all", near.join(", ")))
        }
    }
}
