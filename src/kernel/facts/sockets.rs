//! Who owns the UDP ports that tunnels use: `socket:udp:PORT` = `kernel (vxlan)`, `pid 12 NAME`, or `unknown`.

#![expect(clippy::disallowed_methods, reason = "the socket table is a file")]

use std::collections::{BTreeMap, BTreeSet};

use super::Asked;
use crate::state::Link;

/// Flannel's port and the one that IANA assigned to VXLAN.
const USUAL: [u16; 2] = [8472, 4789];

pub(super) fn owners(asked: &Asked<'_>) -> BTreeMap<String, String> {
    let tunnels: BTreeSet<u16> = asked
        .state
        .links
        .values()
        .filter(|link| link.up)
        .filter_map(Link::vxlan)
        .map(|vxlan| vxlan.port)
        .collect();
    let all = asked.state.links.values().filter_map(Link::vxlan).map(|vxlan| vxlan.port);
    let wanted: BTreeSet<u16> = all.chain(USUAL).chain(asked.ports.iter().copied()).collect();
    let mut open: BTreeMap<u16, u64> = BTreeMap::new();
    for name in ["udp", "udp6"] {
        // `/proc/net` would be the namespace of the process's first thread.
        let text = std::fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap_or_default();
        open.extend(sockets(&text).into_iter().filter(|(port, _)| wanted.contains(port)));
    }
    let owner = |(port, inode): (u16, u64)| {
        let holder = asked.processes.holder(inode).map(|who| format!("pid {} {}", who.pid, who.comm));
        let owner = match holder {
            Some(holder) => holder,
            // A socket of the kernel has an inode like any other, and no process that holds it.
            None if tunnels.contains(&port) => "kernel (vxlan)".to_owned(),
            None => "unknown".to_owned(),
        };
        (format!("socket:udp:{port}"), owner)
    };
    open.into_iter().map(owner).collect()
}

/// Local port and inode of each line of `/proc/net/udp`.
fn sockets(text: &str) -> Vec<(u16, u64)> {
    let rows = text.lines().skip(1).filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (_, port) = words.get(1)?.rsplit_once(':')?;
        Some((u16::from_str_radix(port, 16).ok()?, words.get(9)?.parse().ok()?))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::sockets;

    #[test]
    fn port_and_inode_are_found_in_both_families() {
        let text = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref\n\
            \x208336: 00000000:2118 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4951757 2 0 0\n\
            \x20 12: 00000000000000000000000000000000:12B5 00000000000000000000000000000000:0000 07 0:0 00:0 0 0 0 77 2 0 0\n";
        assert_eq!(sockets(text), [(8472, 4_951_757), (4789, 77)]);
    }
}
