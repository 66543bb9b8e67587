//! A finding: what is wrong, on what evidence, and the one command that mends it. Decides the wording and the shape,
//! which `trace` and `doctor` share; never looks anything up.

mod codes;
pub mod fdb;
pub mod filter;
pub mod host;
pub mod lease;
pub mod manager;
pub mod model;
pub mod mtu;
pub mod neigh;
pub mod outer;
pub mod pod;
pub mod remote;
pub mod repair;
pub mod route;
pub mod rule;
mod shell;
pub mod tunnel;
pub mod vtep;

use serde::{Deserialize, Serialize};

pub use codes::{CODES, CodeRow, about};

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Packets die, or go where they must not.
    Error,
    /// Works now, or mostly; will not when something else changes.
    Warn,
    /// Worth knowing.
    Info,
}

/// How sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The evidence leaves no other reading.
    Certain,
    /// Another cause would look the same.
    Likely,
    /// What would decide it was not seen.
    Unseen,
}

/// What mends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// The node that it is for: the finding's.
    pub host: String,
    /// One line for a shell on the finding's node; several commands are joined by `&&`. Never run by `trace`.
    pub command: String,
    /// What keeps it from coming back, where that is another thing: a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasting: Option<String>,
}

/// One finding, always in the same five parts: cause, evidence, see, fix, confidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable code, a row of [`CODES`].
    pub code: &'static str,
    /// How bad.
    pub level: Level,
    /// The node that it is on.
    pub node: String,
    /// One sentence that names the things.
    pub cause: String,
    /// Objects as the kernel prints them, and the lease that they contradict.
    pub evidence: Vec<String>,
    /// One read-only command that shows it.
    pub see: String,
    /// What mends it, where one command can.
    pub fix: Option<Fix>,
    /// How sure.
    pub confidence: Confidence,
}

impl Finding {
    /// A finding with the level of its code's row; evidence, fix and doubt are added by the methods below.
    pub fn new(
        code: &'static str,
        node: impl Into<String>,
        cause: impl Into<String>,
        see: impl Into<String>,
    ) -> Self {
        let level = about(code).map_or(Level::Error, |row| row.level);
        Self {
            code,
            level,
            node: node.into(),
            cause: cause.into(),
            evidence: Vec::new(),
            see: shell::shown(&see.into()),
            fix: None,
            confidence: Confidence::Certain,
        }
    }

    /// Adds a line of evidence.
    #[must_use]
    pub fn evidence(mut self, line: impl Into<String>) -> Self {
        self.evidence.push(line.into());
        self
    }

    /// Sets the repair: commands and their words, joined by `&&`, and nothing else that a shell acts on.
    #[must_use]
    pub fn fix(self, command: impl Into<String>) -> Self {
        self.script(shell::quoted(&command.into()))
    }

    /// Sets a repair that only a shell understands, or one that is another finding's: it is taken as it stands.
    #[must_use]
    pub fn script(mut self, command: impl Into<String>) -> Self {
        let lasting = self.fix.take().and_then(|fix| fix.lasting);
        self.fix = Some(Fix { host: self.node.clone(), command: command.into(), lasting });
        self
    }

    /// Says what keeps it from coming back; wants [`Finding::fix`] first.
    #[must_use]
    pub fn lasting(mut self, sentence: impl Into<String>) -> Self {
        if let Some(fix) = &mut self.fix {
            fix.lasting = Some(sentence.into());
        }
        self
    }

    /// Sets how sure it is.
    #[must_use]
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }
}
