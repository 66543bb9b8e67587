//! Two nodes of a lab: brought up, and commands run in them.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::text;
use crate::support::swap::FLANCTL;

/// Brings the lab up; the addresses of its pods.
pub(super) fn up(name: &str) -> [String; 2] {
    let up = Command::new(FLANCTL).args(["lab", "up", "--name", name, "--nodes", "2"]).output().unwrap();
    assert!(up.status.success(), "{up:?}");
    ["pod1", "pod2"].map(|pod| {
        let rows: Value =
            serde_json::from_str(&does(name, pod, "ip -j -4 addr show dev eth0 scope global")).unwrap();
        rows[0]["addr_info"][0]["local"].as_str().unwrap().to_owned()
    })
}

/// A command in a node or a pod.
pub(super) fn command(name: &str, member: &str, line: &str) -> Command {
    let mut command = Command::new(FLANCTL);
    command.args(["lab", "exec", "--name", name, member, "--"]).args(line.split_whitespace());
    command.env("TZ", "UTC").stdin(Stdio::null());
    command
}

/// What it prints; it must end well.
pub(super) fn does(name: &str, member: &str, line: &str) -> String {
    let output = command(name, member, line).output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    text(&output)
}

/// Takes the lab down.
pub(super) fn down(name: &str) {
    let _ = Command::new(FLANCTL).args(["lab", "down", "--name", name]).output();
}
