//! A store that does not answer: in words, as a failure, and the wait until the next attempt.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::Failure;
use crate::store::StoreError;

/// A store's failure with its advice.
pub fn store_failure(e: StoreError) -> Failure {
    let hint = e.hint();
    Failure::unreadable("the lease store").because(e).hinted(hint)
}

/// Whether waiting may help.
pub fn passes(e: &StoreError) -> bool {
    !matches!(e, StoreError::Setup { .. })
}

/// A store error with its causes.
pub fn words(e: &StoreError) -> String {
    let mut text = e.to_string();
    let mut next = std::error::Error::source(e);
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// Waits with back-off and says so at once, then once a minute.
pub struct Trouble {
    pause: Duration,
    said: Option<Instant>,
}

impl Trouble {
    const SLOWEST: Duration = Duration::from_secs(5);
    const QUIET: Duration = Duration::from_secs(60);

    /// Nothing was said yet.
    pub fn new() -> Self {
        Self { pause: Duration::from_millis(250), said: None }
    }

    /// After a failed attempt at the store.
    pub async fn wait(&mut self, e: &StoreError) {
        let hint = e.hint().map(|h| format!(" (hint: {h})")).unwrap_or_default();
        let line = match e {
            StoreError::NoConfig { .. } => format!("Couldn't fetch network config: {e}; retrying{hint}"),
            _ => format!(
                "{}; retrying. No store yet? try `flanctl lab demo`, or --store dir:PATH{hint}",
                words(e)
            ),
        };
        self.say(&line).await;
    }

    /// After any other failed attempt.
    pub async fn say(&mut self, line: &str) {
        if self.said.is_none_or(|at| at.elapsed() >= Self::QUIET) {
            tracing::warn!("{line}");
            self.said = Some(Instant::now());
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Self::SLOWEST);
    }
}
