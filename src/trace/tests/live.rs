//! A probe beside the model.

use std::time::Duration;

use super::kinds::{codes, node, walk};
use crate::state::{Probe, Seen, Sighting};
use crate::trace::{Path, confirm};

fn seen(all: &[(u64, Seen)]) -> Option<Vec<Sighting>> {
    Some(all.iter().map(|(after, what)| Sighting { after: *after, what: what.clone() }).collect())
}

fn sent(dev: &str, bytes: u32) -> Seen {
    Seen::Sent(dev.parse().unwrap(), bytes)
}

fn dropped() -> Seen {
    Seen::Dropped {
        reason: "NO_TX_TARGET".to_owned(),
        place: "vxlan_xmit".to_owned(),
        dev: Some("flannel.1".parse().unwrap()),
    }
}

fn with(probe: &Probe) -> Path {
    let mut path = walk(&node(), "10.5.2.3");
    confirm(&mut path, "node-a", probe);
    path
}

#[test]
fn stages_that_a_probe_passed_say_so() {
    let text = "10.5.2.3 table 254 via 10.5.2.0 dev flannel.1".to_owned();
    let looked = Seen::Looked { dev: Some("flannel.1".parse().unwrap()), text };
    let way = [(0, looked), (3, sent("flannel.1", 98)), (5, sent("eth0", 42)), (9, sent("eth0", 148))];
    let rtt = Some(Duration::from_micros(310));
    let path = with(&Probe { size: 84, rtt, seen: seen(&way), ..Probe::default() });
    let marked = path.steps.iter().filter(|step| step.more.iter().any(|more| more.starts_with("seen live")));
    let marked: Vec<&str> = marked.map(|step| step.id.as_str()).collect();
    assert_eq!(marked, ["route", "neighbour", "fdb", "underlay"]);
    assert_eq!(codes(&path), Vec::<&str>::new());
    let live = path.live.unwrap();
    assert_eq!((live.rtt_us, live.source.as_str(), live.seen.len()), (Some(310), "tracefs", 4));
    let stations: Vec<&str> = live.stations().map(|spot| spot.text.as_str()).collect();
    assert_eq!(stations, ["by flannel.1, 98 bytes", "by eth0, 148 bytes"]);
}

#[test]
fn a_probe_that_is_lost_where_nothing_is_wrong_is_told_with_where() {
    let way = [(3, sent("flannel.1", 98)), (4, dropped())];
    let path = with(&Probe { size: 84, seen: seen(&way), ..Probe::default() });
    assert_eq!(codes(&path), ["probe.lost"]);
    let cause = &path.findings.last().unwrap().cause;
    assert!(cause.ends_with("NO_TX_TARGET in vxlan_xmit, last seen on flannel.1"), "{cause}");
    let path = with(&Probe { size: 84, seen: seen(&way[..1]), ..Probe::default() });
    assert!(path.findings.last().unwrap().cause.contains("last seen on flannel.1; what comes behind"));
    let blind = Some("tracefs could not be used (Permission denied)".to_owned());
    let path = with(&Probe { size: 84, blind, ..Probe::default() });
    assert!(path.findings.last().unwrap().cause.ends_with("where it is lost was not seen"));
    assert!(path.live.unwrap().source.contains("Permission denied"));
    let refused = Some("Operation not permitted".to_owned());
    let path = with(&Probe { size: 84, refused, ..Probe::default() });
    assert!(path.findings.last().unwrap().cause.contains("refused to send it: Operation not permitted"));
}

#[test]
fn an_answer_where_the_model_sees_a_fault_is_a_disagreement_and_silence_is_none() {
    let mut node = node();
    node.state.fdb.clear();
    let probe = Probe { size: 84, rtt: Some(Duration::from_millis(1)), ..Probe::default() };
    let mut path = walk(&node, "10.5.2.3");
    confirm(&mut path, "node-a", &probe);
    assert_eq!(codes(&path), ["fdb.missing", "model.disagrees"]);
    let mut path = walk(&node, "10.5.2.3");
    confirm(&mut path, "node-a", &Probe { rtt: None, ..probe });
    assert_eq!(codes(&path), ["fdb.missing"]);
}
