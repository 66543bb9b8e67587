//! Sizes: the packet in the tunnel, and the tunnel in the underlay; who may take it apart, and who must not.

use super::{Verdict, Walk};
use crate::finding::mtu;
use crate::net::IfName;
use crate::state::Df;

/// Bytes of an IPv4 header; what a fragment carries behind it is a multiple of eight.
const HEADER: u32 = 20;

impl Walk<'_> {
    /// The packet in the tunnel, and the tunnel in the underlay.
    pub(super) fn fits(&mut self, (tunnel, mtu, overhead): (IfName, u32, u32), (dev, room): (IfName, u32)) {
        let size = self.query.size;
        // Nobody takes an IPv6 packet apart that is under way.
        let whole = self.query.df || (self.query.dst.is_ipv6() && self.query.iif.is_some());
        let command = format!("ip link show {tunnel}; ip link show {dev}");
        let frame = if whole { size } else { size.min(mtu) };
        let wide = frame.saturating_add(overhead) > room;
        if mtu.saturating_add(overhead) > room {
            let by = dev.to_string();
            let what = mtu::Outer { tunnel, mtu, overhead, by: &by, room };
            let finding = mtu::outer(self.host(), what);
            if wide && (whole || self.keeps_whole(tunnel)) {
                let object = format!("{frame} + {overhead} > {dev} {room}");
                return self.fail("mtu", object, finding, Verdict::Dropped);
            }
            self.findings.push(finding);
        }
        let inner = match (size > mtu, whole) {
            (false, _) => format!("{size} <= {tunnel} {mtu}"),
            (true, true) => {
                format!("{size} > {tunnel} {mtu}: the sender is told mtu {mtu}, and sends smaller ones")
            }
            (true, false) => format!("{size} > {tunnel} {mtu}: in {} fragments", fragments(size, mtu)),
        };
        let outer = match wide {
            _ if size > mtu && whole => String::new(),
            false => format!(", {mtu} + {overhead} <= {dev} {room}"),
            true => {
                let parts = fragments(frame.saturating_add(overhead), room);
                format!(", {frame} + {overhead} > {dev} {room}: outside in {parts} fragments")
            }
        };
        self.pass("mtu", inner + &outer, command);
    }

    /// True if a tunnel's own packets must not be fragmented, whatever is inside.
    fn keeps_whole(&self, tunnel: IfName) -> bool {
        self.node.state.links.get(&tunnel).is_some_and(|link| {
            link.encap.as_ref().is_some_and(|encap| encap.df == Df::Set)
                || link.tunnel.as_ref().is_some_and(|tunnel| tunnel.pmtudisc)
        })
    }
}

/// How many fragments of at most `room` bytes a packet makes.
fn fragments(size: u32, room: u32) -> u32 {
    let (load, most) = (size.saturating_sub(HEADER), room.saturating_sub(HEADER));
    // The last one takes what is left, a multiple of eight or not.
    1 + load.saturating_sub(most).div_ceil((most / 8 * 8).max(8))
}

#[cfg(test)]
mod tests {
    use super::fragments;

    #[test]
    fn a_packet_makes_as_many_fragments_as_the_kernel_sends() {
        for (size, room, want) in
            [(1450, 1450, 1), (1451, 1450, 2), (2900, 1450, 3), (1500, 1400, 2), (84, 0, 9)]
        {
            assert_eq!(fragments(size, room), want, "{size} by {room}");
        }
    }
}
