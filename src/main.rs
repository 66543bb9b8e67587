//! The door: which program was asked for, its failure in words, its exit code. Nothing else.
#![expect(clippy::disallowed_methods, reason = "argv and CNI_COMMAND are read here, once")]

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use flanctl::cli;
use flanctl::error::{Failure, exit};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let cni = std::env::var_os("CNI_COMMAND").is_some();
    match cli::main(args, cni) {
        Ok(code) => ExitCode::from(code),
        // `flanctl route | head` is no failure.
        Err(failure) if reader_left(&failure) => ExitCode::from(exit::FINE),
        Err(failure) => {
            // Nothing can be done about a closed stderr.
            let _ = tell(&failure, &mut io::stderr().lock());
            ExitCode::from(failure.exit)
        }
    }
}

fn tell(failure: &Failure, to: &mut dyn Write) -> io::Result<()> {
    writeln!(to, "flanctl: {}", failure.chain())?;
    match &failure.hint {
        Some(hint) => writeln!(to, "hint: {hint}"),
        None => Ok(()),
    }
}

fn reader_left(failure: &Failure) -> bool {
    let cause = failure.because.as_deref().and_then(|e| e.downcast_ref::<io::Error>());
    cause.is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}
