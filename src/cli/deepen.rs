//! What lies beyond the tables: the firewall, facts, pods. Read in the namespace that is looked into. Hands only.
#![expect(clippy::disallowed_methods, reason = "/proc and the agent's subnet.env are files")]

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::gather::Depth;
use super::netns::Netns;
use crate::config::{Backend, NetConf};
use crate::firewall::Ruleset;
use crate::kernel::facts::{self, Asked};
use crate::kernel::processes::Processes;
use crate::kernel::{ipvs, pods, rules, wireguard};
use crate::net::IfName;
use crate::snapshot::Snapshot;
use crate::state::{LinkKind, State};

/// Where the agent writes subnet.env unless told otherwise, and the name under which its text is a fact.
const SUBNET_ENV: &str = "/run/flannel/subnet.env";

/// The rules of a namespace; `None` if it cannot be entered, of which [`deepen`] tells.
pub fn firewall(netns: &Netns) -> Option<Ruleset> {
    let _inside = netns.enter().ok()?;
    Some(rules::read())
}

/// Reads as deep as asked, apart from the firewall, whose rules are given. What cannot be read is a sentence among the
/// unseen.
pub fn deepen(snapshot: &mut Snapshot, netns: &Netns, depth: Depth, rules: Option<Ruleset>) {
    if depth == Depth::TABLES {
        return;
    }
    let _inside = match netns.enter() {
        Ok(guard) => guard,
        Err(failure) => return snapshot.unseen.push(failure.chain()),
    };
    if depth.firewall {
        // What its tools do not show is said in it.
        snapshot.state.firewall = rules;
        // A service is a rewriting, too.
        match ipvs::read() {
            Some(services) => snapshot.state.ipvs = services,
            None => snapshot.unseen.push("the IPVS services could not be read: that needs root".to_owned()),
        }
    }
    snapshot.state.wireguard = wireguard::read(&snapshot.state);
    let tuns = tuns(&snapshot.state);
    if !(depth.facts || depth.pods || !tuns.is_empty()) {
        return;
    }
    let processes = Processes::scan();
    for dev in tuns {
        if let Some(owner) = processes.tun_owner(dev) {
            let owner = format!("pid {} {}", owner.pid, owner.comm);
            snapshot.state.facts.insert(format!("tun:{dev}"), owner);
        }
    }
    if depth.facts {
        let machine = is_machine(netns);
        let ports = ports(snapshot.conf().as_ref());
        let asked = Asked { state: &snapshot.state, processes: &processes, ports: &ports, machine };
        let read = facts::read(&asked);
        snapshot.state.facts.extend(read);
        snapshot.state.facts.extend(subnet_env(snapshot.state.fact("agent:pid"), machine));
    }
    if depth.pods {
        let mut found =
            pods::read(&snapshot.state, &processes, netns.inode, &snapshot.ways_out(), depth.firewall);
        super::pod::name_lab_pods(&mut found.pods);
        snapshot.pods = found.pods;
        snapshot.unseen.extend(found.unseen);
    }
}

/// Devices that a process stands behind.
fn tuns(state: &State) -> Vec<IfName> {
    let tun = |kind: &LinkKind| matches!(kind, LinkKind::Other(name) if name == "tun");
    state.links.iter().filter(|(_, link)| tun(&link.kind)).map(|(dev, _)| *dev).collect()
}

/// True if this is the namespace of the first process: the machine's own. Others may not be told.
fn is_machine(netns: &Netns) -> bool {
    std::fs::metadata("/proc/1/ns/net").is_ok_and(|seen| seen.ino() == netns.inode)
}

/// UDP ports that the config speaks of.
fn ports(conf: Option<&NetConf>) -> Vec<u16> {
    match conf.map(|conf| &conf.backend) {
        Some(Backend::Vxlan(vxlan)) => vec![vxlan.port],
        _ => Vec::new(),
    }
}

/// subnet.env as the agent sees it: where it was told to write it, below its own root. Without an agent only the
/// machine's own namespace has one, in the usual place.
fn subnet_env(agent: Option<&str>, machine: bool) -> Vec<(String, String)> {
    let fact = |path: &Path, seen: PathBuf| match std::fs::read_to_string(&seen) {
        Ok(text) => Some((format!("file:{SUBNET_ENV}"), known(&text))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            Some((format!("file:{SUBNET_ENV}:missing"), path.display().to_string()))
        }
        Err(_) => None,
    };
    let running = agent.filter(|pid| Path::new(&format!("/proc/{pid}/root")).exists());
    let Some(pid) = running else {
        return fact(Path::new(SUBNET_ENV), PathBuf::from(SUBNET_ENV))
            .filter(|_| machine)
            .into_iter()
            .collect();
    };
    let path = told_file(pid).unwrap_or_else(|| PathBuf::from(SUBNET_ENV));
    let below = path.strip_prefix("/").unwrap_or(&path);
    let seen = Path::new("/proc").join(pid).join("root").join(below);
    let text = fact(&path, seen);
    text.into_iter().chain([("agent:subnet-file".to_owned(), path.display().to_string())]).collect()
}

/// Flannel's own keys: nobody else's lines belong into a snapshot.
fn known(text: &str) -> String {
    text.lines()
        .filter(|line| line.starts_with("FLANNEL_"))
        .fold(String::new(), |all, line| all + line + "\n")
}

/// The file that the agent's command line or environment names; nothing else of either is kept.
fn told_file(pid: &str) -> Option<PathBuf> {
    let read = |name: &str| std::fs::read(Path::new("/proc").join(pid).join(name)).unwrap_or_default();
    let words = |bytes: Vec<u8>| -> Vec<String> {
        bytes.split(|b| *b == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    };
    let line = words(read("cmdline"));
    let mut flags = line.iter().enumerate();
    let flagged = flags.find_map(|(at, word)| {
        let name = word.trim_start_matches('-');
        match name.strip_prefix("subnet-file") {
            Some("") => line.get(at + 1).cloned(),
            Some(rest) => rest.strip_prefix('=').map(str::to_owned),
            None => None,
        }
    });
    let variable = || {
        words(read("environ")).iter().find_map(|v| v.strip_prefix("FLANNELD_SUBNET_FILE=").map(str::to_owned))
    };
    flagged.or_else(variable).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::known;

    #[test]
    fn only_flannels_own_lines_are_kept() {
        let text = "FLANNEL_NETWORK=10.5.0.0/16\nAWS_SECRET=hunter2\n# hunter2\nFLANNEL_MTU=1450\n";
        assert_eq!(known(text), "FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_MTU=1450\n");
    }
}
