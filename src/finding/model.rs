//! What flanctl must say of itself: stages it could not see, and a kernel that decides otherwise than its model.

use std::net::IpAddr;

use super::{Confidence, Finding};

/// A stage was not seen.
pub fn unseen(node: &str, stage: &str, why: &str) -> Finding {
    Finding::new("stage.unknown", node, format!("{stage} was not seen: {why}"), "id -u")
        .evidence("a delivered packet is conditional on it")
        .confidence(Confidence::Unseen)
}

/// A probe got no answer where the model saw nothing in its way; `cause` says where it was seen last.
pub fn lost(node: &str, dst: IpAddr, cause: &str, seen: &[String]) -> Finding {
    let cause = format!("a probe to {dst} got no answer: {cause}");
    let finding = Finding::new("probe.lost", node, cause, format!("ping -c 1 {dst}"));
    seen.iter().fold(finding, |finding, line| finding.evidence(line)).confidence(Confidence::Likely)
}

/// A probe was answered though the model says that it is not delivered.
pub fn answered(node: &str, dst: IpAddr, verdict: &str) -> Finding {
    let cause = format!("a probe to {dst} was answered, flanctl's model says {verdict}: a bug of flanctl");
    Finding::new("model.disagrees", node, cause, format!("ping -c 1 {dst}"))
        .evidence("another host may answer for that address")
        .evidence("please report it with flanctl snapshot --redact")
        .confidence(Confidence::Likely)
}

/// Kernel and model disagree about a route.
pub fn disagrees(node: &str, dst: IpAddr, model: &str, kernel: &str) -> Finding {
    let cause =
        format!("for {dst} the kernel says \"{kernel}\", flanctl's model \"{model}\": a bug of flanctl");
    Finding::new("model.disagrees", node, cause, format!("ip route get {dst}"))
        .evidence(format!("kernel: {kernel}"))
        .evidence(format!("model: {model}"))
        .evidence("please report it with flanctl snapshot --redact")
}
