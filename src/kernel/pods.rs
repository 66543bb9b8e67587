//! The namespaces behind this node's veths: found by their files and by the processes in them, told apart by the id
//! that the node has for each (`RTM_GETNSID`, net/core/net_namespace.c), read from inside.
//! Without rights the names are found, and what is inside is not.

#![expect(clippy::disallowed_methods, reason = "namespaces are files")]

mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::netns::InNetns;
use super::processes::{self, Process, Processes};
use super::socket::Asker;
use super::wire::{Attrs, put_attr, u32_of};
use super::{KernelError, LinuxKernel, rules};
use crate::net::IfName;
use crate::state::{LinkKind, Pod, State};

/// Where namespaces are bound to files: iproute2's and CNI's, Docker's.
const DIRS: [&str; 4] = ["/run/netns", "/var/run/netns", "/run/docker/netns", "/var/run/docker/netns"];

/// Processes that are named, of those that share a namespace.
const NAMED: usize = 8;

const GETNSID: u16 = 90;
const NETNSA_NSID: u16 = 1;
const NETNSA_PID: u16 = 2;
const NETNSA_FD: u16 = 3;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The namespaces, by name.
    pub pods: Vec<Pod>,
    /// What could not be seen, a sentence each.
    pub unseen: Vec<String>,
}

/// Finds and reads the namespaces behind the veths of `state`, apart from those of `skip` (the uplink may be a veth,
/// too, with the world behind it), with their own `firewall` if that is asked for. The calling thread stands in the node's
/// namespace, whose inode is `home`.
pub fn read(
    state: &State,
    processes: &Processes,
    home: u64,
    skip: &BTreeSet<IfName>,
    firewall: bool,
) -> Found {
    let mut found = Found::default();
    let behind = behind(state, skip);
    if behind.is_empty() {
        return found;
    }
    let mut left: BTreeSet<i32> = behind.keys().copied().collect();
    let Ok(mut asker) = Asker::open() else { return found };
    for place in places(processes, home) {
        let Some(nsid) = place.nsid(&mut asker).filter(|id| left.remove(id)) else { continue };
        let (name, aliases) = place.names();
        let state = place.look(firewall).unwrap_or_else(|why| {
            let cause = std::error::Error::source(&why).map(|cause| format!(": {cause}")).unwrap_or_default();
            found.unseen.push(format!("the inside of {name} could not be read: {why}{cause}"));
            State::default()
        });
        found.pods.push(Pod { name, aliases, inode: place.inode, nsid: Some(nsid), state });
    }
    for (_, devs) in behind.iter().filter(|(id, _)| left.contains(id)) {
        let devs = devs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let why = if processes.whole() { "nothing that runs here is in it" } else { "that needs root" };
        found.unseen.push(format!("the namespace behind {devs} was not found: {why}"));
    }
    found.pods.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// The ids of the namespaces behind veths, and the veths.
fn behind(state: &State, skip: &BTreeSet<IfName>) -> BTreeMap<i32, Vec<IfName>> {
    let mut all: BTreeMap<i32, Vec<IfName>> = BTreeMap::new();
    for (dev, link) in state.links.iter().filter(|(dev, _)| !skip.contains(*dev)) {
        if let LinkKind::Veth { netns: Some(id), .. } = &link.kind {
            all.entry(*id).or_default().push(*dev);
        }
    }
    all
}

/// A namespace and the ways to it.
#[derive(Debug, Default)]
struct Place {
    inode: u64,
    files: Vec<PathBuf>,
    pids: Vec<u32>,
}

/// Every namespace that can be told from others, named ones first; then each process whose namespace is hidden.
fn places(processes: &Processes, home: u64) -> Vec<Place> {
    let mut all: BTreeMap<u64, Place> = BTreeMap::new();
    for dir in DIRS {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            if let Ok(seen) = entry.path().metadata() {
                let place = all.entry(seen.ino()).or_default();
                // /var/run is /run, as a rule.
                if !place.files.iter().any(|file| file.file_name() == Some(&entry.file_name())) {
                    place.files.push(entry.path());
                }
            }
        }
    }
    for (inode, members) in processes.by_netns() {
        all.entry(inode).or_default().pids = members.iter().map(|process: &&Process| process.pid).collect();
    }
    all.remove(&home);
    let known = all.into_iter().map(|(inode, place)| Place { inode, ..place });
    let hidden = processes.iter().filter(|process| process.netns.is_none());
    let hidden = hidden.map(|process| Place { inode: 0, files: Vec::new(), pids: vec![process.pid] });
    let mut places: Vec<Place> = known.chain(hidden).collect();
    places.sort_by_key(|place| place.files.is_empty());
    places
}

