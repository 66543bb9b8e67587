//! The processes of this machine, as far as /proc shows them: who runs, in which network namespace, in which cgroup,
//! with which socket. One walk serves all who ask.

#![expect(clippy::disallowed_methods, reason = "/proc is files")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::net::IfName;

/// One process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The first fifteen bytes of its program's name.
    pub comm: String,
    /// Inode of its network namespace; `None` where that is not for us to see.
    pub netns: Option<u64>,
}

/// All of them, by id.
#[derive(Clone, Debug, Default)]
pub struct Processes(Vec<Process>);

impl Processes {
    /// Looks once. What ends meanwhile is left out.
    pub fn scan() -> Self {
        let mut all: Vec<Process> = numbers(Path::new("/proc")).into_iter().filter_map(process).collect();
        all.sort_by_key(|process| process.pid);
        Self(all)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Process> {
        self.0.iter()
    }

    /// True if a program of this name runs; the kernel keeps fifteen bytes of it.
    pub fn runs(&self, program: &str) -> bool {
        let kept = program.get(..15).unwrap_or(program);
        self.0.iter().any(|process| process.comm == kept)
    }

    /// The processes of each network namespace that can be seen.
    pub fn by_netns(&self) -> BTreeMap<u64, Vec<&Process>> {
        let mut all: BTreeMap<u64, Vec<&Process>> = BTreeMap::new();
        for process in &self.0 {
            if let Some(inode) = process.netns {
                all.entry(inode).or_default().push(process);
            }
        }
        all
    }

    /// Who holds a socket, by its inode: every process's open files are looked through.
    pub fn holder(&self, socket: u64) -> Option<&Process> {
        let wanted = PathBuf::from(format!("socket:[{socket}]"));
        self.0.iter().find(|process| {
            let dir = PathBuf::from(format!("/proc/{}/fd", process.pid));
            numbers(&dir)
                .into_iter()
                .any(|fd| fs::read_link(dir.join(fd.to_string())).is_ok_and(|to| to == wanted))
        })
    }

    /// Who has opened a tun device: its open file names the device. Two namespaces can have one of the same name; the
    /// process of this namespace goes first.
    pub fn tun_owner(&self, dev: IfName) -> Option<&Process> {
        let here = fs::metadata("/proc/thread-self/ns/net").ok().map(|seen| seen.ino());
        let line = format!("iff:\t{dev}");
        let opened = |process: &&Process| {
            let dir = PathBuf::from(format!("/proc/{}", process.pid));
            let is_tun = |fd: &u32| {
                fs::read_link(dir.join(format!("fd/{fd}"))).is_ok_and(|to| to.ends_with("net/tun"))
            };
            let names = |fd: u32| {
                let info = fs::read_to_string(dir.join(format!("fdinfo/{fd}"))).unwrap_or_default();
                info.lines().any(|l| l == line)
            };
            numbers(&dir.join("fd")).into_iter().filter(is_tun).any(names)
        };
        let mut all: Vec<&Process> = self.0.iter().filter(opened).collect();
        all.sort_by_key(|process| process.netns != here);
        all.first().copied()
    }

    /// True if the namespaces of others can be seen, too.
    pub fn whole(&self) -> bool {
        self.0.iter().all(|process| process.netns.is_some())
    }
}

/// The lines of a process's cgroup file; empty if it cannot be read.
pub fn cgroup(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default()
}

/// The file of a process's network namespace.
pub fn netns_file(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/ns/net"))
}

fn numbers(dir: &Path) -> Vec<u32> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn process(pid: u32) -> Option<Process> {
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned();
    Some(Process { pid, comm, netns: fs::metadata(netns_file(pid)).ok().map(|seen| seen.ino()) })
}

#[cfg(test)]
mod tests {
    use super::{Processes, netns_file};

    #[test]
    fn this_process_and_its_socket_are_found() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let link = std::fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&socket)));
        let text = link.unwrap().to_str().unwrap().to_owned();
        let inode = text.trim_start_matches("socket:[").trim_end_matches(']').parse().unwrap();
        let all = Processes::scan();
        assert_eq!(all.holder(inode).map(|p| p.pid), Some(std::process::id()));
        let here =
            std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(netns_file(std::process::id())).unwrap());
        assert!(all.by_netns()[&here].iter().any(|p| p.pid == std::process::id()));
        assert_eq!(all.holder(u64::MAX), None);
    }
}
