//! Text in columns. On a terminal the columns are fitted to its width and long cells wrap; in a pipe a row is a line.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use owo_colors::OwoColorize;

use crate::readings::Standing;

/// A header and rows of cells.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    folded: Vec<Vec<String>>,
}

impl Grid {
    /// A grid with these column heads.
    pub fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new(), folded: Vec::new() }
    }

    /// Adds a row; a control character in a cell (a lease is untrusted input) never reaches the terminal.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|cell| clean(cell)).collect());
    }

    /// Adds a row that can fold: where the terminal is too narrow for all columns, `narrow` is shown instead, and
    /// `below` stands under the last of its cells, a line each.
    pub fn folding_row(&mut self, cells: Vec<String>, narrow: Vec<String>, below: &[String]) {
        let mut folded: Vec<String> = narrow.iter().map(|cell| clean(cell)).collect();
        if let Some(last) = folded.last_mut() {
            for line in below.iter().filter(|line| !line.is_empty()) {
                last.push('\n');
                last.push_str(&clean(line));
            }
        }
        self.folded.push(folded);
        self.row(cells);
    }

    /// The lines, none longer than `width` characters. A column without any content is left out.
    pub fn lines(&self, width: Option<u16>) -> Vec<String> {
        let Some(room) = width.filter(|_| self.folded.len() == self.rows.len()) else {
            return self.drawn(&self.rows, width);
        };
        let whole = self.drawn(&self.rows, None);
        if whole.iter().all(|line| line.chars().count() <= usize::from(room)) {
            return whole;
        }
        self.drawn(&self.folded, width)
    }

    fn drawn(&self, rows: &[Vec<String>], width: Option<u16>) -> Vec<String> {
        let used = |at: usize| rows.iter().any(|row| row.get(at).is_some_and(|cell| !cell.is_empty()));
        let keep: Vec<usize> = (0..self.header.len()).filter(|at| used(*at)).collect();
        if keep.is_empty() {
            return Vec::new();
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(keep.iter().filter_map(|at| self.header.get(*at).copied()));
        for row in rows {
            table.add_row(keep.iter().map(|at| row.get(*at).cloned().unwrap_or_default()));
        }
        match width {
            Some(width) => {
                table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
                // The first column is the state: a broken word there helps nobody.
                if width >= 40
                    && let Some(first) = table.column_mut(0)
                {
                    first.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
            None => {
                table.set_content_arrangement(ContentArrangement::Disabled);
            }
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table.lines().map(|line| cut(line.trim_end(), width)).collect()
    }
}

/// The text without control characters, on one line.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The part of a line that fits: columns cannot shrink below one character each.
fn cut(line: &str, width: Option<u16>) -> String {
    match width {
        Some(width) => line.chars().take(usize::from(width)).collect(),
        None => line.to_owned(),
    }
}

/// Prose in lines of at most `width` characters, broken at blanks where there are any.
pub(super) fn wrapped(text: &str, width: Option<u16>) -> Vec<String> {
    let Some(width) = width.map(|w| usize::from(w.max(1))) else { return vec![text.to_owned()] };
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let room = lines.last().map_or(0, |line| line.chars().count());
        let length = word.chars().count();
        if room > 0 && room + 1 + length > width {
            lines.push(String::new());
        }
        let Some(line) = lines.last_mut() else { continue };
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.iter().flat_map(|line| chunks(line, width)).collect()
}

fn chunks(line: &str, width: usize) -> Vec<String> {
    let all: Vec<char> = line.chars().collect();
    if all.is_empty() {
        return vec![String::new()];
    }
    all.chunks(width).map(|part| part.iter().collect()).collect()
}

/// The line with its first word coloured, if that word is a state.
pub(super) fn coloured(line: &str) -> String {
    let (word, rest) =
        line.split_once(' ').map_or((line, ""), |(word, _)| (word, line.get(word.len()..).unwrap_or("")));
    let Some(standing) = Standing::ALL.into_iter().find(|s| s.word() == word) else {
        return line.to_owned();
    };
    let word = match standing {
        Standing::Ok => word.green().to_string(),
        Standing::Missing | Standing::Wrong | Standing::Broken | Standing::Refused => word.red().to_string(),
        Standing::Stale | Standing::MaybeStale => word.yellow().to_string(),
        Standing::Foreign => word.dimmed().to_string(),
    };
    format!("{word}{rest}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Grid, coloured, wrapped};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn no_line_is_longer_than_the_terminal(
            width in 1u16..160,
            rows in proptest::collection::vec(proptest::collection::vec("[a-z0-9:. ]{0,60}", 5), 0..6),
            text in "[a-z ]{0,200}",
        ) {
            let mut grid = Grid::new(&["STATE", "NODE", "KERNEL", "LEASE", "NOTE"]);
            for row in rows {
                grid.row(row);
            }
            for line in grid.lines(Some(width)).iter().chain(&wrapped(&text, Some(width))) {
                prop_assert!(line.chars().count() <= usize::from(width), "{width}: {line:?}");
            }
        }

        #[test]
        fn no_folded_line_is_longer_than_the_terminal(
            width in 1u16..160,
            rows in proptest::collection::vec(proptest::collection::vec("[a-z0-9:. ]{0,60}", 5), 0..6),
        ) {
            let mut grid = Grid::new(&["STATE", "NODE", "KERNEL", "LEASE", "NOTE"]);
            for row in rows {
                let below = row.get(3..).unwrap_or_default().to_vec();
                let narrow = row.iter().take(3).cloned().collect();
                grid.folding_row(row, narrow, &below);
            }
            for line in grid.lines(Some(width)) {
                prop_assert!(line.chars().count() <= usize::from(width), "{width}: {line:?}");
            }
        }

        #[test]
        fn a_row_is_one_line_in_a_pipe(
            rows in proptest::collection::vec(proptest::collection::vec("[^a]{0,60}", 5), 1..6),
        ) {
            let mut grid = Grid::new(&["STATE", "NODE", "KERNEL", "LEASE", "NOTE"]);
            let some = rows.iter().flatten().any(|cell| !cell.is_empty());
            let count = rows.len();
            for row in rows {
                grid.row(row);
            }
            prop_assert_eq!(grid.lines(None).len(), if some { count + 1 } else { 0 });
        }
    }

    #[test]
    fn only_a_state_word_is_coloured() {
        assert_eq!(coloured("STATE  NODE"), "STATE  NODE");
        assert_eq!(coloured("okay"), "okay");
        assert_eq!(coloured("ok     node1"), "\u{1b}[32mok\u{1b}[39m     node1");
    }
}