impl Place {
    fn open(&self) -> io::Result<File> {
        let pids = self.pids.first().map(|pid| processes::netns_file(*pid));
        let mut last = io::ErrorKind::NotFound.into();
        for path in self.files.iter().cloned().chain(pids) {
            match File::open(path) {
                Ok(file) => return Ok(file),
                Err(cause) => last = cause,
            }
        }
        Err(last)
    }

    /// The id that the node has for it; `None` if nothing of the node leads there. By process nobody needs rights.
    fn nsid(&self, asker: &mut Asker) -> Option<i32> {
        let (kind, value, _held) = match (self.open(), self.pids.first()) {
            (Ok(file), _) => (NETNSA_FD, u32::try_from(file.as_raw_fd()).ok()?, Some(file)),
            (Err(_), Some(pid)) => (NETNSA_PID, *pid, None),
            (Err(_), None) => return None,
        };
        let fill = |buf: &mut Vec<u8>| {
            // `struct rtgenmsg`: the family, and room to the next attribute.
            buf.extend_from_slice(&[0; 4]);
            put_attr(buf, kind, &value.to_ne_bytes());
        };
        let read = |payload: &[u8]| {
            let (_, id) = Attrs(payload.get(4..)?).find(|(kind, _)| *kind == NETNSA_NSID)?;
            Some(u32_of(id)?.cast_signed())
        };
        asker.get(GETNSID, fill, |message| read(message.payload)).ok()?.ok()?.filter(|id| *id >= 0)
    }

    /// What people call it, and everything else that it goes by.
    fn names(&self) -> (String, Vec<String>) {
        let cgroups = self.pids.iter().take(NAMED).map(|pid| processes::cgroup(*pid));
        let ids: BTreeSet<String> =
            cgroups.filter_map(|text| names::container(&text).map(str::to_owned)).collect();
        let given: Vec<String> = ids.iter().flat_map(|id| names::of(Path::new("/"), id)).collect();
        let files = self.files.iter().filter_map(|path| path.file_name()?.to_str());
        let files: Vec<String> = files.map(str::to_owned).collect();
        let pids: Vec<String> = self.pids.iter().take(NAMED).map(|pid| format!("pid {pid}")).collect();
        let paths = self.files.iter().map(|path| path.display().to_string());
        let mut all: Vec<String> = Vec::new();
        // A file that a runtime named by chance says less than what its owner called it.
        let (drawn, chosen): (Vec<String>, Vec<String>) =
            files.into_iter().partition(|name| names::drawn(name));
        let rest = chosen.into_iter().chain(given).chain(drawn).chain(ids).chain(pids).chain(paths);
        for name in rest {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        let name = if all.is_empty() { format!("namespace {}", self.inode) } else { all.remove(0) };
        (name, all)
    }

    fn look(&self, firewall: bool) -> Result<State, KernelError> {
        let broken = |source| KernelError::Io { what: "entering the namespace".to_owned(), source };
        let file = self.open().map_err(broken)?;
        let _inside = InNetns::enter_file(&file).map_err(broken)?;
        let mut state = LinuxKernel::open()?.look()?;
        state.firewall = firewall.then(rules::read_written);
        Ok(state)
    }
}
