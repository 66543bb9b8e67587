//! What is broken, written into the lab's home before it is: enough to take it back after any crash.
#![expect(
    clippy::disallowed_methods,
    reason = "a room of hands: the journal's file, and the clock while an agent heals"
)]

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::super::manifest::{Home, Manifest};
use super::super::process::{self, Process};
use super::before;
use super::site::shell;
use crate::error::Failure;

/// How long an agent may take to put its own rows right.
const PATIENCE: Duration = Duration::from_secs(20);

/// One broken node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// What was injected.
    pub(super) fault: String,
    /// What takes it back, in the order in which it is run: namespace and line.
    pub(super) undo: Vec<(String, String)>,
    /// Namespaces that are to look as they did.
    pub(super) members: Vec<String>,
    /// How they looked.
    pub(super) before: Vec<String>,
}

/// What a heal found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Healed {
    /// Which node.
    pub node: String,
    /// What it had.
    pub fault: String,
    /// What is not as it was, after all: somebody else changed it, or the agent does not run.
    pub differs: Vec<String>,
}

fn file(home: &Home, node: &str) -> PathBuf {
    home.node(node).join("fault.json")
}

/// The fault that a node has.
pub fn of_node(home: &Home, node: &str) -> Option<String> {
    read(home, node).map(|journal| journal.fault)
}

pub(super) fn read(home: &Home, node: &str) -> Option<Journal> {
    serde_json::from_slice(&std::fs::read(file(home, node)).ok()?).ok()
}

pub(super) fn write(home: &Home, node: &str, journal: &Journal) -> io::Result<()> {
    let fresh = home.node(node).join("fault.new");
    std::fs::write(&fresh, serde_json::to_vec_pretty(journal)?)?;
    std::fs::rename(fresh, file(home, node))
}

/// The agent of a node, if it runs and is this lab's.
pub(super) fn agent(home: &Home, manifest: &Manifest, node: &str) -> Option<Process> {
    let noted = Process::noted(&home.node(node).join("agent.pid"))?;
    process::marked(&manifest.mark()).into_iter().find(|process| *process == noted)
}

/// Takes back what is broken, on every node of the lab. Whatever was mended meanwhile is left as it is.
pub fn heal(name: &str) -> Result<Vec<Healed>, Failure> {
    let (home, manifest) = Home::existing(name)?;
    let _lock = super::inject::lock(&home, name)?;
    let mut healed = Vec::new();
    for node in &manifest.shape.layout().nodes {
        if let Some(journal) = read(&home, &node.name) {
            healed.push(take_back(&home, &manifest, &node.name, journal)?);
        }
    }
    Ok(healed)
}

/// Undoes one journal and wakes the agent; done when everything is as it was.
pub(super) fn take_back(
    home: &Home,
    manifest: &Manifest,
    node: &str,
    journal: Journal,
) -> Result<Healed, Failure> {
    let Journal { fault, undo, members, before } = journal;
    for (netns, line) in &undo {
        // Refused where the fault was mended by hand; whether all is well shows below.
        let _ = shell(netns, line);
    }
    if let Some(agent) = agent(home, manifest, node) {
        agent.resume().map_err(|e| Failure::unreadable(format!("waking the agent of {node}")).because(e))?;
    }
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let until = Instant::now() + PATIENCE;
    let differs = loop {
        let differs = before::differences(&before, &before::look(&members));
        if differs.is_empty() || Instant::now() >= until {
            break differs;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    let gone = std::fs::remove_file(file(home, node));
    gone.map_err(|e| Failure::unreadable(format!("removing {}", file(home, node).display())).because(e))?;
    Ok(Healed { node: node.to_owned(), fault, differs })
}
