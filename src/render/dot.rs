//! A packet's way in the language of graphviz.

use std::fmt::Write as _;

use super::scene::{Block, Look, Scene, scene};
use crate::trace::Path;

/// The lines of a `digraph`.
pub fn dot_lines(path: &Path) -> Vec<String> {
    let Scene { title, groups, blocks, arrows } = scene(path);
    let mut lines = vec![
        "digraph path {".to_owned(),
        format!("  label={}; labelloc=t; rankdir=TB;", quoted(&[title])),
        "  node [shape=box, style=rounded, fontname=\"monospace\"]; edge [fontname=\"monospace\"];"
            .to_owned(),
    ];
    for (at, name) in groups.iter().enumerate() {
        lines.push(format!("  subgraph cluster_{at} {{"));
        lines.push(format!("    label={};", quoted(std::slice::from_ref(name))));
        let inside = blocks.iter().enumerate().filter(|(_, block)| block.group == Some(at));
        lines.extend(inside.map(|(place, block)| format!("    {}", node(place, block))));
        lines.push("  }".to_owned());
    }
    let ends = blocks.iter().enumerate().filter(|(_, block)| block.group.is_none());
    lines.extend(ends.map(|(place, block)| format!("  {}", node(place, block))));
    for arrow in &arrows {
        let label = match arrow.label.as_str() {
            "" => String::new(),
            label => format!(", label={}, fontcolor=red", quoted(&[label.to_owned()])),
        };
        let look = match arrow.look {
            Look::Fine => "style=solid",
            Look::Bad => "color=red, penwidth=2, style=dashed, arrowhead=tee",
            Look::Unseen => "style=dashed",
        };
        lines.push(format!("  n{} -> n{} [{look}{label}];", arrow.from, arrow.to));
    }
    lines.push("}".to_owned());
    lines
}

fn node(place: usize, block: &Block) -> String {
    let text: Vec<String> = std::iter::once(block.name.clone()).chain(block.lines.iter().cloned()).collect();
    let shape = if block.end { ", shape=ellipse" } else { "" };
    let look = match (block.look, block.end) {
        (Look::Fine, _) => "",
        (Look::Bad, _) => ", color=red, fontcolor=red",
        (Look::Unseen, true) => ", style=dashed",
        (Look::Unseen, false) => ", style=\"rounded,dashed\"",
    };
    format!("n{place} [label={}{shape}{look}];", quoted(&text))
}

/// A label: lines set left, nothing in them can end it.
fn quoted(lines: &[String]) -> String {
    let mut text = String::from("\"");
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            text.push_str("\\l");
        }
        for c in line.chars() {
            match c {
                '"' | '\\' => {
                    // Writing to a String does not fail.
                    let _ = write!(text, "\\{c}");
                }
                c => text.push(c),
            }
        }
    }
    if lines.len() > 1 {
        text.push_str("\\l");
    }
    text.push('"');
    text
}
