//! A real probe beside the model: which stages it was seen to pass, and what is to be said if the two disagree.

use serde::Serialize;

use super::{Path, Step, Verdict};
use crate::finding::model;
use crate::state::{Probe, Seen, Sighting};

/// What became of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Live {
    /// Bytes of the IP packet.
    pub size: u32,
    /// Microseconds until the answer; nothing if none came.
    pub rtt_us: Option<u64>,
    /// What the kernel said when it was to be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// `tracefs`, or why nothing but the answer was seen.
    pub source: String,
    /// Where it was seen, in order.
    pub seen: Vec<Spot>,
}

/// One place at which it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spot {
    /// Microseconds since the first one.
    pub after_us: u64,
    /// `route`, `sent`, `received` or `dropped`.
    pub event: &'static str,
    /// Bytes of the packet or frame, where that is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u32>,
    /// The rest, in words.
    pub text: String,
}

impl Verdict {
    fn passes(&self) -> bool {
        matches!(self, Self::Delivered | Self::DeliveredIf)
    }
}

/// Writes beside each stage where the probe was seen there, and tells if model and probe disagree.
pub fn confirm(path: &mut Path, host: &str, probe: &Probe) {
    let seen = probe.seen.as_deref().unwrap_or_default();
    for step in &mut path.steps {
        if let Some(one) = seen.iter().find(|one| passed(step, one)) {
            step.more.push(format!("seen live: {}", spot(one).text));
        }
    }
    let dst = path.query.dst;
    let answered = probe.rtt.is_some();
    if answered && !path.verdict.passes() {
        path.findings.push(model::answered(host, dst, path.verdict.word()));
    }
    if !answered && path.verdict.passes() {
        let (cause, evidence) = lost(probe, seen);
        path.findings.push(model::lost(host, dst, &cause, &evidence));
    }
    path.live = Some(Live {
        size: probe.size,
        rtt_us: probe.rtt.map(|rtt| u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX)),
        refused: probe.refused.clone(),
        source: match &probe.blind {
            Some(why) => format!("the answer alone: {why}"),
            None => "tracefs".to_owned(),
        },
        seen: seen.iter().map(spot).collect(),
    });
}

/// True if a sighting is of the kind that shows this stage passed, on a device that the stage names.
fn passed(step: &Step, one: &Sighting) -> bool {
    let dev = match (&*step.id, &one.what) {
        ("route" | "outer", Seen::Looked { dev: Some(dev), .. }) => dev,
        ("neighbour" | "fdb" | "vtep" | "underlay" | "port" | "delivery", Seen::Sent(dev, _)) => dev,
        ("bridge", Seen::Received(dev, _)) => dev,
        _ => return false,
    };
    let mut words = step.object.split([' ', ',']).chain(step.command.split(' '));
    words.any(|word| word == dev.as_str())
}

fn spot(one: &Sighting) -> Spot {
    let (event, bytes, text) = match &one.what {
        Seen::Looked { text, .. } => ("route", None, text.clone()),
        Seen::Sent(dev, len) => ("sent", Some(*len), format!("by {dev}, {len} bytes")),
        Seen::Received(dev, len) => ("received", Some(*len), format!("on {dev}, {len} bytes")),
        Seen::Dropped { reason, place, dev } => {
            let last = dev.map(|dev| format!(", last seen on {dev}")).unwrap_or_default();
            ("dropped", None, format!("{reason} in {place}{last}"))
        }
    };
    Spot { after_us: one.after, event, bytes, text }
}

impl Live {
    /// Where the probe itself was: without look-ups, without the neighbours' questions that it brings about, and without
    /// the end of an answer that has done its work.
    pub fn stations(&self) -> impl Iterator<Item = &Spot> {
        let whole = |spot: &Spot| spot.bytes.is_some_and(|bytes| bytes >= self.size);
        let end = |spot: &Spot| spot.event == "dropped" && self.rtt_us.is_none();
        self.seen.iter().filter(move |spot| whole(spot) || end(spot))
    }
}

/// Why no answer came, as far as that was seen.
fn lost(probe: &Probe, seen: &[Sighting]) -> (String, Vec<String>) {
    let route = |one: &&Sighting| !matches!(one.what, Seen::Looked { .. });
    let words = |spot: Spot| format!("{} {}", spot.event, spot.text);
    let evidence = seen.iter().filter(route).map(spot).map(words).collect();
    if let Some(why) = &probe.refused {
        return (format!("the kernel refused to send it: {why}"), evidence);
    }
    let drop = seen.iter().find(|one| matches!(one.what, Seen::Dropped { .. }));
    let device = |one: &Sighting| match one.what {
        Seen::Sent(dev, _) | Seen::Received(dev, _) => Some(dev),
        _ => None,
    };
    let cause = match (drop, seen.iter().rev().find_map(device)) {
        (Some(drop), _) => format!("the kernel dropped it: {}", spot(drop).text),
        (None, Some(dev)) => format!("it was last seen on {dev}; what comes behind that was not seen"),
        (None, None) => "where it is lost was not seen".to_owned(),
    };
    (cause, evidence)
}
