//! Injects every fault in turn and feels it by the ping of the table.

use std::process::{Command, Output};

use flanctl::lab::faults::{self, Fate, Fault, Mend, Site};
use flanctl::lab::manifest::Home;

use super::table::{self, Shown};

const FLANCTL: &str = env!("CARGO_BIN_EXE_flanctl");

/// A lab of one test, gone when the test ends.
pub(super) struct Lab(pub(super) &'static str);

impl Lab {
    pub(super) fn up(name: &'static str, shape: &[&str]) -> Self {
        let lab = Self(name);
        lab.says(0, &[&["up"], shape].concat());
        lab
    }

    /// `flanctl lab WORDS --name NAME`, which must end with `code`: all it says.
    pub(super) fn says(&self, code: i32, words: &[&str]) -> String {
        told(code, &flanctl(&[words, &["--name", self.0]].concat()), words)
    }

    /// The lab as that node sees it.
    fn site(&self, node: &str) -> Site {
        let (home, manifest) = Home::existing(self.0).unwrap();
        Site::read(&home, &manifest, node).unwrap()
    }

    pub(super) fn list(&self) -> String {
        told(0, &flanctl(&["list"]), &["list"])
    }

    /// True if the ping that `break` told of is answered within three tries.
    pub(super) fn answers(&self, ping: &str) -> Option<String> {
        let line = ping.replace("-- ping -c 3", "-- ping -n -c 3 -i 0.2 -W 1");
        let words: Vec<&str> = line.split_whitespace().skip(2).collect();
        let output = flanctl(&words);
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The same with patience: ports and neighbours come back in their own time.
    pub(super) fn answers_in_time(&self, ping: &str) -> bool {
        (0..3).any(|_| self.answers(ping).is_some())
    }

    /// Runs the trace that `break` told of: it must name the fault's codes and nothing else, and the command that it
    /// prints must bring the answer back where the table says so. What it shows is a row of the table.
    fn traces(&self, fault: &Fault, line: &str, ping: &str, shown: &mut Shown) -> Vec<String> {
        let line = line.replace("-- flanctl trace", &format!("-- {FLANCTL} -o json trace"));
        let words: Vec<&str> = line.split_whitespace().skip(2).collect();
        let output = flanctl(&words);
        let Ok(found) = serde_json::from_slice::<serde_json::Value>(&output.stdout) else {
            return vec![format!("{}: {}", fault.id, String::from_utf8_lossy(&output.stderr))];
        };
        let findings: Vec<_> = found["findings"].as_array().unwrap().iter().collect();
        let codes: Vec<&str> = findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect();
        shown.verdict = found["verdict"].as_str().map(str::to_owned);
        shown.codes = codes.iter().map(|code| (*code).to_owned()).collect();
        let arrives = found["verdict"] == "delivered";
        let foretold = match fault.fate {
            Fate::Dies | Fate::Misled => !arrives && output.status.code() == Some(1),
            Fate::Lives => arrives,
        };
        if codes != fault.trace || !foretold {
            return vec![format!(
                "{}: trace says {} {codes:?}, not {:?}",
                fault.id, found["verdict"], fault.trace
            )];
        }
        let fix = findings.first().and_then(|finding| finding["fix"]["command"].as_str());
        shown.fix = fix.map(str::to_owned);
        match (fault.mend, fault.fate, fix) {
            (Mend::Printed, Fate::Dies, Some(fix)) => {
                let node = findings[0]["node"].as_str().unwrap();
                let done = flanctl(&["exec", node, "--name", self.0, "--", "sh", "-c", fix]);
                let said = String::from_utf8_lossy(&done.stderr);
                let works = done.status.success() && (self.answers_in_time(ping) || self.mends(&words, ping));
                // Rules that the repair put into tables that stay are no part of what `heal` takes back.
                if fix.contains("iptables") {
                    let undo = fix.replace(" -I ", " -D ");
                    flanctl(&["exec", node, "--name", self.0, "--", "sh", "-c", &undo]);
                }
                if works {
                    Vec::new()
                } else {
                    vec![format!("{}: no answer after {fix:?}: {said}", fault.id)]
                }
            }
            (Mend::Printed, Fate::Dies, None) => vec![format!("{}: no fix", fault.id)],
            _ => Vec::new(),
        }
    }

    /// Where several rows are wrong, each trace names the first that still is: true once what they print is enough.
    fn mends(&self, trace: &[&str], ping: &str) -> bool {
        for _ in 0..2 {
            let found: serde_json::Value = serde_json::from_slice(&flanctl(trace).stdout).unwrap();
            let first = &found["findings"][0];
            let (Some(node), Some(fix)) = (first["node"].as_str(), first["fix"]["command"].as_str()) else {
                return false;
            };
            flanctl(&["exec", node, "--name", self.0, "--", "sh", "-c", fix]);
            if self.answers(ping).is_some() {
                return true;
            }
        }
        false
    }

    /// Breaks, pings, heals, pings; what went otherwise than the table says.
    fn tries(&self, fault: &Fault) -> Vec<String> {
        let site = self.site(fault.default_node());
        let said = self.says(0, &["break", fault.id]);
        let mut shown = Shown::default();
        let ping = said.lines().find(|line| line.contains("-- ping ")).unwrap();
        let mut wrong = Vec::new();
        let answer = self.answers(ping);
        // A pod two nodes away answers with TTL 62, an address of the node before it with 64.
        let as_told = match (fault.fate, &answer) {
            (Fate::Dies, None) => true,
            (Fate::Lives, Some(text)) => !text.contains("DUP!"),
            (Fate::Misled, Some(text)) => text.contains("ttl=64"),
            _ => false,
        };
        if !as_told {
            wrong.push(format!("{}: {:?}, but the ping said {answer:?}", fault.id, fault.fate));
        }
        if let Some(line) = said.lines().find(|line| line.contains("-- flanctl trace ")) {
            wrong.extend(self.traces(fault, line, ping, &mut shown));
        }
        wrong.extend(table::differs(fault, &shown, &site));
        let healed = flanctl(&["heal", "--name", self.0]);
        if !healed.status.success() {
            wrong.push(format!("{}: {}", fault.id, String::from_utf8_lossy(&healed.stdout)));
        }
        // The underlay's own ARP may be in its pause after a failure.
        if (0..4).all(|_| self.answers(ping).is_none()) {
            wrong.push(format!("{}: no answer after it was healed", fault.id));
        }
        wrong
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = flanctl(&["down", "--name", self.0]);
    }
}

pub(super) fn flanctl(words: &[&str]) -> Output {
    Command::new(FLANCTL).arg("lab").args(words).output().unwrap()
}

fn told(code: i32, output: &Output, words: &[&str]) -> String {
    let text = [&output.stdout, &output.stderr].map(|b| String::from_utf8_lossy(b).into_owned()).concat();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {text}");
    text
}

/// One lab takes every `of`-th fault that `fits`, from number `first` on.
fn a_share(name: &'static str, shape: &[&str], of: usize, first: usize, fits: impl Fn(&Fault) -> bool) {
    let lab = Lab::up(name, shape);
    let share = faults::all().filter(|fault| fits(fault)).skip(first).step_by(of);
    let wrong: Vec<String> = share.flat_map(|fault| lab.tries(fault)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_first_half_of_the_faults_is_felt_as_told_and_taken_back() {
    a_share("t-faults-a", &["--nodes", "3"], 2, 0, |fault| !fault.v6);
}

#[test]
fn the_second_half_of_the_faults_is_felt_as_told_and_taken_back() {
    a_share("t-faults-b", &["--nodes", "3"], 2, 1, |fault| !fault.v6);
}

#[test]
fn the_faults_of_ipv6_are_felt_as_told_and_taken_back() {
    a_share("t-faults-6", &["--nodes", "2", "--ipv6"], 1, 0, |fault| fault.v6);
}
