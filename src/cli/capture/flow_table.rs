//! `--flows`: a table of flows, drawn again every second on a terminal, and whole at the end; or one JSON document.
#![expect(clippy::disallowed_methods, reason = "a table that is drawn once a second looks at the clock")]

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::consume::{self, Consumer, unwritten};
use super::flags::{Flags, Form, Wrong};
use super::values::wrong;
use crate::capture::ctx::{Compat, Time, Tunnels};
use crate::capture::flows::report::{Known, Report};
use crate::capture::flows::text::{Look, lines};
use crate::capture::flows::{Beat, Flows};
use crate::capture::names::Names;
use crate::capture::nodes::Nodes;
use crate::capture::packet::Packet;
use crate::error::Failure;
use crate::schema;
use crate::tap::sink::Interface;

/// Flows that are remembered unless `--max-flows` says another.
const MOST: usize = 10_000;

/// How often the table is drawn.
const EVERY: Duration = Duration::from_secs(1);

/// The clock is looked at once in so many packets.
const GLANCE: u64 = 64;

/// `--flows` is given only with what it can be told with.
pub(super) fn fits(flags: &Flags) -> Result<(), Wrong> {
    if !flags.flows {
        return if flags.max_flows.is_some() {
            wrong("--max-flows bounds --flows: give both")
        } else {
            Ok(())
        };
    }
    let print = &flags.print;
    let about_packets = [
        (print.compat != Compat::Ours, "--compat"),
        (flags.form == Form::Count, "--count"),
        (print.x > 0, "-x"),
        (print.xx > 0, "-X"),
        (print.a > 0, "-A"),
        (print.e, "-e"),
        (print.v > 0, "-v"),
        (print.q > 0, "-q"),
        (print.time != Time::Day, "-t"),
        (print.number, "-#"),
        (print.lengths, "--lengths"),
        (print.absolute, "-S"),
        (print.one_line, "-g"),
        (print.force.is_some(), "-T"),
        (flags.sampling.is_some(), "--print-sampling"),
    ];
    if let Some((_, option)) = about_packets.iter().find(|(given, _)| *given) {
        return wrong(format!("--flows tells of flows and {option} of packets: one of them"));
    }
    if flags.write.as_deref() == Some("-") {
        return wrong("--flows and -w - both write to standard output: name a file with -w");
    }
    Ok(())
}

/// Gathers flows.
pub(super) struct FlowTable {
    flows: Flows,
    tunnels: Tunnels,
    known: Known,
    ports: Option<Names>,
    json: bool,
    /// Whether a file's word for its nodes is wanted.
    annotate: bool,
    to: Box<dyn Write>,
    screen: Option<Screen>,
    packets: u64,
    /// When the last packet was there, and whether another has come since.
    came: Instant,
    fresh: bool,
}

/// A terminal.
struct Screen {
    /// Lines that stand there.
    lines: usize,
    /// Its columns and rows when they were written.
    size: (u16, u16),
    next: Instant,
    /// Whether packets come as they pass; a file is over before anybody reads a table.
    live: bool,
}

/// `flanctl.flows/1`.
#[derive(Serialize)]
struct Document<'a> {
    schema: String,
    #[serde(flatten)]
    report: &'a Report,
}

impl FlowTable {
    /// With names as they are known; `live` if packets come from interfaces.
    pub(super) fn new(flags: &Flags, known: Known, ports: Option<Names>, live: bool) -> Self {
        let beat = if live { Beat::Live } else { Beat::FILE };
        let now = Instant::now();
        let draws = !flags.json && std::io::stdout().is_terminal() && !is_dumb();
        Self {
            flows: Flows::new(flags.max_flows.unwrap_or(MOST), beat, flags.print.nano),
            tunnels: flags.print.tunnels.clone(),
            known,
            ports,
            json: flags.json,
            annotate: flags.json || super::annotates(flags),
            to: consume::stdout(),
            screen: draws.then(|| Screen { lines: 0, size: size(), next: now + EVERY, live }),
            packets: 0,
            came: now,
            fresh: false,
        }
    }

