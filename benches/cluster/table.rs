//! The result: one table, every row beside its peer and its mark.

use std::fmt;
use std::time::Duration;

/// One figure.
struct Row {
    what: String,
    peers: u32,
    ours: String,
    peer: String,
    ratio: String,
    mark: String,
    kept: Option<bool>,
}

/// All figures, in the order they were measured.
pub struct Table {
    /// What the figures are taken at a number of.
    column: &'static str,
    rows: Vec<Row>,
}

/// What a figure must not exceed.
#[derive(Clone, Copy)]
pub struct Mark {
    /// The limit, in the figure's unit.
    pub below: f64,
    /// At which number of peers it counts.
    pub at: u32,
}

impl Table {
    /// No figures yet; they will be taken at so many of `column`.
    pub fn of(column: &'static str) -> Self {
        Self { column, rows: Vec::new() }
    }

    /// Adds a figure with the peer's, both in `unit`.
    pub fn add(&mut self, what: &str, peers: u32, ours: f64, unit: &str, peer: Option<f64>, marks: &[Mark]) {
        let mark = marks.iter().find(|m| m.at == peers);
        self.rows.push(Row {
            what: what.to_owned(),
            peers,
            ours: shown(ours, unit),
            peer: peer.map(|p| shown(p, unit)).unwrap_or_default(),
            ratio: peer.map(|p| format!("{:.1}x", p / ours)).unwrap_or_default(),
            mark: mark.map(|m| format!("< {} {unit}", m.below)).unwrap_or_default(),
            kept: mark.map(|m| ours < m.below),
        });
        eprintln!("  {what} at {peers}: {}", shown(ours, unit));
    }

    /// Adds a figure whose mark is how many times faster than the peer it is.
    pub fn add_faster(&mut self, what: &str, peers: u32, ours: f64, peer: f64, times: Option<f64>) {
        self.add(what, peers, ours, "s", Some(peer), &[]);
        if let (Some(row), Some(times)) = (self.rows.last_mut(), times) {
            row.mark = format!(">= {times}x");
            row.kept = Some(peer / ours >= times);
        }
    }

    /// Adds a figure that must not exceed the peer's.
    pub fn add_no_more(&mut self, what: &str, peers: u32, ours: f64, unit: &str, peer: f64) {
        self.add(what, peers, ours, unit, Some(peer), &[]);
        if let Some(row) = self.rows.last_mut() {
            row.ratio.clear();
            "no more".clone_into(&mut row.mark);
            row.kept = Some(ours <= peer);
        }
    }

    /// Adds a plain number.
    pub fn note(&mut self, what: &str, peers: u32, ours: f64, unit: &str) {
        self.add(what, peers, ours, unit, None, &[]);
    }
}

fn shown(value: f64, unit: &str) -> String {
    match value {
        v if v >= 100.0 => format!("{v:.0} {unit}"),
        v if v >= 10.0 => format!("{v:.1} {unit}"),
        v if v >= 1.0 => format!("{v:.2} {unit}"),
        v => format!("{v:.3} {unit}"),
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| figure | {} | ours | peer | ratio | mark | |", self.column)?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---|")?;
        for Row { what, peers, ours, peer, ratio, mark, kept } in &self.rows {
            let kept = match kept {
                Some(true) => "kept",
                Some(false) => "MISSED",
                None => "",
            };
            writeln!(f, "| {what} | {peers} | {ours} | {peer} | {ratio} | {mark} | {kept} |")?;
        }
        Ok(())
    }
}

/// Samples in order, for quantiles.
pub struct Samples(Vec<f64>);

impl Samples {
    /// In milliseconds.
    pub fn of(samples: impl IntoIterator<Item = Duration>) -> Self {
        let mut samples: Vec<f64> = samples.into_iter().map(|d| d.as_secs_f64() * 1e3).collect();
        samples.sort_by(f64::total_cmp);
        Self(samples)
    }

    /// The value that `q` of 100 samples stay below.
    pub fn at(&self, q: usize) -> f64 {
        self.0[(self.0.len() * q / 100).min(self.0.len() - 1)]
    }
}
