//! A ping that goes on while something is done to the path, and then says which replies are missing.
#![allow(dead_code, reason = "not every area needs every helper")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::swap::{Place, Running, until};

/// A running ping, fifty a second.
pub(crate) struct Pinger {
    running: Running,
    log: PathBuf,
    _dir: TempDir,
}

impl Pinger {
    /// Starts, and waits for the first replies.
    pub(crate) fn start(from: &Place, to: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("ping");
        let mut command = Command::new("ping");
        command.args(["-n", "-i", "0.02", to]).env("LC_ALL", "C");
        let running = from.start(&mut command, &log);
        let pinger = Self { running, log, _dir: dir };
        pinger.goes_on("the path works before anything is done to it");
        pinger
    }

    fn replies(&self) -> Vec<u32> {
        let text = fs::read_to_string(&self.log).unwrap();
        let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
        let seq = |line: &str| line.split_once("icmp_seq=")?.1.split(' ').next()?.parse().ok();
        // "Destination Host Unreachable" has a number, too.
        complete.lines().filter(|l| l.contains("bytes from")).filter_map(seq).collect()
    }

    /// Waits for fifteen replies more than there are.
    pub(crate) fn goes_on(&self, claim: &str) {
        let before = self.replies().last().copied().unwrap_or(0);
        until(claim, || self.replies().last().copied().filter(|now| *now >= before + 15));
    }

    /// Ends it once replies still come; every one up to the last must be there.
    pub(crate) fn lost_nothing(self, claim: &str) {
        let missing = self.missing(claim);
        assert!(missing.is_empty(), "{claim}: these replies are missing: {missing:?}");
    }

    /// Ends it once replies still come: the numbers of those that never came.
    pub(crate) fn missing(mut self, claim: &str) -> Vec<u32> {
        self.goes_on(claim);
        self.running.kill();
        let came: BTreeSet<u32> = self.replies().into_iter().collect();
        (1..came.last().copied().unwrap_or(0)).filter(|n| !came.contains(n)).collect()
    }
}
