//! Starts a program of the host, feeds it, waits for it, but never for ever.
#![expect(clippy::disallowed_methods, reason = "the one place of the firewall that starts programs")]

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How long a program may take. They take milliseconds; longer means that a lock is held or the kernel is stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a program left behind.
#[derive(Debug)]
pub struct Left {
    /// True if it ended with status 0.
    pub fine: bool,
    /// How it ended, for people: `exit status: 2`.
    pub status: String,
    /// Its standard output.
    pub out: String,
    /// Its standard error, trimmed.
    pub err: String,
}

/// A program could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// There is no such program.
    #[error("{program} is not installed")]
    Missing {
        /// Its name.
        program: String,
    },
    /// The kernel did not start it, or its pipes broke.
    #[error("running {program}")]
    Io {
        /// Its name.
        program: String,
        /// Cause.
        #[source]
        source: io::Error,
    },
    /// It was killed for being late.
    #[error("{program} did not end within {} s", patience.as_secs_f32())]
    Late {
        /// Its name.
        program: String,
        /// How long it was given.
        patience: Duration,
    },
}

/// Runs `program` in the network namespace of the calling thread with `input` on its standard input.
pub fn run(program: &str, args: &[&str], input: &str) -> Result<Left, ExecError> {
    run_within(PATIENCE, program, args, input)
}

fn run_within(patience: Duration, program: &str, args: &[&str], input: &str) -> Result<Left, ExecError> {
    let io = |source| ExecError::Io { program: program.to_owned(), source };
    let mut child = start(program, args)?;
    let pid = i32::try_from(child.id()).map_err(|_| io(io::ErrorKind::InvalidData.into()))?;
    let (done, wait) = mpsc::channel();
    let input = input.to_owned();
    std::thread::spawn(move || {
        if let Some(mut stdin) = child.stdin.take() {
            // A program that ends before it read everything tells why by its status.
            let _ = stdin.write_all(input.as_bytes());
        }
        let _ = done.send(child.wait_with_output());
    });
    let Ok(output) = wait.recv_timeout(patience) else {
        // Not reaped yet, so the number is still its own; the thread reaps it.
        let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
        return Err(ExecError::Late { program: program.to_owned(), patience });
    };
    let output = output.map_err(io)?;
    Ok(Left {
        fine: output.status.success(),
        status: output.status.to_string(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// Looks where PATH says and then where administrators' programs live, which services and users often leave out.
fn start(program: &str, args: &[&str]) -> Result<Child, ExecError> {
    for folder in ["", "/usr/sbin/", "/sbin/", "/usr/local/sbin/"] {
        let started = Command::new(format!("{folder}{program}"))
            .args(args)
            .env("LC_ALL", "C")
            // A group of its own: Ctrl-C at our terminal does not cut a transaction, and a late program goes
            // with all it started (modprobe).
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        match started {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            // A folder of PATH that this user may not enter is not a program that may not be started.
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied && folder.is_empty() => {}
            Err(source) => return Err(ExecError::Io { program: program.to_owned(), source }),
            Ok(child) => return Ok(child),
        }
    }
    Err(ExecError::Missing { program: program.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_output_and_status_come_through() {
        let left = run("sh", &["-c", "cat; echo oops >&2; exit 3"], "in\n").unwrap();
        assert_eq!((left.fine, left.out.as_str(), left.err.as_str()), (false, "in\n", "oops"));
        assert!(run("true", &[], &"x".repeat(1 << 20)).unwrap().fine, "unread input is no failure");
    }

    #[test]
    fn a_missing_program_is_told_by_name() {
        let said = run("flanctl-no-such-program", &[], "").unwrap_err().to_string();
        assert_eq!(said, "flanctl-no-such-program is not installed");
    }

    #[test]
    fn a_program_that_hangs_is_killed_in_time() {
        let patience = Duration::from_millis(100);
        for line in ["exec sleep 31", "trap '' TERM; cat >/dev/null; sleep 31; true"] {
            let error = run_within(patience, "sh", &["-c", line], "in").unwrap_err();
            assert_eq!(error.to_string(), "sh did not end within 0.1 s");
        }
    }
}
