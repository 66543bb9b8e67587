//! The text of tracefs: which of its events are about one packet. Decides by the thread that sent it and by the address
//! of its buffer; knows no drop reason: the kernel names them, in the event or in the event's format.

use std::collections::BTreeMap;

use crate::net::IfName;
use crate::state::{Seen, Sighting};

/// One line: `ping-12  [001] b..2. 42.000001: net_dev_queue: dev=eth0 skbaddr=00000000c09e len=98`.
struct Line<'a> {
    thread: u32,
    micros: u64,
    event: &'a str,
    rest: &'a str,
}

/// Numbers and names of drop reasons, from the `__print_symbolic(REC->reason, { 2, "NOT_SPECIFIED" }, …)` of a format.
pub(super) fn reasons(format: &str) -> BTreeMap<u64, String> {
    let table = format.split_once("__print_symbolic(REC->reason,").map_or("", |(_, rest)| rest);
    let pairs = table.split('{').skip(1).filter_map(|pair| {
        let (number, name) = pair.split('}').next()?.split_once(',')?;
        Some((number.trim().parse().ok()?, name.trim().trim_matches('"').to_owned()))
    });
    pairs.collect()
}

/// What was seen of the packet that `thread` sent, in order. Buffers are followed to other threads by their address.
pub(super) fn sightings(text: &str, reasons: &BTreeMap<u64, String>, thread: u32) -> Vec<Sighting> {
    let mut lines: Vec<Line<'_>> = text.lines().filter_map(line).collect();
    lines.sort_by_key(|line| line.micros);
    // Where each buffer of ours was seen last.
    let mut ours: BTreeMap<&str, IfName> = BTreeMap::new();
    let mut all: Vec<(u64, Seen)> = Vec::new();
    for line in &lines {
        let own = line.thread == thread;
        let buffer = field(line.rest, "skbaddr=").unwrap_or("");
        let dev = || field(line.rest, "dev=").and_then(|dev| dev.parse::<IfName>().ok());
        let len = || field(line.rest, "len=").and_then(|len| len.parse().ok()).unwrap_or(0);
        match line.event {
            "net_dev_queue" | "netif_receive_skb" if own || ours.contains_key(buffer) => {
                let Some(dev) = dev() else { continue };
                ours.insert(buffer, dev);
                let sent = line.event == "net_dev_queue";
                let seen = if sent { Seen::Sent(dev, len()) } else { Seen::Received(dev, len()) };
                all.push((line.micros, seen));
            }
            "kfree_skb" => {
                let last = ours.remove(buffer);
                if own || last.is_some() {
                    all.push((line.micros, dropped(line.rest, reasons, last)));
                }
            }
            "fib_table_lookup" | "fib6_table_lookup" if own => {
                all.extend(looked(line.rest).map(|seen| (line.micros, seen)));
            }
            _ => {}
        }
    }
    let first = all.first().map_or(0, |(at, _)| *at);
    all.into_iter().map(|(at, what)| Sighting { after: at.saturating_sub(first), what }).collect()
}

/// A program's name may hold anything; behind it stand thread, processor, flags and time.
fn line(text: &str) -> Option<Line<'_>> {
    let starts = text.match_indices(" [").map(|(at, _)| at);
    starts.into_iter().find_map(|at| {
        let (head, tail) = text.split_at_checked(at)?;
        let thread = head.trim_end().rsplit_once('-')?.1.parse().ok()?;
        let (cpu, tail) = tail.strip_prefix(" [")?.split_once("] ")?;
        cpu.parse::<u32>().ok()?;
        let (_, tail) = tail.trim_start().split_once(' ')?;
        let (time, tail) = tail.trim_start().split_once(": ")?;
        let (seconds, part) = time.split_once('.')?;
        let micros = seconds.parse::<u64>().ok()?.saturating_mul(1_000_000);
        let micros = micros.saturating_add(part.parse().ok()?);
        let (event, rest) = tail.split_once(": ")?;
        Some(Line { thread, micros, event, rest })
    })
}

fn field<'a>(rest: &'a str, name: &str) -> Option<&'a str> {
    rest.split(' ').find_map(|word| word.strip_prefix(name))
}

fn dropped(rest: &str, reasons: &BTreeMap<u64, String>, dev: Option<IfName>) -> Seen {
    let reason = rest.split_once("reason: ").map_or("", |(_, reason)| reason.trim());
    let number = match reason.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => reason.parse().ok(),
    };
    let reason = number.and_then(|number| reasons.get(&number)).map_or(reason, String::as_str);
    let place = field(rest, "location=").unwrap_or("").split('+').next().unwrap_or("");
    Seen::Dropped { reason: reason.to_owned(), place: place.to_owned(), dev }
}

