//! Starts a verb, prints a failure, answers the exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use flanctl::cli::lab;

#[derive(Parser)]
enum Cli {
    Lab(lab::LabArgs),
}

fn main() -> ExitCode {
    let Cli::Lab(args) = Cli::parse();
    match lab::run(args, false, &mut io::stdout()) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            let mut to = io::stderr();
            let _ = writeln!(to, "flanctl: {}", failure.chain());
            if let Some(hint) = &failure.hint {
                let _ = writeln!(to, "hint: {hint}");
            }
            ExitCode::from(failure.exit)
        }
    }
}
