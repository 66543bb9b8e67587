//! What a verb says when it cannot go on: the thing, the cause, the fix and the exit code.
//! Decides the wording of failures; never prints one (`main` does).

use std::error::Error;
use std::fmt;

/// Exit codes that every verb shares (`capture`, `cni` and `docker-opts` keep their own tradition).
pub mod exit {
    /// Fine, delivered.
    pub const FINE: u8 = 0;
    /// A problem was found.
    pub const FOUND: u8 = 1;
    /// The command line is wrong.
    pub const USAGE: u8 = 2;
    /// The kernel, the store or a file could not be read.
    pub const UNREADABLE: u8 = 3;
    /// Interrupted by the user.
    pub const INTERRUPTED: u8 = 130;
}

/// An error on its way to the user.
#[derive(Debug)]
pub struct Failure {
    /// What could not be done: lower case, no full stop, names the thing.
    pub what: String,
    /// The cause as the layer below told it.
    pub because: Option<Box<dyn Error + Send + Sync>>,
    /// One sentence that tells the fix.
    pub hint: Option<String>,
    /// The process's exit code, see [`exit`].
    pub exit: u8,
}

impl Failure {
    /// A failure to read the kernel, a store or a file (exit 3).
    pub fn unreadable(what: impl Into<String>) -> Self {
        Self { what: what.into(), because: None, hint: None, exit: exit::UNREADABLE }
    }

    /// A wrong command line (exit 2).
    pub fn usage(what: impl Into<String>) -> Self {
        Self { what: what.into(), because: None, hint: None, exit: exit::USAGE }
    }

    /// A problem that the verb was asked to find or could not get over (exit 1).
    pub fn found(what: impl Into<String>) -> Self {
        Self { what: what.into(), because: None, hint: None, exit: exit::FOUND }
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.because = Some(cause.into());
        self
    }

    /// Adds the fix.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the fix that the layer below knows, if it knows one.
    #[must_use]
    pub fn hinted(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// The whole chain on one line: `what: cause: cause of the cause`.
    pub fn chain(&self) -> String {
        let mut text = self.what.clone();
        let mut next: Option<&(dyn Error + 'static)> =
            self.because.as_deref().map(|e| e as &(dyn Error + 'static));
        while let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        text
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.because.as_deref().map(|e| e as &(dyn Error + 'static))
    }
}
