//! `flanctl snapshot`: one node at one moment, as a file that every reading verb takes with `--snapshot`.
#![expect(clippy::disallowed_methods, reason = "the hands on the snapshot file")]

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;

use super::Global;
use super::gather::{Depth, gather};
use super::look::LookArgs;
use crate::error::{Failure, exit};
use crate::render::Out;
use crate::snapshot::Snapshot;
use crate::snapshot::redact::{Cut, Key, Map, Redacted, redact};

/// Keys that are tried before it is accepted that one original stands for another.
const DRAWS: u32 = 16;

/// Flags of `snapshot`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudo flanctl snapshot node7.json       everything that can be seen on this node
  flanctl route --snapshot node7.json    the routes of that node, at home
  ssh node7 sudo flanctl snapshot - > node7.json
  flanctl snapshot --snapshot node7.json --redact --map secret.map public.json
                                         the same for strangers: other addresses and names, the same verdicts
  grep 10.244.1.0 secret.map             which subnet stands for that one now

No snapshot holds a key, a password or a token, redacted or not.")]
pub struct SnapshotArgs {
    /// The file to write, or - for standard output
    #[arg(value_name = "FILE|-", default_value = "-")]
    file: PathBuf,
    /// Put other addresses, MACs and names in place of the real ones, so that every verdict stays
    #[arg(long)]
    redact: bool,
    /// Write here what stands for what; a map that is there already is gone by, so that two nodes' snapshots fit
    #[arg(long, value_name = "FILE", requires = "redact")]
    map: Option<PathBuf>,
    #[command(flatten)]
    look: LookArgs,
}

/// Runs `snapshot`.
pub fn run(args: &SnapshotArgs, global: &Global, out: &mut Out<'_>) -> Result<u8, Failure> {
    let look = gather(global, &args.look, Depth::WHOLE)?;
    let mut node = look.snapshot;
    node.unseen.extend(look.unreadable);
    if args.redact {
        node = redacted(node, args.map.as_deref())?;
    }
    let text = node.encode().map_err(|e| Failure::unreadable("the snapshot").because(e))?;
    drop(node);
    if args.file == Path::new("-") {
        out.line(&text)?;
    } else {
        write(&args.file, &text)?;
    }
    Ok(exit::FINE)
}

/// With other words in it; what stands for what goes into the map, if one is wanted.
fn redacted(node: Snapshot, map: Option<&Path>) -> Result<Snapshot, Failure> {
    let earlier = map.map(read_map).transpose()?.flatten();
    let Redacted { snapshot, map: mut new } = match &earlier {
        Some((path, earlier)) => {
            fits(earlier, &node, path)?;
            redact(node, earlier.key, Some(earlier.cut))
        }
        None => drawn(node),
    };
    if let Some(path) = map {
        if let Some((_, earlier)) = earlier {
            new.extend(earlier);
        }
        write(path, new.text().trim_end())?;
    }
    Ok(snapshot)
}

/// Under a key by which no original is seen again.
fn drawn(node: Snapshot) -> Redacted {
    let draw = || Key::new(rand::random());
    let tries = (1..DRAWS).map(|_| redact(node.clone(), draw(), None));
    let sound = { tries }.find(|redacted| !redacted.map.leaks());
    sound.unwrap_or_else(|| redact(node, draw(), None))
}

/// The map that is there already.
fn read_map(path: &Path) -> Result<Option<(&Path, Map)>, Failure> {
    let what = || Failure::unreadable(format!("map {}", path.display()));
    match fs::read_to_string(path) {
        Ok(text) => Map::parse(&text).map(|map| Some((path, map))).map_err(|e| what().because(e)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(what().because(e)),
    }
}

/// Refuses a map that would tear this node's leases.
fn fits(map: &Map, node: &Snapshot, path: &Path) -> Result<(), Failure> {
    let (have, need) = (map.cut, Cut::of(node));
    if have.v4 <= need.v4 && have.v6 <= need.v6 {
        return Ok(());
    }
    Err(Failure::unreadable(format!("map {}: it is of a cluster with smaller subnets", path.display()))
        .hint("name another file with --map: it is made anew"))
}

/// Whole or not at all, and for its owner's eyes: a reader sees the old file or the new one.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let lost = |e: std::io::Error| Failure::unreadable(format!("writing {}", path.display())).because(e);
    let temp = path.with_added_extension(format!("{}.tmp", std::process::id()));
    let fill = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temp)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&temp, path)
    };
    let done = fill();
    if done.is_err() {
        // What is left of a failed write helps nobody; the first error is the one to tell.
        let _ = fs::remove_file(&temp);
    }
    done.map_err(lost)
}