    /// The time by the clock of the packets, which may be another host's.
    fn now(&self) -> i64 {
        let since = i64::try_from(self.came.elapsed().as_nanos()).unwrap_or(0);
        self.flows.now().unwrap_or(0).saturating_add(since)
    }

    /// Draws the table where it stands, if it is time to.
    fn draw(&mut self) -> Result<(), Failure> {
        let Some(screen) = &self.screen else { return Ok(()) };
        let at = Instant::now();
        if at < screen.next {
            return Ok(());
        }
        if std::mem::take(&mut self.fresh) {
            self.came = at;
        }
        let size @ (width, height) = size();
        // Head and column heads, and the line that the cursor is on.
        let rows = usize::from(height).saturating_sub(3).max(1);
        let report = self.flows.report(Some(rows), &self.known, self.now());
        let text = lines(&report, Look { width: Some(width), names: self.ports.as_ref() });
        let Some(screen) = &mut self.screen else { return Ok(()) };
        let mut out = if screen.size == size { above(screen.lines) } else { "\x1b[2J\x1b[H".to_owned() };
        for line in &text {
            out.push_str(line);
            out.push_str("\x1b[K\n");
        }
        out.push_str("\x1b[J");
        *screen = Screen { lines: text.len(), size, next: at + EVERY, live: screen.live };
        self.write(&out)
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.to.write_all(text.as_bytes()).and_then(|()| self.to.flush()).map_err(unwritten)
    }
}

/// Back to the first of the lines that stand there.
fn above(lines: usize) -> String {
    if lines == 0 { String::new() } else { format!("\x1b[{lines}A\r") }
}

/// Columns and rows.
fn size() -> (u16, u16) {
    let told = terminal_size::terminal_size().map(|(width, height)| (width.0, height.0));
    told.filter(|(width, height)| *width > 0 && *height > 0).unwrap_or((80, 24))
}

/// A terminal that cannot go back to a line.
fn is_dumb() -> bool {
    std::env::var("TERM").is_ok_and(|term| term == "dumb")
}

impl Consumer for FlowTable {
    fn packet(&mut self, _number: u64, packet: &Packet<'_>) -> Result<(), Failure> {
        self.flows.packet(packet, &self.tunnels);
        self.packets += 1;
        self.fresh = true;
        let live = self.screen.as_ref().is_some_and(|screen| screen.live);
        if live && self.packets.is_multiple_of(GLANCE) { self.draw() } else { Ok(()) }
    }

    fn interfaces(&mut self, interfaces: &[Interface]) {
        self.known.interfaces = interfaces.iter().map(|interface| interface.name.clone()).collect();
    }

    fn called(&mut self, interfaces: &mut dyn Iterator<Item = &str>) {
        self.known.interfaces = interfaces.map(str::to_owned).collect();
    }

    fn told(&mut self, nodes: &Nodes, ports: &[u16]) {
        if self.annotate && !nodes.0.is_empty() {
            self.known.nodes = nodes.clone();
        }
        self.tunnels.add(ports);
    }

    fn pause(&mut self) -> Result<(), Failure> {
        if let Some(screen) = &mut self.screen {
            screen.live = true;
        }
        self.draw()
    }

    fn finish(&mut self) -> Result<(), Failure> {
        let last = self.flows.now().unwrap_or(0);
        let report = self.flows.report(None, &self.known, last);
        if self.json {
            let document = Document { schema: schema::name("flows", 1), report: &report };
            let text =
                serde_json::to_string(&document).map_err(|e| Failure::found("writing JSON").because(e))?;
            return self.write(&(text + "\n"));
        }
        let drawn = self.screen.take();
        let width = drawn.as_ref().map(|_| size().0);
        let text = lines(&report, Look { width, names: self.ports.as_ref() });
        let before = drawn.map_or_else(String::new, |screen| above(screen.lines) + "\x1b[J");
        self.write(&format!("{before}{}\n", text.join("\n")))
    }
}
