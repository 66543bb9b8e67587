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
    let titled = command.clone().name(name.to_owned()).bin_name(name.replace('-', " "));
    // The page has every flag, whatever `-h` leaves out.
    let titled = titled.mut_args(|arg| arg.hide_short_help(false));
    let end = titled.get_after_long_help().or(titled.get_after_help()).map(ToString::to_string);
    let man =
        clap_mangen::Man::new(titled).title(name.to_uppercase()).source("flanctl").manual("flanctl manual");
    let text = rendered(&man, command, &end.unwrap_or_default());
    let text = text.map_err(|e| Failure::found(format!("man page {name}")).because(e))?;
    pages.push((format!("{name}.1"), text));
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        page(verb, &format!("{name}-{}", verb.get_name()), pages)?;
    }
    Ok(())
}

/// The page's sections; the end of the help (`end`) has titles of its own, and lines that must not be joined.
fn rendered(man: &clap_mangen::Man, command: &clap::Command, end: &str) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    if command.get_arguments().any(|arg| !arg.is_hide_set()) {
        man.render_options_section(&mut text)?;
    }
    if command.get_subcommands().any(|verb| !verb.is_hide_set()) {
        man.render_subcommands_section(&mut text)?;
    }
    text.extend_from_slice(sections(end).as_bytes());
    if command.get_version().is_some() {
        man.render_version_section(&mut text)?;
    }
    Ok(once(&text, ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n"))
}

/// The text with only the first of each section's preamble.
fn once(text: &[u8], preamble: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    match text.split_once(preamble) {
        Some((before, after)) => [before, preamble, &after.replace(preamble, "")].concat().into_bytes(),
        None => text.into_owned().into_bytes(),
    }
}

/// `States:` and the indented lines below it as a section, line by line; what stands before any title as notes.
fn sections(end: &str) -> String {
    let mut page = String::new();
    let mut open = false;
    for line in end.lines() {
        let title = line.strip_suffix(':').filter(|title| !title.contains(' ') || *title == "Exit codes");
        if let Some(title) = title.filter(|title| title.starts_with(char::is_uppercase)) {
            page = page.trim_end().to_owned() + if open { "\n.fi\n" } else { "\n" };
            page.push_str(&format!(".SH {:?}\n.nf\n", title.to_uppercase()));
            open = true;
        } else if open {
            page.push_str(&roff_line(line.strip_prefix("  ").unwrap_or(line)));
        } else {
            page.push_str(if page.trim().is_empty() { ".SH NOTES\n" } else { "" });
            page.push_str(&if line.is_empty() { ".PP\n".to_owned() } else { roff_line(line) });
        }
    }
    page.push_str(if open { ".fi\n" } else { "" });
    page.trim_start().to_owned()
}

/// One line of text that roff prints as it stands.
fn roff_line(line: &str) -> String {
    // `Aq` is the plain apostrophe, which a shell takes.
    let text = line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\*(Aq");
    let guard = if text.starts_with('.') { "\\&" } else { "" };
    format!("{guard}{text}\n")
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
