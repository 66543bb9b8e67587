//! `flanctl snapshot`: one node at one moment, as a file that every reading verb takes with `--snapshot`.
#![expect(clippy::disallowed_methods, reason = "the hands on the snapshot file")]

use std::path::{Path, PathBuf};

use clap::Args;

use super::Global;
use super::gather::{Depth, gather};
use super::look::LookArgs;
use crate::error::{Failure, exit};
use crate::render::Out;

/// Flags of `snapshot`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudo flanctl snapshot node7.json       everything that can be seen on this node
  flanctl route --snapshot node7.json    the routes of that node, at home
  ssh node7 sudo flanctl snapshot - > node7.json")]
pub struct SnapshotArgs {
    /// The file to write, or - for standard output
    #[arg(value_name = "FILE|-", default_value = "-")]
    file: PathBuf,
    #[command(flatten)]
    look: LookArgs,
}

/// Runs `snapshot`.
pub fn run(args: &SnapshotArgs, global: &Global, out: &mut Out<'_>) -> Result<u8, Failure> {
    let look = gather(global, &args.look, Depth::WHOLE)?;
    let mut node = look.snapshot;
    node.unseen.extend(look.unreadable);
    let text = node.encode().map_err(|e| Failure::unreadable("the snapshot").because(e))?;
    if args.file == Path::new("-") {
        out.line(&text)?;
    } else {
        write(&args.file, &text)?;
    }
    Ok(exit::FINE)
}

/// Whole or not at all: a reader sees the old file or the new one.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let lost = |e: std::io::Error| Failure::unreadable(format!("writing {}", path.display())).because(e);
    let temp = path.with_added_extension(format!("{}.tmp", std::process::id()));
    let done = std::fs::write(&temp, format!("{text}\n")).and_then(|()| std::fs::rename(&temp, path));
    if done.is_err() {
        // What is left of a failed write helps nobody; the first error is the one to tell.
        let _ = std::fs::remove_file(&temp);
    }
    done.map_err(lost)
}
