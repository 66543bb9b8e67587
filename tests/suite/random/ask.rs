//! One question: a packet, what `trace` says of it and what becomes of it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::bed::{Bed, said, started};

/// A packet from a member of the lab.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// Who sends: `pod1`, `node1`.
    pub(super) from: String,
    /// Its address, if it is a pod's; a node's is chosen by the kernel.
    pub(super) src: Option<IpAddr>,
    /// Where to.
    pub(super) dst: IpAddr,
    /// The namespace that has that address.
    pub(super) home: String,
    /// Bytes of the IP packet.
    pub(super) size: u32,
    /// Whose tables are asked: `node1`.
    pub(super) asked: String,
}

/// What became of the packet.
#[derive(Clone, Debug)]
pub(super) struct Fate {
    /// It was heard where it belongs.
    pub(super) arrived: bool,
    /// An answer came back from there.
    pub(super) answered: bool,
    /// Who heard it, and what ping said.
    pub(super) told: String,
}

/// What `trace` foretells.
#[derive(Clone, Debug)]
pub(super) struct Foretold {
    pub(super) verdict: String,
    pub(super) codes: Vec<String>,
    /// The whole document.
    pub(super) text: String,
}

impl Question {
    /// Sends it, up to `tries` times.
    pub(super) fn ping(&self, bed: &Bed, tries: u32) -> Fate {
        let head = if self.dst.is_ipv6() { 48 } else { 28 };
        let number = bed.ears.number();
        let (size, id) = ((self.size - head).to_string(), number.to_string());
        let mut told = String::new();
        let mut answered = false;
        for _ in 0..tries {
            let words = ["-n", "-c", "1", "-W", "1", "-s", &size, "-e", &id, &self.dst.to_string()];
            let output = started(&bed.netns(&self.from), Command::new("ping").args(words));
            told.push_str(&said(&output));
            answered |= output.status.success();
            if answered {
                break;
            }
        }
        // The answer may be here before a busy machine lets the ear tell of the request.
        let until = Instant::now() + Duration::from_secs(2);
        while answered && bed.ears.who(number).is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        let arrived = bed.ears.heard(&self.home, number);
        told.push_str(&format!("heard by {:?}, belongs to {}", bed.ears.who(number), self.home));
        Fate { arrived, answered: answered && arrived, told }
    }

    /// The words behind `flanctl trace`.
    pub(super) fn words(&self, bed: &Bed) -> Vec<String> {
        let mut words = vec![self.dst.to_string(), "--size".to_owned(), self.size.to_string()];
        if self.src.is_some() {
            words.extend(["--pod".to_owned(), bed.netns(&self.from)]);
        }
        words
    }

    /// What `trace` says, given the snapshots of this moment.
    pub(super) fn trace(&self, bed: &Bed, shots: &BTreeMap<String, std::path::PathBuf>) -> Foretold {
        let near = shots[&self.asked].display().to_string();
        let words = self.words(bed);
        let mut line = vec!["-o", "json", "trace", "--snapshot", &near];
        let peers = shots.iter().filter(|(node, _)| **node != self.asked);
        let peers: Vec<String> = peers.map(|(_, file)| file.display().to_string()).collect();
        line.extend(peers.iter().flat_map(|file| ["--peer", file]));
        line.extend(words.iter().map(String::as_str));
        let output = bed.flanctl(&bed.netns(&self.asked), &line);
        let text = said(&output);
        let Ok(found) = serde_json::from_slice::<Value>(&output.stdout) else {
            return Foretold { verdict: "nothing".to_owned(), codes: Vec::new(), text };
        };
        let codes = found["findings"].as_array().unwrap().iter();
        let codes = codes.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect();
        Foretold { verdict: found["verdict"].as_str().unwrap().to_owned(), codes, text }
    }
}

/// Writes a node's snapshot.
pub(super) fn shoot(bed: &Bed, node: &str, into: &Path) {
    let file = into.display().to_string();
    let output = bed.flanctl(&bed.netns(node), &["snapshot", &file]);
    assert!(output.status.success(), "snapshot of {node}: {}", said(&output));
}

/// The stages, as a person reads them.
pub(super) fn stages(text: &str) -> String {
    let Ok(found) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    let line = |stage: &Value| {
        let word = |key: &str| stage[key].as_str().unwrap_or_default().to_owned();
        format!("    {:10} {:16} {}", word("mark"), word("id"), word("object"))
    };
    let all =
        ["stages", "back"].into_iter().flat_map(|way| found[way].as_array().into_iter().flatten()).map(line);
    let causes = found["findings"].as_array().into_iter().flatten();
    let causes = causes.map(|f| {
        format!("    {}: {}", f["code"].as_str().unwrap_or_default(), f["cause"].as_str().unwrap_or_default())
    });
    all.chain(causes).collect::<Vec<_>>().join("\n")
}