/// `table 254 oif 0 iif 1 … A/0 -> B/0 … ==> dev flannel.1 gw 10.244.2.0/:: err 0`; one that found nothing says little:
/// the next table is asked.
fn looked(rest: &str) -> Option<Seen> {
    let (asked, found) = rest.split_once("==>")?;
    let words: Vec<&str> = found.split_whitespace().collect();
    let dev = match words.as_slice() {
        ["dev", dev, ..] if *dev != "-" => dev.parse().ok(),
        _ => None,
    };
    let words: Vec<&str> = asked.split_whitespace().collect();
    let table = words.iter().skip_while(|word| **word != "table").nth(1)?;
    let to = asked.split_once("-> ").and_then(|(_, to)| to.split(['/', ' ']).next()).unwrap_or("");
    let gateway = found.split_once(" gw ").and_then(|(_, gw)| gw.split(['/', ' ']).next()).unwrap_or("");
    let any = gateway.is_empty() || gateway == "::" || gateway == "0.0.0.0";
    let via = if any { String::new() } else { format!(" via {gateway}") };
    let dev: Option<IfName> = dev;
    let text = format!("{to} table {table}{via}{}", dev.map(|dev| format!(" dev {dev}")).unwrap_or_default());
    dev.map(|dev| Seen::Looked { dev: Some(dev), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a 6.18 kernel wrote it; another program's packet between.
    const TEXT: &str = "\
# tracer: nop
#
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
         flanctl-4711    [001] b..2. 42.000001: fib_table_lookup: table 255 oif 0 iif 1 proto 1 0.0.0.0/0 -> 10.5.2.3/0 tos 0 scope 0 flags 0 ==> dev - gw 0.0.0.0/:: err -11
         flanctl-4711    [001] b..2. 42.000002: fib_table_lookup: table 254 oif 0 iif 1 proto 1 0.0.0.0/0 -> 10.5.2.3/0 tos 0 scope 0 flags 0 ==> dev flannel.1 gw 10.5.2.0/:: err 0
 my [odd] na-me: x-77   [000] b..2. 42.000003: net_dev_queue: dev=eth0 skbaddr=00000000aaaa len=60
         flanctl-4711    [001] b..2. 42.000009: net_dev_queue: dev=flannel.1 skbaddr=00000000c09e len=98
         flanctl-4711    [001] b..2. 42.000019: net_dev_queue: dev=eth0 skbaddr=00000000c09e len=148
          <idle>-0       [000] ..s2. 42.000030: netif_receive_skb: dev=eth0 skbaddr=00000000c09e len=134
          <idle>-0       [000] ..s2. 42.000031: kfree_skb: skbaddr=00000000aaaa rx_sk=0000000000000000 protocol=2048 location=ip_rcv_core+0x1/0x2 reason: OTHERHOST
          <idle>-0       [000] ..s2. 42.000041: kfree_skb: skbaddr=00000000c09e rx_sk=0000000000000000 protocol=2048 location=vxlan_rcv+0x21f/0x470 reason: 0x4e
";

    const FORMAT: &str = "name: kfree_skb\nprint fmt: \"skbaddr=%p location=%pS reason: %s\", REC->skbaddr, \
        __print_symbolic(REC->reason, { 2, \"NOT_SPECIFIED\" }, { 12, \"NETFILTER_DROP\" }, { 78, \"VXLAN_VNI_NOT_FOUND\" })\n";

    fn lines(all: &[Sighting]) -> Vec<String> {
        all.iter().map(|one| format!("{} {:?}", one.after, one.what)).collect()
    }

    #[test]
    fn one_packet_is_followed_through_devices_and_threads_to_its_end() {
        let seen = sightings(TEXT, &reasons(FORMAT), 4711);
        let dev = |name: &str| name.parse::<IfName>().unwrap();
        let text = "10.5.2.3 table 254 via 10.5.2.0 dev flannel.1".to_owned();
        let want = [
            Sighting { after: 0, what: Seen::Looked { dev: Some(dev("flannel.1")), text } },
            Sighting { after: 7, what: Seen::Sent(dev("flannel.1"), 98) },
            Sighting { after: 17, what: Seen::Sent(dev("eth0"), 148) },
            Sighting { after: 28, what: Seen::Received(dev("eth0"), 134) },
            Sighting {
                after: 39,
                what: Seen::Dropped {
                    reason: "VXLAN_VNI_NOT_FOUND".to_owned(),
                    place: "vxlan_rcv".to_owned(),
                    dev: Some(dev("eth0")),
                },
            },
        ];
        assert_eq!(lines(&seen), lines(&want));
        // The other program's, named by its own thread.
        let other = sightings(TEXT, &reasons(FORMAT), 77);
        assert_eq!(other.len(), 2, "{other:?}");
        assert!(matches!(&other[1].what, Seen::Dropped { reason, .. } if reason == "OTHERHOST"));
        assert!(sightings(TEXT, &reasons(FORMAT), 1).is_empty());
    }

    #[test]
    fn reasons_are_the_running_kernels() {
        let all = reasons(FORMAT);
        assert_eq!(all.get(&12).map(String::as_str), Some("NETFILTER_DROP"));
        assert_eq!(all.len(), 3);
        // A kernel without names prints the number.
        let seen = sightings(TEXT, &reasons(""), 4711);
        assert!(matches!(&seen.last().unwrap().what, Seen::Dropped { reason, .. } if reason == "0x4e"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_to_an_end(text in "(?s).{0,200}") {
            let _ = sightings(&text, &reasons(&text), 1);
        }
    }
}
