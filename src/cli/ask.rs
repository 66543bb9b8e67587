//! What `trace` asks beyond the tables: the resolver for a name, the kernel for its own routing decision. Hands only.

#![expect(clippy::disallowed_methods, reason = "namespaces are files")]

use std::fs::File;
use std::net::{IpAddr, ToSocketAddrs};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Global;
use super::gather::Look;
use super::netns::{live_state, netns};
use crate::error::Failure;
use crate::finding::Finding;
use crate::kernel::ask;
use crate::kernel::echo::{Once, once};
use crate::kernel::netns::{InNetns, RUN_DIR};
use crate::kernel::processes::{Processes, netns_file};
use crate::kernel::tracefs::{Watched, watch};
use crate::snapshot::Snapshot;
use crate::state::{Probe, Told};
use crate::trace::{self, Query, disagreement};

/// An address, or the name of one if names may be asked for. `from` tells the family where a name has both.
pub fn destination(text: &str, resolve: bool, from: Option<IpAddr>) -> Result<IpAddr, Failure> {
    if let Ok(ip) = text.parse() {
        return Ok(ip);
    }
    if !resolve {
        return Err(Failure::usage(format!("{text:?} is not an address")).hint(
            "a name is looked up only with --resolve: what it means here need not be what it means in a pod",
        ));
    }
    let found = (text, 0)
        .to_socket_addrs()
        .map_err(|e| Failure::unreadable(format!("the name {text:?}")).because(e))?;
    let all: Vec<IpAddr> = found.map(|at| at.ip()).collect();
    let fits = |ip: &&IpAddr| from.is_none_or(|from| from.is_ipv4() == ip.is_ipv4());
    let none = || Failure::unreadable(format!("the name {text:?} has no address of the family of --from"));
    all.iter().find(fits).copied().ok_or_else(none)
}

/// What is to be said if the kernel itself decides otherwise. What changed meanwhile is no disagreement: the tables
/// are read again before one is told.
pub fn held_against_kernel(look: &Look, path: &trace::Path, global: &Global) -> Option<Finding> {
    let flow = ask::askable(path.asked.as_ref()?);
    let netns = netns(global).ok()?;
    let told = |node: &Snapshot| -> Option<Told> {
        let _inside = netns.enter().ok()?;
        ask::route(&flow, &node.state).ok()
    };
    disagreement(&look.snapshot, &flow, &told(&look.snapshot)?)?;
    let mut state = live_state(&netns).ok()?;
    state.firewall.clone_from(&look.snapshot.state.firewall);
    let now = Snapshot { state, ..look.snapshot.clone() };
    disagreement(&now, &flow, &told(&now)?)
}

/// How long a probe's answer may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Sends one echo request from the node or from the query's pod, watched where tracefs can be.
pub fn probe(look: &Look, query: &Query, global: &Global) -> Result<Probe, Failure> {
    let &Query { dst, proto, size, df, mark, .. } = query;
    if !matches!(proto, 1 | 58) {
        return Err(Failure::usage("--live sends an echo request: leave --proto out, or say icmp"));
    }
    let file = match &query.pod {
        None => netns(global)?.path,
        Some(name) => Some(pod_file(look, name)?),
    };
    let send = || {
        let inside = file.as_ref().map(|file| File::open(file).and_then(|file| InNetns::enter_file(&file)));
        let _inside = inside.transpose()?;
        once(dst, size, df, mark, PATIENCE)
    };
    let failed = |e: std::io::Error| {
        let root =
            (e.kind() == std::io::ErrorKind::PermissionDenied).then(|| "it needs root: use sudo".to_owned());
        Failure::unreadable("sending a probe").because(e).hinted(root)
    };
    let Watched { sent, seen } = watch(send).map_err(failed)?;
    let Once { rtt, refused } = sent.map_err(failed)?;
    let (seen, blind) = match seen {
        Ok(seen) => (Some(seen), None),
        Err(cause) => (None, Some(format!("tracefs could not be used ({cause})"))),
    };
    Ok(Probe { size, rtt, refused, seen, blind })
}

/// The file by which a pod's namespace is entered.
fn pod_file(look: &Look, name: &str) -> Result<PathBuf, Failure> {
    let pod = look.snapshot.pods.iter().find(|pod| pod.name == name);
    let failure = || Failure::unreadable(format!("the network namespace of {name}"));
    let inode = pod.map(|pod| pod.inode).ok_or_else(failure)?;
    let named = pod.into_iter().flat_map(|pod| pod.aliases.iter().chain([&pod.name]));
    let paths = named.flat_map(|name| [PathBuf::from(name), Path::new(RUN_DIR).join(name)]);
    let is = |path: &PathBuf| path.is_absolute() && path.metadata().is_ok_and(|seen| seen.ino() == inode);
    let found = paths.into_iter().find(is);
    let of_process = || {
        let processes = Processes::scan();
        let pid = processes.iter().find(|process| process.netns == Some(inode)).map(|process| process.pid);
        pid.map(netns_file)
    };
    found.or_else(of_process).ok_or_else(failure)
}

#[cfg(test)]
mod tests {
    use super::destination;

    #[test]
    fn a_name_is_looked_up_only_if_that_is_asked_for() {
        assert_eq!(destination("10.5.2.3", false, None).unwrap().to_string(), "10.5.2.3");
        let refused = destination("localhost", false, None).unwrap_err();
        assert!(refused.chain().contains("\"localhost\" is not an address"), "{}", refused.chain());
        assert!(refused.hint.unwrap().contains("--resolve"));
        let v4 = Some("127.0.0.2".parse().unwrap());
        assert!(destination("localhost", true, v4).unwrap().is_loopback());
        assert!(destination("no-such-name.invalid", true, None).is_err());
    }
}
