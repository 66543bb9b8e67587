//! `flanctl capture`: tcpdump's command line, and what tcpdump cannot do. Joins sources, filters and consumers.

mod consume;
mod files;
mod flags;
mod gate;
#[cfg(feature = "pcap")]
mod live;
mod table;
mod tree;
#[cfg(feature = "pcap")]
mod uplink;
mod words;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};

use consume::{Consumer, Counted, Lines, Written};
use flags::{Ask, Before, Flags, Form};
use gate::Gate;
pub use tree::CaptureArgs;

use super::{Global, Output};
use crate::capture::bpf::{Insn, Program};
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
    let expr = expression(flags)?;
    if flags.dump > 0 {
        return dump(flags, &expr);
    }
    if flags.read.is_some() || flags.list.is_some() {
        let mut into = consumer(flags)?;
        files::read(flags, &mut Gate::new(flags, &expr), into.as_mut())?;
        return Ok(exit::FINE);
    }
    from_interfaces(flags, &expr)
}

#[cfg(feature = "pcap")]
fn from_interfaces(flags: &Flags, expr: &str) -> Result<u8, Failure> {
    let inside = match &flags.netns {
        Some(name) => Some(crate::kernel::netns::InNetns::enter(name).map_err(|e| {
            Failure::found(format!("network namespace {name}")).because(e).hint("see `ip netns list`")
        })?),
        None => None,
    };
    if flags.ask == Ask::Interfaces {
        let lines = crate::tap::live::interfaces()?;
        return told(&(lines.join("\n") + "\n"));
    }
    let mut taps = match (flags.interfaces.is_empty(), expr.is_empty()) {
        (false, _) => live::open(flags, &flags.interfaces, expr)?,
        (true, false) => live::open(flags, &[uplink::uplink(flags)?.0], expr)?,
        (true, true) => {
            let (name, tunnels) = uplink::uplink(flags)?;
            uplink::told(flags, &name, &tunnels);
            live::open(flags, &[name], &tunnels)?
        }
    };
    // The sockets stay in the namespace that they were opened in.
    drop(inside);
    live::told(flags, &taps);
    let mut into = consumer(flags)?;
    if let Some(tap) = taps.first() {
        into.open(tap.link)?;
    }
    crate::tap::shed::shed(flags.user.as_deref(), flags.write.is_some())?;
    live::run(flags, &mut taps, &mut Gate::new(flags, ""), into.as_mut())?;
    Ok(exit::FINE)
}

#[cfg(not(feature = "pcap"))]
fn from_interfaces(_flags: &Flags, _expr: &str) -> Result<u8, Failure> {
    Err(Failure::found("this build is without libpcap and reads files alone").hint("name one with -r FILE"))
}

/// The expression of the command line, or of the file of `-F`.
fn expression(flags: &Flags) -> Result<String, Failure> {
    let Some(file) = &flags.expr_file else { return Ok(flags.expr.clone()) };
    let text = crate::tap::text(file).map_err(|e| Failure::found(file.clone()).because(e))?;
    let lines: Vec<&str> = text.lines().map(|line| line.split('#').next().unwrap_or_default()).collect();
    Ok(lines.join(" "))
}

/// `-d`: the compiled filter.
fn dump(flags: &Flags, expr: &str) -> Result<u8, Failure> {
    let link = match (&flags.link_type, &flags.read) {
        (Some(name), _) => crate::tap::links::named(name)
            .ok_or_else(|| Failure::found(format!("invalid data link type {name}")))?,
        (None, Some(file)) => files::link_of(file)?,
        (None, None) => 1,
    };
    // An empty filter is one, too: it takes everything.
    let all = || Program(vec![Insn { code: 6, jt: 0, jf: 0, k: flags.snaplen }]);
    let program = crate::tap::filter::compile(expr, link, flags.optimize)?;
    let program = if program.0.is_empty() { all() } else { program };
    told(&match flags.dump {
        1 => program.listing(),
        2 => program.as_c(),
        _ => program.as_numbers(),
    })
}

fn told(text: &str) -> Result<u8, Failure> {
    std::io::stdout().write_all(text.as_bytes()).map_err(consume::unwritten)?;
    Ok(exit::FINE)
}

fn consumer(flags: &Flags) -> Result<Box<dyn Consumer>, Failure> {
    if flags.form == Form::Count {
        return Ok(Box::new(Counted::new(consume::stdout())));
    }
    let lines = || -> Box<dyn Consumer> {
        let printer = consume::printer(flags.print.clone(), names(flags));
        let each = flags.line_buffered || flags.packet_buffered || std::io::stdout().is_terminal();
        Box::new(Lines::new(printer, consume::stdout(), each, flags.sampling.unwrap_or(1)))
    };
    Ok(match &flags.write {
        Some(name) => Box::new(Written::new(flags, name, flags.and_print.then(lines))),
        None => lines(),
    })
}

/// Names in place of numbers, unless -n; interfaces by index whatever it says.
fn names(flags: &Flags) -> Names {
    let mut names = Names::default();
    for interface in nix::net::if_::if_nameindex().iter().flat_map(|list| list.iter()) {
        names.interface(interface.index(), &interface.name().to_string_lossy());
    }
    if flags.print.n {
        return names;
    }
    for (file, protocols) in [("/etc/services", false), ("/etc/protocols", true)] {
        // A host without the file has numbers.
        let text = crate::tap::text(file).unwrap_or_default();
        if protocols { names.protocols(&text) } else { names.services(&text) }
    }
    names.resolver = Some(Box::new(|ip| dns_lookup::lookup_addr(&ip).ok()));
    names
}
