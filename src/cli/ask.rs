//! What `trace` asks beyond the tables: the resolver for a name, the kernel for its own routing decision. Hands only.

use std::net::{IpAddr, ToSocketAddrs};

use super::Global;
use super::gather::Look;
use super::netns::{live_state, netns};
use crate::error::Failure;
use crate::finding::Finding;
use crate::kernel::ask;
use crate::snapshot::Snapshot;
use crate::state::Told;
use crate::trace::{Path, disagreement};

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
pub fn held_against_kernel(look: &Look, path: &Path, global: &Global) -> Option<Finding> {
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
