//! Tables and JSON from one value. Writes to the writer it was given; knows no verb and no kernel.

mod dot;
mod listing;
mod parts;
mod path;
mod ports;
mod report;
mod rows;
mod scene;
mod svg;
mod table;

use std::io::{self, Write};

pub use dot::dot_lines;
pub use listing::{Listing, Source};
pub use parts::{finding_lines, shortened};
pub use path::{Detail, path_lines};
pub use ports::port_table;
pub use report::{MOST, kinds, own_form, report_lines};
pub use rows::{drift_table, lease_table};
pub use svg::svg_lines;
pub use table::{Grid, clean};

use crate::error::{Failure, exit};

/// Where an answer goes, and how it may look there.
pub struct Out<'a> {
    to: &'a mut dyn Write,
    /// Whether the state column is coloured.
    pub colour: bool,
    /// Columns of the terminal; `None` where the reader is a pipe or a file: then one row is one line.
    pub width: Option<u16>,
}

impl<'a> Out<'a> {
    /// Writes to `to`.
    pub fn new(to: &'a mut dyn Write, colour: bool, width: Option<u16>) -> Self {
        Self { to, colour, width }
    }

    /// Writes one line of plain text.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.to, "{text}").map_err(lost)
    }

    /// Writes a grid, fitted to the terminal.
    pub fn grid(&mut self, grid: &Grid) -> Result<(), Failure> {
        for line in grid.lines(self.width) {
            let line = if self.colour { table::coloured(&line) } else { line };
            self.line(&line)?;
        }
        Ok(())
    }

    /// Writes lines of prose, wrapped at the terminal's width.
    pub fn prose(&mut self, text: &str) -> Result<(), Failure> {
        for line in table::wrapped(&clean(text), self.width) {
            self.line(&line)?;
        }
        Ok(())
    }

    /// Writes a value as one line of JSON.
    pub fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|e| Failure::found("writing JSON").because(e))?;
        self.line(&text)
    }

    /// Hands on what is buffered: a stream's reader waits for it.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.to.flush().map_err(lost)
    }
}

/// The reader went away, or the disk is full.
fn lost(error: io::Error) -> Failure {
    let failure = Failure { exit: exit::UNREADABLE, ..Failure::found("writing the answer") };
    failure.because(error)
}
