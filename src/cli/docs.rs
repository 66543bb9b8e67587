//! `flanctl docs`: man pages and completions from the clap tree.
#![expect(clippy::disallowed_methods, reason = "writes the pages that it was asked for")]

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::Cli;
use crate::error::Failure;
use crate::render::Out;

/// Flags of `docs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  flanctl docs man                       writes man/flanctl.1, man/flanctl-fdb.1, …
  flanctl docs completions /tmp/c        writes /tmp/c/flanctl.bash, /tmp/c/_flanctl, …")]
pub struct DocsArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One page a verb
    #[command(after_help = "Examples:
  flanctl docs man
  flanctl docs man /usr/local/share/man/man1")]
    Man {
        /// Where to
        #[arg(default_value = "man")]
        dir: PathBuf,
    },
    /// For bash, zsh, fish, elvish and powershell
    #[command(after_help = "Examples:
  flanctl docs completions
  flanctl docs completions /tmp/c && . /tmp/c/flanctl.bash")]
    Completions {
        /// Where to
        #[arg(default_value = "completions")]
        dir: PathBuf,
    },
}

/// Runs `docs`; tells each file.
pub fn run(args: DocsArgs, out: &mut Out<'_>) -> Result<u8, Failure> {
    let (dir, pages) = match args.what {
        What::Man { dir } => (dir, man()?),
        What::Completions { dir } => (dir, completions()),
    };
    let told = |path: &Path| format!("writing {}", path.display());
    fs::create_dir_all(&dir).map_err(|e| Failure::unreadable(told(&dir)).because(e))?;
    for (name, bytes) in pages {
        let path = dir.join(name);
        fs::write(&path, bytes).map_err(|e| Failure::unreadable(told(&path)).because(e))?;
        out.line(&path.display().to_string())?;
    }
    Ok(crate::error::exit::FINE)
}

/// File name and text of every man page.
pub fn man() -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut pages = Vec::new();
    page(&root, "flanctl", &mut pages)?;
    Ok(pages)
}

/// One page, then those of the verbs below; `route show` and its like are described where they belong.
fn page(command: &clap::Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) -> Result<(), Failure> {
    let mut text = Vec::new();
    let titled = command.clone().name(name.to_owned()).bin_name(name.replace('-', " "));
    let man =
        clap_mangen::Man::new(titled).title(name.to_uppercase()).source("flanctl").manual("flanctl manual");
    man.render(&mut text).map_err(|e| Failure::found(format!("man page {name}")).because(e))?;
    pages.push((format!("{name}.1"), text));
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        page(verb, &format!("{name}-{}", verb.get_name()), pages)?;
    }
    Ok(())
}

/// File name and text of every shell's completions.
pub fn completions() -> Vec<(String, Vec<u8>)> {
    let shells = Shell::value_variants().iter();
    shells
        .map(|shell| {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "flanctl", &mut text);
            (clap_complete::Generator::file_name(shell, "flanctl"), text)
        })
        .collect()
}
