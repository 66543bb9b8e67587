//! What the kernel counts: `/proc/net/{snmp,snmp6,netstat,dev}` of the calling thread's namespace.

#![expect(clippy::disallowed_methods, reason = "counters are files")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek};

/// Columns of `/proc/net/dev` behind the colon.
const COLUMNS: [&str; 16] = [
    "rx_bytes",
    "rx_packets",
    "rx_errors",
    "rx_dropped",
    "rx_fifo_errors",
    "rx_frame_errors",
    "rx_compressed",
    "multicast",
    "tx_bytes",
    "tx_packets",
    "tx_errors",
    "tx_dropped",
    "tx_fifo_errors",
    "collisions",
    "tx_carrier_errors",
    "tx_compressed",
];

pub(super) fn facts() -> BTreeMap<String, String> {
    // `/proc/net` would be the namespace of the process's first thread.
    let text = |name| std::fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap_or_default();
    let mut facts = BTreeMap::new();
    for name in ["snmp", "netstat"] {
        facts.extend(paired(&text(name)));
    }
    facts.extend(listed(&text("snmp6")));
    facts.extend(devices(&text("dev")));
    facts
}

/// The same counters, for one who reads them again and again. The files stay those of the namespace in which they were
/// opened, wherever the reader is.
#[derive(Debug)]
pub struct Counters {
    files: Vec<(Format, File)>,
}

/// How a file tells its counters.
type Format = fn(&str) -> Vec<(String, String)>;

impl Counters {
    /// Opens them in the namespace of the calling thread; what is not there counts nothing.
    pub fn open() -> Self {
        let all: [(Format, &str); 5] = [
            (paired, "snmp"),
            (paired, "netstat"),
            (listed, "snmp6"),
            (devices, "dev"),
            (conntrack, "stat/nf_conntrack"),
        ];
        let open = |(format, name)| Some((format, File::open(format!("/proc/thread-self/net/{name}")).ok()?));
        Self { files: all.into_iter().filter_map(open).collect() }
    }

    /// What they say now.
    pub fn read(&mut self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for (format, file) in &mut self.files {
            let mut text = String::new();
            if file.rewind().and_then(|()| file.read_to_string(&mut text)).is_err() {
                continue;
            }
            all.extend(
                format(&text).into_iter().filter_map(|(name, value)| Some((name, value.parse().ok()?))),
            );
        }
        all
    }
}

/// A line of names, then a line a processor, in hexadecimal.
fn conntrack(text: &str) -> Vec<(String, String)> {
    let mut lines = text.lines();
    let names = lines.next().unwrap_or_default().split_whitespace();
    let rows: Vec<Vec<u64>> = lines
        .map(|line| line.split_whitespace().filter_map(|n| u64::from_str_radix(n, 16).ok()).collect())
        .collect();
    let sum =
        |at: usize| rows.iter().filter_map(|row| row.get(at)).fold(0u64, |sum, n| sum.saturating_add(*n));
    // The first is how many connections there are.
    let counted = names.enumerate().skip(1);
    counted.map(|(at, name)| (format!("conntrack:{name}"), sum(at).to_string())).collect()
}

/// Two lines a group: `Udp: InDatagrams NoPorts …`, then `Udp: 12 0 …`.
fn paired(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let groups = lines.as_chunks::<2>().0.iter().filter_map(|[names, values]| {
        let (group, names) = names.split_once(':')?;
        let (again, values) = values.split_once(':')?;
        (group == again).then(|| (group, names.split_whitespace().zip(values.split_whitespace())))
    });
    let facts = groups.flat_map(|(group, rows)| rows.map(move |(name, value)| (group, name, value)));
    facts.map(|(group, name, value)| (format!("snmp:{group}.{name}"), value.to_owned())).collect()
}

/// One line a counter: `Ip6InNoRoutes 3`.
fn listed(text: &str) -> Vec<(String, String)> {
    let rows = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((format!("snmp6:{}", words.next()?), words.next()?.to_owned()))
    });
    rows.collect()
}

fn devices(text: &str) -> Vec<(String, String)> {
    let rows = text.lines().filter_map(|line| line.split_once(':'));
    rows.flat_map(|(dev, values)| {
        let dev = dev.trim().to_owned();
        let named = COLUMNS.iter().zip(values.split_whitespace());
        named.map(move |(name, value)| (format!("stat:{dev}/{name}"), value.to_owned()))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::{conntrack, devices, listed, paired};

    fn row(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn counters_are_named_as_the_kernel_names_them() {
        let snmp = "Udp: InDatagrams InCsumErrors\nUdp: 12 3\nIcmp: InMsgs\nIcmp: 4\n";
        let want = [
            row("snmp:Udp.InDatagrams", "12"),
            row("snmp:Udp.InCsumErrors", "3"),
            row("snmp:Icmp.InMsgs", "4"),
        ];
        assert_eq!(paired(snmp), want);
        // A line that lost its other half says nothing.
        assert_eq!(paired("Udp: InDatagrams\nTcp: 1\nIp: Forwarding\n"), []);
        assert_eq!(listed("Ip6InNoRoutes      \t7\n"), [row("snmp6:Ip6InNoRoutes", "7")]);
    }

    #[test]
    fn conntrack_counts_by_processor_in_hexadecimal() {
        let text = "entries  searched drop early_drop\n00000011 00000000 0000000a 00000000\n\
                    00000011 00000000 00000006 00000001\n";
        assert_eq!(
            conntrack(text),
            [row("conntrack:searched", "0"), row("conntrack:drop", "16"), row("conntrack:early_drop", "1")]
        );
        assert_eq!(conntrack(""), []);
    }

    #[test]
    fn a_device_has_a_dot_in_its_name_and_a_colon_behind_it() {
        let dev = "Inter-|   Receive  |  Transmit\n face |bytes packets|bytes\n\
                   flannel.1: 100 2 0 0 0 0 0 0 200 3 4 5 0 6 7 0\n";
        let facts: std::collections::BTreeMap<_, _> = devices(dev).into_iter().collect();
        for (key, value) in
            [("rx_packets", "2"), ("tx_errors", "4"), ("tx_dropped", "5"), ("collisions", "6")]
        {
            assert_eq!(facts[&format!("stat:flannel.1/{key}")], value, "{key}");
        }
        assert_eq!(facts.len(), 16);
    }
}
