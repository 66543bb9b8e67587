//! What flanctl must say of itself: stages it could not see, and a kernel that decides otherwise than its model.

use std::net::IpAddr;

use super::{Confidence, Finding};

/// A stage was not seen.
pub fn unseen(node: &str, stage: &str, why: &str) -> Finding {
    Finding::new("stage.unknown", node, format!("{stage} was not seen: {why}"), "id -u")
        .evidence("a delivered packet is conditional on it")
        .confidence(Confidence::Unseen)
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
