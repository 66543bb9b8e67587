//! What is wrong with a node: one table of checks over its snapshot, each with a question and an answer; what they
//! find is brought down to causes and put in order, worst first. Pure. Evidence that is not there is "cannot tell",
//! never "fine".

mod causes;
mod checks;
mod cni;
mod device;
mod firewall;
mod ground;
mod host;
mod leases;
mod managers;
mod mtu;
mod pods;
mod remote;
pub mod repair;
mod silence;
mod tables;
mod underlay;
mod ways;
mod words;

use serde::Serialize;

use crate::finding::{Finding, Level};
use crate::snapshot::Snapshot;

pub use checks::CHECKS;
pub use ground::Ground;
pub use silence::{Known, unexplained};
pub use underlay::silent;

/// One check: what it asks, and how it finds out.
#[derive(Clone, Copy)]
pub struct Check {
    /// Stable name.
    pub id: &'static str,
    /// What it asks, in words.
    pub question: &'static str,
    /// Finds out.
    pub run: fn(&Ground<'_>) -> Outcome,
}

/// What a check answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Looked at, and right.
    Fine,
    /// Looked at, and wrong.
    Found(Vec<Finding>),
    /// The evidence is not there: why.
    CannotTell(String),
}

/// A check's answer, for a reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Which check.
    pub id: &'static str,
    /// What it asked.
    pub question: &'static str,
    /// What came out.
    pub answer: Word,
    /// Why it cannot tell, if it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The codes that it found, each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<&'static str>,
}

/// A check's answer in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Looked at, and right.
    Fine,
    /// Looked at, and wrong.
    Found,
    /// The evidence is not there.
    CannotTell,
}

/// Everything that an examination brings to light.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What is wrong: worst first, causes only.
    pub findings: Vec<Finding>,
    /// Every check's answer, in the order of [`CHECKS`].
    pub answers: Vec<Answer>,
}

impl Outcome {
    /// Fine, unless something was found.
    pub fn of(found: Vec<Finding>) -> Self {
        if found.is_empty() { Self::Fine } else { Self::Found(found) }
    }

    /// The evidence is not there.
    pub fn unseen(why: impl Into<String>) -> Self {
        Self::CannotTell(why.into())
    }
}

impl Report {
    /// True if something above info was found.
    pub fn found(&self) -> bool {
        self.findings.iter().any(|finding| finding.level != Level::Info)
    }

    /// How many checks answered so.
    pub fn count(&self, word: Word) -> usize {
        self.answers.iter().filter(|answer| answer.answer == word).count()
    }
}

/// Asks every check of [`CHECKS`]. `peers` are snapshots of other nodes, where the user has some.
pub fn examine(near: &Snapshot, peers: &[Snapshot]) -> Report {
    let ground = Ground::of(near, peers);
    let mut all = Vec::new();
    let mut answers = Vec::with_capacity(CHECKS.len());
    for Check { id, question, run } in CHECKS {
        let (answer, reason, codes) = match run(&ground) {
            Outcome::Fine => (Word::Fine, None, Vec::new()),
            Outcome::CannotTell(why) => (Word::CannotTell, Some(why), Vec::new()),
            Outcome::Found(found) => {
                let mut codes: Vec<&'static str> = Vec::new();
                for finding in &found {
                    if !codes.contains(&finding.code) {
                        codes.push(finding.code);
                    }
                }
                all.extend(found);
                (Word::Found, None, codes)
            }
        };
        answers.push(Answer { id, question, answer, reason, codes });
    }
    Report { findings: causes::causes(all), answers }
}

#[cfg(test)]
mod tests;
