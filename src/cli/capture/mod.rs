//! `flanctl capture`: tcpdump's command line, and what tcpdump cannot do. Joins sources, filters and consumers.

mod consume;
mod files;
mod flags;
mod gate;
mod table;
mod tree;
mod words;

use std::ffi::OsString;
use std::io::Write;

use consume::{Consumer, Counted, Lines};
use flags::{Ask, Before, Flags, Form};
use gate::Gate;
pub use tree::CaptureArgs;

use super::{Global, Output};
use crate::capture::ctx::Compat;
use crate::capture::names::Names;
use crate::error::{Failure, exit};

/// What the caller has to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Done {
    /// Nothing: this is the exit code.
    Code(u8),
    /// To print the verb's help: `-h` or `--help`.
    Help(&'static str),
}

/// The end of `capture -h`.
pub const EXAMPLES: &str = "These are the flags that most need; flanctl capture --help has all of tcpdump's.

Examples:
  flanctl capture                                  the tunnel ports of this host, on its uplink
  flanctl capture -nn -r node7.pcap                a file, decoded
  flanctl capture -i eth0 --inner 'host 10.244.1.8 and tcp'";

/// The end of `capture --help`.
pub const NOTES: &str = "Examples:
  flanctl capture                                  the tunnel ports of this host, on its uplink
  flanctl capture -nn -r node7.pcap                a file, decoded
  flanctl capture -i eth0 --inner 'host 10.244.1.8 and tcp'
  flanctl capture -i eth0 dst 192.168.50.12 -vvvvvv and udp -c 20
  flanctl capture -i any -w trace.pcapng udp port 8472
  flanctl capture -r trace.pcapng -o ndjson | jq .inner

Exit codes:
  0  the file was read or the capture ended, whatever was in it
  1  anything else, as tcpdump ends";

/// Runs `capture` with the words behind the verb; flags before it are in `global`.
pub fn run(words: &[OsString], global: &Global) -> Result<Done, Failure> {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let flags = match Flags::parse(&words, before(global)) {
        Ok(flags) => flags,
        Err(wrong) => {
            let hint = "flanctl capture --help lists the options";
            return Err(Failure::found(wrong.to_string()).hint(hint));
        }
    };
    match flags.ask {
        Ask::Help => Ok(Done::Help("--help")),
        Ask::Version => {
            writeln!(std::io::stdout(), "flanctl {}", env!("CARGO_PKG_VERSION"))
                .map_err(consume::unwritten)?;
            Ok(Done::Code(exit::FINE))
        }
        _ => packets(&flags).map(Done::Code),
    }
    .or_else(|failure| as_tcpdump(&flags, failure))
}

/// Flags before the verb as if they stood behind it.
fn before(global: &Global) -> Before {
    let Global { output, color, netns } = global;
    Before { json: *output == Output::Json, color: *color, netns: netns.clone() }
}

/// In tcpdump's clothes its name stands before an error, and no advice behind it.
fn as_tcpdump(flags: &Flags, failure: Failure) -> Result<Done, Failure> {
    if flags.print.compat == Compat::Ours {
        return Err(Failure { exit: exit::FOUND, ..failure });
    }
    // Nothing can be done about a closed stderr.
    let _ = writeln!(std::io::stderr(), "tcpdump: {}", failure.chain());
    Ok(Done::Code(exit::FOUND))
}

fn packets(flags: &Flags) -> Result<u8, Failure> {
    let mut gate = Gate::new(flags);
    let mut into = consumer(flags)?;
    files::read(flags, &mut gate, into.as_mut())?;
    Ok(exit::FINE)
}

fn consumer(flags: &Flags) -> Result<Box<dyn Consumer>, Failure> {
    if flags.form == Form::Count {
        return Ok(Box::new(Counted::new(consume::stdout())));
    }
    let printer = consume::printer(flags.print.clone(), Names::default());
    let each = flags.line_buffered;
    Ok(Box::new(Lines::new(printer, consume::stdout(), each, flags.sampling.unwrap_or(1))))
}
