//! How log lines look: plain text, klog's form (what flanneld writes and operators grep), or JSON. All to stderr.

use std::fmt;
use std::process;

use jiff::{Timestamp, tz::TimeZone};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::config::LogFormat;

/// Sets the process's log up; a second call changes nothing.
pub fn start(format: LogFormat, verbosity: u8) {
    let level = match verbosity {
        0 => LevelFilter::INFO,
        1..=4 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // Libraries below speak up only when asked with a high number: flannel's -v 10 is read as "everything of ours".
    let filter = tracing_subscriber::EnvFilter::new(format!("warn,flanctl={level}"));
    let base = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match format {
        LogFormat::Json => base.json().flatten_event(true).with_current_span(false).try_init(),
        LogFormat::Text => base.event_format(Plain).try_init(),
        LogFormat::Glog => base.event_format(Klog { tz: TimeZone::system() }).try_init(),
    };
}

/// `2026-01-02T15:04:05.123Z INFO  message key=value`
struct Plain;

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        write!(to, "{now} {:<5} {}", event.metadata().level(), words(event))?;
        writeln!(to)
    }
}

/// `I0102 15:04:05.123456    pid file.rs:line] message`, as klog writes in local time.
struct Klog {
    tz: TimeZone,
}

impl<S, N> FormatEvent<S, N> for Klog
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let meta = event.metadata();
        let now = Timestamp::now().to_zoned(self.tz.clone()).strftime("%m%d %H:%M:%S%.6f").to_string();
        let file = meta.file().and_then(|f| f.rsplit('/').next()).unwrap_or("?");
        let line = meta.line().unwrap_or(0);
        writeln!(to, "{}{now} {:>7} {file}:{line}] {}", letter(*meta.level()), process::id(), words(event))
    }
}

fn letter(level: Level) -> char {
    match level {
        Level::ERROR => 'E',
        Level::WARN => 'W',
        _ => 'I',
    }
}

/// The message, then the other fields as `key=value`.
fn words(event: &Event<'_>) -> String {
    let mut words = Words::default();
    event.record(&mut words);
    words.message + &words.fields
}

#[derive(Default)]
struct Words {
    message: String,
    fields: String,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.fields.push_str(&format!(" {name}={value:?}")),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            name => self.fields.push_str(&format!(" {name}={value}")),
        }
    }
}
