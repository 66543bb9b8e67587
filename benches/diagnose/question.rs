//! A question to a program: how long the answer takes, and how much memory.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::seat::Seat;

/// A command line, and what its answer must hold.
pub struct Question {
    words: Vec<String>,
    answer: &'static str,
}

impl Question {
    /// One of ours, of this node.
    pub fn flanctl(seat: &Seat, words: &[&str], answer: &'static str) -> Self {
        let ours = [&[env!("CARGO_BIN_EXE_flanctl")], words, &["--run-dir", seat.run_dir()]].concat();
        Self { words: ours.into_iter().map(str::to_owned).collect(), answer }
    }

    /// What a person would type.
    pub fn shell(line: &str) -> Self {
        Self { words: ["sh", "-ec", line].map(str::to_owned).into(), answer: "flannel.1" }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).stdin(Stdio::null());
        command
    }

    /// The answer; it must be the right one.
    pub fn answer(&self) -> String {
        let output = self.command().output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(self.answer) && said.is_empty(), "{:?}: {text}{said}", self.words);
        text
    }

    /// From the start of the process to its end.
    pub fn millis(&self) -> f64 {
        let start = Instant::now();
        self.answer();
        start.elapsed().as_secs_f64() * 1e3
    }

    /// The most memory that it had in hand, in MiB: the kernel's own high-water mark, read until there is none.
    pub fn peak(&self) -> f64 {
        let mut child = self.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let path = format!("/proc/{}/status", child.id());
        let mut most = 0.0;
        while child.try_wait().unwrap().is_none() {
            let status = std::fs::read_to_string(&path).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib: Option<f64> = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
            most = kib.map_or(most, |kib| kib / 1024.0);
            std::thread::sleep(Duration::from_micros(200));
        }
        most
    }
}
