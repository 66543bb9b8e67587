//! Which of the kernel's counters moved, and which of them tell of a packet that got lost between two points.

use std::collections::{BTreeMap, VecDeque};

use super::{Point, Stage};

/// Samples that are kept.
const MOST: usize = 4096;

/// How long after a packet was last seen its loss is counted, as a rule; one that waits for a neighbour waits longer.
const SOON: i64 = 250_000_000;

/// What a device counts that loses packets.
const DEVICE: [&str; 8] = [
    "rx_dropped",
    "rx_errors",
    "rx_fifo_errors",
    "rx_frame_errors",
    "tx_dropped",
    "tx_errors",
    "tx_carrier_errors",
    "collisions",
];

/// What IP counts that loses packets, and between which stages: the names as the kernel has them.
const IP: [&str; 8] = [
    "IpExt.InNoRoutes",
    "Ip.InAddrErrors",
    "Ip.InHdrErrors",
    "Ip.InDiscards",
    "Ip.OutNoRoutes",
    "Ip.OutDiscards",
    "Ip.FragFails",
    "TcpExt.IPReversePathFilter",
];

const IP6: [&str; 8] = [
    "Ip6InNoRoutes",
    "Ip6InAddrErrors",
    "Ip6InHdrErrors",
    "Ip6InDiscards",
    "Ip6OutNoRoutes",
    "Ip6OutDiscards",
    "Ip6FragFails",
    "Ip6InTooBigErrors",
];

/// What UDP counts of the tunnel's own packets.
const UDP: [&str; 8] = [
    "Udp.NoPorts",
    "Udp.InErrors",
    "Udp.InCsumErrors",
    "Udp.RcvbufErrors",
    "Udp6NoPorts",
    "Udp6InErrors",
    "Udp6InCsumErrors",
    "Ip.ReasmFails",
];

const CONNTRACK: [&str; 3] = ["drop", "early_drop", "insert_failed"];

/// Changes of counters, and when they were seen.
#[derive(Debug, Default)]
pub struct Moves {
    last: BTreeMap<String, u64>,
    /// The rules were read once: one that comes later began at nothing.
    ruled: bool,
    samples: VecDeque<(i64, Vec<(String, u64)>)>,
}

impl Moves {
    /// What the counters say at a time. Counters that were not there before begin here.
    pub fn sample(&mut self, at: i64, now: BTreeMap<String, u64>) {
        self.take(at, now, None);
    }

    /// What the firewall's rules say at a time. A rule that was not there before was made since.
    pub fn rules(&mut self, at: i64, now: BTreeMap<String, u64>) {
        let begin = self.ruled.then_some(0);
        self.ruled = true;
        self.take(at, now, begin);
    }

    fn take(&mut self, at: i64, now: BTreeMap<String, u64>, begin: Option<u64>) {
        let more = |(name, value): (&String, &u64)| {
            let before = self.last.get(name).copied().or(begin)?;
            value.checked_sub(before).filter(|more| *more > 0).map(|more| (name.clone(), more))
        };
        let moved: Vec<(String, u64)> = now.iter().filter_map(more).collect();
        if !moved.is_empty() {
            self.samples.push_back((at, moved));
        }
        if self.samples.len() > MOST {
            self.samples.pop_front();
        }
        // Two readers count different things: what the other reads stays.
        self.last.extend(now);
    }

    /// What moved after a packet was last seen at `from` and is about the way to `to`: what did soon, else what did
    /// until `now`.
    pub fn between(
        &self,
        (from, to): (&Point, &Point),
        six: bool,
        last: i64,
        now: i64,
    ) -> Vec<(String, u64)> {
        let mut soon = self.within(last, last.saturating_add(SOON).min(now), (from, to), six);
        let all = self.within(last, now, (from, to), six);
        if soon.is_empty() {
            return all.into_values().collect();
        }
        // Rules are asked only when a loss is told.
        soon.extend(all.into_iter().filter(|((rank, _), _)| *rank == RULE));
        soon.into_values().collect()
    }

    fn within(&self, begin: i64, end: i64, gap: (&Point, &Point), six: bool) -> Sums {
        let mut sums = Sums::new();
        let samples = self.samples.iter().filter(|(at, _)| (begin..=end).contains(at));
        for (name, more) in samples.flat_map(|(_, moved)| moved) {
            if let Some((rank, words)) = about(name, gap, six) {
                sums.entry((rank, words.clone())).or_insert((words, 0)).1 += more;
            }
        }
        sums
    }
}

/// Counters by how near they are to the loss: their words, and by how much they moved.
type Sums = BTreeMap<(usize, String), (String, u64)>;

/// How near a rule is: it names the packet.
const RULE: usize = 0;

/// A counter's words, and how near it is to the loss, if it is about packets between two points at all.
fn about(name: &str, (from, to): (&Point, &Point), six: bool) -> Option<(usize, String)> {
    let (kind, rest) = name.split_once(':')?;
    let stages = [from.stage, to.stage];
    // Frames on a veth are the bridge's business; IP has not seen them yet, or no more.
    let routed = !stages.contains(&Stage::Pod) || !stages.contains(&Stage::Bridge);
    match kind {
        "stat" => {
            let (dev, counter) = rest.rsplit_once('/')?;
            let incoming = counter.starts_with("rx_");
            // A device loses on its way out what comes from before it, and on its way in what is for behind it.
            let fits = (dev == to.dev && !incoming)
                || (dev == from.dev && incoming)
                || (dev == from.dev && from.stage == Stage::Tunnel)
                || (dev == to.dev && to.stage == Stage::Tunnel);
            (fits && DEVICE.contains(&counter)).then(|| (1, format!("{dev} {counter}")))
        }
        "rule" => routed.then(|| (RULE, rest.to_owned())),
        "snmp" | "snmp6" => {
            let ip = routed && if six { IP6.contains(&rest) } else { IP.contains(&rest) };
            let udp = stages.contains(&Stage::Uplink) && UDP.contains(&rest);
            // The tunnel's own packets may be of the other version.
            let outer = stages.contains(&Stage::Uplink) && (IP.contains(&rest) || IP6.contains(&rest));
            (ip || udp || outer).then(|| (2, rest.to_owned()))
        }
        "conntrack" => (routed && CONNTRACK.contains(&rest)).then(|| (3, format!("conntrack {rest}"))),
        _ => None,
    }
}

/// True if a counter may ever be of use: the others need not be kept.
pub fn tells(name: &str, devices: &[Point]) -> bool {
    let Some((kind, rest)) = name.split_once(':') else { return false };
    match kind {
        "stat" => rest.rsplit_once('/').is_some_and(|(dev, counter)| {
            DEVICE.contains(&counter) && devices.iter().any(|point| point.dev == dev)
        }),
        "snmp" | "snmp6" => IP.contains(&rest) || IP6.contains(&rest) || UDP.contains(&rest),
        "conntrack" => CONNTRACK.contains(&rest),
        "rule" => true,
        _ => false,
    }
}
